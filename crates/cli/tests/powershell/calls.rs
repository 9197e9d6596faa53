//! What an interpreter would find only on the line that it runs: a misspelt function, parameter, variable or
//! property, and a parameter that is left out.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use crate::source::Source;

/// The cmdlets that the module uses, with the parameters that it may use: those of Windows PowerShell 5.1 that
/// PowerShell 7 has too.
const CMDLETS: &[(&str, &[&str])] = &[
    (
        "Add-Member",
        &["InputObject", "MemberType", "Name", "NotePropertyMembers", "PassThru", "Value"],
    ),
    ("Add-Type", &["AssemblyName"]),
    ("ConvertFrom-Json", &["InputObject"]),
    ("ConvertTo-Csv", &["NoTypeInformation"]),
    ("Get-Acl", &["LiteralPath"]),
    ("Get-ChildItem", &["Filter", "LiteralPath"]),
    ("Get-Command", &["CommandType", "Name"]),
    ("Get-Item", &["LiteralPath"]),
    ("Get-Module", &["Name"]),
    ("Import-Module", &["Name"]),
    ("Invoke-Command", &["ArgumentList", "ComputerName", "ScriptBlock"]),
    ("Join-Path", &[]),
    ("New-Object", &[]),
    ("Select-Object", &["Unique"]),
    ("Set-StrictMode", &["Off"]),
    ("Sort-Object", &["Property"]),
    ("Split-Path", &["Parent"]),
    ("Test-Path", &["LiteralPath", "PathType"]),
    ("Where-Object", &[]),
    ("Write-Warning", &[]),
];
const COMMON: &[&str] = &["ErrorAction", "ErrorVariable"];

/// What PowerShell itself sets.
const VARIABLES: &[&str] = &[
    "_",
    "args",
    "ErrorActionPreference",
    "ExecutionContext",
    "false",
    "Matches",
    "null",
    "PSBoundParameters",
    "PSCmdlet",
    "PSScriptRoot",
    "PSVersionTable",
    "true",
    "WhatIfPreference",
];

/// Members of .NET and of PowerShell that the module uses.
const MEMBERS: &[&str] = &[
    "AccessControlType",
    "ArgumentList",
    "Arguments",
    "AssumeUniversal",
    "Count",
    "CreateNoWindow",
    "Data",
    "Definition",
    "ErrorDetails",
    "Exception",
    "ExpectingInput",
    "FileName",
    "FileSystemRights",
    "FullyQualifiedErrorId",
    "OriginInfo",
    "FullName",
    "Groups",
    "IdentityReference",
    "InvariantCulture",
    "Keys",
    "Length",
    "MachineName",
    "MaxJsonLength",
    "MaxValue",
    "Message",
    "MyInvocation",
    "OSVersion",
    "Path",
    "PathSeparator",
    "Platform",
    "PropagationFlags",
    "Properties",
    "PSComputerName",
    "PSEdition",
    "PSObject",
    "RecommendedAction",
    "RedirectStandardError",
    "RedirectStandardInput",
    "RedirectStandardOutput",
    "Result",
    "SessionState",
    "StandardError",
    "StandardErrorEncoding",
    "StandardInput",
    "StandardOutput",
    "StandardOutputEncoding",
    "UseShellExecute",
    "UtcDateTime",
    "Value",
    "Values",
    "WorkingDirectory",
    "Id",
];

/// A function of the module.
#[derive(Default)]
struct Function {
    parameters: BTreeSet<String>,
    mandatory: BTreeSet<String>,
}

fn bare(text: &str) -> &str {
    text.trim_matches(['$', '@', '{', '}', '\'', '"'])
}

/// The functions of the module, with the names that each parameter can be given by.
fn functions(sources: &[Source]) -> BTreeMap<String, Function> {
    let mut functions = BTreeMap::new();
    for source in sources {
        for node in source.each(source.root(), "function_statement") {
            let name = source.each(node, "function_name")[0];
            let mut function = Function::default();
            for parameter in source.each(node, "script_parameter") {
                // The default value of one is no other parameter.
                let variable = (0..parameter.named_child_count())
                    .filter_map(|at| parameter.named_child(at as u32))
                    .find(|child| child.kind() == "variable");
                let name = bare(source.text_of(variable.unwrap())).to_owned();
                let attributes = source.text_of(parameter);
                if attributes.contains("Mandatory = $true") {
                    function.mandatory.insert(name.clone());
                }
                function.parameters.insert(name);
            }
            functions.insert(source.text_of(name).to_owned(), function);
        }
    }
    functions
}

/// The function or file that a node is in.
fn scope_of(node: Node<'_>) -> Node<'_> {
    let mut scope = node;
    while let Some(parent) = scope.parent().filter(|_| scope.kind() != "function_statement") {
        scope = parent;
    }
    scope
}

/// The keys of a table that is assigned to a variable in the same function.
fn keys_of(source: &Source, variable: Node<'_>) -> BTreeSet<String> {
    let name = bare(source.text_of(variable));
    let mut keys = BTreeSet::new();
    for assignment in source.each(scope_of(variable), "assignment_expression") {
        if bare(source.text_of(assignment.child(0).unwrap()).trim()) == name {
            for entry in source.each(assignment, "key_expression") {
                keys.insert(source.text_of(entry).to_owned());
            }
        }
    }
    keys
}

/// What is wrong with the calls of a file.
fn wrong_calls(source: &Source, functions: &BTreeMap<String, Function>) -> Vec<String> {
    let mut wrong = Vec::new();
    for command in source.each(source.root(), "command") {
        // A file that is taken in has no name; another test holds that to one place.
        let name = command.child_by_field_name("command_name");
        let Some(name) = name.filter(|name| name.kind() == "command_name") else { continue };
        let (name, place) = (source.text_of(name), source.place(command));
        let cmdlet = CMDLETS.iter().find(|(known, _)| *known == name);
        let function = functions.get(name);
        if cmdlet.is_none() && function.is_none() {
            wrong.push(format!("{place}: {name} is not known"));
            continue;
        }
        let mut given = BTreeSet::new();
        if let Some(elements) = command.child_by_field_name("command_elements") {
            for at in 0..elements.named_child_count() {
                let node = elements.named_child(at as u32).unwrap();
                let text = source.text_of(node);
                if node.kind() == "command_parameter" {
                    given.insert(text.trim_start_matches('-').to_owned());
                } else if text.starts_with('@') && !text.starts_with("@(") {
                    let variable = source.each(node, "variable")[0];
                    let keys = keys_of(source, variable);
                    if keys.is_empty() {
                        wrong.push(format!("{place}: {text} has no keys"));
                    }
                    given.extend(keys);
                }
            }
        }
        let allowed = |one: &&String| {
            cmdlet.is_some_and(|(_, known)| known.contains(&one.as_str()))
                || function.is_some_and(|it| it.parameters.contains(*one))
                || COMMON.contains(&one.as_str())
        };
        let unknown: Vec<_> = given.iter().filter(|one| !allowed(one)).collect();
        wrong.extend(unknown.iter().map(|one| format!("{place}: {name} has no -{one}")));
        let left_out = function.map(|it| it.mandatory.difference(&given).collect::<Vec<_>>());
        let left_out = left_out.unwrap_or_default();
        wrong.extend(left_out.iter().map(|one| format!("{place}: {name} needs -{one}")));
    }
    wrong
}

/// The name of a variable without its scope; `None`: it belongs to the environment or is a function.
fn variable_name<'a>(source: &'a Source, node: Node<'_>) -> Option<&'a str> {
    let name = bare(source.text_of(node));
    match name.split_once(':') {
        Some(("script", name)) => Some(name),
        Some(_) => None,
        None => Some(name),
    }
}

/// The variables of the module that a function reads and nothing sets.
fn unset_variables(source: &Source, of_module: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for node in source.each(source.root(), "variable") {
        let Some(name) = variable_name(source, node) else { continue };
        // Names are found in the function around it, up to the file.
        let (scope, mut set) = (scope_of(node), BTreeSet::new());
        for kind in ["script_parameter", "left_assignment_expression", "foreach_statement"] {
            for place in source.each(scope, kind) {
                let direct = match kind {
                    // What is assigned to, with or without an index.
                    "left_assignment_expression" => {
                        source.each(place, "variable").into_iter().next()
                    }
                    _ => (0..place.named_child_count())
                        .filter_map(|at| place.named_child(at as u32))
                        .find(|child| child.kind() == "variable"),
                };
                set.extend(direct.and_then(|node| variable_name(source, node)));
            }
        }
        // `-ErrorVariable 'name'` sets one too, in a call or among what is handed to it.
        for entry in source.each(scope, "hash_entry") {
            let text = source.text_of(entry);
            let named =
                text.strip_prefix("ErrorVariable").map(|rest| rest.trim_matches([' ', '=', '\'']));
            set.extend(named);
        }
        if !set.contains(name) && !VARIABLES.contains(&name) && !of_module.contains(name) {
            wrong.push(format!("{}: ${name} is never set", source.place(node)));
        }
    }
    wrong
}

/// What the module itself sets: `$script:Name`.
fn module_variables(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources {
        for left in source.each(source.root(), "left_assignment_expression") {
            let text = source.text_of(left).trim();
            names.extend(text.strip_prefix("$script:").map(|name| bare(name).to_owned()));
        }
    }
    names
}

/// Properties that nothing makes.
fn unknown_members(source: &Source, made: &BTreeSet<String>) -> Vec<String> {
    let member = |access: Node<'_>| {
        let name = source.text_of(access.named_child(1)?);
        let capital = name.starts_with(|c: char| c.is_uppercase());
        let known = made.contains(name) || MEMBERS.contains(&name);
        (capital && !known).then(|| format!("{}: no member {name}", source.place(access)))
    };
    source.each(source.root(), "member_access").into_iter().filter_map(member).collect()
}

fn keys(sources: &[Source]) -> BTreeSet<String> {
    let of = |source: &Source| -> Vec<String> {
        let keys = source.each(source.root(), "key_expression");
        keys.into_iter().map(|key| source.text_of(key).to_owned()).collect()
    };
    sources.iter().flat_map(of).collect()
}

#[test]
fn every_call_is_of_something_that_is_there_with_all_that_it_needs() {
    let sources = Source::of_module();
    let functions = functions(&sources);
    assert!(functions.len() > 40, "{}", functions.len());
    let wrong: Vec<String> =
        sources.iter().flat_map(|source| wrong_calls(source, &functions)).collect();
    assert_eq!(wrong, [""; 0]);
    let found = |text: &str| wrong_calls(&Source::of("x.ps1", text), &functions).len();
    assert_eq!(found("ConvertTo-Time -Value $x"), 0);
    assert_eq!(found("ConvertTo-Tiem -Value $x"), 1);
    assert_eq!(found("ConvertTo-Time -Vlaue $x"), 1);
    assert_eq!(found("New-StopgapError -Hint 'x'"), 1, "it needs a message");
    assert_eq!(found("$a = @{ Message = 'x' }\nNew-StopgapError @a"), 0);
    assert_eq!(found("$a = @{ Mesage = 'x' }\nNew-StopgapError @a"), 2);
}

/// Pester's own commands are not known here, and those of the module are.
#[test]
fn the_tests_of_the_module_call_what_is_there() {
    let functions = functions(&Source::of_module());
    let tests: Vec<Source> =
        Source::all().into_iter().filter(|source| source.name.starts_with("tests")).collect();
    let mut called = BTreeSet::new();
    for source in &tests {
        for command in source.each(source.root(), "command") {
            let name = command.child_by_field_name("command_name").map(|it| source.text_of(it));
            let Some(function) = name.and_then(|name| functions.get(name)) else { continue };
            called.extend(name.map(str::to_owned));
            for parameter in source.each(command, "command_parameter") {
                let text = source.text_of(parameter).trim_start_matches('-');
                let text = text.split(':').next().unwrap();
                let of_all = [
                    "Confirm",
                    "ErrorAction",
                    "ErrorVariable",
                    "WarningAction",
                    "WarningVariable",
                    "WhatIf",
                ];
                let elsewhere = source
                    .each(command, "script_block")
                    .iter()
                    .any(|block| block.byte_range().contains(&parameter.start_byte()));
                let known = function.parameters.contains(text) || of_all.contains(&text);
                assert!(known || elsewhere, "{}: no -{text}", source.place(parameter));
            }
        }
    }
    // Each function that is exported has a test at least.
    let public: Vec<Source> =
        Source::of_module().into_iter().filter(|it| it.name.contains("Public")).collect();
    for source in public {
        let name = source.each(source.root(), "function_name")[0];
        assert!(called.contains(source.text_of(name)), "{} is not tested", source.name);
    }
}

#[test]
fn every_variable_is_set_and_every_property_is_made() {
    let sources = Source::of_module();
    let (of_module, made) = (module_variables(&sources), keys(&sources));
    let mut wrong: Vec<String> =
        sources.iter().flat_map(|source| unset_variables(source, &of_module)).collect();
    wrong.extend(sources.iter().flat_map(|source| unknown_members(source, &made)));
    assert_eq!(wrong, [""; 0]);
    let found = |text: &str| {
        let source = Source::of("x.ps1", text);
        unset_variables(&source, &of_module).len() + unknown_members(&source, &made).len()
    };
    assert_eq!(found("function X { param($A)\n foreach ($b in $A) { \"$b ${A}\" } }"), 0);
    assert_eq!(found("function X { param($A)\n foreach ($b in $A) { \"$bb\" } }"), 1);
    assert_eq!(found("function X { $script:Setings['Root'] }"), 1);
    assert_eq!(found("function X { param($Answer)\n $Answer.Json, $Answer.ComputerName }"), 0);
    assert_eq!(found("function X { param($Answer)\n $Answer.Jsn }"), 1);
}
