//! Patterns of paths, as `glob(3)` has them without flags and in the C locale. Some patterns are not read
//! here, such as `[[:alpha:]]`: what they match is `None`, and never a guess.

/// One part of a pattern, between slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A name as it is, in bytes.
    Name(Vec<u8>),
    /// Names to be looked for.
    Pattern(Pattern),
}

/// A pattern of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    Any,
    /// `*`
    Run,
    /// `[…]`: the ranges, and whether it is what is not in them.
    Set {
        ranges: Vec<(u8, u8)>,
        negated: bool,
    },
}

/// Returns whether a path is a pattern.
#[must_use]
pub fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Returns the parts of a pattern that begins with `/`; `None` if it does not, or cannot be read.
#[must_use]
pub fn parts_of(pattern: &str) -> Option<Vec<Part>> {
    if !pattern.starts_with('/') || pattern.contains('\0') {
        return None;
    }
    names(pattern).map(|part| tokens(part.as_bytes()).map(part_of)).collect()
}

/// Returns whether a pattern matches a path, part by part; `None` if the pattern cannot be read.
#[must_use]
pub fn matches_path(pattern: &str, path: &str) -> Option<bool> {
    let patterns = names(pattern).map(|part| tokens(part.as_bytes()).map(part_of));
    let patterns = patterns.collect::<Option<Vec<_>>>()?;
    let names: Vec<_> = names(path).collect();
    let same = |(part, name): (&Part, &&str)| part.matches(name.as_bytes());
    Some(patterns.len() == names.len() && patterns.iter().zip(&names).all(same))
}

/// Returns whether a pattern without `/` matches a name; `None` if the pattern cannot be read.
#[must_use]
pub fn matches_name(pattern: &str, name: &str) -> Option<bool> {
    tokens(pattern.as_bytes()).map(|tokens| part_of(tokens).matches(name.as_bytes()))
}

/// The parts of a path that are not empty.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

impl Part {
    /// Returns whether `name` is the name, or one that the pattern matches.
    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Pattern(pattern) => pattern.matches(name),
        }
    }
}

fn part_of(tokens: Vec<Token>) -> Part {
    let bytes = tokens.iter().map(|token| match token {
        Token::Byte(byte) => Some(*byte),
        Token::Any | Token::Run | Token::Set { .. } => None,
    });
    match bytes.collect::<Option<Vec<u8>>>() {
        Some(name) => Part::Name(name),
        None => Part::Pattern(Pattern(tokens)),
    }
}

fn tokens(part: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut left = part;
    while let [first, rest @ ..] = left {
        left = rest;
        tokens.push(match first {
            b'?' => Token::Any,
            b'*' => Token::Run,
            b'\\' => {
                let [quoted, after @ ..] = rest else { return None };
                left = after;
                Token::Byte(*quoted)
            }
            b'[' => match set(rest)? {
                Some((token, after)) => {
                    left = after;
                    token
                }
                None => Token::Byte(b'['),
            },
            byte => Token::Byte(*byte),
        });
    }
    Some(tokens)
}

/// What follows a `[`. The outer `None`: the set cannot be read. The inner one: the set has no end, and the
/// bracket stands for itself.
#[expect(clippy::option_option, reason = "the two mean different things, as the comment says")]
fn set(text: &[u8]) -> Option<Option<(Token, &[u8])>> {
    let (negated, mut left) = match text {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let mut ranges = Vec::new();
    loop {
        match left {
            [] => return Some(None),
            [b']', rest @ ..] if !ranges.is_empty() => {
                return Some(Some((Token::Set { ranges, negated }, rest)));
            }
            // A class, an equivalence, or a quoted byte.
            [b'[', b':' | b'=' | b'.', ..] | [b'\\', ..] => return None,
            [_, b'-', b'[' | b'\\', ..] => return None,
            [low, b'-', high, rest @ ..] if *high != b']' => {
                ranges.push((*low, *high));
                left = rest;
            }
            [byte, rest @ ..] => {
                ranges.push((*byte, *byte));
                left = rest;
            }
        }
    }
}

impl Pattern {
    /// Returns whether the pattern matches `name`, in at most as many steps as the product of the two lengths.
    #[must_use]
    pub fn matches(&self, name: &[u8]) -> bool {
        // A dot at the beginning is never matched by anything but itself.
        if name.first() == Some(&b'.') && self.0.first() != Some(&Token::Byte(b'.')) {
            return false;
        }
        let (mut at, mut read) = (0, 0);
        // The last `*`, and how far the name was read when it took its last byte.
        let mut run: Option<(usize, usize)> = None;
        while read < name.len() || at < self.0.len() {
            match (self.0.get(at), name.get(read)) {
                (Some(Token::Run), _) => {
                    run = Some((at, read));
                    at += 1;
                    continue;
                }
                (Some(token), Some(&byte)) if token.takes(byte) => {
                    (at, read) = (at + 1, read + 1);
                    continue;
                }
                _ => {}
            }
            let Some((star, taken)) = run.filter(|(_, taken)| *taken < name.len()) else {
                return false;
            };
            run = Some((star, taken + 1));
            (at, read) = (star + 1, taken + 1);
        }
        true
    }
}

impl Token {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::Any | Self::Run => true,
            Self::Set { ranges, negated } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&byte)) != *negated
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        matches_name(pattern, name).unwrap_or_else(|| panic!("{pattern} cannot be read"))
    }

    #[test]
    fn a_name_is_matched_as_the_c_library_does() {
        let good = [
            ("*.conf", "a.conf"),
            ("*", "a"),
            ("?", "a"),
            ("[a-c]x", "bx"),
            ("[!a]x", "bx"),
            ("[^a]x", "bx"),
            ("[]]x", "]x"),
            ("[a-]x", "-x"),
            ("[", "["),
            ("a[b", "a[b"),
            ("a*b*c", "a-b-b-c"),
            ("\\*", "*"),
            (".*", ".a"),
            ("*a*a*a", "aaa"),
            ("a**", "a"),
            ("[a-z]*.conf", "stopgap.conf"),
            ("[!a-r]*.conf", "stopgap.conf"),
            ("*p*p*.conf", "stopgap.conf"),
            ("[]x]y", "]y"),
            ("", ""),
        ];
        for (pattern, name) in good {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        let bad = [
            ("*.conf", "a.conf~"),
            ("*.conf", ".conf"),
            ("?x", ".x"),
            ("[.]x", ".x"),
            ("[!a]x", "ax"),
            ("*", ".a"),
            ("a?", "a"),
            ("a*b", "a"),
            ("A*", "ab"),
            ("[z-a]", "m"),
            ("[^s]*.conf", "stopgap.conf"),
            ("*p*p*p*.conf", "stopgap.conf"),
            ("a\\*", "ab"),
        ];
        for (pattern, name) in bad {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_of_a_path_matches_part_by_part() {
        assert_eq!(matches_path("/etc/*/x.d/*", "/etc/nginx/x.d/a"), Some(true));
        assert_eq!(matches_path("/etc/*", "/etc/nginx/a"), Some(false));
        assert_eq!(matches_path("/etc/*/a", "/etc/nginx"), Some(false));
        assert_eq!(matches_path("/etc/[[:alpha:]]", "/etc/a"), None);
    }

    #[test]
    fn a_pattern_that_is_not_known_here_is_none_and_not_another_one() {
        for pattern in ["*.conf", "/[[:alpha:]]", "/a\\", "/[\\a]", "/[a-[.x.]]"] {
            assert_eq!(parts_of(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_name_of_near_misses_ends() {
        let pattern = format!("{}b", "*a".repeat(60));
        assert!(!matches(&pattern, &"a".repeat(250)));
    }
}
