//! Connections that a server passes on without reading requests: which of them are a gap.
//!
//! One is a gap if it may carry HTTP and does not end, wherever it leads, at a web server of this machine
//! that reads its requests: there the rules are. One that carries a database or a shell is none.

use std::collections::BTreeSet;
use std::net::IpAddr;

use stopgap_model::Fact;
use stopgap_model::web::{Listen, WebServer};
use stopgap_webserver::{Layout, Passage};

use super::server::WebTarget;

/// Finds the gaps of all servers.
pub(super) fn look_at(all: &mut [WebTarget<'_>]) {
    let known = all
        .iter()
        .filter_map(|server| Some((&server.config?.facts.server, server.layout.as_ref().ok()?)));
    let listens = listens(known);
    for server in all {
        let Ok(layout) = &server.layout else { continue };
        // What leads to the same server is read as soon as that runs, and until then passed on by nothing.
        let own: BTreeSet<Listen> = layout.listens().into_iter().collect();
        let passages = layout.passages().into_iter();
        let gaps = passages.filter(|passage| is_gap(passage, &[&listens, &own]));
        server.passed_on = gaps.map(|passage| passage.gap).collect();
    }
}

/// Where servers listen that read requests. Where one of them does not run, something else may listen.
fn listens<'l, 'f: 'l>(
    servers: impl Iterator<Item = (&'l WebServer, &'l Layout<'f>)>,
) -> BTreeSet<Listen> {
    let serves =
        |server: &WebServer| server.running != Fact::Known(false) && server.dormant.is_none();
    let serving = servers.filter(|(server, _)| serves(server));
    serving.flat_map(|(_, layout)| layout.listens()).collect()
}

fn is_gap(passage: &Passage, listens: &[&BTreeSet<Listen>]) -> bool {
    let is_read = |place: &Listen| listens.iter().any(|listens| is_read(place, listens));
    let ends_here = |places: &Vec<Listen>| !places.is_empty() && places.iter().all(is_read);
    passage.may_be_http && !passage.leads_to.as_ref().is_some_and(ends_here)
}

/// Whether requests are read where a connection goes on to.
fn is_read(place: &Listen, listens: &BTreeSet<Listen>) -> bool {
    let Listen::Port(to, port) = place else { return listens.contains(place) };
    listens.iter().any(|listen| match (listen, to) {
        (Listen::Port(at, listened), to) if listened == port => meets(*at, *to),
        _ => false,
    })
}

/// Whether a connection to an address comes to what listens at another one of this machine.
fn meets(listened: Option<IpAddr>, to: Option<IpAddr>) -> bool {
    match (listened, to) {
        (_, None) => true,
        (Some(listened), Some(to)) if listened == to => true,
        (None, Some(to)) => to.is_loopback(),
        (Some(listened), Some(to)) => listened.is_unspecified() && to.is_loopback(),
    }
}

#[cfg(test)]
mod tests;
