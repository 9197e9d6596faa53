//! Requests that are the attack of a probe in another form, and get past the rules that block it.

use stopgap_model::mitigation::Expect;
use stopgap_model::{ActionKind, Probe, Problem, Request};
use stopgap_rules::{ActionEffect, CompiledRule, contradiction, url_decode};

use super::finding::Finding;
use super::place::tests;
use super::rules::{is_of_target, may_see_line_feed, told, with_patterns};
use super::subject::{CompiledAction, Subject};
use super::variants;

/// How many bytes of requests are tried on one document: some seconds of work for the largest rules.
/// Documents of our own catalog need some 10 KiB.
const MAX_TRIED: usize = 4 * 1024 * 1024;

/// Which check, and which action's rule it got past: each is told once.
type Told = (&'static str, usize);

/// The state of one search.
struct Search<'a> {
    subject: &'a Subject<'a>,
    meant: &'a [CompiledAction],
    /// How many bytes were tried.
    tried: usize,
    told: Vec<Told>,
    findings: Vec<Finding>,
}

pub(super) fn check(subject: &Subject<'_>, meant: &[CompiledAction]) -> Vec<Finding> {
    let mut search = Search { subject, meant, tried: 0, told: Vec::new(), findings: Vec::new() };
    let wide = wide_rules(subject, meant);
    for (at, probe) in subject.mitigation.probes.iter().enumerate() {
        match probe.expect {
            Expect::Blocked => search.look_past(at, probe, &wide),
            Expect::ResponseHeader { .. } => search.look_past_header(at, probe),
            Expect::Allowed | Expect::RequestHeader { .. } => {}
        }
    }
    let mut findings = search.findings;
    if search.tried > MAX_TRIED {
        let problem = Problem::new(0..0, "not every form of its attacks was tried")
            .help("the probes are long and many; a few short ones show the gaps as well");
        findings.push(Finding::warning("search-cut-short", problem));
    }
    findings.extend(no_encoded_probe(subject, meant));
    findings
}

impl<'a> Search<'a> {
    fn look_past(&mut self, at: usize, probe: &Probe, wide: &[Option<CompiledRule>]) {
        let request = &probe.request;
        let is_blocker =
            |m: &CompiledAction| m.meaning.is_for_path(request) && m.meaning.blocks(request);
        let blockers: Vec<usize> =
            (0..self.meant.len()).filter(|&index| is_blocker(&self.meant[index])).collect();
        let Some(&first) = blockers.first() else { return };
        if self.is_new("encoded-bypass", first) {
            let passing =
                variants::encoded(request).into_iter().find(|r| self.passes(r, &blockers));
            if let Some(passing) = passing {
                let least = variants::barely_encoded(request).find(|r| self.passes(r, &blockers));
                self.tell_encoded(at, first, &least.unwrap_or(passing));
            }
        }
        if self.is_new("anchored-bypass", first) {
            let around = variants::with_detours(request);
            if let Some(passing) = around.into_iter().find(|r| self.passes(r, &blockers)) {
                self.tell_anchored(at, first, &passing);
            }
        }
        for &blocker in &blockers {
            let Some(rule) = &wide[blocker] else { continue };
            if !self.is_new("line-feed-bypass", blocker) {
                continue;
            }
            let passing = |r: &Request| self.passes(r, &blockers) && rule.blocks(r);
            if let Some(passing) = variants::broken(request).find(passing) {
                self.tell_line_feed(blocker, &passing);
            }
        }
    }

    /// A header that is changed in the response to a probe, and not to the same request in another
    /// encoding.
    fn look_past_header(&mut self, at: usize, probe: &Probe) {
        let Expect::ResponseHeader { name, .. } = &probe.expect else { return };
        let changes =
            |m: &CompiledAction| m.meaning.header().is_some_and(|h| h.eq_ignore_ascii_case(name));
        let Some(first) = self.meant.iter().position(changes) else { return };
        let meanings = self.meant.iter().map(|meant| &meant.meaning);
        let ends_well = |request: Request| {
            let variant = Probe { request, ..probe.clone() };
            contradiction(meanings.clone(), &variant).is_none()
        };
        if !self.is_new("encoded-bypass", first) || !ends_well(probe.request.clone()) {
            return;
        }
        let gets_past = |variant: &Request| !ends_well(variant.clone());
        if let Some(passing) = variants::encoded(&probe.request).into_iter().find(gets_past) {
            let least = variants::barely_encoded(&probe.request).find(gets_past);
            self.tell_encoded(at, first, &least.unwrap_or(passing));
        }
    }

    fn is_new(&self, check: &'static str, meant: usize) -> bool {
        !self.told.contains(&(check, meant))
    }

    /// Whether a variant of a request gets past everything. A blocker is asked wherever the variant leads:
    /// whether the server takes it for a path in the scope is not known.
    fn passes(&mut self, variant: &Request, blockers: &[usize]) -> bool {
        self.tried = self.tried.saturating_add(variant.target.len() + variant.body.len());
        let stops = |(at, meant): (usize, &CompiledAction)| {
            (blockers.contains(&at) || meant.meaning.is_for_path(variant))
                && meant.meaning.blocks(variant)
        };
        self.tried <= MAX_TRIED && !self.meant.iter().enumerate().any(stops)
    }

    fn tell(&mut self, check: &'static str, meant: usize, finding: impl FnOnce(&Self) -> Finding) {
        self.told.push((check, meant));
        let finding = finding(self);
        self.findings.push(finding);
    }

    fn tell_encoded(&mut self, probe: usize, meant: usize, passing: &Request) {
        self.tell("encoded-bypass", meant, |search| {
            let place = search.subject.places.value_in("probe", probe, "request");
            let message =
                format!("the same request in another encoding passes: `{}`", shown(passing));
            let problem = Problem::new(place, message).expected("this one does not").help(
                "applications decode paths and arguments: test `uri` with `decode = [\"url\"]`, \
                 and show the encoded request as a probe",
            );
            Finding::error("encoded-bypass", problem)
        });
    }

    fn tell_anchored(&mut self, probe: usize, meant: usize, passing: &Request) {
        self.tell("anchored-bypass", meant, |search| {
            let place = search.subject.places.value_in("probe", probe, "request");
            let message = format!("the request by another way passes: `{}`", shown(passing));
            let problem = Problem::new(place, message).expected("this one does not").help(
                "servers take `//a` and `/./a` for `/a`, and applications ignore arguments that \
                 they do not know: a rule that is bound to the head or the end of the target can \
                 be led around; use `contains` if the attack allows it",
            );
            Finding::warning("anchored-bypass", problem)
        });
    }

    fn tell_line_feed(&mut self, meant: usize, passing: &Request) {
        self.tell("line-feed-bypass", meant, |search| {
            let action = search.meant[meant].action;
            let kind = &search.subject.mitigation.actions[action].kind;
            let tests = search.subject.places.tests(action, kind);
            let pattern =
                tests.into_iter().find(|(test, _)| widened(test.operator.text()).is_some());
            let place = pattern.map_or_else(
                || search.subject.places.value_in("action", action, "when"),
                |(_, place)| place,
            );
            let message = format!("a line feed gets past it: `{}` passes", shown(passing));
            let problem = Problem::new(place, message).help(
                "`.` does not match a line feed, which a decoded value can have; write each word \
                 as a test of its own, with `contains`",
            );
            Finding::error("line-feed-bypass", problem)
        });
    }
}

fn shown(request: &Request) -> String {
    let body = if request.body.is_empty() {
        String::new()
    } else {
        format!(", with the body {}", told(&request.body))
    };
    format!("{} {}{body}", request.method, told(&request.target))
}

/// The rules with patterns whose `.` is any byte; `None` where nothing is different.
fn wide_rules(subject: &Subject<'_>, meant: &[CompiledAction]) -> Vec<Option<CompiledRule>> {
    let wide = |meant: &CompiledAction| {
        let ActionKind::BlockRequest { rule, .. } = &subject.mitigation.actions[meant.action].kind
        else {
            return None;
        };
        let is_defeated = |test: &&stopgap_model::rule::Test| {
            may_see_line_feed(test) && widened(test.operator.text()).is_some()
        };
        tests(&rule.when).into_iter().find(is_defeated)?;
        let change = |pattern: &str| widened(pattern).unwrap_or_else(|| pattern.to_owned());
        let when = with_patterns(&rule.when, &change);
        CompiledRule::new(&stopgap_model::rule::BlockRule { when, ..rule.clone() }).ok()
    };
    meant.iter().map(wide).collect()
}

/// `pattern` with `.` and classes that leave line ends out made to match them; `None` if it has
/// none.
fn widened(pattern: &str) -> Option<String> {
    let mut wide = String::new();
    let mut chars = pattern.chars().peekable();
    // In a class: whether it is one of all but some.
    let mut class: Option<bool> = None;
    while let Some(c) = chars.next() {
        match (c, class) {
            ('\\', Some(true)) if matches!(chars.peek(), Some('r' | 'n')) => {
                chars.next();
            }
            ('\\', _) => wide.extend([Some(c), chars.next()].into_iter().flatten()),
            ('.', None) => wide.push_str(r"[\s\S]"),
            ('[', None) => {
                class = Some(chars.next_if_eq(&'^').is_some());
                wide.push_str(if class == Some(true) { "[^" } else { "[" });
            }
            (']', Some(_)) => {
                class = None;
                wide.push(c);
            }
            _ => wide.push(c),
        }
    }
    (wide != pattern).then_some(wide.replace("[^]", r"[\s\S]"))
}

/// Rules on the request target that no attack probe shows in an encoded form.
fn no_encoded_probe(subject: &Subject<'_>, meant: &[CompiledAction]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for meant in meant {
        let kind = &subject.mitigation.actions[meant.action].kind;
        let looks =
            subject.places.tests(meant.action, kind).iter().any(|(t, _)| is_of_target(&t.field));
        let is_block = matches!(meant.meaning.effect, ActionEffect::Block(_));
        let mut attacks = subject.mitigation.probes.iter().map(|probe| &probe.request);
        let shows = |r: &Request| meant.meaning.blocks(r) && is_disguised(&r.target);
        if is_block && looks && !attacks.any(shows) {
            let place = subject.places.value_in("action", meant.action, "when");
            let problem = Problem::new(place, "no probe shows the attack in an encoded form")
                .expected("a probe such as `GET /%61ttack`")
                .help("most bypasses of published rules are an encoded letter");
            findings.push(Finding::warning("no-encoded-probe", problem));
        }
    }
    findings
}

/// Whether an escape stands for a letter or a digit, which need none.
fn is_disguised(target: &[u8]) -> bool {
    target.windows(3).any(|escape| {
        escape[0] == b'%' && matches!(&*url_decode(escape), [b] if b.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::widened;

    #[test]
    fn a_pattern_is_widened_where_a_line_feed_would_stop_it() {
        let cases = [
            ("a.*b", Some(r"a[\s\S]*b")),
            (r"a\.b[.]", None),
            (r"x[^/\r\n]*/", Some("x[^/]*/")),
            (r"x[^\n]y", Some(r"x[\s\S]y")),
            (r"[\]^.]\\.", Some(r"[\]^.]\\[\s\S]")),
        ];
        for (pattern, expected) in cases {
            assert_eq!(widened(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
