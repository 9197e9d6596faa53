//! The form of `standing.json` on the disk, apart from the type that the program works with: whoever renames a
//! field there does not change what an older version wrote.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::FeedsError;
use crate::status::FetchStatus;

/// The schema that is written, which is the newest that is read. It stands in no file of schema 1: programs of
/// before there were numbers read those, too.
const SCHEMA: u32 = 1;

/// What every file of every schema may have.
#[derive(Deserialize)]
struct Numbered {
    #[serde(default = "first_schema")]
    schema: u32,
}

fn first_schema() -> u32 {
    1
}

/// Schema 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusV1 {
    #[serde(default, skip_serializing)]
    #[allow(dead_code, reason = "it was looked at before the rest was read")]
    schema: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tried: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    succeeded: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    stale_days: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_policy: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(days: &u32) -> bool {
    *days == 0
}

/// Returns the fetch status in the bytes of `file`.
///
/// # Errors
/// A newer program wrote it, or it cannot be read.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<FetchStatus, FeedsError> {
    let wrong = |error: serde_json::Error| FeedsError::unreadable(file, &error);
    // The number first: what else a newer program writes is not known here.
    let Numbered { schema } = serde_json::from_slice(bytes).map_err(wrong)?;
    match schema {
        SCHEMA => Ok(serde_json::from_slice::<StatusV1>(bytes).map_err(wrong)?.into()),
        newer if newer > SCHEMA => {
            Err(FeedsError::Newer { file: file.to_owned(), schema, known: SCHEMA })
        }
        _ => Err(FeedsError::unreadable(file, &"there is no such schema")),
    }
}

/// Returns a fetch status as it is written.
///
/// # Errors
/// None that is known: what it is made of can be written.
pub(crate) fn write(status: &FetchStatus) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec_pretty(&StatusV1::from(status.clone()))
}

impl From<StatusV1> for FetchStatus {
    fn from(it: StatusV1) -> Self {
        let StatusV1 { tried, succeeded, failure, stale_days, has_policy, schema: _ } = it;
        Self { tried, succeeded, failure, stale_days, has_policy }
    }
}

impl From<FetchStatus> for StatusV1 {
    fn from(it: FetchStatus) -> Self {
        let FetchStatus { tried, succeeded, failure, stale_days, has_policy } = it;
        Self { schema: SCHEMA, tried, succeeded, failure, stale_days, has_policy }
    }
}
