//! What each server shows of a field, and where the field's value stands in it.

use stopgap_model::reason::RuleReason;
use stopgap_model::rule::{Case, Condition, Field, Test};
use stopgap_model::web::WebKind;
use stopgap_model::{Request, Version};

use super::pcre::{class, text};
use super::percent_encoding::{BLANKS, Region};
use super::server::Server;
use super::target::Target;
use stopgap_pattern::ast::{ByteSet, Node};
use stopgap_rules::CompiledCondition;
use stopgap_rules::Subject;

/// What is looked at for a test.
pub(super) struct View {
    /// The input, in the server's language.
    pub(super) input: String,
    /// Where the value stands in it.
    pub(super) region: Region,
    /// Patterns that are found where there is a value that does not stand there, and the test
    /// passes for it.
    pub(super) others: Vec<String>,
}

impl View {
    fn whole(input: impl Into<String>) -> Self {
        Self::new(input, Region::whole())
    }

    fn new(input: impl Into<String>, region: Region) -> Self {
        Self { input: input.into(), region, others: Vec::new() }
    }
}

/// From this version on nginx joins the values of a repeated header by commas; before, it shows
/// the first one only (its CHANGES, 1.23.0).
const NGINX_JOINS: [u32; 2] = [1, 23];

/// What `server` shows for `test`, which looks for `node`.
pub(super) fn view(server: &Server, test: &Test, node: &Node) -> Result<View, RuleReason> {
    match &test.field {
        Field::Method => Ok(method(server.kind)),
        Field::Uri | Field::Path | Field::Query => of_target(server.kind, test, node),
        Field::Arg(_) | Field::Args | Field::ArgNames => arguments(server.kind, test),
        Field::Host => host(server.kind, test),
        Field::Header(name) if name == "cookie" => cookie_header(server.kind, test, node),
        Field::Header(name) => header(server, name, test, node),
        Field::Cookie(name) => cookie(server.kind, name, test),
        Field::HeaderNames => header_names(server.kind, test),
        Field::AnyHeader => any_header(server.kind),
        Field::ResponseContentType => media_type(server.kind, test),
        Field::ResponseHeader(name) => {
            is_plain_name(server.kind, name)?;
            Ok(View::whole(format!("res.fhdr({name})")))
        }
        Field::Body | Field::BodyArgs | Field::BodyArgNames | Field::FileNames => {
            Err(RuleReason::NoBody { field: test.field.to_string(), server: server.kind })
        }
    }
}

/// The media type of the response, without its parameters.
fn media_type(kind: WebKind, test: &Test) -> Result<View, RuleReason> {
    let input = if kind == WebKind::HaProxy {
        "res.fhdr(content-type)"
    } else {
        same_when_missing(kind, test)?;
        // Of the response, for all its name.
        "%{CONTENT_TYPE}"
    };
    let blanks = class(&ByteSet::of(BLANKS.iter().copied()));
    Ok(View::new(input, Region::new(format!(r"\A{blanks}*+"), b";").trimmed()))
}

fn method(kind: WebKind) -> View {
    match kind {
        WebKind::Nginx => View::whole("$request_method"),
        WebKind::HaProxy => View::whole("method"),
        WebKind::Apache => View::new("%{THE_REQUEST}", Region::new(r"\A", b" ")),
    }
}

fn of_target(kind: WebKind, test: &Test, node: &Node) -> Result<View, RuleReason> {
    let target = Target::of(kind);
    let region = match test.field {
        Field::Path => target.path(),
        Field::Query => target.query(),
        _ => target.uri(),
    };
    let begins_with_boundary = || {
        let boundary = node.any(&|node| matches!(node, Node::WordBoundary { .. }));
        let (first, nullable) = node.first();
        boundary && (nullable || first.meets(&ByteSet::of(*b"/?")))
    };
    if target.shows_authority && test.field != Field::Query && begins_with_boundary() {
        return Err(RuleReason::BoundaryAtSlash { field: test.field.to_string() });
    }
    let mut view = View::new(target.input, region);
    if target.shows_authority && passes(test, b"http://h") {
        view.others.push(target.bare_authority());
    }
    Ok(view)
}

fn arguments(kind: WebKind, test: &Test) -> Result<View, RuleReason> {
    let target = Target::of(kind);
    let name = match &test.field {
        Field::Arg(name) if name.contains(['&', '=']) => {
            return Err(impossible_name(test, "argument"));
        }
        Field::Arg(name) => Some(name.as_str()),
        Field::ArgNames => return Ok(View::new(target.input, target.argument_name())),
        _ => None,
    };
    // An argument without `=` has an empty value, which stands nowhere.
    let (region, bare) = target.argument(name);
    let mut view = View::new(target.input, region);
    view.others.extend(passes_empty(test).then_some(bare));
    Ok(view)
}

fn host(kind: WebKind, test: &Test) -> Result<View, RuleReason> {
    match kind {
        WebKind::Nginx => same_when_missing(kind, test).map(|()| View::whole("$http_host")),
        WebKind::HaProxy => Ok(View::whole("req.fhdr(host)")),
        WebKind::Apache => Err(RuleReason::HostReplaced { server: kind }),
    }
}

/// One Cookie header for all, joined by `; ` as in the AST on nginx, by `, ` on Apache; on HAProxy
/// each by itself.
fn cookie_header(kind: WebKind, test: &Test, node: &Node) -> Result<View, RuleReason> {
    match kind {
        WebKind::Nginx => same_when_missing(kind, test).map(|()| View::whole("$http_cookie")),
        WebKind::Apache => {
            same_when_missing(kind, test)?;
            never_holds(test, node, b";,", false)?;
            Ok(View::whole("req_novary('cookie')"))
        }
        WebKind::HaProxy => {
            never_holds(test, node, b";", true)?;
            Ok(View::whole("req.fhdr(cookie)"))
        }
    }
}

fn header(server: &Server, name: &str, test: &Test, node: &Node) -> Result<View, RuleReason> {
    let kind = server.kind;
    is_plain_name(kind, name)?;
    if kind == WebKind::HaProxy {
        return Ok(View::whole(format!("req.fhdr({name})")));
    }
    if kind == WebKind::Nginx && !joins_headers(server) {
        let (field, first) = (test.field.to_string(), Version::from_parts(&NGINX_JOINS));
        let first = first.to_string();
        return Err(RuleReason::FirstHeaderOnly { field, server: kind, first });
    }
    same_when_missing(kind, test)?;
    never_holds(test, node, b",", true)?;
    Ok(View::whole(match kind {
        WebKind::Nginx => format!("$http_{}", name.replace('-', "_")),
        // `%{HTTP:name}` would be answered with a Vary header.
        _ => format!("req_novary('{name}')"),
    }))
}

fn joins_headers(server: &Server) -> bool {
    let first = Version::from_parts(&NGINX_JOINS);
    server.version.as_ref().is_some_and(|version| *version >= first)
}

fn cookie(kind: WebKind, name: &str, test: &Test) -> Result<View, RuleReason> {
    let input = match kind {
        WebKind::Nginx => "$http_cookie",
        WebKind::HaProxy => "req.fhdr(cookie)",
        WebKind::Apache => {
            let field = test.field.to_string();
            return Err(RuleReason::CookiesJoined { field, server: kind });
        }
    };
    let is_blank = |c: char| c.is_ascii() && BLANKS.contains(&(c as u8));
    if name.is_empty() || name.contains([';', '=']) || name.trim_matches(is_blank) != name {
        return Err(impossible_name(test, "cookie"));
    }
    let blanks = class(&ByteSet::of(BLANKS.iter().copied()));
    let head = format!(r"(?:\A|\x3B){blanks}*+{}", text(name));
    let mut view = View::new(input, Region::new(format!(r"{head}\x3D"), b";").trimmed());
    if passes_empty(test) {
        view.others.push(format!(r"{head}{blanks}*+(?![^\x3B])"));
    }
    Ok(view)
}

fn impossible_name(test: &Test, what: &str) -> RuleReason {
    RuleReason::ImpossibleName { field: test.field.to_string(), what: what.to_owned() }
}

fn header_names(kind: WebKind, test: &Test) -> Result<View, RuleReason> {
    if kind != WebKind::HaProxy {
        return Err(RuleReason::NoHeaderNames { server: kind });
    }
    if test.case == Case::Exact {
        return Err(RuleReason::LowerCaseNames { server: kind });
    }
    Ok(View::new("req.hdr_names", Region::new(r"(?:\A|\x2C)(?=[^\x2C])", b",")))
}

fn any_header(kind: WebKind) -> Result<View, RuleReason> {
    match kind {
        WebKind::HaProxy => {
            let head = r"(?:\A|\x0A)[^\x0A\x0D\x3A]++\x3A\x20";
            Ok(View::new("req.hdrs", Region::new(head, b"\r\n")))
        }
        _ => Err(RuleReason::NotAllHeaders { server: kind }),
    }
}

/// nginx has variables for the names of letters, digits and dashes; on the others more could leave
/// its quotes.
pub(super) fn is_plain_name(kind: WebKind, name: &str) -> Result<(), RuleReason> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if name.is_empty() || !name.bytes().all(|b| plain(b) || (b == b'_' && kind != WebKind::Nginx)) {
        return Err(RuleReason::HeaderName { header: name.to_owned(), server: kind });
    }
    Ok(())
}

/// A match of `node` never holds one of `bytes` and, with `alone`, neither begins with the blank
/// behind such a byte nor depends on where a value ends.
fn never_holds(test: &Test, node: &Node, bytes: &[u8], alone: bool) -> Result<(), RuleReason> {
    let bytes = ByteSet::of(bytes.iter().copied());
    let sees = node.any(&|node| match node {
        Node::Set(set) => set.meets(&bytes),
        Node::Start | Node::End => alone,
        _ => false,
    });
    if sees || (alone && node.first().0.contains(b' ')) {
        let (field, operator) = (test.field.to_string(), test.operator.name().to_owned());
        return Err(RuleReason::JoinedHeaders { field, operator });
    }
    Ok(())
}

/// What is not there has no value in the AST and is an empty string on nginx and Apache.
fn same_when_missing(kind: WebKind, test: &Test) -> Result<(), RuleReason> {
    if !passes_empty(test) {
        return Ok(());
    }
    Err(RuleReason::MissingIsEmpty { field: test.field.to_string(), server: kind })
}

/// Whether an empty value passes.
fn passes_empty(test: &Test) -> bool {
    passes(&Test { field: Field::Uri, ..test.clone() }, b"")
}

/// Whether `test`, of the request target, holds for a request with this one.
fn passes(test: &Test, target: &[u8]) -> bool {
    let request = Request { target: target.to_vec(), ..Request::default() };
    let subject = Subject { request: &request, response: None, body_limit: 0 };
    CompiledCondition::new(&Condition::Test(test.clone())).is_ok_and(|test| test.holds(subject))
}
