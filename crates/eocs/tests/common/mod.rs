//! The genuine feed, where it is at hand, and what tests ask of a report.
#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

pub(crate) mod forge;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use stopgap_eocs::{CheckName, Report, Trust};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// The names of the checks that failed.
pub(crate) fn failed(report: &Report) -> Vec<CheckName> {
    let wrong = report.checks.iter().filter(|check| check.outcome.is_err());
    wrong.map(|check| check.name).collect()
}

/// The sentence of the refusal; empty if there is none.
pub(crate) fn sentence(report: &Report) -> String {
    report.outcome.as_ref().err().map(ToString::to_string).unwrap_or_default()
}

/// What xmlsec1 says of a document's digest and signature (it takes the key from KeyValue, so it
/// judges no path and no time); none, with a message, where it is not installed.
pub(crate) fn xmlsec1(document: &[u8]) -> Option<bool> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("stopgap-eocs-{}-{number}.xml", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, document).expect("written");
    let run = std::process::Command::new("xmlsec1").arg("--verify").arg(&file).output();
    std::fs::remove_file(&file).expect("removed");
    match run {
        Ok(output) => Some(output.status.success()),
        Err(error) => {
            println!("skipped: xmlsec1: {error}");
            None
        }
    }
}

/// The genuine feed.
pub(crate) struct Genuine {
    pub(crate) bytes: Vec<u8>,
}

impl Genuine {
    /// The feed of the test data; none, with a message, where there is no such data.
    pub(crate) fn find() -> Option<Self> {
        let folder = stopgap_testkit::real_data()?;
        let bytes = std::fs::read(folder.join("eocs/feed-2021-09-15.xml")).expect("the feed");
        Some(Self { bytes })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("UTF-8")
    }

    /// Where the values of the elements of this name are.
    pub(crate) fn values(&self, element: &str) -> Vec<Range<usize>> {
        let text = self.text();
        let tag = format!("<{element}");
        let starts = text.match_indices(&tag);
        let value = |at: usize| {
            let start = at + text[at..].find('>').expect("the tag's end") + 1;
            start..start + text[start..].find("</").expect("the end tag")
        };
        starts.map(|(at, _)| value(at)).collect()
    }

    /// The certificates in their order: signer, its issuer, the root, the stamping authority, its
    /// issuer.
    pub(crate) fn certificates(&self) -> Vec<Vec<u8>> {
        let values = self.values("X509Certificate").into_iter();
        values.map(|value| STANDARD.decode(&self.text()[value]).expect("Base64")).collect()
    }

    /// Trust in the feed's own root and in the issuer of its stamping authority.
    pub(crate) fn trust(&self) -> Trust {
        self.trust_in(&[2, 4])
    }

    pub(crate) fn trust_in(&self, which: &[usize]) -> Trust {
        let certificates = self.certificates();
        let anchors: Vec<_> = which.iter().map(|index| certificates[*index].clone()).collect();
        Trust::for_both(&anchors, &[]).expect("anchors")
    }

    /// The feed without its countersignature.
    pub(crate) fn without_stamp(&self) -> Vec<u8> {
        let text = self.text();
        let start = text.find("<Object").expect("the Object");
        let end = text.find("</Object>").expect("its end") + "</Object>".len();
        [&text.as_bytes()[..start], &text.as_bytes()[end..]].concat()
    }
}
