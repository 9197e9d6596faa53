//! X.509 certificates: what webpki does not tell of them.

use crate::der::{self, Element, NotDer, Reader};
use crate::oid;
use crate::refusal::CertificateFault;
use crate::shown::{said, shown};

/// The parts of a certificate that are judged here.
#[derive(Debug, Clone)]
pub(crate) struct Certificate<'a> {
    pub(crate) der: &'a [u8],
    pub(crate) serial: &'a [u8],
    /// The issuer's name, as DER.
    pub(crate) issuer: &'a [u8],
    /// The subject's name, as DER.
    pub(crate) subject: &'a [u8],
    tbs: &'a [u8],
    /// The algorithm and the value of its signature.
    algorithm: &'a [u8],
    signature: &'a [u8],
    key: Option<RsaKey<'a>>,
    key_usage: Option<&'a [u8]>,
    extended_key_usage: Option<Vec<&'a [u8]>>,
}

/// An RSA key: modulus and exponent without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RsaKey<'a> {
    pub(crate) modulus: &'a [u8],
    pub(crate) exponent: &'a [u8],
}

impl RsaKey<'_> {
    /// The size of the modulus.
    pub(crate) fn bits(&self) -> usize {
        let zeros = self.modulus.first().map_or(0, |first| first.leading_zeros());
        (self.modulus.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or_default())
    }
}

const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_CERT_SIGN: u8 = 0x04;

impl<'a> Certificate<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, CertificateFault> {
        Self::parse(der).map_err(|NotDer| CertificateFault::Unreadable)
    }

    fn parse(bytes: &'a [u8]) -> Result<Self, NotDer> {
        let mut outer = der::only(bytes, der::SEQUENCE)?.inside();
        let tbs = outer.expect(der::SEQUENCE)?;
        let algorithm = outer.expect(der::SEQUENCE)?.content;
        let signature = bits(outer.expect(der::BIT_STRING)?)?;
        outer.finish()?;
        let mut fields = tbs.inside();
        fields.expect(der::context(0))?;
        let serial = fields.expect(der::INTEGER)?.content;
        if fields.expect(der::SEQUENCE)?.content != algorithm {
            return Err(NotDer);
        }
        let issuer = fields.expect(der::SEQUENCE)?.whole;
        fields.expect(der::SEQUENCE)?;
        let subject = fields.expect(der::SEQUENCE)?.whole;
        let key = rsa_key(fields.expect(der::SEQUENCE)?)?;
        let mut certificate = Self {
            der: bytes,
            serial,
            issuer,
            subject,
            tbs: tbs.whole,
            algorithm,
            signature,
            key,
            key_usage: None,
            extended_key_usage: None,
        };
        while !fields.is_empty() {
            let field = fields.next()?;
            if field.tag == der::context(3) {
                certificate.extensions(field)?;
            }
        }
        Ok(certificate)
    }

    fn extensions(&mut self, field: Element<'a>) -> Result<(), NotDer> {
        let mut extensions = der::only(field.content, der::SEQUENCE)?.inside();
        while !extensions.is_empty() {
            let mut extension = extensions.expect(der::SEQUENCE)?.inside();
            let id = extension.expect(der::OID)?.content;
            extension.optional(der::BOOLEAN)?;
            let value = extension.expect(der::OCTET_STRING)?.content;
            if id == oid::KEY_USAGE {
                let usage = der::only(value, der::BIT_STRING)?;
                // The first byte is the number of unused bits at the end.
                once(&mut self.key_usage, usage.content.get(1..).ok_or(NotDer)?)?;
            } else if id == oid::EXTENDED_KEY_USAGE {
                let mut usages = der::only(value, der::SEQUENCE)?.inside();
                let mut found = Vec::new();
                while !usages.is_empty() {
                    found.push(usages.expect(der::OID)?.content);
                }
                once(&mut self.extended_key_usage, found)?;
            }
        }
        Ok(())
    }

    /// The key, if it is of RSA and long enough.
    pub(crate) fn rsa_key(&self) -> Result<RsaKey<'a>, CertificateFault> {
        let key = self.key.ok_or(CertificateFault::NotRsa)?;
        if key.bits() < 2048 {
            return Err(CertificateFault::KeyTooShort { bits: key.bits() });
        }
        Ok(key)
    }

    /// Whether the extended key usage is there and has `usage`.
    pub(crate) fn is_for(&self, usage: &[u8]) -> bool {
        self.extended_key_usage.as_ref().is_some_and(|usages| usages.contains(&usage))
    }

    /// How many extended key usages there are.
    pub(crate) fn usages(&self) -> usize {
        self.extended_key_usage.as_ref().map_or(0, Vec::len)
    }

    /// The extended key usage, for people.
    pub(crate) fn usages_shown(&self) -> String {
        match &self.extended_key_usage {
            None => "not there".into(),
            Some(usages) => {
                let usages: Vec<String> = usages.iter().map(|usage| oid::dotted(usage)).collect();
                said(&usages.join(", "))
            }
        }
    }

    /// Whether its key may sign messages. Without the extension it may.
    pub(crate) fn may_sign(&self) -> bool {
        self.allows(DIGITAL_SIGNATURE)
    }

    /// Whether its key may sign certificates. Without the extension it may.
    pub(crate) fn may_issue(&self) -> bool {
        self.allows(KEY_CERT_SIGN)
    }

    fn allows(&self, bit: u8) -> bool {
        self.key_usage.is_none_or(|usage| usage.first().is_some_and(|byte| byte & bit != 0))
    }

    /// Subject and issuer are the same.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// What its issuer signed, the content of the algorithm, the signature.
    pub(crate) fn signed(&self) -> (&'a [u8], &'a [u8], &'a [u8]) {
        (self.tbs, self.algorithm, self.signature)
    }

    /// The subject's common name, for people.
    pub(crate) fn name(&self) -> String {
        common_name(self.subject)
    }
}

/// Keeps the value of an extension that may be there once.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), NotDer> {
    if place.replace(value).is_some() { Err(NotDer) } else { Ok(()) }
}

/// The bytes of a bit string that has whole bytes.
fn bits(element: Element<'_>) -> Result<&[u8], NotDer> {
    element.content.strip_prefix(&[0]).ok_or(NotDer)
}

/// The key of a SubjectPublicKeyInfo, if it is of RSA.
fn rsa_key(info: Element<'_>) -> Result<Option<RsaKey<'_>>, NotDer> {
    let mut info = info.inside();
    let algorithm = info.expect(der::SEQUENCE)?.content;
    let key = bits(info.expect(der::BIT_STRING)?)?;
    info.finish()?;
    if algorithm != oid::RSA {
        return Ok(None);
    }
    let mut numbers = der::only(key, der::SEQUENCE)?.inside();
    let modulus = positive(numbers.expect(der::INTEGER)?)?;
    let exponent = positive(numbers.expect(der::INTEGER)?)?;
    numbers.finish()?;
    Ok(Some(RsaKey { modulus, exponent }))
}

/// The digits of a positive number, without the zero byte that keeps it from being negative.
fn positive(element: Element<'_>) -> Result<&[u8], NotDer> {
    let digits = element.content.strip_prefix(&[0]).unwrap_or(element.content);
    if digits.first().is_some_and(|first| *first != 0) { Ok(digits) } else { Err(NotDer) }
}

/// The common name in a name's DER; the whole name is not needed to tell people whose it is.
pub(crate) fn common_name(name: &[u8]) -> String {
    find_common_name(name).unwrap_or_else(|_| "no common name".into())
}

fn find_common_name(name: &[u8]) -> Result<String, NotDer> {
    let mut sets: Reader<'_> = der::only(name, der::SEQUENCE)?.inside();
    while !sets.is_empty() {
        let mut attribute = sets.expect(der::SET)?.inside().expect(der::SEQUENCE)?.inside();
        let id = attribute.expect(der::OID)?.content;
        let value = attribute.next()?;
        if id == oid::COMMON_NAME {
            return Ok(shown(&String::from_utf8_lossy(value.content)));
        }
    }
    Err(NotDer)
}
