//! Invented rules and requests: the same ones every time.

use std::fmt::Write as _;

use stopgap_model::Request;
use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};

/// The sequence `splitmix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const STEMS: &[&str] = &[
    "powershell",
    "cmd.exe",
    "/etc/passwd",
    "x-beresource",
    "setupadministrator",
    "wp-config",
    "jndi:ldap",
    "class.module",
    "proxylogon.ecp",
    "__viewstate",
    "actuator/env",
    "ognl(",
    "xp_cmdshell",
    "union/**/select",
    "phpunit",
    "/cgi-bin/",
    "resetpassword",
    "webshell",
    "sleep(",
    "anonresource",
];
const PATHS: &[&str] = &[
    "/owa/",
    "/owa/auth/logon.aspx",
    "/owa/service.svc",
    "/ecp/default.aspx",
    "/mapi/emsmdb/",
    "/autodiscover/autodiscover.xml",
    "/EWS/Exchange.asmx",
    "/oab/3f1c/oab.xml",
    "/owa/prem/15.2.529/scripts/boot.worldwide.0.mouse.js",
    "/rpc/rpcproxy.dll",
    "/Microsoft-Server-ActiveSync",
    "/api/v2/folders/inbox/messages",
    "/static/css/site.min.css",
];
const NAMES: &[&str] = &[
    "action",
    "EP",
    "UA",
    "ID",
    "AC",
    "Cmd",
    "User",
    "DeviceId",
    "DeviceType",
    "mailbox",
    "page",
    "sort",
    "filter",
    "returnUrl",
    "lang",
];
const VALUES: &[&str] = &[
    "GetConversationItems",
    "user%40example.com",
    "1",
    "true",
    "Sync",
    "Quarterly%20report",
    "SmartPhone",
    "%2Fowa%2F%3Fpath%3D%2Fmail",
    "en-US",
    "date%20desc",
    "FindItem",
    "invoice+2026",
];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17628; Pro)",
    "Apple-iPhone14C2/2105.219",
    "curl/8.8.0",
];

/// The text that rule `number` looks for: a known stem and something of its own.
fn text_of(number: usize) -> String {
    format!("{}-{:03x}", STEMS[number % STEMS.len()], number * 7 % 4096)
}

fn field_of(number: usize) -> Field {
    match number % 4 {
        0 => Field::Uri,
        1 => Field::Query,
        2 => Field::Header("cookie".into()),
        _ => Field::Header("user-agent".into()),
    }
}

/// `count` rules over four fields: texts and patterns.
pub(crate) fn rules(count: usize) -> Vec<BlockRule> {
    (0..count).map(rule).collect()
}

fn rule(number: usize) -> BlockRule {
    let field = field_of(number);
    let text = text_of(number);
    let operator = match number % 5 {
        4 => Operator::Matches(format!("{}=?[0-9]+", escaped(&text))),
        _ => Operator::Contains(text),
    };
    let decode = if field == Field::Uri { vec![Decode::Url] } else { Vec::new() };
    let when = Condition::Test(Test { field, decode, operator, case: Case::Ignore });
    BlockRule { when, deny: Deny::Abort, body_limit: DEFAULT_BODY_LIMIT }
}

fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if "\\^$.*+?()[]{}|/".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Requests of 200 to 600 bytes; each hundredth is blocked by one of the first `rules` rules.
pub(crate) fn requests(count: usize, rules: usize) -> Vec<Request> {
    let mut random = Random(2026);
    (0..count)
        .map(|at| {
            let attack = (at % 100 == 99).then(|| random.below(rules));
            request(&mut random, attack)
        })
        .collect()
}

fn request(random: &mut Random, attack: Option<usize>) -> Request {
    let bait = |wanted: Field| {
        let number = attack.filter(|number| field_of(*number) == wanted);
        number.map(|number| format!("{}=42", text_of(number)))
    };
    let mut target = random.of(PATHS).to_owned();
    if let Some(bait) = bait(Field::Uri) {
        target.push('/');
        percent_encode(&bait, &mut target);
    }
    for at in 0..random.below(6) {
        let mark = if at == 0 { '?' } else { '&' };
        // A text takes no harm from being written to.
        let _ = write!(target, "{mark}{}={}", random.of(NAMES), random.of(VALUES));
    }
    if let Some(bait) = bait(Field::Query) {
        let mark = if target.contains('?') { '&' } else { '?' };
        let _ = write!(target, "{mark}{bait}");
    }
    let mut agent = random.of(AGENTS).to_owned();
    agent.extend(bait(Field::Header("user-agent".into())));
    let mut headers = vec![
        ("Host".to_owned(), "mail.example.com".to_owned()),
        ("User-Agent".to_owned(), agent),
        ("Accept".to_owned(), "*/*".to_owned()),
        ("Accept-Encoding".to_owned(), "gzip, deflate, br".to_owned()),
    ];
    let bait = bait(Field::Header("cookie".into()));
    if bait.is_some() || random.below(3) > 0 {
        let mut cookie = format!("ClientId={:016X}; X-OWA-CANARY=", random.next());
        for _ in 0..random.below(4) {
            let _ = write!(cookie, "{:016x}", random.next());
        }
        cookie.extend(bait.map(|bait| format!("; {bait}")));
        headers.push(("Cookie".to_owned(), cookie));
    }
    let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    let method = random.of(&["GET", "GET", "GET", "POST"]).to_owned();
    let mut request = Request { method, target: target.into_bytes(), headers, body: Vec::new() };
    let size = size_of(&request);
    if size < 200 {
        request.headers.push(("Referer".to_owned(), vec![b'r'; 200 - size]));
    }
    request
}

/// Each third byte as `%` and two digits.
fn percent_encode(text: &str, target: &mut String) {
    for (at, byte) in text.bytes().enumerate() {
        if at % 3 == 0 {
            let _ = write!(target, "%{byte:02X}");
        } else {
            target.push(char::from(byte));
        }
    }
}

/// How many bytes of a connection the request takes, about.
pub(crate) fn size_of(request: &Request) -> usize {
    let headers = request.headers.iter().map(|(name, value)| name.len() + value.len() + 4);
    request.method.len() + request.target.len() + 12 + headers.sum::<usize>() + 2
}
