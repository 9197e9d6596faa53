//! Inbound rules made ready.

use super::matcher::{Applies, Broken, Conditions};
use super::rule::{Action, Rule, SetVariable};
use super::template::{Template, TemplateError};

/// A rule made ready.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) name: String,
    /// The path of its place, without a slash at its end.
    pub(super) base: String,
    pub(super) stop_processing: bool,
    pub(super) forbidden: Option<String>,
    pub(super) rule: Result<Parts, Broken>,
}

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) applies: Applies,
    pub(super) variables: Vec<Setting>,
    /// What it does, or why that is not known.
    pub(super) action: Result<CompiledAction, TemplateError>,
}

impl Parts {
    /// Whether it changes nothing.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.action, Ok(CompiledAction::None)) && self.variables.is_empty()
    }
}

/// A variable that a rule sets.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: String,
    /// Its value, or why that cannot be read.
    pub(super) value: Result<Template, TemplateError>,
    pub(super) replace: bool,
}

#[derive(Debug)]
pub(super) enum CompiledAction {
    None,
    Rewrite { url: Template, append_query: bool },
    Redirect { url: Template, append_query: bool, status: u16 },
    Block { status: Option<u16> },
}

/// Makes a rule ready.
pub(super) fn compile(rule: &Rule) -> Result<Parts, Broken> {
    let conditions =
        Conditions::new(&rule.conditions, rule.grouping, rule.track_all_captures, rule.syntax)?;
    let url = (rule.url.pattern.as_str(), rule.syntax, rule.url.ignore_case);
    let applies = Applies::new(url, rule.url.negate, conditions)?;
    let variables = rule.server_variables.iter().map(setting).collect();
    Ok(Parts { applies, variables, action: action(&rule.action) })
}

fn action(action: &Action) -> Result<CompiledAction, TemplateError> {
    Ok(match action {
        Action::None => CompiledAction::None,
        Action::Rewrite { url, append_query } => {
            CompiledAction::Rewrite { url: Template::new(url)?, append_query: *append_query }
        }
        Action::Redirect { url, append_query, kind } => CompiledAction::Redirect {
            url: Template::new(url)?,
            append_query: *append_query,
            status: kind.status(),
        },
        Action::CustomResponse { status, .. } => CompiledAction::Block { status: Some(*status) },
        Action::AbortRequest => CompiledAction::Block { status: None },
    })
}

fn setting(variable: &SetVariable) -> Setting {
    let value = Template::new(&variable.value);
    Setting { name: variable.name.clone(), value, replace: variable.replace }
}
