//! A URL as HTTP.sys hands it on, and what HTTP.sys does not hand on at all.

use stopgap_model::request::absolute;
use stopgap_rules::path::{decode, escape, is_slash};

/// The longest part of a path between two slashes that HTTP.sys takes (`UrlSegmentMaxLength`).
const MAX_SEGMENT: usize = 260;

/// What HTTP.sys does with a request before any rule is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Door {
    /// It hands the request on.
    Open,
    /// It may answer 400: when, as a clause, and when not.
    Doubtful { refuses: String, passes: String },
    /// It answers 400: why, a sentence without a full stop.
    Shut(String),
}

/// What HTTP.sys does with a request to this path.
pub(super) fn door(path: &[u8]) -> Door {
    let starts = path.iter().enumerate().filter(|(_, byte)| **byte == b'%').map(|(at, _)| at);
    let mut end = 0;
    for at in starts {
        // The percent sign of `%2525` is read once.
        if at < end {
            continue;
        }
        match path.get(at..).and_then(escape) {
            Some((_, length)) => end = at + length,
            None => {
                let why = "the path has a `%` without two hexadecimal digits behind it";
                return Door::Shut(why.into());
            }
        }
    }
    // What is left to refuse it looks for in the path as it is decoded.
    let decoded = decode(path);
    if decoded.contains(&0) {
        return Door::Shut("the path has the character NUL".into());
    }
    let unless = |what: &str, setting: &str| Door::Doubtful {
        refuses: format!("HTTP.sys refuses {what}, as it does unless it is set otherwise"),
        passes: format!("{setting} lets {what} pass"),
    };
    if decoded.iter().any(u8::is_ascii_control) {
        return unless("control characters in a path", "AllowRestrictedChars");
    }
    if decoded.split(|&byte| is_slash(byte)).any(|part| part.len() > MAX_SEGMENT) {
        return unless("parts of a path longer than 260 characters", "UrlSegmentMaxLength");
    }
    if leads_above_the_root(&decoded) {
        return Door::Doubtful {
            refuses: "HTTP.sys refuses a path that leads above the root".into(),
            passes: "HTTP.sys takes a path that leads above the root for one from the root".into(),
        };
    }
    Door::Open
}

fn leads_above_the_root(decoded: &[u8]) -> bool {
    let mut depth = 0_usize;
    for part in decoded.split(|&byte| is_slash(byte)) {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// Whether a URL begins with a scheme and `://`.
pub(super) fn is_absolute(url: &[u8]) -> bool {
    absolute(url).is_some()
}

/// The target that a URL has once its scheme and host are taken off, as an origin server sees it.
pub(super) fn origin(url: &[u8]) -> &[u8] {
    match absolute(url) {
        Some((_, _, b"")) => b"/",
        Some((_, _, rest)) => rest,
        None => url,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_http_sys_refuses_is_told_from_what_it_may_refuse() {
        let shut = ["/%", "/a%2", "/%zz", "/%u00g0", "/a%00"];
        for path in shut {
            assert!(matches!(door(path.as_bytes()), Door::Shut(_)), "{path}");
        }
        let long = format!("/{}", "a".repeat(261));
        for path in ["/a%0ab", "/%7f", "/../x", "/a/../../x", long.as_str()] {
            assert!(matches!(door(path.as_bytes()), Door::Doubtful { .. }), "{path}");
        }
        for path in ["/", "/%25", "/%2525", "/%25zz", "/a/../x", "/é", "*", "/a%20b"] {
            assert_eq!(door(path.as_bytes()), Door::Open, "{path}");
        }
    }
}
