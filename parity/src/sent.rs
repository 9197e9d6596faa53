//! A request as it is sent, byte for byte.

use stopgap_model::Request;

/// How blanks stand around the values of headers, which are no part of them.
const BLANKS: [(&str, &str); 3] = [(" ", ""), ("", ""), ("  ", " ")];

/// The bytes of `request`. `style` chooses among the ways to write the same request.
pub(crate) fn wire(request: &Request, style: usize) -> Vec<u8> {
    let (before, behind) = BLANKS[style % BLANKS.len()];
    let mut bytes = request.method.clone().into_bytes();
    bytes.push(b' ');
    bytes.extend_from_slice(&request.target);
    bytes.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in &request.headers {
        for part in [name.as_bytes(), b":", before.as_bytes(), value, behind.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The request in one line, for people and for the file of explained differences.
pub(crate) fn line(request: &Request) -> String {
    let mut line = format!("{} {}", request.method, request.target.escape_ascii());
    for (name, value) in &request.headers {
        line.push_str(&format!(" | {name}: {}", value.escape_ascii()));
    }
    line
}
