//! What `--json` prints is what the published schema says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use common::{VULNERABLE, on};
use serde_json::Value;
use stopgap_testkit::Tree;

/// Why a value is not what a schema says, if it is not: enough of JSON Schema for ours.
fn fault(value: &Value, schema: &Value, root: &Value) -> Option<String> {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(name.strip_prefix('#')?)?;
        return fault(value, target, root);
    }
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        let faults: Vec<_> = any.iter().map(|one| fault(value, one, root)).collect();
        let fits = faults.iter().any(Option::is_none);
        return (!fits).then(|| format!("none of {faults:?}"));
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |name: &&str| match *name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    if !types.is_empty() && !types.iter().any(is) {
        return Some(format!("{value} is no {types:?}"));
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if value.get(name.as_str()?).is_none() {
            return Some(format!("{name} is missing"));
        }
    }
    let inside = |(name, schema): (&String, &Value)| {
        let found = fault(value.get(name)?, schema, root)?;
        Some(format!("{name}: {found}"))
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let wrong = properties.and_then(|properties| properties.iter().find_map(inside));
    let of_items =
        |schema: &Value| value.as_array()?.iter().find_map(|one| fault(one, schema, root));
    wrong.or_else(|| schema.get("items").and_then(of_items))
}

fn schema() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/stopgap.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn every_object_has_the_fields_of_the_schema() {
    let (schema, tree) = (schema(), Tree::exchange(VULNERABLE));
    let commands = &schema["properties"];
    for (command, name) in [
        (vec!["list"], "list"),
        (vec!["check", "--dry-run"], "check"),
        (vec!["check"], "check"),
        (vec!["status"], "status"),
        (vec!["facts"], "facts"),
        (vec!["show", "M1"], "show"),
        (vec!["block", "M1", "--reason", "why"], "block"),
        (vec!["unblock", "M1", "--reason", "why"], "unblock"),
        (vec!["disable"], "disable"),
        (vec!["enable"], "enable"),
        (vec!["history"], "history"),
        (vec!["feed", "list"], "feed list"),
        (vec!["test-connectivity"], "test-connectivity"),
        (vec!["try", "--id", "M1", "--request", "GET /owa/"], "try"),
        (vec!["try", "--id", "M1", "--request", "GET /", "--response-header", "X: y"], "try"),
        (vec!["show", "NOSUCH"], "error"),
    ] {
        let run = on(&tree, &command);
        assert!(commands.get(name).is_some(), "{name} is not in the schema");
        assert_eq!(fault(&run.json(), &commands[name], &schema), None, "{command:?}: {}", run.out);
        assert_eq!(run.json()["schema"], schema["version"]);
    }
}

#[test]
fn the_table_for_spreadsheets_has_the_codes_of_the_reasons() {
    let tree = Tree::exchange(VULNERABLE);
    let file = tree.root().join("../list.csv");
    let run = on(&tree, &["list", "--csv", file.to_str().unwrap()]);
    let (table, json) = (std::fs::read_to_string(&file).unwrap(), run.json());
    assert!(table.lines().next().unwrap().ends_with(",codes"), "{table}");
    for mitigation in json["mitigations"].as_array().unwrap() {
        let reasons = mitigation["reasons"].as_array().unwrap();
        let codes: Vec<_> = reasons.iter().filter_map(|reason| reason["code"].as_str()).collect();
        let row =
            |line: &&str| line.starts_with(&format!("{},", mitigation["id"].as_str().unwrap()));
        let line = table.lines().find(row).unwrap();
        assert!(line.ends_with(&format!(",{}", codes.join("; "))), "{line} has not {codes:?}");
    }
}

#[test]
fn an_object_with_another_type_is_not_what_the_schema_says() {
    let (schema, tree) = (schema(), Tree::exchange(VULNERABLE));
    let mut list = on(&tree, &["list"]).json();
    let of = &schema["properties"]["list"];
    assert_eq!(fault(&list, of, &schema), None);
    list["mitigations"][0]["revision"] = "1".into();
    assert!(fault(&list, of, &schema).is_some());
    list.as_object_mut().unwrap().remove("mitigations");
    assert!(fault(&list, of, &schema).is_some());
}
