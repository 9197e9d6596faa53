//! The reference meaning of changes of headers. Plain on purpose.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::Condition;
use stopgap_model::{Request, Response};

use crate::evaluate::CompiledCondition;
use crate::fields::Subject;
use crate::header_values::{Headers, changed};
use stopgap_pattern::PatternError;

/// The headers of `request` as the application sees them after a change of the header `name`;
/// `None` if that changes nothing.
#[must_use]
pub fn change_request_header(
    request: &Request,
    name: &str,
    change: &HeaderChange,
) -> Option<Headers> {
    let separator: &[u8] = if name.eq_ignore_ascii_case("cookie") { b"; " } else { b", " };
    changed(&request.headers, name, change, separator)
}

/// A change of a response header, made ready.
#[derive(Debug)]
pub struct CompiledResponseChange {
    header: String,
    change: HeaderChange,
    when: CompiledCondition,
}

impl CompiledResponseChange {
    /// Makes a change of `header` ready, which is made where `when` holds.
    ///
    /// # Errors
    /// A pattern of `when` cannot be used.
    pub fn new(
        header: &str,
        change: &HeaderChange,
        when: &Condition,
    ) -> Result<Self, PatternError> {
        let when = CompiledCondition::new(when)?;
        Ok(Self { header: header.to_owned(), change: change.clone(), when })
    }

    /// The response's headers as the client sees them; `None` if nothing is changed. Of the
    /// request only its head is looked at.
    #[must_use]
    pub fn apply(&self, request: &Request, response: &Response) -> Option<Headers> {
        let subject = Subject { request, response: Some(response), body_limit: 0 };
        if !self.when.holds(subject) {
            return None;
        }
        changed(&response.headers, &self.header, &self.change, b", ")
    }
}
