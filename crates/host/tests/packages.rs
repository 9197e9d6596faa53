//! What is known of the packages of a distribution, from its files.
#![allow(clippy::panic, reason = "helpers of tests may say plainly what they expect")]

use stopgap_host::packages;
use stopgap_model::host::Packages;
use stopgap_model::{Fact, ServerPath};
use stopgap_testkit::{FailingHost, Fault};

const DEBIAN: &str =
    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
const STATUS: &str = "/var/lib/dpkg/status";

fn host(files: &[(&str, &str)]) -> FailingHost {
    let files = files.iter().map(|(path, text)| (ServerPath::new(*path), text.as_bytes().to_vec()));
    FailingHost::new(files.collect())
}

fn debian(status: &str) -> FailingHost {
    host(&[("/etc/os-release", DEBIAN), (STATUS, status)])
}

fn known(host: &FailingHost) -> Packages {
    let facts = packages(host);
    let Fact::Known(packages) = facts else { panic!("{facts:?}") };
    packages
}

fn listed(status: &str) -> Vec<(String, String)> {
    known(&debian(status)).versions.into_iter().collect()
}

fn unknown(host: &FailingHost) -> String {
    let facts = packages(host);
    let Fact::Unknown(why) = facts else { panic!("{facts:?}") };
    why.to_string()
}

fn pair(name: &str, version: &str) -> (String, String) {
    (name.to_owned(), version.to_owned())
}

#[test]
fn a_package_that_was_removed_and_left_its_configuration_is_not_installed() {
    let status = "Package: apache2\nStatus: install ok installed\nArchitecture: amd64\n\
                  Version: 2.4.62-1~deb12u2\nDescription: Apache\n Version: 9\n more\n\n\
                  Package: nginx\nStatus: deinstall ok config-files\nVersion: 1.22.1-9\n\n\
                  Package: old\nStatus: purge ok not-installed\nVersion: 1\n\n\
                  Package: torn\nStatus: install reinstreq half-installed\nVersion: 1\n\n\
                  Package: waiting\nStatus: install ok triggers-pending\nVersion: 2\n";
    assert_eq!(listed(status), [pair("apache2", "2.4.62-1~deb12u2"), pair("waiting", "2")]);
    let packages = known(&debian(status));
    assert_eq!((packages.prefix.as_str(), packages.source.as_str()), ("pkg:deb/debian/", STATUS));
}

#[test]
fn of_two_architectures_the_lower_version_counts() {
    let one = |architecture: &str, version: &str| {
        format!(
            "Package: libc6\nStatus: install ok installed\nArchitecture: {architecture}\n\
             Version: {version}\n\n"
        )
    };
    let both = one("amd64", "2.36-10") + &one("i386", "2.36-9");
    assert_eq!(listed(&both), [pair("libc6", "2.36-9")]);
    let both = one("amd64", "2.36-9") + &one("i386", "2.36-10");
    assert_eq!(listed(&both), [pair("libc6", "2.36-9")]);
    let suffixed = "Package: libc6:i386\nStatus: install ok installed\nVersion: 2.36-9\n";
    assert_eq!(listed(suffixed), [pair("libc6", "2.36-9")]);
    let doubtful = one("amd64", "2.36-9") + &one("i386", "?");
    assert_eq!(listed(&doubtful), [pair("libc6", "?")]);
}

#[test]
fn a_hostile_status_file_does_no_harm() {
    let long = "x".repeat(3_000_000);
    let status = format!(
        "garbage\n:\n: \n\n\n \n\t\nPackage:\nStatus:\n\nStatus: install ok installed\n\n\
         Package: nameless\n\nPackage: versionless\nStatus: install ok installed\n\n\
         Package: a\r\nStatus: install ok installed\r\nVersion: 1\r\n\r\n\
         pAcKaGe: b\nSTATUS: install ok installed\nversion: 2\nX: {long}\n {long}\n\n\
         Package: {long}\nStatus: install ok installed\nVersion: {long}"
    );
    let found = listed(&status);
    let short: Vec<_> = found.iter().filter(|(name, _)| name.len() < 100).cloned().collect();
    assert_eq!(short, [pair("a", "1"), pair("b", "2"), pair("versionless", "")]);
    let mut bytes = b"Package: \xff\xfe\nStatus: install ok installed\nVersion: \x00\n".to_vec();
    bytes.extend(status.as_bytes());
    let files = vec![
        (ServerPath::new("/etc/os-release"), DEBIAN.as_bytes().to_vec()),
        (ServerPath::new(STATUS), bytes),
    ];
    assert_eq!(known(&FailingHost::new(files)).versions.len(), found.len() + 1);
}

#[test]
fn the_packages_of_this_machine_are_those_that_dpkg_lists() {
    let format = "${db:Status-Status} ${Package} ${Version}\n";
    let asked = std::process::Command::new("dpkg-query").args(["-W", "-f", format]).output();
    let (Ok(said), Ok(status)) = (asked, std::fs::read(STATUS)) else {
        println!("skipped: dpkg is not on this machine");
        return;
    };
    let files = vec![
        (ServerPath::new("/etc/os-release"), DEBIAN.as_bytes().to_vec()),
        (ServerPath::new(STATUS), status),
    ];
    let found = known(&FailingHost::new(files)).versions;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let installed = said.lines().filter_map(|line| line.strip_prefix("installed "));
    for (name, version) in installed.filter_map(|line| line.split_once(' ')) {
        // Of a package for several architectures the list has several lines.
        let one_of = said.lines().any(|line| {
            line == format!("installed {name} {}", found.get(name).map_or("", String::as_str))
        });
        assert!(one_of, "{name} {version}: {:?}", found.get(name));
    }
}

#[test]
fn a_status_file_that_cannot_be_read_is_a_doubt_and_not_an_absence() {
    let why = unknown(&debian("").with(Fault::FailAt(1)));
    assert!(why.contains(STATUS), "{why}");
}

#[test]
fn a_machine_without_packages_has_none() {
    assert_eq!(packages(&host(&[])), Fact::Absent);
    assert_eq!(packages(&host(&[("/etc/os-release", DEBIAN)])), Fact::Absent);
}

#[test]
fn a_distribution_that_no_mitigation_names_is_told() {
    let arch = host(&[("/etc/os-release", "ID=kali\nID_LIKE=debian\n"), (STATUS, "")]);
    let why = unknown(&arch);
    assert!(why.contains("`kali`") && why.contains("debian, fedora, rhel, ubuntu"), "{why}");
    let nameless = host(&[("/etc/os-release", "NAME=x\n"), (STATUS, "")]);
    assert!(unknown(&nameless).contains("`nothing`"));
    let without = host(&[(STATUS, "")]);
    let why = unknown(&without);
    assert!(why.contains("/etc/os-release does not exist"), "{why}");
}

#[test]
fn the_distribution_is_also_said_by_the_file_of_the_vendor() {
    let ubuntu = host(&[("/usr/lib/os-release", "ID='ubuntu'\n"), (STATUS, "")]);
    assert_eq!(known(&ubuntu).prefix, "pkg:deb/ubuntu/");
}

#[test]
fn a_fedora_tree_says_that_only_its_own_rpm_can_read_its_packages() {
    let database = "/usr/lib/sysimage/rpm/rpmdb.sqlite";
    // Fedora has a dpkg to install, whose own database says nothing of Fedora's packages.
    let fedora = host(&[("/etc/os-release", "ID=fedora\n"), (database, "SQLite"), (STATUS, "")]);
    let why = unknown(&fedora);
    assert!(why.contains(database) && why.contains("running system"), "{why}");
    let torn = host(&[("/etc/os-release", "ID=\"rhel\"\n"), (STATUS, "")]);
    assert!(unknown(&torn).contains("not there"));
}
