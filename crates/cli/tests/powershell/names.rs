//! The names of JSON that the module reads, held to the published schema. A variable with JSON is named `$json`
//! and the type of the schema; any other name of a member begins with a capital letter.

use serde_json::Value;
use tree_sitter::Node;

use crate::commands::{calls, text_of_parameter};
use crate::source::Source;

fn schema() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/stopgap.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The type of a variable such as `$jsonStatus`.
fn type_of<'a>(variable: &str, schema: &'a Value) -> Option<&'a Value> {
    let name = variable.trim_start_matches(['$', '-']).strip_prefix("json")?;
    let definitions = &schema["$defs"];
    definitions.get(name).or_else(|| definitions.get(format!("{name}Object")))
}

/// What a type is by its references, its alternatives and, of a list, its items: PowerShell reads a name from
/// each item.
fn resolved<'a>(one: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    if let Some(name) = one.get("$ref").and_then(Value::as_str) {
        let target = schema.pointer(name.strip_prefix('#').unwrap()).unwrap();
        return resolved(target, schema);
    }
    if let Some(any) = one.get("anyOf").and_then(Value::as_array) {
        return any.iter().flat_map(|one| resolved(one, schema)).collect();
    }
    vec![one]
}

fn property<'a>(of: &'a Value, name: &str, schema: &'a Value) -> Option<&'a Value> {
    resolved(of, schema).into_iter().find_map(|one| one.get("properties")?.get(name))
}

/// A member access as its variable and the names behind it.
fn chain<'a>(source: &'a Source, access: Node<'_>) -> Option<(&'a str, Vec<&'a str>)> {
    let of = access.named_child(0)?;
    let name = source.text_of(access.named_child(1)?);
    match of.kind() {
        "member_access" => {
            let (variable, mut names) = chain(source, of)?;
            names.push(name);
            Some((variable, names))
        }
        _ => Some((source.text_of(of), vec![name])),
    }
}

fn faults(source: &Source, schema: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for access in source.each(source.root(), "member_access") {
        let inner = access.parent().is_some_and(|parent| parent.kind() == "member_access");
        let Some((variable, names)) = chain(source, access).filter(|_| !inner) else { continue };
        let place = source.place(access);
        if !variable.starts_with("$json") {
            let small = names.iter().find(|name| name.starts_with(|c: char| c.is_lowercase()));
            faults.extend(small.map(|name| format!("{place}: {variable}.{name}: of which type?")));
            continue;
        }
        let Some(mut of) = type_of(variable, schema) else {
            faults.push(format!("{place}: {variable}: no such type"));
            continue;
        };
        for name in names {
            // Of every object, beside what the command says.
            if name.starts_with(|c: char| c.is_uppercase()) || name == "schema" {
                break;
            }
            match property(of, name, schema) {
                Some(next) => of = next,
                None => {
                    faults.push(format!("{place}: {variable}: no field {name}"));
                    break;
                }
            }
        }
    }
    faults
}

/// What is read as another type than the command prints.
fn misread(source: &Source, schema: &Value) -> (usize, Vec<String>) {
    let (mut read, mut faults) = (0, Vec::new());
    for each in source.each(source.root(), "foreach_statement") {
        let head = source.each(each, "pipeline").into_iter().next();
        let call = head.and_then(|head| calls(source, head, "Invoke-Stopgap").into_iter().next());
        let Some((_, parameters)) = call else { continue };
        let command = text_of_parameter(source, &parameters, "-Command").unwrap();
        let printed = &schema["properties"][command];
        let mut judge = |variable: &str, node: Node<'_>| {
            read += 1;
            let place = source.place(node);
            let Some(of) = type_of(variable, schema) else {
                return faults.push(format!("{place}: {variable}: no such type"));
            };
            let fields = of["properties"].as_object().unwrap().keys();
            let missing = fields.into_iter().find(|name| property(printed, name, schema).is_none());
            faults.extend(missing.map(|name| format!("{place}: {command} prints no {name}")));
        };
        for elements in source.each(each, "command_elements") {
            let mut name = None;
            for at in 0..elements.named_child_count() {
                let node = elements.named_child(at as u32).unwrap();
                match node.kind() {
                    "command_parameter" => name = Some(source.text_of(node)),
                    "command_argument_sep" => {}
                    _ if source.text_of(node) == "$answer.Json" => judge(name.unwrap(), node),
                    _ => {}
                }
            }
        }
        for assignment in source.each(each, "assignment_expression") {
            let (left, right) = (assignment.named_child(0), assignment.named_child(2));
            if right.is_some_and(|right| source.text_of(right) == "$answer.Json") {
                judge(source.text_of(left.unwrap()), assignment);
            }
        }
    }
    (read, faults)
}

#[test]
fn every_name_that_is_read_is_in_the_schema() {
    let (schema, sources) = (schema(), Source::of_module());
    let names: usize = sources
        .iter()
        .flat_map(|source| source.each(source.root(), "member_access"))
        .filter(|access| access.child(0).is_some_and(|of| of.kind() == "variable"))
        .count();
    assert!(names > 80, "only {names} were found");
    let found: Vec<String> = sources.iter().flat_map(|source| faults(source, &schema)).collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn what_a_command_prints_is_read_as_what_it_is() {
    let schema = schema();
    let all: Vec<_> = Source::of_module().iter().map(|source| misread(source, &schema)).collect();
    let read: usize = all.iter().map(|(read, _)| read).sum();
    assert!(read > 10, "only {read} were found");
    let found: Vec<String> = all.into_iter().flat_map(|(_, faults)| faults).collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_name_that_is_not_in_the_schema_is_found() {
    let schema = schema();
    let found = |text: &str| faults(&Source::of("x.ps1", text), &schema);
    assert_eq!(found("$a = $jsonMitigation.in_force"), [""; 0]);
    assert_eq!(found("$a = $jsonStatus.server.facts.exchange.version"), [""; 0]);
    assert_eq!(found("$a = \"x $($jsonMitigation.stat)\"").len(), 1);
    assert_eq!(found("$a = $jsonStatus.server.facts.exchnage").len(), 1);
    assert_eq!(found("$a = $jsonNothing.id").len(), 1);
    assert_eq!(found("$a = $answer.id").len(), 1);
    let wrong =
        "foreach ($answer in @(Invoke-Stopgap -Command 'list')) { X -jsonStatus $answer.Json }";
    assert_eq!(misread(&Source::of("x.ps1", wrong), &schema).1.len(), 1);
    let right =
        "foreach ($answer in @(Invoke-Stopgap -Command 'list')) { $jsonList = $answer.Json }";
    assert_eq!(misread(&Source::of("x.ps1", right), &schema), (1, Vec::new()));
}
