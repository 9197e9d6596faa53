//! Why a feed was refused.

use jiff::Timestamp;

/// Why a feed was refused: the first check that failed, with its facts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no document that is read further.
    #[error(transparent)]
    Document(#[from] DocumentFault),
    /// The signature is not of the one form that is accepted.
    #[error(transparent)]
    Form(#[from] FormFault),
    /// The document is not the one that was signed. Both values in Base64.
    #[error("the document was changed after it was signed: its digest is {found}, not {signed}")]
    Digest {
        /// The digest of the canonical document.
        found: String,
        /// The digest that was signed.
        signed: String,
    },
    /// The signer's certificate cannot be used.
    #[error("the signer's certificate: {0}")]
    Certificate(CertificateFault),
    /// The signature is not by the certificate's key.
    #[error("the signature does not verify with the key of the signer's certificate")]
    Signature,
    /// The countersignature does not hold.
    #[error("the time stamp: {0}")]
    Stamp(#[from] StampFault),
    /// The stamping authority may not stamp, or is not trusted.
    #[error("the stamping authority: {0}")]
    AuthorityUse(CertificateFault),
    /// The stamping authority's path does not hold.
    #[error("the stamping authority: {0}")]
    AuthorityPath(PathFault),
    /// The signer's certificate is not for signing feeds.
    #[error("the signer: {0}")]
    SignerUse(CertificateFault),
    /// The signer's path does not hold.
    #[error("the signer: {0}")]
    SignerPath(PathFault),
    /// What was signed is no feed that can be read.
    #[error(transparent)]
    Content(#[from] ContentFault),
}

/// Why bytes are no document that is read further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentFault {
    /// More bytes than are read.
    #[error("the file has more than {max} bytes")]
    TooLarge {
        /// What is read.
        max: usize,
    },
    /// Not UTF-8, or said to be another encoding.
    #[error("the file is not in UTF-8")]
    Encoding,
    /// A version of XML other than 1.0.
    #[error("the file says that it is not XML 1.0")]
    Version,
    /// A document type declaration, and with it entities of its own.
    #[error("the document has a document type declaration (DTD)")]
    Dtd,
    /// A processing instruction.
    #[error("the document has a processing instruction")]
    ProcessingInstruction,
    /// A budget is spent.
    #[error("the document has more than {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many are read.
        max: usize,
    },
    /// Not well-formed XML.
    #[error("the document is not well-formed XML: {0}")]
    NotWellFormed(String),
    /// The root is another element.
    #[error("the root of the document is not the element EOCS without a namespace")]
    NotEocs,
    /// A namespace is declared where the format has none, or an attribute is from one.
    #[error("the element {element} is in, or declares, a namespace that the format does not have")]
    Namespace {
        /// Where.
        element: String,
    },
}

/// Why a signature is not of the one form that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormFault {
    /// Nobody signed it.
    #[error("the document is not signed")]
    NoSignature,
    /// More than one Signature.
    #[error("the document has {count} Signature elements; it must have one")]
    Signatures {
        /// How many.
        count: usize,
    },
    /// The Signature is not a child of the root.
    #[error("the Signature is not a child of the root")]
    NotEnveloped,
    /// Something stands where the profile has nothing, or lacks.
    #[error("in the signature, {place}: {found}")]
    Unexpected {
        /// The element.
        place: String,
        /// What is wrong there.
        found: String,
    },
    /// Not one Reference.
    #[error("the signature has {count} References; it must have one")]
    References {
        /// How many.
        count: usize,
    },
    /// The Reference is to something else than the whole document.
    #[error("the Reference is to {found}, not to the whole document (URI \"\")")]
    ReferenceUri {
        /// To what.
        found: String,
    },
    /// Other transforms than the two.
    #[error("the transforms are not enveloped-signature and then C14N 1.0, but: {found}")]
    Transforms {
        /// Which.
        found: String,
    },
    /// Another algorithm.
    #[error("the {what} is {found}; only {wanted} is accepted")]
    Algorithm {
        /// Of what.
        what: &'static str,
        /// Which one is named.
        found: String,
        /// The only one.
        wanted: &'static str,
    },
    /// A value is no Base64.
    #[error("{what} is not Base64, or not written in its one way")]
    NotBase64 {
        /// Which value.
        what: &'static str,
    },
    /// No certificate: whose key it is nobody says.
    #[error("the signature carries no certificate of its signer (X509Data)")]
    NoCertificate,
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Not a certificate of X.509 version 3.
    #[error("it cannot be read")]
    Unreadable,
    /// Not an RSA key.
    #[error("its key is not an RSA key")]
    NotRsa,
    /// Too short a key.
    #[error("its RSA key has {bits} bits; at least 2048 are needed")]
    KeyTooShort {
        /// What it has.
        bits: usize,
    },
    /// The KeyValue is of another key.
    #[error("the KeyValue beside it is of another key")]
    KeyValueDiffers,
    /// The extended key usage lacks something.
    #[error("it is not for {needed}: its extended key usage is {found}")]
    ExtendedKeyUsage {
        /// What is needed.
        needed: &'static str,
        /// What is there.
        found: String,
    },
    /// KeyUsage forbids signatures.
    #[error("its key usage does not allow digital signatures")]
    KeyUsage,
}

/// Why a path does not lead from a certificate to an anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// No path.
    #[error("no path leads from \"{subject}\" to a trust anchor{}", because(unusable.as_deref()))]
    NoAnchor {
        /// Whose certificate.
        subject: String,
        /// Whose certificate could be on the path, but for a critical extension that is not
        /// understood. It can be an anchor itself.
        unusable: Option<String>,
    },
    /// A certificate of the path was expired at that time.
    #[error("a certificate of its path expired at {not_after}, and is judged at {at}")]
    Expired {
        /// The time it is judged at.
        at: Timestamp,
        /// The end of its validity.
        not_after: Timestamp,
    },
    /// A certificate of the path was not valid yet at that time.
    #[error("a certificate of its path is valid from {not_before}, and is judged at {at}")]
    NotYetValid {
        /// The time it is judged at.
        at: Timestamp,
        /// The start of its validity.
        not_before: Timestamp,
    },
    /// A certificate of the path was changed, or is by another issuer of the same name.
    #[error("a certificate of its path does not verify with its issuer's key")]
    Signature,
    /// A certificate of the path is on a revocation list.
    #[error("a certificate of its path was revoked")]
    Revoked,
    /// A revocation list of the name of an issuer of the path, by another key.
    #[error("the revocation list of \"{issuer}\" is not signed by its key")]
    ForeignList {
        /// The name.
        issuer: String,
    },
    /// An issuer of the path may not issue.
    #[error("the key usage of \"{issuer}\" does not allow it to sign certificates")]
    IssuerKeyUsage {
        /// Whose certificate.
        issuer: String,
    },
    /// A certificate is carried that has nothing to do with the path.
    #[error("the certificate of \"{subject}\" is carried, but is not on the path to an anchor")]
    Stranger {
        /// Whose certificate.
        subject: String,
    },
    /// Something else is wrong.
    #[error("its path does not hold: {0}")]
    Other(String),
}

fn because(unusable: Option<&str>) -> String {
    let sentence = |name| {
        format!(
            "; \"{name}\" cannot be on it, for a critical extension that is not understood, but \
             can be an anchor itself"
        )
    };
    unusable.map(sentence).unwrap_or_default()
}

/// Why a countersignature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampFault {
    /// More bytes than are read.
    #[error("it has {bytes} bytes; at most {max} are read")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What is read.
        max: usize,
    },
    /// Not BER within bounds.
    #[error("it is not well-formed BER: {0}")]
    Encoding(&'static str),
    /// Not the structure of a time-stamp token.
    #[error("it is not a time-stamp token of the accepted form: {0}")]
    Structure(&'static str),
    /// It stamps something else.
    #[error("it stamps another value than this signature")]
    OtherValue,
    /// The stamped content is not what was signed.
    #[error("its content was changed after it was signed")]
    Digest,
    /// The signature is not by the authority's key.
    #[error("its signature does not verify")]
    Signature,
    /// It is of the future.
    #[error("it is of {gen_time}, which is later than {now}")]
    Future {
        /// The stamped time.
        gen_time: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The certificates beside it are others.
    #[error("a certificate beside it is not in it")]
    OtherCertificates,
}

/// Why what was signed cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentFault {
    /// An element where the format has none.
    #[error("the feed has an element {found} in {place}")]
    Element {
        /// Where.
        place: String,
        /// Which.
        found: String,
    },
    /// An attribute is missing.
    #[error("an element {element} of the feed has no {attribute}")]
    Missing {
        /// Of what.
        element: &'static str,
        /// What.
        attribute: &'static str,
    },
    /// Not a version.
    #[error("the feed's version \"{0}\" is not numbers with dots between")]
    Version(String),
    /// Two configs with one id.
    #[error("the feed has two Configs with the id \"{0}\"")]
    TwiceTheSameId(String),
    /// What was canonical cannot be parsed again.
    #[error("the canonical document cannot be read: {0}")]
    NotWellFormed(String),
}
