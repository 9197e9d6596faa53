//! nginx: includes of ours right behind the braces of the blocks concerned.

mod gaps;
mod lex;
mod lua;
mod named;
mod needs;
mod parts;
mod passages;
mod place;
mod prefilter;
mod reach;
mod render;
mod sites;
mod span;
mod streams;
mod test_config;
mod tree;
mod walk;

use stopgap_model::reason::{ConfigFault, ConfigTrouble};

use crate::files::Files;

pub(super) use gaps::{gaps, leaks};
pub(super) use named::named_in;
pub(super) use needs::needs;
pub(super) use parts::{Parts, own_paths};
pub(super) use passages::passages;
pub(super) use place::{place, written_files};
pub(super) use reach::{holes, lines_left, strays, unreached};
pub(super) use render::text as rule_text;
pub(super) use sites::{listens, sites};
pub(super) use tree::{Tree, reads_requests};

/// What the files say.
pub(super) fn read(files: &Files) -> Result<Tree<'_>, ConfigTrouble> {
    let mut walk = walk::Walk::new(files);
    walk.run()?;
    // Where no server block is known at all, what is not known is all there is.
    if let Some((path, fault)) = walk.tree.unread.first_key_value()
        && walk.tree.servers.is_empty()
    {
        return Err(ConfigTrouble { path: path.clone(), line: None, what: fault.clone() });
    }
    match walk.missing.first_key_value() {
        None => Ok(walk.tree),
        Some(_) => {
            let what = ConfigFault::NotReadYet;
            Err(ConfigTrouble { path: files.main(), line: None, what })
        }
    }
}
