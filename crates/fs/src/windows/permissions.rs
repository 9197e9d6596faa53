//! What a security descriptor says: who owns a file or folder, and who may do what with it.
//!
//! It is parsed here, from its bytes, and not asked of Windows: what is trusted can be tested with
//! any descriptor, on any system.

use std::fmt;

/// What lets somebody change a file or folder, or what is in it.
pub(crate) const WRITE: u32 = 0x0000_0002 // the bytes; in a folder, new files
    | 0x0000_0004 // bytes at the end; in a folder, new folders
    | 0x0000_0010 // extended attributes
    | 0x0000_0100 // attributes
    | REPLACE;

/// What lets somebody put something else in the place of what is in a folder, or take the right to.
pub(crate) const REPLACE: u32 = 0x0000_0040 // delete what is in it
    | 0x0001_0000 // delete itself
    | 0x0004_0000 // change the access list
    | 0x0008_0000 // take it over
    | 0x4000_0000 // everything that is writing
    | 0x1000_0000; // everything

/// What lets somebody read the bytes of a file, or the names in a folder.
pub(crate) const READ: u32 = 0x0000_0001 | 0x8000_0000 | 0x1000_0000;

/// The system, the administrators and the installer of Windows itself.
const TRUSTED: [&str; 3] =
    ["S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"];

/// They stand for the owner: of what is made in a folder, and of what they are said of.
const OWNERS: [&str; 2] = ["S-1-3-0", "S-1-3-4"];

/// Everybody. Where there is no access list, everybody may do everything.
const EVERYBODY: &str = "S-1-1-0";

/// A security identifier, as text: `S-1-5-18`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sid(pub(crate) String);

impl Sid {
    /// Whether who has it could do everything on the machine anyway, or is `own`, the user of this
    /// process.
    pub(crate) fn is_trusted(&self, own: &Self) -> bool {
        self == own || TRUSTED.contains(&self.0.as_str())
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// An entry of an access list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    allows: bool,
    /// Whether it says something of the folder itself, and not only of what will be made in it.
    is_effective: bool,
    rights: u32,
    who: Sid,
}

/// What a security descriptor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permissions {
    pub(crate) owner: Option<Sid>,
    /// Without one everybody may do everything; with an empty one nobody may do anything.
    entries: Option<Vec<Entry>>,
    /// Whether it takes nothing from the folder above.
    pub(crate) is_protected: bool,
}

/// The bytes are no security descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Permissions {
    /// What the bytes of a descriptor in one piece say.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let control = u16_at(bytes, 2)?;
        let (owner, list) = (u32_at(bytes, 4)?, u32_at(bytes, 16)?);
        let owner = match owner {
            0 => None,
            at => Some(sid(bytes.get(at as usize..).ok_or(Malformed)?)?.0),
        };
        let has_list = control & 0x0004 != 0 && list != 0;
        let entries = match has_list {
            true => Some(entries(bytes.get(list as usize..).ok_or(Malformed)?)?),
            false => None,
        };
        Ok(Self { owner, entries, is_protected: control & 0x1000 != 0 })
    }

    /// Who of those that are not trusted is allowed any of `rights`; the owner is not among them.
    /// What is denied is not reckoned with, as an entry that denies may not be about all that one that
    /// allows is about.
    pub(crate) fn others(&self, rights: u32, own: &Sid) -> Vec<Sid> {
        let Some(entries) = &self.entries else { return vec![Sid(EVERYBODY.to_owned())] };
        let is_other = |entry: &&Entry| {
            entry.allows
                && entry.is_effective
                && entry.rights & rights != 0
                && !entry.who.is_trusted(own)
                && !OWNERS.contains(&entry.who.0.as_str())
        };
        let mut others: Vec<Sid> =
            entries.iter().filter(is_other).map(|entry| entry.who.clone()).collect();
        others.sort();
        others.dedup();
        others
    }

    /// The owner, if that is not somebody who is trusted.
    pub(crate) fn foreign_owner(&self, own: &Sid) -> Option<&Sid> {
        self.owner.as_ref().filter(|owner| !owner.is_trusted(own))
    }

    /// Whether both give the same people the same rights.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.owner == other.owner && self.entries == other.entries
    }
}

fn entries(list: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let (length, count) = (u16_at(list, 2)?, u16_at(list, 4)?);
    let mut rest = list.get(8..length.into()).ok_or(Malformed)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (kind, flags) = (u16_at(rest, 0)? as u8, (u16_at(rest, 0)? >> 8) as u8);
        let size = usize::from(u16_at(rest, 2)?);
        let entry = rest.get(..size).filter(|entry| entry.len() >= 8).ok_or(Malformed)?;
        if let Some(allows) = allows(kind) {
            let (rights, who) = (u32_at(entry, 4)?, sid(who_in(kind, entry)?)?.0);
            entries.push(Entry { allows, is_effective: flags & 0x08 == 0, rights, who });
        }
        rest = rest.get(size..).ok_or(Malformed)?;
    }
    Ok(entries)
}

/// Whether an entry of this kind allows or denies; `None` where it does neither, such as a label.
fn allows(kind: u8) -> Option<bool> {
    match kind {
        0 | 5 | 9 | 11 => Some(true),
        1 | 6 | 10 | 12 => Some(false),
        _ => None,
    }
}

/// The identifier in an entry: behind the rights, and in an entry about an object behind up to two
/// identifiers of 16 bytes.
fn who_in(kind: u8, entry: &[u8]) -> Result<&[u8], Malformed> {
    let at = match kind {
        5 | 6 | 11 | 12 => 12 + 16 * (u32_at(entry, 8)? & 0x3).count_ones() as usize,
        _ => 8,
    };
    entry.get(at..).ok_or(Malformed)
}

/// The identifier at the beginning of the bytes, and its length.
fn sid(bytes: &[u8]) -> Result<(Sid, usize), Malformed> {
    let [revision, count, a, b, c, d, e, f, rest @ ..] = bytes else { return Err(Malformed) };
    let authority = [0, 0, *a, *b, *c, *d, *e, *f];
    let mut text = format!("S-{revision}-{}", u64::from_be_bytes(authority));
    for at in 0..usize::from(*count) {
        text.push_str(&format!("-{}", u32_at(rest, at * 4)?));
    }
    Ok((Sid(text), 8 + usize::from(*count) * 4))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Malformed> {
    match bytes.get(at..at + 2) {
        Some(&[low, high]) => Ok(u16::from_le_bytes([low, high])),
        _ => Err(Malformed),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    Ok(u32::from(u16_at(bytes, at)?) | u32::from(u16_at(bytes, at + 2)?) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: &str = "S-1-5-18";
    const ADMINISTRATORS: &str = "S-1-5-32-544";
    const USERS: &str = "S-1-5-32-545";
    const MALLORY: &str = "S-1-5-21-1-2-3-1001";
    const FULL: u32 = 0x001f_01ff;
    const READ_AND_RUN: u32 = 0x0012_00a9;

    fn sid_bytes(text: &str) -> Vec<u8> {
        let numbers: Vec<u64> = text.split('-').skip(1).map(|n| n.parse().unwrap()).collect();
        let mut bytes = vec![numbers[0] as u8, (numbers.len() - 2) as u8];
        bytes.extend(&numbers[1].to_be_bytes()[2..]);
        numbers[2..].iter().for_each(|n| bytes.extend((*n as u32).to_le_bytes()));
        bytes
    }

    /// A descriptor in one piece, as Windows makes it: kind, flags, rights and identifier of each entry.
    fn descriptor(owner: &str, entries: Option<&[(u8, u8, u32, &str)]>) -> Vec<u8> {
        let owner = sid_bytes(owner);
        let control: u16 = if entries.is_some() { 0x8004 } else { 0x8000 };
        let list_at = if entries.is_some() { 20 + owner.len() as u32 } else { 0 };
        let mut bytes = vec![1, 0];
        bytes.extend(control.to_le_bytes());
        [20, 0, 0, list_at].iter().for_each(|at: &u32| bytes.extend(at.to_le_bytes()));
        bytes.extend(&owner);
        let mut list = Vec::new();
        for (kind, flags, rights, who) in entries.unwrap_or_default() {
            let who = sid_bytes(who);
            list.extend([*kind, *flags]);
            list.extend((8 + who.len() as u16).to_le_bytes());
            list.extend(rights.to_le_bytes());
            list.extend(who);
        }
        if let Some(entries) = entries {
            bytes.extend([2, 0]);
            bytes.extend((8 + list.len() as u16).to_le_bytes());
            bytes.extend((entries.len() as u16).to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend(list);
        }
        bytes
    }

    fn of(owner: &str, entries: &[(u8, u8, u32, &str)]) -> Permissions {
        Permissions::parse(&descriptor(owner, Some(entries))).expect("a descriptor")
    }

    fn own() -> Sid {
        Sid(SYSTEM.to_owned())
    }

    fn who(sids: &[Sid]) -> Vec<&str> {
        sids.iter().map(|sid| sid.0.as_str()).collect()
    }

    #[test]
    fn a_folder_below_program_files_can_only_be_changed_by_those_who_are_trusted() {
        let installer = TRUSTED[2];
        let found = of(
            installer,
            &[
                (0, 0x03, FULL, SYSTEM),
                (0, 0x03, FULL, ADMINISTRATORS),
                (0, 0x03, FULL, installer),
                (0, 0x03, READ_AND_RUN, USERS),
                // For what will be made in it: whoever makes something may change it.
                (0, 0x0b, 0x1000_0000, "S-1-3-0"),
            ],
        );
        assert_eq!(found.others(WRITE, &own()), []);
        assert_eq!(found.foreign_owner(&own()), None);
        assert_eq!(who(&found.others(READ, &own())), [USERS]);
    }

    #[test]
    fn whoever_may_write_is_found_whatever_the_right_is_called() {
        for right in [0x2, 0x4, 0x10, 0x40, 0x100, 0x1_0000, 0x4_0000, 0x8_0000, 1 << 28, 1 << 30] {
            for kind in [0, 9] {
                let found = of(SYSTEM, &[(0, 0, FULL, SYSTEM), (kind, 0, right, MALLORY)]);
                assert_eq!(who(&found.others(WRITE, &own())), [MALLORY], "{right:x}");
            }
        }
        let folders = of(SYSTEM, &[(0, 0, 0x4, USERS)]);
        assert_eq!(folders.others(REPLACE, &own()), [], "a new folder replaces nothing");
    }

    #[test]
    fn what_is_denied_or_only_handed_down_allows_nothing_and_takes_nothing_away() {
        let found =
            of(SYSTEM, &[(1, 0, FULL, MALLORY), (0, 0x0b, FULL, USERS), (0, 0, FULL, MALLORY)]);
        assert_eq!(who(&found.others(WRITE, &own())), [MALLORY]);
    }

    #[test]
    fn without_an_access_list_everybody_may_do_everything() {
        let found = Permissions::parse(&descriptor(SYSTEM, None)).expect("a descriptor");
        assert_eq!(who(&found.others(WRITE, &own())), [EVERYBODY]);
        let empty = of(SYSTEM, &[]);
        assert_eq!(empty.others(WRITE, &own()), []);
    }

    #[test]
    fn a_folder_that_a_user_made_is_that_users() {
        let found = of(MALLORY, &[(0, 0, FULL, SYSTEM)]);
        assert_eq!(found.foreign_owner(&own()).map(|sid| sid.0.as_str()), Some(MALLORY));
        assert_eq!(found.foreign_owner(&Sid(MALLORY.to_owned())), None);
        assert_eq!(of(ADMINISTRATORS, &[]).foreign_owner(&own()), None);
    }

    #[test]
    fn an_entry_about_an_object_has_its_identifier_behind_those_of_the_object() {
        let mut bytes = descriptor(SYSTEM, Some(&[(5, 0, FULL, MALLORY)]));
        let at = bytes.len() - sid_bytes(MALLORY).len();
        // Flags that say that one identifier follows, and the identifier.
        let object = [&1_u32.to_le_bytes()[..], &[7; 16]].concat();
        bytes.splice(at..at, object);
        let list = 20 + sid_bytes(SYSTEM).len();
        let (size, entry) = (8 + 8 + 20 + 28_u16, 8 + 20 + 28_u16);
        bytes[list + 2..list + 4].copy_from_slice(&size.to_le_bytes());
        bytes[list + 10..list + 12].copy_from_slice(&entry.to_le_bytes());
        let found = Permissions::parse(&bytes).expect("a descriptor");
        assert_eq!(who(&found.others(WRITE, &own())), [MALLORY]);
    }

    #[test]
    fn a_damaged_descriptor_is_refused_wherever_it_ends() {
        let whole = descriptor(MALLORY, Some(&[(0, 0, FULL, SYSTEM), (0, 0, FULL, USERS)]));
        assert!(Permissions::parse(&whole).is_ok());
        for length in 0..whole.len() {
            assert_eq!(Permissions::parse(&whole[..length]), Err(Malformed), "{length}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] = 0xff;
            // Whatever it says then: nothing is read that is not there.
            let _ = Permissions::parse(&bytes);
        }
    }
}
