//! Where the parts of a request target stand in what a server shows of it.

use stopgap_model::web::WebKind;

use super::pcre::{class, text};
use super::percent_encoding::Region;
use stopgap_pattern::ast::ByteSet;

/// What a server shows of the target, and how the target begins in it.
pub(super) struct Target {
    /// The input, in the server's language.
    pub(super) input: &'static str,
    /// What stands before the target.
    head: String,
    /// What the target cannot hold, as sent.
    barrier: &'static [u8],
    /// Whether an absolute target is shown whole.
    pub(super) shows_authority: bool,
}

/// The beginning of an absolute target.
const SCHEME: &str = r"[A-Za-z][A-Za-z0-9+.\x2D]*+:\x2F\x2F";
/// The authority behind it.
const AUTHORITY: &str = r"[^\x20\x2F\x3F]*+";
/// Method and blank, which stand before the target in the request line.
const METHOD: &str = r"[^\x20]++\x20";

impl Target {
    pub(super) fn of(kind: WebKind) -> Self {
        let (input, before, barrier): (_, _, &'static [u8]) = match kind {
            WebKind::Nginx => {
                let head = String::new();
                return Self { input: "$request_uri", head, barrier: b"", shows_authority: false };
            }
            WebKind::Apache => ("%{THE_REQUEST}", METHOD, b" "),
            WebKind::HaProxy => ("url", "", b""),
        };
        // What is not absolute is left whole; what has nothing behind its authority is neither.
        let authority = format!(r"(?:{SCHEME}{AUTHORITY}(?=[\x2F\x3F])|(?!{SCHEME}))");
        let head = format!(r"\A{before}{authority}");
        Self { input, head, barrier, shows_authority: true }
    }

    /// An absolute target of which nothing follows the authority: what is asked for is `/`.
    pub(super) fn bare_authority(&self) -> String {
        let method = if self.barrier.is_empty() { "" } else { METHOD };
        format!(r"\A{method}{SCHEME}{AUTHORITY}(?![^\x20])")
    }

    /// All of it.
    pub(super) fn uri(&self) -> Region {
        Region::new(self.head.clone(), self.barrier)
    }

    /// What stands before the first `?`.
    pub(super) fn path(&self) -> Region {
        Region::new(self.anchored(), &self.and(b"?"))
    }

    /// What stands after the first `?`.
    pub(super) fn query(&self) -> Region {
        Region::new(self.query_head(), self.barrier)
    }

    /// The value of an argument of this name, or of any; the pattern of one without `=`, whose
    /// value is empty.
    pub(super) fn argument(&self, name: Option<&str>) -> (Region, String) {
        let name = match name {
            Some(name) => text(name),
            None => class(&ByteSet::of(self.and(b"&=")).complement()) + "*+",
        };
        let head = self.pair_head();
        let pair_end = class(&ByteSet::of(self.and(b"&")).complement());
        let bare = format!("{head}(?={pair_end}){name}(?!{pair_end})");
        (Region::new(format!(r"{head}{name}\x3D"), &self.and(b"&")), bare)
    }

    /// The name of an argument.
    pub(super) fn argument_name(&self) -> Region {
        let pair = class(&ByteSet::of(self.and(b"&")).complement());
        Region::new(format!("{}(?={pair})", self.pair_head()), &self.and(b"&="))
    }

    fn and(&self, more: &[u8]) -> Vec<u8> {
        [self.barrier, more].concat()
    }

    fn anchored(&self) -> String {
        if self.head.is_empty() { r"\A".into() } else { self.head.clone() }
    }

    fn query_head(&self) -> String {
        let path = class(&ByteSet::of(self.and(b"?")).complement());
        format!(r"{}{path}*+\x3F", self.anchored())
    }

    /// Where a part of the query begins: at its start, and behind each `&`.
    fn pair_head(&self) -> String {
        let query = class(&ByteSet::of(self.barrier.iter().copied()).complement());
        format!(r"{}(?:{query}*?\x26)?", self.query_head())
    }
}
