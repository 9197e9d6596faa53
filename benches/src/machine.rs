//! The machine that the figures are from.

use std::fs;
use std::thread::available_parallelism;

/// The processor's name and how many cores there are.
pub(crate) fn description() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim())
    });
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |n| n.to_string());
    format!("{}, {cores} cores", model.unwrap_or("unknown processor"))
}
