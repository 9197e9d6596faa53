//! Mitigation documents: one TOML file is one mitigation at one revision.
//!
//! Everything that is wrong in a file is told at once, each thing with its place, so that nobody
//! has to mend a file one error at a time. Nothing is guessed and nothing is read by half: a
//! document is accepted whole or refused.

mod action;
mod affected;
mod condition;
mod header;
mod log;
mod probe;
mod table;
mod words;
mod write;

use std::ops::Range;

use toml::de::DeTable;

use crate::digest::Digest;
use crate::id::{MAX_ID_LENGTH, MitigationId};
use crate::mitigation::{Mitigation, Severity};
use crate::problem::Problem;

use log::Log;
use table::{Item, Table};
pub use write::{NotText, write};

/// The longest document that is read, in bytes. The largest of our own catalog is a few KiB.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// The most `[[affected]]` tables of a document.
pub const MAX_AFFECTED: usize = 32;

/// The most version ranges of a product. Exchange 2016 had 20 branches when it ended.
pub const MAX_RANGES: usize = 128;

/// The most `[[action]]` tables of a document. The largest known mitigation has four.
pub const MAX_ACTIONS: usize = 32;

/// The most `[[probe]]` tables of a document.
pub const MAX_PROBES: usize = 256;

/// The most entries of a plain list: roles, services, pools, CVE ids, references, headers.
pub const MAX_LIST: usize = 64;

/// The most tests in the conditions of one action: each is a line of a server's configuration.
pub const MAX_TESTS: usize = 64;

/// How deep conditions may nest. Real rules nest two deep.
pub const MAX_DEPTH: usize = 8;

/// The most decodings of one test. Each attack seen in the field needed at most two.
pub const MAX_DECODES: usize = 4;

/// The longest text of a rule, a name or a sentence, in bytes.
pub const MAX_TEXT: usize = 4096;

/// The most that a document may ask to inspect of a body, in bytes: it is held in memory.
pub const MAX_BODY_LIMIT: usize = 1024 * 1024;

/// The most problems that are told of one document; more would not be read.
pub const MAX_PROBLEMS: usize = 100;

/// The schema that this reader knows.
const SCHEMA: i64 = 1;

const KEYS: &[&str] = &[
    "schema",
    "id",
    "revision",
    "title",
    "cves",
    "severity",
    "impact",
    "references",
    "affected",
    "action",
    "probe",
    "no_live_probe",
    "withdrawn",
];

const SEVERITIES: &[(&str, Severity)] = &[
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];

/// Reads a mitigation document.
///
/// `check_pattern` says why an ECMAScript pattern cannot be used; its words are told with the
/// pattern marked. It is an argument because the pattern engine lives in another room.
///
/// # Errors
/// Everything that is wrong, at least one problem, sorted by position. The spans are byte ranges
/// of `bytes`; in valid UTF-8 they begin and end between characters.
pub fn parse(
    bytes: &[u8],
    check_pattern: &dyn Fn(&str) -> Result<(), String>,
) -> Result<Mitigation, Vec<Problem>> {
    let text = text_of(bytes).map_err(|problem| vec![problem])?;
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut log = Log::new(text, &errors, check_pattern);
    let top = Table::top(tree.get_ref());
    let mitigation = read(&mut log, &top, Digest::of(bytes));
    let problems = log.finish();
    match mitigation {
        Some(mitigation) if problems.is_empty() => Ok(mitigation),
        _ if problems.is_empty() => Err(vec![Problem::new(0..0, "the document cannot be read")]),
        _ => Err(problems),
    }
}

fn text_of(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > MAX_DOCUMENT {
        let message = format!("the document is {} bytes long", bytes.len());
        let expected = format!("at most {MAX_DOCUMENT} bytes");
        return Err(Problem::new(0..0, message).expected(expected));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let start = error.valid_up_to();
        let end = error.error_len().map_or(bytes.len(), |length| start + length);
        let message = format!("byte {start} is not UTF-8");
        Problem::new(start..end, message).help("save the file as UTF-8")
    })?;
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        let help = "a document begins with `schema = 1`";
        return Err(Problem::new(0..0, "the document is empty").help(help));
    }
    Ok(text)
}

fn read(log: &mut Log<'_>, top: &Table<'_>, hash: Digest) -> Option<Mitigation> {
    if !schema_is_known(log, top) {
        return None;
    }
    top.only(log, KEYS);
    let id = top
        .required(log, "id", "such as `id = \"CVE-2024-4577\"`")
        .and_then(|item| mitigation_id(log, &item));
    let revision = top
        .required(log, "revision", "such as `revision = 1`")
        .and_then(|item| item.whole_number(log, 1..=i64::from(u32::MAX)))
        .and_then(|number| u32::try_from(number).ok());
    let title = top
        .required(log, "title", "one line that says what it is against")
        .and_then(|item| item.line(log));
    let severity = top
        .required(log, "severity", "such as `severity = \"high\"`")
        .and_then(|item| item.word(log, SEVERITIES));
    let impact = top
        .required(log, "impact", "what an administrator will notice")
        .and_then(|item| item.line(log));
    let cves = strings(log, top, "cves", is_cve, "a CVE id such as `CVE-2024-4577`");
    let references = strings(log, top, "references", is_page, "an address with `https://`");
    let affected = affected::all(log, top);
    let withdrawn = withdrawn(log, top);
    let reason = withdrawn.as_ref().and_then(|item| item.line(log));
    let actions = if withdrawn.is_some() { Vec::new() } else { action::all(log, top, &affected) };
    let probes = probe::all(log, top);
    let no_live_probe = top.get("no_live_probe").and_then(|item| item.line(log));
    Some(Mitigation {
        id: id?,
        revision: revision?,
        hash,
        title: title?.to_owned(),
        cves,
        severity: severity?,
        impact: impact?.to_owned(),
        references,
        affected,
        actions,
        probes,
        no_live_probe: no_live_probe.map(str::to_owned),
        withdrawn: reason.map(str::to_owned),
    })
}

/// The reason of a withdrawal. A document that has one takes back and does nothing, so an action or
/// a probe beside it would be read by nobody.
fn withdrawn<'a>(log: &mut Log<'_>, top: &Table<'a>) -> Option<Item<'a>> {
    let withdrawn = top.get("withdrawn")?;
    for item in ["action", "probe"].iter().filter_map(|key| top.get(key)) {
        let message = format!("`{}` stands beside `withdrawn`", item.key);
        let help = "a withdrawn mitigation changes nothing; take the actions and probes out";
        log.report(Problem::new(item.key_span, message).help(help));
    }
    Some(withdrawn)
}

/// Whether the rest can be read. Of another schema nothing can be said but that it is another.
fn schema_is_known(log: &mut Log<'_>, top: &Table<'_>) -> bool {
    let Some(item) = top.required(log, "schema", "`schema = 1`") else { return true };
    let Some(number) = item.whole_number(log, i64::MIN..=i64::MAX) else { return true };
    if number != SCHEMA {
        let problem = Problem::new(item.span, format!("schema {number} is not known"));
        log.report(problem.expected("`schema = 1`"));
    }
    number == SCHEMA
}

fn mitigation_id(log: &mut Log<'_>, item: &Item<'_>) -> Option<MitigationId> {
    item.parsed(log, "an id", &id_rule())
}

fn id_rule() -> String {
    format!("1 to {MAX_ID_LENGTH} of letters, digits, `.`, `_`, `-`, a letter or digit first")
}

/// The list of strings `key`, each of which passes `good`; empty if the key is not there.
fn strings(
    log: &mut Log<'_>,
    table: &Table<'_>,
    key: &str,
    good: fn(&str) -> bool,
    expected: &str,
) -> Vec<String> {
    let Some(list) = table.get(key) else { return Vec::new() };
    let mut seen: Vec<String> = Vec::new();
    for item in list.list(log, MAX_LIST) {
        let Some(text) = item.line(log) else { continue };
        if !good(text) {
            item.refuse(log, expected);
        } else if seen.iter().any(|other| other == text) {
            item.repeated(log);
        } else {
            seen.push(text.to_owned());
        }
    }
    seen
}

fn is_cve(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let number = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
    number.is_some_and(|(year, serial)| {
        year.len() == 4 && serial.len() >= 4 && digits(year) && digits(serial)
    })
}

fn is_page(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.contains(' '))
}

/// The greatest byte range of `text` within `span` that begins and ends between characters.
fn fit(text: &str, span: Range<usize>) -> Range<usize> {
    let boundary = |at: usize| {
        let at = at.min(text.len());
        (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
    };
    let start = boundary(span.start);
    start..boundary(span.end).max(start)
}
