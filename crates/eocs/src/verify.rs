//! The checks, one after the other.

use jiff::Timestamp;
use roxmltree::Document;
use sha2::{Digest as _, Sha256};

use crate::base64::encode;
use crate::canonical::{Canonical, canonical};
use crate::certificate::{Certificate, RsaKey};
use crate::check::{CheckName, Record, Report};
use crate::content::Verified;
use crate::form::{self, Form};
use crate::path;
use crate::purpose::Purpose;
use crate::refusal::{CertificateFault, DocumentFault, Refusal, StampFault};
use crate::rsa;
use crate::scan;
use crate::signed_info::signed_digest;
use crate::stamp::{self, Stamped};
use crate::trust::Trust;

/// Verifies a feed: who signed it and when, and that it is what was signed.
///
/// `now` is the time to judge at: a countersignature must not be of a later time, and without one
/// the signer's path is judged at it. Whether the feed is older than one that was seen before is
/// another question: [`admits`](crate::admits).
pub fn verify(bytes: &[u8], trust: &Trust, now: Timestamp) -> Report {
    let mut record = Record::default();
    let canonical = examine(bytes, trust, now, &mut record);
    record.finish(|| match canonical {
        Some((canonical, gen_time)) => Ok(Verified::read(&canonical.document, gen_time)?),
        // Where a check is left out, one before it failed and is the answer.
        None => Err(DocumentFault::NotEocs.into()),
    })
}

fn examine(
    bytes: &[u8],
    trust: &Trust,
    now: Timestamp,
    record: &mut Record,
) -> Option<(Canonical, Option<Timestamp>)> {
    let (text, document) = record.note(CheckName::Document, document(bytes), |_| {
        format!("{} bytes of XML 1.0 in UTF-8, no DTD, root EOCS", bytes.len())
    })?;
    let (form, canonical, signed) =
        record.note(CheckName::SignatureForm, signature(text, &document), |_| {
            "one, enveloped, over the whole document: C14N 1.0, rsa-sha256, SHA-256".into()
        })?;
    record.note(CheckName::Digest, digest(&canonical, &signed), |found| {
        format!("SHA-256 of the canonical document is {found}, as signed")
    });
    let signer = record.note(CheckName::Certificate, certificate(&form), |(signer, key)| {
        let beside = if form.key_value.is_some() { ", as in KeyValue" } else { "" };
        format!("of \"{}\", RSA key of {} bits{beside}", signer.name(), key.bits())
    });
    if let Some((signer, _)) = &signer {
        record.note(CheckName::Signature, signed_by(signer, &canonical, &form), |()| {
            "verifies with the key of the certificate".into()
        });
    }
    // The checks that follow are made even where one before failed: the report is to name all faults.
    let judged = time(&form, trust, now, record);
    if let Some((signer, _)) = &signer {
        let at = judged.map(Judged::time);
        signer_may(signer, &form, &Judging { trust, now, at }, record);
    }
    let gen_time = match judged? {
        Judged::AtStamp(time) => Some(time),
        Judged::Now(_) => None,
    };
    Some((canonical, gen_time))
}

/// Whom a signer is judged by, and when; `at` is missing where the countersignature is no good.
struct Judging<'a> {
    trust: &'a Trust,
    now: Timestamp,
    at: Option<Timestamp>,
}

/// Checks that the signer may sign feeds, and that its path leads to an anchor.
fn signer_may(signer: &Certificate<'_>, form: &Form, judging: &Judging<'_>, record: &mut Record) {
    let purpose = Purpose::SignFeeds;
    let uses = purpose.allows(signer).map_err(Refusal::SignerUse);
    record.note(CheckName::SignerUse, uses, |()| {
        "code signing and 1.3.6.1.4.1.311.76.57.1.11 (mitigation feeds)".into()
    });
    let Some(at) = judging.at else { return };
    // The first certificate is the signer's own.
    let others: Vec<&[u8]> = form.certificates.iter().skip(1).map(Vec::as_slice).collect();
    let path = path::verify(signer, &others, judging.trust, purpose, at);
    record.note(CheckName::SignerPath, path.map_err(Refusal::SignerPath), |anchor| {
        format!("to the anchor \"{anchor}\" at {at}{}", lists(judging.trust, judging.now))
    });
}

fn lists(trust: &Trust, now: Timestamp) -> String {
    let mut text = match trust.revocation_lists.len() {
        0 => "; no revocation list was given".to_owned(),
        1 => "; not revoked by the list given".into(),
        count => format!("; not revoked by the {count} lists given"),
    };
    for (issuer, due) in trust.outdated(now) {
        text.push_str(&format!("; that of \"{issuer}\" is out of date since {due}"));
    }
    text
}

fn document(bytes: &[u8]) -> Result<(&str, Document<'_>), Refusal> {
    let text = scan::scan(bytes)?;
    Ok((text, scan::parse(text)?))
}

fn signature(text: &str, document: &Document<'_>) -> Result<(Form, Canonical, Vec<u8>), Refusal> {
    let form = form::read(document)?;
    let canonical = canonical(text)?;
    let signed = signed_digest(&canonical.signed_info)?;
    Ok((form, canonical, signed))
}

fn digest(canonical: &Canonical, signed: &[u8]) -> Result<String, Refusal> {
    let found = Sha256::digest(&canonical.document);
    let (found, is_signed) = (encode(&found), found.as_slice() == signed);
    if is_signed { Ok(found) } else { Err(Refusal::Digest { found, signed: encode(signed) }) }
}

fn certificate(form: &Form) -> Result<(Certificate<'_>, RsaKey<'_>), Refusal> {
    let of_signer = || -> Result<_, CertificateFault> {
        let first = form.certificates.first().ok_or(CertificateFault::Unreadable)?;
        let certificate = Certificate::read(first)?;
        let key = certificate.rsa_key()?;
        if let Some((modulus, exponent)) = &form.key_value
            && (modulus.as_slice(), exponent.as_slice()) != (key.modulus, key.exponent)
        {
            return Err(CertificateFault::KeyValueDiffers);
        }
        Ok((certificate, key))
    };
    of_signer().map_err(Refusal::Certificate)
}

fn signed_by(signer: &Certificate<'_>, canonical: &Canonical, form: &Form) -> Result<(), Refusal> {
    let is_signed = rsa::is_signed_by(signer, &canonical.signed_info, &form.signature_value);
    if is_signed { Ok(()) } else { Err(Refusal::Signature) }
}

/// The time at which the signer's path is judged.
#[derive(Clone, Copy)]
enum Judged {
    AtStamp(Timestamp),
    Now(Timestamp),
}

impl Judged {
    const fn time(self) -> Timestamp {
        match self {
            Self::AtStamp(time) | Self::Now(time) => time,
        }
    }
}

/// Checks the countersignature, if there is one.
fn time(form: &Form, trust: &Trust, now: Timestamp, record: &mut Record) -> Option<Judged> {
    let Some(stamp) = &form.stamp else {
        record.note(CheckName::TimeStamp, Ok(()), |()| {
            format!("none; the signer's path is judged at {now}")
        });
        return Some(Judged::Now(now));
    };
    let token = stamp::token(stamp);
    let stamped = token.as_ref().map_err(Clone::clone).and_then(|token| {
        let stamped = token.verify(&form.signature_value, &stamp.certificates)?;
        let gen_time = stamped.info.gen_time;
        if gen_time > now { Err(StampFault::Future { gen_time, now }) } else { Ok(stamped) }
    });
    let stamped =
        record.note(CheckName::TimeStamp, stamped.map_err(Refusal::Stamp), |stamped| {
            format!("of this signature's value, at {}", stamped.info.gen_time)
        })?;
    let authority = authority(&stamped, trust);
    record.note(CheckName::StampingAuthority, authority, |anchor| {
        let name = stamped.authority.name();
        format!("\"{name}\", for time stamping alone, to the anchor \"{anchor}\"")
    })?;
    Some(Judged::AtStamp(stamped.info.gen_time))
}

fn authority(stamped: &Stamped<'_>, trust: &Trust) -> Result<String, Refusal> {
    let purpose = Purpose::StampTime;
    purpose.allows(&stamped.authority).map_err(Refusal::AuthorityUse)?;
    let (others, at) = (&stamped.others, stamped.info.gen_time);
    path::verify(&stamped.authority, others, trust, purpose, at).map_err(Refusal::AuthorityPath)
}
