//! Changes of headers in a server's own terms.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::reason::RuleReason;
use stopgap_model::rule::{Condition, Field, Test};
use stopgap_model::web::WebKind;

use super::clause::WebRule;
use super::condition::clause;
use super::fields::is_plain_name;
use super::server::Server;
use super::ways;
use stopgap_rules::simplify_condition;
use stopgap_rules::trimmed;

/// Request headers by which a server itself finds the site and the body.
const REQUEST_FRAMING: [&str; 4] = ["connection", "content-length", "host", "transfer-encoding"];
/// Response headers that a server writes itself, behind its rules.
const RESPONSE_FRAMING: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];
/// What Apache httpd writes itself, behind its rules, beside these.
const APACHE_WRITES: [&str; 2] = ["content-type", "server"];
/// The module by which Apache httpd changes headers.
const APACHE_CHANGES: &str = "headers_module";

/// A change of a request header.
pub(super) fn request_header(
    server: &Server,
    header: &str,
    change: &HeaderChange,
) -> Result<WebRule, RuleReason> {
    let header = header.to_ascii_lowercase();
    is_plain_name(server.kind, &header)?;
    is_no_framing(&header, &REQUEST_FRAMING)?;
    has_module(server)?;
    let change = plain(change)?;
    Ok(WebRule::RequestHeader { header, change })
}

/// A change of a response header where `when` holds.
pub(super) fn response_header(
    server: &Server,
    header: &str,
    change: &HeaderChange,
    when: &Condition,
) -> Result<WebRule, RuleReason> {
    if server.kind == WebKind::Nginx {
        return Err(RuleReason::OnlyAddsHeaders { server: server.kind });
    }
    is_plain_name(server.kind, header)?;
    is_no_framing(header, &RESPONSE_FRAMING)?;
    if server.kind == WebKind::Apache {
        is_no_framing(header, &APACHE_WRITES)?;
    }
    has_module(server)?;
    let change = plain(change)?;
    let when = simplify_condition(when);
    survives_until_response(server.kind, &when)?;
    let when = clause(server, &when)?;
    if server.kind == WebKind::HaProxy {
        ways::check(&when)?;
    }
    Ok(WebRule::ResponseHeader { header: header.to_owned(), change, when })
}

fn has_module(server: &Server) -> Result<(), RuleReason> {
    if server.kind != WebKind::Apache || server.modules.contains(APACHE_CHANGES) {
        return Ok(());
    }
    Err(RuleReason::ModuleNotLoaded { server: server.kind, module: APACHE_CHANGES.into() })
}

fn is_no_framing(header: &str, framing: &[&str]) -> Result<(), RuleReason> {
    if framing.iter().any(|name| header.eq_ignore_ascii_case(name)) {
        return Err(RuleReason::FramingHeader { header: header.to_owned() });
    }
    Ok(())
}

/// `change` with a value that stands for itself in double quotes and in single ones.
fn plain(change: &HeaderChange) -> Result<HeaderChange, RuleReason> {
    let text = match change {
        HeaderChange::Remove => return Ok(HeaderChange::Remove),
        HeaderChange::Set(text) => text,
        HeaderChange::Append(_) => return Err(RuleReason::NoAppending),
    };
    let is_plain = |b: u8| (b == b' ' || b.is_ascii_graphic()) && !b"\"'\\$%".contains(&b);
    if !text.bytes().all(is_plain) {
        return Err(RuleReason::ValueNotPlain { value: text.clone() });
    }
    let text = String::from_utf8_lossy(trimmed(text.as_bytes())).into_owned();
    if text.is_empty() {
        return Err(RuleReason::EmptyValue);
    }
    // mod_headers takes what follows for an expression.
    if text.to_ascii_lowercase().starts_with("expr=") {
        return Err(RuleReason::ValueIsExpression { value: text, server: WebKind::Apache });
    }
    Ok(HeaderChange::Set(text))
}

/// Whether what `when` tests is still there, as it was, when the response is.
fn survives_until_response(kind: WebKind, when: &Condition) -> Result<(), RuleReason> {
    match when {
        Condition::All(members) | Condition::Any(members) => {
            members.iter().try_for_each(|member| survives_until_response(kind, member))
        }
        Condition::Not(inner) => survives_until_response(kind, inner),
        Condition::Test(test) => test_survives(kind, test),
    }
}

fn test_survives(kind: WebKind, test: &Test) -> Result<(), RuleReason> {
    let field = || test.field.to_string();
    match (kind, &test.field) {
        (_, Field::ResponseContentType) if !test.decode.is_empty() => {
            Err(RuleReason::MediaTypeNotEncoded { field: field() })
        }
        (_, Field::ResponseContentType) | (WebKind::HaProxy, Field::ResponseHeader(_)) => Ok(()),
        (WebKind::Apache, Field::ResponseHeader(_)) => {
            Err(RuleReason::NotAllResponseHeaders { field: field(), server: kind })
        }
        (WebKind::HaProxy, _) => Err(RuleReason::RequestGone { field: field(), server: kind }),
        (_, Field::Header(_) | Field::Cookie(_) | Field::Host) => {
            Err(RuleReason::MayHaveChanged { field: field() })
        }
        _ => Ok(()),
    }
}
