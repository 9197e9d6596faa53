//! Base64 as XML-DSig writes it: white space anywhere, and one way only to write a value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes of `text`; none if it is no Base64, or not the one way to write them.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let digits: Vec<u8> = text.bytes().filter(|byte| !is_space(byte)).collect();
    STANDARD.decode(digits).ok()
}

/// `bytes` in Base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_spelling_of_the_same_bytes_is_refused() {
        assert_eq!(decode("AQ A\nB"), Some(vec![1, 0, 1]));
        assert_eq!(decode("AQ=="), Some(vec![1]));
        assert_eq!(decode("AR=="), None, "bits behind the value");
        assert_eq!(decode("AQ"), None, "no padding");
        assert_eq!(decode("A-8="), None, "the URL alphabet");
    }
}
