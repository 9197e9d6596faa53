//! nginx: includes of ours right behind the braces of the blocks concerned.

mod lex;
mod lua;
mod needs;
mod place;
mod prefilter;
mod reach;
mod render;
mod sites;
mod streams;
mod test_config;
mod tree;
mod walk;

use crate::files::{Files, Trouble};

pub(super) use needs::{named_in, needs};
pub(super) use place::{Parts, own_paths, place, written_files};
pub(super) use reach::{holes, lines_left, strays, unreached};
pub(crate) use render::text as rule_text;
pub(super) use sites::{listens, sites};
pub(super) use streams::passages;
pub(super) use tree::{Tree, gaps, leaks, reads_requests};

/// What the files say.
pub(super) fn read(files: &Files) -> Result<Tree<'_>, Trouble> {
    let mut walk = walk::Walk::new(files);
    walk.run()?;
    // Where no server block is known at all, what is not known is all there is.
    if let Some((path, why)) = walk.tree.unread.first_key_value()
        && walk.tree.servers.is_empty()
    {
        return Err(Trouble { path: path.clone(), line: None, what: why.clone() });
    }
    match walk.missing.first_key_value() {
        None => Ok(walk.tree),
        Some(_) => Err(Trouble {
            path: files.main(),
            line: None,
            what: "not all of the files that it includes were read yet".into(),
        }),
    }
}
