//! A seeded generator of damage: what half-done copies, tools, people and attackers make of a
//! configuration file.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]
#![allow(clippy::ptr_arg, reason = "all mutations have one type")]

use std::ops::Range;

/// Numbers that depend on nothing but the seed (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { usize::try_from(self.next() % end as u64).unwrap() }
    }

    pub fn pick<'l, T>(&mut self, of: &'l [T]) -> Option<&'l T> {
        of.get(self.below(of.len()))
    }
}

type Mutation = fn(&mut Vec<u8>, &mut Random);

/// Every kind of damage, by name.
pub const MUTATIONS: [(&str, Mutation); 19] = [
    ("cut off", truncate),
    ("a piece missing", drop_piece),
    ("a piece twice", double_piece),
    ("two tags swapped", swap_tags),
    ("an end tag missing", drop_end_tag),
    ("a tag missing", drop_tag),
    ("an attribute twice", double_attribute),
    ("an attribute missing", drop_attribute),
    ("one quote changed", change_quote),
    ("all quotes changed", change_quotes),
    ("another encoding declared", lie_about_encoding),
    ("a wrong byte order mark", lie_in_mark),
    ("in another encoding", recode),
    ("zero bytes", zeros),
    ("random bytes", random_bytes),
    ("an element twice", double_element),
    ("a section moved into a location", into_location),
    ("a name that is taken", double_name),
    ("something foreign put in", foreign),
];

/// Damages a file once to three times; says how.
pub fn mutate(bytes: &mut Vec<u8>, random: &mut Random) -> Vec<&'static str> {
    let times = 1 + random.below(3);
    let one = |_| {
        let (name, mutation) = MUTATIONS[random.below(MUTATIONS.len())];
        mutation(bytes, random);
        name
    };
    (0..times).map(one).collect()
}

fn splice(bytes: &mut Vec<u8>, range: Range<usize>, with: &[u8]) {
    bytes.splice(range, with.iter().copied());
}

fn range(bytes: &[u8], random: &mut Random) -> Range<usize> {
    let from = random.below(bytes.len() + 1);
    let most = (bytes.len() - from).min(400);
    from..from + random.below(most + 1)
}

/// Where the tags are, comments and the like included.
fn tags(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut tags = Vec::new();
    let mut open = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (byte, open) {
            (b'<', _) => open = Some(at),
            (b'>', Some(from)) => {
                tags.push(from..at + 1);
                open = None;
            }
            _ => {}
        }
    }
    tags
}

/// Where ` name="value"` stands in tags.
fn attributes(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for tag in tags(bytes) {
        let mut at = tag.start;
        while let Some(blank) = (at..tag.end).find(|at| bytes[*at] == b' ') {
            let quotes = (blank..tag.end).filter(|at| bytes[*at] == b'"').take(2);
            let [_, close] = quotes.collect::<Vec<_>>()[..] else { break };
            found.push(blank..close + 1);
            at = close + 1;
        }
    }
    found
}

/// The whole of the element that begins with a tag.
fn element(bytes: &[u8], tags: &[Range<usize>], at: usize) -> Option<Range<usize>> {
    let start = tags.get(at)?.start;
    let mut depth = 0_usize;
    for tag in &tags[at..] {
        match &bytes[tag.clone()] {
            [b'<', b'!' | b'?', ..] | [.., b'/', b'>'] => {}
            [b'<', b'/', ..] => depth = depth.checked_sub(1)?,
            _ => depth += 1,
        }
        if depth == 0 {
            return Some(start..tag.end);
        }
    }
    None
}

fn truncate(bytes: &mut Vec<u8>, random: &mut Random) {
    bytes.truncate(random.below(bytes.len() + 1));
}

fn drop_piece(bytes: &mut Vec<u8>, random: &mut Random) {
    let piece = range(bytes, random);
    splice(bytes, piece, b"");
}

fn double_piece(bytes: &mut Vec<u8>, random: &mut Random) {
    let piece = bytes[range(bytes, random)].to_vec();
    let at = random.below(bytes.len() + 1);
    splice(bytes, at..at, &piece);
}

fn swap_tags(bytes: &mut Vec<u8>, random: &mut Random) {
    let tags = tags(bytes);
    let (a, b) = (random.below(tags.len()), random.below(tags.len()));
    let (Some(first), Some(second)) = (tags.get(a.min(b)), tags.get(a.max(b))) else { return };
    let (one, other) = (bytes[first.clone()].to_vec(), bytes[second.clone()].to_vec());
    splice(bytes, second.clone(), &one);
    splice(bytes, first.clone(), &other);
}

fn drop_end_tag(bytes: &mut Vec<u8>, random: &mut Random) {
    let ends: Vec<_> = tags(bytes).into_iter().filter(|tag| bytes[tag.start + 1] == b'/').collect();
    let Some(end) = random.pick(&ends) else { return };
    splice(bytes, end.clone(), b"");
}

fn drop_tag(bytes: &mut Vec<u8>, random: &mut Random) {
    let tags = tags(bytes);
    let Some(tag) = random.pick(&tags) else { return };
    splice(bytes, tag.clone(), b"");
}

fn double_attribute(bytes: &mut Vec<u8>, random: &mut Random) {
    let attributes = attributes(bytes);
    let Some(one) = random.pick(&attributes) else { return };
    let text = bytes[one.clone()].to_vec();
    // Beside itself, which XML forbids, or in another tag.
    let other = random.pick(&attributes).filter(|_| text.len().is_multiple_of(2)).unwrap_or(one);
    splice(bytes, other.end..other.end, &text);
}

fn drop_attribute(bytes: &mut Vec<u8>, random: &mut Random) {
    let attributes = attributes(bytes);
    let Some(one) = random.pick(&attributes) else { return };
    splice(bytes, one.clone(), b"");
}

fn change_quote(bytes: &mut Vec<u8>, random: &mut Random) {
    let quotes: Vec<_> = (0..bytes.len()).filter(|at| matches!(bytes[*at], b'"' | b'\'')).collect();
    let Some(at) = random.pick(&quotes) else { return };
    bytes[*at] = if bytes[*at] == b'"' { b'\'' } else { b'"' };
}

fn change_quotes(bytes: &mut Vec<u8>, _: &mut Random) {
    for byte in bytes.iter_mut().filter(|byte| matches!(**byte, b'"' | b'\'')) {
        *byte = if *byte == b'"' { b'\'' } else { b'"' };
    }
}

fn lie_about_encoding(bytes: &mut Vec<u8>, random: &mut Random) {
    let names = [
        "UTF-16",
        "utf-32",
        "iso-8859-1",
        "windows-1252",
        "us-ascii",
        "utf-7",
        "",
        "ut\nf",
        "UTF8",
    ];
    let name = random.pick(&names).copied().unwrap_or_default();
    let mark = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let end = if bytes[mark..].starts_with(b"<?xml") {
        tags(bytes).first().map_or(mark, |declaration| declaration.end)
    } else {
        mark
    };
    let declaration = format!("<?xml version=\"1.0\" encoding=\"{name}\"?>");
    splice(bytes, mark..end, declaration.as_bytes());
    if random.below(2) == 0 {
        let at = random.below(bytes.len());
        splice(bytes, at..at, "é".as_bytes());
    }
}

fn lie_in_mark(bytes: &mut Vec<u8>, random: &mut Random) {
    let marks: [&[u8]; 5] =
        [b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF", b"\xFF\xFE\0\0", b"\xEF\xBB"];
    let mark = random.pick(&marks).copied().unwrap_or_default();
    splice(bytes, 0..0, mark);
}

fn recode(bytes: &mut Vec<u8>, random: &mut Random) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    *bytes = match random.below(3) {
        0 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        1 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
    };
}

fn zeros(bytes: &mut Vec<u8>, random: &mut Random) {
    let piece = range(bytes, random);
    // A file system that lost power leaves whole blocks of zeros.
    bytes[piece].fill(0);
}

fn random_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len() + 1);
        let byte = random.next().to_le_bytes()[0];
        splice(bytes, at..at, &[byte]);
    }
}

fn double_element(bytes: &mut Vec<u8>, random: &mut Random) {
    let tags = tags(bytes);
    let Some(element) = element(bytes, &tags, random.below(tags.len())) else { return };
    let text = bytes[element.clone()].to_vec();
    splice(bytes, element.end..element.end, &text);
}

fn into_location(bytes: &mut Vec<u8>, random: &mut Random) {
    let tags = tags(bytes);
    let sections: Vec<usize> = (0..tags.len())
        .filter(|at| bytes[tags[*at].clone()].starts_with(b"<system.webServer"))
        .collect();
    let Some(section) = random.pick(&sections).and_then(|at| element(bytes, &tags, *at)) else {
        return;
    };
    let text = String::from_utf8_lossy(&bytes[section.clone()]).into_owned();
    let paths = ["Default Web Site", "default web site/OWA/", "", ".", "Default Web Site/nowhere"];
    let more = ["", " overrideMode=\"Deny\"", " inheritInChildApplications='false'"];
    let (path, more) = (paths[random.below(paths.len())], more[random.below(more.len())]);
    splice(bytes, section, format!("<location path=\"{path}\"{more}>{text}</location>").as_bytes());
}

fn double_name(bytes: &mut Vec<u8>, random: &mut Random) {
    let is_name = |range: &Range<usize>| bytes[range.clone()].starts_with(b" name=");
    let names: Vec<_> = attributes(bytes).into_iter().filter(is_name).collect();
    let (Some(one), Some(other)) = (random.pick(&names), random.pick(&names)) else { return };
    let ours: [&[u8]; 3] =
        [b" name=\"Stopgap R0\"", b" name=\"stopgap g\"", b" name=\"Stopgap M1.1\""];
    let text = match random.below(2) {
        0 => bytes[other.clone()].to_vec(),
        _ => ours[random.below(ours.len())].to_vec(),
    };
    splice(bytes, one.clone(), &text);
}

/// What somebody else may have put into a file, at its end.
const FOREIGN: [&str; 12] = [
    "<location path=\"Default Web Site\"/>",
    "<location path=\"Default Web Site\"></location>",
    "<location path=\"Default Web Site\" allowOverride=\"false\"><system.webServer/></location>",
    "<location path=\"DEFAULT web site/owa\"><system.webServer><rewrite/></system.webServer></location>",
    "<system.webServer><rewrite><rules/></rewrite></system.webServer>",
    "<system.webServer><rewrite><rules configSource=\"x.config\"/></rewrite></system.webServer>",
    "<system.webServer><rewrite><outboundRules>\r\n<preConditions/></outboundRules></rewrite></system.webServer>",
    "<system.webServer><rewrite><rules><clear/><remove name=\"Stopgap M1.1\"/></rules></rewrite></system.webServer>",
    "<system.webServer><rewrite><rules lockItem=\"true\"><rule name=\"Stopgap R3\"><match url=\"(\"/></rule></rules></rewrite></system.webServer>",
    "<x:rules xmlns:x=\"urn:x\"/><!-- - -- >",
    "<![CDATA[</configuration>]]>&amp;&#0;",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
];

fn foreign(bytes: &mut Vec<u8>, random: &mut Random) {
    let text = FOREIGN[random.below(FOREIGN.len())];
    let end =
        tags(bytes).into_iter().rfind(|tag| bytes[tag.clone()].starts_with(b"</configuration"));
    let at = end.map_or(bytes.len(), |tag| tag.start);
    splice(bytes, at..at, text.as_bytes());
}
