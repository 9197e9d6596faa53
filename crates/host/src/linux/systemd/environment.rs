//! The environment of a unit as its service manager makes it: files of variables, and variables in
//! the arguments of its commands. `systemd.exec(5)`, `systemd.service(5)`; nothing of it is run.

use crate::web::software::{Variables, is_variable_name};

/// Where the reader of an `EnvironmentFile=` is, as systemd's own has it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
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
    let mut reader = FileReader::default();
    for c in text.chars().chain(['\n']) {
        reader.take(c);
    }
    reader.found
}

/// Reads an `EnvironmentFile=` one character after the other.
#[derive(Default)]
struct FileReader {
    at: At,
    name: String,
    value: String,
    /// How much of the value stays when the blanks at its end go: what was quoted or escaped does.
    kept: usize,
    found: Vec<(String, String)>,
}

impl FileReader {
    fn take(&mut self, c: char) {
        self.at = match (self.at, c) {
            (At::Name, _) => self.in_name(c),
            (At::ValueStart, '\'') => At::Single,
            (At::ValueStart, '"') => At::Double,
            (At::ValueStart | At::Value, _) => self.in_value(c),
            // The end of a line that is escaped is none.
            (At::Escape, '\n') => At::Value,
            (At::Escape, _) => self.keep(c, At::Value),
            (At::Single, '\'') | (At::Double, '"') => At::ValueStart,
            (At::Single, _) => self.keep(c, At::Single),
            (At::Double, '\\') => At::DoubleEscape,
            (At::Double, _) => self.keep(c, At::Double),
            (At::DoubleEscape, '\n') => At::Double,
            (At::DoubleEscape, _) => {
                // Before what needs none, the backslash is one.
                if !matches!(c, '"' | '\\' | '`' | '$') {
                    self.value.push('\\');
                }
                self.keep(c, At::Double)
            }
            (At::Comment, '\n') => At::Name,
            (At::Comment, '\\') => At::CommentEscape,
            // A comment goes on behind an escaped end of its line.
            (At::Comment | At::CommentEscape, _) => At::Comment,
        };
    }

    fn in_name(&mut self, c: char) -> At {
        match c {
            '#' | ';' if self.name.is_empty() => return At::Comment,
            '\n' => self.name.clear(),
            '=' => {
                (self.value, self.kept) = (String::new(), 0);
                return At::ValueStart;
            }
            _ if is_blank(c) && self.name.is_empty() => {}
            _ => self.name.push(c),
        }
        At::Name
    }

    fn in_value(&mut self, c: char) -> At {
        match c {
            '\n' => {
                self.end_assignment();
                At::Name
            }
            '\\' => At::Escape,
            _ if is_blank(c) && self.at == At::ValueStart => At::ValueStart,
            _ if is_blank(c) => {
                self.value.push(c);
                At::Value
            }
            _ => self.keep(c, At::Value),
        }
    }

    /// Adds a character that stays, whatever follows.
    fn keep(&mut self, c: char, then: At) -> At {
        self.value.push(c);
        self.kept = self.value.len();
        then
    }

    fn end_assignment(&mut self) {
        self.value.truncate(self.kept);
        let whole = std::mem::take(&mut self.name);
        let name = whole.trim_end_matches(is_blank);
        if is_variable_name(name) {
            self.found.push((name.to_owned(), std::mem::take(&mut self.value)));
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
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
