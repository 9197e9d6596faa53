//! The servers that other tests need do start, stand side by side, and end.
#![cfg(unix)] // servers of Unix
#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use stopgap_model::web::WebKind;
use stopgap_testkit::servers::{Running, Setup};

const NGINX: &str = "{basics}\nhttp { access_log off; include rules.conf;\n\
                     server { listen 127.0.0.1:{port0}; return 200 $stopgap; }\n\
                     server { listen 127.0.0.1:{port1}; return 200 two; } }\n";
const APACHE: &str = "{basics}\nListen 127.0.0.1:{port0}\nListen 127.0.0.1:{port1}\n\
                      ErrorDocument 403 \"one\"\n<Location />\nRequire all denied\n</Location>\n\
                      <VirtualHost *:{port1}>\nErrorDocument 403 \"two\"\n</VirtualHost>\n";
const HAPROXY: &str = "defaults\n  mode http\n  timeout client 5s\n  timeout connect 5s\n  \
                       timeout server 5s\nfrontend one\n  bind 127.0.0.1:{port0}\n  \
                       http-request return status 200 content-type text/plain string one\n\
                       frontend two\n  bind 127.0.0.1:{port1}\n  \
                       http-request return status 200 content-type text/plain string two\n";

fn start(kind: WebKind) -> Option<Running> {
    let map = "map $uri $stopgap { default one; }\n";
    let (config, files): (_, &[_]) = match kind {
        WebKind::Nginx => (NGINX, &[("rules.conf", map)]),
        WebKind::Apache => (APACHE, &[]),
        WebKind::HaProxy => (HAPROXY, &[]),
    };
    Setup { files, ..Setup::new(kind, config) }.start()
}

fn body(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.rsplit_once("\r\n").unwrap().1.to_owned()
}

#[test]
fn two_servers_of_each_kind_answer_on_ports_of_their_own_and_are_gone_when_dropped() {
    for kind in [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy] {
        let (Some(first), Some(second)) = (start(kind), start(kind)) else { continue };
        for server in [&first, &second] {
            assert_eq!(body(server.port(0)), "one", "{kind}");
            assert_eq!(body(server.port(1)), "two", "{kind}");
            assert!(server.config().is_file());
        }
        let (pid, dir) = (first.pid(), first.dir().to_owned());
        drop(first);
        assert!(!dir.exists() && !Path::new(&format!("/proc/{pid}")).exists(), "{kind}");
        assert_eq!(body(second.port(0)), "one", "{kind}");
    }
}
