//! What a well-kept module has: exports that are there, help that is whole, views of properties that exist, and
//! nothing that runs text.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::report::State;
use tree_sitter::Node;

use crate::source::{Source, folder};

/// Names without the `$` or the quotation marks.
fn bare(text: &str) -> &str {
    text.trim_matches(['$', '\'', '"'])
}

fn file(name: &str) -> String {
    std::fs::read_to_string(folder().join("Stopgap").join(name)).unwrap()
}

/// The functions that the manifest exports.
fn exported() -> BTreeSet<String> {
    let source = Source::of("Stopgap.psd1", &file("Stopgap.psd1"));
    let entries = source.each(source.root(), "hash_entry");
    let exports =
        entries.into_iter().find(|entry| source.text_of(*entry).starts_with("FunctionsToExport"));
    let literals = source.each(exports.unwrap(), "verbatim_string_characters");
    literals.into_iter().map(|node| bare(source.text_of(node)).to_owned()).collect()
}

fn public() -> Vec<Source> {
    Source::of_module().into_iter().filter(|it| it.name.contains("Public")).collect()
}

#[test]
fn the_manifest_exports_the_public_functions_and_no_other() {
    let mut found = BTreeSet::new();
    for source in public() {
        let functions = source.each(source.root(), "function_name");
        let names: Vec<&str> = functions.iter().map(|node| source.text_of(*node)).collect();
        let stem = source.name.rsplit('/').next().unwrap().strip_suffix(".ps1").unwrap();
        assert_eq!(names, [stem], "{} has one function, of its own name", source.name);
        found.insert(stem.to_owned());
    }
    assert_eq!(exported(), found);
}

/// The parameters of the function of a file.
fn parameters(source: &Source) -> Vec<String> {
    let list = source.each(source.root(), "parameter_list").into_iter().next().unwrap();
    let of = |parameter: Node<'_>| {
        let direct = (0..parameter.named_child_count())
            .filter_map(|at| parameter.named_child(at as u32))
            .find(|child| child.kind() == "variable");
        bare(source.text_of(direct.unwrap())).to_owned()
    };
    let found = source.each(list, "script_parameter");
    found.into_iter().map(of).collect()
}

#[test]
fn every_public_function_and_script_has_its_help() {
    for source in public() {
        let help = source.text.split("#>").next().unwrap();
        for part in [".SYNOPSIS", ".DESCRIPTION", ".EXAMPLE", ".OUTPUTS"] {
            assert!(help.contains(part), "{} has no {part}", source.name);
        }
        let told: Vec<&str> =
            help.lines().filter_map(|line| line.trim().strip_prefix(".PARAMETER ")).collect();
        let (mut told, mut there) =
            (told.into_iter().map(str::to_owned).collect(), parameters(&source));
        let sort = |names: &mut Vec<String>| names.sort();
        sort(&mut told);
        sort(&mut there);
        assert_eq!(told, there, "{}", source.name);
    }
    for script in ["Get-Mitigations.ps1", "Test-MitigationServiceConnectivity.ps1"] {
        let text = file(&format!("Scripts/{script}"));
        assert!(text.contains(".SYNOPSIS") && text.contains(".EXAMPLE"), "{script}");
    }
}

#[test]
fn whoever_changes_something_can_be_asked_what_if() {
    for source in public() {
        let verb = source.name.rsplit('/').next().unwrap().split('-').next().unwrap().to_owned();
        let changes = !matches!(verb.as_str(), "Get" | "Test");
        assert_eq!(source.text.contains("SupportsShouldProcess"), changes, "{}", source.name);
        assert_eq!(source.text.contains(".ShouldProcess("), changes, "{}", source.name);
    }
}

/// Every state's word. A state that is added to the program does not compile here.
fn states() -> BTreeSet<&'static str> {
    let mut words = BTreeSet::new();
    let mut next = Some(State::Unknown);
    while let Some(state) = next {
        words.insert(state.as_str());
        next = match state {
            State::Unknown => Some(State::Conflict),
            State::Conflict => Some(State::Failed),
            State::Failed => Some(State::Drifted),
            State::Drifted => Some(State::Partial),
            State::Partial => Some(State::Applied),
            State::Applied => Some(State::Covered),
            State::Covered => Some(State::Withdrawn),
            State::Withdrawn => Some(State::Blocked),
            State::Blocked => Some(State::Pending),
            State::Pending => Some(State::Unsupported),
            State::Unsupported => Some(State::NotAffected),
            State::NotAffected => None,
        };
    }
    words
}

#[test]
fn the_states_of_the_module_are_those_of_the_program() {
    let source = Source::of("Get-Mitigation.ps1", &file("Public/Get-Mitigation.ps1"));
    let attributes = source.each(source.root(), "attribute");
    let set = attributes.into_iter().find(|it| source.text_of(*it).contains("ValidateSet("));
    let literals = source.each(set.unwrap(), "verbatim_string_characters");
    let there: BTreeSet<&str> = literals.iter().map(|it| bare(source.text_of(*it))).collect();
    assert_eq!(there, states());
}

/// The types of objects that the module makes, each with its properties.
fn types() -> BTreeMap<String, BTreeSet<String>> {
    let mut types = BTreeMap::new();
    for source in Source::of_module() {
        for literal in source.each(source.root(), "hash_literal_body") {
            let mut name = None;
            let mut properties = BTreeSet::new();
            for at in 0..literal.named_child_count() {
                let entry = literal.named_child(at as u32).unwrap();
                if entry.kind() != "hash_entry" {
                    continue;
                }
                let key = source.text_of(entry.named_child(0).unwrap());
                if key == "PSTypeName" {
                    name = Some(bare(source.text_of(entry.named_child(1).unwrap())).to_owned());
                } else {
                    properties.insert(key.to_owned());
                }
            }
            types.extend(name.map(|name| (name, properties)));
        }
    }
    types
}

#[test]
fn every_view_shows_properties_that_are_there() {
    let (types, text) = (types(), file("Formats/Stopgap.Format.ps1xml"));
    let view = roxmltree::Document::parse(&text).unwrap();
    let named = |name: &'static str| view.descendants().filter(move |it| it.has_tag_name(name));
    let mut shown = 0;
    for one in named("View") {
        let below = |name: &'static str| one.descendants().filter(move |it| it.has_tag_name(name));
        let of = below("TypeName").next().unwrap().text().unwrap();
        let properties = types.get(of).unwrap_or_else(|| panic!("nothing makes a {of}"));
        for name in below("PropertyName") {
            let name = name.text().unwrap();
            assert!(properties.contains(name), "{of} has no {name}");
            shown += 1;
        }
        for script in below("ScriptBlock") {
            let name = script.text().unwrap().split("$_.").nth(1).unwrap();
            let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            assert!(properties.contains(name), "{of} has no {name}");
            shown += 1;
        }
        let columns = |name| below(name).count();
        assert_eq!(columns("TableColumnHeader"), columns("TableColumnItem"), "{of}");
    }
    assert!(shown > 20, "{shown}");
}

/// What runs a text as a command, or a program by another way than the one that quotes nothing.
fn runs_text(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for command in source.each(source.root(), "command") {
        let name = command.child_by_field_name("command_name").map(|it| source.text_of(it));
        let forbidden = ["Invoke-Expression", "iex", "Start-Process", "saps", "cmd", "cmd.exe"];
        if name.is_some_and(|name| forbidden.iter().any(|it| it.eq_ignore_ascii_case(name))) {
            found.push(source.place(command));
        }
    }
    let operators = source.each(source.root(), "command_invokation_operator");
    // The module's own files are taken in by `.`, in one place.
    let own = source.name.ends_with("Stopgap.psm1");
    let other = |it: &Node<'_>| !(own && source.text_of(*it) == ".");
    found.extend(operators.into_iter().filter(other).map(|it| source.place(it)));
    found
}

#[test]
fn nothing_runs_a_text() {
    let found: Vec<String> = Source::of_module().iter().flat_map(runs_text).collect();
    assert_eq!(found, [""; 0]);
    let made: Vec<String> = Source::of_module()
        .iter()
        .filter(|source| source.text.to_lowercase().contains("[scriptblock]::create"))
        .map(|source| source.name.clone())
        .collect();
    // From the text of functions of the module alone.
    assert_eq!(made, ["Stopgap/Private/Invoke-Stopgap.ps1"]);
    let wrong = |text: &str| runs_text(&Source::of("x.ps1", text)).len();
    assert_eq!(wrong("Invoke-Expression $text"), 1);
    assert_eq!(wrong("& $program $arguments"), 1);
}
