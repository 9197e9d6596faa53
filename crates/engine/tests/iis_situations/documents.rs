//! The mitigations of the situations: those of the catalog, and small ones.

use stopgap_model::Mitigation;

/// ProxyNotShell: requests with two words are blocked on the Default Web Site.
pub const M1: &str = include_str!("../../../../catalog/M1.toml");
/// A header is added to on pages of Outlook on the web.
pub const M2: &str = include_str!("../../../../catalog/M2.toml");

const HEAD: &str = "schema = 1\nrevision = 1\nseverity = \"high\"\nimpact = \"None.\"\n\
                    no_live_probe = \"a table of situations sends nothing\"\n";

/// A mitigation for every server, with these actions and probes.
pub fn document(id: &str, rest: &str) -> String {
    format!("id = \"{id}\"\ntitle = \"{id} of the table\"\n{HEAD}{rest}")
}

/// A rule that blocks a word in the decoded request target.
pub fn word(id: &str, scope: &str, word: &str) -> String {
    let scope = if scope.is_empty() { String::new() } else { format!("scope = {scope}\n") };
    document(
        id,
        &format!(
            r#"
[[action]]
id = "{id}.1"
kind = "block-request"
{scope}deny = "abort"
when = [{{ field = "uri", decode = ["url"], contains = "{word}" }}]
[[probe]]
name = "the word"
request = "GET /owa/?{word}"
expect = "blocked"
[[probe]]
name = "another word"
request = "GET /owa/?another"
expect = "allowed"
"#
        ),
    )
}

/// ProxyLogon's cookie.
pub fn cookie() -> String {
    document(
        "PL",
        r#"
[[action]]
id = "PL.1"
kind = "block-request"
scope = { site = "Default Web Site" }
deny = "abort"
when = [{ field = "header:cookie", matches = "X-AnonResource-Backend" }]
"#,
    )
}

/// A request header that is taken away from the requests of a scope.
pub fn header(scope: &str) -> String {
    let scope = if scope.is_empty() { String::new() } else { format!("scope = {scope}\n") };
    document(
        "NX",
        &format!(
            r#"
[[action]]
id = "NX.1"
kind = "request-header"
{scope}remove = "x-middleware-subrequest"
[[probe]]
name = "the header"
request = "GET /ecp/"
headers = ["x-middleware-subrequest: middleware"]
expect = "allowed"
"#
        ),
    )
}

/// Two application pools that are not to start.
pub fn pools() -> String {
    document(
        "AP",
        r#"
[[action]]
id = "AP.1"
kind = "disable-app-pool"
pools = ["MSExchangeECPAppPool", "MSExchangeOABAppPool"]
"#,
    )
}

pub fn read(text: &str) -> Mitigation {
    stopgap_model::document::parse(text.as_bytes(), &stopgap_model::document::any_pattern)
        .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}
