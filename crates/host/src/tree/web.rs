//! The web servers of a disk on which nothing runs: those that packages installed, as far as their files
//! tell of them.

use stopgap_model::reason::ProgramReason;
use stopgap_model::web::{Account, WebKind, WebServer};
use stopgap_model::{Fact, ServerPath, Version};

use crate::files::Read;
use crate::unix_files::UnixFiles;
use crate::web::software::{BuildInfo, Packaged, Variables, leading_version};
use crate::web::{installed, nginx, variables};

/// The database of Debian's packages; one of a full desktop has some 5 MB.
const DPKG_STATUS: &str = "/var/lib/dpkg/status";
const MAX_STATUS: u64 = 64 << 20;
/// The largest program that is looked into, in bytes; nginx with every module in it has some 10 MB.
const MAX_PROGRAM: u64 = 64 << 20;

/// The servers that are installed on a disk on which nothing runs.
pub(crate) fn packaged_in_tree(files: &UnixFiles) -> Vec<WebServer> {
    let servers = installed(files).map(|packaged| {
        let info = build_info(files, packaged);
        let base = ServerPath::new(info.base.as_deref().unwrap_or(packaged.base));
        // Nothing is run with them, so whoever may write the file is trusted with it.
        let variables =
            variables(files, packaged.kind, &base, Variables::new()).unwrap_or_default();
        WebServer {
            kind: packaged.kind,
            program: ServerPath::new(packaged.program),
            config: vec![ServerPath::new(packaged.config)],
            base,
            variables,
            defines: Vec::new(),
            account: Account::root(),
            version: info.version,
            modules: info.modules,
            running: Fact::unknown(ProgramReason::OnlyFiles),
            source: "its package's defaults".to_owned(),
            doubt: None,
            dormant: None,
            identity: String::new(),
        }
    });
    servers.collect()
}

/// What is known of a program that cannot be run: what nginx would say is in the file as it
/// would say it; the version of the others is that of Debian's package.
fn build_info(files: &UnixFiles, packaged: &Packaged) -> BuildInfo {
    let program = ServerPath::new(packaged.program);
    if packaged.kind == WebKind::Nginx
        && let Read::Found(bytes) = files.read(&program, MAX_PROGRAM)
    {
        let texts = ["nginx version: ", "configure arguments:"];
        let said: Vec<String> = texts.iter().filter_map(|text| text_in(&bytes, text)).collect();
        return nginx::build_info_of(&said.join("\n"));
    }
    let mut info = BuildInfo::unknown(&ProgramReason::OnlyFiles.into());
    if let Read::Found(status) = files.read(&ServerPath::new(DPKG_STATUS), MAX_STATUS)
        && let Some(version) = dpkg_version(&status, packaged.package)
    {
        info.version = Fact::Known(version);
    }
    info
}

/// The text in a program that begins with `start`, up to its end or that of its line.
fn text_in(program: &[u8], start: &str) -> Option<String> {
    let at = program.windows(start.len()).position(|window| window == start.as_bytes())?;
    let text = program.get(at..)?;
    let end = text.iter().position(|byte| matches!(byte, 0 | b'\n')).unwrap_or(text.len());
    Some(String::from_utf8_lossy(text.get(..end).unwrap_or_default()).into_owned())
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
