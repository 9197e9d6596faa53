//! `cargo xtask house`: what the code is like, measured from the code itself.

mod circles;
mod measure;
mod names;
mod source;

use circles::{Circle, circles};
use measure::{At, Measures, measure};
use source::{Crate, SourceFile};

use crate::layers;

pub(crate) use circles::not_listed as circles_not_listed;

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 45;
/// Comment lines for 1,000 lines of code in long bodies.
const FEWEST_COMMENTS: usize = 30;

/// Prints the table of all crates and which targets are met; of one crate, what misses them.
pub(crate) fn print(only: Option<&str>) -> Result<(), String> {
    let mut measured = Vec::new();
    for sources in source::crates()? {
        if only.is_none_or(|only| sources.name == only) {
            measured.push(Measured::of(sources));
        }
    }
    if measured.is_empty() {
        return Err(format!("no crate has the name `{}`", only.unwrap_or_default()));
    }
    println!("{}", table(&measured));
    match only {
        Some(_) => measured.iter().for_each(print_offenders),
        None => {
            print_circles(&measured);
            print_targets(&measured)?;
        }
    }
    Ok(())
}

/// Everything that is known of one crate.
struct Measured {
    sources: Crate,
    circles: Vec<Circle>,
    /// One for each source file.
    files: Vec<Measures>,
}

impl Measured {
    fn of(sources: Crate) -> Self {
        let measures = |file| measure(file, sources.is_program);
        let files = sources.files.iter().map(measures).collect();
        let circles = circles(&sources);
        Self { sources, circles, files }
    }

    fn pairs(&self) -> impl Iterator<Item = (&SourceFile, &Measures)> {
        self.sources.files.iter().zip(&self.files)
    }

    /// The length of every file, tests in it left out.
    fn file_lines(&self) -> Vec<usize> {
        self.sources.files.iter().map(code_lines).collect()
    }

    fn function_lines(&self) -> Vec<usize> {
        let functions = self.files.iter().flat_map(|file| &file.functions);
        functions.map(|(_, lines)| *lines).collect()
    }

    fn count(&self, of: impl Fn(&Measures) -> usize) -> usize {
        self.files.iter().map(of).sum()
    }

    /// Comment lines for 1,000 lines of code in long bodies; none where no body is long.
    fn comments(&self) -> Option<usize> {
        per_thousand(self.count(|file| file.comment_lines), self.count(|file| file.code_lines))
    }

    /// Lines of test for 100 lines of code.
    fn tested(&self) -> usize {
        let code: usize = self.file_lines().iter().sum();
        (self.sources.test_lines * 100).checked_div(code).unwrap_or(0)
    }
}

fn code_lines(file: &SourceFile) -> usize {
    file.lines() - file.test_lines()
}

fn per_thousand(part: usize, whole: usize) -> Option<usize> {
    (part * 1000).checked_div(whole)
}

/// The number that `hundredths` of the numbers do not exceed.
fn percentile(mut numbers: Vec<usize>, hundredths: usize) -> usize {
    numbers.sort_unstable();
    let at = (numbers.len() * hundredths).div_ceil(100).saturating_sub(1);
    numbers.get(at).copied().unwrap_or(0)
}

const HEADINGS: [&str; 13] = [
    "crate",
    "files",
    "lines",
    "median",
    "largest",
    "fns",
    "median",
    "p99",
    "largest",
    "circles",
    "string errors",
    "indexes",
    "undocumented",
];

fn table(measured: &[Measured]) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
    if let Some(row) = rows.first_mut() {
        row.extend(["comments/1,000", "tests/line"].map(str::to_owned));
    }
    for of in measured {
        rows.push(row(of));
    }
    if measured.len() > 1 {
        rows.push(total(measured));
    }
    // A column is as wide as its widest cell.
    let width = |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.len())).max();
    let widths: Vec<usize> = (0..).map_while(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(of: &Measured) -> Vec<String> {
    let counts = [
        of.circles.len(),
        of.count(|file| file.string_errors.len()),
        of.count(|file| file.indexes.len()),
        of.count(|file| file.undocumented.len()),
    ];
    cells(
        &of.sources.name,
        &of.file_lines(),
        &of.function_lines(),
        counts,
        of.comments(),
        of.tested(),
    )
}

fn total(measured: &[Measured]) -> Vec<String> {
    let files: Vec<usize> = measured.iter().flat_map(Measured::file_lines).collect();
    let functions: Vec<usize> = measured.iter().flat_map(Measured::function_lines).collect();
    let sum = |of: &dyn Fn(&Measures) -> usize| measured.iter().map(|one| one.count(of)).sum();
    let counts = [
        measured.iter().map(|one| one.circles.len()).sum(),
        sum(&|file| file.string_errors.len()),
        sum(&|file| file.indexes.len()),
        sum(&|file| file.undocumented.len()),
    ];
    let comments = per_thousand(sum(&|file| file.comment_lines), sum(&|file| file.code_lines));
    let tests: usize = measured.iter().map(|one| one.sources.test_lines).sum();
    let tested = (tests * 100).checked_div(files.iter().sum()).unwrap_or(0);
    cells("all", &files, &functions, counts, comments, tested)
}

fn cells(
    name: &str,
    files: &[usize],
    functions: &[usize],
    counts: [usize; 4],
    comments: Option<usize>,
    tested: usize,
) -> Vec<String> {
    let mut cells = vec![name.to_owned()];
    let numbers = [
        files.len(),
        files.iter().sum(),
        percentile(files.to_vec(), 50),
        files.iter().copied().max().unwrap_or(0),
        functions.len(),
        percentile(functions.to_vec(), 50),
        percentile(functions.to_vec(), 99),
        functions.iter().copied().max().unwrap_or(0),
    ];
    cells.extend(numbers.iter().chain(&counts).map(ToString::to_string));
    cells.push(comments.map_or_else(|| "-".to_owned(), |comments| comments.to_string()));
    cells.push(format!("{}.{:02}", tested / 100, tested % 100));
    cells
}

fn print_circles(measured: &[Measured]) {
    println!("\ncircles between the files of one crate:");
    for of in measured {
        for circle in &of.circles {
            let name = &of.sources.name;
            let reason = circle.exception(name).unwrap_or("NOT LISTED");
            println!("  {name}: {} ({reason})", circle.files.join(", "));
        }
    }
}

fn print_targets(measured: &[Measured]) -> Result<(), String> {
    let all = |of: &dyn Fn(&Measures) -> usize| -> usize {
        measured.iter().map(|one| one.count(of)).sum()
    };
    let unlisted = |one: &Measured| {
        one.circles.iter().filter(|circle| circle.exception(&one.sources.name).is_none()).count()
    };
    let unlisted: usize = measured.iter().map(unlisted).sum();
    let functions = percentile(measured.iter().flat_map(Measured::function_lines).collect(), 99);
    let long_files = measured.iter().flat_map(Measured::file_lines);
    let long_files = long_files.filter(|lines| *lines > LONGEST_FILE).count();
    let comments =
        per_thousand(all(&|file| file.comment_lines), all(&|file| file.code_lines)).unwrap_or(0);
    let undocumented = all(&|file| file.undocumented.len());
    println!("\ntargets:");
    let target = |text: String, is_met: bool| {
        println!("  {} {text}", if is_met { "met   " } else { "MISSED" });
    };
    let wrong = layers::wrong()?.len();
    target(
        format!("{wrong} wrong arrows between crates, or uses of the world in pure ones (0)"),
        wrong == 0,
    );
    target(format!("{unlisted} circles that are not listed (0)"), unlisted == 0);
    target(
        format!("99 of 100 functions have at most {functions} lines ({LONGEST_FUNCTION})"),
        functions <= LONGEST_FUNCTION,
    );
    target(format!("{long_files} files of more than {LONGEST_FILE} lines (0)"), long_files == 0);
    for plan in measured.iter().filter(|one| one.sources.name == "plan") {
        let tested = plan.tested();
        let text =
            format!("{}.{:02} lines of test for a line of plan (1)", tested / 100, tested % 100);
        target(text, tested >= 100);
    }
    target(
        format!("{undocumented} public items without a word of documentation (0)"),
        undocumented == 0,
    );
    target(
        format!("{comments} comment lines for 1,000 lines in long bodies ({FEWEST_COMMENTS})"),
        comments >= FEWEST_COMMENTS,
    );
    Ok(())
}

/// Prints what of a crate misses a target, each with its place.
fn print_offenders(of: &Measured) {
    let folder = match of.sources.name.as_str() {
        name @ ("benches" | "parity" | "xtask") => format!("{name}/src"),
        name => format!("crates/{name}/src"),
    };
    for circle in &of.circles {
        let reason = circle.exception(&of.sources.name).unwrap_or("NOT LISTED");
        println!("\ncircle: {} ({reason})", circle.files.join(", "));
        circle.ties.iter().for_each(|tie| println!("  {tie}"));
    }
    let files = of.pairs().map(|(file, _)| (file, code_lines(file)));
    for (file, lines) in files.filter(|(_, lines)| *lines > LONGEST_FILE) {
        println!("\n{folder}/{}: {lines} lines", file.path);
    }
    let mut long = Vec::new();
    for (file, measures) in of.pairs() {
        let functions = measures.functions.iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION);
        long.extend(functions.map(|(at, lines)| (*lines, file, at)));
    }
    long.sort_by_key(|(lines, ..)| std::cmp::Reverse(*lines));
    heading("functions of more than 45 lines", long.len());
    for (lines, file, at) in long {
        println!("  {folder}/{}:{} {} ({lines})", file.path, at.line, at.what);
    }
    list("Result<_, String>", &folder, of, |file| &file.string_errors);
    list("index expressions", &folder, of, |file| &file.indexes);
    list("undocumented public items", &folder, of, |file| &file.undocumented);
    println!("\ncomment lines, lines of code, in bodies of more than 15 lines:");
    for (file, measures) in of.pairs().filter(|(_, measures)| measures.code_lines > 0) {
        println!(
            "  {:>4} {:>5}  {folder}/{}",
            measures.comment_lines, measures.code_lines, file.path
        );
    }
}

fn heading(what: &str, count: usize) {
    if count > 0 {
        println!("\n{what}: {count}");
    }
}

fn list(what: &str, folder: &str, of: &Measured, which: impl Fn(&Measures) -> &Vec<At>) {
    heading(what, of.count(|file| which(file).len()));
    for (file, measures) in of.pairs() {
        for at in which(measures) {
            println!("  {folder}/{}:{} {}", file.path, at.line, at.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(text: &str) -> Measures {
        measure(&source::parse("a.rs", text.to_owned()).unwrap(), false)
    }

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        assert_eq!(percentile((1..=100).collect(), 99), 99);
        assert_eq!(percentile(vec![7, 3, 5], 50), 5);
        assert_eq!(percentile(vec![7], 99), 7);
        assert_eq!(percentile(Vec::new(), 50), 0);
    }

    #[test]
    fn errors_indexes_and_public_items_without_a_word_are_found() {
        let found = measures(
            "pub struct Said;\n/// Says.\nimpl Said {\n    pub fn at(&self, all: &[u8]) -> Result<u8, String> {\n        println!(\"{}\", all[1]);\n        Ok(all[0])\n    }\n}\n",
        );
        assert_eq!(found.indexes.iter().map(|at| at.line).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(found.string_errors.len(), 1);
        let undocumented: Vec<_> = found.undocumented.iter().map(|at| at.what.as_str()).collect();
        assert_eq!(undocumented, ["Said", "Said::at"]);
        let (at, lines) = found.functions.first().unwrap();
        assert_eq!((at.line, at.what.as_str(), *lines), (4, "Said::at", 4));
    }

    #[test]
    fn only_comments_in_long_bodies_count() {
        let short = "fn short() {\n    // Why.\n    one();\n}\n";
        let long = format!("fn long() {{\n    // Why.\n{}}}\n", "    one();\n".repeat(19));
        let found = measures(&format!("{short}{long}"));
        assert_eq!((found.comment_lines, found.code_lines), (1, 19));
    }
}
