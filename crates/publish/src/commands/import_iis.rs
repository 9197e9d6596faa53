//! `stopgap-publish import-iis`: rewrite rules of IIS as a mitigation document.

use serde_json::{Value, json};
use stopgap_fs::read_bounded;
use stopgap_iis::config::{MAX_FILE_BYTES, standalone_rules};
use stopgap_model::document::write;
use stopgap_terminal::{plain, wrap};

use crate::args::ImportIis;
use crate::error::{ATTENTION, PublishError};
use crate::import::{Import, import};
use crate::output;

pub(crate) fn run(arguments: &ImportIis, as_json: bool) -> Result<u8, PublishError> {
    let wrong = |why: String| PublishError::Config { file: arguments.file.clone(), why };
    let bytes = read_bounded(&arguments.file, MAX_FILE_BYTES as u64)?;
    let rules = standalone_rules(&bytes).map_err(|error| wrong(error.to_string()))?;
    let is_wanted = |name: &str| {
        let mut wanted = arguments.rules.iter();
        arguments.rules.is_empty() || wanted.any(|wanted| wanted.eq_ignore_ascii_case(name))
    };
    let import = import(&rules, &is_wanted);
    if import.taken.is_empty() && import.refused.is_empty() {
        let why =
            if arguments.rules.is_empty() { "it has no rules" } else { "it has no such rule" };
        return Err(wrong(why.into()));
    }
    let document = match import.taken.is_empty() {
        true => None,
        false => Some(document(&import, arguments).map_err(wrong)?),
    };
    if as_json {
        output::print_json(as_object(&import, document.as_deref()));
    } else {
        if let Some(document) = &document {
            say!("{}", document.trim_end());
        }
        for (rule, why) in &import.refused {
            let line = format!("refused: the rule `{}`: {}", plain(rule), plain(why));
            anstream::eprintln!("{}", wrap(&line, "  "));
        }
    }
    Ok(if import.refused.is_empty() { 0 } else { ATTENTION })
}

/// The document, with what a person must know in front.
fn document(import: &Import, arguments: &ImportIis) -> Result<String, String> {
    let mitigation = import.mitigation(&arguments.id);
    let mut text = String::from(
        "# Taken over from rewrite rules of IIS. What rules do not say is missing: title, impact,\n\
         # affected versions, scope and probes. `stopgap-publish lint` names what is.\n",
    );
    for (taken, action) in import.taken.iter().zip(&mitigation.actions) {
        text += &comment(&format!("{} was the rule `{}`", action.id, taken.rule));
        for remark in &taken.remarks {
            text += &comment(&format!("  mind: {remark}"));
        }
    }
    text += "\n";
    text += &write(&mitigation).map_err(|error| error.to_string())?;
    Ok(text)
}

fn comment(text: &str) -> String {
    format!("# {}\n", plain(text))
}

fn as_object(import: &Import, document: Option<&str>) -> Value {
    let taken =
        import.taken.iter().map(|taken| json!({"rule": taken.rule, "remarks": taken.remarks}));
    let refused = import.refused.iter().map(|(rule, why)| json!({"rule": rule, "reason": why}));
    json!({
        "document": document,
        "taken": taken.collect::<Value>(),
        "refused": refused.collect::<Value>(),
    })
}
