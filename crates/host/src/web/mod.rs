//! The web servers that Stopgap knows: what is particular to each stands in a file of its own.

pub(crate) mod apache;
pub(crate) mod apache_scripts;
pub(crate) mod haproxy;
pub(crate) mod nginx;
pub(crate) mod software;

use stopgap_model::web::WebKind;
use stopgap_model::{Reasons, ServerPath};

use crate::files::Read;
use crate::unix_files::UnixFiles;

use apache::Apache;
use haproxy::HaProxy;
use nginx::Nginx;
use software::{Packaged, Software, Variables};

/// The largest file of variables that is read, in bytes; Debian's has 2 kB.
const MAX_VARIABLES: u64 = 64 * 1024;

/// Every kind of web server.
const KINDS: [WebKind; 3] = [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy];

/// What is particular to one kind of web server.
pub(crate) fn software(kind: WebKind) -> &'static dyn Software {
    match kind {
        WebKind::Nginx => &Nginx,
        WebKind::Apache => &Apache,
        WebKind::HaProxy => &HaProxy,
    }
}

/// The server that a program of this path is, by its name.
pub(crate) fn kind_of(program: &str) -> Option<WebKind> {
    let name = program.rsplit('/').next()?;
    KINDS.into_iter().find(|kind| software(*kind).program_names().contains(&name))
}

/// The server whose processes write over their arguments what `title` begins with.
pub(crate) fn kind_of_title(title: &[u8]) -> Option<WebKind> {
    let is_it = |kind: &WebKind| {
        software(*kind).title_prefix().is_some_and(|prefix| title.starts_with(prefix.as_bytes()))
    };
    KINDS.into_iter().find(is_it)
}

/// Where the packages of the distributions put the web servers.
pub(crate) fn packages() -> impl Iterator<Item = &'static Packaged> {
    KINDS.into_iter().flat_map(|kind| software(kind).packages())
}

/// The servers that are installed, program and configuration, where packages put them.
pub(crate) fn installed(files: &UnixFiles) -> impl Iterator<Item = &'static Packaged> {
    let there = |path: &str| files.glob(path).is_ok_and(|found| !found.is_empty());
    packages().filter(move |packaged| there(packaged.program) && there(packaged.config))
}

/// The variables that a server is started with whose folder is `base`, where its start script begins
/// with `before`. Those alone where there is no file of variables.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn variables(
    files: &UnixFiles,
    kind: WebKind,
    base: &ServerPath,
    before: Variables,
) -> Result<Variables, Reasons> {
    let software = software(kind);
    let Some(file) = software.variables_file(base) else { return Ok(before) };
    match files.read(&file, MAX_VARIABLES) {
        Read::Found(bytes) => {
            Ok(software.variables(&String::from_utf8_lossy(&bytes), base, before))
        }
        Read::Absent => Ok(before),
        Read::Unreadable(why) => Err(why),
    }
}

/// The same, if nobody but root may write the file: what it says ends in programs' environment.
///
/// # Errors
/// Somebody else may write it, or it cannot be read.
pub(crate) fn guarded_variables(
    files: &UnixFiles,
    kind: WebKind,
    base: &ServerPath,
    before: Variables,
) -> Result<Variables, Reasons> {
    if let Some(file) = software(kind).variables_file(base)
        && files.read(&file, 0) != Read::Absent
    {
        files.require_guarded(&file)?;
    }
    variables(files, kind, base, before)
}
