//! Microsoft's mitigation feed: bytes, trust anchors and the time to a verified document, or exactly
//! why not. EOCS is the Exchange Online Configuration Service, which serves the feed as signed XML.
//!
//! One profile of XML-DSig is accepted, the one that the feed uses, and nothing beside it:
//! one enveloped `Signature` below the root `EOCS`; one `Reference` with the URI "" and two
//! transforms, enveloped-signature and Canonical XML 1.0 without comments; rsa-sha256 with a key of
//! 2048 bits or more; SHA-256. Everything that this cannot mean is refused, so that no two readers
//! of a feed can read different things in it:
//!
//! 1. The document is scanned before it is parsed: size, depth, number of nodes, no DTD, no
//!    processing instructions.
//! 2. The signature has the form of the profile.
//! 3. The digest of the canonical document is the one that was signed. The document that is used
//!    is parsed from these canonical bytes.
//! 4. The key is that of the signer's certificate; a `KeyValue` beside it must be the same.
//! 5. The signature of the canonical `SignedInfo` verifies.
//! 6. The countersignature (RFC 3161) stamps this signature's value, and is not of the future.
//! 7. The stamping authority may stamp, and its path leads to an anchor for it at the stamped time.
//! 8. The signer may sign feeds: code signing, and Microsoft's own usage for this feed.
//! 9. The signer's path leads to an anchor for it, at the stamped time; without a stamp, now.
//!
//! On neither path is a certificate that any revocation list of its issuer names.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod base64;
mod canonical;
mod certificate;
mod check;
mod content;
mod der;
mod form;
mod hash;
mod oid;
mod path;
mod purpose;
mod refusal;
mod revocation;
mod rsa;
mod scan;
mod sequence;
mod shown;
mod signed_info;
mod stamp;
mod stamp_info;
mod transcode;
mod trust;
mod verify;

pub use check::{Check, CheckName, Report};
pub use content::{Action, Config, FeedVersion, Verified};
pub use refusal::{
    CertificateFault, ContentFault, DocumentFault, FormFault, PathFault, Refusal, StampFault,
};
pub use scan::{MAX_BYTES, MAX_DEPTH, MAX_MARKUP};
pub use sequence::{Seen, WentBack, admits};
pub use stamp::MAX_STAMP_BYTES;
pub use trust::{Anchors, NotRead, Trust, TrustFault, certificates, revocation_lists};
pub use verify::verify;
