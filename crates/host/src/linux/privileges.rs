//! With whose rights a server's program runs: those that the server is started with, and no more.

use std::path::Path;

use rustix::process::geteuid;

use stopgap_fs::read_bounded;
use stopgap_model::web::{Account, Capabilities};

/// Gives away rights and executes a program (util-linux). That is done by a process of its own:
/// while a thread of this one had the user's number, the user could end all of it by a signal.
pub(crate) const SETPRIV: &str = "/usr/bin/setpriv";
/// The number of the last capability that the kernel knows.
const LAST_CAPABILITY: &str = "/proc/sys/kernel/cap_last_cap";
/// The most that is read of it, in bytes.
const MAX_FACTS: u64 = 64 * 1024;
/// The arguments of [`SETPRIV`] that give away all rights but this account's; none where this
/// process has no other.
pub(crate) fn giving_away(account: &Account) -> Vec<String> {
    // Who is not root has no rights to give away but his own, which are few.
    if !geteuid().is_root() || *account == Account::root() {
        return Vec::new();
    }
    let missing = missing_capabilities(account.bounding);
    let mut arguments = Vec::new();
    if !account.is_root() {
        arguments.extend(["--reuid".to_owned(), account.uid.to_string()]);
    }
    if !account.is_root() || account.gid != 0 {
        arguments.extend(["--regid".to_owned(), account.gid.to_string()]);
    }
    if !account.groups.is_empty() {
        let groups: Vec<String> = account.groups.iter().map(u32::to_string).collect();
        arguments.extend(["--groups".to_owned(), groups.join(",")]);
    } else if !account.is_root() {
        arguments.push("--clear-groups".to_owned());
    }
    if !account.is_root() {
        let ambient = (0..u64::BITS).filter(|number| account.ambient.has(*number));
        let ambient: String = ambient.map(|number| format!(",+cap_{number}")).collect();
        for set in ["--inh-caps", "--ambient-caps"] {
            arguments.push(format!("{set}=-all{ambient}"));
        }
    }
    if !missing.is_empty() {
        let missing: Vec<String> = missing.iter().map(|number| format!("-cap_{number}")).collect();
        arguments.push(format!("--bounding-set={}", missing.join(",")));
    }
    if account.no_new_privileges {
        arguments.push("--no-new-privs".to_owned());
    }
    if !arguments.is_empty() {
        arguments.push("--".to_owned());
    }
    arguments
}

/// The variables that the C library does not take from whoever starts a setuid program: it would load
/// code by them, or read and write files (`unsecure-envvars.h`).
const UNSAFE: [&str; 14] = [
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LD_",
    "LOCALDOMAIN",
    "LOCPATH",
    "MALLOC_",
    "NIS_PATH",
    "NLSPATH",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "TMPDIR",
    "TZDIR",
];

/// Whether a variable of a server may only be there when root's rights have been given away: its
/// unit may name a library in it that the server's user can write.
pub(crate) fn is_for_afterwards(variable: &str) -> bool {
    UNSAFE.iter().any(|name| variable.starts_with(name))
}

/// The capabilities of this kernel that are not in a bounding set.
fn missing_capabilities(bounding: Capabilities) -> Vec<u32> {
    let last = read_bounded(Path::new(LAST_CAPABILITY), MAX_FACTS).ok();
    let last = last.and_then(|bytes| String::from_utf8(bytes).ok()?.trim().parse::<u32>().ok());
    // A kernel that does not say it has at most as many as there are bits; what it does not know
    // setpriv refuses, and then the program is not run.
    let last = last.unwrap_or(u64::BITS - 1);
    (0..=last).filter(|number| !bounding.has(*number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn www() -> Account {
        let groups = [33, 120].into();
        let ambient = Capabilities(1 << 10);
        Account { groups, ambient, ..Account::user(33, 33) }
    }

    #[test]
    fn only_what_an_account_has_is_kept() {
        if !geteuid().is_root() {
            println!("skipped: only root has rights to give away");
            return;
        }
        assert_eq!(giving_away(&Account::root()), [""; 0]);
        let all = giving_away(&www()).join(" ");
        assert_eq!(
            all,
            "--reuid 33 --regid 33 --groups 33,120 --inh-caps=-all,+cap_10 \
             --ambient-caps=-all,+cap_10 --"
        );
        let bounding = Capabilities(!(1 << 21));
        let bound = Account { bounding, no_new_privileges: true, ..Account::root() };
        assert_eq!(giving_away(&bound).join(" "), "--bounding-set=-cap_21 --no-new-privs --");
    }
}
