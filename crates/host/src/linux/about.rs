//! What the programs say of themselves, read from their own words.

use std::os::unix::fs::MetadataExt as _;

use stopgap_model::web::{Account, WebKind};
use stopgap_model::{Fact, ServerPath, Version};

use super::environment::Variables;
use super::run::Run;
use super::{LinuxHost, locked};

/// What a program says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) version: Fact<Version>,
    /// The modules that are compiled in, as the program names them.
    pub(crate) modules: Fact<Vec<String>>,
    /// The folder that relative paths begin with, unless it is told another one.
    pub(crate) base: Option<String>,
    /// The configuration that is read unless it is told another one; relative to `base`.
    pub(crate) config: Option<String>,
}

/// The modules of nginx that our rules need and that are there unless they were left out.
const NGINX_USUAL: [&str; 2] = ["http_map_module", "http_rewrite_module"];

impl About {
    /// Nothing is known, for this reason.
    pub(crate) fn unknown(why: &str) -> Self {
        let (version, modules) = (Fact::Unknown(why.to_owned()), Fact::Unknown(why.to_owned()));
        Self { version, modules, base: None, config: None }
    }

    /// From `nginx -V`.
    pub(crate) fn nginx(said: &str) -> Self {
        let version = version_after(said, "nginx/");
        let Some((_, arguments)) = said.split_once("configure arguments:") else {
            return Self { version, ..Self::unknown("nginx does not say how it was built") };
        };
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let value = |name: &str| {
            let values = arguments.iter().filter_map(|argument| argument.strip_prefix(name));
            values.map(str::to_owned).next_back()
        };
        let base = value("--prefix=").unwrap_or_else(|| "/usr/local/nginx".to_owned());
        let config = value("--conf-path=").unwrap_or_else(|| "conf/nginx.conf".to_owned());
        let modules = Fact::Known(nginx_modules(&arguments));
        Self { version, modules, base: Some(base), config: Some(config) }
    }

    /// From `apache2 -V` and `apache2 -l`.
    pub(crate) fn apache(settings: &str, list: &str) -> Self {
        let value = |name: &str| {
            let (_, after) = settings.split_once(&format!("-D {name}=\""))?;
            after.split_once('"').map(|(value, _)| value.to_owned())
        };
        let names = list.lines().map(str::trim).filter(|line| line.ends_with(".c"));
        let names: Vec<String> = names.map(str::to_owned).collect();
        let modules = match names.is_empty() {
            true => Fact::Unknown("the program does not list its modules".to_owned()),
            false => Fact::Known(names),
        };
        let version = version_after(settings, "Apache/");
        Self { version, modules, base: value("HTTPD_ROOT"), config: value("SERVER_CONFIG_FILE") }
    }

    /// From `haproxy -vv`. What it calls features are its modules.
    pub(crate) fn haproxy(said: &str) -> Self {
        let version = match version_after(said, "HAProxy version ") {
            Fact::Unknown(_) => version_after(said, "HA-Proxy version "),
            version => version,
        };
        let features = said.lines().find_map(|line| line.strip_prefix("Feature list :"));
        let modules = match features {
            Some(features) => {
                let there = features.split_whitespace().filter_map(|word| word.strip_prefix('+'));
                Fact::Known(there.map(str::to_owned).collect())
            }
            None => Fact::Unknown("the program does not list its features".to_owned()),
        };
        Self { version, modules, base: None, config: None }
    }
}

/// What tells a program from the one that a package put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, i64)>);

impl Stamp {
    pub(crate) fn of(program: &ServerPath) -> Self {
        let facts = std::fs::metadata(program.as_str()).ok();
        Self(facts.map(|facts| (facts.dev(), facts.ino(), facts.mtime())))
    }
}

impl LinuxHost {
    /// What a program says of itself; it is asked once, and again if it is another one.
    pub(super) fn about(
        &self,
        kind: WebKind,
        program: &ServerPath,
        variables: &Variables,
        account: &Account,
    ) -> About {
        let stamp = Stamp::of(program);
        if let Some((asked, about)) = locked(&self.abouts).get(program)
            && *asked == stamp
        {
            return about.clone();
        }
        let about = self.ask_program(kind, program, variables, account);
        let about = about.unwrap_or_else(|why| About::unknown(&why));
        locked(&self.abouts).insert(program.clone(), (stamp, about.clone()));
        about
    }

    fn ask_program(
        &self,
        kind: WebKind,
        program: &ServerPath,
        variables: &Variables,
        account: &Account,
    ) -> Result<About, String> {
        self.files.require_guarded(program)?;
        let said = |argument: &str| {
            let run = Run {
                variables: variables.clone(),
                account: account.clone(),
                ..Run::new(program.as_str(), &[argument])
            };
            // Apache fails after its answer where it does not like its configuration.
            run.to_end().map(|ended| ended.output)
        };
        Ok(match kind {
            WebKind::Nginx => About::nginx(&said("-V")?),
            WebKind::Apache => About::apache(&said("-V")?, &said("-l")?),
            WebKind::HaProxy => About::haproxy(&said("-vv")?),
        })
    }
}

fn nginx_modules(arguments: &[&str]) -> Vec<String> {
    let given = arguments.iter().filter_map(|argument| {
        let added = argument.strip_prefix("--add-module=");
        let name = added.map(|path| path.rsplit('/').next().unwrap_or(path));
        name.or_else(|| argument.strip_prefix("--with-").filter(|name| name.ends_with("_module")))
    });
    let left_out = |name: &str| {
        arguments.iter().any(|argument| argument.strip_prefix("--without-") == Some(name))
    };
    let usual = NGINX_USUAL.into_iter().filter(|name| !left_out(name));
    given.chain(usual).map(str::to_owned).collect()
}

/// The version that follows `mark`.
fn version_after(said: &str, mark: &str) -> Fact<Version> {
    let version = said.split_once(mark).and_then(|(_, after)| leading_version(after));
    version
        .map_or_else(|| Fact::Unknown("the program does not say its version".into()), Fact::Known)
}

/// The version at the beginning of a text: `2.6.12` of `2.6.12-1+deb12u4`.
pub(crate) fn leading_version(text: &str) -> Option<Version> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Fact<Version> {
        Fact::Known(text.parse().expect("a version"))
    }

    #[test]
    fn nginx_says_where_its_configuration_is_and_what_was_left_out() {
        let said = "nginx version: nginx/1.22.1\nbuilt with OpenSSL 3.0.22\n\
            configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx \
            --conf-path=/etc/nginx/nginx.conf --with-compat --with-http_ssl_module \
            --with-http_geoip_module=dynamic --without-http_map_module \
            --add-module=/build/headers-more\n";
        let about = About::nginx(said);
        assert_eq!(about.version, version("1.22.1"));
        assert_eq!(about.base.as_deref(), Some("/usr/share/nginx"));
        assert_eq!(about.config.as_deref(), Some("/etc/nginx/nginx.conf"));
        let modules = ["http_ssl_module", "headers-more", "http_rewrite_module"];
        assert_eq!(about.modules, Fact::Known(modules.map(str::to_owned).to_vec()));
    }

    #[test]
    fn apache_says_its_root_even_where_it_cannot_read_its_configuration() {
        let settings = "Server version: Apache/2.4.71 (Debian)\nServer MPM:     \n \
             -D HTTPD_ROOT=\"/etc/apache2\"\n -D SERVER_CONFIG_FILE=\"apache2.conf\"\n";
        let about = About::apache(settings, "Compiled in modules:\n  core.c\n  mod_so.c\n");
        assert_eq!(about.version, version("2.4.71"));
        assert_eq!(about.base.as_deref(), Some("/etc/apache2"));
        assert_eq!(about.config.as_deref(), Some("apache2.conf"));
        let modules = ["core.c", "mod_so.c"];
        assert_eq!(about.modules, Fact::Known(modules.map(str::to_owned).to_vec()));
    }

    #[test]
    fn haproxy_says_its_features() {
        let said = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n\
            Feature list : +EPOLL -KQUEUE +PCRE2\n";
        let about = About::haproxy(said);
        assert_eq!(about.version, version("2.6.12"));
        let modules = ["EPOLL", "PCRE2"];
        assert_eq!(about.modules, Fact::Known(modules.map(str::to_owned).to_vec()));
        let old = About::haproxy("HA-Proxy version 1.8.27 2020/11/06\n");
        assert_eq!(old.version, version("1.8.27"));
        assert!(matches!(old.modules, Fact::Unknown(_)));
    }

    #[test]
    fn a_program_that_says_something_else_is_unknown() {
        for said in ["", "nginx/", "configure arguments:", "Apache/x", "HAProxy version "] {
            for about in [About::nginx(said), About::apache(said, ""), About::haproxy(said)] {
                assert!(matches!(about.version, Fact::Unknown(_)), "{said}");
            }
        }
    }
}
