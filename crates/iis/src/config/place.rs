//! Where in a configuration file something stands.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use stopgap_model::problem::one_line;

/// Where in a configuration file something stands. Two spellings of one path are one place.
#[derive(Debug, Clone)]
pub enum Place {
    /// What holds for the whole server, in applicationHost.config: `globalRules`, the pools.
    Server,
    /// `system.webServer` in the `<location>` of this path.
    Location {
        /// The path as written, such as `Default Web Site/owa`. Empty: the whole file.
        path: String,
    },
    /// `system.webServer` of a web.config, outside of any `<location>`.
    WebConfig,
}

impl Place {
    /// What tells it from other places of its file.
    fn identity(&self) -> (u8, String) {
        let kind = match self {
            Self::Server => 0,
            Self::Location { .. } => 1,
            Self::WebConfig => 2,
        };
        (kind, self.key())
    }

    /// The location path, in the one spelling that [`normal`] gives. Empty: the whole file.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Server | Self::WebConfig => String::new(),
            Self::Location { path } => normal(path),
        }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("for the whole server"),
            Self::Location { path } if normal(path).is_empty() => f.write_str("at its root"),
            Self::Location { path } => write!(f, "location \"{}\"", one_line(path)),
            Self::WebConfig => f.write_str("at its root"),
        }
    }
}

/// A location or URL path in one spelling: no outer slashes, lower case, `.` for nothing.
pub(crate) fn normal(path: &str) -> String {
    let mut normal = String::with_capacity(path.len());
    for part in path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".") {
        if !normal.is_empty() {
            normal.push('/');
        }
        normal.push_str(part);
    }
    normal.make_ascii_lowercase();
    normal
}

/// Whether a normal path is `above` or lies under it.
pub(crate) fn is_within(path: &str, above: &str) -> bool {
    above.is_empty()
        || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A normal path and all those that it lies under, from the widest down to itself.
pub(crate) fn way_to(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    let inner = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
    let own = (!path.is_empty()).then_some(path);
    std::iter::once("").chain(inner).chain(own)
}

/// Two normal paths, one after the other.
pub(crate) fn joined(above: &str, below: &str) -> String {
    match (above.is_empty(), below.is_empty()) {
        (true, _) => below.to_owned(),
        (_, true) => above.to_owned(),
        _ => format!("{above}/{below}"),
    }
}

/// How many parts a normal path has.
pub(crate) fn depth(path: &str) -> usize {
    path.split('/').filter(|part| !part.is_empty()).count()
}

/// Whether two names are one; collection keys do not mind case.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}
