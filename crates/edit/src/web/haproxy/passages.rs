//! The frontends of HAProxy that pass connections on without reading requests.

use std::collections::BTreeMap;

use stopgap_model::problem::one_line;
use stopgap_model::web::Listen;

use super::super::passage::{Passage, goes_to_http, is_http_port, target};
use super::read::{Backend, Frontend, Tree};
use super::sites::binds;

/// The frontends that pass connections on.
pub(crate) fn passages(tree: &Tree<'_>) -> Vec<Passage> {
    let passing = tree.frontends.iter().filter(|one| !one.is_http() && !one.disabled);
    let backends = tree.backends.iter().map(|backend| (backend.name.as_str(), backend)).collect();
    passing.map(|frontend| passage(tree, frontend, &backends)).collect()
}

/// The backends by their names, which each has alone.
type Backends<'t> = BTreeMap<&'t str, &'t Backend>;

fn passage(tree: &Tree<'_>, frontend: &Frontend, all: &Backends<'_>) -> Passage {
    let source = tree.sources.get(frontend.source);
    let at = source.map(|source| source.told(frontend.from)).unwrap_or_default();
    let name = one_line(&frontend.name);
    let backends = backends(frontend, all);
    // HAProxy reads what a backend in mode http is given, behind every rule of a frontend.
    let reading = backends.iter().flatten().find(|backend| backend.is_http());
    let told = match reading {
        Some(backend) => format!(
            "{name} in {at} passes connections on to {}, which alone reads their requests",
            one_line(&backend.name)
        ),
        None => format!("{name} in {at} passes connections on without reading requests"),
    };
    let servers = backends.iter().flatten().flat_map(|backend| &backend.servers);
    let listens = binds(frontend);
    let port = match listens.first() {
        Some(Listen::Port(_, port)) => *port,
        _ => 0,
    };
    let places: Vec<Listen> =
        servers.chain(&frontend.backend.servers).map(|address| place(address, port)).collect();
    let may_be_http = reading.is_some()
        || frontend.reads
        || frontend.binds.iter().any(|words| says_http(words))
        || listens.iter().any(is_http_port)
        || places.iter().any(goes_to_http);
    Passage { told, may_be_http, leads_to: backends.map(|_| places) }
}

/// The backends that a frontend may lead to; `None`: they are not all known.
fn backends<'t>(frontend: &Frontend, all: &Backends<'t>) -> Option<Vec<&'t Backend>> {
    let mut found = Vec::new();
    let names = frontend.leads_to.iter().chain(&frontend.settings.default_backend);
    for name in names {
        if name.contains('%') {
            return None;
        }
        found.extend(all.get(name.as_str()));
    }
    Some(found)
}

/// Whether the protocols that a `bind` offers are those of HTTP.
fn says_http(words: &[String]) -> bool {
    let offered = words.iter().skip_while(|word| *word != "alpn").nth(1);
    offered.is_some_and(|all| all.split(',').any(|one| one == "h2" || one.starts_with("http/")))
}

/// Where a server is: its address, with this port where it says none.
fn place(address: &str, port: u16) -> Listen {
    let plain = ["ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@"]
        .iter()
        .find_map(|prefix| address.strip_prefix(prefix));
    target(plain.unwrap_or(address), port)
}
