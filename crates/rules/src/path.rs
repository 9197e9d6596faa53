//! The path of a request as a scope is held against it. A scope is a place of IIS, so this is how IIS
//! sees a path.

use std::borrow::Cow;

use stopgap_model::Request;

/// The path of a request as IIS and the `match` of its rules see it: decoded once, with `/` for `\`,
/// without empty, `.` and `..` parts.
#[must_use]
pub fn canonical_path(request: &Request) -> Vec<u8> {
    canonical(request.path())
}

/// The same of the path of a request target, which begins with a slash; any other is decoded only.
#[must_use]
pub fn canonical(path: &[u8]) -> Vec<u8> {
    let decoded = decode(path);
    if !matches!(decoded.first(), Some(b'/' | b'\\')) {
        return decoded.into_owned();
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    // Whether the last part is a folder or a file tells whether a slash stands at the end.
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
    // A path that ends in a folder keeps its slash.
    if matches!(last, b"" | b"." | b"..") || path.is_empty() {
        path.push(b'/');
    }
    path
}

/// Whether a byte parts a path: IIS takes a backslash for a slash.
#[must_use]
pub fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// A percent sign at the head of `text`: the bytes that it stands for, and how long it is.
#[must_use]
pub fn escape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
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
#[must_use]
pub fn decode(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.contains(&b'%') {
        return Cow::Borrowed(path);
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        match escape(rest) {
            Some((bytes, length)) => {
                decoded.extend_from_slice(&bytes);
                rest = rest.get(length..).unwrap_or_default();
            }
            None => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    Cow::Owned(decoded)
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
