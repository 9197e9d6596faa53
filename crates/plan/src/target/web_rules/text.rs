//! The text that is written for the rules of a web server.

use stopgap_model::{ActionId, Digest, WebKind};
use stopgap_webserver::{RuleText, text};

use crate::installed::InstalledRule;

/// What a rule is called in the comment above it.
pub(super) fn label(action: &ActionId, revision: u32) -> String {
    format!("{action}, revision {revision}")
}

/// What is written for these rules.
#[must_use]
pub fn rule_text(kind: WebKind, rules: &[InstalledRule]) -> RuleText {
    let labelled =
        rules.iter().map(|placed| (label(&placed.action, placed.revision), placed.rule.clone()));
    text(kind, &labelled.collect::<Vec<_>>())
}

/// Where the text of nginx is included, for the digest: another version of the program includes the
/// same text elsewhere, which is no drift.
const PLACES_OF_NGINX: &str = "last in http, first in server";

/// The digest of what is written.
pub(super) fn digest(text: &RuleText) -> Digest {
    let parts: Vec<&str> = match text {
        RuleText::None => Vec::new(),
        RuleText::Nginx { http, server, upstream } => {
            vec![http, server, upstream, PLACES_OF_NGINX]
        }
        RuleText::Apache { server } => vec![server],
        RuleText::HaProxy { frontend } => frontend.iter().map(String::as_str).collect(),
    };
    Digest::of(parts.join("\0").as_bytes())
}
