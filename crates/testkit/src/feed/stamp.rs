//! Time-stamp tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pki::{SHA256_RSA, sha256};
use super::{Key, der};

const SHA256: &str = "2.16.840.1.101.3.4.2.1";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";

/// How something is stamped.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The authority's certificate.
    pub certificate: Vec<u8>,
    /// The stamped time, as GeneralizedTime.
    pub gen_time: String,
    /// What is stamped instead of the signature's value.
    pub other_value: Option<Vec<u8>>,
    /// The certificate that the token names as its signer's; the authority's own if none.
    pub named: Option<Vec<u8>>,
    /// A token that is carried instead of a new one.
    pub token: Token,
}

/// The token that a feed carries.
#[derive(Debug, Clone)]
pub enum Token {
    /// A new one, in BER with indefinite lengths as Microsoft writes it.
    Ber,
    /// A new one in DER.
    Der,
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Stamp {
    /// A stamp of the middle of 2025.
    #[must_use]
    pub fn new(certificate: Vec<u8>) -> Self {
        let gen_time = "20250601120000Z".to_owned();
        Self { certificate, gen_time, other_value: None, named: None, token: Token::Ber }
    }

    /// The Object with the countersignature of `value`.
    pub(super) fn object(&self, key: &Key, value: &[u8]) -> String {
        let token = match &self.token {
            Token::Bytes(bytes) => bytes.clone(),
            Token::Ber | Token::Der => self.sign(key, value),
        };
        format!(
            "<Object Id=\"ts-countersig\"><CounterSignature \
             xmlns=\"http://schemas.microsoft.com/xmldsig/timestamp/2003\" \
             ts-format=\"cms-timestamp-message\">{}</CounterSignature></Object>",
            STANDARD.encode(token)
        )
    }

    fn sign(&self, key: &Key, value: &[u8]) -> Vec<u8> {
        let info = self.info(self.other_value.as_deref().unwrap_or(value));
        let signer = self.signer(key, &info);
        let content = match self.token {
            Token::Ber => {
                // The octet string in two pieces, as BER may have it.
                let (head, tail) = info.split_at(info.len() / 2);
                let pieces = [der::octets(head), der::octets(tail)];
                let whole = der::indefinite(0x24, &[&pieces[0], &pieces[1]]);
                der::indefinite(0xa0, &[&whole])
            }
            _ => der::context(0, &[&der::octets(&info)]),
        };
        let wrap = |tag: u8, parts: &[&[u8]]| match self.token {
            Token::Ber => der::indefinite(tag, parts),
            _ => der::element(tag, parts),
        };
        let data = wrap(
            0x30,
            &[
                &der::integer(3),
                &der::set(&[&der::algorithm(SHA256)]),
                &wrap(0x30, &[&der::oid(TST_INFO), &content]),
                &der::context(0, &[&self.certificate]),
                &der::set(&[&signer]),
            ],
        );
        wrap(0x30, &[&der::oid("1.2.840.113549.1.7.2"), &wrap(0xa0, &[&data])])
    }

    fn info(&self, value: &[u8]) -> Vec<u8> {
        let imprint = der::sequence(&[&der::algorithm(SHA256), &der::octets(&sha256(value))]);
        der::sequence(&[
            &der::integer(1),
            &der::oid("1.2.3.4"),
            &imprint,
            &der::integer(9),
            &der::element(0x18, &[self.gen_time.as_bytes()]),
        ])
    }

    fn signer(&self, key: &Key, info: &[u8]) -> Vec<u8> {
        let named = sha256(self.named.as_ref().unwrap_or(&self.certificate));
        let attribute =
            |id: &str, value: &[u8]| der::sequence(&[&der::oid(id), &der::set(&[value])]);
        let named = der::sequence(&[&der::sequence(&[&der::sequence(&[&der::octets(&named)])])]);
        let attributes = [
            attribute("1.2.840.113549.1.9.3", &der::oid(TST_INFO)),
            attribute("1.2.840.113549.1.9.4", &der::octets(&sha256(info))),
            attribute("1.2.840.113549.1.9.16.2.47", &named),
        ];
        let attributes = attributes.concat();
        let value = key.sign(&der::set(&[&attributes]));
        der::sequence(&[
            &der::integer(1),
            &der::sequence(&[&der::name("Root"), &der::integer(7)]),
            &der::algorithm(SHA256),
            &der::context(0, &[&attributes]),
            &der::algorithm(SHA256_RSA),
            &der::octets(&value),
        ])
    }
}
