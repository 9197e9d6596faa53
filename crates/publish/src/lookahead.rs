//! Patterns that are little more than words, as most published rules are.

/// The ways to write "anything between", with whether it is at least one byte.
const BETWEEN: [(&str, bool); 8] = [
    ("(.*?)", false),
    ("(.+?)", true),
    ("(.*)", false),
    ("(.+)", true),
    (".*?", false),
    (".+?", true),
    (".*", false),
    (".+", true),
];

/// A part of a pattern of words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A text, unescaped.
    Word(String),
    /// Anything in the same line; whether it is at least one byte.
    Between { some: bool },
}

/// The words of a pattern that has nothing but words with anything between them, in their order.
pub(crate) fn in_order(pattern: &str) -> Option<Vec<String>> {
    let words = parts(pattern)?.into_iter().filter_map(|part| match part {
        Part::Word(word) => Some(word),
        Part::Between { .. } => None,
    });
    Some(words.collect())
}

/// The words of a pattern that asks for each of them in one line, in any order, by looking ahead:
/// `(?=.*a)(?=.*b)`.
pub(crate) fn in_any_order(pattern: &str) -> Option<Vec<String>> {
    let pattern = pattern.strip_suffix(".*").unwrap_or(pattern);
    let pattern = pattern.strip_prefix(".*").unwrap_or(pattern);
    let looks = pattern.strip_prefix("(?=")?.strip_suffix(')')?;
    let word = |look: &str| match parts(look)?.as_slice() {
        [Part::Between { some: false }, Part::Word(word)]
        | [Part::Between { some: false }, Part::Word(word), Part::Between { some: false }] => {
            Some(word.clone())
        }
        _ => None,
    };
    looks.split(")(?=").map(word).collect()
}

/// A pattern that matches where `pattern` does and costs a backtracking engine little.
///
/// `a.+/.+~.+` tries every slash with every tilde. Where each word behind anything is one byte, the
/// first such byte does as well as any: what follows it begins with anything again, or is nothing,
/// and an earlier one leaves more room. So `.+/` may go to the first slash and never back:
/// `.[^/\r\n]*/`. The dot is the one byte that `.+` needs, which may itself be a slash.
pub(crate) fn with_first_bytes(pattern: &str) -> Option<String> {
    let parts = parts(pattern)?;
    let is_between = |part: &&Part| matches!(part, Part::Between { .. });
    let head = parts.iter().take_while(is_between).count();
    let mut parts = &parts[head..];
    let (Part::Word(word), rest) = parts.split_first()? else { return None };
    parts = rest;
    let mut cheap = escaped(word);
    // At least one byte before the first word is a byte before it in its line.
    if head > 0 && parts_begin_with_some(pattern) {
        cheap.insert(0, '.');
    }
    while let Some((Part::Between { some }, rest)) = parts.split_first() {
        if *some {
            cheap.push('.');
        }
        parts = match rest.split_first() {
            None => &[],
            Some((Part::Word(word), rest)) if word.len() == 1 => {
                let byte = escaped(word);
                let in_class =
                    if word == "^" || word == "-" { format!("\\{word}") } else { byte.clone() };
                cheap.push_str(&format!(r"[^{in_class}\r\n]*{byte}"));
                rest
            }
            _ => return None,
        };
    }
    parts.is_empty().then_some(cheap)
}

fn parts_begin_with_some(pattern: &str) -> bool {
    BETWEEN.iter().any(|(text, some)| *some && pattern.starts_with(text))
}

/// The parts of a pattern; `None` if it has others.
fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        if let Some((text, some)) = BETWEEN.iter().find(|(text, _)| rest.starts_with(text)) {
            // Two of them behind each other are another thing.
            if matches!(parts.last(), Some(Part::Between { .. })) {
                return None;
            }
            parts.push(Part::Between { some: *some });
            rest = &rest[text.len()..];
            continue;
        }
        let mut chars = rest.chars();
        let next = match chars.next()? {
            '\\' => chars.next().filter(char::is_ascii_punctuation)?,
            '^' | '$' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => {
                return None;
            }
            c => c,
        };
        rest = chars.as_str();
        match parts.last_mut() {
            Some(Part::Word(word)) => word.push(next),
            _ => parts.push(Part::Word(next.to_string())),
        }
    }
    Some(parts)
}

fn escaped(word: &str) -> String {
    let escape = |c: char| {
        let special = r"\^$.|?*+()[]{}".contains(c);
        special.then_some('\\').into_iter().chain([c])
    };
    word.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stopgap_model::rule::Case;
    use stopgap_pattern::{Pattern, check_document_pattern};

    #[test]
    fn words_are_found_and_other_patterns_are_not_taken_for_them() {
        let words =
            |words: &[&str]| Some(words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        assert_eq!(in_order(r".*a\.json.*\@.*b.*"), words(&["a.json", "@", "b"]));
        assert_eq!(in_order(r"a(.+)b"), words(&["a", "b"]));
        for other in ["a|b", "^a.*b", "a[bc]", r"a\db", "a.b", "a+", "(?=.*a)"] {
            assert_eq!(in_order(other), None, "{other}");
        }
        assert_eq!(in_any_order("(?=.*a)(?=.*b)"), words(&["a", "b"]));
        assert_eq!(in_any_order("(?=.*a.*)(?=.*b)(?=.*c).*"), words(&["a", "b", "c"]));
        for other in ["(?=.*a|b)", "(?!.*a)", "(?=a)(?=.*b)", "(?=.*a)b", "^(?=.*a)", "(?=.+a)"] {
            assert_eq!(in_any_order(other), None, "{other}");
        }
    }

    #[test]
    fn the_first_byte_does_as_well_as_any() {
        let cases = [
            ("(.*)X-BEResource=(.+)/(.+)~(.+)", Some(r"X-BEResource=.[^/\r\n]*/.[^~\r\n]*~.")),
            ("ab.*c", Some(r"ab[^c\r\n]*c")),
            (r"a.+-.*\]", Some(r"a.[^\-\r\n]*-[^\]\r\n]*\]")),
            ("a.*bc", None),
            ("a.*b.*cd", None),
            (".*", None),
        ];
        for (pattern, expected) in cases {
            assert_eq!(with_first_bytes(pattern).as_deref(), expected, "{pattern}");
            if let Some(cheap) = expected {
                assert_eq!(check_document_pattern(cheap), Ok(()), "{cheap}");
            }
        }
    }

    /// Every text of up to six bytes over a few letters, against the pattern itself.
    #[test]
    fn a_cheap_pattern_matches_exactly_the_same_texts() {
        let letters = [b'a', b'/', b'~', b'\n', b'A'];
        for source in
            ["a.+/.+~.+", "a.*/.*~", "(.*)a(.+)/", "a.+a", ".+a.*/", "a.+/.*", "a.+~.+~.+"]
        {
            let cheap = with_first_bytes(source).unwrap_or_else(|| panic!("{source}"));
            let [old, new] = [source, &cheap].map(|p| Pattern::new(p, Case::Ignore).unwrap());
            for number in 0..letters.len().pow(7) {
                let text: Vec<u8> = (0..7)
                    .map(|at| letters[number / letters.len().pow(at) % letters.len()])
                    .collect();
                let text = &text[..1 + number % 7];
                assert_eq!(old.is_match(text), new.is_match(text), "{source} {cheap} {text:?}");
            }
        }
    }
}
