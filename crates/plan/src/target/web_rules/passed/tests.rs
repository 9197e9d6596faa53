//! Which passages are gaps.

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
        dormant: dormant.map(stopgap_model::Reasons::text),
        identity: String::new(),
    }
}

#[test]
fn nothing_ends_at_a_server_that_does_not_run() {
    let unknown = || Fact::Unknown(stopgap_model::Reasons::text("no right to look"));
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
