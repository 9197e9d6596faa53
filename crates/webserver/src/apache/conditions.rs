//! Sections that hold under a condition.

use stopgap_model::host::Fact;
use stopgap_model::version::Version;
use stopgap_model::web::WebServer;

use super::lex::{Directive, Variables};

/// Whether what stands in a section is read by Apache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// It is not.
    No,
    /// That is not known; both are assumed.
    Perhaps,
    /// It is.
    Yes,
}

impl From<bool> for Holds {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl Holds {
    fn negated(self, negated: bool) -> Self {
        match (self, negated) {
            (Self::No, true) => Self::Yes,
            (Self::Yes, true) => Self::No,
            (holds, _) => holds,
        }
    }
}

/// Whether a section of this kind holds; `None` if its kind has no condition that is decided as the
/// configuration is read.
pub(super) fn holds(
    section: &Directive,
    server: &WebServer,
    loaded: &[String],
    variables: &Variables,
) -> Option<Holds> {
    let words = section.words();
    let first = words.first().map_or("", String::as_str);
    let (negated, name) = match first.strip_prefix('!') {
        Some(name) => (true, name),
        None => (false, first),
    };
    let holds = match section.name.to_ascii_lowercase().as_str() {
        "<ifmodule" => module(name, server, loaded),
        "<ifdefine" => variables.is_defined(name).into(),
        "<ifversion" => version(&words, server),
        "<iffile" | "<ifdirective" | "<ifsection" => Holds::Perhaps,
        _ => return None,
    };
    Some(holds.negated(negated))
}

/// Whether a module is there, by its identifier or the name of its source file. `mod_X.c` is that
/// of `X_module`, but for a few old ones.
fn module(name: &str, server: &WebServer, loaded: &[String]) -> Holds {
    let identifier = name.strip_prefix("mod_").and_then(|rest| rest.strip_suffix(".c"));
    let identifier = identifier.map_or_else(|| name.to_owned(), |rest| format!("{rest}_module"));
    let compiled = server.modules.known();
    let source = identifier.strip_suffix("_module").map(|rest| format!("mod_{rest}.c"));
    let same = |module: &String| {
        *module == name || *module == identifier || Some(module) == source.as_ref()
    };
    if loaded.iter().any(same) || compiled.is_some_and(|all| all.iter().any(same)) {
        return Holds::Yes;
    }
    let known_form = identifier.ends_with("_module") && !identifier.starts_with("mpm_");
    if compiled.is_some() && known_form { Holds::No } else { Holds::Perhaps }
}

fn version(words: &[String], server: &WebServer) -> Holds {
    let (operator, wanted) = match words {
        [operator, version, ..] => (operator.as_str(), version),
        [version] => ("=", version),
        [] => return Holds::Perhaps,
    };
    let parts: Option<Vec<u32>> = wanted.split('.').map(|part| part.parse().ok()).collect();
    // A pattern between slashes is no version, and of an unknown version nothing is known.
    let (Fact::Known(have), Some(parts)) = (&server.version, parts) else { return Holds::Perhaps };
    if parts.is_empty() || parts.len() > 3 {
        return Holds::Perhaps;
    }
    let wanted = Version::from_parts(&parts);
    let (negated, operator) = match operator.strip_prefix('!') {
        Some(operator) => (true, operator),
        None => (false, operator),
    };
    let holds = match operator {
        ">" => *have > wanted,
        ">=" => *have >= wanted,
        "<" => *have < wanted,
        "<=" => *have <= wanted,
        "=" | "==" => *have == wanted,
        _ => return Holds::Perhaps,
    };
    Holds::from(holds).negated(negated)
}
