//! Circles between the files of one crate: files each of which stands, over the others, on itself.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{self, Use};
use super::source::{self, Crate};

/// The circles that may be there: a crate, its files, and the reason. A circle is within its
/// exception where it has no other file.
const MAY_BE: &[(&str, &[&str], &str)] = &[(
    "model",
    &[
        "reason/affected.rs",
        "reason/change.rs",
        "reason/found.rs",
        "reason/iis.rs",
        "reason/iis_pool.rs",
        "reason/iis_rule.rs",
        "reason/installed.rs",
        "reason/mod.rs",
        "reason/policy.rs",
        "reason/reload.rs",
        "reason/server.rs",
        "reason/together.rs",
        "reason/web_config.rs",
        "reason/web_rule.rs",
        "reason/webserver.rs",
    ],
    "a reason of a family carries the reasons that it follows from",
)];

/// Files that stand on each other, with every use that ties them.
pub(super) struct Circle {
    /// Paths below the crate's `src/`.
    pub(super) files: Vec<String>,
    /// `file:line uses names of file`, one for each pair of files.
    pub(super) ties: Vec<String>,
}

impl Circle {
    /// Why the circle may be there, where it may.
    pub(super) fn exception(&self, of: &str) -> Option<&'static str> {
        let is_listed =
            |files: &[&str]| self.files.iter().all(|file| files.contains(&file.as_str()));
        let found = MAY_BE.iter().find(|(name, files, _)| *name == of && is_listed(files));
        found.map(|(.., reason)| *reason)
    }
}

/// One line for each circle of the workspace that has no exception.
pub(crate) fn not_listed() -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for sources in source::crates()? {
        for circle in circles(&sources) {
            if circle.exception(&sources.name).is_none() {
                wrong.push(format!(
                    "check-layers: files of `{}` stand on each other: {}\n  {}",
                    sources.name,
                    circle.files.join(", "),
                    circle.ties.join("\n  "),
                ));
            }
        }
    }
    Ok(wrong)
}

/// Finds the circles between the files of a crate.
pub(super) fn circles(sources: &Crate) -> Vec<Circle> {
    let uses = names::uses(sources);
    let count = sources.files.len();
    let mut reaches = vec![vec![false; count]; count];
    for tie in &uses {
        set(&mut reaches, tie.from, tie.to);
    }
    // Warshall's closure: crates have at most some dozens of files.
    for middle in 0..count {
        for from in 0..count {
            if get(&reaches, from, middle) {
                for to in (0..count).filter(|to| get(&reaches, middle, *to)).collect::<Vec<_>>() {
                    set(&mut reaches, from, to);
                }
            }
        }
    }
    let mut circles = Vec::new();
    let mut seen = vec![];
    for from in 0..count {
        // A file that reaches itself is in a circle, with all that it reaches and that reach it.
        if seen.contains(&from) || !get(&reaches, from, from) {
            continue;
        }
        let members: Vec<usize> = (0..count)
            .filter(|other| get(&reaches, from, *other) && get(&reaches, *other, from))
            .collect();
        circles.push(circle(sources, &members, &uses));
        seen.extend(members);
    }
    circles
}

fn get(reaches: &[Vec<bool>], from: usize, to: usize) -> bool {
    reaches.get(from).and_then(|row| row.get(to)).is_some_and(|reached| *reached)
}

fn set(reaches: &mut [Vec<bool>], from: usize, to: usize) {
    if let Some(reached) = reaches.get_mut(from).and_then(|row| row.get_mut(to)) {
        *reached = true;
    }
}

fn circle(sources: &Crate, members: &[usize], uses: &[Use]) -> Circle {
    let path = |file: usize| sources.files.get(file).map_or("", |file| file.path.as_str());
    let inside = |tie: &&Use| members.contains(&tie.from) && members.contains(&tie.to);
    let mut pairs: BTreeMap<(usize, usize), (usize, BTreeSet<&str>)> = BTreeMap::new();
    for tie in uses.iter().filter(inside) {
        let (_, names) = pairs.entry((tie.from, tie.to)).or_insert((tie.line, BTreeSet::new()));
        names.insert(tie.name.trim_start_matches("crate::").trim_start_matches("super::"));
    }
    let ties = pairs.iter().map(|((from, to), (line, names))| {
        let names = names.iter().copied().collect::<Vec<_>>().join(", ");
        format!("{}:{line} uses {names} of {}", path(*from), path(*to))
    });
    Circle {
        files: members.iter().map(|file| path(*file).to_owned()).collect(),
        ties: ties.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let files = files.iter().map(|(path, text)| source::parse(path, (*text).to_owned()));
        let sources = Crate {
            name: "test".to_owned(),
            is_program: false,
            files: files.collect::<Result<_, _>>().unwrap(),
            test_lines: 0,
        };
        circles(&sources).into_iter().map(|circle| circle.files).collect()
    }

    #[test]
    fn two_files_that_import_each_other_are_a_circle() {
        let found = of(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;"),
            ("a.rs", "use crate::b::two;\npub fn one() { two() }"),
            ("b.rs", "pub fn two() { super::a::one(); }"),
            ("c.rs", "use crate::a::one; pub fn three() { one() }"),
        ]);
        assert_eq!(found, [["a.rs", "b.rs"]]);
    }

    #[test]
    fn a_name_is_led_through_re_exports_to_the_file_that_has_it() {
        let found = of(&[
            ("lib.rs", "mod family;"),
            ("family/mod.rs", "mod a;\nmod b;\npub use a::One;\npub use b::*;"),
            ("family/a.rs", "pub struct One(super::Two);"),
            ("family/b.rs", "pub struct Two;\nfn see(one: &crate::family::One) {}"),
        ]);
        assert_eq!(found, [["family/a.rs", "family/b.rs"]]);
    }

    #[test]
    fn a_facade_that_only_re_exports_is_in_no_circle() {
        let found = of(&[
            ("lib.rs", "mod a;\nmod b;\npub use a::One;\npub const LIMIT: u32 = 3;"),
            ("a.rs", "pub struct One;\nconst HERE: u32 = crate::LIMIT;"),
            ("b.rs", "use crate::One;"),
        ]);
        assert_eq!(found, Vec::<Vec<String>>::new());
    }

    #[test]
    fn what_a_macro_uses_counts() {
        let found = of(&[
            ("main.rs", "mod out;\nmod error;"),
            ("out.rs", "macro_rules! say { () => { $crate::error::fail() } }\npub(crate) use say;"),
            ("error.rs", "pub fn fail() { crate::out::say!(); println!(\"{}\", 1) }"),
        ]);
        assert_eq!(found, [["out.rs", "error.rs"]]);
    }

    #[test]
    fn what_is_for_tests_only_is_left_out() {
        let mut a = source::parse(
            "a.rs",
            "pub fn one() {}\n#[cfg(test)]\nmod tests { use crate::b::two; }".to_owned(),
        )
        .unwrap();
        a.test_ranges = vec![(2, 3)];
        let b =
            source::parse("b.rs", "use crate::a::one;\npub fn two() { one() }".to_owned()).unwrap();
        let sources =
            Crate { name: String::new(), is_program: false, files: vec![a, b], test_lines: 0 };
        assert!(circles(&sources).is_empty());
    }
}
