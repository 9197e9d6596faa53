//! The countersignature: an RFC 3161 time-stamp token, a CMS SignedData (RFC 5652).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::certificate::Certificate;
use crate::der::{self, Element, NotDer, Reader};
use crate::hash::{self, Hash};
use crate::refusal::StampFault;
use crate::rsa::is_signed_with;
use crate::stamp_info::{StampInfo, read as read_info};
use crate::{form, oid, transcode};

/// The largest token that is read, in bytes. The feed's has 4,842.
pub const MAX_STAMP_BYTES: usize = 64 * 1024;
/// The certificates that are read of a token. The feed's has two.
const MAX_CERTIFICATES: usize = 8;

/// A token in DER.
#[derive(Debug)]
pub(crate) struct Token(Vec<u8>);

/// What a token says once its signature is verified; whether its authority is trusted is another
/// question.
#[derive(Debug)]
pub(crate) struct Stamped<'a> {
    pub(crate) info: StampInfo,
    /// The certificate whose key signed the token.
    pub(crate) authority: Certificate<'a>,
    /// The other certificates of the token.
    pub(crate) others: Vec<&'a [u8]>,
}

/// The fields of a SignedData that are used.
struct SignedData<'a> {
    /// The stamped content, as it is hashed.
    content: &'a [u8],
    certificates: Vec<&'a [u8]>,
    signer: Signer<'a>,
}

/// The fields of a SignerInfo that are used.
struct Signer<'a> {
    hash: Hash,
    issuer: &'a [u8],
    serial: &'a [u8],
    attributes: Element<'a>,
    signature: &'a [u8],
}

/// The values of the signed attributes that are used.
#[derive(Default)]
struct Attributes<'a> {
    content_type: Option<Element<'a>>,
    message_digest: Option<Element<'a>>,
    signing_certificate: Option<Element<'a>>,
    signing_certificate_v2: Option<Element<'a>>,
}

impl Token {
    /// Reads a token in BER.
    pub(crate) fn read(ber: &[u8]) -> Result<Self, StampFault> {
        if ber.len() > MAX_STAMP_BYTES {
            return Err(StampFault::TooLarge { bytes: ber.len(), max: MAX_STAMP_BYTES });
        }
        transcode::to_der(ber).map(Self).map_err(StampFault::Encoding)
    }

    /// Verifies that the token stamps `value`, and that the key of one of its certificates signed
    /// it. `beside` are the certificates that came beside it: they must be of it.
    pub(crate) fn verify(
        &self,
        value: &[u8],
        beside: &[Vec<u8>],
    ) -> Result<Stamped<'_>, StampFault> {
        let data = signed_data(&self.0)?;
        let info = read_info(data.content)
            .map_err(|NotDer| StampFault::Structure("its content is no TSTInfo"))?;
        if info.imprint != info.hash.digest(value) {
            return Err(StampFault::OtherValue);
        }
        if beside.iter().any(|other| !data.certificates.contains(&other.as_slice())) {
            return Err(StampFault::OtherCertificates);
        }
        let authority = data.authority()?;
        data.signer.verify(data.content, &authority)?;
        let is_other = |der: &&[u8]| *der != authority.der;
        let others = data.certificates.iter().copied().filter(is_other).collect();
        Ok(Stamped { info, authority, others })
    }
}

/// The token of a signature's form, read and verified.
pub(crate) fn token(stamp: &form::Stamp) -> Result<Token, StampFault> {
    Token::read(&stamp.token)
}

impl<'a> SignedData<'a> {
    /// The certificate that the signer names.
    fn authority(&self) -> Result<Certificate<'a>, StampFault> {
        let parsed = self.certificates.iter().filter_map(|der| Certificate::read(der).ok());
        let mut named = parsed.filter(|certificate| {
            certificate.issuer == self.signer.issuer && certificate.serial == self.signer.serial
        });
        named.next().ok_or(StampFault::Structure("it lacks the certificate of its signer"))
    }
}

impl Signer<'_> {
    /// The signed attributes are of this content and this authority, and signed by its key.
    fn verify(&self, content: &[u8], authority: &Certificate<'_>) -> Result<(), StampFault> {
        let attributes = attributes(self.attributes)
            .map_err(|NotDer| StampFault::Structure("its signed attributes"))?;
        let is_tst = |value: Element<'_>| value.tag == der::OID && value.content == oid::TST_INFO;
        if !attributes.content_type.is_some_and(is_tst) {
            return Err(StampFault::Structure("its signed content type is not that of a stamp"));
        }
        let signed = attributes.message_digest.filter(|value| value.tag == der::OCTET_STRING);
        let signed = signed.ok_or(StampFault::Structure("no digest of its content is signed"))?;
        if signed.content != self.hash.digest(content) {
            return Err(StampFault::Digest);
        }
        if !attributes.name(authority.der) {
            return Err(StampFault::Structure("it does not name its signer's certificate"));
        }
        // RFC 5652, 5.4: they are hashed as the SET that they are, not as the field [0].
        let message = der::wrap(der::SET, self.attributes.content);
        authority
            .rsa_key()
            .map_err(|_| StampFault::Structure("its key is no RSA key of 2048 bits or more"))?;
        let is_signed = is_signed_with(authority, self.hash, &message, self.signature);
        if is_signed { Ok(()) } else { Err(StampFault::Signature) }
    }
}

impl Attributes<'_> {
    /// Whether they name this certificate by its digest, so that no other one of the same key can be
    /// put in its place: by SHA-1 (RFC 2634), by another one (RFC 5035), or by both.
    fn name(&self, certificate: &[u8]) -> bool {
        let v1 = self.signing_certificate.map(|value| {
            let named = first_named(value).map(|(_, digest)| digest);
            named == Ok(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref())
        });
        let v2 = self.signing_certificate_v2.map(|value| {
            let named = first_named(value);
            named.is_ok_and(|(hash, digest)| digest == hash.digest(certificate))
        });
        (v1.is_some() || v2.is_some()) && v1 != Some(false) && v2 != Some(false)
    }
}

/// The digest by which the value of such an attribute names its first certificate, and how it was
/// made: where nothing is said, in the second version by SHA-256.
fn first_named(value: Element<'_>) -> Result<(Hash, &[u8]), NotDer> {
    let mut first = value.inside().expect(der::SEQUENCE)?.inside().expect(der::SEQUENCE)?.inside();
    let algorithm = first.optional(der::SEQUENCE)?;
    let hash = algorithm.map_or(Ok(Hash::Sha256), hash::of)?;
    Ok((hash, first.expect(der::OCTET_STRING)?.content))
}

fn attributes(field: Element<'_>) -> Result<Attributes<'_>, NotDer> {
    let mut found = Attributes::default();
    let mut all = field.inside();
    while !all.is_empty() {
        let mut attribute = all.expect(der::SEQUENCE)?.inside();
        let id = attribute.expect(der::OID)?.content;
        let mut values = attribute.expect(der::SET)?.inside();
        attribute.finish()?;
        let place = match id {
            oid::CONTENT_TYPE => &mut found.content_type,
            oid::MESSAGE_DIGEST => &mut found.message_digest,
            oid::SIGNING_CERTIFICATE => &mut found.signing_certificate,
            oid::SIGNING_CERTIFICATE_V2 => &mut found.signing_certificate_v2,
            _ => continue,
        };
        let value = values.next()?;
        values.finish()?;
        if place.replace(value).is_some() {
            return Err(NotDer);
        }
    }
    Ok(found)
}

fn signed_data(token: &[u8]) -> Result<SignedData<'_>, StampFault> {
    content_info(token).map_err(|NotDer| StampFault::Structure("its CMS SignedData"))
}

fn content_info(token: &[u8]) -> Result<SignedData<'_>, NotDer> {
    let mut info = der::only(token, der::SEQUENCE)?.inside();
    same(info.expect(der::OID)?.content, oid::SIGNED_DATA)?;
    let content = info.expect(der::context(0))?;
    info.finish()?;
    let mut data = der::only(content.content, der::SEQUENCE)?.inside();
    same(data.expect(der::INTEGER)?.content, &[3])?;
    let mut digests = data.expect(der::SET)?.inside();
    let hash = hash::of(digests.expect(der::SEQUENCE)?)?;
    digests.finish()?;
    let content = encapsulated(data.expect(der::SEQUENCE)?)?;
    // A token has none if they were not asked for.
    let certificates = data.optional(der::context(0))?.map_or(Ok(Vec::new()), certificates)?;
    let mut signers = data.expect(der::SET)?.inside();
    let signer = signer(signers.expect(der::SEQUENCE)?)?;
    signers.finish()?;
    data.finish()?;
    if signer.hash != hash {
        return Err(NotDer);
    }
    Ok(SignedData { content, certificates, signer })
}

fn encapsulated(field: Element<'_>) -> Result<&[u8], NotDer> {
    let mut fields = field.inside();
    same(fields.expect(der::OID)?.content, oid::TST_INFO)?;
    let content = fields.expect(der::context(0))?;
    fields.finish()?;
    Ok(der::only(content.content, der::OCTET_STRING)?.content)
}

/// The X.509 certificates. Microsoft's tokens carry an attribute certificate too, which says
/// nothing that is asked here.
fn certificates(field: Element<'_>) -> Result<Vec<&[u8]>, NotDer> {
    let mut all = field.inside();
    let mut found = Vec::new();
    while !all.is_empty() {
        let certificate = all.next()?;
        if certificate.tag == der::SEQUENCE {
            found.push(certificate.whole);
        } else if certificate.tag != der::context(1) && certificate.tag != der::context(2) {
            return Err(NotDer);
        }
    }
    if found.len() > MAX_CERTIFICATES { Err(NotDer) } else { Ok(found) }
}

fn signer(field: Element<'_>) -> Result<Signer<'_>, NotDer> {
    let mut fields = field.inside();
    same(fields.expect(der::INTEGER)?.content, &[1])?;
    let mut names: Reader<'_> = fields.expect(der::SEQUENCE)?.inside();
    let issuer = names.expect(der::SEQUENCE)?.whole;
    let serial = names.expect(der::INTEGER)?.content;
    names.finish()?;
    let hash = hash::of(fields.expect(der::SEQUENCE)?)?;
    let attributes = fields.expect(der::context(0))?;
    // RFC 3370, 3.2: some write the key's algorithm, and some the signature's.
    let algorithm = fields.expect(der::SEQUENCE)?.content;
    if algorithm != oid::RSA && hash::of_rsa(algorithm)? != hash {
        return Err(NotDer);
    }
    let signature = fields.expect(der::OCTET_STRING)?.content;
    fields.finish()?;
    Ok(Signer { hash, issuer, serial, attributes, signature })
}

fn same(found: &[u8], wanted: &[u8]) -> Result<(), NotDer> {
    if found == wanted { Ok(()) } else { Err(NotDer) }
}
