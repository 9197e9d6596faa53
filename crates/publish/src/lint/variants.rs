//! The same request written otherwise: what a server takes for one and the same.

use stopgap_model::Request;

/// The bytes of a path and of a query that mean something where they stand, and are not encoded.
const OF_PATH: &[u8] = b"/\\;";
const OF_QUERY: &[u8] = b"&=+/?;";
/// The same of a form's body.
const OF_FORM: &[u8] = b"&=+";

/// The most places at which one request is broken by a line feed.
const MAX_BREAKS: usize = 256;

/// `request` with its path, its query, both, or its form encoded, and with the digits of what is
/// encoded already in their other case.
pub(super) fn encoded(request: &Request) -> Vec<Request> {
    let (path, query) = (request.path(), request.query());
    let everything = |_: usize| true;
    let other_path = encode(path, OF_PATH, &everything);
    let other_query = query.map(|query| encode(query, OF_QUERY, &everything));
    let query = query.map(<[u8]>::to_vec);
    let mut variants = vec![
        with_target(request, &other_path, query.as_deref()),
        with_target(request, path, other_query.as_deref()),
        with_target(request, &other_path, other_query.as_deref()),
        with_target(request, &other_digits(path), query.as_deref().map(other_digits).as_deref()),
    ];
    if is_form(request) {
        variants
            .push(Request { body: encode(&request.body, OF_FORM, &everything), ..request.clone() });
    }
    variants.retain(|variant| variant != request);
    variants
}

/// `request` with one byte encoded, for each byte: what is easiest to see for a person.
pub(super) fn barely_encoded(request: &Request) -> impl Iterator<Item = Request> {
    let path = request.path().len();
    let targets = (0..request.target.len()).map(move |at| {
        let only = |place: usize| place == at;
        let meaning = if at < path { OF_PATH } else { OF_QUERY };
        Request { target: encode(&request.target, meaning, &only), ..request.clone() }
    });
    let form = if is_form(request) { request.body.len() } else { 0 };
    let bodies = (0..form).map(move |at| {
        let only = |place: usize| place == at;
        Request { body: encode(&request.body, OF_FORM, &only), ..request.clone() }
    });
    targets.chain(bodies).filter(move |variant| variant != request)
}

/// `request` by paths that servers take for the same, and with an argument more.
pub(super) fn with_detours(request: &Request) -> Vec<Request> {
    if !request.target.starts_with(b"/") {
        return Vec::new();
    }
    let joint: &[u8] = if request.query().is_some() { b"&x=1" } else { b"?x=1" };
    let target = request.target.as_slice();
    [[b"/", target].concat(), [b"/.", target].concat(), [target, joint].concat()]
        .map(|target| Request { target, ..request.clone() })
        .into()
}

/// `request` with a line feed between two words of its target or its body.
pub(super) fn broken(request: &Request) -> impl Iterator<Item = Request> {
    let targets = breaks(&request.target).map(|at| {
        let target = [&request.target[..at], b"%0a", &request.target[at..]].concat();
        Request { target, ..request.clone() }
    });
    let feed: &[u8] = if is_form(request) { b"%0a" } else { b"\n" };
    let bodies = breaks(&request.body).map(move |at| {
        let body = [&request.body[..at], feed, &request.body[at..]].concat();
        Request { body, ..request.clone() }
    });
    targets.chain(bodies)
}

/// The places beside what is no letter and no digit, but for those in an escape; from the end, where
/// the arguments are, which a server hands on with whatever is in them.
fn breaks(text: &[u8]) -> impl Iterator<Item = usize> {
    let is_word = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let in_escape =
        |at: usize| (1..=2).any(|back| at.checked_sub(back).is_some_and(|p| text[p] == b'%'));
    (1..text.len())
        .rev()
        .filter(move |&at| !(in_escape(at) || is_word(at - 1) && is_word(at)))
        .take(MAX_BREAKS)
}

fn with_target(request: &Request, path: &[u8], query: Option<&[u8]>) -> Request {
    let target = match query {
        Some(query) => [path, b"?", query].concat(),
        None => path.to_vec(),
    };
    Request { target, ..request.clone() }
}

fn is_form(request: &Request) -> bool {
    let mut types = request.header_values("content-type");
    types.next().is_some_and(|kind| {
        kind.to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded")
    })
}

/// `text` with the bytes at the places that `wanted` names encoded, but for those of `meaning` and
/// what is encoded already.
fn encode(text: &[u8], meaning: &[u8], wanted: &dyn Fn(usize) -> bool) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len() * 3);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escape = escape_at(text, at);
        if let Some(escape) = escape {
            encoded.extend_from_slice(escape);
        } else if meaning.contains(&byte) || byte == b'%' || byte == b'?' || !wanted(at) {
            encoded.push(byte);
        } else {
            encoded.extend(format!("%{byte:02x}").bytes());
        }
        at += escape.map_or(1, <[u8]>::len);
    }
    encoded
}

/// The percent sign and two digits that begin at a place.
fn escape_at(text: &[u8], at: usize) -> Option<&[u8]> {
    let escape = text.get(at..at + 3)?;
    let is_one = escape[0] == b'%' && escape[1..].iter().all(u8::is_ascii_hexdigit);
    is_one.then_some(escape)
}

/// `text` with the letters among the digits of its escapes in their other case.
fn other_digits(text: &[u8]) -> Vec<u8> {
    let mut other = text.to_vec();
    for at in 0..text.len() {
        if escape_at(text, at).is_some() {
            for digit in &mut other[at + 1..at + 3] {
                *digit ^= if digit.is_ascii_alphabetic() { 0x20 } else { 0 };
            }
        }
    }
    other
}

#[cfg(test)]
mod tests {
    use super::*;
    use stopgap_rules::url_decode;

    fn get(target: &str) -> Request {
        Request::from_line(&format!("GET {target}")).unwrap()
    }

    fn targets(requests: impl IntoIterator<Item = Request>) -> Vec<String> {
        requests.into_iter().map(|r| String::from_utf8(r.target).unwrap()).collect()
    }

    #[test]
    fn a_twin_decodes_to_the_same_request() {
        for target in ["/a/b.c?d=e%2Ff&g", "/%aD", "/?a@b", "/x"] {
            let request = get(target);
            for variant in encoded(&request).into_iter().chain(barely_encoded(&request)) {
                assert_eq!(url_decode(&variant.target), url_decode(&request.target));
            }
        }
    }

    #[test]
    fn what_means_something_is_not_encoded() {
        assert_eq!(
            targets(encoded(&get("/a?b=%2fc+d"))),
            ["/%61?b=%2fc+d", "/a?%62=%2f%63+%64", "/%61?%62=%2f%63+%64", "/a?b=%2Fc+d"]
        );
    }

    #[test]
    fn a_line_feed_goes_between_words_and_never_into_an_escape() {
        assert_eq!(targets(broken(&get("/ab%2fc"))), ["/ab%0a%2fc", "/%0aab%2fc"]);
    }
}
