//! `stopgap-publish lint`: what review of a document misses.

use std::path::{Path, PathBuf};

use stopgap_fs::{FsError, read_bounded};
use stopgap_model::document::MAX_DOCUMENT;
use stopgap_terminal::render_finding;

use crate::args::Lint;
use crate::error::{ATTENTION, PublishError};
use crate::json::{self, FindingObject, LintObject};
use crate::lint::{Finding, Level, against, lint};
use crate::stdout::print_line;

/// The most documents that a folder of earlier ones may hold.
const MAX_DOCUMENTS: usize = 10_000;

pub(crate) fn run(arguments: &Lint, as_json: bool) -> Result<u8, PublishError> {
    let earlier = match &arguments.against {
        Some(folder) => folder_of(folder)?,
        None => Vec::new(),
    };
    let mut documents = Vec::new();
    for file in &arguments.files {
        let (name, bytes) = (file.display().to_string(), read(file)?);
        let mut findings = lint(&name, &bytes);
        findings.extend(against(&bytes, &earlier));
        documents.push((name, bytes, findings));
    }
    let of_level = |level| {
        let findings = documents.iter().flat_map(|(_, _, findings)| findings);
        findings.filter(|finding| finding.level == level).count()
    };
    let (errors, warnings) = (of_level(Level::Error), of_level(Level::Warning));
    if as_json {
        let findings = documents.iter().flat_map(as_objects).collect();
        json::print(&LintObject { findings, errors, warnings });
    } else {
        for (name, bytes, findings) in &documents {
            findings.iter().for_each(|finding| show(name, bytes, finding));
        }
        print_line!("{}", summary(documents.len(), errors, warnings));
    }
    Ok(if errors == 0 { 0 } else { ATTENTION })
}

fn summary(documents: usize, errors: usize, warnings: usize) -> String {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
    format!("{}: {errors}, {warnings}", counted(documents, "document"))
}

fn show(name: &str, bytes: &[u8], finding: &Finding) {
    let is_error = finding.level == Level::Error;
    print_line!("{}\n", render_finding(name, bytes, &finding.problem, finding.name, is_error));
}

fn as_objects((name, bytes, findings): &(String, Vec<u8>, Vec<Finding>)) -> Vec<FindingObject> {
    let object = |finding: &Finding| {
        let (line, column) = place(bytes, finding.problem.span.start);
        FindingObject {
            file: name.clone(),
            line,
            column,
            level: finding.level.as_str(),
            name: finding.name,
            aliases: finding.former_names(),
            message: finding.problem.message.clone(),
            expected: finding.problem.expected.clone(),
            help: finding.problem.help.clone(),
        }
    };
    findings.iter().map(object).collect()
}

/// Line and column of a byte, from 1; the column counts characters.
fn place(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let in_line = before.get(start..).unwrap_or_default();
    (line, String::from_utf8_lossy(in_line).chars().count() + 1)
}

/// A document's bytes. One that is too long is read as one byte more than is allowed, so that the
/// reader of the document says what is wrong.
fn read(file: &Path) -> Result<Vec<u8>, PublishError> {
    match read_bounded(file, MAX_DOCUMENT as u64) {
        Err(FsError::TooLarge { .. }) => Ok(vec![b'#'; MAX_DOCUMENT + 1]),
        read => Ok(read?),
    }
}

/// The documents `*.toml` in a folder.
fn folder_of(folder: &Path) -> Result<Vec<Vec<u8>>, PublishError> {
    let wrong = |why: std::io::Error| {
        let message = format!("the folder {} cannot be read: {why}", folder.display());
        PublishError::usage(message, "name a folder with earlier documents: --against DIR")
    };
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            files.push(path);
        }
        if files.len() > MAX_DOCUMENTS {
            let message = format!("{} holds more than {MAX_DOCUMENTS} documents", folder.display());
            return Err(PublishError::usage(message, "name the folder of one feed's documents"));
        }
    }
    // In one order, so that the same folder always gives the same findings.
    files.sort();
    files.iter().map(|file| read(file)).collect()
}
