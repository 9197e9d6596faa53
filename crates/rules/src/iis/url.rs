//! A URL as HTTP.sys hands it on, and what HTTP.sys does not hand on at all.

use std::borrow::Cow;

use stopgap_model::Request;
use stopgap_model::request::absolute;

/// The longest part of a path between two slashes that HTTP.sys takes (`UrlSegmentMaxLength`).
const MAX_SEGMENT: usize = 260;

/// The path of a request as IIS and the `match` of its rules see it: decoded once, with `/` for `\`,
/// without empty, `.` and `..` parts.
#[must_use]
pub fn canonical_path(request: &Request) -> Vec<u8> {
    canonical(request.path())
}

/// The same of the path of a request target, which begins with a slash; any other is decoded only.
pub(super) fn canonical(path: &[u8]) -> Vec<u8> {
    let decoded = decode(path);
    if !matches!(decoded.first(), Some(b'/' | b'\\')) {
        return decoded.into_owned();
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    let mut last: &[u8] = b"";
    for part in decoded.split(|&byte| is_slash(byte)) {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
        last = part;
    }
    let mut path = Vec::with_capacity(decoded.len());
    for part in &parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    if matches!(last, b"" | b"." | b"..") || path.is_empty() {
        path.push(b'/');
    }
    path
}

fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// A percent sign at the head of `text`: the bytes that it stands for, and how long it is.
fn escape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let number = |digits: &[u8]| {
        let all = digits.iter().all(u8::is_ascii_hexdigit);
        all.then(|| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
    };
    if let Some(wide) = text.strip_prefix(b"%u").or_else(|| text.strip_prefix(b"%U")) {
        let c = char::from_u32(number(wide.get(..4)?)?)?;
        return Some((c.to_string().into_bytes(), 6));
    }
    let value = number(text.strip_prefix(b"%")?.get(..2)?)?;
    Some((vec![value as u8], 3))
}

/// `path` with each escape replaced, once.
fn decode(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.contains(&b'%') {
        return Cow::Borrowed(path);
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        match escape(rest) {
            Some((bytes, length)) => {
                decoded.extend_from_slice(&bytes);
                rest = &rest[length..];
            }
            None => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    Cow::Owned(decoded)
}

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
        match escape(&path[at..]) {
            Some((_, length)) => end = at + length,
            None => {
                let why = "the path has a `%` without two hexadecimal digits behind it";
                return Door::Shut(why.into());
            }
        }
    }
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_handed_on_decoded_once_and_without_dots() {
        for (path, handed_on) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/x/../admin/", "/admin/"),
            ("/x/%2e%2e/admin/", "/admin/"),
            ("/x/%2E./admin", "/admin"),
            ("/x%2f..%5cadmin", "/admin"),
            (r"/admin\x", "/admin/x"),
            ("/a/./b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("//a///b//", "/a/b/"),
            ("/../../a", "/a"),
            ("/..", "/"),
            ("/a%252e%252e/b", "/a%2e%2e/b"),
            ("/.../a..b/..c", "/.../a..b/..c"),
            ("/%u0061dmin", "/admin"),
            ("/100%", "/100%"),
            ("/%25", "/%"),
            ("*", "*"),
        ] {
            let seen = canonical(path.as_bytes());
            assert_eq!(String::from_utf8_lossy(&seen), handed_on, "{path}");
        }
    }

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

    /// A path with its bytes written in the ways in which an attacker may write them.
    fn spelt(path: &[u8], ways: &[u8]) -> Vec<u8> {
        let mut spelt = Vec::new();
        for (&byte, way) in path.iter().zip(ways.iter().cycle()) {
            match (byte, way % 6) {
                (b'/', 1) => spelt.push(b'\\'),
                (b'/', 2) => spelt.extend_from_slice(b"/./"),
                (b'/', 3) => spelt.extend_from_slice(b"//"),
                (b'/', 4) => spelt.extend_from_slice(b"/x/%2e./"),
                (byte, 5) => spelt.extend_from_slice(format!("%{byte:02x}").as_bytes()),
                (byte, _) => spelt.push(byte),
            }
        }
        spelt
    }

    proptest! {
        #[test]
        fn however_a_path_is_spelt_the_same_is_seen(
            path in "(/[a-c.]{1,3}){0,4}/?",
            ways in proptest::collection::vec(any::<u8>(), 1..12),
        ) {
            let plain = canonical(format!("/{path}").as_bytes());
            prop_assert_eq!(&canonical(&spelt(&plain, &ways)), &plain);
            prop_assert!(!plain.windows(2).any(|pair| pair == b"//"));
            prop_assert!(!plain.split(|&b| b == b'/').any(|part| part == b"." || part == b".."));
        }
    }
}
