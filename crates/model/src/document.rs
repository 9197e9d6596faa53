//! Mitigation documents: one TOML file is one mitigation at one revision.
//!
//! Everything that is wrong in a file is told at once, each thing with its place, so that nobody
//! has to mend a file one error at a time. Nothing is guessed and nothing is read by half: a
//! document is accepted whole or refused.

mod action;
mod affected;
mod condition;
mod diagnostics;
mod header;
mod limits;
mod probe;
mod table;
mod words;
mod write;

use std::convert::Infallible;
use std::fmt;

use toml::de::DeTable;

use crate::digest::Digest;
use crate::id::{MitigationId, id_rule};
use crate::mitigation::{Mitigation, Severity};
use crate::problem::Problem;

use diagnostics::Diagnostics;
use limits::SCHEMA;
pub use limits::{
    MAX_ACTIONS, MAX_AFFECTED, MAX_BODY_LIMIT, MAX_DECODES, MAX_DEPTH, MAX_DOCUMENT, MAX_LIST,
    MAX_PROBES, MAX_PROBLEMS, MAX_RANGES, MAX_TESTS, MAX_TEXT,
};
use table::{Item, Table};
pub use write::{NotText, write};

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
/// pattern marked. It is an argument because the pattern engine lives in another crate.
///
/// # Errors
/// Everything that is wrong, at least one problem, sorted by position. The spans are byte ranges
/// of `bytes`; in valid UTF-8 they begin and end between characters.
pub fn parse<E: fmt::Display>(
    bytes: &[u8],
    check_pattern: &dyn Fn(&str) -> Result<(), E>,
) -> Result<Mitigation, Vec<Problem>> {
    let text = text_of(bytes).map_err(|problem| vec![problem])?;
    let (tree, errors) = DeTable::parse_recoverable(text);
    let pattern_trouble = |pattern: &str| check_pattern(pattern).err().map(|e| e.to_string());
    let mut log = Diagnostics::new(text, &errors, &pattern_trouble);
    let top = Table::top(tree.get_ref());
    let mitigation = read(&mut log, &top, Digest::of(bytes));
    let problems = log.finish();
    match mitigation {
        Some(mitigation) if problems.is_empty() => Ok(mitigation),
        _ if problems.is_empty() => Err(vec![Problem::new(0..0, "the document cannot be read")]),
        _ => Err(problems),
    }
}

/// Takes every pattern: for a document whose patterns are checked elsewhere, or not used.
///
/// # Errors
/// None.
pub fn any_pattern(_: &str) -> Result<(), Infallible> {
    Ok(())
}

fn text_of(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > MAX_DOCUMENT {
        let message = format!("the document is {} bytes long", bytes.len());
        let expected = format!("at most {MAX_DOCUMENT} bytes");
        return Err(Problem::new(0..0, message).expected(expected));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        // A text that ends within a character has no length of error.
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

fn read(log: &mut Diagnostics<'_>, top: &Table<'_>, hash: Digest) -> Option<Mitigation> {
    if !schema_is_known(log, top) {
        // What the keys of another schema mean is not known: each would be called unknown.
        return None;
    }
    top.deny_unknown(log, KEYS);
    let id = top
        .required(log, "id", "such as `id = \"CVE-2024-4577\"`")
        .and_then(|item| mitigation_id(log, &item));
    let revision = top
        .required(log, "revision", "such as `revision = 1`")
        .and_then(|item| item.whole_number(log, 1..=i64::from(u32::MAX)))
        .and_then(|number| u32::try_from(number).ok());
    let title = top
        .required(log, "title", "one line that says what it is against")
        .and_then(|item| item.single_line(log));
    let severity = top
        .required(log, "severity", "such as `severity = \"high\"`")
        .and_then(|item| item.keyword(log, SEVERITIES));
    let impact = top
        .required(log, "impact", "what an administrator will notice")
        .and_then(|item| item.single_line(log));
    let cves = top.strings(log, "cves", is_cve, "a CVE id such as `CVE-2024-4577`");
    let references = top.strings(log, "references", is_page, "an address with `https://`");
    let affected = affected::all(log, top);
    // Each part is read before any is missed: an author is told of all that is wrong at once.
    let withdrawn = withdrawn(log, top);
    let reason = withdrawn.as_ref().and_then(|item| item.single_line(log));
    let actions = if withdrawn.is_some() { Vec::new() } else { action::all(log, top, &affected) };
    let probes = probe::all(log, top);
    let no_live_probe = top.get("no_live_probe").and_then(|item| item.single_line(log));
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
fn withdrawn<'a>(log: &mut Diagnostics<'_>, top: &Table<'a>) -> Option<Item<'a>> {
    let withdrawn = top.get("withdrawn")?;
    for item in ["action", "probe"].iter().filter_map(|key| top.get(key)) {
        let message = format!("`{}` is not allowed beside `withdrawn`", item.key);
        let help = "a withdrawn mitigation changes nothing; take the actions and probes out";
        log.report(Problem::new(item.key_span, message).help(help));
    }
    Some(withdrawn)
}

/// Whether the rest can be read. Of another schema nothing can be said but that it is another.
fn schema_is_known(log: &mut Diagnostics<'_>, top: &Table<'_>) -> bool {
    let Some(item) = top.required(log, "schema", "`schema = 1`") else { return true };
    let Some(number) = item.whole_number(log, i64::MIN..=i64::MAX) else { return true };
    if number != SCHEMA {
        let problem = Problem::new(item.span, format!("schema {number} is not known"));
        log.report(problem.expected("`schema = 1`"));
    }
    number == SCHEMA
}

fn mitigation_id(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<MitigationId> {
    item.parsed(log, "an id", &id_rule())
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
