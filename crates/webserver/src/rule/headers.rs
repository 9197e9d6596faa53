//! Changes of headers in a server's own terms.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::problem::one_line;
use stopgap_model::rule::{Condition, Decode, Field, Test};
use stopgap_model::web::WebKind;

use super::fields::is_plain_name;
use super::translate::clause;
use super::{Server, WebRule};
use crate::haproxy;
use stopgap_rules::CompiledCondition;
use stopgap_rules::simplify_condition;
use stopgap_rules::trimmed;
use stopgap_rules::{Unsupported, unsupported};

/// Request headers by which a server itself finds the site and the body.
const REQUEST_FRAMING: [&str; 4] = ["connection", "content-length", "host", "transfer-encoding"];
/// Response headers that a server writes itself, behind its rules.
const RESPONSE_FRAMING: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];
/// What Apache httpd writes itself, behind its rules, beside these.
const APACHE_WRITES: [&str; 2] = ["content-type", "server"];

/// A change of a request header.
pub(super) fn request_header(
    server: &Server,
    header: &str,
    change: &HeaderChange,
) -> Result<WebRule, Unsupported> {
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
) -> Result<WebRule, Unsupported> {
    if server.kind == WebKind::Nginx {
        return Err(unsupported("nginx can only add a response header, not change one"));
    }
    is_plain_name(server.kind, header)?;
    is_no_framing(header, &RESPONSE_FRAMING)?;
    if server.kind == WebKind::Apache {
        is_no_framing(header, &APACHE_WRITES)?;
    }
    has_module(server)?;
    let change = plain(change)?;
    let when = simplify_condition(when);
    CompiledCondition::new(&when).map_err(|error| unsupported(format!("a pattern: {error}")))?;
    can_be_told_later(server.kind, &when)?;
    let when = clause(server, &when)?;
    if server.kind == WebKind::HaProxy {
        haproxy::check(&when)?;
    }
    Ok(WebRule::ResponseHeader { header: header.to_owned(), change, when })
}

fn has_module(server: &Server) -> Result<(), Unsupported> {
    if server.kind != WebKind::Apache || server.modules.contains("headers_module") {
        return Ok(());
    }
    Err(unsupported("Apache httpd changes headers by headers_module, which is not loaded"))
}

fn is_no_framing(header: &str, framing: &[&str]) -> Result<(), Unsupported> {
    if framing.iter().any(|name| header.eq_ignore_ascii_case(name)) {
        let why = "the server itself works by it, and no rule may change it";
        return Err(unsupported(format!("{header}: {why}")));
    }
    Ok(())
}

/// `change` with a value that stands for itself in double quotes and in single ones.
fn plain(change: &HeaderChange) -> Result<HeaderChange, Unsupported> {
    let text = match change {
        HeaderChange::Remove => return Ok(HeaderChange::Remove),
        HeaderChange::Set(text) => text,
        HeaderChange::Append(_) => {
            return Err(unsupported(
                "no server but IIS appends a text to a header's value as it is",
            ));
        }
    };
    let told = one_line(text);
    let is_plain = |b: u8| (b == b' ' || b.is_ascii_graphic()) && !b"\"'\\$%".contains(&b);
    if !text.bytes().all(is_plain) {
        let why = "quotes, `\\`, `$`, `%`, control characters and what is beyond ASCII are more \
                   than themselves in a server's language";
        return Err(unsupported(format!("`{told}`: {why}")));
    }
    let text = String::from_utf8_lossy(trimmed(text.as_bytes())).into_owned();
    if text.is_empty() {
        return Err(unsupported("an empty value is taken for a header that is removed"));
    }
    // mod_headers takes what follows for an expression.
    if text.to_ascii_lowercase().starts_with("expr=") {
        return Err(unsupported(format!("`{told}`: Apache httpd reads it as an expression")));
    }
    Ok(HeaderChange::Set(text))
}

/// Whether what `when` tests is still there, as it was, when the response is.
fn can_be_told_later(kind: WebKind, when: &Condition) -> Result<(), Unsupported> {
    match when {
        Condition::All(members) | Condition::Any(members) => {
            members.iter().try_for_each(|member| can_be_told_later(kind, member))
        }
        Condition::Not(inner) => can_be_told_later(kind, inner),
        Condition::Test(test) => test_can_be_told_later(kind, test),
    }
}

fn test_can_be_told_later(kind: WebKind, test: &Test) -> Result<(), Unsupported> {
    let field = &test.field;
    let name = kind.name();
    match (kind, field) {
        (_, Field::ResponseContentType) if test.decode != Vec::<Decode>::new() => {
            Err(unsupported(format!("{field}: a media type is not encoded")))
        }
        (_, Field::ResponseContentType) | (WebKind::HaProxy, Field::ResponseHeader(_)) => Ok(()),
        (WebKind::Apache, Field::ResponseHeader(_)) => {
            Err(unsupported(format!("{field}: {name} does not show all headers of a response")))
        }
        (WebKind::HaProxy, _) => {
            Err(unsupported(format!("{field}: {name} no longer has the request then")))
        }
        (_, Field::Header(_) | Field::Cookie(_) | Field::Host) => {
            Err(unsupported(format!("{field}: a rule may have changed it before the response")))
        }
        _ => Ok(()),
    }
}
