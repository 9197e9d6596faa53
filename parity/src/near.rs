//! Requests near a rule: those that it means, and those that just miss it.

use stopgap_model::Request;
use stopgap_model::rule::{Decode, Field, Operator, Test};

use crate::random::Random;

/// A request that is put together part by part.
#[derive(Debug, Default)]
struct Parts {
    method: Option<String>,
    path: Vec<u8>,
    pairs: Vec<Vec<u8>>,
    /// The whole query, where a test looks at it whole.
    query: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
    host: Option<Vec<u8>>,
}

/// A request near the tests that `samples` pass.
pub(crate) fn request(random: &mut Random, samples: &[(Test, Vec<u8>)]) -> Request {
    let mut parts = Parts::default();
    for (test, sample) in samples {
        // A rule's exceptions and alternatives are among its tests: not all are to pass.
        if samples.len() > 1 && random.chance(25) {
            continue;
        }
        let mut value = sample.clone();
        if random.chance(45) {
            mutate(random, &mut value);
        }
        let value = surrounded(random, &test.operator, value);
        let in_target = !matches!(
            test.field,
            Field::Method
                | Field::Host
                | Field::Header(_)
                | Field::HeaderNames
                | Field::AnyHeader
                | Field::Cookie(_)
        );
        let value = match test.decode.contains(&Decode::Url) || (in_target && random.chance(20)) {
            true => encode(random, &value, in_target),
            false => value,
        };
        parts.place(random, &test.field, value);
    }
    parts.finish(random)
}

/// One change somewhere.
fn mutate(random: &mut Random, value: &mut Vec<u8>) {
    if value.is_empty() {
        return;
    }
    let at = random.below(value.len());
    match random.below(11) {
        0 => value[at] = value[at].wrapping_add(1),
        1 => drop(value.pop()),
        2 => drop(value.remove(0)),
        3 => value.extend_from_within(..),
        4 => value[at] ^= 0x20,
        5 => value.insert(at, *random.pick(&[&b'%', &b'?', &b'&', &b'=', &b'/', &b'4', &b';'])),
        6 => *value = value.to_ascii_uppercase(),
        7 => *value = value.to_ascii_lowercase(),
        8 => value[at] = 128 + random.below(128) as u8,
        9 => value.truncate(at),
        _ => drop(value.splice(at..at, *b"%4")),
    }
}

/// What an operator leaves free is filled, sometimes.
fn surrounded(random: &mut Random, operator: &Operator, value: Vec<u8>) -> Vec<u8> {
    const FILL: [&str; 12] = ["", "", "", "a", "/", "?", "&", "%", "%2", "=", "x=1&", "/a/b"];
    let before = matches!(operator, Operator::Contains(_) | Operator::EndsWith(_));
    let behind = matches!(operator, Operator::Contains(_) | Operator::StartsWith(_));
    // Where an operator allows nothing, a little now and then is a near miss.
    let head = if before || random.chance(10) { random.pick(&FILL) } else { "" };
    let tail = if behind || random.chance(10) { random.pick(&FILL) } else { "" };
    [head.as_bytes(), &value, tail.as_bytes()].concat()
}

/// Some bytes as `%` and two digits; those that a target cannot have as they are, always.
pub(crate) fn encode(random: &mut Random, value: &[u8], in_target: bool) -> Vec<u8> {
    let (share, twice) = ([0, 10, 50, 100][random.below(4)], random.chance(6));
    let mut out = Vec::new();
    for &byte in value {
        let must = in_target && (byte <= b' ' || byte == 0x7f || byte == b'#' && random.chance(80));
        // A percent sign that is meant must be encoded, or it is not what is meant.
        let should = byte == b'%' && random.chance(70);
        if must || should || random.chance(share) {
            let mark = if twice && random.chance(30) { "%25" } else { "%" };
            let digits = match random.below(3) {
                0 => format!("{byte:02x}"),
                _ => format!("{byte:02X}"),
            };
            out.extend_from_slice(mark.as_bytes());
            out.extend_from_slice(digits.as_bytes());
        } else {
            out.push(byte);
        }
    }
    if random.chance(4) && !out.is_empty() {
        let at = random.below(out.len());
        out[at] = b'%';
    }
    out
}

impl Parts {
    fn place(&mut self, random: &mut Random, field: &Field, value: Vec<u8>) {
        match field {
            Field::Method => self.method = String::from_utf8(value).ok(),
            Field::Uri | Field::Path if random.chance(92) => self.path.extend(value),
            Field::Query | Field::Uri | Field::Path => self.query = Some(value),
            Field::Host => self.host = Some(value),
            Field::Header(name) => self.header(random, name, value),
            Field::HeaderNames => {
                self.headers.push((String::from_utf8_lossy(&value).into_owned(), b"1".to_vec()));
            }
            Field::AnyHeader => self.header(random, "x-any", value),
            Field::Cookie(name) => self.cookie(random, name, &value),
            Field::Arg(name) => self.pair(random, &[name.as_bytes(), b"=", &value].concat()),
            Field::Args => self.pair(random, &[b"p=", &*value].concat()),
            Field::ArgNames => {
                let tail: &[u8] = if random.chance(70) { b"=1" } else { b"" };
                self.pair(random, &[&*value, tail].concat());
            }
            // Bodies are no matter of these servers.
            _ => {}
        }
    }

    fn header(&mut self, random: &mut Random, name: &str, value: Vec<u8>) {
        let name = match random.below(3) {
            0 => name.to_ascii_uppercase(),
            _ => name.to_owned(),
        };
        let other = (name.clone(), b"other".to_vec());
        if random.chance(12) && !name.eq_ignore_ascii_case("authorization") {
            self.headers.push(other.clone());
        }
        self.headers.push((name, value));
        if random.chance(12) {
            self.headers.push(other);
        }
    }

    fn cookie(&mut self, random: &mut Random, name: &str, value: &[u8]) {
        let cookie = [name.as_bytes(), b"=", value].concat();
        let value = match random.below(6) {
            0 => [b"a=b; ", &*cookie].concat(),
            1 => [&*cookie, b";c=d"].concat(),
            2 => [b"a=b ;\t", &*cookie, b" ; c"].concat(),
            3 => [b"x", &*cookie].concat(),
            _ => cookie,
        };
        self.headers.push(("Cookie".to_owned(), value));
        if random.chance(15) {
            self.headers.push(("cookie".to_owned(), b"later=1".to_vec()));
        }
    }

    fn pair(&mut self, random: &mut Random, pair: &[u8]) {
        if random.chance(25) {
            self.pairs.push(random.pick(&["a=1", "", "=", "b", "n1=", "a=%26"]).into());
        }
        self.pairs.push(pair.to_vec());
        if random.chance(25) {
            self.pairs.push(random.pick(&["z=9", "", "=", "n2=%3d", "?"]).into());
        }
    }

    fn finish(self, random: &mut Random) -> Request {
        const METHODS: [&str; 8] = ["GET", "GET", "GET", "GET", "POST", "PUT", "DELETE", "PATCH"];
        let mut target = Vec::new();
        if random.chance(5) {
            target.extend_from_slice(b"http://localhost");
        }
        if !self.path.starts_with(b"/") {
            target.push(b'/');
        }
        target.extend(self.path);
        let mut pairs = self.pairs;
        if !pairs.is_empty() {
            target.push(b'?');
            target.extend(pairs.join(&b'&'));
            pairs.clear();
        }
        if let Some(query) = self.query {
            target.push(if target.contains(&b'?') && random.chance(90) { b'&' } else { b'?' });
            target.extend(query);
        }
        // Blanks behind a target are no part of it, for a server.
        let target = target.trim_ascii_end().to_vec();
        let mut headers =
            vec![("Host".to_owned(), self.host.unwrap_or_else(|| b"localhost".to_vec()))];
        headers.extend(self.headers.into_iter().map(|(name, value)| (name, clean(&value))));
        let method = self.method.unwrap_or_else(|| random.pick(&METHODS).to_owned());
        Request { method, target, headers, body: Vec::new() }
    }
}

/// As it can stand on a header line: without line ends, and without blanks around it.
fn clean(value: &[u8]) -> Vec<u8> {
    let kept: Vec<u8> =
        value.iter().copied().filter(|byte| !matches!(byte, 0 | b'\r' | b'\n')).collect();
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = kept.iter().position(|b| !is_blank(b)).unwrap_or(kept.len());
    let end = kept.iter().rposition(|b| !is_blank(b)).map_or(start, |at| at + 1);
    kept[start..end].to_vec()
}
