//! nginx: where it is, what it says of itself and on its command line, how it is tested, reloaded and
//! started.

use stopgap_model::reason::ProgramReason;
use stopgap_model::web::{WebKind, WebServer};
use stopgap_model::{Fact, Reasons};

use super::software::{
    BuildInfo, CommandLine, Packaged, ReloadSignal, Run, Software, does_not_say, each_with,
    options, texts, version_after,
};

/// nginx.
pub(crate) struct Nginx;

/// What the titles of its processes begin with.
const TITLE: &str = "nginx: ";
/// What nginx writes over the arguments of its master, before them.
const MASTER: &str = "nginx: master process ";
/// The options that have a value.
const WITH_VALUE: &str = "pcges";
/// The options with which it only says something, or tests.
const ONCE: &str = "vVtTh?";
/// The modules that our rules need and that are there unless they were left out.
const USUAL_MODULES: [&str; 2] = ["http_map_module", "http_rewrite_module"];

const PACKAGES: [Packaged; 1] = [Packaged {
    kind: WebKind::Nginx,
    program: "/usr/sbin/nginx",
    config: "/etc/nginx/nginx.conf",
    base: "/usr/share/nginx",
    package: "nginx",
}];

impl Software for Nginx {
    fn program_names(&self) -> &'static [&'static str] {
        &["nginx", "nginx-debug"]
    }

    fn packages(&self) -> &'static [Packaged] {
        &PACKAGES
    }

    fn build_info(&self, run: &Run<'_>) -> Result<BuildInfo, Reasons> {
        run("-V").map(|said| build_info_of(&said))
    }

    fn command_line(&self, arguments: &[String]) -> Option<CommandLine> {
        let mut line = CommandLine::default();
        for (letter, value) in options(arguments, WITH_VALUE) {
            if ONCE.contains(letter) {
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

    fn process_command_line(
        &self,
        program: &str,
        arguments: &[String],
    ) -> Result<Option<CommandLine>, Reasons> {
        let Some((first, others)) = arguments.split_first() else { return Ok(None) };
        match first.strip_prefix(MASTER) {
            Some(title) => Ok(self.command_line(&title_arguments(program, title)?)),
            // A worker, or another process that a master started.
            None if first.starts_with(TITLE) => Ok(None),
            None => Ok(self.command_line(others)),
        }
    }

    fn title_prefix(&self) -> Option<&'static str> {
        Some(TITLE)
    }

    fn config_option(&self) -> &'static str {
        "-c"
    }

    fn test_arguments(&self, server: &WebServer, config: &[String]) -> Vec<String> {
        let base = [server.base.as_str().to_owned()];
        [vec!["-t".into(), "-q".into()], each_with("-p", &base), each_with("-c", config)].concat()
    }

    fn start_arguments(&self, server: &WebServer) -> Vec<String> {
        let base = [server.base.as_str().to_owned()];
        [each_with("-p", &base), each_with("-c", &texts(&server.config))].concat()
    }

    fn reload_signal(&self) -> ReloadSignal {
        ReloadSignal::Hup
    }

    fn refuses_in_error_log(&self) -> bool {
        true
    }

    /// It writes its title over its variables, and its configuration names none.
    fn reads_environment(&self) -> bool {
        false
    }
}

/// What the output of `nginx -V` says.
pub(crate) fn build_info_of(said: &str) -> BuildInfo {
    let version = version_after(said, "nginx/");
    let Some((_, arguments)) = said.split_once("configure arguments:") else {
        let why = does_not_say("nginx", "how it was built").into();
        return BuildInfo { version, ..BuildInfo::unknown(&why) };
    };
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let value = |name: &str| {
        let values = arguments.iter().filter_map(|argument| argument.strip_prefix(name));
        values.map(str::to_owned).next_back()
    };
    let base = value("--prefix=").unwrap_or_else(|| "/usr/local/nginx".to_owned());
    let config = value("--conf-path=").unwrap_or_else(|| "conf/nginx.conf".to_owned());
    let modules = Fact::Known(nginx_modules(&arguments));
    BuildInfo { version, modules, base: Some(base), config: Some(config) }
}

/// The modules that the arguments of its build name.
fn nginx_modules(arguments: &[&str]) -> Vec<String> {
    let given = arguments.iter().filter_map(|argument| {
        let added = argument.strip_prefix("--add-module=");
        let name = added.map(|path| path.rsplit('/').next().unwrap_or(path));
        name.or_else(|| argument.strip_prefix("--with-").filter(|name| name.ends_with("_module")))
    });
    let left_out = |name: &str| {
        arguments.iter().any(|argument| argument.strip_prefix("--without-") == Some(name))
    };
    let usual = USUAL_MODULES.into_iter().filter(|name| !left_out(name));
    given.chain(usual).map(str::to_owned).collect()
}

/// The arguments in nginx's title, which has lost where each begins, without the program's name.
///
/// A doubt is whatever could be read in two ways: a value with a blank in it, other than that of
/// `-g`; an empty argument; a directive of `-g` behind which a word begins with a dash although the
/// directive is not ended by `;` (behind a `;` no directive begins with one). The first word has
/// to be the name of the program that is executed, or of nginx: it could be a part of a name otherwise.
fn title_arguments(executed: &str, title: &str) -> Result<Vec<String>, ProgramReason> {
    let doubt = |what: &str| ProgramReason::TitleInDoubt { what: what.to_owned() };
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
        let takes_value = letters.find(|letter| WITH_VALUE.contains(letter));
        let known = |letter: char| WITH_VALUE.contains(letter) || ONCE.contains(letter);
        let flags = takes_value.and_then(|at| letters.get(..at)).unwrap_or(letters);
        if !flags.chars().all(|letter| known(letter) || letter == 'q') {
            return Err(doubt("its arguments are"));
        }
        let Some(at) = takes_value else {
            arguments.push(word.to_owned());
            left = rest;
            continue;
        };
        // `-qcFILE` or `-qc FILE`.
        let parted = word.split_at_checked(1 + at + 1);
        let (option, attached) = parted.ok_or_else(|| doubt("its arguments are"))?;
        let value =
            if attached.is_empty() { rest } else { left.get(option.len()..).unwrap_or_default() };
        let end = match option.ends_with('g') {
            true => directives_end(value).ok_or_else(|| doubt("its directives (-g) are"))?,
            false => value.find(' ').unwrap_or(value.len()),
        };
        if end == 0 {
            return Err(doubt("its arguments are"));
        }
        let (value, behind) = value.split_at_checked(end).unwrap_or((value, ""));
        arguments.extend([option.to_owned(), value.to_owned()]);
        rest = behind;
        left = rest.strip_prefix(' ').unwrap_or(rest);
    }
    Ok(arguments)
}

/// Where the directives end that a text begins with: before an option that follows a `;`, or with
/// the text. `None` if a word with a dash follows something else.
fn directives_end(text: &str) -> Option<usize> {
    let Some((at, _)) = text.match_indices(" -").next() else { return Some(text.len()) };
    text.get(..at)?.trim_end().ends_with(';').then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Option<CommandLine>, Reasons> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        Nginx.process_command_line("/usr/sbin/shopd", &arguments)
    }

    fn title(arguments: &str) -> Result<CommandLine, Reasons> {
        read(&[&format!("nginx: master process {arguments}")]).map(|line| line.expect("a master"))
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
            assert!(read.as_ref().is_err_and(|why| why.has("title-in-doubt")), "{read:?}");
        }
        // Arguments that are still there say where they begin.
        let exact = ["nginx", "-g", "pid /x -c /y", "-c", "/srv/my site/x"];
        assert_eq!(read(&exact).unwrap().unwrap().config, ["/srv/my site/x"]);
    }

    #[test]
    fn a_process_of_nginx_that_does_not_serve_is_none() {
        assert_eq!(read(&["nginx: worker process"]), Ok(None));
        assert_eq!(read(&["nginx: worker process is shutting down"]), Ok(None));
        assert_eq!(read(&["nginx", "-s", "reload"]), Ok(None));
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn a_program_that_only_says_something_does_not_serve() {
        assert_eq!(read(&["nginx", "-qt", "-c", "/x"]), Ok(None));
        assert_eq!(read(&["nginx", "-V", "", ""]), Ok(None));
    }

    #[test]
    fn a_command_line_that_breaks_off_is_no_trouble() {
        for last in ["-f", "-c", "-g", "-sf", "-C", "-", "--", "", "-é"] {
            let _ = read(&["x", last]);
            let _ = read(&[&format!("nginx: master process nginx {last}")]);
        }
    }

    #[test]
    fn nginx_says_where_its_configuration_is_and_what_was_left_out() {
        let said = "nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.22\n\
            configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx \
            --conf-path=/etc/nginx/nginx.conf --with-compat --with-http_ssl_module \
            --with-http_geoip_module=dynamic --without-http_map_module \
            --add-module=/build/headers-more\n";
        let info = build_info_of(said);
        assert_eq!(info.version, Fact::Known("1.22.1".parse().expect("a version")));
        assert_eq!(info.base.as_deref(), Some("/usr/share/nginx"));
        assert_eq!(info.config.as_deref(), Some("/etc/nginx/nginx.conf"));
        let modules = ["http_ssl_module", "headers-more", "http_rewrite_module"];
        assert_eq!(info.modules, Fact::Known(modules.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_program_that_says_something_else_is_unknown() {
        for said in ["", "nginx/", "configure arguments:"] {
            assert!(matches!(build_info_of(said).version, Fact::Unknown(_)), "{said}");
        }
    }
}
