//! Where the packages of the distributions put the web servers.

use std::collections::BTreeMap;

use stopgap_model::web::{Account, WebKind, WebServer};
use stopgap_model::{Fact, ServerPath, Version};

use super::about::{About, leading_version};
use super::envvars::apache_variables;
use crate::host::Read;
use crate::unix::UnixFiles;

/// The database of Debian's packages; one of a full desktop has some 5 MB.
const DPKG_STATUS: &str = "/var/lib/dpkg/status";
const MAX_STATUS: u64 = 64 << 20;
/// The largest program that is looked into, in bytes; nginx with every module in it has some 10 MB.
const MAX_PROGRAM: u64 = 64 << 20;

/// A web server as a package installs it.
#[derive(Debug)]
pub(crate) struct Packaged {
    pub(crate) kind: WebKind,
    pub(crate) program: &'static str,
    pub(crate) config: &'static str,
    /// What relative paths begin with, where the program does not say it.
    pub(crate) base: &'static str,
    /// Debian's package with the program in it.
    package: &'static str,
}

/// Debian's and its descendants' (`apache2`), Red Hat's, SUSE's and Alpine's (`httpd`).
pub(crate) const PACKAGED: [Packaged; 4] = [
    Packaged {
        kind: WebKind::Nginx,
        program: "/usr/sbin/nginx",
        config: "/etc/nginx/nginx.conf",
        base: "/usr/share/nginx",
        package: "nginx",
    },
    Packaged {
        kind: WebKind::Apache,
        program: "/usr/sbin/apache2",
        config: "/etc/apache2/apache2.conf",
        base: "/etc/apache2",
        package: "apache2",
    },
    Packaged {
        kind: WebKind::Apache,
        program: "/usr/sbin/httpd",
        config: "/etc/httpd/conf/httpd.conf",
        base: "/etc/httpd",
        package: "httpd",
    },
    Packaged {
        kind: WebKind::HaProxy,
        program: "/usr/sbin/haproxy",
        config: "/etc/haproxy/haproxy.cfg",
        base: "/",
        package: "haproxy",
    },
];

/// The servers that are installed, program and configuration, where packages put them.
pub(crate) fn installed(files: &UnixFiles) -> impl Iterator<Item = &'static Packaged> {
    let there = |path: &str| files.glob(path).is_ok_and(|found| !found.is_empty());
    PACKAGED.iter().filter(move |packaged| there(packaged.program) && there(packaged.config))
}

/// The servers that are installed on a disk on which nothing runs.
pub(crate) fn packaged_in_tree(files: &UnixFiles) -> Vec<WebServer> {
    let servers = installed(files).map(|packaged| {
        let about = about_file(files, packaged);
        let base = ServerPath::new(about.base.as_deref().unwrap_or(packaged.base));
        let variables = match packaged.kind {
            WebKind::Apache => apache_variables(files, &base, BTreeMap::new()).unwrap_or_default(),
            WebKind::Nginx | WebKind::HaProxy => BTreeMap::new(),
        };
        WebServer {
            kind: packaged.kind,
            program: ServerPath::new(packaged.program),
            config: vec![ServerPath::new(packaged.config)],
            base,
            variables,
            defines: Vec::new(),
            account: Account::root(),
            version: about.version,
            modules: about.modules,
            running: Fact::Unknown(
                "only its files are here, so that no server has tested it either".to_owned(),
            ),
            source: "its package's defaults".to_owned(),
            doubt: None,
            dormant: None,
            identity: String::new(),
        }
    });
    servers.collect()
}

/// What can be told of a program that cannot be run: what nginx would say is in the file as it
/// would say it; the version of the others is that of Debian's package.
fn about_file(files: &UnixFiles, packaged: &Packaged) -> About {
    let program = ServerPath::new(packaged.program);
    if packaged.kind == WebKind::Nginx
        && let Read::Found(bytes) = files.read(&program, MAX_PROGRAM)
    {
        let texts = ["nginx version: ", "configure arguments:"];
        let said: Vec<String> = texts.iter().filter_map(|text| text_in(&bytes, text)).collect();
        return About::nginx(&said.join("\n"));
    }
    let mut about = About::unknown("the program is not run, as only files are here");
    if let Read::Found(status) = files.read(&ServerPath::new(DPKG_STATUS), MAX_STATUS)
        && let Some(version) = dpkg_version(&status, packaged.package)
    {
        about.version = Fact::Known(version);
    }
    about
}

/// The text in a program that begins with `start`, up to its end or that of its line.
fn text_in(program: &[u8], start: &str) -> Option<String> {
    let at = program.windows(start.len()).position(|window| window == start.as_bytes())?;
    let text = program.get(at..)?;
    let end = text.iter().position(|byte| matches!(byte, 0 | b'\n')).unwrap_or(text.len());
    Some(String::from_utf8_lossy(&text[..end]).into_owned())
}

/// The version of an installed package, without Debian's epoch and revision.
fn dpkg_version(status: &[u8], package: &str) -> Option<Version> {
    let status = String::from_utf8_lossy(status);
    let wanted = format!("Package: {package}");
    let entry = status.split("\n\n").find(|entry| entry.lines().any(|line| line == wanted))?;
    let value = |name: &str| entry.lines().find_map(|line| line.strip_prefix(name));
    if !value("Status: ")?.ends_with(" installed") {
        return None;
    }
    let version = value("Version: ")?;
    leading_version(version.split_once(':').map_or(version, |(_, upstream)| upstream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_was_removed_has_no_version() {
        let status =
            b"Package: apache2\nStatus: install ok installed\nVersion: 1:2.4.71-1~deb12u1\n\n\
            Package: haproxy\nStatus: deinstall ok config-files\nVersion: 2.6.12-1\n";
        assert_eq!(dpkg_version(status, "apache2"), "2.4.71".parse().ok());
        assert_eq!(dpkg_version(status, "haproxy"), None);
        assert_eq!(dpkg_version(status, "apache"), None);
        assert_eq!(dpkg_version(b"\xff\n\nPackage: x", "x"), None);
    }

    #[test]
    fn what_nginx_would_say_is_found_in_its_program() {
        let program =
            b"\x7fELF\0nginx version: nginx/1.22.1\n\0\xffconfigure arguments: --prefix=/p\0x";
        assert_eq!(
            text_in(program, "configure arguments:").as_deref(),
            Some("configure arguments: --prefix=/p")
        );
        assert_eq!(
            text_in(program, "nginx version: ").as_deref(),
            Some("nginx version: nginx/1.22.1")
        );
        assert_eq!(text_in(b"nginx", "nginx version: "), None);
    }
}
