//! HTTPS with the platform's roots, for which a throwaway authority is put.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may say plainly what they expect"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use stopgap_feed::{Answer, HttpTransport, Network, Transport as _};
use stopgap_testkit::Tree;
use stopgap_testkit::feed::{Certificate, Key, pem};

/// By what the child knows that it is one, and whom to ask.
const URL: &str = "STOPGAP_TEST_URL";

fn authority(key: &Key) -> Vec<u8> {
    let mut root = Certificate::new("Authority", "Authority", key);
    root.is_issuer = true;
    root.key_usage = Some(0x06);
    root.sign(key)
}

/// A server whose certificate the authority issued; gives its URL.
fn serve(authority: &Key) -> String {
    let key = Key::generate();
    let mut certificate = Certificate::new("Server", "Authority", &key);
    certificate.address = Some([127, 0, 0, 1]);
    let certificate = CertificateDer::from(certificate.sign(authority));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key.to_pkcs8()).into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream));
            let mut line = String::new();
            while matches!(stream.read_line(&mut line), Ok(1..)) && line != "\r\n" {
                line.clear();
            }
            // A client that does not trust the certificate is gone by now.
            let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            let _ = stream.get_mut().flush();
        }
    });
    url
}

/// What a program says that asks `url` and trusts only `root`.
fn ask(url: &str, root: &[u8]) -> String {
    let tree = Tree::empty();
    let file = tree.root().join("roots.pem");
    std::fs::write(&file, pem(root)).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_child_that_asks", "--nocapture"])
        .env(URL, url)
        .env("SSL_CERT_FILE", &file)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Not a test by itself: the platform's roots are read from the environment of a process.
#[test]
fn a_child_that_asks() {
    let Ok(url) = std::env::var(URL) else { return };
    let network = Network { proxy: Some("direct".into()), ..Network::default() };
    let answer = HttpTransport::new(&url, &network).unwrap().get("a", 100, None);
    match answer {
        Ok(Answer::Found { bytes, .. }) => println!("found {}", String::from_utf8_lossy(&bytes)),
        Ok(other) => println!("{other:?}"),
        Err(error) => println!("{error}"),
    }
}

#[test]
fn a_server_with_a_certificate_of_a_trusted_authority_is_believed_and_no_other() {
    let (ours, other) = (Key::generate(), Key::generate());
    let url = serve(&ours);
    let trusted = ask(&url, &authority(&ours));
    assert!(trusted.contains("found ok"), "{trusted}");
    let not_trusted = ask(&url, &authority(&other));
    assert!(not_trusted.contains("TLS: "), "{not_trusted}");
    let another_name = ask(&url.replace("127.0.0.1", "localhost"), &authority(&ours));
    assert!(another_name.contains("TLS: "), "{another_name}");
}
