//! `stopgap-publish import-iis`: rewrite rules of IIS as a mitigation document.

use stopgap_fs::read_bounded;
use stopgap_iis::config::{MAX_FILE_BYTES, standalone_rules};
use stopgap_model::document::{NotText, write};
use stopgap_terminal::{plain, wrap};

use crate::args::ImportIis;
use crate::error::{ATTENTION, PublishError};
use crate::import::{Import, Taken, import};
use crate::json::{self, ImportObject, RefusedObject, TakenObject};
use crate::stdout::print_line;

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
        false => Some(document(&import, arguments).map_err(|error| wrong(error.to_string()))?),
    };
    // Rules that could be imported are printed even if others are refused; the exit code says so.
    let is_whole = import.refused.is_empty();
    if as_json {
        json::print(&as_object(import, document));
    } else {
        if let Some(document) = &document {
            print_line!("{}", document.trim_end());
        }
        for (rule, why) in &import.refused {
            let line = format!("refused: the rule `{}`: {}", plain(rule), plain(&why.to_string()));
            anstream::eprintln!("{}", wrap(&line, "  "));
        }
    }
    Ok(if is_whole { 0 } else { ATTENTION })
}

/// The document, with what a person must know in front.
fn document(import: &Import, arguments: &ImportIis) -> Result<String, NotText> {
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
    text += &write(&mitigation)?;
    Ok(text)
}

fn comment(text: &str) -> String {
    format!("# {}\n", plain(text))
}

fn as_object(import: Import, document: Option<String>) -> ImportObject {
    let taken = import.taken.into_iter();
    let refused = import.refused.into_iter();
    ImportObject {
        document,
        taken: taken.map(|Taken { rule, remarks, .. }| TakenObject { rule, remarks }).collect(),
        refused: refused
            .map(|(rule, why)| RefusedObject { rule, reason: why.to_string() })
            .collect(),
    }
}
