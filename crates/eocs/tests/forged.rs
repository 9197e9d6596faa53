//! Feeds of a publisher of our own, and what forgers make of them. Every feed here is signed in
//! earnest by throwaway keys, so that a refusal has the attack for its reason and nothing else.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use std::sync::OnceLock;

use common::{at, failed, sentence, xmlsec1};
use stopgap_eocs::{
    CertificateFault, CheckName, DocumentFault, FormFault, PathFault, Refusal, Report, Seen,
    StampFault, Trust, WentBack, admits, verify,
};
use stopgap_testkit::feed::{
    BODY, Certificate, DSIG, Key, Publisher, Signing, Token, revocation_list,
};

const NOW: &str = "2025-07-01T00:00:00Z";
const LATER: &str = "2030-01-01T00:00:00Z";

fn publisher() -> &'static Publisher {
    static PUBLISHER: OnceLock<Publisher> = OnceLock::new();
    PUBLISHER.get_or_init(Publisher::new)
}

fn trust() -> Trust {
    Trust::new(vec![publisher().root_certificate()], Vec::new()).expect("an anchor")
}

fn judge(document: &str) -> Report {
    verify(document.as_bytes(), &trust(), at(NOW))
}

fn signing() -> Signing {
    publisher().signing(BODY)
}

fn signed(signing: &Signing) -> Report {
    judge(&publisher().sign(signing))
}

/// A feed whose SignedInfo has `to` for `from`, and was signed so.
fn signed_with(from: &str, to: &str) -> Report {
    let replaced = vec![(from.to_owned(), to.to_owned())];
    signed(&Signing { signed_info: replaced, ..signing() })
}

#[track_caller]
fn refused(report: &Report, refusal: &Refusal) {
    assert_eq!(report.outcome.as_ref().err(), Some(refusal), "{}", sentence(report));
}

#[track_caller]
fn refused_by(report: &Report, check: CheckName) {
    assert_eq!(failed(report).first(), Some(&check), "{}", sentence(report));
}

#[test]
fn a_feed_in_the_accepted_form_verifies() {
    let mut der = signing();
    if let Some(stamp) = &mut der.stamp {
        stamp.token = Token::Der;
    }
    for signing in [signing(), der, Signing { modulus: None, ..signing() }] {
        let report = signed(&signing);
        assert_eq!(failed(&report), [], "{}", sentence(&report));
        let feed = report.outcome.expect("verified");
        assert_eq!(feed.gen_time(), Some(at("2025-06-01T12:00:00Z")));
        assert_eq!(feed.configs()[0].actions[0].value.as_deref(), Some("allow nothing"));
    }
}

#[test]
fn xmlsec1_agrees_that_the_publishers_feed_is_signed() {
    let document = publisher().feed(BODY);
    let tampered = document.replace("allow nothing", "allow everything");
    for (text, expected) in [(&document, true), (&tampered, false)] {
        assert_eq!(judge(text).outcome.is_ok(), expected);
        let Some(other) = xmlsec1(text.as_bytes()) else { return };
        assert_eq!(other, expected);
    }
}

#[test]
fn no_signature() {
    let report = judge(&format!("<EOCS version=\"1.0.4\">{BODY}</EOCS>"));
    refused(&report, &FormFault::NoSignature.into());
}

#[test]
fn a_second_signature() {
    let document = publisher().feed(BODY);
    let signature = &document[document.find("<Signature ").expect("there")..];
    let signature = signature.strip_suffix("</EOCS>").expect("at the end");
    let report = judge(&document.replace("</EOCS>", &format!("{signature}</EOCS>")));
    refused(&report, &FormFault::Signatures { count: 2 }.into());
}

#[test]
fn a_signature_deeper_than_a_child_of_the_root() {
    let document = publisher().feed(BODY);
    let moved = document.replace("<Signature ", "<Config><Signature ");
    let report = judge(&moved.replace("</EOCS>", "</Config></EOCS>"));
    refused(&report, &FormFault::NotEnveloped.into());
}

#[test]
fn wrapping_the_signed_feed_in_an_object_of_an_unsigned_one() {
    let document = publisher().feed(BODY);
    let (signed, signature) = document.split_once("<Signature ").expect("there");
    let signature = signature.strip_suffix("</Signature></EOCS>").expect("at the end");
    let evil = BODY.replace("M1", "EVIL");
    // Without a namespace of its own the moved feed inherits that of the signature; one that takes
    // it back is a declaration that the format has not.
    for (open, check) in
        [("<EOCS ", CheckName::SignatureForm), ("<EOCS xmlns=\"\" ", CheckName::Document)]
    {
        let moved = signed.replace("<EOCS ", open);
        let report = judge(&format!(
            "<EOCS version=\"9\">{evil}<Signature {signature}<Object>{moved}</EOCS></Object>\
             </Signature></EOCS>"
        ));
        refused_by(&report, check);
    }
}

#[test]
fn wrapping_the_signed_feed_below_an_unsigned_root() {
    let document = publisher().feed(BODY);
    let report = judge(&format!("<EOCS version=\"9\">{document}</EOCS>"));
    refused(&report, &FormFault::NotEnveloped.into());
    let (head, signature) = document.split_once("<Signature ").expect("there");
    let beside = format!("<EOCS version=\"9\">{head}</EOCS><Signature {signature}");
    refused_by(&judge(&beside), CheckName::Digest);
}

#[test]
fn a_config_added_beside_the_signed_ones() {
    let evil = BODY.replace("M1", "EVIL");
    let document = publisher().feed(BODY);
    for place in ["<Config ", "<Signature "] {
        let report = judge(&document.replacen(place, &format!("{evil}{place}"), 1));
        refused_by(&report, CheckName::Digest);
    }
    let inside = document.replace("</Signature>", &format!("{evil}</Signature>"));
    assert!(judge(&inside).outcome.is_err());
    let after = format!("{document}{evil}");
    refused_by(&judge(&after), CheckName::Document);
}

#[test]
fn two_references() {
    let document = publisher().feed(BODY);
    let reference = &document[document.find("<Reference").expect("there")..];
    let reference = &reference[..reference.find("</SignedInfo>").expect("there")];
    let report = signed_with("</Reference>", &format!("</Reference>{reference}"));
    refused(&report, &FormFault::References { count: 2 }.into());
}

#[test]
fn a_reference_to_an_id() {
    let uri = |found: &str| FormFault::ReferenceUri { found: found.to_owned() };
    refused(&signed_with("URI=\"\"", "URI=\"#x\""), &uri("\"#x\"").into());
    refused(&signed_with(" URI=\"\"", ""), &uri("nothing").into());
    let pointer = signed_with("URI=\"\"", "URI=\"#xpointer(/)\"");
    refused(&pointer, &uri("\"#xpointer(/)\"").into());
}

#[test]
fn a_transform_added_taken_or_put_elsewhere() {
    let xpath =
        "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"></Transform>";
    let c14n =
        "<Transform Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"></Transform>";
    let enveloped = format!("<Transform Algorithm=\"{DSIG}enveloped-signature\"></Transform>");
    for report in [
        signed_with(c14n, &format!("{xpath}{c14n}")),
        signed_with(c14n, ""),
        signed_with(&enveloped, ""),
        signed_with(&format!("{enveloped}{c14n}"), &format!("{c14n}{enveloped}")),
        signed_with(c14n, &c14n.replace("20010315\"", "20010315#WithComments\"")),
        signed_with(c14n, &c14n.replace("></T", ">x</T")),
    ] {
        let is_of_transforms =
            matches!(report.outcome, Err(Refusal::Form(FormFault::Transforms { .. })));
        assert!(is_of_transforms, "{}", sentence(&report));
    }
}

#[test]
fn another_algorithm() {
    let sign = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    for (from, to, of) in [
        (sign, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "signature method"),
        (sign, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "signature method"),
        (sign, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "signature method"),
        (
            "http://www.w3.org/2001/04/xmlenc#sha256",
            "http://www.w3.org/2000/09/xmldsig#sha1",
            "digest method",
        ),
        (
            "<CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"",
            "<CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
            "canonicalization method",
        ),
    ] {
        let report = signed_with(from, to);
        match &report.outcome {
            Err(Refusal::Form(FormFault::Algorithm { what, .. })) => assert_eq!(*what, of),
            _ => panic!("{to}: {}", sentence(&report)),
        }
    }
}

#[test]
fn a_parameter_in_an_algorithm() {
    let report = signed_with(
        "</SignatureMethod>",
        "<HMACOutputLength>8</HMACOutputLength></SignatureMethod>",
    );
    refused_by(&report, CheckName::SignatureForm);
}

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

#[test]
fn a_revoked_signer() {
    let list = revocation_list("Root", &publisher().root, 7);
    let other = revocation_list("Root", &publisher().root, 8);
    let root = publisher().root_certificate();
    let document = publisher().sign(&Signing { stamp: None, ..signing() });
    let with = |list| Trust::new(vec![root.clone()], vec![list]).expect("trust");
    let report = verify(document.as_bytes(), &with(list), at(NOW));
    refused(&report, &Refusal::SignerPath(PathFault::Revoked));
    assert_eq!(failed(&verify(document.as_bytes(), &with(other), at(NOW))), []);
    let forged = revocation_list("Root", &publisher().signer, 8);
    refused_by(&verify(document.as_bytes(), &with(forged), at(NOW)), CheckName::SignerPath);
}

#[test]
fn a_comment_does_not_cut_a_value() {
    let document = publisher().feed(BODY);
    let report = judge(&document.replace("allow nothing", "allow<!-- c --> nothing"));
    let feed = report.outcome.expect("the canonical form has no comments");
    assert_eq!(feed.configs()[0].actions[0].value.as_deref(), Some("allow nothing"));
    let cdata = judge(&document.replace("allow nothing", "allow<![CDATA[ nothing]]>"));
    let feed = cdata.outcome.expect("nor CDATA sections");
    assert_eq!(feed.configs()[0].actions[0].value.as_deref(), Some("allow nothing"));
    let inside = document.replace("<DigestValue>", "<DigestValue><!-- c -->");
    assert_eq!(failed(&judge(&inside)), [], "nor in what was signed");
    for element in
        ["<SignatureValue>", "<X509Certificate>", "<KeyInfo>", "<Object Id=\"ts-countersig\">"]
    {
        let split = document.replacen(element, &format!("{element}<!-- c -->"), 1);
        assert_ne!(split, document);
        refused_by(&judge(&split), CheckName::SignatureForm);
    }
}

#[test]
fn namespaces_where_the_format_has_none() {
    let document = publisher().feed(BODY);
    let report = judge(&document.replace("<EOCS ", "<EOCS xmlns=\"urn:x\" "));
    refused(&report, &DocumentFault::NotEocs.into());
    for (from, to) in [
        ("<EOCS ", "<EOCS xmlns:x=\"urn:x\" ".to_owned()),
        ("<EOCS ", "<EOCS xml:base=\"http://x/\" ".to_owned()),
        ("<EOCS ", "<EOCS xml:lang=\"en\" ".to_owned()),
        ("<Config ", "<Config xmlns=\"urn:x\" ".to_owned()),
        ("<SignedInfo>", "<SignedInfo xmlns:x=\"urn:x\">".to_owned()),
    ] {
        let report = judge(&document.replacen(from, &to, 1));
        let of_namespace =
            matches!(report.outcome, Err(Refusal::Document(DocumentFault::Namespace { .. })));
        assert!(of_namespace, "{to}: {}", sentence(&report));
    }
    let foreign = document.replace(&format!("<Signature xmlns=\"{DSIG}\">"), "<Signature>");
    refused(&judge(&foreign), &FormFault::NoSignature.into());
}

#[test]
fn entities_and_document_types() {
    let document = publisher().feed(BODY);
    for dtd in [
        "<!DOCTYPE EOCS>",
        "<!DOCTYPE EOCS [<!ENTITY a \"x\">]>",
        "<!DOCTYPE EOCS SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE EOCS [<!ATTLIST Config desc CDATA \"d\">]>",
    ] {
        refused(&judge(&format!("{dtd}{document}")), &DocumentFault::Dtd.into());
    }
    refused_by(&judge(&document.replace("nothing", "&a;")), CheckName::Document);
    let instructed = format!("<?xml-stylesheet href='x'?>{document}");
    refused(&judge(&instructed), &DocumentFault::ProcessingInstruction.into());
    // A reference to a character is the character.
    assert_eq!(failed(&judge(&document.replace("nothing", "n&#111;thing"))), []);
}

#[test]
fn attributes_twice_and_tags_that_do_not_match() {
    let document = publisher().feed(BODY);
    for broken in [
        document.replace("<Config ", "<Config id=\"EVIL\" "),
        document.replace("</Value>", "</Valve>"),
        document.replace("</EOCS>", ""),
        format!("{document}{document}"),
        document.replace("nothing", "noth\u{0}ing"),
    ] {
        refused_by(&judge(&broken), CheckName::Document);
    }
}

#[test]
fn utf_16_is_refused_and_carriage_returns_are_not_seen() {
    let document = publisher().feed(&BODY.replace("<ActionList>", "\n<ActionList>\n"));
    let utf16: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe], utf16.as_slice()].concat();
    for bytes in [utf16, marked] {
        assert_eq!(failed(&verify(&bytes, &trust(), at(NOW))), [CheckName::Document]);
    }
    assert_eq!(failed(&judge(&document.replace('\n', "\r\n"))), []);
    refused_by(&judge(&document.replace('\n', "&#13;\n")), CheckName::Digest);
}

#[test]
fn huge_inputs_are_refused_at_once() {
    let document = publisher().feed(BODY);
    let large = format!("{document}{}", " ".repeat(50 * 1024 * 1024));
    let max = stopgap_eocs::MAX_BYTES;
    refused(&judge(&large), &DocumentFault::TooLarge { max }.into());
    let deep = format!("<EOCS>{}", "<a>".repeat(1_000_000));
    refused_by(&judge(&deep), CheckName::Document);
    let attributes: String = (0..400_000).map(|n| format!(" a{n}=''")).collect();
    refused_by(&judge(&format!("<EOCS{attributes}/>")), CheckName::Document);
    let comments = format!("{}{document}", "<!---->".repeat(1_000_000));
    refused_by(&judge(&comments), CheckName::Document);
}

#[test]
fn ten_thousand_mitigations_verify() {
    let body: String = (0..10_000).map(|n| BODY.replace("M1", &format!("M{n}"))).collect();
    let report = judge(&publisher().feed(&body));
    assert_eq!(failed(&report), [], "{}", sentence(&report));
    let feed = report.outcome.expect("verified");
    assert_eq!(feed.configs().len(), 10_000);
    assert_eq!(feed.configs()[9_999].id, "M9999");
}

#[test]
fn a_signed_document_that_is_no_feed() {
    let report = judge(&publisher().feed("<Command>rm</Command>"));
    assert_eq!(failed(&report), [CheckName::Content]);
    let report = judge(&publisher().feed(&format!("{BODY}{BODY}")));
    assert_eq!(failed(&report), [CheckName::Content]);
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

/// A linear congruential generator (Knuth's MMIX): a failure comes again.
fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).expect("31 bits")
}

#[test]
fn a_feed_cut_off_anywhere_is_refused() {
    let document = publisher().feed(BODY);
    for end in (0..document.len()).step_by(7) {
        refused_by(&judge(&document[..end]), CheckName::Document);
    }
}

#[test]
fn pieces_moved_copied_and_dropped_are_refused() {
    let document = publisher().feed(BODY);
    let bytes = document.as_bytes();
    let mut state = 0x5eed;
    println!("seed {state:#x}");
    for _ in 0..2_000 {
        let (from, to) = (random(&mut state) % bytes.len(), random(&mut state) % bytes.len());
        let length = 1 + random(&mut state) % 60;
        let piece = &bytes[from..(from + length).min(bytes.len())];
        let mut forged = bytes.to_vec();
        match random(&mut state) % 3 {
            0 => drop(forged.splice(to..to, piece.iter().copied())),
            1 => drop(forged.drain(from..from + piece.len())),
            _ => drop(forged.splice(to..(to + length).min(bytes.len()), piece.iter().copied())),
        }
        let report = verify(&forged, &trust(), at(NOW));
        if let Ok(feed) = &report.outcome {
            // White space between the parts of a signature has no meaning, nor has a copy onto
            // itself; what is used is what was signed.
            assert_eq!(feed.configs()[0].actions[0].value.as_deref(), Some("allow nothing"));
            assert_eq!(feed.configs().len(), 1);
        }
    }
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
