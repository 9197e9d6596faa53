//! Feeds: URL or file to verified mitigations, and what is remembered of them.
//!
//! A feed is a TUF repository with one target for each mitigation, or a document in Microsoft's
//! format. It is fetched from a place, verified, and kept; what is used afterwards is read from what
//! is kept, and verified again. A feed has only the power that it was given.

mod anchors;
mod bundle;
mod catalog;
mod eocs_feed;
mod feeds;
mod folder;
mod place;
mod policy;
mod powers;
mod standing;
pub mod tuf;
mod web;
mod work;

pub use anchors::{AnchorsError, trust_in};
pub use bundle::Bundle;
pub use catalog::{Assembly, DOCUMENT_SUFFIX, Known, Source};
pub use eocs_feed::EocsFailure;
pub use feeds::{Content, Failure, Feed, FeedName, Feeds, FeedsError, Format, NotAFeedName, View};
pub use folder::Folder;
pub use place::{Answer, Hop, Limits, Network, Place, PlaceError, place};
pub use policy::{OrganisationPolicy, POLICY_NAME};
pub use powers::{Kind, NotAPower, PolicyPower, Powers, Wildcard};
pub use standing::{Expiry, Level, Standing, Trouble};
pub use web::Web;
