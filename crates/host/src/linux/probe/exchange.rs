//! One request to a site of this machine, and what came back.

use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use stopgap_model::Request;
use stopgap_model::web::WebSite;

use crate::linux::probe::connection::{Stream, Watch, asked_name, is_late};
use crate::linux::probe::response::{Extent, NotHttp, extent_of, status_of};
use crate::web_servers::Answer;

/// The most of an answer that is read for its status, in bytes: its first line, behind those of
/// provisional ones. Servers themselves send heads of 8 to 64 kB.
const MAX_HEAD: usize = 64 * 1024;
/// The most of an answer that is read so that its connection can be kept, in bytes, and how long it
/// may take. A new connection is cheaper than more.
const MAX_REST: usize = 64 * 1024;
const REST_TIME: Duration = Duration::from_millis(200);
const USER_AGENT: &str = "stopgap-probe";
/// A cache on the way is to keep no answer to a probe, nor to give one that it has.
const CACHE: &str = "no-cache, no-store";
/// Headers of a request after which it is not sure where its answer ends.
const UNKEPT: [&str; 5] =
    ["Connection", "Content-Length", "Expect", "Transfer-Encoding", "Upgrade"];

/// An answer whose status was read, and the connection that it came by.
pub(crate) struct Rest {
    stream: Stream,
    /// What was read, from the first byte of the answer behind provisional ones.
    read: Vec<u8>,
}

/// Sends a request to a site and returns its answer: by a kept connection if there is one, else by
/// a new one. Of an answer whose connection may be kept there is a rest.
pub(crate) fn ask(
    site: &WebSite,
    request: &Request,
    kept: Option<Stream>,
    watch: impl Fn() -> Watch,
) -> (Answer, Option<Rest>) {
    let keeps = may_be_kept(request);
    let bytes = written(request, &asked_name(&site.name), keeps);
    if let Some(mut stream) = kept {
        stream.watch(watch());
        let (answer, read) = answer(&mut stream, &bytes);
        // Perhaps it was closed for having been kept: then that is no answer to this request.
        if answer != Answer::Closed {
            return (answer, read.filter(|_| keeps).map(|read| Rest { stream, read }));
        }
    }
    let mut stream = match Stream::open(site, watch()) {
        Ok(stream) => stream,
        Err(told) => return (told, None),
    };
    let (answer, read) = answer(&mut stream, &bytes);
    (answer, read.filter(|_| keeps).map(|read| Rest { stream, read }))
}

impl Rest {
    /// Reads the answer to its end, if that is near; the connection can take another request then.
    pub(crate) fn read(
        self,
        go_on: impl FnMut(Duration) -> bool + Send + 'static,
    ) -> Option<Stream> {
        let Self { mut stream, mut read } = self;
        stream.watch(Watch::new(REST_TIME, go_on));
        let mut buffer = [0; 4 * 1024];
        loop {
            match extent_of(&read) {
                Extent::Whole => return Some(stream),
                Extent::More if read.len() <= MAX_REST => {}
                Extent::More | Extent::Last => return None,
            }
            match stream.read(&mut buffer) {
                Ok(length @ 1..) => read.extend(buffer.iter().take(length)),
                Ok(0) | Err(_) => return None,
            }
        }
    }
}

fn may_be_kept(request: &Request) -> bool {
    let has = |name: &&str| request.header_values(name).next().is_some();
    !matches!(request.method.as_str(), "HEAD" | "CONNECT") && !UNKEPT.iter().any(has)
}

/// The request as it is sent, with what it needs and does not have itself.
fn written(request: &Request, name: &str, keeps: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut add = |parts: &[&[u8]]| parts.iter().for_each(|part| bytes.extend_from_slice(part));
    add(&[request.method.as_bytes(), b" ", &request.target, b" HTTP/1.1\r\n"]);
    let length = request.body.len().to_string();
    let length = (!request.body.is_empty()).then_some(length.as_str());
    let own = |name| request.header_values(name).next().is_some();
    let needed = [
        ("Host", Some(name)),
        ("User-Agent", Some(USER_AGENT)),
        ("Cache-Control", Some(CACHE)),
        ("Connection", (!keeps).then_some("close")),
        ("Content-Length", length.filter(|_| !own("Transfer-Encoding"))),
    ];
    for (name, value) in needed {
        if let Some(value) = value.filter(|_| !own(name)) {
            add(&[name.as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
    }
    for (name, value) in &request.headers {
        add(&[name.as_bytes(), b": ", value, b"\r\n"]);
    }
    add(&[b"\r\n", &request.body]);
    bytes
}

/// The answer, and what was read of it if it has a status.
fn answer(stream: &mut Stream, request: &[u8]) -> (Answer, Option<Vec<u8>>) {
    // A server that has seen enough closes before it has read all, and what it said is there.
    let sent = stream.write_all(request).and_then(|()| stream.flush());
    if sent.as_ref().is_err_and(is_late) {
        return (Answer::Nothing, None);
    }
    let mut read = Vec::new();
    let answer = match read_status(stream, &mut read) {
        Ok(Some((status, begin))) => {
            read.drain(..begin);
            return (Answer::Status(status), Some(read));
        }
        Ok(None) => Answer::Closed,
        Err(NoStatus::Late) => Answer::Nothing,
        Err(NoStatus::Other(why)) => Answer::Unreachable(why.to_owned()),
    };
    (answer, None)
}

/// Why no status can be read.
enum NoStatus {
    Late,
    Other(&'static str),
}

/// Reads as far as the status, which it answers with where the answer begins; `None`: it was closed.
fn read_status(stream: &mut Stream, read: &mut Vec<u8>) -> Result<Option<(u16, usize)>, NoStatus> {
    let mut buffer = [0; 4 * 1024];
    loop {
        match status_of(read) {
            Some(Ok(found)) => return Ok(Some(found)),
            Some(Err(NotHttp)) => return Err(NoStatus::Other("the answer is not HTTP")),
            None if read.len() > MAX_HEAD => {
                return Err(NoStatus::Other("the answer has no end of its head"));
            }
            None => {}
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(length) => read.extend(buffer.iter().take(length)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_late(&error) => return Err(NoStatus::Late),
            Err(_) => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_its_own_headers_before_ours() {
        let mut request = Request::from_line("POST /a%20b?c").unwrap_or_default();
        request.headers =
            vec![("host".into(), b"x".to_vec()), ("User-Agent".into(), b"\xff".to_vec())];
        request.body = b"body".to_vec();
        let expected = b"POST /a%20b?c HTTP/1.1\r\nCache-Control: no-cache, no-store\r\n\
            Connection: close\r\nContent-Length: 4\r\nhost: x\r\nUser-Agent: \xff\r\n\r\nbody";
        assert_eq!(written(&request, "site", false), expected);
        let plain = written(&Request::from_line("GET /").unwrap_or_default(), "site", true);
        let expected = b"GET / HTTP/1.1\r\nHost: site\r\nUser-Agent: stopgap-probe\r\n\
            Cache-Control: no-cache, no-store\r\n\r\n";
        assert_eq!(plain, expected);
    }

    #[test]
    fn a_request_that_says_itself_how_it_ends_has_a_connection_of_its_own() {
        let mut request = Request::from_line("POST /").unwrap_or_default();
        assert!(may_be_kept(&request));
        request.headers = vec![("transfer-encoding".into(), b"chunked".to_vec())];
        assert!(!may_be_kept(&request));
        assert!(!may_be_kept(&Request::from_line("HEAD /").unwrap_or_default()));
    }
}
