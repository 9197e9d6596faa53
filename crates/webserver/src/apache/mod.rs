//! Apache httpd: one file of ours, taken in by an include of the configuration or by a line of ours.

mod answers;
mod conditions;
mod gaps;
mod lex;
mod macros;
mod mark;
mod own;
mod place;
mod redirect;
mod render;
mod rewriting;
mod sites;
mod tree;
mod walk;

use std::collections::BTreeSet;

use stopgap_model::reason::{ConfigFault, ConfigTrouble};

use crate::files::{Files, Missing, Need};

pub(super) use answers::own_answers;
pub(super) use gaps::gaps;
pub(super) use place::{own_paths, place, written_files};
pub(super) use render::text as rule_text;
pub(super) use sites::{listens, sites};
pub(super) use tree::Tree;

/// What is still to be read.
pub(super) fn needs(files: &Files) -> Missing {
    let mut walk = walk::Walk::new(files);
    // What is wrong is said by the layout.
    let _ = walk.run();
    let mut missing = walk.missing;
    let own = own_paths(files, &walk.tree);
    let unread = own.into_iter().filter(|path| files.get(path).is_none());
    missing.extend(unread.map(|path| (Need::File(path), BTreeSet::new())));
    missing
}

/// What the files say.
pub(super) fn read(files: &Files) -> Result<Tree<'_>, ConfigTrouble> {
    let mut walk = walk::Walk::new(files);
    walk.run()?;
    match walk.missing.first_key_value() {
        None => Ok(walk.tree),
        Some(_) => {
            let what = ConfigFault::NotReadYet;
            Err(ConfigTrouble { path: files.main(), line: None, what })
        }
    }
}
