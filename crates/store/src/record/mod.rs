//! The form of a change record on the disk, which is the record's own: no name in another crate may
//! change what an older version wrote. Each schema number has one reader, which stays.

mod v1;

use serde::Deserialize;

use crate::change::Change;
use crate::error::{StoreError, unreadable};

/// The newest schema that is read. Schema 2 has steps of services beside all that schema 1 has, and is
/// written only where there is one: older programs read all other records, and refuse that one.
pub(crate) const SCHEMA: u32 = 2;

/// What every record of every schema has.
#[derive(Deserialize)]
struct Numbered {
    schema: u32,
}

/// The record in these bytes.
///
/// # Errors
/// A newer program wrote it, or nobody did.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Change, StoreError> {
    // Only where the usual reader does not take it, its number is looked at: records are long.
    let why = match serde_json::from_slice::<v1::Change>(bytes) {
        Ok(record) if (1..=SCHEMA).contains(&record.schema) => return Ok(record.into()),
        Ok(_) => None,
        Err(why) => Some(why),
    };
    match (serde_json::from_slice::<Numbered>(bytes), why) {
        (Ok(Numbered { schema }), _) if schema > SCHEMA => {
            Err(StoreError::Newer { file: file.to_owned(), schema, known: SCHEMA })
        }
        (_, Some(why)) => Err(unreadable(file, &why)),
        (_, None) => Err(unreadable(file, &"there is no such schema")),
    }
}

/// A record as it is written.
///
/// # Errors
/// None that is known: what a record is made of can be written.
pub(crate) fn write(change: &Change) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec_pretty(&v1::Change::from(change.clone()))
}
