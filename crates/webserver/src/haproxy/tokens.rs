//! The words of a line of HAProxy's configuration.

use std::collections::BTreeMap;

/// The words of a line, quotes and backslashes taken away and variables put in, which HAProxy does
/// in double quotes only; a variable that is not known says nothing. `None`: a quote has no end.
pub(super) fn words(line: &[u8], variables: &BTreeMap<String, String>) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut rest = line;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match (*byte, quote) {
            (b' ' | b'\t' | b'\r', None) => words.extend(word.take()),
            (b'#', None) => break,
            // A quote begins a word even if nothing is in it.
            (b'"' | b'\'', None) => {
                quote = Some(*byte);
                word.get_or_insert_default();
            }
            (byte, Some(open)) if byte == open => quote = None,
            (b'\\', None | Some(b'"')) if !behind.is_empty() => {
                let (escaped, behind) = behind.split_at(1);
                word.get_or_insert_default().extend_from_slice(escaped);
                rest = behind;
            }
            (b'$', Some(b'"')) => {
                let (name, behind) = variable(behind);
                let value = variables.get(&name).map_or("", String::as_str);
                word.get_or_insert_default().extend_from_slice(value.as_bytes());
                rest = behind;
            }
            _ => word.get_or_insert_default().push(*byte),
        }
    }
    words.extend(word);
    let text = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
    quote.is_none().then(|| words.into_iter().map(text).collect())
}

/// The name of a variable behind its `$`, and what is behind it.
fn variable(text: &[u8]) -> (String, &[u8]) {
    let inner = text.strip_prefix(b"{").unwrap_or(text);
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let (name, behind) = inner.split_at(inner.iter().take_while(part).count());
    let is_in_braces = inner.len() < text.len();
    let closed = behind.strip_prefix(b"}").filter(|_| is_in_braces);
    (String::from_utf8_lossy(name).into_owned(), closed.unwrap_or(behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_haproxy_ends_them() {
        let known = BTreeMap::from([("A".to_owned(), "1.2.3.4".to_owned())]);
        let read = |line: &str| words(line.as_bytes(), &known);
        let expected = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(read("  bind :80 # 'x"), expected(&["bind", ":80"]));
        assert_eq!(read(r#"a\ b\#c "d 'e" 'f "\' """#), expected(&["a b#c", "d 'e", "f \"\\", ""]));
        assert_eq!(
            read(r#""$A:80" "${A}:81" '$A' $A "$B""#),
            expected(&["1.2.3.4:80", "1.2.3.4:81", "$A", "$A", ""])
        );
        assert_eq!(read("a 'b"), None);
        assert_eq!(read("\\"), expected(&["\\"]));
    }
}
