//! `stopgap-publish withdraw`: the next revision of a mitigation says that it is taken back.

use stopgap_model::MitigationId;

use crate::args::Common;
use crate::commands::add::stage_own;
use crate::document::{Head, is_reason, target_of};
use crate::error::PublishError;
use crate::publisher::Publisher;
use crate::stdout::print_words;

pub(crate) fn run(common: &Common, id: &MitigationId, reason: &str) -> Result<u8, PublishError> {
    if !is_reason(reason) {
        let hint = "say in one line why, for the administrators who read it";
        return Err(PublishError::usage("the reason is empty, too long or not one line", hint));
    }
    let publisher = Publisher::open(&common.dir)?;
    let name = target_of(id);
    let files = publisher.files()?;
    let Some(file) = files.get(&name) else {
        let hint = "only what was added can be withdrawn";
        return Err(PublishError::usage(format!("this feed has no mitigation `{id}`"), hint));
    };
    // The tombstone has the next revision, so the present document must be known.
    let bytes = publisher.document(&name, file)?;
    let head = bytes.and_then(|bytes| Head::of(&bytes)).ok_or_else(|| {
        let hint = "put it back from a copy of the folder, or from a mirror";
        PublishError::refused(format!("the document of {id} is not there, or not whole"), hint)
    })?;
    if head.withdrawn.is_some() {
        print_words!("{id} is withdrawn already, by revision {}", head.revision);
        return Ok(0);
    }
    let tombstone = head.tombstone(reason).ok_or_else(|| {
        PublishError::refused(format!("{id} has the highest revision there can be"), "")
    })?;
    let said = format!("revision {}, withdrawn", head.revision + 1);
    stage_own(&publisher, name, tombstone.into_bytes(), said)?;
    Ok(0)
}
