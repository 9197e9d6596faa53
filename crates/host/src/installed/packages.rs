//! The packages of the distribution: from the files of dpkg, or as rpm says them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use stopgap_model::host::Packages;
use stopgap_model::product::DISTRIBUTIONS;
use stopgap_model::reason::{FileReason, InstalledReason};
use stopgap_model::{Fact, Reasons, Scheme, ServerPath, Version};

use crate::files::Read;
use crate::host::Host;

/// What dpkg writes down of every package.
const DPKG_STATUS: &str = "/var/lib/dpkg/status";

/// Where rpm keeps its database: SQLite since Fedora 33 and RHEL 9, Berkeley DB before, each in the
/// old place or in that of Fedora 36 and later.
const RPM_DATABASES: [&str; 4] = [
    "/var/lib/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/usr/lib/sysimage/rpm/Packages",
];

/// Which distribution it is, after os-release(5): the first that is there counts.
const OS_RELEASE: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// The largest status file that is read, in bytes. 733 packages of Debian 12 take 665 KB; all 64,000
/// of its archive would take some 60 MB.
const MAX_STATUS: u64 = 64 * 1024 * 1024;

/// The largest os-release that is read, in bytes. Debian's has 267.
const MAX_OS_RELEASE: u64 = 64 * 1024;

/// The packages that are installed, or why they are not known. Absent: neither dpkg nor rpm keeps
/// packages here.
#[must_use]
pub fn packages(host: &dyn Host) -> Fact<Packages> {
    let status = host.read(&ServerPath::new(DPKG_STATUS), MAX_STATUS);
    // A file that is there and longer than nothing is told from one that is not there.
    let is_there = |path: &&&str| host.read(&ServerPath::new(**path), 0) != Read::Absent;
    let rpm = RPM_DATABASES.iter().find(is_there);
    if status == Read::Absent && rpm.is_none() {
        return Fact::Absent;
    }
    let prefix = match distribution(host) {
        Ok(prefix) => prefix,
        Err(why) => return Fact::Unknown(why),
    };
    let of_dpkg = Scheme::of(prefix) == Scheme::Deb;
    match (of_dpkg, status, rpm) {
        (true, Read::Found(status), _) => {
            known(prefix, DPKG_STATUS, Scheme::Deb, installed(&status))
        }
        (true, Read::Unreadable(why), _) => Fact::Unknown(why),
        (false, _, Some(database)) => of_rpm(host, prefix, database),
        (true, Read::Absent, _) => {
            Fact::unknown(FileReason::NotFound { path: DPKG_STATUS.to_owned() })
        }
        (false, _, None) => Fact::unknown(InstalledReason::NoRpmDatabase),
    }
}

/// What the names of the packages of this distribution begin with.
fn distribution(host: &dyn Host) -> Result<&'static str, Reasons> {
    let [first, _] = OS_RELEASE;
    let mut missing = Reasons::from(FileReason::NotFound { path: first.to_owned() });
    for path in OS_RELEASE.map(ServerPath::new) {
        // /etc/os-release is a link on most systems.
        let read = match host.real_path(&path) {
            Ok(path) => host.read(&path, MAX_OS_RELEASE),
            Err(why) => Read::Unreadable(why),
        };
        match read {
            Read::Found(bytes) => return prefix_of(&path, &String::from_utf8_lossy(&bytes)),
            Read::Absent => {}
            Read::Unreadable(why) => missing = why,
        }
    }
    Err(InstalledReason::DistributionUnknown { why: missing }.into())
}

fn prefix_of(path: &ServerPath, text: &str) -> Result<&'static str, Reasons> {
    let id = text.lines().find_map(|line| line.trim().strip_prefix("ID="));
    let id = id.map(|id| id.trim_matches(['"', '\'']));
    let known = DISTRIBUTIONS.iter().find(|(name, _)| Some(*name) == id);
    known.map(|(_, prefix)| *prefix).ok_or_else(|| {
        let named = DISTRIBUTIONS.map(|(name, _)| name.to_owned()).to_vec();
        let id = stopgap_model::problem::one_line(id.unwrap_or("nothing"));
        let file = path.as_str().to_owned();
        InstalledReason::DistributionNotNamed { file, id, named }.into()
    })
}

fn known<'a>(
    prefix: &str,
    source: &str,
    scheme: Scheme,
    packages: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Fact<Packages> {
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for (name, version) in packages {
        match versions.get_mut(name.as_ref()) {
            None => {
                versions.insert(name.into_owned(), version.into_owned());
            }
            Some(other) if is_lower(&version, other, scheme) => *other = version.into_owned(),
            Some(_) => {}
        }
    }
    Fact::Known(Packages { prefix: prefix.to_owned(), source: source.to_owned(), versions })
}

/// Of one package for several architectures, and of several versions side by side, the lowest
/// counts: it is the one that may be vulnerable. What is no version is a doubt, and counts most.
fn is_lower(version: &str, other: &str, scheme: Scheme) -> bool {
    match (Version::read(version, scheme), Version::read(other, scheme)) {
        (Ok(version), Ok(other)) => version < other,
        (Err(_), Ok(_)) => true,
        (_, Err(_)) => false,
    }
}

/// The packages of a status file of dpkg whose files are there, with their versions.
///
/// That of a package which waits for a trigger, or whose set-up failed, are; that of a package which
/// was removed and left its configuration, or whose unpacking was broken off, are not.
fn installed(status: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let lines = status.split(|byte| *byte == b'\n').chain([b"".as_slice()]);
    let mut stanza = Stanza::default();
    lines.filter_map(move |line| {
        if !line.trim_ascii().is_empty() {
            stanza.read(line);
            return None;
        }
        std::mem::take(&mut stanza).installed()
    })
}

/// What matters of one package in the status file.
#[derive(Default)]
struct Stanza<'a> {
    package: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
}

impl<'a> Stanza<'a> {
    fn read(&mut self, line: &'a [u8]) {
        let Some((name, value)) = split_at(line, b':') else { return };
        // A line that goes on with the field before begins with a blank, and so names none of these.
        let field = match name {
            name if name.eq_ignore_ascii_case(b"Package") => &mut self.package,
            name if name.eq_ignore_ascii_case(b"Status") => &mut self.status,
            name if name.eq_ignore_ascii_case(b"Version") => &mut self.version,
            _ => return,
        };
        *field = Some(value.trim_ascii());
    }

    /// The name and the version; an empty one where none is said.
    fn installed(self) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        let state = self.status?.rsplit(u8::is_ascii_whitespace).next()?;
        let here: [&[u8]; 5] = [
            b"installed",
            b"triggers-pending",
            b"triggers-awaited",
            b"half-configured",
            b"unpacked",
        ];
        let name = self.package?.split(|byte| *byte == b':').next()?;
        let version = self.version.unwrap_or_default();
        here.contains(&state)
            .then(|| (String::from_utf8_lossy(name), String::from_utf8_lossy(version)))
    }
}

/// The database of rpm is not for others to read: the program itself is asked, where it can be run.
fn of_rpm(host: &dyn Host, prefix: &str, database: &str) -> Fact<Packages> {
    let Some(live) = host.control() else {
        return Fact::unknown(InstalledReason::NeedsRpm { database: database.to_owned() });
    };
    match live.rpm_packages() {
        Ok(said) => known(prefix, "rpm -qa", Scheme::Rpm, said_by_rpm(&said)),
        Err(why) => Fact::unknown(InstalledReason::RpmFails { why }),
    }
}

/// The packages that rpm says, one a line: the name, a blank, the version.
fn said_by_rpm(said: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    said.split(|byte| *byte == b'\n').filter_map(|line| {
        let (name, version) = split_at(line, b' ')?;
        Some((String::from_utf8_lossy(name), String::from_utf8_lossy(version.trim_ascii())))
    })
}

/// What stands before and behind the first `mark` of a line.
fn split_at(line: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let mut parts = line.splitn(2, |byte| *byte == mark);
    Some((parts.next()?, parts.next()?))
}
