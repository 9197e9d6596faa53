//! Rules in the language of Apache httpd.
//!
//! An `<If>` of the main server reaches every virtual host, whatever its own rewrite settings are.

use stopgap_model::mitigation::HeaderChange;

use crate::rule::{Clause, Match, WebRule};
use crate::rule_text::HEADING;

/// What blocks. A site that is content with a client's address (`Satisfy Any`) would let the request
/// pass the first line, and so would one that has an `<If>` with `Require` of its own. A page of the site's
/// own for 403 may be the application, or on another site, which would be a 302.
const DENY: &str = "    Require all denied
    ErrorDocument 403 default
    <IfModule mod_access_compat.c>
        Satisfy All
    </IfModule>
    <IfModule mod_alias.c>
        Redirect 403
    </IfModule>
";

/// The lines for `rules`, each with its comment.
pub(crate) fn text(rules: &[(String, &WebRule)]) -> String {
    let mut out = format!("{}\n", HEADING.join("\n"));
    for (comment, rule) in rules {
        out.push_str(&format!("\n{comment}\n"));
        out.push_str(&lines(rule));
    }
    out
}

fn lines(rule: &WebRule) -> String {
    match rule {
        WebRule::Block { when, .. } => {
            format!("<If \"{}\">\n{DENY}</If>\n", expression(when))
        }
        WebRule::RequestHeader { header, change } => match value(change) {
            Some(value) => format!("RequestHeader set {header} \"{value}\"\n"),
            None => format!("RequestHeader unset {header}\n"),
        },
        WebRule::ResponseHeader { header, change, when } => response_lines(header, change, when),
    }
}

/// Apache has a table of headers for good responses and one for all; a header is in either.
fn response_lines(header: &str, change: &HeaderChange, when: &Clause) -> String {
    let condition = match when {
        Clause::All(members) if members.is_empty() => String::new(),
        when => format!(" \"expr={}\"", expression(when)),
    };
    let rest = match value(change) {
        Some(value) => format!("set {header} \"{value}\""),
        None => format!("unset {header}"),
    };
    format!("Header onsuccess unset {header}{condition}\nHeader always {rest}{condition}\n")
}

fn value(change: &HeaderChange) -> Option<&str> {
    match change {
        HeaderChange::Set(text) | HeaderChange::Append(text) => Some(text),
        HeaderChange::Remove => None,
    }
}

/// `clause` as an expression; there is nothing in it that a double quote would end.
pub(crate) fn expression(clause: &Clause) -> String {
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
