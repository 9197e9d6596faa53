//! Patterns of paths, as glob(3) has them.

use stopgap_model::host::ServerPath;

/// Whether a path is a pattern.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Returns whether a pattern matches the path of a file, part by part.
pub(super) fn takes_in(pattern: &str, file: &ServerPath) -> bool {
    let (mut patterns, mut names) = (parts(pattern), parts(file.as_str()));
    loop {
        match (patterns.next(), names.next()) {
            (Some(pattern), Some(name)) if fits(pattern, name) => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// The parts of a path that are not empty.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// Returns whether a name matches a pattern without `/`.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut pattern, mut name) = (pattern.as_slice(), name.as_slice());
    // What stands behind the last `*`, and the rest of the name that it has not taken.
    let mut star: Option<(&[char], &[char])> = None;
    while let Some((first, rest)) = name.split_first() {
        match one(pattern, *first) {
            One::Star(behind) => {
                star = Some((behind, name));
                pattern = behind;
            }
            One::Fits(behind) => (pattern, name) = (behind, rest),
            One::Differs => {
                // The last `*` takes one character more, and what stands behind it is tried again.
                let Some((behind, [_, fewer @ ..])) = star else { return false };
                star = Some((behind, fewer));
                (pattern, name) = (behind, fewer);
            }
        }
    }
    pattern.iter().all(|rest| *rest == '*')
}

/// What the beginning of a pattern is to one character, with what stands behind it.
enum One<'p> {
    Star(&'p [char]),
    Fits(&'p [char]),
    Differs,
}

fn one(pattern: &[char], name: char) -> One<'_> {
    match pattern {
        ['*', behind @ ..] => One::Star(behind),
        ['?', behind @ ..] => One::Fits(behind),
        ['[', set @ ..] => match in_set(set, name) {
            Some((true, behind)) => One::Fits(behind),
            Some((false, _)) => One::Differs,
            // It has no end, so the bracket stands for itself.
            None if name == '[' => One::Fits(set),
            None => One::Differs,
        },
        ['\\', escaped, behind @ ..] if *escaped == name => One::Fits(behind),
        [same, behind @ ..] if *same == name => One::Fits(behind),
        _ => One::Differs,
    }
}

/// Whether a set of characters, what is behind its `[`, has this one, and what stands behind it; `None`
/// if it has no end.
fn in_set(set: &[char], name: char) -> Option<(bool, &[char])> {
    let (negated, members) = match set {
        ['!' | '^', members @ ..] => (true, members),
        members => (false, members),
    };
    // A `]` that comes first is a member.
    let end = 1 + members.iter().skip(1).position(|end| *end == ']')?;
    let behind = members.get(end + 1..)?;
    let mut left = members.get(..end)?;
    let mut has = false;
    loop {
        left = match left {
            [from, '-', to, rest @ ..] => {
                has |= (from..=to).contains(&&name);
                rest
            }
            [member, rest @ ..] => {
                has |= *member == name;
                rest
            }
            [] => return Some((has != negated, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_in_what_glob_does() {
        for (pattern, name, expected) in [
            ("*.conf", "stopgap.conf", true),
            ("*", "stopgap.conf", true),
            ("*", ".stopgap.conf", false),
            ("*.con?", "stopgap.conf", true),
            ("[a-z]*.conf", "stopgap.conf", true),
            ("[!a-r]*.conf", "stopgap.conf", true),
            ("[^s]*.conf", "stopgap.conf", false),
            ("*.load", "stopgap.conf", false),
            ("*p*p*.conf", "stopgap.conf", true),
            ("*p*p*p*.conf", "stopgap.conf", false),
            ("s[t", "s[t", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("[]x]y", "]y", true),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
        assert!(takes_in("/etc/*/x.d/*", &ServerPath::new("/etc/nginx/x.d/a")));
        assert!(!takes_in("/etc/*", &ServerPath::new("/etc/nginx/a")));
    }
}
