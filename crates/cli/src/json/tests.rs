use std::collections::BTreeSet;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};
use stopgap_model::host::PhpCgi;
use stopgap_model::{Fact, HostFacts, ServerPath, Version};
use stopgap_terminal::AnswerObject;

use super::*;

const SCHEMA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/stopgap.json");
const PAGE: &str = include_str!("../../../../docs/json.md");

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// The schema of every command's object, with the shapes in them by name.
fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let make = &mut generator;
    let commands = [
        ("block", of::<BlockedObject>(make)),
        ("check", of::<CycleObject<'_>>(make)),
        ("demo", of::<DemoObject>(make)),
        ("disable", of::<SwitchObject>(make)),
        ("enable", of::<SwitchObject>(make)),
        ("error", of::<ErrorObject>(make)),
        ("facts", of::<FactsObject>(make)),
        ("feed add", of::<AddedObject>(make)),
        ("feed import", of::<ImportObject>(make)),
        ("feed list", of::<SourcesObject>(make)),
        ("feed refresh", of::<RefreshObject>(make)),
        ("feed remove", of::<RemovedObject>(make)),
        ("feed verify", of::<FeedVerifyObject>(make)),
        ("history", of::<HistoryObject>(make)),
        ("list", of::<ListObject<'_>>(make)),
        ("reapply", of::<CycleObject<'_>>(make)),
        ("remove", of::<CycleObject<'_>>(make)),
        ("show", of::<ShowObject<'_>>(make)),
        ("status", of::<StatusObject<'_>>(make)),
        ("test-connectivity", of::<ConnectivityObject>(make)),
        ("try", of::<AnswerObject>(make)),
        ("unblock", of::<UnblockedObject>(make)),
    ];
    let commands: Map<String, Value> =
        commands.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "stopgap --json, by command",
        "version": stopgap_terminal::JSON_SCHEMA,
        "properties": commands,
        "$defs": generator.take_definitions(true),
    })
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let text = format!("{:#}\n", schema());
    if std::env::var_os("STOPGAP_WRITE_SCHEMA").is_some() {
        std::fs::write(SCHEMA_FILE, &text).unwrap();
    }
    let published = std::fs::read_to_string(SCHEMA_FILE).unwrap_or_default();
    assert_eq!(published, text, "STOPGAP_WRITE_SCHEMA=1 cargo test writes it anew");
}

/// The names of all fields in a schema.
fn fields(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(Value::as_object) {
                found.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| fields(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
        _ => {}
    }
}

#[test]
fn the_page_names_every_field() {
    let mut found = BTreeSet::new();
    let schema = schema();
    fields(&schema["$defs"], &mut found);
    assert!(found.len() > 90, "{}", found.len());
    let is_named = |field: &&String| {
        PAGE.contains(&format!("\"{field}\"")) || PAGE.contains(&format!("`{field}`"))
    };
    let unnamed: Vec<_> = found.iter().filter(|field| !is_named(field)).collect();
    assert_eq!(unnamed, [""; 0]);
}

#[test]
fn a_fact_is_a_value_nothing_or_unknown() {
    let php = |version| PhpCgi { program: ServerPath::new("p"), version };
    let programs = vec![
        php(Fact::Known(Version::from_parts(&[8, 3, 7, 0]))),
        php(Fact::Unknown(stopgap_model::Reasons::text("it is cut off"))),
    ];
    let json = |php| {
        let facts = HostFacts { php, ..HostFacts::nothing() };
        serde_json::to_value(ServerObject::of("here", &facts)).unwrap()["facts"]["php"].clone()
    };
    let expected = serde_json::json!([
        {"program": "p", "version": "8.3.7.0"},
        {"program": "p", "version": {
            "unknown": "it is cut off",
            "reasons": [{"code": "other", "why": "it is cut off", "text": "it is cut off"}],
        }},
    ]);
    assert_eq!(json(Fact::Known(programs)), expected);
    assert_eq!(json(Fact::Absent), Value::Null);
}
