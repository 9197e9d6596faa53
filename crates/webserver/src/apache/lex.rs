//! The directives of an Apache configuration file.

use std::collections::BTreeMap;

use crate::source::without_returns;

/// A directive, which is one line or several that are continued.
#[derive(Debug)]
pub(super) struct Directive {
    /// Its name as written; that of a section begins with `<`, that of its end with `</`.
    pub(super) name: String,
    /// What follows it, variables put in, without the `>` of a section.
    pub(super) arguments: String,
    /// Where it begins, behind the blank.
    pub(super) from: usize,
    /// Where its last line ends.
    pub(super) to: usize,
}

impl Directive {
    /// Its arguments as words.
    pub(super) fn words(&self) -> Vec<String> {
        words(&self.arguments)
    }
}

/// The next directive from `at` on, and where the search goes on.
pub(super) fn next(
    bytes: &[u8],
    at: usize,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<(Directive, usize)> {
    let mut at = at;
    while at < bytes.len() {
        let start = at;
        let (line, to, behind) = line(bytes, start);
        at = behind;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_matches([' ', '\t', '\r', '\u{b}', '\u{c}']);
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (name, rest) = text.split_at(text.find([' ', '\t']).unwrap_or(text.len()));
        let (name, rest) = match name.strip_suffix('>') {
            Some(name) if name.starts_with('<') => (name, rest),
            _ => (name, rest),
        };
        let rest = if name.starts_with('<') { rest.trim_end().trim_end_matches('>') } else { rest };
        let content = bytes.get(start..to).unwrap_or_default();
        let blank = content.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let arguments = resolved(rest.trim(), variable);
        let directive = Directive { name: name.to_owned(), arguments, from: start + blank, to };
        return Some((directive, at));
    }
    None
}

/// A line with those that continue it, where it ends, and what is behind its end.
fn line(bytes: &[u8], from: usize) -> (Vec<u8>, usize, usize) {
    let mut text = Vec::new();
    let mut at = from;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n');
        let content = length.map_or(rest, |length| rest.split_at(length).0);
        // A carriage return belongs to the end of a line, which the last line has none of.
        let content = content.strip_suffix(b"\r").filter(|_| length.is_some()).unwrap_or(content);
        let to = at + without_returns(content).len();
        at = length.map_or(bytes.len(), |length| at + length + 1);
        match content.strip_suffix(b"\\") {
            Some(content) if at < bytes.len() => text.extend_from_slice(content),
            _ => {
                text.extend_from_slice(content);
                return (text, to, at);
            }
        }
    }
}

/// A text with the values of its `${…}`; one that is not known stays as it is, as in Apache: `${${A}` is
/// one whose name is `${A`.
fn resolved(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let mut all = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((name, after)) = behind.split_once('}') else { break };
        all.push_str(before);
        match variable(name) {
            Some(value) => all.push_str(&value),
            None => all.extend(["${", name, "}"]),
        }
        rest = after;
    }
    all + rest
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, behind) = match rest.strip_prefix(['"', '\'']) {
            Some(inner) => quoted(inner, first),
            None => {
                let (word, behind) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
                (word.to_owned(), behind)
            }
        };
        words.push(word);
        rest = behind.trim_start();
    }
    words
}

/// A word up to its quote, and what is behind it.
fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char == quote {
            return (word, chars.as_str());
        }
        // A backslash is taken away before a quote of this kind and before another backslash.
        match (char, chars.as_str().chars().next()) {
            ('\\', Some(next)) if next == quote || next == '\\' => {
                word.push(next);
                chars.next();
            }
            _ => word.push(char),
        }
    }
    (word, "")
}

/// What `Define` and the environment say.
#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, Option<String>>);

impl Variables {
    pub(super) fn define(&mut self, name: &str, value: Option<String>) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn undefine(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, Vec<String>, &str)> {
        let known = |name: &str| (name == "A").then(|| "a b".to_owned());
        let mut at = 0;
        let mut all = Vec::new();
        while let Some((directive, behind)) = next(text.as_bytes(), at, &known) {
            let words = directive.words();
            all.push((directive.name, words, &text[directive.from..directive.to]));
            at = behind;
        }
        all
    }

    #[test]
    fn directives_end_where_apache_ends_them() {
        let text = "# a \\\nInclude b\n  Include \"c \\\" d\" 'e' ${A} ${B}\\\r\n f\r\nName ${${A}${A} ${A\n\n<If \"x > y\">\n</If>\nLast\\";
        let expected: Vec<(&str, &[&str], &str)> = vec![
            (
                "Include",
                &["c \" d", "e", "a", "b", "${B}", "f"],
                "Include \"c \\\" d\" 'e' ${A} ${B}\\\r\n f",
            ),
            ("Name", &["${${A}a", "b", "${A"], "Name ${${A}${A} ${A"),
            ("<If", &["x > y"], "<If \"x > y\">"),
            ("</If", &[], "</If>"),
            ("Last\\", &[], "Last\\"),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(name, words, text)| {
                (name.to_owned(), words.iter().map(|word| (*word).to_owned()).collect(), text)
            })
            .collect();
        assert_eq!(all(text), expected);
    }
}
