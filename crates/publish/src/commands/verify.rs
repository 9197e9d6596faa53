//! `stopgap-publish verify`: everything that a server checks, and every target.

use std::path::Path;

use serde_json::{Value, json};

use crate::args::Common;
use crate::error::{PublishError, REFUSED};
use crate::output::{counted, print_json, time};
use crate::visit::{Metadata, Visit, open};

pub(crate) fn run(common: &Common, place: &str, root: &Path) -> Result<u8, PublishError> {
    let found = check(place, root);
    if !common.json {
        for (name, detail) in found? {
            tell!("{name:9} {detail}");
        }
        tell!("{place}: good");
        return Ok(0);
    }
    let check =
        |name: &str, ok: bool, detail: &str| json!({"name": name, "ok": ok, "detail": detail});
    let (ok, checks): (bool, Vec<Value>) = match found {
        Ok(found) => (true, found.iter().map(|(name, detail)| check(name, true, detail)).collect()),
        Err(error) if error.code() == REFUSED => {
            (false, vec![check("feed", false, &error.sentence())])
        }
        Err(error) => return Err(error),
    };
    print_json(json!({"ok": ok, "checks": checks}));
    Ok(if ok { 0 } else { REFUSED })
}

/// One line for each role, and one for the targets.
fn check(place: &str, root: &Path) -> Result<Vec<(String, String)>, PublishError> {
    let visit = Visit::of(&open(place)?, root)?;
    let root = visit.root();
    let mut lines: Vec<(String, String)> =
        [&root].into_iter().chain(&visit.metadata).map(line).collect();
    let targets = visit.targets(|_| true)?;
    let bytes: u64 = targets.iter().map(|(file, _)| file.length).sum();
    lines.push(("files".into(), format!("{}, {bytes} bytes", counted(targets.len(), "target"))));
    Ok(lines)
}

fn line(metadata: &Metadata) -> (String, String) {
    let until = metadata.expires().map_or_else(|| "no expiry".into(), time);
    (metadata.role.clone(), format!("{:>4}  until {until}", metadata.version))
}
