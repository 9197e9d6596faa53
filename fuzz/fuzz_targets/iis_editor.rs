//! Any bytes as a file that is edited; the first one says what is put in, and in which order. What
//! goes in is read back as it was, nothing else changes, and removal gives the bytes back.
#![no_main]

#[path = "../../crates/iis/tests/common/check.rs"]
mod check;

use libfuzzer_sys::fuzz_target;
use stopgap_iis::config::Entry;

const PATTERNS: [&str; 2] = [r"(?=.*a)\.json", "]]>\"'&<>\t\r\n%\u{85}é\u{1F600}"];

fuzz_target!(|bytes: &[u8]| {
    let Some((operation, file)) = bytes.split_first() else { return };
    let operation = usize::from(*operation);
    let mut entries = check::every_kind(PATTERNS[operation % 2]);
    entries.extend(check::pools_of(file, 2));
    if operation < 128 {
        let (place, entry) = &entries[operation / 2 % entries.len()];
        let _ = check::there_and_back(file, place, entry);
        if !matches!(entry, Entry::DisabledPool(_)) {
            let same_collection = [entry];
            check::many_at_once(file, place, &same_collection);
        }
    } else {
        let first = operation / 2 % entries.len();
        entries.rotate_left(first);
        entries.truncate(6);
        check::all_there_and_back(file, &entries, u64::from(bytes[0]).wrapping_mul(0x9E37_79B9));
    }
});
