//! The lines that are printed: a figure, its target, whether it was reached.

use std::process::ExitCode;

/// What a figure must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

/// What was measured so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    missed: usize,
}

impl Report {
    /// Prints a figure that has a target.
    pub(crate) fn figure(&mut self, name: &str, value: f64, unit: &str, target: Target) {
        let (reached, sign, bound) = match target {
            Target::AtMost(bound) => (value <= bound, "<=", bound),
            Target::AtLeast(bound) => (value >= bound, ">=", bound),
        };
        let verdict = if reached { "reached" } else { "NOT REACHED" };
        self.missed += usize::from(!reached);
        let (value, bound) = (number(value), number(bound));
        println!("{name:<52} {value:>12} {unit:<4} target {sign} {bound:>9} {unit:<4} {verdict}");
    }

    /// Prints a figure that is only told.
    pub(crate) fn remark(&self, name: &str, value: f64, unit: &str) {
        println!("{name:<52} {:>12} {unit}", number(value));
    }

    /// Success if every target was reached.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A number with as many digits as say something.
fn number(value: f64) -> String {
    if value >= 1000.0 {
        let digits = format!("{value:.0}");
        let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
        return groups.collect::<Vec<_>>().join(",");
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The middle one of an odd number of figures.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
