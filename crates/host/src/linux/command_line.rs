//! What the servers' own command lines say.

use stopgap_model::web::WebKind;

/// What a command line says of a server's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// The configuration, in the order read.
    pub(crate) config: Vec<String>,
    /// What relative paths begin with.
    pub(crate) base: Option<String>,
    /// Apache's `-D` names.
    pub(crate) defines: Vec<String>,
    /// What else the server's own test of its configuration has to be told.
    pub(crate) settings: Vec<String>,
    /// All that a new start has to be told: the arguments without those for one occasion.
    pub(crate) start: Vec<String>,
}

/// An option of one letter and its value.
type Opt = (char, Option<String>);

/// What nginx writes over the arguments of its master, before them.
const NGINX_MASTER: &str = "nginx: master process ";
/// The options of nginx that have a value.
const NGINX_VALUES: &str = "pcges";
/// The options of Apache that have a value.
const APACHE_VALUES: &str = "DCcdfekR";
/// The options of nginx and Apache with which they only say something, or test.
const NGINX_ONCE: &str = "vVtTh?";
const APACHE_ONCE: &str = "vVlLtSMh?";
const HAPROXY_ONCE: [&str; 4] = ["-c", "-cc", "-v", "-vv"];
/// The options of HAProxy that have a value in an argument of its own.
const HAPROXY_VALUES: [&str; 9] = ["-f", "-C", "-p", "-n", "-N", "-m", "-L", "-x", "-S"];

impl CommandLine {
    /// Reads the arguments of a process, the name of the program first. `None` if it is none that
    /// serves by itself: a worker that outlived its master, a test, a signal to another one.
    pub(crate) fn read(kind: WebKind, arguments: &[String]) -> Option<Self> {
        match kind {
            WebKind::Nginx => Self::nginx(arguments),
            WebKind::Apache => Self::apache(arguments.get(1..)?),
            WebKind::HaProxy => Self::haproxy(arguments.get(1..)?),
        }
    }

    fn nginx(arguments: &[String]) -> Option<Self> {
        let first = arguments.first()?;
        let options = match first.strip_prefix(NGINX_MASTER) {
            Some(title) => {
                let words = title.split(' ').filter(|word| !word.is_empty()).skip(1);
                options(&joined(words), NGINX_VALUES)
            }
            None if first.starts_with("nginx: ") => return None,
            None => options(arguments.get(1..)?, NGINX_VALUES),
        };
        let mut line = Self::default();
        for (letter, value) in options {
            if NGINX_ONCE.contains(letter) {
                return None;
            }
            let Some(value) = value else { continue };
            let told = [format!("-{letter}"), value.clone()];
            match letter {
                'c' => line.config = vec![value],
                'p' => line.base = Some(value),
                'g' | 'e' => line.settings.extend(told.clone()),
                // A signal to another process: this one does not serve.
                _ => return None,
            }
            line.start.extend(told);
        }
        Some(line)
    }

    fn apache(arguments: &[String]) -> Option<Self> {
        let mut line = Self::default();
        for (letter, value) in options(arguments, APACHE_VALUES) {
            if APACHE_ONCE.contains(letter) {
                return None;
            }
            let Some(value) = value else { continue };
            let told = [format!("-{letter}"), value.clone()];
            match letter {
                'f' => line.config = vec![value],
                'd' => line.base = Some(value),
                'D' => line.defines.push(value),
                'C' | 'c' => line.settings.extend(told.clone()),
                'k' if value == "start" => continue,
                'k' => return None,
                _ => {}
            }
            line.start.extend(told);
        }
        Some(line)
    }

    fn haproxy(arguments: &[String]) -> Option<Self> {
        let mut line = Self::default();
        let mut left = arguments.iter().peekable();
        while let Some(argument) = left.next() {
            let value = match HAPROXY_VALUES.contains(&argument.as_str()) {
                true => left.next(),
                false => None,
            };
            match (argument.as_str(), value) {
                (once, _) if HAPROXY_ONCE.contains(&once) => return None,
                ("--", _) => {
                    line.start.push(argument.clone());
                    line.start.extend(left.clone().cloned());
                    line.config.extend(left.by_ref().cloned());
                    break;
                }
                // The processes that it took over from, and how.
                ("-sf" | "-st", _) => {
                    while left.next_if(|pid| !pid.starts_with('-')).is_some() {}
                    continue;
                }
                ("-x", _) => continue,
                ("-f", Some(file)) => line.config.push(file.clone()),
                ("-C", Some(folder)) => line.base = Some(folder.clone()),
                ("-L", Some(name)) => line.settings.extend([argument.clone(), name.clone()]),
                _ => {}
            }
            line.start.push(argument.clone());
            line.start.extend(value.cloned());
        }
        Some(line)
    }
}

/// The words of nginx's title, which has lost where its arguments begin: what follows `-g` is one
/// up to the next option, as a directive has blanks in it.
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    let mut directive = false;
    for word in words {
        let is_option = matches!(word.as_bytes(), [b'-', letter] if letter.is_ascii_alphabetic());
        match arguments.last_mut() {
            Some(last) if directive && !is_option && last != "-g" => {
                last.push(' ');
                last.push_str(word);
            }
            _ => arguments.push(word.to_owned()),
        }
        directive = word == "-g" || (directive && !is_option);
    }
    arguments
}

/// The options of arguments in the manner of `getopt`: `-tc file`, `-cfile`, `-c file`.
fn options(arguments: &[String], with_value: &str) -> Vec<Opt> {
    let mut found = Vec::new();
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        let Some(letters) = argument.strip_prefix('-') else { continue };
        for (at, letter) in letters.char_indices() {
            if !with_value.contains(letter) {
                found.push((letter, None));
                continue;
            }
            let rest = &letters[at + letter.len_utf8()..];
            let value = if rest.is_empty() { left.next().cloned() } else { Some(rest.to_owned()) };
            found.push((letter, value));
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: WebKind, arguments: &[&str]) -> Option<CommandLine> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        CommandLine::read(kind, &arguments)
    }

    #[test]
    fn the_title_of_nginx_is_read_although_it_lost_its_arguments() {
        let title = "nginx: master process /usr/sbin/nginx -p /p -g daemon on; master_process on; \
                     -qc /etc/nginx/b.conf";
        // A bundle of letters is no option that ends a directive.
        let line = read(WebKind::Nginx, &[title]).expect("a master");
        assert_eq!(line.settings, ["-g", "daemon on; master_process on; -qc /etc/nginx/b.conf"]);
        let title = "nginx: master process nginx -g daemon off; -c /b.conf -p /p";
        let line = read(WebKind::Nginx, &[title]).expect("a master");
        assert_eq!(line.config, ["/b.conf"]);
        assert_eq!(line.base.as_deref(), Some("/p"));
        assert_eq!(line.settings, ["-g", "daemon off;"]);
        assert_eq!(line.start, ["-g", "daemon off;", "-c", "/b.conf", "-p", "/p"]);
    }

    #[test]
    fn a_process_of_nginx_that_does_not_serve_is_none() {
        assert_eq!(read(WebKind::Nginx, &["nginx: worker process"]), None);
        assert_eq!(read(WebKind::Nginx, &["nginx: worker process is shutting down"]), None);
        assert_eq!(read(WebKind::Nginx, &["nginx", "-s", "reload"]), None);
        assert_eq!(read(WebKind::Nginx, &[]), None);
    }

    #[test]
    fn a_process_that_only_says_something_does_not_serve() {
        for (kind, arguments) in [
            (WebKind::Nginx, ["nginx", "-qt", "-c", "/x"]),
            (WebKind::Nginx, ["nginx", "-V", "", ""]),
            (WebKind::Apache, ["apache2", "-t", "-f", "/x"]),
            (WebKind::Apache, ["apache2", "-k", "graceful", ""]),
            (WebKind::Apache, ["apache2", "-DX", "-MS", ""]),
            (WebKind::HaProxy, ["haproxy", "-c", "-f", "/x"]),
            (WebKind::HaProxy, ["haproxy", "-vv", "", ""]),
        ] {
            assert_eq!(read(kind, &arguments), None, "{arguments:?}");
        }
        let started = read(WebKind::Apache, &["apache2", "-k", "start"]);
        assert_eq!(started, Some(CommandLine::default()));
    }

    #[test]
    fn apache_bundles_its_options() {
        let arguments = [
            "httpd",
            "-DFOREGROUND",
            "-d",
            "/r",
            "-fconf/x.conf",
            "-D",
            "A",
            "-k",
            "start",
            "-C",
            "Listen 1",
        ];
        let line = read(WebKind::Apache, &arguments).expect("a master");
        assert_eq!(line.config, ["conf/x.conf"]);
        assert_eq!(line.base.as_deref(), Some("/r"));
        assert_eq!(line.defines, ["FOREGROUND", "A"]);
        assert_eq!(line.settings, ["-C", "Listen 1"]);
        assert!(!line.start.iter().any(|argument| argument == "-k"));
    }

    #[test]
    fn haproxy_forgets_whom_it_took_over_from() {
        let arguments = [
            "haproxy", "-sf", "12", "13", "-x", "/s", "-Ws", "-f", "/a", "-p", "/pid", "-f", "/b",
            "-S", "/master", "--", "/c", "/d",
        ];
        let line = read(WebKind::HaProxy, &arguments).expect("a master");
        assert_eq!(line.config, ["/a", "/b", "/c", "/d"]);
        let start =
            ["-Ws", "-f", "/a", "-p", "/pid", "-f", "/b", "-S", "/master", "--", "/c", "/d"];
        assert_eq!(line.start, start);
    }

    #[test]
    fn a_command_line_that_breaks_off_is_no_trouble() {
        for last in ["-f", "-c", "-g", "-sf", "-C", "-", "--", "", "-é"] {
            for kind in [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy] {
                let _ = read(kind, &["x", last]);
                let _ = read(kind, &[&format!("nginx: master process x {last}")]);
            }
        }
    }
}
