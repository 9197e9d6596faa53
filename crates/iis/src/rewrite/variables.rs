//! Server variables: what of a request and a response rules can see by them, and what rules set.

use std::borrow::Cow;
use std::collections::BTreeMap;

use stopgap_model::{Request, Response};

use super::inputs::NOT_HEADERS;
use super::map::RewriteMap;
use super::question::{Answers, Circumstances, Question, SITE, Trouble, answer_in};
use super::url::origin;
use stopgap_rules::path::canonical;
use stopgap_rules::{Headers, joined, trimmed, with_value};

/// The variables that tell where a request goes: one is made from the other.
const OF_THE_URL: [&str; 13] = [
    "URL",
    "PATH_INFO",
    "SCRIPT_NAME",
    "URL_PATH_INFO",
    "REQUEST_URI",
    "UNENCODED_URL",
    "HTTP_URL",
    "CACHE_URL",
    "REQUEST_FILENAME",
    "SCRIPT_FILENAME",
    "PATH_TRANSLATED",
    "SCRIPT_TRANSLATED",
    "QUERY_STRING",
];

/// Where a question is not asked in both ways.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asking<'a> {
    /// What IIS is usually taken to do is what it does; what else is not known stays so.
    Once,
    /// These answers are taken for given.
    Supposing(&'a Answers),
}

/// What rules see of a request and its response, as the rules before have made them.
#[derive(Debug, Clone)]
pub(super) struct View<'a> {
    /// The request as it was sent.
    pub(super) request: &'a Request,
    /// The request target.
    pub(super) target: Cow<'a, [u8]>,
    /// The headers of the request.
    pub(super) headers: Cow<'a, [(String, Vec<u8>)]>,
    /// The variables whose value a rule has made unknown, and why it is.
    pub(super) unknown: BTreeMap<String, String>,
    /// The response, where there is one.
    pub(super) response: Option<ResponseView<'a>>,
    /// The rewrite maps.
    pub(super) maps: &'a [RewriteMap],
    /// What is known beside the request.
    pub(super) known: &'a Circumstances,
    pub(super) asking: Asking<'a>,
}

/// The head of a response as rules have made it.
#[derive(Debug, Clone)]
pub(super) struct ResponseView<'a> {
    pub(super) status: u16,
    pub(super) headers: Cow<'a, [(String, Vec<u8>)]>,
}

impl<'a> ResponseView<'a> {
    pub(super) fn of(response: &'a Response) -> Self {
        Self { status: response.status, headers: Cow::Borrowed(&response.headers) }
    }

    /// The value of the header of this name.
    ///
    /// # Errors
    /// It cannot be told what IIS makes of it: why.
    pub(super) fn header(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        let count = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).count();
        if count > 1 && name.eq_ignore_ascii_case("set-cookie") {
            let why = "what IIS makes of several Set-Cookie headers is not documented";
            return Err(Trouble::Unknown(why.into()));
        }
        Ok(joined(&self.headers, name, b", ").unwrap_or_default())
    }
}

impl<'a> View<'a> {
    pub(super) fn of(
        request: &'a Request,
        maps: &'a [RewriteMap],
        known: &'a Circumstances,
        asking: Asking<'a>,
    ) -> Self {
        Self {
            request,
            target: Cow::Borrowed(request.uri()),
            headers: Cow::Borrowed(&request.headers),
            unknown: BTreeMap::new(),
            response: None,
            maps,
            known,
            asking,
        }
    }

    /// The answer to a question, if there is one.
    pub(super) fn answer(&self, question: &Question) -> Option<bool> {
        let supposed = match (self.asking, question) {
            (Asking::Once, Question::Iis { .. }) => Some(true),
            (Asking::Once, _) => None,
            (Asking::Supposing(answers), question) => answer_in(answers, question),
        };
        supposed.or_else(|| self.known.answer(question))
    }

    /// The answer to a question, which is asked if there is none.
    pub(super) fn ask(&self, question: Question) -> Result<bool, Trouble> {
        self.answer(&question).ok_or(Trouble::Asks(question))
    }

    /// Whether each answer to a question is looked at.
    pub(super) fn supposes(&self) -> bool {
        matches!(self.asking, Asking::Supposing(_))
    }

    /// The target as an origin server sees it, whatever a rule has made of it.
    pub(super) fn origin(&self) -> &[u8] {
        origin(&self.target)
    }

    /// The path as IIS sees it.
    pub(super) fn path(&self) -> Vec<u8> {
        canonical(split(self.origin()).0)
    }

    /// The value of the variable `name`, which is in capitals.
    ///
    /// # Errors
    /// It cannot be told: why.
    pub(super) fn variable(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        let name = standard(name);
        if let Some(why) = self.unknown.get(&name) {
            return Err(Trouble::Unknown(format!("it needs {{{name}}}, {why}")));
        }
        let untold = || Trouble::Unknown(format!("it needs {{{name}}}, which is not in a request"));
        Ok(match name.as_str() {
            "REQUEST_METHOD" | "HTTP_METHOD" => self.request.method.as_bytes().to_vec(),
            "REQUEST_URI" => self.origin().to_vec(),
            "UNENCODED_URL" => self.request.uri().to_vec(),
            // What it is after a rewrite is not documented.
            "HTTP_URL" if self.is_as_requested() => self.request.uri().to_vec(),
            "HTTP_URL" => {
                let why = "it needs {HTTP_URL}, and what that is after a rewrite is not documented";
                return Err(Trouble::Unknown(why.into()));
            }
            "QUERY_STRING" => split(self.origin()).1.to_vec(),
            "URL" | "PATH_INFO" | "SCRIPT_NAME" | "URL_PATH_INFO" => self.path(),
            "REQUEST_FILENAME" | "SCRIPT_FILENAME" | "PATH_TRANSLATED" => {
                let physical = self.known.physical(&self.path()).filter(|path| is_whole(path));
                physical.ok_or_else(untold)?
            }
            "HTTPS" => if self.ask(Question::Https)? { "on" } else { "off" }.into(),
            "SERVER_PORT_SECURE" => if self.ask(Question::Https)? { "1" } else { "0" }.into(),
            "SERVER_PORT" => self.port()?,
            "HTTP_VERSION" | "SERVER_PROTOCOL" => {
                self.known.version.clone().ok_or_else(untold)?.into_bytes()
            }
            "CACHE_URL" => self.cache_url()?,
            "SERVER_NAME" => without_port(&self.variable("HTTP_HOST")?).to_vec(),
            "CONTENT_TYPE" | "CONTENT_LENGTH" => self.variable(&format!("HTTP_{name}"))?,
            _ => match (request_header(&name), response_header(&name)) {
                (Some(header), _) => {
                    joined(&self.headers, &header, separator(&header)).unwrap_or_default()
                }
                (_, Some(header)) => self.response_variable(&name, &header)?,
                _ => return Err(untold()),
            },
        })
    }

    /// The value of a variable in the path of a file. The folder of the site need not be known: [`SITE`]
    /// stands for it then.
    pub(super) fn file_variable(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        let name = standard(name);
        let found = match name.as_str() {
            _ if self.unknown.contains_key(&name) => None,
            "REQUEST_FILENAME" | "SCRIPT_FILENAME" | "PATH_TRANSLATED" => {
                self.known.physical(&self.path())
            }
            "DOCUMENT_ROOT" => self.known.root().map(folder),
            "APPL_PHYSICAL_PATH" => self.known.application(&self.path()).map(folder),
            _ => None,
        };
        found.map_or_else(|| self.variable(&name), Ok)
    }

    /// Whether no rule has rewritten the URL.
    fn is_as_requested(&self) -> bool {
        *self.target == *self.request.uri()
    }

    /// The port that the request came in by: that of its Host, or the usual one.
    fn port(&self) -> Result<Vec<u8>, Trouble> {
        let secure = self.ask(Question::Https)?;
        let host = self.variable("HTTP_HOST")?;
        let port = host.get(without_port(&host).len() + 1..).unwrap_or_default();
        Ok(match port {
            b"" if secure => b"443".to_vec(),
            b"" => b"80".to_vec(),
            port => port.to_vec(),
        })
    }

    /// The unambiguous name of the current URL: with its scheme, its host and its port.
    fn cache_url(&self) -> Result<Vec<u8>, Trouble> {
        let scheme = if self.ask(Question::Https)? { "https" } else { "http" };
        let (host, port) = (self.variable("SERVER_NAME")?, self.port()?);
        let (path, query) = (self.path(), split(self.origin()).1);
        let mut url = [scheme.as_bytes(), b"://", &host, b":", &port, &path].concat();
        if !query.is_empty() {
            url.push(b'?');
            url.extend_from_slice(query);
        }
        Ok(url)
    }

    /// The scheme and the host of the request, where both are known.
    pub(super) fn authority(&self) -> Option<Vec<u8>> {
        let scheme = if self.answer(&Question::Https)? { "https" } else { "http" };
        let host = self.variable("HTTP_HOST").ok().filter(|host| !host.is_empty())?;
        Some([scheme.as_bytes(), b"://", &host].concat())
    }

    fn response_variable(&self, name: &str, header: &str) -> Result<Vec<u8>, Trouble> {
        match &self.response {
            None => {
                let why = format!("it needs {{{name}}}, which is not in a request");
                Err(Trouble::Unknown(why))
            }
            Some(response) if name == STATUS => Ok(response.status.to_string().into_bytes()),
            Some(response) => response.header(header),
        }
    }

    /// Why the URL that rules see is not known, if a rule has made it so.
    pub(super) fn unknown_url(&self) -> Option<String> {
        self.unknown.get("URL").map(|why| format!("it looks at the URL, {why}"))
    }

    /// Sets a variable as the rule `rule` says. `Err` as a value: it cannot be told what it is set
    /// to.
    pub(super) fn set(
        &mut self,
        rule: &str,
        name: &str,
        value: Result<Vec<u8>, Trouble>,
        replace: bool,
    ) {
        let name = standard(name);
        // Only request headers are followed; of other variables it is known that they changed.
        let known = match (request_header(&name), value) {
            (Some(header), Ok(value)) => Ok((header, value)),
            (Some(_), Err(why)) => Err(format!("which the rule `{rule}` sets: {why}")),
            (None, _) => Err(format!("which the rule `{rule}` sets")),
        };
        // Not replacing what is there needs to know whether it is there.
        if !replace && request_header(&name).is_some() {
            match self.variable(&name) {
                Ok(value) if value.is_empty() => {}
                Ok(_) | Err(_) => return,
            }
        }
        match known {
            Ok((header, value)) => {
                self.unknown.remove(&name);
                let value = trimmed(&value);
                let value = (!value.is_empty()).then(|| value.to_vec());
                self.headers = Cow::Owned(with_value(&self.headers, &header, value));
            }
            Err(why) => self.lose(&name, &why),
        }
    }

    /// From here on the value of a variable is not known.
    pub(super) fn lose(&mut self, name: &str, why: &str) {
        let name = standard(name);
        // Each of these is made from the URL, so none of them is known any more.
        let family: &[&str] = match OF_THE_URL.iter().find(|of_url| **of_url == name) {
            // The query alone does not change the path.
            Some(&"QUERY_STRING") => &["REQUEST_URI"],
            Some(_) => &OF_THE_URL,
            None => &[],
        };
        for other in family {
            self.unknown.insert((*other).to_owned(), why.to_owned());
        }
        self.unknown.insert(name, why.to_owned());
    }

    /// The request's headers where rules have changed them, without those that are not known.
    pub(super) fn changed_headers(&self) -> Option<Headers> {
        let known = |name: &str| !self.unknown.contains_key(&header_variable(name));
        let changed = *self.headers != *self.request.headers
            || self.unknown.keys().any(|name| request_header(name).is_some());
        let headers = self.headers.iter().filter(|(name, _)| known(name)).cloned();
        changed.then(|| headers.collect())
    }

    /// The request headers whose value is not known, and why.
    pub(super) fn unknown_headers(&self) -> impl Iterator<Item = (String, &str)> {
        let header = |(name, why): (&'_ String, _)| Some((request_header(name)?, why));
        self.unknown.iter().map(|(name, why)| (name, why.as_str())).filter_map(header)
    }

    /// Why it is not known where the request goes, if a rule has set that through a variable.
    pub(super) fn lost_url(&self) -> Option<&str> {
        OF_THE_URL.iter().find_map(|name| self.unknown.get(*name)).map(String::as_str)
    }
}

/// The name of the variable that is a response's status.
pub(super) const STATUS: &str = "RESPONSE_STATUS";

/// One spelling for a variable that can be spelt in several ways: in capitals, and the name of a
/// header with underscores.
pub(super) fn standard(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    let of_header = name.starts_with("HTTP_") || name.starts_with("RESPONSE_");
    if of_header { name.replace('-', "_") } else { name }
}

fn header_variable(header: &str) -> String {
    standard(&format!("HTTP_{header}"))
}

/// The request header that the variable `name` stands for, in lower case.
pub(super) fn request_header(name: &str) -> Option<String> {
    let rest = without_prefix(name, "HTTP_")?;
    let header = !rest.is_empty() && !NOT_HEADERS.iter().any(|n| rest.eq_ignore_ascii_case(n));
    header.then(|| rest.replace('_', "-").to_ascii_lowercase())
}

/// The response header that the variable `name` stands for, in the case in which it is written.
pub(super) fn response_header(name: &str) -> Option<String> {
    let rest = without_prefix(name, "RESPONSE_")?;
    (!rest.is_empty()).then(|| rest.replace('_', "-"))
}

/// What stands behind a prefix, in whatever case that is written.
fn without_prefix<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// What stands between the values of a repeated request header.
fn separator(header: &str) -> &'static [u8] {
    if header == "cookie" { b"; " } else { b", " }
}

fn without_port(host: &[u8]) -> &[u8] {
    // An IPv6 address stands in brackets and has colons of its own.
    let end = match host.strip_prefix(b"[") {
        Some(rest) => rest.iter().position(|&b| b == b']').map(|at| at + 2),
        None => host.iter().position(|&b| b == b':'),
    };
    end.and_then(|end| host.get(..end)).unwrap_or(host)
}

/// Whether a physical path is known from its drive on.
fn is_whole(path: &[u8]) -> bool {
    !path.starts_with(SITE.as_bytes())
}

/// A folder with one separator at its end, as IIS writes that of an application.
fn folder(path: &str) -> Vec<u8> {
    format!("{}\\", path.trim_end_matches(['\\', '/'])).into_bytes()
}

/// The path and the query of a request target.
pub(super) fn split(target: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = target.splitn(2, |&b| b == b'?');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
