//! `stopgap-publish add`: documents are checked and staged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use stopgap_fs::read_bounded;
use stopgap_model::problem::one_line;
use stopgap_sign::TargetFile;
use stopgap_terminal::{render, render_finding};

use crate::args::Common;
use crate::document::{Head, MAX_DOCUMENT, POLICY, policy_problem};
use crate::error::PublishError;
use crate::lint::{Finding, Level, lint};
use crate::publisher::Publisher;
use crate::repository::{target, target_file};
use crate::stdout::print_words;

/// A document that is to be staged.
struct New {
    name: String,
    bytes: Vec<u8>,
    /// What to say of it.
    said: String,
}

pub(crate) fn run(common: &Common, paths: &[PathBuf]) -> Result<u8, PublishError> {
    let publisher = Publisher::open(&common.dir)?;
    let mut files = publisher.files()?;
    let mut names: BTreeMap<String, String> = files.keys().map(|name| folded(name)).collect();
    let mut seen = BTreeSet::new();
    let mut added: Vec<New> = Vec::new();
    for path in paths {
        let new = check(path, read_bounded(path, MAX_DOCUMENT)?)?;
        if !seen.insert(new.name.clone()) {
            let message = format!("two of the files are {}", new.name);
            return Err(PublishError::usage(message, "add one of them"));
        }
        // Servers with Windows keep both under one name, and one would hide the other.
        let (key, name) = folded(&new.name);
        let name = names.entry(key).or_insert(name);
        if *name != new.name {
            let message = format!("{} and {} differ in case only", new.name, one_line(name));
            return Err(PublishError::refused(message, "give the mitigation another id"));
        }
        match files.get(&new.name) {
            Some(before) if *before == TargetFile::of(&new.bytes) => {
                print_words!("{} is there already, the same", new.name);
            }
            Some(before) => {
                require_forward(&publisher, before, &new)?;
                added.push(new);
            }
            None => added.push(new),
        }
    }
    // Only here, so that one bad file keeps all of them from being staged.
    stage(&publisher, &mut files, &added)?;
    Ok(0)
}

/// Checks one file by itself.
fn check(path: &Path, bytes: Vec<u8>) -> Result<New, PublishError> {
    let shown = path.display().to_string();
    if path.file_name().is_some_and(|name| name == POLICY) {
        if let Some(problem) = policy_problem(&bytes) {
            return Err(PublishError::Document { rendered: render(&shown, &bytes, &[problem]) });
        }
        return Ok(New { name: POLICY.into(), bytes, said: "the organisation's policy".into() });
    }
    require_clean(&shown, &bytes)?;
    let head = Head::of(&bytes).ok_or_else(|| {
        PublishError::refused(format!("{shown} is not a mitigation document"), "see its format")
    })?;
    let said = match head.withdrawn {
        Some(_) => format!("revision {}, withdrawn", head.revision),
        None => format!("revision {}", head.revision),
    };
    Ok(New { name: head.target(), bytes, said })
}

/// Refuses a document with an error; warnings are told.
fn require_clean(name: &str, bytes: &[u8]) -> Result<(), PublishError> {
    let (errors, warnings): (Vec<Finding>, Vec<Finding>) =
        lint(name, bytes).into_iter().partition(|finding| finding.level == Level::Error);
    let rendered = |findings: &[Finding], is_error| {
        let one = |finding: &Finding| {
            render_finding(name, bytes, &finding.problem, finding.name, is_error)
        };
        findings.iter().map(one).collect::<Vec<_>>().join("\n\n")
    };
    if !errors.is_empty() {
        return Err(PublishError::Document { rendered: rendered(&errors, true) });
    }
    if !warnings.is_empty() {
        anstream::eprintln!("{}", rendered(&warnings, false));
    }
    Ok(())
}

/// A name as Windows compares names, and as it is.
fn folded(name: &str) -> (String, String) {
    (name.to_ascii_lowercase(), name.to_owned())
}

/// Refuses a document that goes back, or is a revision with other content.
fn require_forward(
    publisher: &Publisher,
    before: &TargetFile,
    new: &New,
) -> Result<(), PublishError> {
    if new.name == POLICY {
        return Ok(());
    }
    let bytes = publisher.document(&new.name, before)?;
    let old = bytes.and_then(|bytes| Head::of(&bytes)).ok_or_else(|| {
        let place = publisher.path().join(target(&new.name, before.sha256));
        let message = format!("{} is not there, or not whole", place.display());
        PublishError::refused(message, "put it back from a copy of the folder, or from a mirror")
    })?;
    let revision = Head::of(&new.bytes).map_or(0, |head| head.revision);
    if revision > old.revision {
        return Ok(());
    }
    let message = match revision == old.revision {
        true => format!("{} has revision {revision} already, with other content", new.name),
        false => format!("{} has revision {}, and this is {revision}", new.name, old.revision),
    };
    Err(PublishError::refused(
        message,
        format!("write `revision = {}`", old.revision.saturating_add(1)),
    ))
}

/// Writes the documents, and stages metadata that names them.
fn stage(
    publisher: &Publisher,
    files: &mut BTreeMap<String, TargetFile>,
    added: &[New],
) -> Result<(), PublishError> {
    if added.is_empty() {
        print_words!("nothing new was staged");
        return Ok(());
    }
    let dir = publisher.repository.dir();
    for folder in ["mitigations", "targets"] {
        dir.create_dir(folder)?;
    }
    let mut kept = Vec::new();
    let mut shown = Vec::new();
    for new in added {
        let file = TargetFile::of(&new.bytes);
        kept.push((target_file(&new.name, file.sha256), new.bytes.clone()));
        shown.push((new.name.clone(), new.bytes.clone()));
        files.insert(new.name.clone(), file);
    }
    // The documents come before the metadata that names them: a crash in between leaves files that
    // nothing names, and no metadata without its files.
    dir.write_batch("targets", &kept)?;
    dir.write_batch("mitigations", &shown)?;
    let version = publisher.stage_files(files, Timestamp::now())?;
    for new in added {
        print_words!("staged {}, {}", new.name, new.said);
    }
    print_words!("targets {version} waits for signatures: stopgap-publish sign targets --key FILE");
    Ok(())
}

/// Stages one document that this program wrote.
pub(crate) fn stage_own(
    publisher: &Publisher,
    name: String,
    bytes: Vec<u8>,
    said: String,
) -> Result<(), PublishError> {
    require_clean(&name, &bytes)?;
    let mut files = publisher.files()?;
    stage(publisher, &mut files, &[New { name, bytes, said }])
}
