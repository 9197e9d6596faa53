//! Connections that a server passes on without reading requests: which of them are a gap.
//!
//! One is a gap if it may carry HTTP and does not end, wherever it leads, at a web server of this machine
//! that reads its requests: there the rules are. One that carries a database or a shell is none.

use std::collections::BTreeSet;
use std::net::IpAddr;

use stopgap_edit::web::{Layout, Passage};
use stopgap_model::web::Listen;

use super::server::OnServer;

/// Finds the gaps of all servers.
pub(super) fn look_at(all: &mut [OnServer<'_>]) {
    let layouts = all.iter().filter_map(|server| server.layout.as_ref().ok());
    let listens: BTreeSet<Listen> = layouts.flat_map(Layout::listens).collect();
    for server in all {
        let Ok(layout) = &server.layout else { continue };
        let passages = layout.passages().into_iter();
        let gaps = passages.filter(|passage| is_gap(passage, &listens));
        server.passed_on = gaps.map(|passage| passage.told).collect();
    }
}

fn is_gap(passage: &Passage, listens: &BTreeSet<Listen>) -> bool {
    let ends_here = |places: &Vec<Listen>| {
        !places.is_empty() && places.iter().all(|place| is_read(place, listens))
    };
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
mod tests {
    use super::*;

    #[test]
    fn what_ends_at_a_server_that_reads_requests_is_no_gap() {
        let port = |host: &str, port| Listen::Port(host.parse().ok(), port);
        let listens = BTreeSet::from([port("", 8443), port("127.0.0.1", 81)]);
        for (may_be_http, leads_to, expected) in [
            (true, None, true),
            (false, None, false),
            (true, Some(vec![]), true),
            (true, Some(vec![port("127.0.0.1", 8443)]), false),
            (true, Some(vec![port("127.0.0.1", 8443), port("127.0.0.1", 3000)]), true),
            (true, Some(vec![port("127.0.0.2", 81)]), true),
            (true, Some(vec![port("192.0.2.1", 8443)]), true),
            (true, Some(vec![Listen::Unasked("app:8443".into())]), true),
        ] {
            let passage = Passage { told: String::new(), may_be_http, leads_to: leads_to.clone() };
            assert_eq!(is_gap(&passage, &listens), expected, "{may_be_http} {leads_to:?}");
        }
    }
}
