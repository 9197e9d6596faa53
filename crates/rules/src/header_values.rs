//! Headers as names and values, and what one name has for values.

use stopgap_model::mitigation::HeaderChange;

/// Header names and values, in their order.
pub type Headers = Vec<(String, Vec<u8>)>;

/// A header that is not there is an empty text, and one that is there several times is one text:
/// its values with `separator` between them.
pub(crate) fn changed(
    headers: &[(String, Vec<u8>)],
    name: &str,
    change: &HeaderChange,
    separator: &[u8],
) -> Option<Headers> {
    let value = match change {
        HeaderChange::Remove => None,
        HeaderChange::Set(text) => Some(text.as_bytes().to_vec()),
        HeaderChange::Append(text) => {
            let mut value = joined(headers, name, separator).unwrap_or_default();
            value.extend_from_slice(text.as_bytes());
            Some(value)
        }
    };
    let value = value.map(|value| trimmed(&value).to_vec());
    let changed = with_value(headers, name, value);
    (changed != headers).then_some(changed)
}

/// The values of the header `name` as one; `None` if it is not there.
pub fn joined(headers: &[(String, Vec<u8>)], name: &str, separator: &[u8]) -> Option<Vec<u8>> {
    let mut values = headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let mut joined = values.next()?.1.clone();
    for (_, value) in values {
        joined.extend_from_slice(separator);
        joined.extend_from_slice(value);
    }
    Some(joined)
}

/// `headers` with `value` as the only one of the header `name`: where its first one stood, spelt
/// as that was, or at the end. `None`: without that header.
pub fn with_value(headers: &[(String, Vec<u8>)], name: &str, value: Option<Vec<u8>>) -> Headers {
    let mut value = value;
    let mut changed = Headers::new();
    for (found, old) in headers {
        if !found.eq_ignore_ascii_case(name) {
            changed.push((found.clone(), old.clone()));
        } else if let Some(value) = value.take() {
            changed.push((found.clone(), value));
        }
    }
    changed.extend(value.map(|value| (name.to_owned(), value)));
    changed
}

/// Without the blanks around it, which are no part of a header's value (RFC 9110, 5.5).
pub fn trimmed(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
