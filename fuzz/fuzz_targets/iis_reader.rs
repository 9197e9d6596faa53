//! Any bytes as applicationHost.config, as web.config and as a section's own file: everything that
//! can be asked of a server with them has an answer or a refusal in one line.
#![no_main]

#[path = "../../crates/iis/tests/common/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| check::ask_in_every_role(bytes));
