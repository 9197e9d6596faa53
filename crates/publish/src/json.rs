//! What `--json` prints: one object a command, as `docs/json.md` describes it. The schema in
//! `docs/schema/` is generated from these types.

use serde::Serialize;
use stopgap_terminal::json_line;

use crate::stdout::print_line;

/// Prints an object on one line, with the schema's version; the names are in the order of the alphabet.
pub(crate) fn print(object: &impl Serialize) {
    print_line!("{}", json_line(object));
}

/// Of any command that fails.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorObject {
    pub(crate) error: String,
    /// What to do next; empty where the error says it.
    pub(crate) hint: String,
    /// The exit code.
    pub(crate) exit: u8,
}

/// Of `lint`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LintObject {
    pub(crate) findings: Vec<FindingObject>,
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
}

/// One finding of `lint`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FindingObject {
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// `error` or `warning`.
    pub(crate) level: &'static str,
    pub(crate) name: &'static str,
    /// The names that the check had in earlier versions.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) message: String,
    /// Empty where nothing else would be right.
    pub(crate) expected: String,
    pub(crate) help: String,
}

/// Of `import-iis`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ImportObject {
    /// The document's text; null where no rule could be taken over.
    pub(crate) document: Option<String>,
    pub(crate) taken: Vec<TakenObject>,
    pub(crate) refused: Vec<RefusedObject>,
}

/// A rule that was taken over.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TakenObject {
    pub(crate) rule: String,
    pub(crate) remarks: Vec<String>,
}

/// A rule that was not taken over.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RefusedObject {
    pub(crate) rule: String,
    pub(crate) reason: String,
}

/// Of `status`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StatusObject {
    pub(crate) name: String,
    /// What makes the exit code 1.
    pub(crate) attention: bool,
    pub(crate) roles: Vec<RoleObject>,
    pub(crate) staged: Vec<StagedObject>,
}

/// A role's metadata in force.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RoleObject {
    pub(crate) role: &'static str,
    pub(crate) version: u64,
    /// RFC 3339.
    pub(crate) expires: String,
    /// Whether it has expired or does so soon.
    pub(crate) soon: bool,
    pub(crate) keys: usize,
    pub(crate) threshold: u32,
}

/// Metadata that waits for signatures.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StagedObject {
    pub(crate) role: &'static str,
    pub(crate) version: u64,
    pub(crate) signatures: Vec<SignaturesObject>,
}

/// How many signatures of a role are there.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SignaturesObject {
    pub(crate) by: String,
    pub(crate) have: usize,
    pub(crate) threshold: usize,
    /// The ids of the keys that have not signed.
    pub(crate) unsigned: Vec<String>,
}

/// Of `verify`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct VerifyObject {
    pub(crate) ok: bool,
    pub(crate) checks: Vec<CheckObject>,
}

/// One check of `verify`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckObject {
    pub(crate) name: String,
    pub(crate) ok: bool,
    pub(crate) detail: String,
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
    use serde_json::{Map, Value};
    use stopgap_terminal::AnswerObject;

    use super::*;

    const SCHEMA_FILE: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/stopgap-publish.json");
    const PAGE: &str = include_str!("../../../docs/json.md");

    fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
        generator.subschema_for::<T>().to_value()
    }

    /// The schema of every command's object, with the shapes in them by name.
    fn schema() -> Value {
        let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let commands = [
            ("error", of::<ErrorObject>(&mut generator)),
            ("import-iis", of::<ImportObject>(&mut generator)),
            ("lint", of::<LintObject>(&mut generator)),
            ("status", of::<StatusObject>(&mut generator)),
            ("try", of::<AnswerObject>(&mut generator)),
            ("verify", of::<VerifyObject>(&mut generator)),
        ];
        let commands: Map<String, Value> =
            commands.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
        serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "stopgap-publish --json, by command",
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

    #[test]
    fn the_page_names_every_field() {
        let (_, page) = PAGE.split_once("`stopgap-publish` prints").unwrap();
        let schema = schema();
        let shapes = schema["$defs"].as_object().unwrap();
        assert!(shapes.len() > 8);
        let error = PAGE.split_once("An error is").unwrap().1.lines().next().unwrap();
        for (name, shape) in shapes {
            for field in shape["properties"].as_object().unwrap().keys() {
                // What `try` prints is said where `stopgap try` is.
                let is_in = |text: &str| text.contains(&format!("\"{field}\""));
                let is_named = match name.as_str() {
                    "ErrorObject" => is_in(error),
                    "AnswerObject" | "OutcomeObject" | "ResponseObject" => {
                        is_in(PAGE) || PAGE.contains(&format!("`{field}`"))
                    }
                    _ => is_in(page),
                };
                assert!(is_named, "{name}: {field}");
            }
        }
    }
}
