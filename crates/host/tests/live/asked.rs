//! What sites answer.

use super::*;

#[test]
fn a_site_with_a_certificate_of_its_own_is_asked_by_its_name() {
    let text = "{basics}\nhttp { access_log off; ssl_certificate {dir}/c.pem; \
        ssl_certificate_key {dir}/k.pem;\n\
        server { listen 127.0.0.1:{port0} ssl; return 410; }\n\
        server { listen 127.0.0.1:{port0} ssl; server_name *.example.org; return 403; }\n\
        server { listen unix:{dir}/s; return 405; } }\n";
    let keys = std::env::temp_dir().join(format!("stopgap-keys-{}", std::process::id()));
    fs::create_dir_all(&keys).unwrap();
    let (key, certificate) = (keys.join("k.pem"), keys.join("c.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "1", "-subj", "/CN=somebody else", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    let Ok(made) = made else {
        println!("skipped: openssl is not installed");
        return;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (key, certificate) = (fs::read_to_string(key), fs::read_to_string(certificate));
    fs::remove_dir_all(&keys).unwrap();
    let files = [("k.pem", key.unwrap()), ("c.pem", certificate.unwrap())];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, &**text)).collect();
    let setup = Setup { files: &files, ..Setup::new(WebKind::Nginx, text) };
    let Some(running) = setup.start() else { return };
    let host = host_of(&running, None);
    let site = |name: &str| WebSite { name: name.into(), tls: true, ..site(running.port(0)) };
    let ask = |site: &WebSite| live(&host).ask(site, &get("/"));
    assert_eq!(ask(&site("")), Answer::Status(410));
    assert_eq!(ask(&site("*.example.org")), Answer::Status(403));
    let plain = WebSite { tls: false, ..site("") };
    assert_eq!(ask(&plain), Answer::Status(400), "plain HTTP to a port of TLS");
    let socket = Listen::Unix(path(&running.dir().join("s")));
    assert_eq!(ask(&WebSite { listen: socket, ..plain.clone() }), Answer::Status(405));
    let none = Listen::Unix(path(&running.dir().join("none")));
    assert!(matches!(ask(&WebSite { listen: none, ..plain }), Answer::Unreachable(_)));
}

#[test]
fn a_site_that_says_nothing_closes_or_is_not_there_is_told_apart() {
    let running = free_ports(1);
    let host = LinuxHost::open(WebSettings { find: false, servers: Vec::new() }).unwrap();
    assert_eq!(host.web_servers(), []);
    assert!(matches!(status(&host, running[0]), Answer::Unreachable(_)));
    let tls = |port| WebSite { tls: true, ..site(port) };

    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(status(&host, silent.local_addr().unwrap().port()), Answer::Nothing);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            drop(stream);
        }
    });
    assert_eq!(status(&host, port), Answer::Closed);
    let no_tls = live(&host).ask(&tls(port), &get("/"));
    assert!(matches!(no_tls, Answer::Unreachable(_)), "{no_tls:?}");
    let unasked = WebSite { listen: Listen::Unasked("it is far away".into()), ..site(0) };
    let told = live(&host).ask(&unasked, &get("/"));
    assert_eq!(told, Answer::Unreachable("it is far away".into()));
}
