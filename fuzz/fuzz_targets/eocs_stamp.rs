//! Any bytes as the token of a feed that is signed otherwise in earnest. The token is looked at
//! whatever else is wrong, so the bytes come to the parsers as they are.
#![no_main]

#[path = "../feed/mod.rs"]
mod feed;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;

const OPEN: &str = "ts-format=\"cms-timestamp-message\">";
const CLOSE: &str = "</CounterSignature>";

fuzz_target!(|token: &[u8]| {
    let (before, rest) = feed::SIGNED.split_once(OPEN).expect("the stamp begins");
    let (_, after) = rest.split_once(CLOSE).expect("the stamp ends");
    let token = STANDARD.encode(token);
    feed::judge(format!("{before}{OPEN}{token}{CLOSE}{after}").as_bytes());
});
