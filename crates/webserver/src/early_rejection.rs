//! Requests that a server rejects as soon as it has read them, before it evaluates any rule.

use stopgap_model::{Request, WebKind};

/// Returns whether a server of this kind that answered `request` with `status` rejected it before any rule
/// or application saw it. Only what every version of the server does counts, and only targets that begin
/// with a slash.
///
/// nginx (`ngx_http_parse.c`): a `%` without two hexadecimal digits behind it, a zero byte, and dots that
/// lead out of the root, in the path; a method that is not of capital letters; TRACE. Its pages for
/// errors hold for these too, so that any status can be its answer. Apache httpd (`ap_unescape_url`,
/// `ap_normalize_path`): the same in the path but for dots, which only newer versions answer with 400.
#[must_use]
pub fn rejects_early(kind: WebKind, request: &Request, status: u16) -> bool {
    let path = Path::of(&request.target);
    match kind {
        WebKind::Nginx => {
            let of_method = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-');
            path.is_malformed
                || path.leaves_root
                || request.method == "TRACE"
                || !request.method.bytes().all(of_method)
        }
        WebKind::Apache => path.is_malformed || (path.leaves_root && status == 400),
        WebKind::HaProxy => false,
    }
}

/// What is wrong with the path of a target.
#[derive(Default)]
struct Path {
    /// It has a `%` that encodes nothing, or a zero byte.
    is_malformed: bool,
    /// It leads out of the root, decoded once. A segment that is empty counts as one: a server that
    /// takes slashes together is out of the root sooner.
    leaves_root: bool,
}

impl Path {
    fn of(target: &[u8]) -> Self {
        let path = target.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
        let Some(rest) = path.strip_prefix(b"/") else { return Self::default() };
        let Some(decoded) = decoded(rest) else {
            return Self { is_malformed: true, leaves_root: false };
        };
        let mut depth = 0_usize;
        for segment in decoded.split(|byte| *byte == b'/') {
            match (segment, depth) {
                (b"..", 0) => return Self { is_malformed: false, leaves_root: true },
                (b"..", _) => depth -= 1,
                (b".", _) => {}
                _ => depth += 1,
            }
        }
        Self::default()
    }
}

/// A path, decoded once; `None` if it is malformed.
fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.iter().copied();
    let digit = |byte: Option<u8>| u8::try_from(char::from(byte?).to_digit(16)?).ok();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => (digit(bytes.next())? << 4) | digit(bytes.next())?,
            byte => byte,
        };
        if byte == 0 {
            return None;
        }
        out.push(byte);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(kind: WebKind, line: &str, status: u16) -> bool {
        rejects_early(kind, &Request::from_line(line).unwrap_or_default(), status)
    }

    #[test]
    fn what_a_server_cannot_read_reaches_no_rule() {
        for line in ["GET /cgi-bin/%%32%65", "GET /a%", "GET /a%0g", "GET /a%00b"] {
            assert!(is_refused(WebKind::Nginx, line, 400), "{line}");
            assert!(is_refused(WebKind::Apache, line, 400), "{line}");
            assert!(!is_refused(WebKind::HaProxy, line, 400), "{line}");
        }
        for line in ["GET /../x", "GET /a/../../x", "GET /.%2e/x", "GET /%2e%2e%2fx"] {
            assert!(is_refused(WebKind::Nginx, line, 400), "{line}");
            assert!(is_refused(WebKind::Apache, line, 400), "{line}");
            assert!(!is_refused(WebKind::Apache, line, 200), "{line}");
        }
        assert!(is_refused(WebKind::Nginx, "get /", 400));
        assert!(is_refused(WebKind::Nginx, "TRACE /", 405));
    }

    #[test]
    fn what_an_application_may_get_is_not_called_refused() {
        for line in ["GET /a/../x", "GET /?a=%%32", "GET //../x", "GET /%252e%252e/x", "GET /..x"] {
            for kind in [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy] {
                assert!(!is_refused(kind, line, 400), "{line}");
            }
        }
    }
}
