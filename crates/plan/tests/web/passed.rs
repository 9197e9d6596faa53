//! Connections that are passed on unread: which of them are a gap, and what is done on a server that does
//! nothing else.

use stopgap_model::report::State;
use stopgap_model::{Fact, WebKind};

use super::documents::blocking;
use super::machine::{HAPROXY, Machine, NGINX};
use super::told::{action_of, codes, done, list, of};
use super::world::World;

/// A main file of nginx, what a first check says and does, and what the next one says.
type Passing =
    (&'static str, WebKind, &'static str, (State, &'static str, &'static str), &'static str);

const HTTP: &str = "http { server { listen 8443; } }\n";

const INSTALLED: (State, &str, &str) = (State::Pending, "for-every-server", "in A.1");
const APPLIED: &str = "for-every-server";
const GAP: &str = "in-place, passed-on, for-every-server";

const PASSING: &[Passing] = &[
    (
        "a stream on the port of HTTPS that goes elsewhere",
        WebKind::Nginx,
        "stream { server { listen 443; proxy_pass 192.0.2.1:443; } }\n",
        INSTALLED,
        GAP,
    ),
    (
        "a stream that ends at the server's own sites",
        WebKind::Nginx,
        "stream { server { listen 443; proxy_pass 127.0.0.1:8443; } }\n",
        INSTALLED,
        APPLIED,
    ),
    (
        "a stream whose end depends on the connection",
        WebKind::Nginx,
        "stream { server { listen 443; proxy_pass $to; } }\n",
        INSTALLED,
        GAP,
    ),
    (
        "a stream to a group of which one is elsewhere",
        WebKind::Nginx,
        "stream { upstream g { server 127.0.0.1:8443; server 192.0.2.1:8443; } \
         server { listen 443; proxy_pass g; } }\n",
        INSTALLED,
        GAP,
    ),
    (
        "a stream of a database",
        WebKind::Nginx,
        "stream { server { listen 5432; proxy_pass 192.0.2.1:5432; } }\n",
        INSTALLED,
        APPLIED,
    ),
    (
        "a frontend in mode tcp on the port of HTTPS",
        WebKind::HaProxy,
        "frontend raw\n  mode tcp\n  bind :443\n  default_backend far\n\
         backend far\n  mode tcp\n  server a 192.0.2.1:443\n",
        INSTALLED,
        GAP,
    ),
    (
        "one that leads to a frontend in mode http",
        WebKind::HaProxy,
        "frontend raw\n  mode tcp\n  bind :443\n  default_backend near\n\
         backend near\n  mode tcp\n  server a 127.0.0.1:8443\n",
        INSTALLED,
        APPLIED,
    ),
    (
        "one whose backend alone reads the requests",
        WebKind::HaProxy,
        "frontend raw\n  mode tcp\n  bind :443\n  default_backend far\n\
         backend far\n  mode http\n  server a 192.0.2.1:443\n",
        INSTALLED,
        "in-place, passed-on-to, for-every-server",
    ),
    (
        "one for mail",
        WebKind::HaProxy,
        "frontend raw\n  mode tcp\n  bind :25\n  default_backend far\n\
         backend far\n  mode tcp\n  server a 192.0.2.1:25\n",
        INSTALLED,
        APPLIED,
    ),
];

/// A server with this beside what reads requests on port 8443.
fn machine(kind: WebKind, text: &str) -> Machine {
    match kind {
        WebKind::HaProxy => {
            let text = format!("frontend web\n  mode http\n  bind :8443\n{text}");
            Machine::new(kind, &[(HAPROXY, &text)])
        }
        _ => Machine::new(kind, &[(NGINX, &format!("{HTTP}{text}"))]),
    }
}

#[test]
fn what_is_passed_on_unread_is_a_gap_unless_it_ends_where_a_rule_is() {
    let mut wrong = Vec::new();
    for (row, kind, text, first, second) in PASSING {
        let mut world = World::with(vec![machine(*kind, text)], &[blocking("A", 1, "evil")]);
        let (state, codes, done) = world.told("A");
        assert_eq!((state, codes.as_str(), done.as_str()), *first, "{row}");
        let _ = world.check();
        let (state, codes, _) = world.told("A");
        let expected = if *second == APPLIED { State::Applied } else { State::Partial };
        if (state, codes.as_str()) != (expected, *second) {
            wrong.push(format!("{row}: {state:?} {codes}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Servers that read no requests at all.
const ONLY_PASSING: &[(&str, WebKind, &str, &str)] = &[
    (
        "nginx that does nothing but pass HTTPS on",
        WebKind::Nginx,
        "stream { server { listen 443; proxy_pass 192.0.2.1:443; } }\n",
        "passed-on",
    ),
    (
        "nginx in front of a database",
        WebKind::Nginx,
        "stream { server { listen 5432; proxy_pass 192.0.2.1:5432; } }\n",
        "no-web-server",
    ),
    ("nginx without anything", WebKind::Nginx, "events {}\n", "no-web-server"),
    (
        "HAProxy that does nothing but pass HTTPS on",
        WebKind::HaProxy,
        "listen raw\n  mode tcp\n  bind :443\n  server a 192.0.2.1:443\n",
        "passed-on",
    ),
    (
        "HAProxy in front of a database",
        WebKind::HaProxy,
        "listen raw\n  mode tcp\n  bind :5432\n  server a 192.0.2.1:5432\n",
        "no-web-server",
    ),
];

#[test]
fn a_server_that_reads_no_requests_gets_no_rules() {
    for (row, kind, text, code) in ONLY_PASSING {
        let path = if *kind == WebKind::Nginx { NGINX } else { HAPROXY };
        let machine = Machine::new(*kind, &[(path, text)]);
        let (state, codes, done) =
            World::with(vec![machine], &[blocking("A", 1, "evil")]).told("A");
        assert_eq!(
            (state, codes.as_str(), done.as_str()),
            (State::Unsupported, *code, ""),
            "{row}"
        );
    }
}

/// The nginx behind a HAProxy that passes everything on to it.
type Behind = (&'static str, fn(&mut Machine), &'static str);

const BEHIND: &[Behind] = &[
    ("the server behind it runs", |_| {}, "for-every-server"),
    (
        "whether it runs is not known",
        |it| it.server.running = Fact::Unknown(stopgap_model::Reasons::text("no right to look")),
        "for-every-server",
    ),
    (
        "it does not run, so that something else may listen there",
        |it| it.server.running = Fact::Known(false),
        "on-servers(nginx pending: for-every-server), on-servers(haproxy unsupported: passed-on)",
    ),
    (
        "it listens somewhere else",
        |it| it.edit(NGINX, "8443", "9443"),
        "on-servers(nginx pending: for-every-server), on-servers(haproxy unsupported: passed-on)",
    ),
];

#[test]
fn what_one_server_passes_on_another_one_reads() {
    let mut wrong = Vec::new();
    for (row, happened, expected) in BEHIND {
        let front = "listen raw\n  mode tcp\n  bind :443\n  server a 127.0.0.1:8443\n";
        let front = Machine::new(WebKind::HaProxy, &[(HAPROXY, front)]);
        let mut behind = machine(WebKind::Nginx, "");
        happened(&mut behind);
        let world = World::with(vec![behind, front], &[blocking("A", 1, "evil")]);
        let plan = world.plan();
        assert_eq!(done(&plan, true), "nginx: in A.1", "{row}");
        let found = codes(&action_of(&plan, "A").reason);
        if found != *expected {
            wrong.push(format!("{row}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_gap_is_noted_before_the_rule_is_there() {
    let text = "stream { server { listen 443; proxy_pass 192.0.2.1:443; } }\n";
    let world = World::with(vec![machine(WebKind::Nginx, text)], &[blocking("A", 1, "evil")]);
    let plan = world.plan();
    assert_eq!(list(&action_of(&plan, "A").notes), "passed-on");
    let text = "the server block in /etc/nginx/nginx.conf, line 2 passes connections on without \
                reading requests";
    assert_eq!(action_of(&plan, "A").notes[0].to_string(), text);
    assert!(of(&plan, "A").reason.iter().all(|reason| reason.code() != "passed-on"));
}
