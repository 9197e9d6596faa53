//! What an answer of HTTP/1 says of itself: its status, and where it ends.

/// What was read does not begin as an answer of HTTP/1 does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotHttp;

/// The status of an answer behind provisional ones (1xx, but for 101), and where it begins; `None` if
/// more is to be read.
pub(crate) fn status_of(bytes: &[u8]) -> Option<Result<(u16, usize), NotHttp>> {
    let mut begin = 0;
    loop {
        let head = bytes.get(begin..)?;
        let start = b"HTTP/1.";
        // As far as both go: what is not there yet may still be right.
        if head.iter().zip(start).any(|(there, right)| there != right) {
            return Some(Err(NotHttp));
        }
        let line = head.split_inclusive(|&byte| byte == b'\n').next()?.strip_suffix(b"\n")?;
        let status = line.get(start.len() + 2..start.len() + 5);
        let status = status.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
        let Some(status) = status else { return Some(Err(NotHttp)) };
        if !(100..200).contains(&status) || status == 101 {
            return Some(Ok((status, begin)));
        }
        begin += end_of_head(head)?;
    }
}

fn end_of_head(head: &[u8]) -> Option<usize> {
    head.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// How far an answer has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// More of it is to come, if it is to be read to its end.
    More,
    /// It is whole, and nothing follows: the connection can take another request.
    Whole,
    /// The connection can take no other request.
    Last,
}

/// How far the answer that begins `reply` has come.
pub(crate) fn extent_of(reply: &[u8]) -> Extent {
    let Some(end) = end_of_head(reply) else { return Extent::More };
    let Some((head, body)) = reply.split_at_checked(end) else { return Extent::More };
    let Ok(head) = str::from_utf8(head) else { return Extent::Last };
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).unwrap_or_default();
    let (mut chunked, mut told) = (false, None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            // What is said there of keeping it need not be understood: it is not kept.
            "connection" if !value.eq_ignore_ascii_case("keep-alive") => return Extent::Last,
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => chunked = true,
            "transfer-encoding" => return Extent::Last,
            "content-length" => match (told, value.parse()) {
                (None, Ok(length)) => told = Some(length),
                _ => return Extent::Last,
            },
            _ => {}
        }
    }
    let length = match chunked {
        _ if !first.starts_with("HTTP/1.1 ") => None,
        _ if matches!(status, "204" | "304") => Some(0),
        true => match chunks(body) {
            Some(None) => return Extent::More,
            Some(length) => length,
            None => None,
        },
        false => told,
    };
    match length {
        Some(length) if body.len() < length => Extent::More,
        Some(length) if body.len() == length => Extent::Whole,
        _ => Extent::Last,
    }
}

/// The length of a body in chunks (RFC 9112, 7.1); `Some(None)`: it is not whole. `None`: it has
/// trailers, or is none.
fn chunks(body: &[u8]) -> Option<Option<usize>> {
    let mut at = 0;
    loop {
        let rest = body.get(at..)?;
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else { return Some(None) };
        let size = str::from_utf8(rest.get(..line)?).ok()?;
        let size = size.split_once(';').map_or(size, |(size, _)| size).trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let end = at.checked_add(line + 2)?.checked_add(size)?;
        let Some(close) = body.get(end..end.checked_add(2)?) else { return Some(None) };
        if close != b"\r\n" {
            return None;
        }
        at = end + 2;
        if size == 0 {
            return Some(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_behind_provisional_answers() {
        let known = |text: &str| status_of(text.as_bytes()).map(|it| it.map(|(status, _)| status));
        assert_eq!(known("HTTP/1.1 403 Forbidden\r\n"), Some(Ok(403)));
        assert_eq!(known("HTTP/1.0 200\r\n"), Some(Ok(200)));
        assert_eq!(known("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 x\r\n"), Some(Ok(500)));
        assert_eq!(known("HTTP/1.1 101 Switching\r\n"), Some(Ok(101)));
        for more in ["", "HT", "HTTP/1.1 20", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100\r\n"] {
            assert_eq!(known(more), None, "{more:?}");
        }
        for bad in ["SSH-2.0\r\n", "HTTP/1.1\r\n", "HTTP/1.1 x\r\n", "HTTP/2 200\r\n"] {
            assert_eq!(known(bad), Some(Err(NotHttp)), "{bad:?}");
        }
    }

    #[test]
    fn a_connection_is_kept_only_where_the_end_of_the_answer_is_sure() {
        let extent = |text: &str| extent_of(text.as_bytes());
        for whole in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: Keep-Alive\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\n\r\n",
        ] {
            assert_eq!(extent(whole), Extent::Whole, "{whole:?}");
        }
        for more in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        ] {
            assert_eq!(extent(more), Extent::More, "{more:?}");
        }
        for last in [
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab",
            "HTTP/1.1 200 OK\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
        ] {
            assert_eq!(extent(last), Extent::Last, "{last:?}");
        }
    }
}
