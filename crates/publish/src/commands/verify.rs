//! `stopgap-publish verify`: everything that a server checks, and every target.

use std::path::Path;

use crate::args::Common;
use crate::error::{PublishError, REFUSED};
use crate::json::{self, CheckObject, VerifyObject};
use crate::output::{counted, time};
use crate::stdout::print_words;
use crate::verified_repository::{Metadata, VerifiedRepository, open};

pub(crate) fn run(common: &Common, place: &str, root: &Path) -> Result<u8, PublishError> {
    let found = check(place, root);
    if !common.json {
        for (name, detail) in found? {
            print_words!("{name:9} {detail}");
        }
        print_words!("{place}: good");
        return Ok(0);
    }
    let check = |(name, detail), ok| CheckObject { name, ok, detail };
    let (ok, checks) = match found {
        Ok(found) => (true, found.into_iter().map(|line| check(line, true)).collect()),
        Err(error) if error.code() == REFUSED => {
            (false, vec![check(("feed".to_owned(), error.sentence()), false)])
        }
        Err(error) => return Err(error),
    };
    json::print(&VerifyObject { ok, checks });
    Ok(if ok { 0 } else { REFUSED })
}

/// One line for each role, and one for the targets.
fn check(place: &str, root: &Path) -> Result<Vec<(String, String)>, PublishError> {
    let visit = VerifiedRepository::of(&open(place)?, root)?;
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
