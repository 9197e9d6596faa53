//! The values of a field in a request, as they were sent.

use std::borrow::Cow;

use stopgap_model::rule::Field;
use stopgap_model::{Request, Response};

use crate::header_values::trimmed;

/// What fields are looked for in.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The request.
    pub request: &'a Request,
    /// The response, where there is one.
    pub response: Option<&'a Response>,
    /// How many bytes of a body are looked at.
    pub body_limit: usize,
}

/// Whether `test` passes for any value of `field`. A field of the response has no value where there
/// is none.
pub(crate) fn any_value(
    field: &Field,
    subject: Subject<'_>,
    test: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let request = subject.request;
    let body = request.body.get(..subject.body_limit).unwrap_or(&request.body);
    match field {
        Field::Method => test(request.method.as_bytes()),
        Field::Uri => test(request.uri()),
        Field::Path => test(request.path()),
        Field::Query => request.query().is_some_and(test),
        Field::Host => request.header_values("host").any(test),
        Field::Header(name) if name == "cookie" => joined_cookie(request).is_some_and(|c| test(&c)),
        Field::Header(name) => request.header_values(name).any(test),
        Field::HeaderNames => request.headers.iter().any(|(name, _)| test(name.as_bytes())),
        Field::AnyHeader => request.headers.iter().any(|(_, value)| test(value)),
        Field::Cookie(name) => cookie_values(request, name, test),
        Field::Arg(name) => pairs(request.query().unwrap_or_default())
            .any(|(n, value)| n == name.as_bytes() && test(value)),
        Field::Args => pairs(request.query().unwrap_or_default()).any(|(_, value)| test(value)),
        Field::ArgNames => pairs(request.query().unwrap_or_default()).any(|(name, _)| test(name)),
        Field::Body => !body.is_empty() && test(body),
        Field::BodyArgs => body_pairs(request, body, &mut |part| !part.is_file && test(part.value)),
        Field::BodyArgNames => body_pairs(request, body, &mut |part| test(part.name)),
        Field::FileNames => {
            body_pairs(request, body, &mut |part| part.file_name.is_some_and(&mut *test))
        }
        Field::ResponseContentType => response_values(subject, "content-type", &mut |value| {
            test(trimmed(split_at_byte(value, b';').0))
        }),
        Field::ResponseHeader(name) => response_values(subject, name, test),
    }
}

fn response_values(subject: Subject<'_>, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    subject.response.is_some_and(|response| response.header_values(name).any(test))
}

/// The Cookie headers as one value.
fn joined_cookie(request: &Request) -> Option<Cow<'_, [u8]>> {
    let mut values = request.header_values("cookie");
    let first = values.next()?;
    let mut joined = Cow::Borrowed(first);
    for value in values {
        let joined = joined.to_mut();
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(value);
    }
    Some(joined)
}

fn cookie_values(request: &Request, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let mut cookies = request.header_values("cookie").flat_map(|value| value.split(|&b| b == b';'));
    cookies.any(|cookie| {
        let (found, value) = split_at_byte(cookie.trim_ascii(), b'=');
        found == name.as_bytes() && test(value)
    })
}

/// The `name=value` pairs of a query or a form, as sent.
fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let parts = text.split(|&b| b == b'&').filter(|part| !part.is_empty());
    parts.map(|part| split_at_byte(part, b'='))
}

/// What stands before the first `byte` and after it; all and nothing if there is none.
fn split_at_byte(text: &[u8], byte: u8) -> (&[u8], &[u8]) {
    let mut parts = text.splitn(2, |&b| b == byte);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// A part of a form body.
struct Part<'a> {
    name: &'a [u8],
    value: &'a [u8],
    is_file: bool,
    file_name: Option<&'a [u8]>,
}

fn body_pairs(request: &Request, body: &[u8], test: &mut dyn FnMut(&Part<'_>) -> bool) -> bool {
    let content_type = request.header_values("content-type").next().unwrap_or_default();
    let (kind, _) = split_at_byte(content_type, b';');
    let kind = kind.trim_ascii().to_ascii_lowercase();
    if kind == b"application/x-www-form-urlencoded" {
        return pairs(body)
            .any(|(name, value)| test(&Part { name, value, is_file: false, file_name: None }));
    }
    // Another body has no arguments.
    if kind != b"multipart/form-data" {
        return false;
    }
    let Some(boundary) = parameter(content_type, b"boundary") else { return false };
    if boundary.is_empty() {
        return false;
    }
    let delimiter = [b"--", boundary].concat();
    // The text before the first delimiter is no part.
    parts_between(body, &delimiter).skip(1).any(|part| multipart(part).is_some_and(|p| test(&p)))
}

/// The stretches of `body` between the delimiters, in one pass.
fn parts_between<'a>(body: &'a [u8], delimiter: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let text = rest?;
        match split_at_text(text, delimiter) {
            Some((before, behind)) => {
                rest = Some(behind);
                Some(before)
            }
            None => rest.take(),
        }
    })
}

fn multipart(part: &[u8]) -> Option<Part<'_>> {
    let (head, value) = split_at_text(part, b"\r\n\r\n")?;
    let value = value.strip_suffix(b"\r\n").unwrap_or(value);
    let mut lines = head.split(|&b| b == b'\n');
    let disposition = lines.find(|line| {
        split_at_byte(line, b':').0.trim_ascii().eq_ignore_ascii_case(b"content-disposition")
    })?;
    let name = parameter(disposition, b"name")?;
    let file_name = parameter(disposition, b"filename");
    Some(Part { name, value, is_file: file_name.is_some(), file_name })
}

/// The value of a parameter such as `; name="x"`, without its quotes.
fn parameter<'a>(header: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut parts = header.split(|&b| b == b';').skip(1).map(<[u8]>::trim_ascii);
    parts.find_map(|part| {
        let (found, value) = split_at_byte(part, b'=');
        let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// What stands before the first `wanted` in a text, and behind it.
fn split_at_text<'t>(text: &'t [u8], wanted: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    // The linear search of a pattern that is only a text.
    let found = aho_corasick::AhoCorasick::new([wanted]).ok()?.find(text)?;
    Some((text.get(..found.start())?, text.get(found.end()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(field: &Field, request: &Request) -> Vec<String> {
        let mut found = Vec::new();
        let subject = Subject { request, response: None, body_limit: 64 * 1024 };
        any_value(field, subject, &mut |value| {
            found.push(String::from_utf8_lossy(value).into_owned());
            false
        });
        found
    }

    fn get(target: &str, headers: &[&str]) -> Request {
        let mut request = Request::from_line(&format!("GET {target}")).unwrap();
        headers.iter().for_each(|line| request.add_header_line(line).unwrap());
        request
    }

    #[test]
    fn arguments_are_split_as_they_were_sent() {
        let request = get("/p?a=1&b&&a=%32&=x", &[]);
        assert_eq!(values(&Field::Args, &request), ["1", "", "%32", "x"]);
        assert_eq!(values(&Field::ArgNames, &request), ["a", "b", "a", ""]);
        assert_eq!(values(&Field::Arg("a".into()), &request), ["1", "%32"]);
        assert_eq!(values(&Field::Path, &request), ["/p"]);
        assert_eq!(values(&Field::Query, &get("/p", &[])), [""; 0]);
    }

    #[test]
    fn the_fields_of_an_absolute_target_are_those_of_what_follows_its_authority() {
        let request = get("http://a.example/p?a=1", &[]);
        assert_eq!(values(&Field::Uri, &request), ["/p?a=1"]);
        assert_eq!(values(&Field::Path, &request), ["/p"]);
        assert_eq!(values(&Field::Args, &request), ["1"]);
    }

    #[test]
    fn a_cookie_split_over_two_headers_is_one_value() {
        let request = get("/", &["Cookie: a=1; b=2", "X: y", "cookie: c=3"]);
        assert_eq!(values(&Field::Header("cookie".into()), &request), ["a=1; b=2; c=3"]);
        assert_eq!(values(&Field::Cookie("c".into()), &request), ["3"]);
        assert_eq!(values(&Field::Cookie("C".into()), &request), [""; 0]);
        assert_eq!(values(&Field::HeaderNames, &request), ["Cookie", "X", "cookie"]);
    }

    #[test]
    fn a_form_is_read_in_both_of_its_encodings() {
        let mut request = get("/", &["Content-Type: application/x-www-form-urlencoded"]);
        request.body = b"a=1&b=%24".to_vec();
        assert_eq!(values(&Field::BodyArgs, &request), ["1", "%24"]);
        let mut request = get("/", &["Content-Type: multipart/form-data; boundary=\"XX\""]);
        request.body = b"--XX\r\nContent-Disposition: form-data; name=\"0\"\r\n\r\nresolved_model\r\n--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.aspx\"\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--XX--\r\n".to_vec();
        assert_eq!(values(&Field::BodyArgs, &request), ["resolved_model"]);
        assert_eq!(values(&Field::BodyArgNames, &request), ["0", "f"]);
        assert_eq!(values(&Field::FileNames, &request), ["a.aspx"]);
    }

    #[test]
    fn a_body_past_its_limit_is_not_looked_at() {
        let mut request = get("/", &[]);
        request.body = b"0123456789".to_vec();
        let seen = |body_limit| {
            let subject = Subject { request: &request, response: None, body_limit };
            any_value(&Field::Body, subject, &mut |value| value.ends_with(b"9"))
        };
        assert!(seen(10));
        assert!(!seen(9));
    }

    #[test]
    fn a_media_type_has_no_parameters_and_a_request_has_no_response() {
        let request = get("/", &["Content-Type: text/css"]);
        let mut response = Response::default();
        response.add_header_line("Content-Type: Text/HTML \t; charset=utf-8").unwrap();
        response.add_header_line("X-A: 1").unwrap();
        response.add_header_line("x-a: 2").unwrap();
        let values = |field: &Field, response| {
            let mut found = Vec::new();
            any_value(field, Subject { request: &request, response, body_limit: 0 }, &mut |v| {
                found.push(v.to_vec());
                false
            });
            found
        };
        let header = Field::ResponseHeader("x-a".into());
        assert_eq!(values(&Field::ResponseContentType, Some(&response)), [b"Text/HTML"]);
        assert_eq!(values(&header, Some(&response)), [b"1", b"2"]);
        assert_eq!(values(&header, None), [b""; 0]);
        assert_eq!(values(&Field::ResponseContentType, None), [b""; 0]);
    }
}
