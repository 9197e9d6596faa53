//! Feeds: URL or file to verified mitigations, and what is remembered of them.

mod bundle;
mod folder;
mod place;
pub mod tuf;
mod web;

pub use bundle::Bundle;
pub use folder::Folder;
pub use place::{Answer, Hop, Limits, Network, Place, PlaceError, place};
pub use web::Web;
