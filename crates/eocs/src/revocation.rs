//! Certificate revocation lists (RFC 5280, 5).
//!
//! A library that judges a path asks one list of each issuer. Here every list counts: a certificate
//! that stands on any list of its issuer is revoked, whether the list is for a part of the
//! certificates, older than another one, a delta, or out of date. What is not understood of a list can
//! only take a certificate off it, and nothing here does.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::certificate::{Certificate, common_name};
use crate::der::{self, Element, NotDer, Reader};
use crate::hash::Hash;
use crate::rsa::is_signed_with;
use crate::stamp_info::generalized_time;
use crate::{hash, oid};

/// A revocation list.
#[derive(Debug)]
pub(crate) struct RevocationList {
    /// The issuer's name, as DER.
    issuer: Vec<u8>,
    /// For which of the issuer's certificates it is, if not for all, as DER.
    part: Vec<u8>,
    next_update: Option<Timestamp>,
    revoked: BTreeSet<Vec<u8>>,
    /// What was signed, and the signature.
    tbs: Vec<u8>,
    hash: Hash,
    signature: Vec<u8>,
}

impl RevocationList {
    /// Reads a list. One that names certificates of other issuers is not read.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, NotDer> {
        let mut outer = der::only(bytes, der::SEQUENCE)?.inside();
        let tbs = outer.expect(der::SEQUENCE)?;
        let algorithm = outer.expect(der::SEQUENCE)?.content;
        let hash = hash::of_rsa(algorithm)?;
        let signature = outer.expect(der::BIT_STRING)?.content.strip_prefix(&[0]).ok_or(NotDer)?;
        outer.finish()?;
        let mut fields = tbs.inside();
        fields.optional(der::INTEGER)?;
        if fields.expect(der::SEQUENCE)?.content != algorithm {
            return Err(NotDer);
        }
        let issuer = fields.expect(der::SEQUENCE)?.whole.to_vec();
        // The time of issue: it must be one, but nothing follows from it.
        time(fields.next()?)?;
        let next_update = match fields {
            left if left.is_time() => Some(time(fields.next()?)?),
            _ => None,
        };
        let mut list = Self {
            issuer,
            part: Vec::new(),
            next_update,
            revoked: BTreeSet::new(),
            tbs: tbs.whole.to_vec(),
            hash,
            signature: signature.to_vec(),
        };
        if let Some(revoked) = fields.optional(der::SEQUENCE)? {
            list.entries(revoked.inside())?;
        }
        if let Some(extensions) = fields.optional(der::context(0))? {
            list.extensions(extensions)?;
        }
        fields.finish()?;
        Ok(list)
    }

    fn entries(&mut self, mut entries: Reader<'_>) -> Result<(), NotDer> {
        while !entries.is_empty() {
            let mut entry = entries.expect(der::SEQUENCE)?.inside();
            let serial = entry.expect(der::INTEGER)?.content;
            time(entry.next()?)?;
            let mut is_back = false;
            if let Some(extensions) = entry.optional(der::SEQUENCE)? {
                each_extension(extensions, |id, value| {
                    match id {
                        // Whose certificate it is, if not the list's issuer's.
                        oid::CERTIFICATE_ISSUER => return Err(NotDer),
                        oid::REASON_CODE => is_back = value == [0x0a, 1, REMOVE_FROM_LIST],
                        _ => {}
                    }
                    Ok(())
                })?;
            }
            entry.finish()?;
            // A delta takes a certificate off the list by this reason.
            if !is_back {
                self.revoked.insert(serial.to_vec());
            }
        }
        Ok(())
    }

    fn extensions(&mut self, field: Element<'_>) -> Result<(), NotDer> {
        each_extension(der::only(field.content, der::SEQUENCE)?, |id, value| {
            if id == oid::ISSUING_DISTRIBUTION_POINT {
                let mut fields = der::only(value, der::SEQUENCE)?.inside();
                while !fields.is_empty() {
                    // [4]: it is of other issuers' certificates too.
                    if fields.next()?.tag == 0x84 {
                        return Err(NotDer);
                    }
                }
                self.part = value.to_vec();
            }
            Ok(())
        })
    }

    /// Whether it is of the issuer of `certificate`.
    pub(crate) fn is_of(&self, certificate: &Certificate<'_>) -> bool {
        self.issuer == certificate.issuer
    }

    /// Whether `certificate`, which is of this issuer, stands on it.
    pub(crate) fn revokes(&self, certificate: &Certificate<'_>) -> bool {
        self.revoked.contains(certificate.serial)
    }

    /// Whether the key of `issuer` signed it, if it is of that name.
    pub(crate) fn is_by(&self, issuer: &Certificate<'_>) -> bool {
        self.issuer == issuer.subject
            && is_signed_with(issuer, self.hash, &self.tbs, &self.signature)
    }

    /// The issuer's name, for people.
    pub(crate) fn name(&self) -> String {
        common_name(&self.issuer)
    }
}

/// The lists that should have been replaced by `now`: the newest of each issuer and part of its
/// certificates, with when.
pub(crate) fn outdated(lists: &[RevocationList], now: Timestamp) -> Vec<(String, Timestamp)> {
    let is_newest = |list: &&RevocationList| {
        let same = |other: &&RevocationList| other.issuer == list.issuer && other.part == list.part;
        lists.iter().filter(same).all(|other| other.next_update <= list.next_update)
    };
    let late = lists.iter().filter(is_newest).filter_map(|list| {
        let due = list.next_update.filter(|due| *due < now)?;
        Some((list.name(), due))
    });
    late.collect()
}

/// The reason by which a delta list takes a certificate off the list.
const REMOVE_FROM_LIST: u8 = 8;

fn each_extension<'a>(
    all: Element<'a>,
    mut take: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), NotDer>,
) -> Result<(), NotDer> {
    let mut all = all.inside();
    while !all.is_empty() {
        let mut extension = all.expect(der::SEQUENCE)?.inside();
        let id = extension.expect(der::OID)?.content;
        extension.optional(der::BOOLEAN)?;
        let value = extension.expect(der::OCTET_STRING)?.content;
        extension.finish()?;
        take(id, value)?;
    }
    Ok(())
}

/// A UTCTime, whose years are of 1950 to 2049, or a GeneralizedTime.
fn time(element: Element<'_>) -> Result<Timestamp, NotDer> {
    match (element.tag, element.content) {
        (der::GENERALIZED_TIME, text) => generalized_time(text),
        (der::UTC_TIME, text @ [b'0'..=b'4', ..]) => generalized_time(&[b"20", text].concat()),
        (der::UTC_TIME, text) => generalized_time(&[b"19", text].concat()),
        _ => Err(NotDer),
    }
}
