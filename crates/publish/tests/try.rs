//! `stopgap-publish try`: the same words and JSON as `stopgap try`.
#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

mod common;

use common::scratch::{Scratch, publish};

const M1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../catalog/M1.toml");
const M2: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../catalog/M2.toml");
const ATTACK: &str = "GET /autodiscover/autodiscover.json?a@foo.var&FooProtocol=%50owershell";

#[test]
fn a_document_is_tried_before_it_is_published() {
    let run = publish(&["try", M1, "--request", ATTACK]);
    let said = "blocked: the connection is closed without an answer\nby the rule `M1.1`\n";
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (0, said, ""));
    let run = publish(&["try", M1, "--request", "GET /owa/", "--json"]);
    let json = "{\"by\":null,\"schema\":1,\"status\":null,\"url\":null,\"verdict\":\"allowed\"}\n";
    assert_eq!((run.code, run.out.as_str()), (0, json));
}

#[test]
fn what_becomes_of_a_response_is_told() {
    let page = ["--response-header", "Content-Type: text/html"];
    let run = publish(&[&["try", M2, "--request", "GET /owa/"][..], &page].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("the client sees Content-Security-Policy: ; script-src-attr 'none'"));
    assert!(run.out.contains("`M2.1`"), "{}", run.out);
}

#[test]
fn a_file_of_requests_is_answered_line_by_line() {
    let scratch = Scratch::new();
    let lines = "{\"method\":\"GET\",\"uri\":\"/autodiscover?powershell\"}\n\n\
                 {\"method\":\"GET\",\"uri\":\"/owa/\",\"headers\":{\"Cookie\":[\"a=b\",\"c=d\"]}}\n";
    let file = scratch.file("requests.jsonl", lines.as_bytes());
    let run = publish(&["try", M1, "--requests", &file]);
    assert_eq!(run.code, 0, "{}", run.err);
    let verdicts: Vec<String> = run
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["verdict"].to_string())
        .collect();
    assert_eq!(verdicts, ["\"blocked\"", "\"allowed\""]);
}

#[test]
fn a_wrong_line_or_request_is_wrong_usage() {
    let scratch = Scratch::new();
    let file = scratch.file("requests.jsonl", b"{\"method\":\"GET\"}\n");
    let run = publish(&["try", M1, "--requests", &file]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("line 1 of"), "{}", run.err);
    let long = scratch.file("long.jsonl", &vec![b' '; 1024 * 1024 + 1]);
    assert_eq!(publish(&["try", M1, "--requests", &long]).code, 1);
    for request in ["GET", "GET /x HTTP/1.1", "GET /x\r\nHost: y"] {
        assert_eq!(publish(&["try", M1, "--request", request]).code, 2, "{request:?}");
    }
    assert_eq!(publish(&["try", M1]).code, 2);
}

#[test]
fn a_document_that_is_wrong_is_shown_with_its_lines() {
    let scratch = Scratch::new();
    let file = scratch.file("X.toml", b"schema = 1\nid = \"X\"\nseverty = \"high\"\n");
    let run = publish(&["try", &file, "--request", "GET /"]);
    assert_eq!((run.code, run.out.as_str()), (3, ""));
    assert!(run.err.contains("did you mean `severity`?"), "{}", run.err);
    let run = publish(&["try", &scratch.path("none.toml"), "--request", "GET /"]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("does not exist"), "{}", run.err);
}
