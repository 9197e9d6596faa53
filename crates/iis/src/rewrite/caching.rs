//! What rules cost: server variables that turn off the kernel's cache of answers.

use super::rule::{Action, Rule};
use super::template::Template;

/// The variables that leave the kernel-mode output cache on. A rule that uses any other turns it
/// off for every request of its scope (URL Rewrite Module, configuration reference).
const CACHED: [&str; 21] = [
    "CACHE_URL",
    "DOCUMENT_ROOT",
    "HTTP_URL",
    "HTTP_HOST",
    "PATH_INFO",
    "PATH_TRANSLATED",
    "QUERY_STRING",
    "REQUEST_FILENAME",
    "REQUEST_URI",
    "SCRIPT_FILENAME",
    "SCRIPT_NAME",
    "SCRIPT_TRANSLATED",
    "UNENCODED_URL",
    "URL",
    "URL_PATH_INFO",
    "APP_POOL_ID",
    "APPL_MD_PATH",
    "APPL_PHYSICAL_PATH",
    "GATEWAY_INTERFACE",
    "SERVER_SOFTWARE",
    "SSI_EXEC_DISABLED",
];

/// The variables for which `rule` turns the kernel-mode output cache off, in capitals, in the order
/// in which it uses them, each once. Empty: it leaves the cache on.
#[must_use]
pub fn uncached_variables(rule: &Rule) -> Vec<String> {
    let inputs = rule.conditions.iter().map(|condition| condition.input.as_str());
    let values = rule.server_variables.iter().map(|variable| variable.value.as_str());
    let mut found: Vec<String> = Vec::new();
    for text in inputs.chain(values).chain(texts(&rule.action)) {
        // What cannot be read as a template is an error of its own, told where it is evaluated.
        let Ok(template) = Template::new(text) else { continue };
        for name in template.variables() {
            if !CACHED.contains(&name) && !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
        }
    }
    found
}

/// The templates of an action.
fn texts(action: &Action) -> Vec<&str> {
    match action {
        Action::Rewrite { url, .. } | Action::Redirect { url, .. } => vec![url],
        Action::CustomResponse { reason, description, .. } => vec![reason, description],
        Action::None | Action::AbortRequest => Vec::new(),
    }
}
