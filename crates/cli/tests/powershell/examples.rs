//! The examples in the module's help and in the pages: parameters that are there, commands that the program takes.

use std::collections::{BTreeMap, BTreeSet};

use clap::Parser as _;

use crate::args::Cli;
use crate::source::Source;

/// What every function of PowerShell has that says `CmdletBinding`.
const COMMON: &[&str] = &["Confirm", "WhatIf", "ErrorAction", "ErrorVariable", "Verbose"];

const PAGES: &[&str] = &["README.md", "docs/from-exchange-em.md", "docs/windows-lab.md"];

fn page(name: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    std::fs::read_to_string(format!("{root}{name}")).unwrap()
}

/// The functions of the module with their parameters and the aliases of these.
fn functions() -> BTreeMap<String, BTreeSet<String>> {
    let mut functions = BTreeMap::new();
    for source in Source::of_module().iter().filter(|it| it.name.contains("Public")) {
        let name = source.each(source.root(), "function_name").into_iter().next().unwrap();
        let list = source.each(source.root(), "parameter_list").into_iter().next().unwrap();
        let mut names = BTreeSet::new();
        for variable in source.each(list, "variable") {
            names.insert(source.text_of(variable).trim_start_matches('$').to_owned());
        }
        for attribute in source.each(list, "attribute") {
            if source.text_of(attribute).starts_with("[Alias(") {
                let literals = source.each(attribute, "verbatim_string_characters");
                let bare = |it| source.text_of(it).trim_matches('\'').to_owned();
                names.extend(literals.into_iter().map(bare));
            }
        }
        functions.insert(source.text_of(name).to_owned(), names);
    }
    functions
}

/// The first line of each example in the help of a file, and in the about topic.
fn of_help(text: &str) -> Vec<String> {
    let mut lines = text.lines().map(str::trim);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line == ".EXAMPLE" {
            found.extend(lines.by_ref().find(|line| !line.is_empty()).map(str::to_owned));
        }
    }
    found
}

/// The code of a page: spans between backticks, and blocks.
fn of_page(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            let lines = part.lines().skip(1);
            found.extend(lines.map(|line| line.split("  #").next().unwrap().trim().to_owned()));
        } else {
            found.extend(part.split('`').skip(1).step_by(2).map(|span| span.replace("\\|", "|")));
        }
    }
    found
}

/// What an example says that is not so.
fn fault(code: &str, functions: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let source = Source::of("example", code);
    for command in source.each(source.root(), "command") {
        let name = command.child_by_field_name("command_name");
        let Some(known) = name.and_then(|name| functions.get(source.text_of(name))) else {
            continue;
        };
        let Some(elements) = command.child_by_field_name("command_elements") else { continue };
        for parameter in source.each(elements, "command_parameter") {
            let text = source.text_of(parameter).trim_start_matches('-');
            let text = text.split(':').next().unwrap();
            if !known.contains(text) && !COMMON.contains(&text) {
                return Some(format!("{code}: no parameter {text}"));
            }
        }
    }
    None
}

#[test]
fn every_example_uses_parameters_that_are_there() {
    let functions = functions();
    let mut examples: Vec<String> =
        Source::of_module().iter().flat_map(|source| of_help(&source.text)).collect();
    examples.extend(PAGES.iter().flat_map(|name| of_page(&page(name))));
    let ours = |code: &&String| functions.keys().any(|name| code.contains(name.as_str()));
    let ours: Vec<&String> = examples.iter().filter(ours).collect();
    assert!(ours.len() > 50, "only {} were found", ours.len());
    let faults: Vec<String> = ours.into_iter().filter_map(|code| fault(code, &functions)).collect();
    assert_eq!(faults, [""; 0]);
    assert!(fault("Get-Mitigation -Idd M1", &functions).is_some());
    assert!(fault("Get-Mitigation M1 | Remove-Mitigation -Force", &functions).is_some());
    // A function that is named and is not there.
    for code in &examples {
        let words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let is_function = |word: &&str| {
            let mut parts = word.split('-');
            let (verb, noun) = (parts.next(), parts.next());
            verb.is_some_and(|verb| verb.starts_with(|c: char| c.is_uppercase()))
                && noun.is_some_and(|noun| noun.starts_with("Mitigation") && parts.next().is_none())
        };
        // `Get-Mitigations.ps1` is a script, `Set-` begins several.
        for word in words.filter(is_function).filter(|word| *word != "Get-Mitigations") {
            assert!(functions.contains_key(word), "{code}: there is no {word}");
        }
    }
}

#[test]
fn every_command_of_the_program_on_the_page_for_exchange_is_one() {
    let text = page("docs/from-exchange-em.md");
    let lines: Vec<String> =
        of_page(&text).into_iter().filter(|line| line.starts_with("stopgap ")).collect();
    assert!(lines.len() >= 2, "{lines:?}");
    for line in lines {
        let read = Cli::try_parse_from(line.split(' '));
        assert!(read.is_ok(), "{line}: {}", read.err().unwrap());
    }
}
