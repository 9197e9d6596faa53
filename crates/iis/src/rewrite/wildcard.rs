//! Wildcard patterns: `*` is any text and is kept as a capture, `?` is any one character. The whole
//! string must match.

use regex::bytes::{Regex, RegexBuilder};

use stopgap_pattern::{Captures, NotLinear, PatternError};

/// A compiled wildcard pattern.
#[derive(Debug)]
pub(super) struct Wildcard(Regex);

impl Wildcard {
    pub(super) fn new(source: &str, ignore_case: bool) -> Result<Self, PatternError> {
        let mut expression = String::from(r"\A");
        for byte in source.bytes() {
            match byte {
                b'*' => expression.push_str("((?s-u:.)*?)"),
                b'?' => expression.push_str("(?s-u:.)"),
                byte => expression.push_str(&format!(r"(?-u:\x{byte:02X})")),
            }
        }
        expression.push_str(r"\z");
        let regex = RegexBuilder::new(&expression)
            .unicode(false)
            .case_insensitive(ignore_case)
            .build()
            .map_err(|_| NotLinear::TooLarge)?;
        Ok(Self(regex))
    }

    /// The captures of a match of which nothing is known but which groups there are.
    pub(super) fn unclear(&self) -> Captures {
        Captures::unclear_of(self.0.captures_len())
    }

    /// The whole string, and the text of each `*`.
    pub(super) fn captures(&self, input: &[u8]) -> Option<Captures> {
        let found = self.0.captures(input)?;
        let texts = found.iter().map(|m| m.map(|m| m.as_bytes().to_vec()).unwrap_or_default());
        Some(Captures::of(texts.collect()))
    }
}
