//! Writes all rules of a server as the text for its configuration.

use stopgap_model::web::WebKind;

use crate::rule::WebRule;
use crate::rule_text::RuleText;
use crate::{apache, haproxy, nginx};

/// Returns the text for `rules` on a server of this kind. Each rule comes with a label for its comment, its
/// action's id and revision (`M1.1, revision 5`). The same rules always give the same text; no rules give
/// an empty one.
#[must_use]
pub fn text(kind: WebKind, rules: &[(String, WebRule)]) -> RuleText {
    if rules.is_empty() {
        return RuleText::None;
    }
    let rules: Vec<_> = rules.iter().map(|(label, rule)| (comment(label), rule)).collect();
    match kind {
        WebKind::Nginx => nginx::rule_text(&rules),
        WebKind::Apache => RuleText::Apache { server: apache::rule_text(&rules) },
        WebKind::HaProxy => RuleText::HaProxy { frontend: haproxy::rule_text(&rules) },
    }
}

/// A comment of one line.
fn comment(label: &str) -> String {
    let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    format!("# {}", label.chars().map(plain).collect::<String>().trim_end_matches('\\'))
}
