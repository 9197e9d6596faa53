//! The environment of a unit as its service manager makes it: files of variables, and variables in
//! the arguments of its commands. `systemd.exec(5)`, `systemd.service(5)`; nothing of it is run.

use crate::web::software::{Variables, is_variable_name};

/// Where the reader of an `EnvironmentFile=` is, as systemd's own has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Name,
    ValueStart,
    Value,
    Escape,
    Single,
    Double,
    DoubleEscape,
    Comment,
    CommentEscape,
}

/// What an `EnvironmentFile=` sets, in its order. What is no assignment of a variable is left out,
/// as systemd leaves it out.
pub(crate) fn environment_file(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut name, mut value) = (String::new(), String::new());
    // How much of the value stays when the blanks at its end go: what was quoted or escaped does.
    let mut kept = 0;
    let mut at = At::Name;
    for c in text.chars().chain(['\n']) {
        let is_blank = matches!(c, ' ' | '\t' | '\r');
        at = match (at, c) {
            (At::Name, '#' | ';') if name.is_empty() => At::Comment,
            (At::Name, '\n') => {
                name.clear();
                At::Name
            }
            (At::Name, '=') => {
                (value, kept) = (String::new(), 0);
                At::ValueStart
            }
            (At::Name, _) if is_blank && name.is_empty() => At::Name,
            (At::Name, _) => {
                name.push(c);
                At::Name
            }
            (At::ValueStart | At::Value, '\n') => {
                value.truncate(kept);
                let whole = std::mem::take(&mut name);
                let set = whole.trim_end_matches([' ', '\t', '\r']);
                if is_variable_name(set) {
                    found.push((set.to_owned(), std::mem::take(&mut value)));
                }
                At::Name
            }
            (At::ValueStart, '\'') => At::Single,
            (At::ValueStart, '"') => At::Double,
            (At::ValueStart | At::Value, '\\') => At::Escape,
            (At::ValueStart, _) if is_blank => At::ValueStart,
            (At::ValueStart | At::Value, _) => {
                value.push(c);
                if !is_blank {
                    kept = value.len();
                }
                At::Value
            }
            (At::Escape, '\n') => At::Value,
            (At::Escape, _) => {
                value.push(c);
                kept = value.len();
                At::Value
            }
            (At::Single, '\'') => At::ValueStart,
            (At::Single, _) => {
                value.push(c);
                kept = value.len();
                At::Single
            }
            (At::Double, '"') => At::ValueStart,
            (At::Double, '\\') => At::DoubleEscape,
            (At::DoubleEscape, '\n') => At::Double,
            (At::Double | At::DoubleEscape, _) => {
                // Before what needs none, the backslash is one.
                if at == At::DoubleEscape && !matches!(c, '"' | '\\' | '`' | '$') {
                    value.push('\\');
                }
                value.push(c);
                kept = value.len();
                At::Double
            }
            (At::Comment, '\n') => At::Name,
            (At::Comment, '\\') => At::CommentEscape,
            (At::Comment | At::CommentEscape, _) => At::Comment,
        };
    }
    found
}

/// The arguments of a command with its variables put in: `${NAME}` anywhere, `$NAME` where it is an
/// argument of its own and then as so many words as it has, `$$` for a dollar sign.
pub(crate) fn expanded(arguments: &[String], variables: &Variables) -> Vec<String> {
    let mut all = Vec::new();
    for argument in arguments {
        match argument.strip_prefix('$') {
            Some(name) if !name.starts_with(['{', '$']) && !name.is_empty() => {
                all.extend(words(variables.get(name).map_or("", String::as_str)));
            }
            _ => all.push(braced(argument, variables)),
        }
    }
    all
}

fn braced(argument: &str, variables: &Variables) -> String {
    let mut text = String::new();
    let mut left = argument;
    while let Some((before, after)) = left.split_once('$') {
        text.push_str(before);
        left = after;
        if let Some(rest) = after.strip_prefix('$') {
            text.push('$');
            left = rest;
        } else if let Some((name, rest)) = after.strip_prefix('{').and_then(|it| it.split_once('}'))
        {
            text.push_str(variables.get(name).map_or("", String::as_str));
            left = rest;
        } else {
            text.push('$');
        }
    }
    text.push_str(left);
    text
}

/// The words of a text, as systemd parts them: by blanks, with quotes and backslashes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    let mut left = text.chars();
    while let Some(c) = left.next() {
        match (c, quote) {
            ('\\', Some('"') | None) => {
                word.extend(left.next());
                begun = true;
            }
            (_, Some(open)) if c == open => quote = None,
            (_, Some(_)) => word.push(c),
            ('\'' | '"', None) => (quote, begun) = (Some(c), true),
            _ if c.is_ascii_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        environment_file(text)
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    #[test]
    fn a_file_of_variables_is_read_as_systemd_reads_it() {
        let text = "# CONFIG=/no\n;X=1\nA=/etc/x  \nB = \"a b\"c \n C='it''s\nlong'\nD=a\\ b\\\nc\n\
                    E=\"\\\"\\x\\$\"\nexport F=1\n1G=2\nH=\nA=second\nI=a#b # c\nJ=last";
        let expected = pairs([
            ("A", "/etc/x"),
            ("B", "a bc"),
            ("C", "its\nlong"),
            ("D", "a bc"),
            ("E", "\"\\x$"),
            ("H", ""),
            ("A", "second"),
            ("I", "a#b # c"),
            ("J", "last"),
        ]);
        assert_eq!(read(text), expected);
        assert_eq!(read("# goes on \\\nA=1\nB=2\n"), pairs([("B", "2")]));
        for torn in ["A=\"x", "A='", "A=\\", "A", "=", "\\", "\"", ""] {
            let _ = read(torn);
        }
    }

    #[test]
    fn variables_are_put_into_arguments_as_systemd_does() {
        let variables: Variables = pairs([
            ("CONFIG", "/etc/a b.cfg"),
            ("MORE", "-S '/run/m s' \"-x\" \\-y"),
            ("NONE", ""),
        ])
        .into_iter()
        .collect();
        let of = |arguments: &[&str]| {
            expanded(&arguments.iter().map(|&text| text.to_owned()).collect::<Vec<_>>(), &variables)
        };
        assert_eq!(
            of(&["-f", "${CONFIG}", "$MORE"]),
            ["-f", "/etc/a b.cfg", "-S", "/run/m s", "-x", "-y"]
        );
        assert_eq!(
            of(&["$NONE", "$UNSET", "${UNSET}", "a$CONFIG", "$$CONFIG", "x$${A}$"]),
            ["", "a$CONFIG", "$CONFIG", "x${A}$"]
        );
        assert_eq!(of(&["$CONFIG", "$", "${"]), ["/etc/a", "b.cfg", "$", "${"]);
    }
}
