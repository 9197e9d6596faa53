//! Rules in the language of Apache httpd.
//!
//! An `<If>` of the main server reaches every virtual host, whatever its own rewrite settings are.

use stopgap_model::rule::Deny;

use super::text::HEADING;
use super::{Clause, Match, WebRule};

/// What blocks. `Satisfy` is there so that a site that is content with a client's address
/// (mod_access_compat) does not let it pass.
const DENY: &str = "    Require all denied\n    <IfModule mod_access_compat.c>\n        Satisfy All\n    </IfModule>\n";

/// The lines for `rules`, each with its comment.
pub(super) fn text(rules: &[(String, &WebRule)]) -> String {
    let mut out = format!("{}\n", HEADING.join("\n"));
    for (comment, rule) in rules {
        out.push_str(&format!("\n{comment}\n"));
        out.push_str(&lines(rule));
    }
    out
}

fn lines(rule: &WebRule) -> String {
    match rule {
        WebRule::Block { when, deny: Deny::Abort | Deny::Status(_) } => {
            format!("<If \"{}\">\n{DENY}</If>\n", expression(when))
        }
        WebRule::RequestHeader { .. } | WebRule::ResponseHeader { .. } => String::new(),
    }
}

/// `clause` as an expression; there is nothing in it that a double quote would end.
pub(super) fn expression(clause: &Clause) -> String {
    let list = |members: &[Clause], empty: &str, word: &str| match members {
        [] => empty.to_owned(),
        [single] => expression(single),
        all => {
            let all: Vec<_> =
                all.iter().map(|member| format!("({})", expression(member))).collect();
            all.join(word)
        }
    };
    match clause {
        Clause::All(members) => list(members, "true", " && "),
        Clause::Any(members) => list(members, "false", " || "),
        Clause::Match(Match { input, pattern, .. }) => format!("{input} =~ /{pattern}/"),
        Clause::Not(Match { input, pattern, .. }) => format!("{input} !~ /{pattern}/"),
    }
}
