//! Ordinary requests that a rule blocks.

use std::sync::OnceLock;

use stopgap_model::{Problem, Request, RequestLine};
use stopgap_rules::ActionEffect;

use super::finding::Finding;
use super::rules::told;
use super::subject::{CompiledAction, Subject};

/// Requests of ordinary clients of many applications, one a line as `try --requests` reads them.
const ORDINARY: &str = include_str!("../../corpus/ordinary.jsonl");

/// The ordinary requests.
pub(crate) fn ordinary() -> &'static [Request] {
    static REQUESTS: OnceLock<Vec<Request>> = OnceLock::new();
    REQUESTS.get_or_init(|| {
        let read = |line: &str| serde_json::from_str::<RequestLine>(line).ok()?.read().ok();
        ORDINARY.lines().filter_map(read).map(|(request, _)| request).collect()
    })
}

pub(super) fn check(subject: &Subject<'_>, meant: &[CompiledAction]) -> Vec<Finding> {
    let finding = |meant: &CompiledAction| match &meant.meaning.effect {
        ActionEffect::Block(_) => too_broad(subject, meant),
        ActionEffect::RequestHeader { header, .. } => takes_what_is_used(subject, meant, header),
        ActionEffect::ResponseHeader { .. } => None,
    };
    meant.iter().filter_map(finding).collect()
}

/// A request header that ordinary requests have, and that is changed for them.
fn takes_what_is_used(
    subject: &Subject<'_>,
    meant: &CompiledAction,
    header: &str,
) -> Option<Finding> {
    let changes = |r: &&Request| {
        r.header_values(header).next().is_some()
            && meant.meaning.is_for_path(r)
            && meant.meaning.request_headers(r).is_some()
    };
    let first = ordinary().iter().find(changes)?;
    let request = format!("{} {}", first.method, told(&first.target));
    let message = format!("ordinary requests have the header {header}: `{request}`");
    let problem = Problem::new(subject.places.value_in("action", meant.action, "kind"), message)
        .help("say in `impact` what will not work without it");
    Some(Finding::warning("too-broad", problem))
}

fn too_broad(subject: &Subject<'_>, meant: &CompiledAction) -> Option<Finding> {
    let meaning = &meant.meaning;
    let mut blocked = ordinary().iter().filter(|r| meaning.is_for_path(r) && meaning.blocks(r));
    let first = blocked.next()?;
    let more = match blocked.count() {
        0 => String::new(),
        count => format!(", and {count} more like it"),
    };
    let request = format!("{} {}", first.method, told(&first.target));
    let message = format!("an ordinary request is blocked: `{request}`{more}");
    let problem = Problem::new(subject.places.value_in("action", meant.action, "when"), message)
        .help("ask for more of what the attack needs, or give the action a narrower scope");
    Some(Finding::error("too-broad", problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_corpus_is_a_request_and_none_is_there_twice() {
        let lines: std::collections::BTreeSet<&str> = ORDINARY.lines().collect();
        assert_eq!(lines.len(), ORDINARY.lines().count());
        assert_eq!(ordinary().len(), lines.len());
        assert!(lines.len() >= 200, "{}", lines.len());
    }
}
