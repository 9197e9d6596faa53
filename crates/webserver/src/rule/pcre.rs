//! Bytes and sets of bytes as PCRE text of a safe alphabet.
//!
//! Only letters, digits and `[ ] ( ) { } ? * + | ^ - : = ! < > . \` are written: no quote, no blank
//! and nothing by which a server's language begins a variable or a comment. So no pattern can leave
//! its quotes, in whichever language it stands.

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
    let plain = ranges(set);
    // What is not in so short a set begins with a zero byte, which is as long as that.
    if plain.len() <= ZERO.len() {
        return format!("[{plain}]");
    }
    let complement = set.complement();
    let negated = ranges(&complement);
    if complement != ByteSet::EMPTY && negated.len() < plain.len() {
        return format!("[^{negated}]");
    }
    format!("[{plain}]")
}

/// A zero byte, as it is written.
const ZERO: &str = r"\x00";

/// The two hexadecimal digits, in either case, of a byte of a set that is not empty.
pub(crate) fn escape_digits(set: &ByteSet) -> String {
    // The second digits behind each first one, as bits.
    let mut rows = [0_u16; 16];
    for byte in set.iter() {
        if let Some(row) = rows.get_mut(usize::from(byte >> 4)) {
            *row |= 1 << (byte & 15);
        }
    }
    // First digits with the same second ones, both as bits.
    let mut groups: Vec<(u16, u16)> = Vec::new();
    for (high, low) in rows.into_iter().enumerate().filter(|(_, low)| *low != 0) {
        match groups.iter_mut().find(|(_, known)| *known == low) {
            Some((highs, _)) => *highs |= 1 << high,
            None => groups.push((1 << high, low)),
        }
    }
    let pairs = groups.iter().map(|(high, low)| digits(*high) + &digits(*low));
    alternatives(&pairs.collect::<Vec<_>>())
}

/// One of some expressions.
pub(crate) fn alternatives(expressions: &[String]) -> String {
    match expressions {
        [single] => single.clone(),
        all => format!("(?:{})", all.join("|")),
    }
}

/// One hexadecimal digit, in either case, of a set of values, which are bits.
fn digits(values: u16) -> String {
    let has = |value: &u32| values >> value & 1 == 1;
    let digits = (0..16).filter(has).filter_map(|value| char::from_digit(value, 16));
    let both = digits.flat_map(|digit| [digit as u8, digit.to_ascii_uppercase() as u8]);
    let set = ByteSet::of(both);
    let mut bytes = set.iter();
    match (bytes.next(), bytes.next()) {
        (Some(single), None) => byte(single),
        _ => format!("[{}]", ranges(&set)),
    }
}

/// The ranges of a class.
fn ranges(set: &ByteSet) -> String {
    let mut out = String::new();
    let mut bytes = set.iter().peekable();
    while let Some(low) = bytes.next() {
        let mut high = low;
        while let Some(next) = bytes.next_if(|next| high.checked_add(1) == Some(*next)) {
            high = next;
        }
        out.push_str(&byte(low));
        match high - low {
            0 => {}
            1 => out.push_str(&byte(high)),
            _ => {
                out.push('-');
                out.push_str(&byte(high));
            }
        }
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
