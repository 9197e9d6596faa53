//! Who runs a command, for the records.
//!
//! The kernel knows by whom a session was opened (`loginuid`); `su` and `sudo` do not change it. What
//! `sudo`, `doas` and `pkexec` say in the environment is added only where it says something else: whoever
//! is root can write anything there.

use std::path::Path;

use stopgap_fs::read_bounded;
use stopgap_model::problem::one_line;

/// The kernel's word for "nobody logged in".
const NOBODY: u32 = u32::MAX;
/// The largest file of users that is read, in bytes.
const MAX_USERS: u64 = 16 * 1024 * 1024;
/// The longest name of a user, in characters, as useradd has it.
const MAX_NAME: usize = 32;

/// The programs that run something as another user, and where they say by whom they were called.
const BY: [(&str, &str); 3] =
    [("sudo", "SUDO_UID"), ("doas", "DOAS_USER"), ("pkexec", "PKEXEC_UID")];

/// Returns who runs this process: `root`, `alice (uid 1000)`, `root (login alice, uid 1000)`, `root
/// (by sudo from alice, uid 1000)`.
#[must_use]
pub fn caller() -> String {
    let uid = rustix::process::getuid().as_raw();
    let login = read_bounded(Path::new("/proc/self/loginuid"), 32).ok();
    let login = login.and_then(|text| String::from_utf8(text).ok()?.trim().parse().ok());
    let said = BY.iter().filter_map(|(program, name)| {
        Some((*program, std::env::var(name).ok().filter(|word| !word.is_empty())?))
    });
    phrase(uid, login, said.collect(), &users())
}

/// Returns a user by name and number, as a phrase.
pub(crate) fn user(uid: u32) -> String {
    named(uid, &users(), "user ")
}

/// Returns the text of the file of users. Other sources of names (LDAP, …) are not asked: they could
/// hang.
fn users() -> String {
    let bytes = read_bounded(Path::new("/etc/passwd"), MAX_USERS).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn phrase(uid: u32, login: Option<u32>, said: Vec<(&str, String)>, users: &str) -> String {
    let login = login.filter(|&login| login != NOBODY && login != uid);
    let mut more: Vec<String> =
        login.map(|login| format!("login {}", bare(login, users))).into_iter().collect();
    for (program, word) in said {
        // sudo and pkexec say a number, doas a name.
        let other = word.parse().ok().or_else(|| uid_of(&word, users));
        if other.is_some_and(|other| other == uid || Some(other) == login) {
            continue;
        }
        let whom = match other {
            Some(other) => bare(other, users),
            None => short(&word),
        };
        more.push(format!("by {program} from {whom}"));
    }
    let who = if uid == 0 { "root".to_owned() } else { named(uid, users, "uid ") };
    if more.is_empty() { who } else { format!("{who} ({})", more.join("; ")) }
}

/// `alice (uid 1000)`, or the number behind `otherwise`.
fn named(uid: u32, users: &str, otherwise: &str) -> String {
    match name_of(uid, users) {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("{otherwise}{uid}"),
    }
}

/// `alice, uid 1000`, or the number.
fn bare(uid: u32, users: &str) -> String {
    match name_of(uid, users) {
        Some(name) => format!("{name}, uid {uid}"),
        None => format!("uid {uid}"),
    }
}

fn name_of(uid: u32, users: &str) -> Option<String> {
    entries(users).find(|(_, of)| *of == uid).map(|(name, _)| short(name))
}

fn uid_of(name: &str, users: &str) -> Option<u32> {
    entries(users).find(|(of, _)| *of == name).map(|(_, uid)| uid)
}

/// The names and numbers of `passwd(5)`.
fn entries(users: &str) -> impl Iterator<Item = (&str, u32)> {
    users.lines().filter_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next().filter(|name| !name.is_empty())?;
        Some((name, parts.nth(1)?.parse().ok()?))
    })
}

/// A name on one line, escaped and cut.
fn short(name: &str) -> String {
    one_line(&name.chars().take(MAX_NAME).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n\
                         torn\nbob:x:1001:1001::/home/bob:/bin/sh\n";

    fn of(uid: u32, login: Option<u32>, said: &[(&'static str, &str)]) -> String {
        let said = said.iter().map(|(program, word)| (*program, (*word).to_owned())).collect();
        phrase(uid, login, said, USERS)
    }

    #[test]
    fn whoever_logged_in_is_named_and_sudo_is_not_told_twice() {
        assert_eq!(of(0, None, &[]), "root");
        assert_eq!(of(0, Some(NOBODY), &[]), "root");
        assert_eq!(of(0, Some(0), &[]), "root");
        assert_eq!(of(0, Some(1000), &[]), "root (login alice, uid 1000)");
        assert_eq!(of(0, Some(1000), &[("sudo", "1000")]), "root (login alice, uid 1000)");
        assert_eq!(of(0, Some(4711), &[]), "root (login uid 4711)");
        assert_eq!(of(1001, Some(1001), &[]), "bob (uid 1001)");
        assert_eq!(of(4711, None, &[]), "uid 4711");
    }

    #[test]
    fn where_the_environment_says_something_else_than_the_kernel_both_are_told() {
        let both = "root (login alice, uid 1000; by sudo from bob, uid 1001)";
        assert_eq!(of(0, Some(1000), &[("sudo", "1001")]), both);
        assert_eq!(of(0, None, &[("doas", "bob")]), "root (by doas from bob, uid 1001)");
        assert_eq!(of(0, None, &[("pkexec", "1000")]), "root (by pkexec from alice, uid 1000)");
    }

    #[test]
    fn a_name_in_the_environment_forges_no_line_and_has_an_end() {
        let forged = of(0, None, &[("doas", "x\u{1b}[2J\nroot; y")]);
        assert!(!forged.contains(char::is_control), "{forged:?}");
        assert!(of(0, None, &[("sudo", &"x".repeat(10_000))]).len() < 100);
    }
}
