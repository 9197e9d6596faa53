//! A publisher of feeds in Microsoft's format, with throwaway keys: it signs in earnest, so that
//! what is refused is refused for its own reason.
//!
//! It writes every document in its canonical form, so that it needs no canonicalization of its own
//! and cannot share a mistake with the one that is tested.

mod der;
mod pki;
mod stamp;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use pki::{Certificate, Key, RevocationList, pem, sha256};
pub use stamp::{Stamp, Token};

/// The namespace of XML-DSig.
pub const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// The dotted identifiers of the usages that a signer of feeds has.
pub const SIGNER_USAGES: [&str; 2] = ["1.3.6.1.5.5.7.3.3", "1.3.6.1.4.1.311.76.57.1.11"];
/// The usage of a stamping authority.
pub const STAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// A body with one mitigation.
pub const BODY: &str = "<Config desc=\"d\" id=\"M1\"><ActionList>\
     <Action desc=\"\" scope=\"Site\" type=\"Rewrite\"><Value>allow nothing</Value></Action>\
     </ActionList></Config>";

/// The keys of a publisher and of a stamping authority.
#[derive(Debug)]
pub struct Publisher {
    /// Of the root, which issues everything.
    pub root: Key,
    /// Of who signs feeds.
    pub signer: Key,
    /// Of who stamps.
    pub authority: Key,
}

/// How one feed is signed.
#[derive(Debug)]
pub struct Signing {
    /// The inside of the document, in canonical form, without a signature.
    pub body: String,
    /// Replacements in SignedInfo before it is signed.
    pub signed_info: Vec<(String, String)>,
    /// The certificates in X509Data, the signer's first.
    pub certificates: Vec<Vec<u8>>,
    /// The modulus in KeyValue; none leaves KeyValue out.
    pub modulus: Option<Vec<u8>>,
    /// How it is stamped, if it is.
    pub stamp: Option<Stamp>,
}

impl Publisher {
    /// Makes keys, which takes a moment.
    #[must_use]
    pub fn new() -> Self {
        Self { root: Key::generate(), signer: Key::generate(), authority: Key::generate() }
    }

    /// The root's own certificate.
    #[must_use]
    pub fn root_certificate(&self) -> Vec<u8> {
        let mut root = Certificate::new("Root", "Root", &self.root);
        root.is_issuer = true;
        root.key_usage = Some(0x06);
        root.sign(&self.root)
    }

    /// The signer's certificate, before the root signs it: valid in 2025.
    #[must_use]
    pub fn signer_certificate(&self) -> Certificate {
        let mut signer = Certificate::new("Signer", "Root", &self.signer);
        signer.validity = ("250101000000Z", "260101000000Z");
        signer.usages = SIGNER_USAGES.map(str::to_owned).to_vec();
        signer
    }

    /// The stamping authority's certificate, before the root signs it.
    #[must_use]
    pub fn authority_certificate(&self) -> Certificate {
        let mut authority = Certificate::new("Authority", "Root", &self.authority);
        authority.usages = vec![STAMPING.to_owned()];
        authority
    }

    /// The ordinary way to sign `body`: stamped in the middle of 2025.
    #[must_use]
    pub fn signing(&self, body: &str) -> Signing {
        Signing {
            body: body.to_owned(),
            signed_info: Vec::new(),
            certificates: vec![self.signer_certificate().sign(&self.root)],
            modulus: Some(self.signer.modulus()),
            stamp: Some(Stamp::new(self.authority_certificate().sign(&self.root))),
        }
    }

    /// A feed with `body`, signed in the ordinary way.
    #[must_use]
    pub fn feed(&self, body: &str) -> String {
        self.sign(&self.signing(body))
    }

    /// A feed, signed as `signing` says.
    #[must_use]
    pub fn sign(&self, signing: &Signing) -> String {
        let head = "<EOCS version=\"1.0.4\">";
        let document = format!("{head}{}</EOCS>", signing.body);
        let mut signed_info = signed_info(&STANDARD.encode(sha256(document.as_bytes())));
        for (from, to) in &signing.signed_info {
            assert!(signed_info.contains(from), "nothing to replace: {from}");
            signed_info = signed_info.replace(from, to);
        }
        // Canonical XML shows the namespace that the element inherits.
        let open = format!("<SignedInfo xmlns=\"{DSIG}\">");
        let canonical = signed_info.replacen("<SignedInfo>", &open, 1);
        let value = self.signer.sign(canonical.as_bytes());
        let key_value = signing.modulus.as_deref().map(key_value).unwrap_or_default();
        let certificates = x509_data(&signing.certificates);
        let stamp = signing.stamp.as_ref().map(|stamp| stamp.object(&self.authority, &value));
        format!(
            "{head}{}<Signature xmlns=\"{DSIG}\">{signed_info}<SignatureValue>{}</SignatureValue>\
             <KeyInfo>{key_value}{certificates}</KeyInfo>{}</Signature></EOCS>",
            signing.body,
            STANDARD.encode(&value),
            stamp.unwrap_or_default()
        )
    }
}

impl Default for Publisher {
    fn default() -> Self {
        Self::new()
    }
}

fn signed_info(digest: &str) -> String {
    const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    format!(
        "<SignedInfo><CanonicalizationMethod Algorithm=\"{C14N}\"></CanonicalizationMethod>\
         <SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\">\
         </SignatureMethod><Reference URI=\"\"><Transforms>\
         <Transform Algorithm=\"{DSIG}enveloped-signature\"></Transform>\
         <Transform Algorithm=\"{C14N}\"></Transform></Transforms>\
         <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></DigestMethod>\
         <DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
    )
}

fn key_value(modulus: &[u8]) -> String {
    let modulus = STANDARD.encode(modulus);
    format!(
        "<KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>AQAB</Exponent>\
         </RSAKeyValue></KeyValue>"
    )
}

fn x509_data(certificates: &[Vec<u8>]) -> String {
    if certificates.is_empty() {
        return String::new();
    }
    let one =
        |der: &Vec<u8>| format!("<X509Certificate>{}</X509Certificate>", STANDARD.encode(der));
    format!("<X509Data>{}</X509Data>", certificates.iter().map(one).collect::<String>())
}
