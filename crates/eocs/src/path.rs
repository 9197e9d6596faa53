//! The path from a certificate to a trust anchor.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, Error, VerifiedPath, anchor_from_trusted_cert, aws_lc_rs};

use crate::certificate::{Certificate, common_name};
use crate::purpose::Purpose;
use crate::refusal::PathFault;
use crate::shown::said;
use crate::trust::Trust;

/// How certificates may be signed: by RSA keys of 2048 bits and more.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
];

/// Builds the path of `certificate` through `others` to an anchor, as it is at the time `at`;
/// answers the anchor's name, for people.
pub(crate) fn verify(
    certificate: &Certificate<'_>,
    others: &[&[u8]],
    trust: &Trust,
    purpose: Purpose,
    at: Timestamp,
) -> Result<String, PathFault> {
    let leaf = CertificateDer::from(certificate.der);
    let (intermediates, unusable): (Vec<CertificateDer<'_>>, Vec<CertificateDer<'_>>) = others
        .iter()
        .map(|der| CertificateDer::from(*der))
        .partition(|der| EndEntityCert::try_from(der).is_ok());
    let unusable = unusable.first().map(|der| common_name_of(der));
    let anchors = trust.anchors(purpose).iter();
    let anchors: Vec<TrustAnchor<'_>> =
        anchors.filter_map(|anchor| anchor_from_trusted_cert(anchor).ok()).collect();
    let subject = certificate.name();
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| fault(error, at))?;
    // webpki takes any error of the closure for an unknown issuer; the true reason is kept beside it.
    let wrong = RefCell::new(None);
    let is_good = |path: &VerifiedPath<'_>| {
        issuers_may_issue(path).and_then(|()| not_revoked(certificate, path, trust)).map_err(
            |why| {
                *wrong.borrow_mut() = Some(why);
                Error::UnknownIssuer
            },
        )
    };
    let path = leaf
        .verify_for_usage(
            ALGORITHMS,
            &anchors,
            &intermediates,
            unix_time(at),
            purpose.for_issuers(),
            None,
            Some(&is_good),
        )
        .map_err(|error| match wrong.borrow_mut().take() {
            Some(why) => why,
            None if error == Error::UnknownIssuer => PathFault::NoAnchor { subject, unusable },
            None => fault(error, at),
        })?;
    no_stranger(&path, others, trust)?;
    Ok(anchor_name(path.anchor()))
}

/// Every issuer of the path may issue.
fn issuers_may_issue(path: &VerifiedPath<'_>) -> Result<(), PathFault> {
    for issuer in path.intermediate_certificates() {
        let der = issuer.der();
        if !Certificate::read(&der).is_ok_and(|issuer| issuer.may_issue()) {
            return Err(PathFault::IssuerKeyUsage { issuer: common_name_of(&der) });
        }
    }
    Ok(())
}

/// No revocation list of its issuer names a certificate of the path, the anchor's included.
fn not_revoked(
    leaf: &Certificate<'_>,
    path: &VerifiedPath<'_>,
    trust: &Trust,
) -> Result<(), PathFault> {
    if trust.revocation_lists.is_empty() {
        return Ok(());
    }
    let intermediates: Vec<CertificateDer<'_>> =
        path.intermediate_certificates().map(|issuer| issuer.der()).collect();
    let read = |der| Certificate::read(der).ok();
    let anchors: Vec<Certificate<'_>> =
        trust.all_anchors().filter_map(|der| read(der.as_ref())).collect();
    let mut on_path: Vec<Certificate<'_>> =
        intermediates.iter().filter_map(|der| read(der.as_ref())).collect();
    on_path.push(leaf.clone());
    let end = crate::der::wrap(crate::der::SEQUENCE, path.anchor().subject.as_ref());
    let issuers: Vec<&Certificate<'_>> = anchors.iter().chain(&on_path).collect();
    let ends = anchors.iter().filter(|anchor| anchor.subject == end);
    for certificate in on_path.iter().chain(ends) {
        for list in trust.revocation_lists.iter().filter(|list| list.is_of(certificate)) {
            if list.revokes(certificate) {
                return Err(PathFault::Revoked);
            }
            // Somebody else's list says nothing on what is not revoked.
            if !issuers.iter().any(|issuer| list.is_by(issuer)) {
                return Err(PathFault::ForeignList { issuer: list.name() });
            }
        }
    }
    Ok(())
}

/// Every certificate that is carried is on the path, or an anchor, or a whole root.
fn no_stranger(path: &VerifiedPath<'_>, others: &[&[u8]], trust: &Trust) -> Result<(), PathFault> {
    for other in others {
        let on_path = path.intermediate_certificates().any(|found| found.der().as_ref() == *other);
        let is_anchor = || trust.all_anchors().any(|anchor| anchor.as_ref() == *other);
        if !on_path && !is_anchor() && !is_whole_root(other) {
            return Err(PathFault::Stranger { subject: common_name_of(other) });
        }
    }
    Ok(())
}

fn unix_time(at: Timestamp) -> UnixTime {
    // Before 1970 no certificate is valid.
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// Whether a certificate is its own issuer, and not a bit of it was changed. Publishers carry the
/// root along where the anchor is one below it; what was tampered with is not let pass.
fn is_whole_root(der: &[u8]) -> bool {
    let Ok(certificate) = Certificate::read(der) else { return false };
    let (tbs, algorithm, signature) = certificate.signed();
    let der = CertificateDer::from(der);
    let Ok(key) = EndEntityCert::try_from(&der) else { return false };
    certificate.is_self_issued()
        && ALGORITHMS
            .iter()
            .filter(|known| known.signature_alg_id().as_ref() == algorithm)
            .any(|known| key.verify_signature(*known, tbs, signature).is_ok())
}

fn common_name_of(der: &[u8]) -> String {
    Certificate::read(der).map_or_else(|_| "unreadable".into(), |found| found.name())
}

fn anchor_name(anchor: &TrustAnchor<'_>) -> String {
    // The anchor's subject comes without its outer tag.
    common_name(&crate::der::wrap(crate::der::SEQUENCE, anchor.subject.as_ref()))
}

fn fault(error: Error, at: Timestamp) -> PathFault {
    let time = |time: UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    };
    match error {
        Error::CertExpired { not_after, .. } => {
            PathFault::Expired { at, not_after: time(not_after) }
        }
        Error::CertNotValidYet { not_before, .. } => {
            PathFault::NotYetValid { at, not_before: time(not_before) }
        }
        Error::InvalidSignatureForPublicKey => PathFault::Signature,
        // Some have bytes of the certificate in them.
        other => PathFault::Other(said(&format_args!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_webpki_repeats_of_a_certificate_is_cut() {
        let context = webpki::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![7; 1_000_000],
            supported_algorithms: Vec::new(),
        };
        let error = Error::UnsupportedSignatureAlgorithmContext(context);
        let said = fault(error, Timestamp::UNIX_EPOCH).to_string();
        assert!(said.len() < 500, "{} bytes", said.len());
    }
}
