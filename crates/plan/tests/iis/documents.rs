//! The mitigations of the tables.

use stopgap_model::Mitigation;
use stopgap_model::document::{any_pattern, parse};

pub const SITE: &str = "{ site = \"Default Web Site\" }";
pub const IN_OWA: &str = "{ site = \"Default Web Site\", path = \"/owa\" }";

/// A mitigation with this behind its head.
pub fn document(id: &str, rest: &str) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = 1\ntitle = \"{id} of the table\"\nseverity = \"high\"\n\
         impact = \"None.\"\nno_live_probe = \"a table sends nothing\"\n{rest}"
    )
}

fn scoped(scope: &str) -> String {
    if scope.is_empty() { String::new() } else { format!("scope = {scope}\n") }
}

/// A rule that blocks a word in the decoded request target.
pub fn word(id: &str, scope: &str, word: &str) -> String {
    let scope = scoped(scope);
    let action = format!(
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
    );
    document(id, &action)
}

/// The mitigation of most rows: `jndi` is blocked on the Default Web Site.
pub fn w() -> String {
    word("W", SITE, "jndi")
}

/// The same with two rules.
pub fn two_words() -> String {
    let second = "[[action]]\nid = \"W.2\"\nkind = \"block-request\"\ndeny = \"abort\"\n\
                  scope = { site = \"Default Web Site\" }\n\
                  when = [{ field = \"uri\", decode = [\"url\"], contains = \"rmi\" }]\n[[probe]]";
    w().replacen("[[probe]]", second, 1)
}

/// A request header that is taken away.
pub fn header(id: &str, scope: &str) -> String {
    let scope = scoped(scope);
    let action = format!(
        "[[action]]\nid = \"{id}.1\"\nkind = \"request-header\"\n{scope}remove = \"x-middleware-subrequest\"\n"
    );
    document(id, &action)
}

/// A response header that is set on pages of HTML.
pub fn response(id: &str, scope: &str) -> String {
    let scope = scoped(scope);
    let action = format!(
        "[[action]]\nid = \"{id}.1\"\nkind = \"response-header\"\n{scope}header = \"X-Frame-Options\"\n\
         set = \"DENY\"\nwhen = [{{ field = \"response-content-type\", matches = '^text/html' }}]\n"
    );
    document(id, &action)
}

/// Application pools that are not to start.
pub fn pools(id: &str) -> String {
    let action = format!(
        "[[action]]\nid = \"{id}.1\"\nkind = \"disable-app-pool\"\n\
         pools = [\"MSExchangeECPAppPool\", \"MSExchangeOABAppPool\"]\n"
    );
    document(id, &action)
}

/// The same for versions of Exchange that the update is the fix of.
pub fn until_fixed(document: &str) -> String {
    let affected = "[[affected]]\nproduct = \"microsoft/exchange-server\"\nroles = [\"mailbox\"]\n\
                    ranges = [{ introduced = \"15.2.0\", fixed = \"15.2.1118.20\" }]\n[[action]]";
    document.replacen("[[action]]", affected, 1)
}

/// The same as its next revision.
pub fn next(document: &str) -> String {
    document.replacen("revision = 1", "revision = 2", 1)
}

/// The next revision of `W`, which blocks another word beside the first.
pub fn next_word() -> String {
    next(&w()).replace("contains = \"jndi\"", "matches = 'jndi|ldap'")
}

/// The next revision, which its publisher withdrew.
pub fn withdrawn(document: &str) -> String {
    let head = next(document).split("[[").next().unwrap_or_default().to_owned();
    let head = head.lines().filter(|line| !line.starts_with("no_live_probe"));
    format!("{}\nwithdrawn = \"it breaks the print server\"\n", head.collect::<Vec<_>>().join("\n"))
}

pub fn read(text: &str) -> Mitigation {
    parse(text.as_bytes(), &any_pattern).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}
