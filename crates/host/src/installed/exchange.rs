//! Whether Exchange is installed, which version, and in which role: from the files alone.

use stopgap_model::host::{Iis, Site};
use stopgap_model::problem::sentence;
use stopgap_model::reason::InstalledReason;
use stopgap_model::{Exchange, Fact, ServerPath, Version};

use crate::files::Read;
use crate::host::Host;
use crate::installed::pe;

/// Where Exchange is installed unless the administrator chose another place.
const DEFAULT_FOLDER: &str = r"C:\Program Files\Microsoft\Exchange Server\V15";

/// The program whose file version is the version of Exchange, below the install folder.
const SETUP_PROGRAM: &str = r"bin\ExSetup.exe";

/// What clients reach on a Mailbox server, below the install folder.
const FRONT_END: &str = r"\FrontEnd\HttpProxy";

/// What the front end passes requests on to, below the install folder.
const BACK_END: &str = r"\ClientAccess";

/// A file that every Mailbox server has, below its install folder.
const FRONT_END_FILE: &str = r"FrontEnd\HttpProxy\owa\web.config";
/// The largest such file that is looked at, in bytes.
const MAX_CONFIG: u64 = 16 * 1024 * 1024;
const FRONT_END_SITE: &str = "Default Web Site";
const BACK_END_SITE: &str = "Exchange Back End";

/// What is known of Exchange on a server whose IIS is `iis`.
///
/// The version is the file version of ExSetup.exe, which a security update always replaces. The
/// role is told by IIS: a Mailbox server has two sites over folders of Exchange, and an Edge
/// Transport server has neither IIS nor the front end's files.
#[must_use]
pub fn exchange_facts(host: &dyn Host, iis: &Fact<Iis>) -> Fact<Exchange> {
    let folder = iis.known().and_then(install_folder);
    let served =
        folder.is_some() || iis.known().is_some_and(|iis| site(iis, BACK_END_SITE).is_some());
    let source = folder.unwrap_or_else(|| ServerPath::new(DEFAULT_FOLDER)).join(SETUP_PROGRAM);
    let version = match host.read(&source, pe::MAX_PROGRAM) {
        Read::Found(program) => version_of(&program, &source),
        Read::Absent if served => {
            Fact::unknown(InstalledReason::ExchangeWithoutProgram { program: text(&source) })
        }
        Read::Absent => match iis {
            Fact::Unknown(reason) => {
                return Fact::unknown(InstalledReason::ExchangePlaceUnknown {
                    program: text(&source),
                    why: reason.clone(),
                });
            }
            Fact::Known(_) | Fact::Absent => return Fact::Absent,
        },
        Read::Unreadable(reason) if served => Fact::Unknown(reason),
        Read::Unreadable(reason) => return Fact::Unknown(reason),
    };
    let role = role(host, iis, &source);
    Fact::Known(Exchange { version, version_source: source, role })
}

/// The file version of a program that was read from `source`.
pub(crate) fn version_of(program: &[u8], source: &ServerPath) -> Fact<Version> {
    match pe::file_version(program) {
        Ok(version) => Fact::Known(version),
        Err(error) => Fact::unknown(InstalledReason::NoVersionIn {
            program: text(source),
            error: sentence(&error),
        }),
    }
}

fn text(path: &ServerPath) -> String {
    path.as_str().to_owned()
}

fn role(host: &dyn Host, iis: &Fact<Iis>, setup: &ServerPath) -> Fact<String> {
    match iis {
        Fact::Known(iis) => {
            let serves = |name, folder| {
                site(iis, name)
                    .is_some_and(|site| paths(site).any(|path| above(path, folder).is_some()))
            };
            if serves(FRONT_END_SITE, FRONT_END) && serves(BACK_END_SITE, BACK_END) {
                Fact::Known("mailbox".to_owned())
            } else {
                let over = |site, folder| format!("`{site}` over …{folder}");
                let sites = vec![over(FRONT_END_SITE, FRONT_END), over(BACK_END_SITE, BACK_END)];
                Fact::unknown(InstalledReason::NotMailboxSites { sites })
            }
        }
        Fact::Absent => match front_end_file(setup).map(|file| host.read(&file, MAX_CONFIG)) {
            Some(Read::Absent) => Fact::Known("edge-transport".to_owned()),
            // Never an Edge Transport server by mistake: that would be taken for not affected.
            _ => Fact::unknown(InstalledReason::MailboxWithoutIis),
        },
        Fact::Unknown(reason) => Fact::Unknown(reason.clone()),
    }
}

/// A file that every Mailbox server has.
fn front_end_file(setup: &ServerPath) -> Option<ServerPath> {
    let install = setup.as_str().strip_suffix(SETUP_PROGRAM)?;
    Some(ServerPath::new(install).join(FRONT_END_FILE))
}

/// The folder that the front end's folders are in.
fn install_folder(iis: &Iis) -> Option<ServerPath> {
    iis.sites.iter().flat_map(paths).find_map(|path| above(path, FRONT_END)).map(ServerPath::new)
}

fn site<'a>(iis: &'a Iis, name: &str) -> Option<&'a Site> {
    iis.sites.iter().find(|site| site.name.eq_ignore_ascii_case(name))
}

fn paths(site: &Site) -> impl Iterator<Item = &ServerPath> {
    let directories = site.applications.iter().flat_map(|application| &application.directories);
    directories.filter_map(|directory| directory.physical.known())
}

/// The part of `path` before `folder`, if `path` is in it; whole names only.
fn above<'a>(path: &'a ServerPath, folder: &str) -> Option<&'a str> {
    let key = path.key();
    let folder = folder.to_ascii_lowercase();
    let (at, _) = key
        .match_indices(&folder)
        .find(|(at, _)| matches!(key.as_bytes().get(at + folder.len()), None | Some(b'\\')))?;
    path.as_str().get(..at)
}
