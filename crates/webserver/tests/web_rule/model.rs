//! A small model of the three servers: what each shows of a request, and how it reads what is
//! written for it.

use std::collections::{BTreeMap, BTreeSet};

use pcre2::bytes::Regex;
use stopgap_model::Request;
use stopgap_model::web::WebKind;
use stopgap_webserver::RuleText;
use stopgap_webserver::rule::Server;

pub(crate) const SERVERS: [WebKind; 3] = [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy];

pub(crate) fn server(kind: WebKind) -> Server {
    let modules = ["headers_module", "http_map_module", "http_rewrite_module"].map(str::to_owned);
    let modules = BTreeSet::from(modules);
    let version = match kind {
        WebKind::Nginx => "1.25.3",
        WebKind::Apache => "2.4.62",
        WebKind::HaProxy => "2.6.12",
    };
    Server { kind, version: version.parse().ok(), modules }
}

/// What a server shows for `input`: each of its occurrences.
pub(crate) fn shown(kind: WebKind, input: &str, request: &Request) -> Vec<Vec<u8>> {
    let joined = |name: &str, by: &[u8]| {
        let values: Vec<_> = request.header_values(name).collect();
        vec![values.join(by)]
    };
    match (kind, input) {
        (WebKind::Nginx, "$request_uri") => vec![request.uri().to_vec()],
        (WebKind::Nginx, "$request_method") | (WebKind::HaProxy, "method") => {
            vec![request.method.clone().into_bytes()]
        }
        (WebKind::Nginx, "$http_cookie") => joined("cookie", b"; "),
        (WebKind::Nginx, "$http_x_a") => joined("x-a", b", "),
        (WebKind::Nginx, "$http_host") => joined("host", b", "),
        (WebKind::Apache, "%{THE_REQUEST}") => {
            vec![[request.method.as_bytes(), b" ", &request.target, b" HTTP/1.1"].concat()]
        }
        (WebKind::Apache, "req_novary('cookie')") => joined("cookie", b", "),
        (WebKind::Apache, "req_novary('x-a')") => joined("x-a", b", "),
        (WebKind::HaProxy, "url") => vec![request.target.clone()],
        (WebKind::HaProxy, "req.hdr_names") => {
            let names: Vec<_> =
                request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            vec![names.join(",").into_bytes()]
        }
        (WebKind::HaProxy, "req.hdrs") => {
            let line = |(name, value): &(String, Vec<u8>)| {
                [name.to_ascii_lowercase().as_bytes(), b": ", value, b"\r\n"].concat()
            };
            vec![request.headers.iter().map(line).collect::<Vec<_>>().concat()]
        }
        (WebKind::HaProxy, name) => {
            let name = name.strip_prefix("req.fhdr(").and_then(|name| name.strip_suffix(')'));
            let name = name.unwrap_or_else(|| panic!("{input}"));
            request.header_values(name).map(<[u8]>::to_vec).collect()
        }
        _ => panic!("{kind}: {input}"),
    }
}

/// Whether a server that reads `text` blocks `request`; `None` where this model cannot read it.
pub(crate) fn holds_by_text(text: &RuleText, request: &Request) -> Option<bool> {
    match text {
        RuleText::None => Some(false),
        RuleText::Nginx { http, .. } => Some(Maps::read(http).block(request)),
        RuleText::HaProxy { frontend } => {
            let code = frontend.iter().filter(|line| !line.starts_with('#'));
            Some(code.into_iter().any(|line| haproxy_line_holds(line, request)))
        }
        RuleText::Apache { .. } => None,
    }
}

/// A pattern that is found in any of `values`.
fn is_found(pattern: &str, values: &[Vec<u8>]) -> bool {
    let regex = Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    values.iter().any(|value| regex.is_match(value).unwrap())
}

fn haproxy_line_holds(line: &str, request: &Request) -> bool {
    let Some((action, conditions)) = line.split_once(" if ") else { return true };
    assert!(action.starts_with("http-request "), "{line}");
    assert!(line.split(' ').count() <= 64, "{line}");
    conditions.trim_end_matches(" }").split(" } ").all(|condition| {
        let (not, rest) = condition.split_once("{ ").unwrap();
        let (input, pattern) = rest.split_once(" -m reg -- '").unwrap();
        let pattern = pattern.strip_suffix('\'').unwrap();
        is_found(pattern, &shown(WebKind::HaProxy, input, request)) != (not == "!")
    })
}

/// A map of nginx: what is looked at, and its lines, the default first.
struct Map {
    source: String,
    default: String,
    lines: Vec<(String, String)>,
}

struct Maps(BTreeMap<String, Map>);

impl Maps {
    fn read(text: &str) -> Self {
        let (mut maps, mut open) = (BTreeMap::new(), None);
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            assert!(line.len() < 4096, "{line}");
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["map", source, name, "{"] => {
                    let source = source.trim_matches('"').to_owned();
                    let map = Map { source, default: String::new(), lines: Vec::new() };
                    open = Some((name[1..].to_owned(), map));
                }
                ["}"] => maps.extend(open.take()),
                [from, to] => {
                    let map = &mut open.as_mut().unwrap().1;
                    let to = to.trim_matches([';', '"']).to_owned();
                    match *from {
                        "default" => map.default = to,
                        from => map.lines.push((from.trim_matches('"').to_owned(), to)),
                    }
                }
                _ => panic!("{line}"),
            }
        }
        Self(maps)
    }

    fn block(&self, request: &Request) -> bool {
        self.0.contains_key("stopgap") && !self.variable("stopgap", request).is_empty()
    }

    fn variable(&self, name: &str, request: &Request) -> Vec<u8> {
        let map = &self.0[name];
        let value = self.value(&map.source, request);
        let line = map.lines.iter().find(|(from, _)| match from.strip_prefix('~') {
            Some(pattern) => {
                let folded = pattern.strip_prefix('*').map(|pattern| format!("(?i){pattern}"));
                is_found(folded.as_deref().unwrap_or(pattern), std::slice::from_ref(&value))
            }
            None => from.as_bytes() == value,
        });
        self.value(line.map_or(&map.default, |(_, to)| to), request)
    }

    fn value(&self, text: &str, request: &Request) -> Vec<u8> {
        let mut parts = text.split('$');
        let mut value = parts.next().unwrap_or_default().as_bytes().to_vec();
        for name in parts {
            value.extend(match self.0.contains_key(name) {
                true => self.variable(name, request),
                false => shown(WebKind::Nginx, &format!("${name}"), request).concat(),
            });
        }
        value
    }
}
