//! What a web server answers by itself, before any rule of ours is asked or in the place of what it says.

use std::collections::BTreeSet;

/// Something in the configuration of one block that answers requests by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAnswer {
    /// The block; see `WebSite::block`.
    pub block: usize,
    /// Which requests, and how.
    pub answers: Answers,
    /// What it is and where it stands: `the redirect in /etc/haproxy/haproxy.cfg, line 12`.
    pub by: String,
}

/// Which requests something answers by itself, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// Any, with one of these statuses.
    With(BTreeSet<u16>),
    /// Any, with any status.
    Anything,
    /// Those for exactly this target.
    Target(String),
    /// Those with an encoded slash in their path, with 404.
    EncodedSlash,
    /// Those that are denied with this status: something else may stand for it.
    InsteadOf(u16),
    /// Those of whoever connects too often: it closes the connection.
    TooMany,
}

impl Answers {
    /// Whether a request for `target` may get this status from it before a rule is asked.
    #[must_use]
    pub fn explains(&self, target: &[u8], status: u16) -> bool {
        match self {
            Self::With(statuses) => statuses.contains(&status),
            Self::Anything => true,
            Self::Target(own) => own.as_bytes() == target,
            Self::EncodedSlash => status == 404 && has_encoded_slash(target),
            Self::InsteadOf(_) | Self::TooMany => false,
        }
    }
}

fn has_encoded_slash(target: &[u8]) -> bool {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    path.windows(3).any(|three| three.eq_ignore_ascii_case(b"%2f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_explains_what_it_can_be_and_nothing_else() {
        let redirect = Answers::With(BTreeSet::from([301]));
        assert!(redirect.explains(b"/x", 301) && !redirect.explains(b"/x", 302));
        let monitor = Answers::Target("/alive".into());
        assert!(monitor.explains(b"/alive", 200) && !monitor.explains(b"/alive?x", 200));
        let slash = Answers::EncodedSlash;
        assert!(slash.explains(b"/a%2Fb", 404) && !slash.explains(b"/a%2Fb", 200));
        assert!(!slash.explains(b"/a?b=%2f", 404));
        assert!(!Answers::InsteadOf(403).explains(b"/x", 302));
    }
}
