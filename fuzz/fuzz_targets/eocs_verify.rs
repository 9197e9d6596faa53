//! Any bytes as a feed, or as edits of a signed one: what verifies says what was signed.
#![no_main]

#[path = "../feed/mod.rs"]
mod feed;

use libfuzzer_sys::fuzz_target;

/// What is put in: a comment, an entity, a second root, and other things of wrapping attacks.
const WORDS: [&str; 12] = [
    "<!-- -->",
    "&#65;",
    "<![CDATA[x]]>",
    " ",
    "\r\n",
    "<Config desc=\"\" id=\"X\"><ActionList></ActionList></Config>",
    " Id=\"x\"",
    " xmlns=\"\"",
    " xmlns:a=\"b\"",
    "</EOCS><EOCS version=\"1.0.4\">",
    "<!DOCTYPE EOCS>",
    "<?x?>",
];

/// Each six bytes are one edit: where, how much is cut, what is put in or copied from where.
fn edited(edits: &[u8]) -> Vec<u8> {
    let mut document = feed::SIGNED.as_bytes().to_vec();
    for edit in edits.chunks_exact(6) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (document.len() + 1);
        let end = (at + usize::from(edit[2] % 64)).min(document.len());
        let from = usize::from(u16::from_le_bytes([edit[4], edit[5]])) % (document.len() + 1);
        let copied = document[from..].iter().copied().take(usize::from(edit[3]) * 4);
        let new: Vec<u8> = match edit[3] {
            0..=127 => copied.collect(),
            128..=191 => vec![edit[4]],
            which => WORDS[usize::from(which) % WORDS.len()].into(),
        };
        document.splice(at..end, new);
    }
    document
}

fuzz_target!(|bytes: &[u8]| match bytes.split_first() {
    Some((0, edits)) => feed::judge(&edited(edits)),
    _ => feed::judge(bytes),
});
