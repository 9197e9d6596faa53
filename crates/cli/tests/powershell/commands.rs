//! The command lines that the module makes, given to the program's own parser.

use std::collections::BTreeSet;

use clap::{CommandFactory as _, Parser as _};
use tree_sitter::Node;

use crate::args::Cli;
use crate::source::Source;

/// A call of `Invoke-Stopgap`.
struct Call {
    place: String,
    command: String,
    options: Vec<String>,
    has_ids: bool,
}

impl Call {
    /// Every command line that it can be: without options, with each, with all.
    fn lines(&self) -> Vec<Vec<String>> {
        let mut choices: Vec<Vec<String>> = vec![Vec::new(), self.options.clone()];
        choices.extend(self.options.iter().map(|option| vec![option.clone()]));
        let line = |options: Vec<String>| {
            let head = ["stopgap", "--json", &self.command].map(str::to_owned);
            // Good as an id of a mitigation, and as the name of a feed.
            let ids = if self.has_ids { vec!["--", "m1"] } else { Vec::new() };
            let ids = ids.into_iter().map(str::to_owned);
            head.into_iter().chain(options).chain(ids).collect()
        };
        choices.into_iter().map(line).collect()
    }

    /// Why the program would not take it.
    fn fault(&self) -> Option<String> {
        let refused = |line: Vec<String>| {
            let error = Cli::try_parse_from(&line).err()?;
            Some(format!("{}: {}: {error}", self.place, line.join(" ")))
        };
        self.lines().into_iter().find_map(refused)
    }
}

/// The parameters of a command with the nodes of their values.
fn parameters<'a>(source: &Source, command: Node<'a>) -> Vec<(String, Node<'a>)> {
    let mut found = Vec::new();
    let Some(elements) = command.child_by_field_name("command_elements") else { return found };
    let mut name = None;
    for at in 0..elements.named_child_count() {
        let node = elements.named_child(at as u32).unwrap();
        match node.kind() {
            "command_argument_sep" => {}
            "command_parameter" => name = Some(source.text_of(node).to_owned()),
            _ => found.extend(name.take().map(|name| (name, node))),
        }
    }
    found
}

/// The calls of a command by its name.
pub(crate) fn calls<'a>(
    source: &Source,
    within: Node<'a>,
    name: &str,
) -> Vec<(Node<'a>, Vec<(String, Node<'a>)>)> {
    let is_it = |command: &Node<'a>| {
        let said = command.child_by_field_name("command_name");
        said.is_some_and(|said| source.text_of(said) == name)
    };
    let commands = source.each(within, "command").into_iter().filter(is_it);
    commands.map(|command| (command, parameters(source, command))).collect()
}

/// The value of a parameter as a plain text, without its quotation marks.
pub(crate) fn text_of_parameter<'a>(
    source: &'a Source,
    parameters: &[(String, Node<'_>)],
    name: &str,
) -> Option<&'a str> {
    let (_, node) = parameters.iter().find(|(known, _)| known == name)?;
    Some(source.text_of(*node).trim_matches('\''))
}

/// A text of options with a sample in the place of what is put into it.
fn sample(literal: &str) -> String {
    let inner = &literal.trim_matches(['"', '\'']);
    match inner.split_once('$') {
        Some((option, _)) => format!("{option}why"),
        None => (*inner).to_owned(),
    }
}

/// The options that are written in a node, or in the function that it calls.
fn options_in(source: &Source, node: Node<'_>, all: &[Source], found: &mut BTreeSet<String>) {
    for literal in source.each(node, "string_literal") {
        let text = sample(source.text_of(literal));
        if text.starts_with("--") && text.len() > 2 {
            found.insert(text);
        }
    }
    for command in source.each(node, "command_name") {
        let name = source.text_of(command);
        for other in all {
            for function in other.each(other.root(), "function_statement") {
                let is_it = other.each(function, "function_name");
                if is_it.first().is_some_and(|node| other.text_of(*node) == name) {
                    options_in(other, function, &[], found);
                }
            }
        }
    }
}

/// The options that a value can have: written there, or in what is assigned to a variable of this name in the
/// same function.
fn options_of(source: &Source, value: Node<'_>, all: &[Source]) -> Vec<String> {
    let mut found = BTreeSet::new();
    options_in(source, value, all, &mut found);
    let variable = source.text_of(value);
    let mut function = value;
    while let Some(parent) = function.parent().filter(|_| function.kind() != "function_statement") {
        function = parent;
    }
    for assignment in source.each(function, "assignment_expression") {
        let left = assignment.child(0).unwrap();
        if source.text_of(left).trim() == variable {
            options_in(source, assignment, all, &mut found);
        }
    }
    found.into_iter().collect()
}

fn calls_of(source: &Source, all: &[Source]) -> Vec<Call> {
    let call = |(node, parameters): (Node<'_>, Vec<(String, Node<'_>)>)| {
        let value = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|it| it.1);
        let command = text_of_parameter(source, &parameters, "-Command").unwrap_or_default();
        Call {
            place: source.place(node),
            command: command.to_owned(),
            options: value("-Option").map_or(Vec::new(), |node| options_of(source, node, all)),
            has_ids: value("-Id").is_some(),
        }
    };
    calls(source, source.root(), "Invoke-Stopgap").into_iter().map(call).collect()
}

#[test]
fn the_program_takes_every_command_line_of_the_module() {
    let sources = Source::of_module();
    let calls: Vec<Call> = sources.iter().flat_map(|source| calls_of(source, &sources)).collect();
    let commands: BTreeSet<&str> = calls.iter().map(|call| call.command.as_str()).collect();
    // Also that they are found at all.
    let expected = [
        "block",
        "check",
        "disable",
        "enable",
        "list",
        "reapply",
        "remove",
        "show",
        "status",
        "test-connectivity",
        "unblock",
    ];
    assert_eq!(commands, BTreeSet::from(expected));
    let options: BTreeSet<&str> =
        calls.iter().flat_map(|call| &call.options).map(String::as_str).collect();
    assert_eq!(options, BTreeSet::from(["--dry-run", "--once", "--reason=why"]));
    let faults: Vec<String> = calls.iter().filter_map(Call::fault).collect();
    assert_eq!(faults, [""; 0]);
}

#[test]
fn every_option_that_the_module_names_is_one_of_the_program() {
    let program = Cli::command();
    let of = |command: &clap::Command| -> Vec<String> {
        command.get_arguments().filter_map(|it| it.get_long()).map(str::to_owned).collect()
    };
    let mut known: BTreeSet<String> = of(&program).into_iter().collect();
    known.extend(program.get_subcommands().flat_map(of));
    for source in Source::of_module() {
        for literal in source.each(source.root(), "string_literal") {
            let text = sample(source.text_of(literal));
            let Some(option) = text.strip_prefix("--").filter(|rest| !rest.is_empty()) else {
                continue;
            };
            let name = option.split('=').next().unwrap();
            assert!(known.contains(name), "{}: no option --{name}", source.place(literal));
        }
    }
}

#[test]
fn a_command_line_that_the_program_does_not_take_is_found() {
    let wrong = |text: &str| {
        let source = Source::of("x.ps1", text);
        calls_of(&source, &[]).iter().filter_map(Call::fault).count()
    };
    let call = "Invoke-Stopgap -Caller $PSCmdlet -Command";
    assert_eq!(wrong(&format!("{call} 'remove' -Option @('--once') -Id $Id")), 0);
    assert_eq!(wrong(&format!("{call} 'remove' -Option @('--onec') -Id $Id")), 1);
    assert_eq!(wrong(&format!("{call} 'remvoe' -Id $Id")), 1);
    assert_eq!(wrong(&format!("{call} 'remove'")), 1, "ids are missing");
    assert_eq!(wrong(&format!("{call} 'status' -Id $Id")), 1, "it takes no ids");
    let variable = "function X { $o = @()\n if ($a) { $o += \"--reasn=$Reason\" }\n";
    assert_eq!(wrong(&format!("{variable} {call} 'remove' -Option $o -Id $Id }}")), 1);
}
