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
    /// Reads the arguments of a process that executes `program`, its name first. `None` if it is none that
    /// serves by itself: a worker that outlived its master, a test, a signal to another one.
    ///
    /// # Errors
    /// They cannot be told without a doubt; why, as a sentence without a full stop.
    pub(crate) fn of_process(
        kind: WebKind,
        program: &str,
        arguments: &[String],
    ) -> Result<Option<Self>, String> {
        let Some((first, others)) = arguments.split_first() else { return Ok(None) };
        let title = first.strip_prefix(NGINX_MASTER).filter(|_| kind == WebKind::Nginx);
        match title {
            Some(title) => Ok(Self::read(kind, &title_arguments(program, title)?)),
            None if kind == WebKind::Nginx && first.starts_with("nginx: ") => Ok(None),
            None => Ok(Self::read(kind, others)),
        }
    }

    /// Reads arguments that are known one by one, without the name of the program. `None` if what is
    /// started with them does not serve.
    pub(crate) fn read(kind: WebKind, arguments: &[String]) -> Option<Self> {
        match kind {
            WebKind::Nginx => Self::nginx(arguments),
            WebKind::Apache => Self::apache(arguments),
            WebKind::HaProxy => Self::haproxy(arguments),
        }
    }

    fn nginx(arguments: &[String]) -> Option<Self> {
        let mut line = Self::default();
        for (letter, value) in options(arguments, NGINX_VALUES) {
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

/// The arguments in nginx's title, which has lost where each begins, without the program's name.
///
/// A doubt is whatever could be read in two ways: a value with a blank in it, other than that of
/// `-g`; an empty argument; a directive of `-g` behind which a word begins with a dash although the
/// directive is not ended by `;` (behind a `;` no directive begins with one). The first word has
/// to be the name of the program that is executed, or of nginx: it could be a part of a name otherwise.
fn title_arguments(executed: &str, title: &str) -> Result<Vec<String>, String> {
    let doubt = |what: &str| format!("its title does not say without a doubt what {what}");
    let (program, mut left) = title.split_once(' ').unwrap_or((title, ""));
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    if !name(program).starts_with("nginx") && name(program) != name(executed) {
        return Err(doubt("it was called by"));
    }
    let mut arguments = Vec::new();
    while !left.is_empty() {
        let (word, mut rest) = left.split_once(' ').unwrap_or((left, ""));
        let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty());
        let letters = letters.ok_or_else(|| doubt("its arguments are"))?;
        let takes_value = letters.find(|letter| NGINX_VALUES.contains(letter));
        let known = |letter: char| NGINX_VALUES.contains(letter) || NGINX_ONCE.contains(letter);
        let flags = &letters[..takes_value.unwrap_or(letters.len())];
        if !flags.chars().all(|letter| known(letter) || letter == 'q') {
            return Err(doubt("its arguments are"));
        }
        let Some(at) = takes_value else {
            arguments.push(word.to_owned());
            left = rest;
            continue;
        };
        // `-qcFILE` or `-qc FILE`.
        let (option, attached) = word.split_at(1 + at + 1);
        let value = if attached.is_empty() { rest } else { &left[option.len()..] };
        let end = match option.ends_with('g') {
            true => directives_end(value).ok_or_else(|| doubt("its directives (-g) are"))?,
            false => value.find(' ').unwrap_or(value.len()),
        };
        if end == 0 {
            return Err(doubt("its arguments are"));
        }
        arguments.extend([option.to_owned(), value[..end].to_owned()]);
        rest = &value[end..];
        left = rest.strip_prefix(' ').unwrap_or(rest);
    }
    Ok(arguments)
}

/// Where the directives end that a text begins with: before an option that follows a `;`, or with
/// the text. `None` if a word with a dash follows something else.
fn directives_end(text: &str) -> Option<usize> {
    let Some((at, _)) = text.match_indices(" -").next() else { return Some(text.len()) };
    text[..at].trim_end().ends_with(';').then_some(at)
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

    fn process(kind: WebKind, arguments: &[&str]) -> Result<Option<CommandLine>, String> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        CommandLine::of_process(kind, "/usr/sbin/shopd", &arguments)
    }

    fn read(kind: WebKind, arguments: &[&str]) -> Option<CommandLine> {
        process(kind, arguments).expect("no doubt")
    }

    fn title(arguments: &str) -> Result<CommandLine, String> {
        let title = format!("nginx: master process {arguments}");
        process(WebKind::Nginx, &[&title]).map(|line| line.expect("a master"))
    }

    #[test]
    fn the_title_of_nginx_is_read_although_it_lost_its_arguments() {
        let line = title("/usr/sbin/nginx -p /p -g daemon on; master_process on; -qc /b.conf");
        let line = line.unwrap();
        assert_eq!(line.settings, ["-g", "daemon on; master_process on;"]);
        assert_eq!((line.config, line.base.as_deref()), (vec!["/b.conf".into()], Some("/p")));
        let line = title("nginx -g daemon off; -c /b.conf -p/p").unwrap();
        assert_eq!(line.config, ["/b.conf"]);
        assert_eq!(line.base.as_deref(), Some("/p"));
        assert_eq!(line.start, ["-g", "daemon off;", "-c", "/b.conf", "-p", "/p"]);
        let line = title("nginx -g env A=1  2; daemon off").unwrap();
        assert_eq!(line.settings, ["-g", "env A=1  2; daemon off"]);
        assert_eq!(title("shopd -c /x").unwrap().config, ["/x"]);
        assert_eq!(title("/usr/sbin/nginx").unwrap(), CommandLine::default());
        assert_eq!(title("nginx -c /x -g daemon off; ").unwrap().settings, ["-g", "daemon off; "]);
    }

    #[test]
    fn a_title_that_can_be_read_in_two_ways_is_a_doubt() {
        for doubt in [
            "nginx -c /srv/my site/nginx.conf",
            "nginx -p  -c /x",
            "nginx -g pid /x -c /y",
            "nginx -g error_log /x -y; daemon off;",
            "nginx -c",
            "nginx -g ",
            "nginx -x",
            "nginx  -c /x",
            "my server -c /x",
            "sh -c nginx",
            "nginx - /x",
        ] {
            let read = title(doubt);
            assert!(read.as_ref().is_err_and(|why| why.contains("without a doubt")), "{read:?}");
        }
        // Arguments that are still there say where they begin.
        let exact = ["nginx", "-g", "pid /x -c /y", "-c", "/srv/my site/x"];
        assert_eq!(read(WebKind::Nginx, &exact).unwrap().config, ["/srv/my site/x"]);
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
                let _ = process(kind, &["x", last]);
                let _ = process(kind, &[&format!("nginx: master process nginx {last}")]);
            }
        }
    }
}
