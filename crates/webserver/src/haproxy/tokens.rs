//! The words of a line of HAProxy's configuration.

use std::collections::BTreeMap;

/// The words of a line, quotes and backslashes taken away and variables put in, which HAProxy does
/// in double quotes only; a variable that is not known says nothing. `None`: a quote has no end.
pub(super) fn words(line: &[u8], variables: &BTreeMap<String, String>) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut at = 0;
    while let Some(byte) = line.get(at).copied() {
        at += 1;
        match (byte, quote) {
            (b' ' | b'\t' | b'\r', None) => words.extend(word.take()),
            (b'#', None) => break,
            (b'"' | b'\'', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (byte, Some(open)) if byte == open => quote = None,
            (b'\\', None | Some(b'"')) if at < line.len() => {
                word.get_or_insert_default().push(line[at]);
                at += 1;
            }
            (b'$', Some(b'"')) => {
                let (name, width) = variable(&line[at..]);
                let value = variables.get(&name).map_or("", String::as_str);
                word.get_or_insert_default().extend_from_slice(value.as_bytes());
                at += width;
            }
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    let text = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
    quote.is_none().then(|| words.into_iter().map(text).collect())
}

/// The name of a variable behind its `$`, and how many bytes it takes.
fn variable(text: &[u8]) -> (String, usize) {
    let inner = text.strip_prefix(b"{").unwrap_or(text);
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let length = inner.iter().take_while(part).count();
    let name = String::from_utf8_lossy(&inner[..length]).into_owned();
    let braces = text.len() - inner.len();
    let closed = braces == 1 && inner.get(length) == Some(&b'}');
    (name, braces + length + usize::from(closed))
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
