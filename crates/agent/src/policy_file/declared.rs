//! What an administrator says about this server in the policy file: `[[product]]`, `[web]` and
//! `[[web.server]]`.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use stopgap_engine::PROBE_TIME;
use stopgap_model::host::Declared;
use stopgap_model::problem::one_line;
use stopgap_model::product::{PRODUCT_RULE, is_product};
use stopgap_model::web::{DeclaredServer, WebKind, WebSettings};
use stopgap_model::{Problem, Scheme, ServerPath, Version};
use toml::Spanned;

/// Who says so, in reasons.
const SOURCE: &str = "policy.toml";

/// `[[product]]`: something that is installed and cannot be identified.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductPart {
    id: Spanned<String>,
    version: Spanned<String>,
}

/// What the `[[product]]` tables declare.
pub(super) fn products(parts: Vec<ProductPart>) -> Result<Vec<Declared>, Problem> {
    parts.into_iter().map(product).collect()
}

fn product(part: ProductPart) -> Result<Declared, Problem> {
    let (id, version) = (part.id, part.version);
    if !is_product(id.get_ref()) {
        let message = format!("`{}` is not the name of a product", one_line(id.get_ref()));
        return Err(Problem::new(id.span(), message).expected(PRODUCT_RULE));
    }
    let scheme = Scheme::of(id.get_ref());
    // By the scheme of the product: `1.2-3` is a version of Debian, and none with dots.
    let read = Version::read(version.get_ref(), scheme).map_err(|_| {
        let message = format!("`{}` is not a version", one_line(version.get_ref()));
        let problem = Problem::new(version.span(), message).expected(scheme.expected());
        match version.get_ref().contains('-') && scheme == Scheme::Dotted {
            true => problem.help("for a pre-release, write the release before it"),
            false => problem,
        }
    })?;
    Ok(Declared { product: id.into_inner(), version: read, source: SOURCE.to_owned() })
}

/// `[web]`: which web servers there are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebPart {
    /// Whether web servers are looked for, beside those that are listed.
    find: bool,
    /// How long the sites of one server are asked for one change, in seconds.
    probe_time: Option<Spanned<u64>>,
    /// Those that are listed.
    server: Vec<ServerPart>,
}

impl Default for WebPart {
    fn default() -> Self {
        Self { find: true, probe_time: None, server: Vec::new() }
    }
}

/// What can be said of it, in seconds: in less an application that wakes up cannot answer twice, and a
/// longer one keeps every other command waiting.
const PROBE_TIMES: std::ops::RangeInclusive<u64> = 10..=300;

/// Returns how long the sites of one server are asked for one change.
pub(super) fn probe_time(part: &WebPart) -> Result<Duration, Problem> {
    let Some(said) = &part.probe_time else { return Ok(PROBE_TIME) };
    let seconds = *said.get_ref();
    if PROBE_TIMES.contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    let (least, most) = (PROBE_TIMES.start(), PROBE_TIMES.end());
    let problem =
        Problem::new(said.span(), format!("`{seconds}` seconds for the sites of a server"));
    Err(problem.expected(format!("a number of seconds from {least} to {most}")))
}

/// `[[web.server]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerPart {
    kind: WebKind,
    config: Spanned<Paths>,
    program: Option<AbsolutePath>,
    base: Option<AbsolutePath>,
    unit: Option<Spanned<String>>,
    user: Option<Spanned<UserName>>,
    arguments: Option<Spanned<Vec<String>>>,
}

/// What `[web]` says.
pub(super) fn web(part: WebPart) -> Result<WebSettings, Problem> {
    let servers = part.server.into_iter().map(server).collect::<Result<_, _>>()?;
    Ok(WebSettings { find: part.find, servers })
}

fn server(part: ServerPart) -> Result<DeclaredServer, Problem> {
    let span = part.config.span();
    let Paths(config) = part.config.into_inner();
    if config.is_empty() || (config.len() > 1 && part.kind != WebKind::HaProxy) {
        let message = format!("{} configuration files for {}", config.len(), part.kind.name());
        let expected = if part.kind == WebKind::HaProxy { "at least one" } else { "one" };
        return Err(Problem::new(span, message).expected(expected));
    }
    Ok(DeclaredServer {
        kind: part.kind,
        config: config.into_iter().map(|path| path.0).collect(),
        program: part.program.map(|path| path.0),
        base: part.base.map(|path| path.0),
        unit: part.unit.map(unit).transpose()?,
        user: part.user.map(|user| user.into_inner().0),
        arguments: part.arguments.map(arguments).transpose()?,
    })
}

/// The name of a service as `systemd.unit(5)` has it.
fn unit(name: Spanned<String>) -> Result<String, Problem> {
    let text = name.get_ref();
    let is_name = |c: char| c.is_ascii_alphanumeric() || r":-_.\@".contains(c);
    let stem = text.strip_suffix(".service").unwrap_or_default();
    if stem.is_empty() || stem.starts_with(['-', '.']) || !text.chars().all(is_name) {
        let message = format!("`{}` is not the name of a service", one_line(text));
        return Err(Problem::new(name.span(), message).expected("such as `nginx.service`"));
    }
    Ok(name.into_inner())
}

fn arguments(list: Spanned<Vec<String>>) -> Result<Vec<String>, Problem> {
    if let Some(bad) = list.get_ref().iter().find(|text| text.contains('\0')) {
        let message = format!("`{}` is not an argument", one_line(bad));
        return Err(Problem::new(list.span(), message).expected("no NUL in it"));
    }
    Ok(list.into_inner())
}

/// The name of a user, or his number.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct UserName(String);

/// A text that names no user.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not a user, such as `www-data` or `33`", one_line(.0))]
struct NotAUser(String);

impl TryFrom<String> for UserName {
    type Error = NotAUser;

    fn try_from(text: String) -> Result<Self, NotAUser> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.$@\\".contains(c);
        match !text.is_empty() && !text.starts_with('-') && text.chars().all(is_name) {
            true => Ok(Self(text)),
            false => Err(NotAUser(text)),
        }
    }
}

/// A path that does not depend on where anybody stands.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct AbsolutePath(ServerPath);

/// A text that is no absolute path.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not an absolute path, such as `/srv/x/nginx.conf`", one_line(.0))]
struct NotAbsolute(String);

impl TryFrom<String> for AbsolutePath {
    type Error = NotAbsolute;

    fn try_from(text: String) -> Result<Self, NotAbsolute> {
        if !text.starts_with('/') || text.contains(char::is_control) {
            return Err(NotAbsolute(text));
        }
        Ok(Self(ServerPath::new(text)))
    }
}

/// One path, or a list of them.
#[derive(Debug)]
struct Paths(Vec<AbsolutePath>);

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PathsVisitor)
    }
}

struct PathsVisitor;

impl<'de> Visitor<'de> for PathsVisitor {
    type Value = Paths;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path or a list of paths")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Paths, E> {
        AbsolutePath::try_from(text.to_owned()).map(|path| Paths(vec![path])).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Paths, A::Error> {
        let mut paths = Vec::new();
        while let Some(path) = list.next_element()? {
            paths.push(path);
        }
        Ok(Paths(paths))
    }
}
