//! Texts with server variables, back-references and functions, as in `{UrlDecode:{REQUEST_URI}}` or
//! `/new/{R:1}`.

use super::map::RewriteMap;
use super::question::{Question, Trouble};
use super::variables::View;
use stopgap_pattern::Captures;
use stopgap_rules::url_decode;

/// How deep functions may nest.
const MAX_DEPTH: usize = 16;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    /// A brace is closed that was not opened.
    #[error("`{0}` has a `}}` too many")]
    NotOpened(String),
    /// A brace is not closed.
    #[error("a `{{` is not closed")]
    NotClosed,
    /// A name stands before a brace without a colon between.
    #[error("`{{{0}` is followed by `{{`")]
    NoColon(String),
    /// Functions are nested too deep.
    #[error("functions are nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

impl From<TemplateError> for Trouble {
    fn from(error: TemplateError) -> Self {
        Self::Unknown(error.to_string())
    }
}

/// A template read into its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
    /// One in the path of a file.
    OfFile(String),
    Rule(usize),
    Condition(usize),
    Call {
        name: String,
        argument: Template,
    },
}

/// The highest number of a back-reference.
const MAX_REFERENCE: usize = 9;

/// What a template can refer to.
pub(super) struct Scope<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) rule: Groups<'a>,
    pub(super) condition: Groups<'a>,
}

/// The groups that back-references of one kind stand for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Groups<'a> {
    /// There is no pattern that could have captured anything.
    Missing,
    /// There is one, but what held is that it did not match.
    Negated,
    /// What it captured.
    Of(&'a Captures),
}

impl<'a> Groups<'a> {
    /// The groups of a pattern that is there.
    pub(super) fn of(captures: Option<&'a Captures>) -> Self {
        captures.map_or(Self::Negated, Self::Of)
    }
}

/// The text of a template in which some values are not known: they stand in it as written.
pub(super) struct Partly {
    pub(super) text: Vec<u8>,
    /// Why, for each value that is not known.
    pub(super) unknown: Vec<String>,
}

impl Template {
    /// Reads a template; fails with the reason on braces that do not close or nest too deep.
    pub(super) fn new(text: &str) -> Result<Self, TemplateError> {
        let (template, rest) = read(text, 0)?;
        match rest {
            "" => Ok(template),
            _ => Err(TemplateError::NotOpened(text.to_owned())),
        }
    }

    /// The text for a request; fails when a part of it cannot be told.
    pub(super) fn expand(&self, scope: &Scope<'_>) -> Result<Vec<u8>, Trouble> {
        let mut text = Vec::new();
        for part in &self.0 {
            text.extend(part.expand(scope)?);
        }
        Ok(text)
    }

    /// The text for a request as far as it can be told; fails when IIS refuses it, or when it depends
    /// on something that is so or not.
    pub(super) fn expand_partly(&self, scope: &Scope<'_>) -> Result<Partly, Trouble> {
        let mut partly = Partly { text: Vec::new(), unknown: Vec::new() };
        for part in &self.0 {
            match part.expand(scope) {
                Ok(text) => partly.text.extend(text),
                Err(Trouble::Unknown(why)) => {
                    partly.text.extend_from_slice(part.written().as_bytes());
                    partly.unknown.push(why);
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(partly)
    }

    /// The same where it says the path of a file.
    pub(super) fn of_files(self) -> Self {
        let of_file = |part| match part {
            Part::Variable(name) => Part::OfFile(name),
            part => part,
        };
        Self(self.0.into_iter().map(of_file).collect())
    }

    /// The template as it may be written.
    pub(super) fn written(&self) -> String {
        self.0.iter().map(Part::written).collect()
    }

    /// Whether it refers back to what a pattern captured.
    pub(super) fn refers_back(&self) -> bool {
        self.0.iter().any(|part| match part {
            Part::Rule(_) | Part::Condition(_) => true,
            Part::Call { argument, .. } => argument.refers_back(),
            Part::Text(_) | Part::Variable(_) | Part::OfFile(_) => false,
        })
    }

    /// The names of the server variables in it, in capitals, in the order written.
    pub(super) fn variables(&self) -> Vec<&str> {
        self.0.iter().flat_map(Part::variables).collect()
    }
}

fn read(text: &str, depth: usize) -> Result<(Template, &str), TemplateError> {
    if depth > MAX_DEPTH {
        return Err(TemplateError::TooDeep);
    }
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let stop = rest.find(['{', '}']).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(stop);
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let Some(reference) = behind.strip_prefix('{') else {
            match behind.strip_prefix('}') {
                // One too many stands for itself; within a function it ends that.
                Some(after) if depth == 0 => {
                    parts.push(Part::Text("}".into()));
                    rest = after;
                    continue;
                }
                _ => return Ok((Template(parts), behind)),
            }
        };
        let (part, after) = read_reference(reference, depth)?;
        parts.push(part);
        rest = after;
    }
}

/// What stands behind `{`, up to its `}`.
fn read_reference(text: &str, depth: usize) -> Result<(Part, &str), TemplateError> {
    let end = text.find(['{', '}', ':']).ok_or(TemplateError::NotClosed)?;
    let (name, rest) = text.split_at(end);
    if let Some(rest) = rest.strip_prefix('}') {
        return Ok((Part::Variable(name.to_ascii_uppercase()), rest));
    }
    let rest = rest.strip_prefix(':').ok_or_else(|| TemplateError::NoColon(name.to_owned()))?;
    let (argument, rest) = read(rest, depth + 1)?;
    let rest = rest.strip_prefix('}').ok_or(TemplateError::NotClosed)?;
    // `{R:1}` is written like the call of a function.
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
            Self::Variable(name) | Self::OfFile(name) => vec![name],
            Self::Call { argument, .. } => argument.variables(),
            Self::Text(_) | Self::Rule(_) | Self::Condition(_) => Vec::new(),
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Variable(name) | Self::OfFile(name) => format!("{{{name}}}"),
            Self::Rule(number) => format!("{{R:{number}}}"),
            Self::Condition(number) => format!("{{C:{number}}}"),
            Self::Call { name, argument } => format!("{{{name}:{}}}", argument.written()),
        }
    }

    fn expand(&self, scope: &Scope<'_>) -> Result<Vec<u8>, Trouble> {
        match self {
            Self::Text(text) => Ok(text.as_bytes().to_vec()),
            Self::Variable(name) => scope.view.variable(name),
            Self::OfFile(name) => scope.view.file_variable(name),
            Self::Rule(number) => group(scope.view, scope.rule, *number, 'R'),
            Self::Condition(number) => group(scope.view, scope.condition, *number, 'C'),
            Self::Call { name, argument } => {
                let argument = argument.expand(scope)?;
                call(name, &argument, scope.view.maps)
            }
        }
    }
}

fn group(
    view: &View<'_>,
    groups: Groups<'_>,
    number: usize,
    kind: char,
) -> Result<Vec<u8>, Trouble> {
    let refused = |why: &str| Err(Trouble::Presumed(format!("`{{{kind}:{number}}}` {why}")));
    if number > MAX_REFERENCE {
        return refused("is beyond the nine groups that can be referred to");
    }
    // What did not match has captured nothing, and IIS may refuse to be asked for it.
    let captures = match groups {
        Groups::Missing => return refused("refers to a condition, and there is none before it"),
        Groups::Negated => {
            let question = Question::Iis {
                usual: format!("`{{{kind}:{number}}}` of a pattern that did not match is empty"),
                other: format!("IIS refuses `{{{kind}:{number}}}` of a pattern that did not match"),
            };
            return match view.answer(&question) {
                None => Err(Trouble::Asks(question)),
                Some(true) => Ok(Vec::new()),
                Some(false) => refused("refers to a pattern that did not match"),
            };
        }
        Groups::Of(captures) => captures,
    };
    if !captures.may_have(number) {
        return refused("refers to a group that its pattern does not have");
    }
    let unclear = || Trouble::Unknown(format!("what {{{kind}:{number}}} holds cannot be told"));
    captures.get(number).map(<[u8]>::to_vec).ok_or_else(unclear)
}

fn call(name: &str, argument: &[u8], maps: &[RewriteMap]) -> Result<Vec<u8>, Trouble> {
    match name.to_ascii_lowercase().as_str() {
        "urldecode" => Ok(url_decode(argument).into_owned()),
        "urlencode" => url_encode(argument),
        "tolower" => Ok(argument.to_ascii_lowercase()),
        "htmlencode" => html_encode(argument),
        _ => {
            let Some(map) = maps.iter().find(|map| map.name.eq_ignore_ascii_case(name)) else {
                let why = format!("there is no function or rewrite map `{name}`");
                return Err(Trouble::Unknown(why));
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
fn html_encode(text: &[u8]) -> Result<Vec<u8>, Trouble> {
    let mut encoded = Vec::new();
    for &byte in text {
        match byte {
            b'&' => encoded.extend_from_slice(b"&amp;"),
            b'<' => encoded.extend_from_slice(b"&lt;"),
            b'>' => encoded.extend_from_slice(b"&gt;"),
            b'"' | b'\'' | 0x80.. => {
                let why = "what HtmlEncode makes of quotes is not documented";
                return Err(Trouble::Unknown(why.into()));
            }
            byte => encoded.push(byte),
        }
    }
    Ok(encoded)
}

/// Encodes what every encoder does, and leaves what every encoder leaves; on other punctuation they
/// differ.
fn url_encode(text: &[u8]) -> Result<Vec<u8>, Trouble> {
    let mut encoded = Vec::new();
    for &byte in text {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) => encoded.push(byte),
            b'%' | b'"' | b'<' | b'>' | 0..=b' ' | 0x7f.. => {
                encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
            byte => {
                let c = char::from(byte);
                let why = format!("what UrlEncode makes of `{c}` is not documented");
                return Err(Trouble::Unknown(why));
            }
        }
    }
    Ok(encoded)
}
