//! `stopgap-publish lint`, as a person and as a program reads it.
#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

mod common;

use common::scratch::{Scratch, publish};
use serde_json::Value;

const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../catalog");

/// M1 as it was published first.
const FIRST_M1: &str = r#"schema = 1
id = "M1"
revision = 1
title = "ProxyNotShell"
severity = "critical"
impact = "None known for ordinary clients."

[[affected]]
product = "microsoft/exchange-server"
ranges = [{ introduced = "15.2.0", fixed = "15.2.986.36" }]

[[action]]
id = "M1.1"
kind = "block-request"
deny = "abort"
when = [{ field = "uri", contains = "Powershell" }, { field = "uri", contains = "@" }]

[[probe]]
name = "attack"
request = "GET /autodiscover/autodiscover.json?a@foo.var&FooProtocol=Powershell"
expect = "blocked"

[[probe]]
name = "marker"
live = true
request = "GET /stopgap-probe?@powershell"
expect = "blocked"

[[probe]]
name = "ordinary"
live = true
request = "GET /autodiscover/autodiscover.json?Email=user@example.com&Protocol=EWS"
expect = "allowed"
"#;

#[test]
fn the_catalog_is_clean_and_says_so() {
    let mut files: Vec<String> = std::fs::read_dir(CATALOG)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut arguments = vec!["lint"];
    arguments.extend(files.iter().map(String::as_str));
    let run = publish(&arguments);
    let said = format!("{} documents: 0 errors, 0 warnings\n", files.len());
    assert_eq!((run.code, run.out, run.err), (0, said, String::new()));
}

#[test]
fn a_finding_shows_the_line_the_request_that_gets_past_and_how_to_mend_it() {
    let scratch = Scratch::new();
    let file = scratch.file("M1.toml", FIRST_M1.as_bytes());
    let run = publish(&["lint", &file]);
    assert_eq!(run.code, 1);
    for part in [
        "error[encoded-bypass]: the same request in another encoding passes: \
         `GET /autodiscover/autodiscover.json?a%40foo.var&FooProtocol=Powershell`",
        "M1.toml:20:11",
        "= \"GET /autodiscover/autodiscover.json?a@foo.var&FooProtocol=Powershell\"",
        "^^^^^",
        "= help: applications decode paths and arguments: test `uri` with `decode =\n",
        "           [\"url\"]`, and show the encoded request as a probe\n",
        "warning[no-encoded-probe]",
        "1 document: 1 error, 1 warning\n",
    ] {
        assert!(run.out.contains(part), "{part}\n{}", run.out);
    }
}

#[test]
fn a_program_reads_the_same() {
    let scratch = Scratch::new();
    let file = scratch.file("M1.toml", FIRST_M1.as_bytes());
    let run = publish(&["lint", "--json", &file]);
    let object: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &object["errors"], &object["warnings"]), (1, &1.into(), &1.into()));
    let finding = &object["findings"][1];
    assert_eq!((&finding["level"], &finding["name"]), (&"error".into(), &"encoded-bypass".into()));
    assert_eq!((&finding["line"], &finding["column"]), (&20.into(), &11.into()));
    assert_eq!(finding["file"].as_str(), Some(file.as_str()));
    assert!(finding["message"].as_str().unwrap().contains("a%40foo.var"));
}

#[test]
fn a_revision_that_names_two_contents_is_found_beside_earlier_documents() {
    let scratch = Scratch::new();
    let file = scratch.file("M1.toml", FIRST_M1.as_bytes());
    let other = FIRST_M1.replace("ProxyNotShell", "Another title");
    scratch.file("earlier/M1.toml", other.as_bytes());
    scratch.file("earlier/notes.txt", b"not a document");
    scratch.file("earlier/broken.toml", b"not a document");
    let run = publish(&["lint", &file, "--against", &scratch.path("earlier")]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("error[reused-revision]"), "{}", run.out);
    assert!(run.out.contains("revision 1 of `M1` has another content"), "{}", run.out);
    let run = publish(&["lint", &file, "--against", &scratch.path("nowhere")]);
    assert_eq!(run.code, 2, "{}", run.err);
}

#[test]
fn a_file_that_is_no_document_is_refused_in_its_own_words() {
    let scratch = Scratch::new();
    let huge = scratch.file("huge.toml", &vec![b'#'; 300_000]);
    let bytes = scratch.file("bytes.toml", &[0xff, 0xfe]);
    let hostile = scratch.file("hostile.toml", b"schema = 1\n\"\\u001b[31m\" = 1\n");
    for (file, says) in [
        (&huge, "at most 262144 bytes"),
        (&bytes, "is not UTF-8"),
        (&hostile, "unknown key `\\u{1b}[31m`"),
    ] {
        let run = publish(&["lint", file]);
        assert_eq!(run.code, 1, "{}", run.out);
        assert!(run.out.contains("error[unreadable]") && run.out.contains(says), "{}", run.out);
        assert!(!run.out.contains('\u{1b}'), "{:?}", run.out);
    }
    assert_eq!(publish(&["lint", &scratch.path("none.toml")]).code, 1);
    assert_eq!(publish(&["lint"]).code, 2);
}
