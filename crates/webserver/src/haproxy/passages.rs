//! The frontends of HAProxy that pass connections on without reading requests.

use std::collections::BTreeMap;

use stopgap_model::reason::WebGap;
use stopgap_model::web::Listen;

use super::sites::binds;
use super::tree::{Backend, Frontend, Tree};
use crate::passage::{Passage, goes_to_http, is_http_port, target};

/// The frontends that pass connections on.
pub(crate) fn passages(tree: &Tree<'_>) -> Vec<Passage> {
    let passing = tree.frontends.iter().filter(|one| !one.is_http() && !one.disabled);
    let of_listens = tree.frontends.iter().filter_map(|frontend| frontend.backend.as_ref());
    let backends = tree.backends.iter().chain(of_listens);
    let backends = backends.map(|backend| (backend.name.as_str(), backend)).collect();
    passing.filter_map(|frontend| passage(tree, frontend, &backends)).collect()
}

/// The backends by their names, which each has alone, with those of `listen` sections.
type Backends<'t> = BTreeMap<&'t str, &'t Backend>;

fn passage(tree: &Tree<'_>, frontend: &Frontend, all: &Backends<'_>) -> Option<Passage> {
    let at = tree.place((frontend.source, frontend.from))?;
    let what = frontend.name.clone();
    let (backends, all_known) = backends(frontend, all);
    // HAProxy reads what a backend in mode http is given, behind every rule of a frontend.
    let reading = backends.iter().find(|backend| backend.is_http());
    let gap = match reading {
        Some(backend) => WebGap::PassedOnTo { what, at, to: backend.name.clone() },
        None => WebGap::PassedOn { what, at },
    };
    let backends = || backends.iter().copied().chain(&frontend.backend);
    let listens = binds(frontend);
    let port = match listens.first() {
        Some(Listen::Port(_, port)) => *port,
        _ => 0,
    };
    let servers = backends().flat_map(|backend| &backend.servers);
    let places: Vec<Listen> = servers.map(|address| place(address, port)).collect();
    // A backend that is transparent goes on to where the client wanted to, which may be anywhere.
    let is_known = all_known && !backends().any(|backend| backend.transparent);
    let may_be_http = reading.is_some()
        || frontend.reads
        || frontend.binds.iter().any(|words| says_http(words))
        || listens.iter().any(is_http_port)
        || places.iter().any(goes_to_http);
    Some(Passage { gap, may_be_http, leads_to: is_known.then_some(places) })
}

/// The backends that the rules of a frontend may lead to, and whether those are all: a name that depends
/// on the request, or that no backend has, may be any.
fn backends<'t>(frontend: &Frontend, all: &Backends<'t>) -> (Vec<&'t Backend>, bool) {
    let names = frontend.leads_to.iter().chain(&frontend.settings.default_backend);
    let found: Vec<Option<&Backend>> = names.map(|name| all.get(name.as_str()).copied()).collect();
    let all_known = found.iter().all(Option::is_some);
    (found.into_iter().flatten().collect(), all_known)
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
