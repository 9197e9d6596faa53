//! Who runs a command, for the records.

/// Returns who runs this process, as Windows has it: `CONTOSO\\alice`, `NT AUTHORITY\\SYSTEM`. The
/// environment is not asked: whoever runs a command can write anything there.
#[must_use]
pub fn caller() -> String {
    stopgap_fs::account()
}
