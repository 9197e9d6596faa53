//! Time-stamp tokens as `openssl ts` writes them, with every kind of digest and every way in which
//! they name their signer's certificate.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::forge::publisher;
use common::{failed, sentence};
use jiff::Timestamp;
use stopgap_eocs::{Refusal, Report, StampFault, Trust, verify};
use stopgap_testkit::feed::{BODY, Signing, Token, pem};

/// A stamping authority that is openssl, in a folder of its own.
struct Authority {
    folder: PathBuf,
}

/// How a token is made.
#[derive(Clone, Copy)]
struct How<'a> {
    /// The digest of the value, and that of the token.
    imprint: &'a str,
    signer: &'a str,
    /// The digest by which the signer's certificate is named.
    naming: &'a str,
    /// Whether the certificates are asked for.
    with_certificates: bool,
}

const USUAL: How<'static> =
    How { imprint: "sha256", signer: "sha256", naming: "sha256", with_certificates: true };

impl Authority {
    /// None, with a message, where openssl is not installed.
    fn new(name: &str) -> Option<Self> {
        if let Err(error) = Command::new("openssl").arg("version").output() {
            println!("skipped: openssl: {error}");
            return None;
        }
        let folder = format!("stopgap-ts-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let authority = Self { folder };
        let certificate = publisher().authority_certificate().sign(&publisher().root);
        authority.write("tsa.der", &publisher().authority.to_pkcs8());
        authority.openssl(&["pkey", "-inform", "DER", "-in", "tsa.der", "-out", "tsa.key"]);
        authority.write("tsa.pem", pem(&certificate).as_bytes());
        authority.write("chain.pem", pem(&publisher().root_certificate()).as_bytes());
        Some(authority)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.join(name), bytes).expect("written");
    }

    fn openssl(&self, arguments: &[&str]) {
        let run = Command::new("openssl").args(arguments).current_dir(&self.folder).output();
        let run = run.expect("openssl starts");
        assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    }

    /// The token of `value`.
    fn stamp(&self, value: &[u8], how: How<'_>) -> Vec<u8> {
        let How { imprint, signer, naming, with_certificates } = how;
        let config = format!(
            "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\ncrypto_device = builtin\n\
             signer_cert = tsa.pem\ncerts = chain.pem\nsigner_key = tsa.key\n\
             signer_digest = {signer}\ndefault_policy = 1.2.3.4.1\n\
             digests = sha256, sha384, sha512\naccuracy = secs:1, millisecs:500\n\
             clock_precision_digits = 3\nordering = yes\ntsa_name = yes\n\
             ess_cert_id_chain = no\ness_cert_id_alg = {naming}\n"
        );
        self.write("tsa.cnf", config.as_bytes());
        self.write("value", value);
        let imprint = format!("-{imprint}");
        let mut query = vec!["ts", "-query", "-data", "value", &imprint, "-out", "query"];
        query.extend(with_certificates.then_some("-cert"));
        self.openssl(&query);
        let reply = ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query"];
        self.openssl(&[&reply[..], &["-token_out", "-out", "token"]].concat());
        std::fs::read(self.folder.join("token")).expect("the token")
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A feed that is signed now and stamped by `authority`, as it is judged now.
fn judged(authority: &Authority, how: How<'_>, change: impl FnOnce(&mut Vec<u8>)) -> Report {
    let mut signer = publisher().signer_certificate();
    signer.validity = ("200101000000Z", "400101000000Z");
    let certificates = vec![signer.sign(&publisher().root)];
    let mut signing = Signing { certificates, ..publisher().signing(BODY) };
    let unstamped = publisher().sign(&Signing {
        certificates: signing.certificates.clone(),
        stamp: None,
        ..publisher().signing(BODY)
    });
    let start = unstamped.find("<SignatureValue>").expect("a value") + "<SignatureValue>".len();
    let value = &unstamped[start..start + unstamped[start..].find('<').expect("its end")];
    // RSA signatures of PKCS #1 v1.5 are deterministic: the stamped feed has the same value.
    let mut token = authority.stamp(&STANDARD.decode(value).expect("Base64"), how);
    change(&mut token);
    signing.stamp.as_mut().expect("a stamp").token = Token::Bytes(token);
    let trust = Trust::for_both(&[publisher().root_certificate()], &[]).expect("trust");
    // The clocks of both are one, and what is stamped now is not of the future.
    verify(publisher().sign(&signing).as_bytes(), &trust, Timestamp::now())
}

#[test]
fn tokens_as_openssl_writes_them_verify() {
    let Some(authority) = Authority::new("good") else { return };
    for naming in ["sha1", "sha256", "sha384", "sha512"] {
        for hash in ["sha256", "sha384", "sha512"] {
            let how = How { imprint: hash, signer: hash, naming, ..USUAL };
            let report = judged(&authority, how, |_| {});
            assert_eq!(failed(&report), [], "{hash} {naming}: {}", sentence(&report));
        }
    }
    let mixed = How { imprint: "sha512", ..USUAL };
    assert_eq!(failed(&judged(&authority, mixed, |_| {})), []);
}

#[test]
fn a_token_of_openssl_without_certificates_is_refused_with_the_reason() {
    let Some(authority) = Authority::new("bare") else { return };
    let report = judged(&authority, How { with_certificates: false, ..USUAL }, |_| {});
    let fault = StampFault::Structure("it lacks the certificate of its signer");
    assert_eq!(report.outcome.err(), Some(Refusal::Stamp(fault)));
}

#[test]
fn a_token_of_openssl_with_any_byte_changed_is_refused() {
    let Some(authority) = Authority::new("changed") else { return };
    for how in [How { naming: "sha1", ..USUAL }, USUAL] {
        let length = {
            let mut length = 0;
            let _ = judged(&authority, how, |token| length = token.len());
            length
        };
        for place in (0..length).step_by(23) {
            let report = judged(&authority, how, |token| {
                let place = place.min(token.len() - 1);
                token[place] ^= 1;
            });
            assert!(report.outcome.is_err(), "byte {place} of {length}");
        }
    }
}
