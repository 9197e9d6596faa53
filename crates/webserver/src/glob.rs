//! Patterns of paths, as glob(3) has them.

use stopgap_model::host::ServerPath;

/// Whether a path is a pattern.
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Whether a pattern takes in a file of this name in this folder.
pub(super) fn takes_in(pattern: &str, file: &ServerPath) -> bool {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (pattern, path) = (parts(pattern), parts(file.as_str()));
    pattern.len() == path.len()
        && pattern.iter().zip(&path).all(|(pattern, name)| fits(pattern, name))
}

/// Whether a name fits a pattern without `/`.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` was, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match one(&pattern[p..], name[n]) {
            One::Star => {
                star = Some((p, n));
                p += 1;
            }
            One::Fits(width) => {
                p += width;
                n += 1;
            }
            One::Differs => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, n) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

enum One {
    Star,
    /// This many characters of the pattern stand for the one of the name.
    Fits(usize),
    Differs,
}

fn one(pattern: &[char], name: char) -> One {
    match pattern {
        ['*', ..] => One::Star,
        ['?', ..] => One::Fits(1),
        ['[', set @ ..] => match in_set(set, name) {
            Some((true, width)) => One::Fits(width + 1),
            Some((false, _)) => One::Differs,
            None if name == '[' => One::Fits(1),
            None => One::Differs,
        },
        ['\\', escaped, ..] if *escaped == name => One::Fits(2),
        [same, ..] if *same == name => One::Fits(1),
        _ => One::Differs,
    }
}

/// Whether a set of characters, what is behind its `[`, has this one, and how long it is; `None`
/// if it has no end.
fn in_set(set: &[char], name: char) -> Option<(bool, usize)> {
    let negated = matches!(set.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let end = start + 1 + set.get(start + 1..)?.iter().position(|end| *end == ']')?;
    let members = &set[start..end];
    let mut at = 0;
    let mut has = false;
    while at < members.len() {
        if let [from, '-', to, ..] = members[at..] {
            has |= (from..=to).contains(&name);
            at += 3;
        } else {
            has |= members[at] == name;
            at += 1;
        }
    }
    Some((has != negated, end + 1))
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
