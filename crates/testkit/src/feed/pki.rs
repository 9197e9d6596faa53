//! Keys and certificates.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::der;

pub(super) const RSA: &str = "1.2.840.113549.1.1.1";
pub(super) const SHA256_RSA: &str = "1.2.840.113549.1.1.11";

/// An RSA key of 2048 bits.
#[derive(Debug)]
pub struct Key(KeyPair);

impl Key {
    /// A new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(KeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    /// Signs with rsa-sha256.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut value = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0.sign(&RSA_PKCS1_SHA256, &random, message, &mut value).expect("a signature");
        value
    }

    /// The key as PKCS#8 DER.
    #[must_use]
    pub fn to_pkcs8(&self) -> Vec<u8> {
        let der: Pkcs8V1Der<'_> = self.0.as_der().expect("a key");
        der.as_ref().to_vec()
    }

    /// The modulus, without a leading zero.
    #[must_use]
    pub fn modulus(&self) -> Vec<u8> {
        // SEQUENCE and INTEGER with two bytes of length each, and the zero that makes it positive.
        let key = self.0.public_key().as_ref()[9..9 + 256].to_vec();
        assert!(key[0] >= 0x80, "a modulus of 2048 bits");
        key
    }

    fn info(&self) -> Vec<u8> {
        der::sequence(&[&der::algorithm(RSA), &der::bits(self.0.public_key().as_ref())])
    }
}

/// A certificate to be signed.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The common name of whose it is.
    pub subject: String,
    /// The common name of who issues it.
    pub issuer: String,
    /// From when until when, as UTCTime.
    pub validity: (&'static str, &'static str),
    /// Whether it may issue certificates (basic constraints).
    pub is_issuer: bool,
    /// The first byte of the key usage.
    pub key_usage: Option<u8>,
    /// The extended key usages, in dotted form; none leaves the extension out.
    pub usages: Vec<String>,
    /// The address of the server that it is for; none leaves the extension out.
    pub address: Option<[u8; 4]>,
    /// The serial number.
    pub serial: u8,
    /// The SubjectPublicKeyInfo, as DER.
    pub key: Vec<u8>,
}

impl Certificate {
    /// A certificate for `key`, valid from 2020 to 2040.
    #[must_use]
    pub fn new(subject: &str, issuer: &str, key: &Key) -> Self {
        Self {
            subject: subject.to_owned(),
            issuer: issuer.to_owned(),
            validity: ("200101000000Z", "400101000000Z"),
            is_issuer: false,
            key_usage: None,
            usages: Vec::new(),
            address: None,
            serial: 7,
            key: key.info(),
        }
    }

    /// Puts a key of this many bits in its place, whose private half nobody has.
    #[must_use]
    pub fn with_modulus_of(mut self, bits: usize) -> Self {
        let modulus = [&[0], vec![0xff; bits / 8].as_slice()].concat();
        let numbers = [der::element(2, &[&modulus]), der::element(2, &[&[1, 0, 1]])];
        let key = der::sequence(&[&numbers[0], &numbers[1]]);
        self.key = der::sequence(&[&der::algorithm(RSA), &der::bits(&key)]);
        self
    }

    /// Puts a key of an elliptic curve in its place.
    #[must_use]
    pub fn with_elliptic_key(mut self) -> Self {
        let curve = [der::oid("1.2.840.10045.2.1"), der::oid("1.2.840.10045.3.1.7")];
        let algorithm = der::sequence(&[&curve[0], &curve[1]]);
        self.key = der::sequence(&[&algorithm, &der::bits(&[4; 65])]);
        self
    }

    /// The certificate, signed by its issuer's key.
    #[must_use]
    pub fn sign(&self, issuer: &Key) -> Vec<u8> {
        let algorithm = der::algorithm(SHA256_RSA);
        let (from, until) = self.validity;
        let times =
            [der::element(0x17, &[from.as_bytes()]), der::element(0x17, &[until.as_bytes()])];
        let tbs = der::sequence(&[
            &der::context(0, &[&der::integer(2)]),
            &der::integer(self.serial),
            &algorithm,
            &der::name(&self.issuer),
            &der::sequence(&[&times[0], &times[1]]),
            &der::name(&self.subject),
            &self.key,
            &der::context(3, &[&self.extensions()]),
        ]);
        der::sequence(&[&tbs, &algorithm, &der::bits(&issuer.sign(&tbs))])
    }

    fn extensions(&self) -> Vec<u8> {
        let ca: &[u8] = if self.is_issuer { &[1, 1, 0xff] } else { &[] };
        let mut all = extension("2.5.29.19", &der::sequence(&[ca]));
        if let Some(usage) = self.key_usage {
            all.extend(extension("2.5.29.15", &der::bits(&[usage])));
        }
        if !self.usages.is_empty() {
            let usages: Vec<u8> = self.usages.iter().flat_map(|usage| der::oid(usage)).collect();
            all.extend(extension("2.5.29.37", &der::sequence(&[&usages])));
        }
        if let Some(address) = self.address {
            let names = der::sequence(&[&der::element(0x87, &[&address])]);
            all.extend(extension("2.5.29.17", &names));
        }
        der::sequence(&[&all])
    }
}

/// A certificate as the text that files of trusted roots hold.
#[must_use]
pub fn pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn extension(id: &str, value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(id), &[1, 1, 0xff], &der::octets(value)])
}

/// A revocation list to be signed.
#[derive(Debug, Clone)]
pub struct RevocationList {
    /// The common name of whose it is.
    pub issuer: String,
    /// The serial numbers on it.
    pub serials: Vec<u8>,
    /// From when it is, as UTCTime.
    pub this_update: &'static str,
    /// When the next one is due, as UTCTime.
    pub next_update: Option<&'static str>,
    /// The address of the part of the certificates that it is for; none is for all.
    pub part: Option<&'static str>,
    /// Whether it says only what is new since another one.
    pub is_delta: bool,
}

impl RevocationList {
    /// A list of the middle of 2025, good until 2040.
    #[must_use]
    pub fn new(issuer: &str, serials: &[u8]) -> Self {
        Self {
            issuer: issuer.to_owned(),
            serials: serials.to_vec(),
            this_update: "250601000000Z",
            next_update: Some("400101000000Z"),
            part: None,
            is_delta: false,
        }
    }

    /// The list, signed by this key.
    #[must_use]
    pub fn sign(&self, issuer: &Key) -> Vec<u8> {
        let time = |text: &str| der::element(0x17, &[text.as_bytes()]);
        let algorithm = der::algorithm(SHA256_RSA);
        let revoked = self.serials.iter();
        let revoked: Vec<u8> = revoked
            .flat_map(|serial| der::sequence(&[&der::integer(*serial), &time("250201000000Z")]))
            .collect();
        let revoked = if revoked.is_empty() { Vec::new() } else { der::sequence(&[&revoked]) };
        let number = der::sequence(&[&der::oid("2.5.29.20"), &der::octets(&der::integer(1))]);
        let mut extensions = number;
        if let Some(address) = self.part {
            let name = der::element(0x86, &[address.as_bytes()]);
            let point = der::context(0, &[&der::context(0, &[&name])]);
            extensions.extend(extension("2.5.29.28", &der::sequence(&[&point])));
        }
        if self.is_delta {
            extensions.extend(extension("2.5.29.27", &der::integer(1)));
        }
        let tbs = der::sequence(&[
            &der::integer(1),
            &algorithm,
            &der::name(&self.issuer),
            &time(self.this_update),
            &self.next_update.map(time).unwrap_or_default(),
            &revoked,
            &der::context(0, &[&der::sequence(&[&extensions])]),
        ]);
        der::sequence(&[&tbs, &algorithm, &der::bits(&issuer.sign(&tbs))])
    }
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}
