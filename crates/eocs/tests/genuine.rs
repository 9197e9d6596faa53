//! The feed as Microsoft served it, and what becomes of it when it is tampered with.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Genuine, at, failed, sentence, xmlsec1};
use stopgap_eocs::{CheckName, PathFault, Refusal, Seen, StampFault, admits, verify};

const GEN_TIME: &str = "2021-09-15T16:42:08.621Z";

#[test]
fn the_genuine_feed_verifies_at_any_time_after_its_stamp() {
    let Some(feed) = Genuine::find() else { return };
    for time in [GEN_TIME, "2021-09-16T00:00:00Z", "2023-01-01T00:00:00Z", "2026-11-24T00:00:00Z"] {
        let report = verify(&feed.bytes, &feed.trust(), at(time));
        assert_eq!(failed(&report), [], "{time}: {}", sentence(&report));
        let verified = report.outcome.expect("verified");
        assert_eq!(verified.version().to_string(), "1.0.4");
        assert_eq!(verified.gen_time(), Some(at(GEN_TIME)));
        let [config] = verified.configs() else { panic!("one config") };
        assert_eq!(config.id, "PING1");
        let [action] = config.actions.as_slice() else { panic!("one action") };
        assert_eq!((action.kind.as_str(), action.scope.as_str()), ("DoNothing", "Server"));
        assert_eq!(action.value.as_deref(), Some("DoNothing"));
        let seen = admits(&Seen::default(), &verified).expect("the first");
        assert_eq!(seen.gen_time, Some(at(GEN_TIME)));
    }
}

#[test]
fn the_digests_are_those_that_other_tools_measured() {
    let Some(feed) = Genuine::find() else { return };
    let report = verify(&feed.bytes, &feed.trust(), at("2022-01-01T00:00:00Z"));
    let digest = report.checks.iter().find(|check| check.name == CheckName::Digest);
    let detail = digest.and_then(|check| check.outcome.clone().ok()).unwrap_or_default();
    assert!(detail.contains("osOMhLEcCwGbZjhu2Ih6HGtADL5VdBuoapMN+QodZNk="), "{detail}");
}

#[test]
fn a_stamp_of_the_future_is_refused() {
    let Some(feed) = Genuine::find() else { return };
    let now = at("2021-09-15T16:42:08.620Z");
    let report = verify(&feed.bytes, &feed.trust(), now);
    let fault = StampFault::Future { gen_time: at(GEN_TIME), now };
    assert_eq!(report.outcome, Err(Refusal::Stamp(fault)));
}

#[test]
fn without_its_countersignature_it_is_judged_now() {
    let Some(feed) = Genuine::find() else { return };
    let bytes = feed.without_stamp();
    let report = verify(&bytes, &feed.trust(), at("2022-06-09T00:00:00Z"));
    assert_eq!(failed(&report), [], "valid until its end: {}", sentence(&report));
    let now = at("2022-06-10T00:00:00Z");
    let report = verify(&bytes, &feed.trust(), now);
    let not_after = at("2022-06-09T18:44:12Z");
    let expired = PathFault::Expired { at: now, not_after };
    assert_eq!(report.outcome, Err(Refusal::SignerPath(expired)));
    let now = at("2021-06-10T00:00:00Z");
    let not_before = at("2021-06-10T18:44:12Z");
    let early = PathFault::NotYetValid { at: now, not_before };
    let report = verify(&bytes, &feed.trust(), now);
    assert_eq!(report.outcome, Err(Refusal::SignerPath(early)));
}

#[test]
fn another_anchor_is_no_anchor() {
    let Some(feed) = Genuine::find() else { return };
    let now = at("2023-01-01T00:00:00Z");
    let report = verify(&feed.bytes, &feed.trust_in(&[2]), now);
    assert_eq!(failed(&report), [CheckName::StampingAuthority]);
    // The authority's issuer has a critical extension (its policies) that webpki does not know, so
    // it can be an anchor and nothing else.
    let subject = "Microsoft Time-Stamp Service".to_owned();
    let unusable = Some("Microsoft Time-Stamp PCA 2010".to_owned());
    let no_anchor = PathFault::NoAnchor { subject, unusable };
    assert_eq!(report.outcome, Err(Refusal::AuthorityPath(no_anchor)));
    let report = verify(&feed.bytes, &feed.trust_in(&[4]), now);
    assert_eq!(failed(&report), [CheckName::SignerPath]);
    let subject = "Microsoft Exchange XML Signing".to_owned();
    let no_anchor = PathFault::NoAnchor { subject, unusable: None };
    assert_eq!(report.outcome, Err(Refusal::SignerPath(no_anchor)));
}

#[test]
fn an_issuer_below_the_root_may_be_the_anchor() {
    let Some(feed) = Genuine::find() else { return };
    let report = verify(&feed.bytes, &feed.trust_in(&[1, 4]), at("2023-01-01T00:00:00Z"));
    assert_eq!(failed(&report), [], "{}", sentence(&report));
}

#[test]
fn the_root_carried_along_is_not_tampered_with_unseen() {
    let Some(feed) = Genuine::find() else { return };
    let root = feed.values("X509Certificate")[2].clone();
    let mut bytes = feed.bytes.clone();
    // In the middle of its key.
    let place = root.start + 600;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    for anchors in [[2, 4], [1, 4]] {
        let report = verify(&bytes, &feed.trust_in(&anchors), at("2023-01-01T00:00:00Z"));
        assert_eq!(failed(&report), [CheckName::SignerPath], "{}", sentence(&report));
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let Some(feed) = Genuine::find() else { return };
    let line_feeds = feed.text().replace("\r\n", "\n");
    let marked = format!("\u{feff}{line_feeds}");
    for text in [line_feeds, marked] {
        let report = verify(text.as_bytes(), &feed.trust(), at("2023-01-01T00:00:00Z"));
        assert_eq!(failed(&report), [], "{}", sentence(&report));
    }
}

/// Every place of the feed that holds a value, and the checks that may refuse a change there.
fn places(feed: &Genuine) -> Vec<(usize, &'static [CheckName])> {
    use CheckName::{
        Certificate, Digest, Document, Signature, SignatureForm, SignerPath, SignerUse,
        StampingAuthority, TimeStamp,
    };
    let mut places = Vec::new();
    let mut add = |range: std::ops::Range<usize>, checks: &'static [CheckName]| {
        places.extend(range.map(|at| (at, checks)));
    };
    let text = feed.text();
    let signature = text.find("<Signature ").expect("the Signature");
    // Every byte before the signature but the XML declaration: tags, attribute values, texts,
    // white space.
    add(text.find("<EOCS").expect("the root")..signature, &[Document, Digest, SignatureForm]);
    let signed_info = text.find("<SignedInfo").expect("SignedInfo");
    let signed_end = text.find("</SignedInfo>").expect("its end");
    add(signed_info..signed_end, &[Document, SignatureForm, Digest, Signature]);
    // A time stamp is of the value, so it fails as well.
    let value = feed.values("SignatureValue")[0].clone();
    add(value, &[SignatureForm, Signature, TimeStamp]);
    for element in ["Modulus", "Exponent"] {
        add(feed.values(element)[0].clone(), &[SignatureForm, Certificate]);
    }
    let certificates = feed.values("X509Certificate");
    add(certificates[0].clone(), &[SignatureForm, Certificate, Signature, SignerUse, SignerPath]);
    add(certificates[1].clone(), &[SignatureForm, SignerPath]);
    add(certificates[2].clone(), &[SignatureForm, SignerPath]);
    add(certificates[3].clone(), &[SignatureForm, TimeStamp]);
    add(certificates[4].clone(), &[SignatureForm, TimeStamp]);
    let stamp = feed.values("CounterSignature")[0].clone();
    add(stamp, &[SignatureForm, TimeStamp, StampingAuthority]);
    places
}

/// The characters of the token that hold the attribute certificate of the stamping device. It is
/// not of X.509, its issuer is not in the feed, and the token's signature does not cover it; it
/// says nothing that is asked, so nobody can tell whether it was changed, and nobody need.
fn is_of_the_attribute_certificate(feed: &Genuine, place: usize) -> bool {
    let stamp = feed.values("CounterSignature")[0].clone();
    if !stamp.contains(&place) {
        return false;
    }
    let token = STANDARD.decode(&feed.text()[stamp.clone()]).expect("Base64");
    // A field [1] of 727 bytes: the only one of that size.
    let start = token.windows(4).position(|bytes| bytes == [0xa1, 0x82, 0x02, 0xd7]);
    let start = start.expect("the attribute certificate");
    // Six bits of each character lie in one byte or in two.
    let first_bit = (place - stamp.start) * 6;
    let certificate = start + 4..start + 4 + 727;
    certificate.contains(&(first_bit / 8)) || certificate.contains(&((first_bit + 5) / 8))
}

/// Changes the byte at `place` to `byte`, and demands a refusal by one of `checks`.
fn demand_refusal(feed: &Genuine, trust: &stopgap_eocs::Trust, place: usize, byte: u8) {
    let checks = places(feed).into_iter().find(|(at, _)| *at == place).expect("a place").1;
    demand(feed, trust, place, byte, checks);
}

fn demand(
    feed: &Genuine,
    trust: &stopgap_eocs::Trust,
    place: usize,
    byte: u8,
    checks: &[CheckName],
) {
    let mut bytes = feed.bytes.clone();
    bytes[place] = byte;
    let report = verify(&bytes, trust, at("2023-01-01T00:00:00Z"));
    if is_of_the_attribute_certificate(feed, place) {
        return;
    }
    let first = failed(&report).first().copied();
    // Bytes that are no UTF-8, and a `<`, make it no document at all.
    let breaks_xml = byte >= 0x80 || byte == b'<';
    let is_right = |first| checks.contains(&first) || breaks_xml && first == CheckName::Document;
    assert!(
        first.is_some_and(is_right),
        "byte {place} ({:?} to {:?}): {first:?} {}",
        char::from(feed.bytes[place]),
        char::from(byte),
        sentence(&report)
    );
}

/// Another byte for `byte`, of the same alphabet where it has one.
fn another(byte: u8, random: &mut u64) -> u8 {
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    loop {
        // A linear congruential generator (Knuth's MMIX), so that a failure comes again.
        *random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = BASE64[usize::try_from(*random >> 58).expect("six bits")];
        if other != byte {
            return other;
        }
    }
}

#[test]
fn one_byte_changed_anywhere_is_refused_a_sample() {
    let Some(feed) = Genuine::find() else { return };
    let (trust, mut random) = (feed.trust(), 0x5eed);
    println!("seed {random:#x}");
    for (place, checks) in places(&feed).into_iter().step_by(23) {
        let byte = another(feed.bytes[place], &mut random);
        demand(&feed, &trust, place, byte, checks);
    }
}

#[test]
#[ignore = "takes a minute: every byte, three ways"]
fn one_byte_changed_anywhere_is_refused_every_byte() {
    let Some(feed) = Genuine::find() else { return };
    let (trust, mut random) = (feed.trust(), 1);
    for (place, checks) in places(&feed) {
        let byte = feed.bytes[place];
        demand(&feed, &trust, place, another(byte, &mut random), checks);
        demand(&feed, &trust, place, byte ^ 1, checks);
        demand(&feed, &trust, place, byte ^ 0x80, checks);
    }
}

#[test]
fn xmlsec1_agrees_on_what_was_changed_and_what_was_not() {
    let Some(feed) = Genuine::find() else { return };
    let (trust, now) = (feed.trust(), at("2023-01-01T00:00:00Z"));
    let mut documents = vec![feed.bytes.clone(), feed.without_stamp()];
    for element in ["Value", "DigestValue", "SignatureValue", "Modulus", "Config"] {
        let mut bytes = feed.bytes.clone();
        let place = feed.values(element)[0].start + 2;
        bytes[place] = if bytes[place] == b'x' { b'y' } else { b'x' };
        documents.push(bytes);
    }
    for document in documents {
        let report = verify(&document, &trust, now);
        // xmlsec1 judges neither the path nor the time.
        let judged = failed(&report).iter().all(|check| *check >= CheckName::TimeStamp);
        let Some(other) = xmlsec1(&document) else { return };
        assert_eq!(judged, other, "{}", sentence(&report));
    }
}

#[test]
fn the_stamps_own_lengths_cannot_be_moved() {
    let Some(feed) = Genuine::find() else { return };
    let stamp = feed.values("CounterSignature")[0].clone();
    // The first header bytes of the token, and its last end marks.
    for place in [stamp.start, stamp.start + 2, stamp.start + 21, stamp.end - 3, stamp.end - 6] {
        demand_refusal(&feed, &feed.trust(), place, b'w');
    }
}
