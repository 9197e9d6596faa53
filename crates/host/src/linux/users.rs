//! The users and groups of this machine, from its own files: no library of a name service is loaded
//! into this process for them, and no network is asked.

use std::collections::BTreeSet;

use stopgap_model::ServerPath;
use stopgap_model::web::Account;

use crate::files::Read;
use crate::unix_files::UnixFiles;

/// The largest of these files that is read, in bytes: ten thousand users have less than 1 MB.
const MAX_FILE: u64 = 16 << 20;
/// Where the users of people begin, unless `/etc/login.defs` says otherwise.
const UID_MIN: u32 = 1000;
/// The users that systemd makes for the time a service runs (`DynamicUser=`).
const DYNAMIC: std::ops::RangeInclusive<u32> = 61_184..=65_519;
/// What belongs to nobody.
const NOBODY: u32 = 65_534;

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: String,
    pub(crate) shell: String,
}

/// A group of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

/// The users and groups of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Users {
    users: Vec<User>,
    groups: Vec<Group>,
    /// Where the users of people begin.
    first: u32,
}

impl Users {
    /// Reads them. What is not there is as if it were empty.
    pub(crate) fn read(files: &UnixFiles) -> Self {
        let text = |path: &str| match files.read(&ServerPath::new(path), MAX_FILE) {
            Read::Found(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Read::Absent | Read::Unreadable(_) => String::new(),
        };
        Self::of(&text("/etc/passwd"), &text("/etc/group"), &text("/etc/login.defs"))
    }

    fn of(passwd: &str, group: &str, login_defs: &str) -> Self {
        let users = passwd.lines().filter_map(user).collect();
        let groups = group.lines().filter_map(self::group).collect();
        let first = login_defs.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next()? == "UID_MIN").then(|| words.next()?.parse().ok())?
        });
        Self { users, groups, first: first.unwrap_or(UID_MIN) }
    }

    /// The user of this name or number.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        let named = self.users.iter().find(|user| user.name == name);
        named.or_else(|| {
            let uid: u32 = name.parse().ok()?;
            self.users.iter().find(|user| user.uid == uid)
        })
    }

    /// The number of the group of this name or number.
    pub(crate) fn gid(&self, name: &str) -> Option<u32> {
        let named = self.groups.iter().find(|group| group.name == name);
        named.map(|group| group.gid).or_else(|| name.parse().ok())
    }

    /// The groups that a user is a member of, as `initgroups(3)` has them, without his own.
    pub(crate) fn groups_of(&self, user: &str) -> BTreeSet<u32> {
        let member = |group: &&Group| group.members.iter().any(|member| member == user);
        self.groups.iter().filter(member).map(|group| group.gid).collect()
    }

    /// The rights that a user has who logs in; one that is not known here is in no group.
    pub(crate) fn account(&self, uid: u32) -> Account {
        match self.users.iter().find(|user| user.uid == uid) {
            Some(user) => {
                let groups = self.groups_of(&user.name);
                Account { groups, ..Account::user(uid, user.gid) }
            }
            None => Account::user(uid, NOBODY),
        }
    }

    /// What a user is called, for a person.
    pub(crate) fn name(&self, uid: u32) -> String {
        let known = self.users.iter().find(|user| user.uid == uid);
        known.map_or_else(|| format!("uid {uid}"), |user| user.name.clone())
    }

    /// Whether it is not a person's account: root, a service's, one that systemd made for a service,
    /// or nobody.
    pub(crate) fn is_system(&self, uid: u32) -> bool {
        uid < self.first || uid == NOBODY || DYNAMIC.contains(&uid)
    }
}

/// A line of `passwd(5)`.
fn user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
    let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
    let text = |text: &&str| (*text).to_owned();
    Some(User { name: text(name), uid, gid, home: text(home), shell: text(shell) })
}

/// A line of `group(5)`.
fn group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields.as_slice() else { return None };
    let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
    Some(Group { name: (*name).to_owned(), gid: gid.parse().ok()?, members: members.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:w:/var/www:/none\n\
        alice:x:1000:1000::/home/alice:/bin/sh\n+nis\nbroken:x:one:2:::\n";
    const GROUP: &str = "root:x:0:\nwww-data:x:33:alice,bob\ncerts:x:900:www-data\n+\n";

    #[test]
    fn a_user_is_known_by_name_and_by_number_with_his_groups() {
        let users = Users::of(PASSWD, GROUP, "");
        assert_eq!(users.user("www-data").unwrap().uid, 33);
        assert_eq!(users.user("33"), users.user("www-data"));
        assert_eq!(users.user("broken"), None);
        assert_eq!(users.groups_of("www-data"), BTreeSet::from([900]));
        let groups = BTreeSet::from([900]);
        assert_eq!(users.account(33), Account { groups, ..Account::user(33, 33) });
        assert_eq!(users.account(4242), Account::user(4242, NOBODY));
        assert_eq!(
            (users.gid("certs"), users.gid("77"), users.gid("x")),
            (Some(900), Some(77), None)
        );
        assert_eq!((users.name(1000), users.name(4242)), ("alice".into(), "uid 4242".into()));
    }

    #[test]
    fn an_account_of_the_system_is_told_from_a_persons() {
        let users = Users::of("", "", "# UID_MIN 1\nUID_MIN\t\t 500\nUID_MAX 60000\n");
        assert!(users.is_system(499) && !users.is_system(500) && !users.is_system(60_000));
        assert!(users.is_system(65_534) && users.is_system(61_184) && users.is_system(0));
        let users = Users::of("", "", "");
        assert!(users.is_system(999) && !users.is_system(1000));
    }
}
