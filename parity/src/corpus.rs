//! The corpus: the catalog's probes in many spellings, ordinary traffic, edges of the protocol, and
//! requests near every generated rule.

use stopgap_model::Request;

use crate::near;
use crate::random::Random;
use crate::rules::Rule;

/// How many requests are made near each generated rule.
const NEAR: usize = 36;

/// Every request of the corpus, in one order for one seed.
pub(crate) fn build(probes: &[Request], rules: &[Rule], seed: u64) -> Vec<Request> {
    let mut random = Random(seed);
    let mut corpus: Vec<Request> = probes.iter().map(sendable).collect();
    for probe in probes {
        respelt(&mut random, &sendable(probe), &mut corpus);
    }
    corpus.extend(ordinary());
    edges(probes, &mut corpus);
    for rule in rules.iter().filter(|rule| !rule.samples.is_empty()) {
        corpus.extend((0..NEAR).map(|_| near::request(&mut random, &rule.samples)));
    }
    corpus
}

/// A probe as a whole request: with a host, and without a body, which no rule here looks at.
fn sendable(probe: &Request) -> Request {
    let mut request = probe.clone();
    request.body.clear();
    request.headers.retain(|(name, _)| {
        !["content-length", "transfer-encoding", "connection", "expect", "upgrade"]
            .contains(&name.to_ascii_lowercase().as_str())
    });
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request.headers.insert(0, ("Host".to_owned(), b"localhost".to_vec()));
    }
    request
}

/// Every byte of the target in another spelling, one at a time; then the whole of it, and its place.
fn respelt(random: &mut Random, request: &Request, corpus: &mut Vec<Request>) {
    let with = |target: Vec<u8>| Request { target, ..request.clone() };
    let target = &request.target;
    for at in 1..target.len() {
        let byte = target[at];
        let spellings = [
            format!("%{byte:02X}"),
            format!("%{byte:02x}"),
            format!("%25{byte:02X}"),
            char::from(byte ^ 0x20).to_string(),
        ];
        let letters = byte.is_ascii_alphabetic();
        for spelling in spellings.iter().take(if letters { 4 } else { 3 }) {
            // What is not a letter differs by case in the digits only, if at all.
            let mut respelt = target[..at].to_vec();
            respelt.extend_from_slice(spelling.as_bytes());
            respelt.extend_from_slice(&target[at + 1..]);
            corpus.push(with(respelt));
        }
    }
    for _ in 0..4 {
        let encoded = near::encode(random, &target[1..], true);
        corpus.push(with([b"/", &*encoded].concat()));
    }
    let rest = &target[1..];
    let elsewhere: [&[&[u8]]; 9] = [
        &[b"/?", rest],
        &[b"/?q=", rest],
        &[b"/#", rest],
        &[b"/a/b/", rest],
        &[b"//", rest],
        &[b"/./", rest],
        &[b"http://localhost", target],
        &[target, b"?", rest],
        &[target, b"#"],
    ];
    corpus.extend(elsewhere.iter().map(|parts| with(parts.concat())));
    corpus.push(with(target.to_ascii_uppercase()));
    corpus.push(with(target.to_ascii_lowercase()));
    for method in ["GET", "POST", "HEAD", "get", "Post", "OPTIONS"] {
        corpus.push(Request { method: method.to_owned(), ..request.clone() });
    }
    headers_respelt(request, corpus);
}

/// Every header but the host: in another case, encoded, repeated before and behind, cut, moved.
fn headers_respelt(request: &Request, corpus: &mut Vec<Request>) {
    for at in 0..request.headers.len() {
        let (name, value) = request.headers[at].clone();
        if name.eq_ignore_ascii_case("host") {
            continue;
        }
        let mut with = |headers: &[(String, Vec<u8>)]| {
            let mut changed = request.clone();
            changed.headers.splice(at..=at, headers.iter().cloned());
            corpus.push(changed);
        };
        let same = (name.clone(), value.clone());
        let other = (name.clone(), b"a=b".to_vec());
        with(&[(name.to_ascii_uppercase(), value.to_ascii_uppercase())]);
        with(&[(name.to_ascii_lowercase(), value.to_ascii_lowercase())]);
        with(&[other.clone(), same.clone()]);
        with(&[same.clone(), other]);
        with(&[(name.clone(), Vec::new()), same.clone()]);
        with(&[(name.replace('-', "_"), value.clone())]);
        with(&[("X-Other".to_owned(), value.clone())]);
        with(&[(format!("{name}2"), value.clone())]);
        with(&[(name.clone(), Vec::new())]);
        with(&[]);
        for cut in 1..value.len().min(60) {
            let encoded = format!("%{:02x}", value[cut]);
            let respelt = [&value[..cut], encoded.as_bytes(), &value[cut + 1..]].concat();
            with(&[(name.clone(), respelt)]);
            if name.eq_ignore_ascii_case("cookie") && cut % 4 == 0 {
                let (first, second) = value.split_at(cut);
                with(&[
                    (name.clone(), first.trim_ascii().to_vec()),
                    (name.clone(), second.trim_ascii().to_vec()),
                ]);
            }
        }
    }
}

fn get(target: impl Into<Vec<u8>>) -> Request {
    Request {
        method: "GET".to_owned(),
        target: target.into(),
        headers: vec![("Host".to_owned(), b"localhost".to_vec())],
        body: Vec::new(),
    }
}

const TARGETS: [&str; 40] = [
    "/",
    "/index.html",
    "/favicon.ico",
    "/robots.txt",
    "/a/b/c/d.png",
    "/search?q=rust+web+server",
    "/search?q=caf%C3%A9&lang=fr",
    "/wp-login.php",
    "/wp-admin/admin-ajax.php?action=heartbeat",
    "/api/v2/users/17?fields=name,mail&sort=-created",
    "/api/orders?filter[status]=open&page=2",
    "/login?returnUrl=%2Faccount%2Forders%3Fpage%3D2",
    "/owa/auth/logon.aspx?replaceCurrent=1",
    "/owa/?ae=Item&t=IPM.Note",
    "/autodiscover/autodiscover.xml",
    "/autodiscover/autodiscover.json?Email=u%40example.com&Protocol=EWS",
    "/powershell?serializationLevel=Full",
    "/EWS/Exchange.asmx",
    "/mapi/emsmdb/?MailboxId=a@b.c",
    "/display/DOC/Home",
    "/display/X/price+$5",
    "/server-info.action",
    "/setup",
    "/setups/a",
    "/icons/a%20b.gif",
    "/cgi-bin/status?x=1",
    "/cart;jsessionid=0123ABCD?step=2",
    "/img/logo.svg?v=1.2.3",
    "/static/app.9f2c.js",
    "/feed?format=atom",
    "/a?b=c?d=e",
    "/download?file=report%20final.pdf",
    "/q?email=user%2Btag@example.com",
    "/%E2%82%AC/price",
    "/foo.php?x=%C2%AD",
    "/_next/static/chunks/main.js",
    "/graphql?query=%7Bme%7Bname%7D%7D",
    "/.well-known/security.txt",
    "/~user/notes",
    "/a//b/./c/../d?x=/../y",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0",
    "curl/8.8.0",
    "() not a shell; {}",
];
const COOKIES: [&str; 4] = [
    "session=6f1c9b; theme=dark",
    "X-BackEndCookie=S-1-5-21=u56Lnp2ejJqBy8; ClientId=ABCDEF0123456789",
    "a=\"quoted; value\"; b=%7B%22x%22%3A1%7D",
    "=; ;; a",
];

/// What ordinary sites are asked for: every target with every browser.
fn ordinary() -> Vec<Request> {
    let mut requests = Vec::new();
    for (number, target) in TARGETS.iter().enumerate() {
        for method in ["GET", "HEAD", "POST"] {
            let mut request = Request { method: method.to_owned(), ..get(*target) };
            let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
            request.headers.extend([
                header("User-Agent", AGENTS[number % AGENTS.len()]),
                header("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
                header("Accept-Language", "de-DE,de;q=0.8"),
                header("Referer", "https://www.example.com/a/b?c=d"),
                header("Cookie", COOKIES[(number / 4) % COOKIES.len()]),
            ]);
            requests.push(request);
        }
    }
    requests
}

/// Where the protocol, the servers or the decoding have an edge.
fn edges(probes: &[Request], corpus: &mut Vec<Request>) {
    for byte in 0..=255_u8 {
        corpus.push(get([b"/b", &[byte][..], b"c"].concat()));
        corpus.push(get([b"/?a=", &[byte][..], b"b"].concat()));
        corpus.push(get(format!("/b%{byte:02X}c?d%{byte:02x}=e")));
        let mut request = get("/header");
        if !matches!(byte, b'\r' | b'\n') {
            request.headers.push(("X-Byte".to_owned(), [b"a", &[byte][..], b"b"].concat()));
            corpus.push(request);
        }
    }
    for broken in ["%", "%4", "%%41", "%g1", "%1g", "%%%", "%u0041", "%25%34%31", "%2%35", "%c0%af"]
    {
        for place in ["/{}", "/a{}b", "/?{}", "/?a={}", "/?a={}&b=c", "/a?b?{}", "/{}/{}?{}"] {
            corpus.push(get(place.replace("{}", broken)));
        }
        for probe in probes {
            let target = [&probe.target, broken.as_bytes()].concat();
            corpus.push(Request { target, ..sendable(probe) });
        }
    }
    let long = "a".repeat(8000);
    for place in ["/{}", "/?{}", "/?a={}", "/{}?x", "/a/{}/b", "/%41{}"] {
        corpus.push(get(place.replace("{}", &long)));
    }
    for probe in probes {
        let mut far = sendable(probe);
        far.target = [b"/", long.as_bytes(), &far.target].concat();
        corpus.push(far);
        let mut far = sendable(probe);
        far.target.extend_from_slice(b"?");
        far.target.extend_from_slice(long.as_bytes());
        corpus.push(far);
    }
    for (name, value) in [("X-Long", &*long), ("Cookie", &*long), ("X-Empty", ""), ("Cookie", "")] {
        let mut request = get("/");
        request.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        corpus.push(request);
    }
    for target in ABSOLUTE {
        corpus.push(get(target));
    }
    for method in ["get", "Get", "gET", "PROPFIND", "X-METHOD", "a", "M-SEARCH", "PURGE", "G!T"] {
        corpus.push(Request { method: method.to_owned(), ..get("/setup/") });
    }
}

const ABSOLUTE: [&str; 22] = [
    "http://localhost/setup/a",
    "HTTP://localhost/setup/a",
    "https://localhost/setup/a",
    "http://localhost",
    "http://localhost?a=b",
    "http://localhost/",
    "http://localhost:80/setup/",
    "http://user@localhost/setup/",
    "http:///setup/",
    "http://[::1]/setup/",
    "ftp://localhost/setup/",
    "http://localhost//setup/",
    "http://localhost/a?http://localhost/setup/",
    "*",
    "/http://x/setup/",
    "http:/setup/",
    "x+y.z-1://localhost/setup/",
    "//localhost/setup/",
    "localhost/setup/",
    "http://localhost#/setup/",
    "http://localhost/setup/#a",
    "http://local%68ost/setup/",
];
