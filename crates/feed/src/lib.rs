//! Feeds: URL or file to verified mitigations, and what is remembered of them.
//!
//! A feed is a TUF repository with one target for each mitigation, or a document in Microsoft's
//! format. It is fetched by a [`Transport`], verified, and kept; what is used afterwards is read from
//! what is kept, and verified again. A feed may ask for nothing but what its [`Permissions`] grant.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod anchors;
mod bundle;
mod catalog;
mod dir;
mod eocs_feed;
mod failure;
mod feeds;
mod http;
mod name;
mod open;
mod permissions;
mod policy;
mod status;
mod status_file;
mod transport;
pub mod tuf;
mod work;

pub use anchors::{AnchorsError, trust_in};
pub use bundle::BundleTransport;
pub use catalog::{Assembly, DOCUMENT_SUFFIX, Known, Source, TooMuchWork};
pub use dir::DirTransport;
pub use eocs_feed::EocsFailure;
pub use failure::{Failure, FeedsError};
pub use feeds::{Content, Feed, Feeds, Format, View};
pub use http::HttpTransport;
pub use name::{FeedName, NotAFeedName};
pub use open::open_transport;
pub use permissions::{Kind, NotAPermission, Permissions, PolicyPermission, Wildcard};
pub use policy::{NoPolicy, OrganisationPolicy, POLICY_NAME};
pub use status::{Expiry, FetchStatus, Level, Trouble};
pub use transport::{Answer, ConnectStep, Limits, Network, Transport, TransportError};
