//! `stopgap feed`: signed feeds of mitigations.

mod add;
mod import;
pub(crate) mod list;
pub(crate) mod refresh;
mod verify;

use crate::args::{Common, Feed, FeedFormat};
use crate::error::CliError;

pub(crate) fn run(common: &Common, command: &Feed) -> Result<u8, CliError> {
    match command {
        Feed::Add(arguments) => add::add(common, arguments),
        Feed::List => list::run(common),
        Feed::Remove { name } => add::remove(common, name),
        Feed::Refresh { names } => refresh::run(common, names),
        Feed::Import { file, name, accept_stale } => {
            import::run(common, file, name.as_ref(), *accept_stale)
        }
        Feed::Verify { file, format: FeedFormat::Eocs, anchors, at } => {
            verify::run(common, file, anchors, *at)
        }
    }
}
