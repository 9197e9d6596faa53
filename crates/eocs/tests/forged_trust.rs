//! Feeds of a publisher of our own, and what forgers make of their certificates and stamps. Every
//! feed here is signed in earnest by throwaway keys, so that a refusal has the attack for its reason
//! and nothing else.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use common::forge::{LATER, NOW, publisher, random, refused, refused_by, signed, signing, trust};
use common::{at, failed, sentence};
use stopgap_eocs::{
    Anchors, CertificateFault, CheckName, FormFault, PathFault, Refusal, Report, Seen, StampFault,
    Trust, TrustFault, WentBack, admits, verify,
};
use stopgap_testkit::feed::{BODY, Certificate, Key, RevocationList, Signing, Token};

#[test]
fn a_key_value_without_a_certificate() {
    let report = signed(&Signing { certificates: Vec::new(), ..signing() });
    refused(&report, &FormFault::NoCertificate.into());
}

#[test]
fn the_key_value_of_another_key() {
    let modulus = Some(publisher().authority.modulus());
    let report = signed(&Signing { modulus, ..signing() });
    refused(&report, &Refusal::Certificate(CertificateFault::KeyValueDiffers));
    let padded = Some([&[0], publisher().signer.modulus().as_slice()].concat());
    let report = signed(&Signing { modulus: padded, ..signing() });
    refused(&report, &Refusal::Certificate(CertificateFault::KeyValueDiffers));
}

/// Signed with a certificate that differs from the ordinary one.
fn with_certificate(change: impl FnOnce(Certificate) -> Certificate) -> Signing {
    let certificate = change(publisher().signer_certificate()).sign(&publisher().root);
    Signing { certificates: vec![certificate], modulus: None, ..signing() }
}

#[test]
fn a_key_that_is_too_short_or_no_rsa_key() {
    let short = with_certificate(|certificate| certificate.with_modulus_of(1024));
    let fault = CertificateFault::KeyTooShort { bits: 1024 };
    refused(&signed(&short), &Refusal::Certificate(fault));
    let elliptic = with_certificate(Certificate::with_elliptic_key);
    refused(&signed(&elliptic), &Refusal::Certificate(CertificateFault::NotRsa));
}

#[test]
fn the_certificate_of_somebody_else() {
    let other = publisher().authority_certificate().sign(&publisher().root);
    let report = signed(&Signing { certificates: vec![other], modulus: None, ..signing() });
    refused(&report, &Refusal::Signature);
}

#[test]
fn a_certificate_that_is_not_for_signing_feeds() {
    for usages in [
        vec![],
        vec!["1.3.6.1.5.5.7.3.3"],
        vec!["1.3.6.1.4.1.311.76.57.1.11"],
        vec!["1.3.6.1.5.5.7.3.1"],
    ] {
        let usages: Vec<String> = usages.into_iter().map(str::to_owned).collect();
        let report = signed(&with_certificate(|signer| Certificate { usages, ..signer }));
        let is_of_usage = matches!(
            report.outcome,
            Err(Refusal::SignerUse(CertificateFault::ExtendedKeyUsage { .. }))
        );
        assert!(is_of_usage, "{}", sentence(&report));
    }
    let encipher = with_certificate(|signer| Certificate { key_usage: Some(0x20), ..signer });
    refused(&signed(&encipher), &Refusal::SignerUse(CertificateFault::KeyUsage));
    let sign = with_certificate(|signer| Certificate { key_usage: Some(0x80), ..signer });
    assert_eq!(failed(&signed(&sign)), []);
}

#[test]
fn a_certificate_with_thousands_of_uses_does_not_make_a_refusal_of_megabytes() {
    let usages: Vec<String> = (0..4_000).map(|n| format!("1.3.6.1.5.5.7.3.{n}")).collect();
    let report = signed(&with_certificate(|signer| Certificate { usages, ..signer }));
    refused_by(&report, CheckName::SignerUse);
    assert!(sentence(&report).len() < 500, "{} bytes", sentence(&report).len());
}

#[test]
fn an_issuers_certificate_as_the_signers() {
    let issuer = with_certificate(|signer| Certificate { is_issuer: true, ..signer });
    refused_by(&signed(&issuer), CheckName::SignerPath);
}

#[test]
fn a_self_signed_certificate() {
    let mut own = publisher().signer_certificate();
    own.issuer.clone_from(&own.subject);
    let certificates = vec![own.sign(&publisher().signer)];
    let report = signed(&Signing { certificates, ..signing() });
    let subject = "Signer".to_owned();
    refused(&report, &Refusal::SignerPath(PathFault::NoAnchor { subject, unusable: None }));
}

#[test]
fn an_issuer_of_the_anchors_name_with_another_key() {
    let forged = publisher().signer_certificate().sign(&publisher().signer);
    let report = signed(&Signing { certificates: vec![forged], ..signing() });
    refused(&report, &Refusal::SignerPath(PathFault::Signature));
}

/// A path of two: the root, an issuer below it, the signer.
fn through_an_issuer(change: impl FnOnce(Certificate) -> Certificate) -> Report {
    let key = Key::generate();
    let mut issuer = Certificate::new("Issuer", "Root", &key);
    issuer.is_issuer = true;
    issuer.key_usage = Some(0x06);
    let mut signer = publisher().signer_certificate();
    signer.issuer = "Issuer".into();
    let certificates = vec![signer.sign(&key), change(issuer).sign(&publisher().root)];
    signed(&Signing { certificates, ..signing() })
}

#[test]
fn an_issuer_that_may_not_issue() {
    assert_eq!(failed(&through_an_issuer(|issuer| issuer)), []);
    let no_sign = through_an_issuer(|issuer| Certificate { key_usage: Some(0x80), ..issuer });
    let issuer = "Issuer".to_owned();
    refused(&no_sign, &Refusal::SignerPath(PathFault::IssuerKeyUsage { issuer }));
    let leaf = through_an_issuer(|issuer| Certificate { is_issuer: false, ..issuer });
    refused_by(&leaf, CheckName::SignerPath);
    let usages = vec!["1.3.6.1.5.5.7.3.1".to_owned()];
    let other_use = through_an_issuer(|issuer| Certificate { usages, ..issuer });
    refused_by(&other_use, CheckName::SignerPath);
}

#[test]
fn a_strangers_certificate_carried_along() {
    let mut all = signing();
    all.certificates.push(publisher().authority_certificate().sign(&publisher().root));
    let subject = "Authority".to_owned();
    refused(&signed(&all), &Refusal::SignerPath(PathFault::Stranger { subject }));
}

#[test]
fn an_expired_signer_counts_by_the_stamp() {
    let stamped = publisher().sign(&signing());
    let report = verify(stamped.as_bytes(), &trust(), at(LATER));
    assert_eq!(failed(&report), [], "{}", sentence(&report));
    let unstamped = publisher().sign(&Signing { stamp: None, ..signing() });
    let report = verify(unstamped.as_bytes(), &trust(), at(LATER));
    let not_after = at("2026-01-01T00:00:00Z");
    refused(&report, &Refusal::SignerPath(PathFault::Expired { at: at(LATER), not_after }));
    // Stamped after the signer's end.
    let mut late = signing();
    late.stamp.as_mut().expect("a stamp").gen_time = "20260301000000Z".into();
    let report = verify(publisher().sign(&late).as_bytes(), &trust(), at(LATER));
    refused_by(&report, CheckName::SignerPath);
}

/// Stamped in another way.
fn stamped(change: impl FnOnce(&mut stopgap_testkit::feed::Stamp)) -> Report {
    let mut signing = signing();
    change(signing.stamp.as_mut().expect("a stamp"));
    signed(&signing)
}

#[test]
fn a_stamp_of_another_signature() {
    let report = stamped(|stamp| stamp.other_value = Some(vec![1; 256]));
    refused(&report, &Refusal::Stamp(StampFault::OtherValue));
}

#[test]
fn a_stamp_of_the_future() {
    let report = stamped(|stamp| stamp.gen_time = "20250701000000.001Z".into());
    refused_by(&report, CheckName::TimeStamp);
    assert!(sentence(&report).contains("later than"), "{}", sentence(&report));
}

/// Stamped by an authority with another certificate.
fn authority(change: impl FnOnce(Certificate) -> Certificate) -> Report {
    let certificate = change(publisher().authority_certificate()).sign(&publisher().root);
    stamped(|stamp| stamp.certificate = certificate)
}

#[test]
fn a_stamp_by_an_authority_that_may_not_stamp() {
    for usages in [vec![], vec!["1.3.6.1.5.5.7.3.3"], vec!["1.3.6.1.5.5.7.3.8", "1.2.3"]] {
        let usages: Vec<String> = usages.into_iter().map(str::to_owned).collect();
        let report = authority(|certificate| Certificate { usages, ..certificate });
        refused_by(&report, CheckName::StampingAuthority);
    }
    let early = authority(|certificate| Certificate {
        validity: ("200101000000Z", "250101000000Z"),
        ..certificate
    });
    refused_by(&early, CheckName::StampingAuthority);
    let short = authority(|certificate| certificate.with_modulus_of(1024));
    let fault = StampFault::Structure("its key is no RSA key of 2048 bits or more");
    refused(&short, &Refusal::Stamp(fault));
}

#[test]
fn a_stamp_by_the_signer_itself() {
    // The signer's certificate has the authority's name and number, and not its use.
    let certificate = publisher().signer_certificate().sign(&publisher().root);
    let report = stamped(|stamp| stamp.certificate = certificate);
    refused(&report, &Refusal::Stamp(StampFault::Signature));
}

#[test]
fn a_stamp_that_names_another_certificate() {
    let report = stamped(|stamp| stamp.named = Some(vec![1]));
    let fault = StampFault::Structure("it does not name its signer's certificate");
    refused(&report, &Refusal::Stamp(fault));
}

#[test]
fn a_stamp_that_is_a_bomb() {
    let token = |bytes: Vec<u8>| stamped(|stamp| stamp.token = Token::Bytes(bytes));
    let deep = token([0x30, 0x80].repeat(30_000));
    let fault = StampFault::Encoding("its elements stand too deep in each other");
    refused(&deep, &Refusal::Stamp(fault));
    let large = token(vec![0x30; 65_537]);
    refused(&large, &Refusal::Stamp(StampFault::TooLarge { bytes: 65_537, max: 65_536 }));
    let claims = token(vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]);
    refused(&claims, &Refusal::Stamp(StampFault::Encoding("it is cut off")));
    refused_by(&token(vec![]), CheckName::SignatureForm);
}

/// The feed judged with these revocation lists.
fn judged_with(document: &str, lists: &[Vec<u8>]) -> Report {
    let root = publisher().root_certificate();
    let trust = Trust::for_both(&[root], lists).expect("trust");
    verify(document.as_bytes(), &trust, at(NOW))
}

#[test]
fn a_revoked_signer() {
    let list = |serial| RevocationList::new("Root", &[serial]);
    let document = publisher().sign(&Signing { stamp: None, ..signing() });
    let report = judged_with(&document, &[list(7).sign(&publisher().root)]);
    refused(&report, &Refusal::SignerPath(PathFault::Revoked));
    assert_eq!(failed(&judged_with(&document, &[list(8).sign(&publisher().root)])), []);
    let forged = list(8).sign(&publisher().signer);
    let fault = PathFault::ForeignList { issuer: "Root".into() };
    refused(&judged_with(&document, &[forged]), &Refusal::SignerPath(fault));
    // A list of somebody who issued nothing here says nothing.
    let other = RevocationList::new("Nobody", &[7]).sign(&publisher().signer);
    assert_eq!(failed(&judged_with(&document, &[other])), []);
}

#[test]
fn a_signer_that_any_list_of_its_issuer_revokes() {
    let document = publisher().sign(&Signing { stamp: None, ..signing() });
    let list = |serials: &[u8]| RevocationList::new("Root", serials);
    let old = RevocationList { this_update: "240101000000Z", ..list(&[7]) };
    let overdue = RevocationList { next_update: Some("250602000000Z"), ..list(&[7]) };
    let endless = RevocationList { next_update: None, ..list(&[7]) };
    let part = RevocationList { part: Some("http://x/2.crl"), ..list(&[1, 7, 9]) };
    let delta = RevocationList { is_delta: true, ..list(&[7]) };
    let empty = list(&[]).sign(&publisher().root);
    for revoking in [old, overdue, endless, part, delta] {
        let revoking = revoking.sign(&publisher().root);
        // Whichever comes first.
        for lists in [[empty.clone(), revoking.clone()], [revoking, empty.clone()]] {
            let report = judged_with(&document, &lists);
            refused(&report, &Refusal::SignerPath(PathFault::Revoked));
        }
    }
    assert_eq!(failed(&judged_with(&document, &[empty.clone(), empty])), []);
}

#[test]
fn an_issuer_or_an_anchor_that_is_revoked() {
    let key = Key::generate();
    let mut issuer = Certificate::new("Issuer", "Root", &key);
    issuer.is_issuer = true;
    issuer.serial = 5;
    let issuer = issuer.sign(&publisher().root);
    let mut signer = publisher().signer_certificate();
    signer.issuer = "Issuer".into();
    let signer = signer.sign(&key);
    let signing = Signing { certificates: vec![signer, issuer.clone()], stamp: None, ..signing() };
    let document = publisher().sign(&signing);
    let list = RevocationList::new("Root", &[5]).sign(&publisher().root);
    assert_eq!(failed(&judged_with(&document, &[])), []);
    let report = judged_with(&document, std::slice::from_ref(&list));
    refused(&report, &Refusal::SignerPath(PathFault::Revoked));
    // The same where the issuer is the anchor.
    let anchors = [issuer, publisher().root_certificate()];
    let trust = Trust::for_both(&anchors, &[list]).expect("trust");
    let report = verify(document.as_bytes(), &trust, at(NOW));
    refused(&report, &Refusal::SignerPath(PathFault::Revoked));
}

#[test]
fn a_revocation_list_that_is_out_of_date_is_told_and_counts() {
    let list = |next_update, part| {
        let list = RevocationList { next_update, part, ..RevocationList::new("Root", &[8]) };
        list.sign(&publisher().root)
    };
    let late = list(Some("250602000000Z"), None);
    let trust = |lists: &[Vec<u8>]| {
        Trust::for_both(&[publisher().root_certificate()], lists).expect("trust")
    };
    let told = |lists: &[Vec<u8>]| trust(lists).outdated(at(NOW));
    let expected = vec![("Root".to_owned(), at("2025-06-02T00:00:00Z"))];
    assert_eq!(told(std::slice::from_ref(&late)), expected);
    // A newer one takes its place, but not one for another part.
    assert_eq!(told(&[late.clone(), list(Some("400101000000Z"), None)]), []);
    let part = list(Some("400101000000Z"), Some("http://x/2.crl"));
    assert_eq!(told(&[late.clone(), part]), expected);
    let report = judged_with(&publisher().sign(&signing()), &[late]);
    assert_eq!(failed(&report), []);
    let path = report.checks.iter().find(|check| check.name == CheckName::SignerPath);
    let detail = path.and_then(|check| check.outcome.clone().ok()).expect("a detail");
    assert!(detail.contains("out of date since 2025-06-02"), "{detail}");
}

#[test]
fn an_anchor_for_stamps_does_not_vouch_for_a_signer_nor_the_other_way_round() {
    // Two roots of our own: one for each purpose.
    let mut second = Certificate::new("Second", "Second", &publisher().authority);
    second.is_issuer = true;
    let second = second.sign(&publisher().authority);
    let first = publisher().root_certificate();
    let document = publisher().sign(&signing());
    let judged = |signer: &[Vec<u8>], stamp: &[Vec<u8>]| {
        let anchors = Anchors { signer: signer.to_vec(), stamp: stamp.to_vec() };
        verify(document.as_bytes(), &Trust::new(anchors, &[]).expect("trust"), at(NOW))
    };
    let (first, second) = (std::slice::from_ref(&first), std::slice::from_ref(&second));
    assert_eq!(failed(&judged(first, first)), []);
    assert_eq!(failed(&judged(second, first)), [CheckName::SignerPath]);
    assert_eq!(failed(&judged(first, second)), [CheckName::StampingAuthority]);
    assert_eq!(failed(&judged(first, &[])), [CheckName::StampingAuthority]);
    let none = Anchors { signer: Vec::new(), stamp: first.to_vec() };
    assert_eq!(Trust::new(none, &[]).err(), Some(TrustFault::NoAnchor));
}

#[test]
fn an_older_feed_after_a_newer_one() {
    let feed = |gen_time: Option<&str>| {
        let mut signing = signing();
        match gen_time {
            Some(time) => signing.stamp.as_mut().expect("a stamp").gen_time = time.to_owned(),
            None => signing.stamp = None,
        }
        signed(&signing).outcome.expect("verified")
    };
    let june = feed(Some("20250601000000Z"));
    let seen = admits(&Seen::default(), &june).expect("the first");
    assert_eq!(admits(&seen, &june), Ok(seen.clone()), "the same again");
    let may = feed(Some("20250501000000Z"));
    let went_back =
        WentBack::Stamp { offered: at("2025-05-01T00:00:00Z"), seen: at("2025-06-01T00:00:00Z") };
    assert_eq!(admits(&seen, &may), Err(went_back));
    let unstamped = Err(WentBack::Unstamped { seen: at("2025-06-01T00:00:00Z") });
    assert_eq!(admits(&seen, &feed(None)), unstamped);
    let higher = Seen { version: "1.0.10".parse().ok(), gen_time: None };
    assert!(matches!(admits(&higher, &june), Err(WentBack::Version { .. })));
    assert!(admits(&Seen { version: "1.0.3".parse().ok(), gen_time: None }, &june).is_ok());
}

#[test]
fn a_token_of_any_bytes_ends_in_a_refusal() {
    let mut state = 0x70ce;
    println!("seed {state:#x}");
    let feed = publisher().feed(BODY);
    let start = feed.find("cms-timestamp-message\">").expect("a stamp") + 23;
    let token = &feed[start..start + feed[start..].find('<').expect("its end")];
    let token = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(token).expect("Base64")
    };
    for _ in 0..300 {
        let mut forged = token.clone();
        for _ in 0..=random(&mut state) % 3 {
            let place = random(&mut state) % forged.len();
            forged[place] = random(&mut state).to_le_bytes()[0];
        }
        if forged == token {
            continue;
        }
        // RSA signatures of PKCS #1 v1.5 are deterministic, so the token still is of this feed's
        // signature, and a refusal is for the bytes that were changed.
        let report = stamped(|stamp| stamp.token = Token::Bytes(forged.clone()));
        assert!(report.outcome.is_err(), "{forged:?}");
    }
    let report = stamped(|stamp| stamp.token = Token::Bytes(token.clone()));
    assert_eq!(failed(&report), [], "the token itself: {}", sentence(&report));
}
