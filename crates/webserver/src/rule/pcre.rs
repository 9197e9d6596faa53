//! Bytes and sets of bytes as PCRE text of a safe alphabet.
//!
//! Only letters, digits and `[ ] ( ) { } ? * + | ^ - : = ! < > . \` are written: no quote, no blank
//! and nothing by which a server's language begins a variable or a comment. So no pattern can leave
//! its quotes, in whichever language it stands.

use std::fmt::Write as _;

use stopgap_pattern::ast::ByteSet;

/// A byte.
pub(crate) fn byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() {
        char::from(byte).to_string()
    } else {
        format!("\\x{byte:02X}")
    }
}

/// The bytes of a text, as they are.
pub(crate) fn text(text: &str) -> String {
    text.bytes().map(byte).collect()
}

/// One byte of a set.
pub(crate) fn class(set: &ByteSet) -> String {
    let mut bytes = set.iter();
    match (bytes.next(), bytes.next()) {
        (None, _) => return "(?!)".into(),
        (Some(single), None) => return byte(single),
        _ => {}
    }
    let complement = set.complement();
    let (plain, negated) = (ranges(set, &byte), ranges(&complement, &byte));
    if complement != ByteSet::EMPTY && negated.len() < plain.len() {
        return format!("[^{negated}]");
    }
    format!("[{plain}]")
}

/// The two hexadecimal digits, in either case, of a byte of a set that is not empty.
pub(crate) fn escape_digits(set: &ByteSet) -> String {
    let mut groups: Vec<(ByteSet, ByteSet)> = Vec::new();
    for high in 0..16_u8 {
        let low = ByteSet::of((0..16).filter(|low| set.contains(high << 4 | low)));
        match groups.iter_mut().find(|(_, known)| *known == low) {
            _ if low == ByteSet::EMPTY => {}
            Some((highs, _)) => highs.insert(high),
            None => groups.push((ByteSet::of([high]), low)),
        }
    }
    let pairs = groups.iter().map(|(high, low)| digits(high) + &digits(low));
    alternatives(&pairs.collect::<Vec<_>>())
}

/// One of some expressions.
pub(crate) fn alternatives(expressions: &[String]) -> String {
    match expressions {
        [single] => single.clone(),
        all => format!("(?:{})", all.join("|")),
    }
}

/// One hexadecimal digit, in either case, of a set of values.
fn digits(values: &ByteSet) -> String {
    let digits = values.iter().filter_map(|value| char::from_digit(value.into(), 16));
    class(&ByteSet::of(digits.map(|digit| digit as u8)).folded())
}

/// The ranges of a class.
fn ranges(set: &ByteSet, written: &dyn Fn(u8) -> String) -> String {
    let mut out = String::new();
    let mut next = 0_u16;
    while next < 256 {
        let low = next;
        while next < 256 && set.contains(next as u8) {
            next += 1;
        }
        // Writing to a string cannot fail.
        let _ = match next - low {
            0 => Ok(()),
            1 => write!(out, "{}", written(low as u8)),
            2 => write!(out, "{}{}", written(low as u8), written(next as u8 - 1)),
            _ => write!(out, "{}-{}", written(low as u8), written((next - 1) as u8)),
        };
        next += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_and_digits_stand_for_themselves() {
        assert_eq!(text("a/'\"$%{}é"), r"a\x2F\x27\x22\x24\x25\x7B\x7D\xC3\xA9");
        assert_eq!(class(&ByteSet::of(*b"a-]^\\")), r"[\x2D\x5C-\x5Ea]");
        assert_eq!(class(&ByteSet::EMPTY), "(?!)");
        assert_eq!(class(&ByteSet::FULL), r"[\x00-\xFF]");
        assert_eq!(class(&ByteSet::of(*b"?").complement()), r"[^\x3F]");
    }

    #[test]
    fn escapes_are_grouped_by_their_first_digit() {
        assert_eq!(escape_digits(&ByteSet::of(*b"aA")), "[46]1");
        assert_eq!(escape_digits(&ByteSet::of(*b"jJ0")), "(?:30|[46][Aa])");
        assert_eq!(escape_digits(&ByteSet::FULL), "[0-9A-Fa-f][0-9A-Fa-f]");
    }
}
