//! The inputs of conditions that say the same as a field of the AST.

use stopgap_model::reason::RuleReason;
use stopgap_model::rule::{Decode, Field, Test};

use super::read_error::ReadError;

/// The input for the value that `test` looks at.
pub(super) fn input_of(test: &Test) -> Result<String, RuleReason> {
    let decoded = !test.decode.is_empty();
    let variable = match &test.field {
        Field::Method => "REQUEST_METHOD".to_owned(),
        // Without decoding only UNENCODED_URL is what was requested; with it, REQUEST_URI is the
        // form that has been in production since 2022.
        Field::Uri if decoded => "REQUEST_URI".to_owned(),
        Field::Uri => "UNENCODED_URL".to_owned(),
        Field::Query => "QUERY_STRING".to_owned(),
        Field::Host => "HTTP_HOST".to_owned(),
        Field::Header(name) => header_variable(name)?,
        Field::Path => return Err(RuleReason::PathOnIis),
        field if field.is_of_body() => {
            return Err(RuleReason::NoBodyOnIis { field: field.to_string() });
        }
        field => return Err(RuleReason::NoInput { field: field.to_string() }),
    };
    in_braces(test, &variable)
}

/// What follows `HTTP_` in the names of server variables that are not headers, or not as sent.
pub(super) const NOT_HEADERS: [&str; 4] = ["URL", "METHOD", "VERSION", "X_ORIGINAL_URL"];

/// The variable that is the request header `name`.
pub(super) fn header_variable(name: &str) -> Result<String, RuleReason> {
    let good = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !good || name.is_empty() {
        return Err(RuleReason::NoVariable { field: format!("header:{name}") });
    }
    let name = name.to_ascii_uppercase().replace('-', "_");
    if NOT_HEADERS.contains(&name.as_str()) {
        let (field, variable) = ("header".to_owned(), format!("HTTP_{name}"));
        return Err(RuleReason::OtherVariable { field, variable });
    }
    Ok(format!("HTTP_{name}"))
}

/// The variable that is the response header `name`, in the case in which that is written.
pub(super) fn response_variable(name: &str) -> Result<String, RuleReason> {
    let good = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !good || name.is_empty() {
        return Err(RuleReason::NoVariable { field: format!("response-header:{name}") });
    }
    if name.eq_ignore_ascii_case("status") {
        let (field, variable) = ("response-header:status".into(), "RESPONSE_STATUS".into());
        return Err(RuleReason::OtherVariable { field, variable });
    }
    if name.eq_ignore_ascii_case("set-cookie") {
        return Err(RuleReason::SeveralSetCookie { header: name.to_owned() });
    }
    Ok(format!("RESPONSE_{}", name.replace('-', "_")))
}

/// The input for the response header that `test` looks at.
pub(super) fn response_input_of(test: &Test, name: &str) -> Result<String, RuleReason> {
    let variable = response_variable(name)?.to_ascii_uppercase();
    in_braces(test, &variable)
}

fn in_braces(test: &Test, variable: &str) -> Result<String, RuleReason> {
    match test.decode.as_slice() {
        [] => Ok(format!("{{{variable}}}")),
        [Decode::Url] => Ok(format!("{{UrlDecode:{{{variable}}}}}")),
        _ => Err(RuleReason::DecodingOnIis { field: test.field.to_string() }),
    }
}

/// The field and the decodings that `input` says; why not, if no field says the same.
pub(super) fn field_of(input: &str) -> Result<(Field, Vec<Decode>), ReadError> {
    let unknown = || ReadError::NoField(input.to_owned());
    let inner = input.strip_prefix('{').and_then(|i| i.strip_suffix('}')).ok_or_else(unknown)?;
    let function = inner.split_once(':');
    let (variable, decode) = match function {
        Some((name, nested)) if name.eq_ignore_ascii_case("UrlDecode") => {
            let nested = nested.strip_prefix('{').and_then(|i| i.strip_suffix('}'));
            (nested.ok_or_else(unknown)?, vec![Decode::Url])
        }
        Some(_) => return Err(unknown()),
        None => (inner, Vec::new()),
    };
    let variable = variable.to_ascii_uppercase();
    let field = match variable.as_str() {
        "REQUEST_METHOD" => Field::Method,
        // Both are the request target here; only a rewrite before tells them apart.
        "REQUEST_URI" | "UNENCODED_URL" => Field::Uri,
        "QUERY_STRING" => Field::Query,
        "HTTP_HOST" => Field::Host,
        _ => {
            let name = variable.strip_prefix("HTTP_").filter(|name| !NOT_HEADERS.contains(name));
            let name = name.ok_or_else(unknown)?;
            Field::Header(name.to_ascii_lowercase().replace('_', "-"))
        }
    };
    Ok((field, decode))
}
