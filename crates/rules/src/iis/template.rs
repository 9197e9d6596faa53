//! Texts with server variables, back-references and functions, as in `{UrlDecode:{REQUEST_URI}}` or
//! `/new/{R:1}`.

use super::evaluate::RewriteMap;
use super::variables::View;
use crate::decode::url_decode;
use crate::pattern::Captures;

/// How deep functions may nest.
const MAX_DEPTH: usize = 16;

/// A template read into its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
    Rule(usize),
    Condition(usize),
    Call { name: String, argument: Template },
}

/// What a template can refer to.
pub(super) struct Scope<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) rule: Option<&'a Captures>,
    pub(super) condition: Option<&'a Captures>,
}

impl Template {
    /// Reads a template; fails with the reason on braces that do not close or nest too deep.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let (template, rest) = read(text, 0)?;
        if rest.is_empty() { Ok(template) } else { Err(format!("`{text}` has a `}}` too many")) }
    }

    /// The text for a request; fails with the reason when a part of it cannot be told.
    pub(super) fn expand(&self, scope: &Scope<'_>) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        for part in &self.0 {
            text.extend(part.expand(scope)?);
        }
        Ok(text)
    }

    /// The names of the server variables in it, in capitals, in the order written.
    pub(super) fn variables(&self) -> Vec<&str> {
        self.0.iter().flat_map(Part::variables).collect()
    }
}

fn read(text: &str, depth: usize) -> Result<(Template, &str), String> {
    if depth > MAX_DEPTH {
        return Err(format!("functions are nested more than {MAX_DEPTH} deep"));
    }
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let stop = rest.find(['{', '}']).unwrap_or(rest.len());
        if stop > 0 {
            parts.push(Part::Text(rest[..stop].to_owned()));
        }
        rest = &rest[stop..];
        if rest.is_empty() || rest.starts_with('}') && depth > 0 {
            return Ok((Template(parts), rest));
        }
        if rest.starts_with('}') {
            parts.push(Part::Text("}".into()));
            rest = &rest[1..];
            continue;
        }
        let (part, after) = read_reference(&rest[1..], depth)?;
        parts.push(part);
        rest = after;
    }
}

/// What stands behind `{`, up to its `}`.
fn read_reference(text: &str, depth: usize) -> Result<(Part, &str), String> {
    let end = text.find(['{', '}', ':']).ok_or("a `{` is not closed")?;
    let (name, rest) = text.split_at(end);
    if let Some(rest) = rest.strip_prefix('}') {
        return Ok((Part::Variable(name.to_ascii_uppercase()), rest));
    }
    let rest = rest.strip_prefix(':').ok_or_else(|| format!("`{{{name}` is followed by `{{`"))?;
    let (argument, rest) = read(rest, depth + 1)?;
    let rest = rest.strip_prefix('}').ok_or("a `{` is not closed")?;
    let number = match argument.0.as_slice() {
        [Part::Text(digits)] => digits.parse::<usize>().ok(),
        _ => None,
    };
    Ok((
        match (name, number) {
            ("R", Some(number)) => Part::Rule(number),
            ("C", Some(number)) => Part::Condition(number),
            _ => Part::Call { name: name.to_owned(), argument },
        },
        rest,
    ))
}

impl Part {
    fn variables(&self) -> Vec<&str> {
        match self {
            Self::Variable(name) => vec![name],
            Self::Call { argument, .. } => argument.variables(),
            Self::Text(_) | Self::Rule(_) | Self::Condition(_) => Vec::new(),
        }
    }

    fn expand(&self, scope: &Scope<'_>) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.as_bytes().to_vec()),
            Self::Variable(name) => scope.view.variable(name),
            Self::Rule(number) => group(scope.rule, *number, 'R'),
            Self::Condition(number) => group(scope.condition, *number, 'C'),
            Self::Call { name, argument } => call(name, &argument.expand(scope)?, scope.view.maps),
        }
    }
}

fn group(captures: Option<&Captures>, number: usize, kind: char) -> Result<Vec<u8>, String> {
    match captures {
        None => Ok(Vec::new()),
        Some(captures) => captures
            .get(number)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| format!("what {{{kind}:{number}}} holds cannot be told")),
    }
}

fn call(name: &str, argument: &[u8], maps: &[RewriteMap]) -> Result<Vec<u8>, String> {
    match name.to_ascii_lowercase().as_str() {
        "urldecode" => Ok(url_decode(argument).into_owned()),
        "urlencode" => Ok(url_encode(argument)),
        "tolower" => Ok(argument.to_ascii_lowercase()),
        "htmlencode" => html_encode(argument),
        _ => {
            let Some(map) = maps.iter().find(|map| map.name.eq_ignore_ascii_case(name)) else {
                return Err(format!("there is no function or rewrite map `{name}`"));
            };
            Ok(lookup(map, argument))
        }
    }
}

fn lookup(map: &RewriteMap, key: &[u8]) -> Vec<u8> {
    let same = |name: &str| match map.ignore_case {
        true => name.as_bytes().eq_ignore_ascii_case(key),
        false => name.as_bytes() == key,
    };
    let found = map.entries.iter().find(|(name, _)| same(name));
    found.map_or(&map.default, |(_, value)| value).as_bytes().to_vec()
}

/// Encodes what every encoder does; on quotes and on characters beyond ASCII they differ.
fn html_encode(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoded = Vec::new();
    for &byte in text {
        match byte {
            b'&' => encoded.extend_from_slice(b"&amp;"),
            b'<' => encoded.extend_from_slice(b"&lt;"),
            b'>' => encoded.extend_from_slice(b"&gt;"),
            b'"' | b'\'' | 0x80.. => {
                return Err("what HtmlEncode makes of quotes is not documented".into());
            }
            byte => encoded.push(byte),
        }
    }
    Ok(encoded)
}

fn url_encode(text: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for &byte in text {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            encoded.push(byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}
