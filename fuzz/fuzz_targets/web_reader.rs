//! Any bytes as the main file of a web server, whose other files are not there: what can be put in
//! is there the second time, and is taken out to the byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stopgap_webserver::{Files, Need, Read};
use stopgap_model::host::{Fact, ServerPath};
use stopgap_model::web::{Account, WebKind, WebServer};
use stopgap_webserver::RuleText;

const MAIN: &str = "/etc/server/main";

fn server(kind: WebKind) -> WebServer {
    WebServer {
        kind,
        program: ServerPath::new("/usr/sbin/server"),
        config: vec![ServerPath::new(MAIN)],
        base: ServerPath::new("/etc/server"),
        variables: Default::default(),
        defines: Vec::new(),
        account: Account::root(),
        version: Fact::Absent,
        modules: Fact::Absent,
        running: Fact::Absent,
        source: "fuzz".into(),
        doubt: None,
    }
}

fn read(server: &WebServer, main: &[u8]) -> Files {
    let mut files = Files::new(server);
    for _ in 0..4 {
        for need in files.needs() {
            let provided = match need {
                Need::File(path) if path.as_str() == MAIN => {
                    let read = Read::Found { real: path.clone(), bytes: main.to_vec() };
                    files.provide(path, read)
                }
                Need::File(path) => files.provide(path, Read::Absent),
                Need::Glob(pattern) => files.provide_glob(pattern, Ok(Vec::new())),
            };
            provided.expect("the input is small");
        }
    }
    files
}

/// The main file with this text in it; `None`: it cannot be read, or the text has no place.
fn placed(server: &WebServer, main: &[u8], text: &RuleText) -> Option<Vec<u8>> {
    let files = read(server, main);
    let layout = files.layout().ok()?;
    let _ = (layout.sites(), layout.modules(), layout.gaps(text), layout.own_files());
    let edits = layout.place(text).ok()?.edits;
    let edit = edits.into_iter().find(|edit| edit.path.as_str() == MAIN);
    edit.map_or_else(|| Some(main.to_vec()), |edit| edit.after)
}

fuzz_target!(|bytes: &[u8]| {
    let nginx = |text: &str| RuleText::Nginx {
        http: text.into(),
        server: text.into(),
        upstream: text.into(),
    };
    let apache = |text: &str| RuleText::Apache { server: text.into() };
    let haproxy = |lines: &[&str]| RuleText::HaProxy {
        frontend: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    for (kind, text, empty) in [
        (WebKind::Nginx, nginx("proxy_set_header a b;\ngrpc_set_header a b;\n"), nginx("")),
        (WebKind::Apache, apache("# a\n"), apache("")),
        (WebKind::HaProxy, haproxy(&["a", "b"]), haproxy(&[])),
    ] {
        let server = server(kind);
        let Some(plain) = placed(&server, bytes, &empty) else { continue };
        let Some(with) = placed(&server, &plain, &text) else { continue };
        assert_eq!(placed(&server, &with, &text).as_ref(), Some(&with));
        assert_eq!(placed(&server, &with, &empty), Some(plain));
    }
});
