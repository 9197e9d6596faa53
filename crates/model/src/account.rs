//! With which rights a process is started.

use std::collections::BTreeSet;
use std::fmt;

/// All that says what a process may do when it is started: its user, its groups and its Linux
/// capabilities.
///
/// For a unit of a service manager it is what its `User=`, `Group=`, `SupplementaryGroups=`,
/// `AmbientCapabilities=`, `CapabilityBoundingSet=` and `NoNewPrivileges=` come to. What a process
/// becomes afterwards, as a server's workers do, does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The number of its user.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    /// The numbers of its supplementary groups.
    pub groups: BTreeSet<u32>,
    /// The capabilities that a user who is not root begins with.
    pub ambient: Capabilities,
    /// The capabilities that it can have at most, whatever it executes.
    pub bounding: Capabilities,
    /// Whether nothing that it executes can give it more rights: setuid programs and the like.
    pub no_new_privileges: bool,
}

impl Account {
    /// The superuser, with all that he may do.
    #[must_use]
    pub fn root() -> Self {
        Self {
            bounding: Capabilities::ALL,
            ambient: Capabilities::NONE,
            groups: BTreeSet::new(),
            uid: 0,
            gid: 0,
            no_new_privileges: false,
        }
    }

    /// A user with this group, without other groups or capabilities.
    #[must_use]
    pub fn user(uid: u32, gid: u32) -> Self {
        Self { uid, gid, ..Self::root() }
    }

    /// Whether its user is root, with whatever capabilities.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::root()
    }
}

/// `root`, or `user 33`: a number, as names are the matter of the machine.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uid {
            0 => f.pad("root"),
            uid => write!(f, "user {uid}"),
        }
    }
}

/// A set of Linux capabilities: the bit of a capability is that of its number, as in
/// `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);
    /// All, those of kernels to come included.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether the capability with this number is among them.
    #[must_use]
    pub fn has(self, number: u32) -> bool {
        self.0.checked_shr(number).is_some_and(|bits| bits & 1 == 1)
    }
}
