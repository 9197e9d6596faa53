//! Which files are read, and which are refused with what reason.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use stopgap_iis::config::{MAX_FILE_BYTES, NotReadable, standalone_rules};

fn refused(bytes: &[u8]) -> NotReadable {
    standalone_rules(bytes).expect_err("it must be refused")
}

fn reads(text: &str) {
    standalone_rules(text.as_bytes()).expect("it must be read");
}

#[test]
fn a_byte_order_mark_crlf_and_ascii_declared_otherwise_are_read() {
    reads(
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<configuration>\r\n</configuration>",
    );
    reads("<?xml version='1.0' encoding='utf-8'?><configuration/>");
    reads("<?xml version='1.0' encoding = 'us-ascii'?><configuration/>");
    reads("<?xml version='1.0' encoding='Windows-1252'?><configuration/>");
}

#[test]
fn bytes_beyond_ascii_in_a_declared_other_encoding_are_refused() {
    let text = "<?xml version='1.0' encoding='iso-8859-1'?><configuration a='é'/>";
    assert_eq!(refused(text.as_bytes()), NotReadable::Encoding("iso-8859-1".to_owned()));
    let text = "<?xml version='1.0' encoding='utf-16'?><configuration/>";
    assert_eq!(refused(text.as_bytes()), NotReadable::Encoding("utf-16".to_owned()));
    assert!(matches!(refused(b"<configuration a='\xE9'/>"), NotReadable::NotUtf8 { at: 18 }));
}

#[test]
fn utf_16_and_utf_32_are_refused_by_name() {
    let wide: Vec<u8> =
        "\u{FEFF}<configuration/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused(&wide), NotReadable::Encoding("UTF-16".to_owned()));
    assert_eq!(refused(&wide[2..]), NotReadable::Encoding("UTF-16".to_owned()));
    let wider: Vec<u8> = "<a/>".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    assert_eq!(refused(&wider), NotReadable::Encoding("UTF-32".to_owned()));
}

#[test]
fn billion_laughs_and_any_dtd_are_refused() {
    let bomb =
        "<!DOCTYPE c [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><configuration>&b;</configuration>";
    assert_eq!(refused(bomb.as_bytes()), NotReadable::Dtd);
}

#[test]
fn mismatched_tags_are_refused_with_line_and_column() {
    let why = refused(b"<configuration>\n  <a>\n  </b>\n</configuration>");
    assert!(matches!(&why, NotReadable::Malformed { line: 3, .. }), "{why}");
    assert!(why.to_string().contains("'a'"), "{why}");
    let why = refused(b"<configuration>\n<a/>");
    assert!(matches!(&why, NotReadable::Malformed { line: 2, .. }), "{why}");
}

#[test]
fn what_would_cost_too_much_is_refused_before_it_is_parsed() {
    let deep = "<configuration>".to_owned() + &"<a>".repeat(100_000);
    assert!(matches!(refused(deep.as_bytes()), NotReadable::TooDeep { .. }));
    let attributes: String = (0..5000).map(|at| format!(" a{at}=''")).collect();
    let wide = format!("<configuration{attributes}/>");
    assert!(matches!(refused(wide.as_bytes()), NotReadable::Unusual { .. }));
    let names: String = (0..5000).map(|at| format!("<a xmlns:n{at}='x'/>")).collect();
    let many = format!("<configuration>{names}</configuration>");
    assert!(matches!(refused(many.as_bytes()), NotReadable::Unusual { .. }));
    let spaced = format!("<configuration a{}='' />", " ".repeat(300));
    assert!(matches!(refused(spaced.as_bytes()), NotReadable::Unusual { .. }));
    let named = format!("<configuration {}='' />", "a".repeat(70_000));
    assert!(matches!(refused(named.as_bytes()), NotReadable::Unusual { .. }));
    let bytes = MAX_FILE_BYTES + 1;
    assert_eq!(refused(&vec![b' '; bytes]), NotReadable::TooLarge { bytes });
}

#[test]
fn a_file_of_ten_megabytes_is_read() {
    let filler = format!("<!-- {} -->", "x".repeat(10 << 20));
    reads(&format!("<configuration>{filler}<a/></configuration>"));
}

#[test]
fn another_root_element_is_refused() {
    assert_eq!(refused(b"<html/>"), NotReadable::NotConfiguration("html".to_owned()));
    assert!(matches!(refused(b""), NotReadable::Malformed { .. }));
}
