//! Apache httpd: one file of ours, taken in by an include of the configuration or by a line of ours.

mod conditions;
mod lex;
mod macros;
mod own;
mod place;
mod render;
mod rewriting;
mod sites;
mod walk;

use std::collections::BTreeSet;

use crate::files::{Files, Missing, Need, Trouble};

pub(super) use own::own_answers;
pub(super) use place::{own_paths, place, written_files};
pub(crate) use render::text as rule_text;
pub(super) use sites::{listens, sites};
pub(super) use walk::Tree;

/// What is still to be read.
pub(super) fn needs(files: &Files) -> Missing {
    let mut walk = walk::Walk::new(files);
    // What is wrong is told by the layout.
    let _ = walk.run();
    let mut missing = walk.missing;
    let own = own_paths(files, &walk.tree);
    let unread = own.into_iter().filter(|path| files.get(path).is_none());
    missing.extend(unread.map(|path| (Need::File(path), BTreeSet::new())));
    missing
}

/// What the files say.
pub(super) fn read(files: &Files) -> Result<Tree<'_>, Trouble> {
    let mut walk = walk::Walk::new(files);
    walk.run()?;
    match walk.missing.first_key_value() {
        None => Ok(walk.tree),
        Some(_) => Err(Trouble {
            path: files.main(),
            line: None,
            what: "not all of the files that it includes were read yet".into(),
        }),
    }
}

/// What rules do not reach, or what is not asked of: the hosts of macros that are not known; and where `Satisfy Any` stands, a request that is let in by the old
/// directives (`Allow from`) is not asked of `Require`, unless a rule says `Satisfy All` itself.
pub(super) fn gaps(tree: &Tree<'_>, text: &str) -> Vec<String> {
    let place = |(source, at): &(usize, usize)| {
        tree.sources.get(*source).map(|source| source.told(*at)).unwrap_or_default()
    };
    let uses = tree.unknown_uses.iter().map(|(at, name)| {
        format!(
            "the hosts that the macro {name} makes in {} are not known, so none of them is probed",
            place(at)
        )
    });
    let mut told: Vec<String> = uses.collect();
    if !text.contains("Satisfy All") {
        let any = tree.satisfy_any.iter();
        told.extend(
            any.map(|at| {
                format!("`Satisfy Any` in {} lets requests in that rules deny", place(at))
            }),
        );
    }
    if text.contains("<If") {
        told.extend(own::gaps(tree));
    }
    told
}
