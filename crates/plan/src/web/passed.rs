//! Connections that a server passes on without reading requests: which of them are a gap.
//!
//! One is a gap if it may carry HTTP and does not end, wherever it leads, at a web server of this machine
//! that reads its requests: there the rules are. One that carries a database or a shell is none.

use std::collections::BTreeSet;
use std::net::IpAddr;

use stopgap_model::Fact;
use stopgap_model::web::{Listen, WebServer};
use stopgap_webserver::{Layout, Passage};

use super::server::OnServer;

/// Finds the gaps of all servers.
pub(super) fn look_at(all: &mut [OnServer<'_>]) {
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
        server.passed_on = gaps.map(|passage| passage.gap.to_string()).collect();
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
mod tests {
    use stopgap_model::reason::{ConfigPlace, WebGap};
    use stopgap_model::web::Account;
    use stopgap_model::{ServerPath, WebKind};
    use stopgap_webserver::{Files, Need, Read};

    use super::*;

    fn server(running: Fact<bool>, dormant: Option<&str>) -> WebServer {
        WebServer {
            kind: WebKind::Nginx,
            program: ServerPath::new("/usr/sbin/nginx"),
            config: vec![ServerPath::new("/etc/nginx/nginx.conf")],
            base: ServerPath::new("/"),
            variables: std::collections::BTreeMap::new(),
            defines: Vec::new(),
            account: Account::root(),
            version: Fact::Absent,
            modules: Fact::Absent,
            running,
            source: "policy.toml".into(),
            doubt: None,
            dormant: dormant.map(str::to_owned),
            identity: String::new(),
        }
    }

    #[test]
    fn nothing_ends_at_a_server_that_does_not_run() {
        let unknown = || Fact::Unknown("no right to look".into());
        for (running, dormant, expected) in [
            (Fact::Known(true), None, true),
            (Fact::Known(false), None, false),
            (Fact::Known(false), Some("nginx.service is disabled"), false),
            (unknown(), Some("nginx.service is masked"), false),
            (unknown(), None, true),
        ] {
            let server = server(running, dormant);
            let mut files = Files::new(&server);
            while let Some(need) = files.needs().into_iter().next() {
                let Need::File(path) = need else { panic!("{need:?}") };
                let bytes = b"events {}\nhttp { server { listen 127.0.0.1:8443; } }\n".to_vec();
                let is_main = path == server.config[0];
                let found = Read::Found { real: path.clone(), bytes };
                files.provide(path, if is_main { found } else { Read::Absent }).unwrap();
            }
            let listens = listens([(&server, &files.layout().unwrap())].into_iter());
            let there = Listen::Port("127.0.0.1".parse().ok(), 8443);
            assert_eq!(is_read(&there, &listens), expected, "{server:?}");
        }
    }

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
            let at = ConfigPlace { file: ServerPath::new("/a"), line: 1 };
            let gap = WebGap::PassedOn { what: "the server block".into(), at };
            let passage = Passage { gap, may_be_http, leads_to: leads_to.clone() };
            assert_eq!(is_gap(&passage, &[&listens]), expected, "{may_be_http} {leads_to:?}");
        }
    }
}
