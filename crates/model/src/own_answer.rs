//! What a web server answers by itself, before any rule of ours is asked or in the place of what it says.

use std::collections::BTreeSet;

use crate::request::Request;
use crate::web::WebSite;

/// Something in the configuration of one block that answers requests by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAnswer {
    /// The block; see `WebSite::block`.
    pub block: usize,
    /// Which sites of the block.
    pub only: Only,
    /// Which requests, and how.
    pub answers: Answers,
    /// What it is and where it stands: `the redirect in /etc/haproxy/haproxy.cfg, line 12`.
    pub by: String,
}

impl OwnAnswer {
    /// Whether a site has it.
    #[must_use]
    pub fn is_of(&self, site: &WebSite) -> bool {
        let Only { plain, names } = &self.only;
        let is_named =
            names.as_ref().is_none_or(|names| names.contains(&site.name.to_ascii_lowercase()));
        self.block == site.block && !(*plain && site.tls) && is_named
    }

    /// Whether this request to a site that has it may get this status from it before a rule is asked.
    #[must_use]
    pub fn explains(&self, request: &Request, status: u16) -> bool {
        // What asks for a host of its own does not go by the site's name.
        let is_renamed = request.header_values("Host").next().is_some();
        !(is_renamed && self.only.names.is_some()) && self.answers.explain(&request.target, status)
    }
}

/// The page that a site may have given with this status for what is denied with `denied`: what it is,
/// and whether it is certain.
pub fn page<'a>(
    all: impl Iterator<Item = &'a OwnAnswer>,
    denied: u16,
    status: u16,
) -> Option<(&'a str, bool)> {
    let (mut may_be, mut is_certain) = (None, true);
    for own in all {
        match own.answers {
            Answers::InsteadOf { denied: of, page } if of == denied => {
                is_certain &= page == Some(status);
                if page.is_none_or(|page| page == status) {
                    may_be = may_be.or(Some(own.by.as_str()));
                }
            }
            _ => {}
        }
    }
    may_be.map(|by| (by, is_certain))
}

/// Which sites of a block something is for, as its conditions say. By default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// Those that do not speak TLS.
    pub plain: bool,
    /// Those with one of these names in lower case; `None`: whatever their name is.
    pub names: Option<BTreeSet<String>>,
}

/// Which requests something answers by itself, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// Any, with one of these statuses.
    With(BTreeSet<u16>),
    /// Those for this path and for what is below it, with this status.
    Below(String, u16),
    /// Any, with any status.
    Anything,
    /// Those for exactly this target.
    Target(String),
    /// Those with an encoded slash in their path, with 404.
    EncodedSlash,
    /// Those that are denied: a page stands for it.
    InsteadOf {
        /// The status that they are denied with.
        denied: u16,
        /// The status of the page; `None`: it is not known.
        page: Option<u16>,
    },
    /// Those of whoever connects too often: it closes the connection.
    TooMany,
}

impl Answers {
    /// Whether a request for `target` may get this status from it before a rule is asked.
    fn explain(&self, target: &[u8], status: u16) -> bool {
        match self {
            Self::With(statuses) => statuses.contains(&status),
            Self::Below(path, own) => *own == status && is_below(target, path.as_bytes()),
            Self::Anything => true,
            Self::Target(own) => own.as_bytes() == target,
            Self::EncodedSlash => status == 404 && has_encoded_slash(target),
            Self::InsteadOf { .. } | Self::TooMany => false,
        }
    }
}

/// Whether the path of a target is this path or below it, once it is decoded and its empty parts and its
/// dots are resolved, as Apache does.
fn is_below(target: &[u8], path: &[u8]) -> bool {
    let asked = decoded(target.split(|byte| *byte == b'?').next().unwrap_or_default());
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in asked.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let mut whole = b"/".to_vec();
    whole.extend(parts.join(&b'/'));
    if asked.ends_with(b"/") && !parts.is_empty() {
        whole.push(b'/');
    }
    let rest = whole.strip_prefix(path);
    asked.starts_with(b"/")
        && rest
            .is_some_and(|rest| rest.is_empty() || path.ends_with(b"/") || rest.starts_with(b"/"))
}

/// The bytes that a path stands for, decoded once.
fn decoded(path: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, behind)) = rest.split_first() {
        let escaped = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => digit(*high).zip(digit(*low)).zip(Some(behind)),
            _ => None,
        };
        // What is no escape stands for itself.
        let (byte, next) =
            escaped.map_or((first, behind), |((high, low), behind)| (high << 4 | low, behind));
        bytes.push(byte);
        rest = next;
    }
    bytes
}

fn has_encoded_slash(target: &[u8]) -> bool {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    path.windows(3).any(|three| three.eq_ignore_ascii_case(b"%2f"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::Listen;

    fn own(answers: Answers) -> OwnAnswer {
        OwnAnswer { block: 0, only: Only::default(), answers, by: String::new() }
    }

    fn get(target: &str) -> Request {
        Request { target: target.as_bytes().to_vec(), ..Request::default() }
    }

    fn explains(answers: &Answers, target: &str, status: u16) -> bool {
        own(answers.clone()).explains(&get(target), status)
    }

    #[test]
    fn an_answer_explains_what_it_can_be_and_nothing_else() {
        let redirect = Answers::With(BTreeSet::from([301]));
        assert!(explains(&redirect, "/x", 301) && !explains(&redirect, "/x", 302));
        let monitor = Answers::Target("/alive".into());
        assert!(explains(&monitor, "/alive", 200) && !explains(&monitor, "/alive?x", 200));
        let slash = Answers::EncodedSlash;
        assert!(explains(&slash, "/a%2Fb", 404) && !explains(&slash, "/a%2Fb", 200));
        assert!(!explains(&slash, "/a?b=%2f", 404));
        let page = Answers::InsteadOf { denied: 403, page: Some(302) };
        assert!(!explains(&page, "/x", 302));
    }

    #[test]
    fn an_answer_is_the_page_for_what_is_denied_only_with_the_status_of_that_page() {
        let all = |pages: &[Option<u16>]| -> Vec<OwnAnswer> {
            pages.iter().map(|page| own(Answers::InsteadOf { denied: 403, page: *page })).collect()
        };
        for (pages, status, expected) in [
            (&[Some(302)][..], 302, Some(true)),
            (&[Some(302)], 404, None),
            (&[None], 404, Some(false)),
            (&[None, Some(302)], 302, Some(false)),
            (&[Some(303), Some(302)], 302, Some(false)),
            (&[], 404, None),
        ] {
            let pages = all(pages);
            let found = page(pages.iter(), 403, status).map(|(_, is_certain)| is_certain);
            assert_eq!(found, expected, "{pages:?} {status}");
            assert_eq!(page(pages.iter(), 404, status), None);
        }
    }

    #[test]
    fn the_redirect_of_one_folder_explains_nothing_of_another() {
        let old = Answers::Below("/old".into(), 302);
        for target in ["/old", "/old/", "/old/x?y", "/%6fld/x", "//old", "/x/../old/%2e/y"] {
            assert!(explains(&old, target, 302), "{target}");
        }
        for target in
            ["/older", "/", "/x", "/x?/old", "/x/old", "/old/../x", "/%256fld", "old", "/%"]
        {
            assert!(!explains(&old, target, 302), "{target}");
        }
        assert!(!explains(&old, "/old", 301));
        let inner = Answers::Below("/old/".into(), 302);
        assert!(explains(&inner, "/old/x", 302) && !explains(&inner, "/old", 302));
    }

    #[test]
    fn what_is_for_some_sites_explains_nothing_of_others() {
        let site = |name: &str, tls| WebSite {
            name: name.into(),
            listen: Listen::Port(None, 80),
            tls,
            block: 0,
        };
        let only = Only { plain: true, names: Some(BTreeSet::from(["a.test".to_owned()])) };
        let own = OwnAnswer { only, ..own(Answers::Anything) };
        assert!(own.is_of(&site("a.test", false)));
        assert!(!own.is_of(&site("b.test", false)) && !own.is_of(&site("a.test", true)));
        assert!(!own.is_of(&WebSite { block: 1, ..site("a.test", false) }));
        assert!(own.explains(&get("/x"), 302));
        let mut elsewhere = get("/x");
        elsewhere.headers.push(("host".into(), b"b.test".to_vec()));
        assert!(!own.explains(&elsewhere, 302));
    }
}
