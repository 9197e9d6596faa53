//! The rules that the servers carry: the built-in catalog's, and generated ones.

use std::fs;
use std::path::Path;

use stopgap_model::document::parse;
use stopgap_model::mitigation::{ActionKind, HeaderChange};
use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};
use stopgap_model::{Mitigation, Request};
use stopgap_pattern::check_document_pattern;

use crate::random::Random;

/// A rule with its name, and values that its tests pass on.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Such as `M1.1` or `G17.1`.
    pub(crate) id: String,
    /// What it does, wherever it is put.
    pub(crate) kind: ActionKind,
    /// For each of its tests, in their order, a value that passes. Empty for the catalog's rules,
    /// which have probes instead.
    pub(crate) samples: Vec<(Test, Vec<u8>)>,
}

impl Rule {
    /// The rule, if it blocks.
    pub(crate) fn block(&self) -> Option<&BlockRule> {
        match &self.kind {
            ActionKind::BlockRequest { rule, .. } => Some(rule),
            _ => None,
        }
    }
}

/// The documents of the built-in catalog.
pub(crate) fn catalog() -> Result<Vec<Mitigation>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("catalog");
    let failed = |error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        parse(&bytes, &check_document_pattern)
            .map_err(|problems| format!("{}: {problems:?}", path.display()))
    };
    paths.iter().filter(|path| path.extension().is_some_and(|e| e == "toml")).map(read).collect()
}

/// What the catalog does to requests and responses. Its places are left out: they name sites of
/// IIS, and the meaning of a rule does not hang on where it is put.
pub(crate) fn of_catalog(catalog: &[Mitigation]) -> Vec<Rule> {
    let actions = catalog.iter().flat_map(|mitigation| &mitigation.actions);
    let rules = actions.filter_map(|action| {
        let mut kind = action.kind.clone();
        match &mut kind {
            ActionKind::BlockRequest { scope, .. }
            | ActionKind::RequestHeader { scope, .. }
            | ActionKind::ResponseHeader { scope, .. } => *scope = None,
            _ => return None,
        }
        Some(Rule { id: action.id.to_string(), kind, samples: Vec::new() })
    });
    rules.collect()
}

/// The requests of the catalog's probes: attacks and benign ones.
pub(crate) fn probes(catalog: &[Mitigation]) -> Vec<Request> {
    let probes = catalog.iter().flat_map(|mitigation| &mitigation.probes);
    probes.map(|probe| probe.request.clone()).collect()
}

/// Changes of headers, beside those of the catalog.
pub(crate) fn of_headers() -> Vec<Rule> {
    let test = |field: Field, operator| {
        Condition::Test(Test { field, decode: Vec::new(), operator, case: Case::Ignore })
    };
    let set = |value: &str| HeaderChange::Set(value.to_owned());
    let request = |header: &str, change| {
        let field = Field::Header(header.to_owned());
        let operator = Operator::Contains("zqheader".into());
        let sample = Test { field, decode: Vec::new(), operator, case: Case::Ignore };
        let kind = ActionKind::RequestHeader { scope: None, header: header.to_owned(), change };
        (kind, vec![(sample, b"zqheader".to_vec())])
    };
    let response = |header: &str, change, when| {
        let header = header.to_owned();
        (ActionKind::ResponseHeader { scope: None, header, change, when }, Vec::new())
    };
    let html = test(Field::ResponseContentType, Operator::Equals("text/html".into()));
    let policy = Field::ResponseHeader("content-security-policy".into());
    let with_policy = test(policy, Operator::Contains("self".into()));
    let searched = test(Field::Uri, Operator::Contains("?q=".into()));
    let kinds = [
        request("x-middleware-subrequest", HeaderChange::Remove),
        request("x-original-url", HeaderChange::Remove),
        request("x-zone", set("outside, \"quoted\" 50 % {x}")),
        request("x-plain", set("outside")),
        request("x-via", HeaderChange::Append("; more".into())),
        response("X-Powered-By", HeaderChange::Remove, Condition::All(Vec::new())),
        response("X-Frame-Options", set("DENY"), html),
        response("Content-Security-Policy", HeaderChange::Remove, with_policy),
        response("X-Searched", set("yes"), searched),
    ];
    let rule = |(number, (kind, samples))| Rule { id: format!("H{number}.1"), kind, samples };
    kinds.into_iter().enumerate().map(rule).collect()
}

/// `count` rules over fields, operators, cases, decodings and nestings.
pub(crate) fn generated(count: usize, seed: u64) -> Vec<Rule> {
    (0..count).map(|number| generate(number, seed)).collect()
}

fn generate(number: usize, seed: u64) -> Rule {
    let mut random = Random(seed ^ (number as u64).wrapping_mul(0x0100_0000_01b3));
    let mut samples = Vec::new();
    let mut maker = Maker { random: &mut random, samples: &mut samples, number };
    let when = maker.condition(2);
    let deny = match random.below(4) {
        // Apache has no other status than 403, and HAProxy some.
        0 => Deny::Status([403, 403, 403, 404, 503, 451][random.below(6)]),
        _ => Deny::Abort,
    };
    let rule = BlockRule { when, deny, body_limit: DEFAULT_BODY_LIMIT };
    let kind = ActionKind::BlockRequest { scope: None, rule };
    Rule { id: format!("G{number}.1"), kind, samples }
}

/// Pieces that mean something to one of the languages on the way, or to the request line.
const PIECES: [&str; 36] = [
    "%", "%2", "%41", "%25", "/", "//", "/.", ".", "..", "?", "&", "=", ";", ":", "@", "!", "-",
    "_", "~", "+", "*", "(", ")", "{", "}", "[", "$", "'", "\"", "\\", "|", "é", "\u{7f}", "a",
    "F", "0",
];
/// Pieces that a request target has only in encoded form, and a header as they are.
const ENCODED: [&str; 6] = [" ", "#", "<", "\t", "\n", "\u{1}"];
const HEADERS: [&str; 7] =
    ["user-agent", "cookie", "referer", "x-forwarded-for", "x-api", "accept", "authorization"];

struct Maker<'a> {
    random: &'a mut Random,
    samples: &'a mut Vec<(Test, Vec<u8>)>,
    number: usize,
}

impl Maker<'_> {
    /// A condition that holds for few requests: each of its branches has a text of its own.
    fn condition(&mut self, depth: usize) -> Condition {
        if depth == 0 {
            return self.test();
        }
        match self.random.below(10) {
            0 | 1 => Condition::Any(vec![self.condition(depth - 1), self.condition(depth - 1)]),
            2 | 3 => Condition::All(vec![self.condition(depth - 1), self.test()]),
            4 => Condition::All(vec![self.condition(depth - 1), self.method()]),
            5 => Condition::All(vec![
                self.condition(depth - 1),
                Condition::Not(Box::new(self.exception())),
            ]),
            _ => self.test(),
        }
    }

    fn method(&mut self) -> Condition {
        let text = self.random.pick(&["GET", "POST", "PUT", "HEAD", "get", "DELETE"]).to_owned();
        let operator = match self.random.below(4) {
            0 => Operator::StartsWith(text.clone()),
            1 => Operator::Matches(format!("^(?:{text}|PATCH)$")),
            _ => Operator::Equals(text.clone()),
        };
        let case = self.case();
        let test = Test { field: Field::Method, decode: Vec::new(), operator, case };
        self.samples.push((test.clone(), text.into_bytes()));
        Condition::Test(test)
    }

    /// What stands under a negation. It is among the samples as well, so that some requests near
    /// the rule have it, and others not.
    fn exception(&mut self) -> Condition {
        match self.random.below(3) {
            0 => Condition::Any(vec![self.method(), self.test()]),
            _ => self.test(),
        }
    }

    fn case(&mut self) -> Case {
        if self.random.chance(35) { Case::Exact } else { Case::Ignore }
    }

    fn field(&mut self) -> Field {
        let name = format!("n{}", self.number % 7);
        match self.random.below(20) {
            0..=4 => Field::Uri,
            5..=7 => Field::Path,
            8..=10 => Field::Query,
            11 => Field::Host,
            12..=14 => Field::Header(self.random.pick(&HEADERS).to_owned()),
            15 => Field::HeaderNames,
            16 => Field::AnyHeader,
            17 => Field::Cookie(name),
            18 => Field::Arg(name),
            _ => [Field::Args, Field::ArgNames][self.random.below(2)].clone(),
        }
    }

    /// A text that no other rule and no ordinary request has.
    fn word(&mut self, field: &Field) -> String {
        let mut word = format!("zq{:03}", self.number);
        let letters = "abcdefghkwxyzABCDEFGHKWXYZ";
        for _ in 0..2 + self.random.below(4) {
            word.push(char::from(letters.as_bytes()[self.random.below(letters.len())]));
        }
        if *field == Field::HeaderNames || *field == Field::Host {
            return word;
        }
        let pieces = self.random.below(3);
        for _ in 0..pieces {
            let piece = match self.random.below(6) {
                0 => self.random.pick(&ENCODED),
                _ => self.random.pick(&PIECES),
            };
            let at = if self.random.chance(30) { 0 } else { word.len() };
            word.insert_str(at, piece);
        }
        word
    }

    fn test(&mut self) -> Condition {
        let field = self.field();
        let decodes = !matches!(field, Field::HeaderNames | Field::Host) && self.random.chance(55);
        let decode = if decodes { vec![Decode::Url] } else { Vec::new() };
        let word = self.word(&field);
        let (operator, sample) = self.operator(&field, word);
        let test = Test { field, decode, operator, case: self.case() };
        self.samples.push((test.clone(), sample.into_bytes()));
        Condition::Test(test)
    }

    fn operator(&mut self, field: &Field, word: String) -> (Operator, String) {
        let slash = if matches!(field, Field::Uri | Field::Path) { "/" } else { "" };
        match self.random.below(10) {
            0 | 1 => (Operator::Equals(format!("{slash}{word}")), format!("{slash}{word}")),
            2 => (Operator::StartsWith(format!("{slash}{word}")), format!("{slash}{word}")),
            3 => (Operator::EndsWith(word.clone()), word),
            4..=6 => self.pattern(slash, &word),
            _ => (Operator::Contains(word.clone()), word),
        }
    }

    /// A pattern with the word in it, and a text that it is found in.
    fn pattern(&mut self, slash: &str, word: &str) -> (Operator, String) {
        loop {
            let (pattern, sample) = self.any_pattern(slash, word);
            // What no document may say never arrives at a server.
            if check_document_pattern(&pattern).is_ok() {
                return (Operator::Matches(pattern), sample);
            }
        }
    }

    fn any_pattern(&mut self, slash: &str, word: &str) -> (String, String) {
        let quoted = quoted(word);
        let at = quoted_slash(slash);
        match self.random.below(12) {
            0 => (format!("{quoted}[0-9]+"), format!("{word}42")),
            1 => (format!(r"^{at}{quoted}\.(?:php|aspx)$"), format!("{slash}{word}.aspx")),
            2 => (format!("{quoted}.*end"), format!("{word}-x-end")),
            3 => (format!("(?:{quoted}|vv{})x?y", self.number), format!("{word}xy")),
            4 => (format!("{quoted}[^&?]{{1,4}}z"), format!("{word}abz")),
            5 => (format!(r"{quoted}(?:\.\./){{2,3}}"), format!("{word}../../")),
            6 => (format!(r"[^a-z]{quoted}"), format!("/{word}")),
            7 => (format!(r"{quoted}\s*[({{]"), format!("{word} (")),
            8 => (format!(r"^{at}{quoted}(?:[/?]|$)"), format!("{slash}{word}/")),
            9 => (format!(r"{quoted}[\x80-\xff%]"), format!("{word}%")),
            10 => (format!(r"\b{quoted}"), format!("/{word}")),
            _ => (format!("{quoted}[^/]*/[^~]*~t"), format!("{word}x/y~t")),
        }
    }
}

fn quoted_slash(slash: &str) -> String {
    slash.replace('/', r"\/")
}

/// The pattern that matches `text`.
fn quoted(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        match c {
            '\n' => pattern.push_str(r"\n"),
            '\t' => pattern.push_str(r"\t"),
            c if c.is_ascii_control() => pattern.push_str(&format!(r"\x{:02x}", c as u32)),
            c if c.is_ascii_punctuation() && c != '_' => pattern.push_str(&format!(r"\{c}")),
            c => pattern.push(c),
        }
    }
    pattern
}
