//! Feeds of a publisher of our own, and what forgers make of their documents. Every feed here is signed in
//! earnest by throwaway keys, so that a refusal has the attack for its reason and nothing else.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use common::forge::{
    NOW, judge, publisher, random, refused, refused_by, signed, signed_with, signing, trust,
};
use common::{at, failed, sentence, xmlsec1};
use stopgap_eocs::{CheckName, DocumentFault, FormFault, Refusal, verify};
use stopgap_testkit::feed::{BODY, DSIG, Signing, Token};

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
fn a_refusal_cannot_write_on_the_terminal() {
    let document = publisher().feed(BODY);
    let places = ["<Config ", " id=", "allow ", "<SignedInfo", "URI=\"", "</Value"];
    for (place, hostile) in places.iter().flat_map(|p| ["\u{1b}[2J", "\u{1}", "\n"].map(|h| (p, h)))
    {
        for text in [format!("{hostile}{place}"), format!("{place}{hostile}")] {
            let report = judge(&document.replacen(place, &text, 1));
            let said = sentence(&report);
            assert!(!said.contains(char::is_control), "{said:?}");
        }
    }
}

/// No refusal is longer than this: it is told in logs, events and mails.
const LONGEST: usize = 500;

#[test]
fn thousands_of_transforms_do_not_make_a_refusal_of_megabytes() {
    let transform = format!("<Transform Algorithm=\"{DSIG}enveloped-signature\"></Transform>");
    let many = format!("<Transforms>{}", transform.repeat(80_000));
    let report = judge(&publisher().feed(BODY).replacen("<Transforms>", &many, 1));
    refused_by(&report, CheckName::SignatureForm);
    assert!(sentence(&report).len() < LONGEST, "{} bytes", sentence(&report).len());
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
