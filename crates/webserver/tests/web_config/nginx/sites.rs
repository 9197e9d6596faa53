//! What the configuration of nginx says of sites, and what looks like one and is none.

use super::{MAIN, all, distribution, main_with};
use crate::config_files::{Machine, no_nginx};

#[test]
fn every_site_is_listed_once_with_its_addresses() {
    assert_eq!(
        distribution().told_sites(),
        [
            "shop.example:443 (TLS) Port(None, 443)",
            "shop.example:443 (TLS) Port(Some(::), 443)",
            "www.shop.example:443 (TLS) Port(None, 443)",
            "www.shop.example:443 (TLS) Port(Some(::), 443)",
            "(no name):80 Port(None, 80)",
        ]
    );
}

#[test]
fn names_and_addresses_of_every_kind_have_a_site() {
    let machine = main_with(
        "server { listen 8080 ssl; listen unix:/run/a.sock; server_name _ *.a.example .b.example c.*; }
         server { listen 8080; server_name ~^d\\d+; }
         server { listen 127.0.0.1:81 proxy_protocol; listen app:82; listen 8000-8010; }
         server { listen 127.0.0.1:81; listen 443 quic; server_name e.example; ssl on; }
         upstream u { server 127.0.0.1:9; }\n",
    );
    assert_eq!(
        machine.told_sites(),
        [
            "(no name):8080 (TLS) Port(None, 8080)",
            "(no name) on /run/a.sock Unix(ServerPath(\"/run/a.sock\"))",
            "stopgap.a.example:8080 (TLS) Port(None, 8080)",
            "stopgap.a.example on /run/a.sock Unix(ServerPath(\"/run/a.sock\"))",
            "b.example:8080 (TLS) Port(None, 8080)",
            "b.example on /run/a.sock Unix(ServerPath(\"/run/a.sock\"))",
            "c.test:8080 (TLS) Port(None, 8080)",
            "c.test on /run/a.sock Unix(ServerPath(\"/run/a.sock\"))",
            "~^d\\d+ (TLS) Unasked(\"its name is a regular expression\")",
            "(no name) Unasked(\"it expects the PROXY protocol\")",
            "(no name) Unasked(\"it listens on the name app:82\")",
            "(no name):8000 Port(None, 8000)",
            "(no name):8010 Port(None, 8010)",
            "e.example (TLS) Unasked(\"it expects the PROXY protocol\")",
            "e.example (TLS) Unasked(\"443 speaks QUIC\")",
        ]
    );
}

#[test]
fn what_only_looks_like_a_server_block_gets_nothing() {
    let machine = main_with(
        "  map $uri $x { default \"server {\"; '}' 1; \\} 2; a;b 3; }
  log_format f '{ server { ' escape=json; # server {
  set_by_lua_block $x { local s = \"server { }\" -- } server {
     --[==[ } ]] ]==] return [[ } ]] .. '\\'}' }
  upstream u { server 127.0.0.1:9; }
  server { location ~ \"^/a{2}/${x}$\" { return 200 \"}\"; } }
}
mail { server { listen 25; } }
stream { server { listen 443; proxy_pass u; } 
",
    );
    let placed = machine.there_and_back(&all(), &no_nginx());
    let count = placed.text(MAIN).matches("stopgap-server").count();
    assert_eq!(count, 1, "{}", placed.text(MAIN));
    assert_eq!(
        machine.gaps(&all()),
        [
            "the server block in /etc/nginx/nginx.conf, line 11 passes connections on without reading requests"
        ]
    );
}

#[test]
fn in_a_group_of_servers_only_they_are_places() {
    let machine = main_with(
        "}
stream {
  map $ssl_preread_server_name $to { hostnames; server 127.0.0.1:1; default u; }
  upstream u { hash $remote_addr; random two; keepalive 4; server 127.0.0.1:2 weight=2; }
  server { listen 443; proxy_pass $to; }
",
    );
    let passages = machine.passages();
    let places: Vec<String> =
        passages[0].leads_to.iter().flatten().map(|place| format!("{place:?}")).collect();
    assert_eq!(places, ["Port(Some(127.0.0.1), 1)", "Port(Some(127.0.0.1), 2)"]);
}

#[test]
fn the_names_of_a_server_block_are_told_to_be_of_one_block() {
    let text = "events {}\nhttp {\n  server {\n    listen 80;\n    listen 81;\n    \
                server_name a.test b.test;\n  }\n  server {\n    server_name c.test a.test;\n  \
                }\n}\n";
    let machine = Machine::nginx(&[(MAIN, text)]);
    let blocks = machine.sites().into_iter().map(|site| format!("{site} {}", site.block));
    let blocks: Vec<String> = blocks.collect();
    // nginx has the first block answer to a name of two.
    assert_eq!(blocks, ["a.test:80 0", "a.test:81 0", "b.test:80 0", "b.test:81 0", "c.test:80 1"]);
}
