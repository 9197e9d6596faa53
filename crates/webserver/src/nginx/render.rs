//! Rules in the language of nginx.
//!
//! Conditions are `map`s, which nginx evaluates where their variable is asked for and not before.
//! A condition behind another one is the value of the first one's map. Rules that need texts stand
//! behind a prefilter, so that a request that has none of the texts costs a few patterns,
//! however many rules there are.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::Deny;

use super::prefilter::{coarse_prefilter, is_telling, part_of, prefilter, starts};
use crate::rule::{Clause, Match, WebRule};
use crate::rule_text::{HEADING, RuleText};
use stopgap_pattern::ast::ByteSet;

/// So many variables are put in one word: their names stay far below what nginx reads as one.
const MAX_IN_WORD: usize = 128;

/// A rule needs one of at most so many texts to stand behind a prefilter: their pattern always fits.
const MAX_TEXTS: usize = 24;

/// The variable that says how a request is blocked; empty: it is not.
const VERDICT: &str = "stopgap";

/// What is said with a status. An answer that has a text is sent as it is, whereas a bare status goes to
/// the site's `error_page`, which may be the application: it would get the request after all.
const DENY_TEXT: &str = " \"This request is blocked.\\n\"";

/// A rule, or what is left of it: conditions that all hold, and its comment.
#[derive(Clone)]
struct Rest<'a> {
    comment: &'a str,
    clauses: Vec<&'a Clause>,
}

/// The values that are not empty where a rule that answers so holds.
type Values = BTreeMap<Deny, Vec<String>>;

/// The text for `rules`, each with its comment.
pub(crate) fn text(rules: &[(String, &WebRule)]) -> RuleText {
    let mut blocking = Vec::new();
    for (comment, rule) in rules {
        if let WebRule::Block { when, deny } = rule {
            blocking.extend(branches(comment, when).into_iter().map(|rest| (*deny, rest)));
        }
    }
    let (mut maps, mut server) = (Maps::default(), String::new());
    let by_deny = maps.behind_all(blocking);
    // One variable whatever the rules are, so that either of the files can be there in its older form.
    let mut verdict = String::new();
    let last = by_deny.len().saturating_sub(1);
    for (at, (deny, values)) in by_deny.into_iter().rev().enumerate() {
        let status = match deny {
            Deny::Abort => 444,
            Deny::Status(status) => status,
        };
        let value = maps.or_variables(values);
        let name = if at == last { VERDICT.to_owned() } else { maps.name() };
        let otherwise = format!("    \"\" \"{verdict}\";\n");
        maps.map(&value, &name, &status.to_string(), &otherwise);
        verdict = format!("${name}");
        let text = match deny {
            Deny::Abort => "",
            Deny::Status(_) => DENY_TEXT,
        };
        let _ = write!(server, "if (${VERDICT} = {status}) {{\n    return {status}{text};\n}}\n");
    }
    RuleText::Nginx {
        http: under_heading(maps.out),
        server: under_heading(server),
        upstream: under_heading(upstream(rules)),
    }
}

fn under_heading(text: String) -> String {
    if text.is_empty() { text } else { format!("{}\n{text}", HEADING.join("\n")) }
}

/// What is set of the headers that are passed on. nginx passes no header on that is set to nothing, and
/// none as a parameter that a parameter of this name is set for.
fn upstream(rules: &[(String, &WebRule)]) -> String {
    let mut out = String::new();
    for (comment, rule) in rules {
        let WebRule::RequestHeader { header, change } = rule else { continue };
        let value = match change {
            HeaderChange::Remove => "",
            HeaderChange::Set(text) | HeaderChange::Append(text) => text,
        };
        let _ = writeln!(out, "\n{comment}");
        for protocol in ["proxy", "grpc"] {
            let _ = writeln!(out, "{protocol}_set_header {header} \"{value}\";");
        }
        let name = header.to_ascii_uppercase().replace('-', "_");
        let unless = if value.is_empty() { " if_not_empty" } else { "" };
        for protocol in ["fastcgi", "uwsgi", "scgi"] {
            let _ = writeln!(out, "{protocol}_param HTTP_{name} \"{value}\"{unless};");
        }
    }
    out
}

/// The ways in which `when` can hold, each as a rule. Conditions that many rules share come first.
fn branches<'a>(comment: &'a str, when: &'a Clause) -> Vec<Rest<'a>> {
    let clauses = match when {
        Clause::Any(members) => {
            return members.iter().flat_map(|member| branches(comment, member)).collect();
        }
        Clause::All(members) => members.iter().collect(),
        single => vec![single],
    };
    let mut rest = Rest { comment, clauses };
    rest.clauses.sort_by_key(|clause| !is_of_method(clause));
    vec![rest]
}

fn is_of_method(clause: &Clause) -> bool {
    matches!(clause, Clause::Match(found) if found.input == "$request_method")
}

/// A rule, and the texts of which it needs one.
struct Keyed<'a> {
    texts: Vec<&'a str>,
    deny: Deny,
    rest: Rest<'a>,
}

impl<'a> Keyed<'a> {
    /// What of its texts is looked for.
    fn parts(&self, starts: &ByteSet) -> Vec<&'a [u8]> {
        self.texts.iter().map(|text| part_of(text, starts)).collect()
    }
}

/// An input and the most telling texts of it that `rest` needs; `None` if none are known.
fn key<'a>(rest: &Rest<'a>) -> Option<(&'a str, Vec<&'a str>)> {
    let keys = rest.clauses.iter().filter_map(|clause| match clause {
        // A method keeps few requests away.
        Clause::Match(Match { input, needs, .. }) if !is_of_method(clause) => {
            let texts: Vec<&str> = needs.iter().map(String::as_str).collect();
            let can_be = (1..=MAX_TEXTS).contains(&texts.len());
            (can_be && texts.iter().all(|text| is_telling(text))).then_some((input.as_str(), texts))
        }
        _ => None,
    });
    keys.max_by_key(|(_, texts)| texts.iter().map(|text| text.len()).min())
}

/// The maps that were written, and the number of the next one.
#[derive(Default)]
struct Maps {
    out: String,
    count: usize,
}

impl Maps {
    fn name(&mut self) -> String {
        self.count += 1;
        format!("stopgap_{}", self.count)
    }

    /// A map of `source` to the variable `name`.
    fn map(&mut self, source: &str, name: &str, default: &str, lines: &str) {
        let _ = write!(
            self.out,
            "\nmap \"{source}\" ${name} {{\n    default \"{default}\";\n{lines}}}\n"
        );
    }

    /// What says whether one of `rules` holds, each behind its prefilter.
    fn behind_all(&mut self, rules: Vec<(Deny, Rest<'_>)>) -> Values {
        // What needs no text is looked at for every request.
        let mut open: BTreeMap<Deny, Vec<Rest<'_>>> = BTreeMap::new();
        let mut by_input: BTreeMap<&str, Vec<Keyed<'_>>> = BTreeMap::new();
        for (deny, rest) in rules {
            match key(&rest) {
                Some((input, texts)) => {
                    by_input.entry(input).or_default().push(Keyed { texts, deny, rest });
                }
                None => open.entry(deny).or_default().push(rest),
            }
        }
        let mut values = Values::new();
        for (deny, rules) in open {
            values.entry(deny).or_default().push(self.value(&rules));
        }
        for (input, keyed) in by_input {
            self.behind_input(input, keyed, &mut values);
        }
        values
    }

    /// Rules that need texts of one input.
    fn behind_input(&mut self, input: &str, mut keyed: Vec<Keyed<'_>>, values: &mut Values) {
        let texts: Vec<&str> = keyed.iter().flat_map(|keyed| keyed.texts.iter().copied()).collect();
        let starts = starts(&texts);
        // Rules whose texts begin alike stand behind the same prefilter, whose pattern is shorter then.
        keyed.sort_by_cached_key(|keyed| keyed.parts(&starts));
        let mut behind = Values::new();
        let is_single = self.behind_prefilters(input, &starts, &keyed, &mut behind);
        match coarse_prefilter(&texts).filter(|_| !is_single) {
            Some(pattern) => self.behind_coarse(input, &pattern, behind, values),
            None => behind.into_iter().for_each(|(deny, more)| {
                values.entry(deny).or_default().extend(more);
            }),
        }
    }

    /// Several prefilters behind one that costs less than they do together.
    fn behind_coarse(&mut self, input: &str, pattern: &str, behind: Values, values: &mut Values) {
        let then = behind.into_iter();
        let then = then.map(|(deny, filters)| (deny, self.or_variables(filters))).collect();
        self.where_found(input, &format!("*{pattern}"), then, values);
    }

    /// Rules behind one prefilter, or behind several where one would be too long; whether it is one.
    fn behind_prefilters(
        &mut self,
        input: &str,
        starts: &ByteSet,
        keyed: &[Keyed<'_>],
        values: &mut Values,
    ) -> bool {
        let parts: Vec<&[u8]> = keyed.iter().flat_map(|keyed| keyed.parts(starts)).collect();
        let Some(pattern) = prefilter(&parts) else {
            // One rule has so few texts that their pattern fits, so this comes to an end.
            let (left, right) = keyed.split_at(keyed.len() / 2);
            self.behind_prefilters(input, starts, left, values);
            self.behind_prefilters(input, starts, right, values);
            return false;
        };
        let mut by_deny: BTreeMap<Deny, Vec<Rest<'_>>> = BTreeMap::new();
        for Keyed { deny, rest, .. } in keyed {
            by_deny.entry(*deny).or_default().push(rest.clone());
        }
        let then = by_deny.into_iter().map(|(deny, rules)| (deny, self.value(&rules))).collect();
        self.where_found(input, &pattern, then, values);
        true
    }

    /// The values of `then` where `pattern` is found in `input`. It is looked for once, however many
    /// ways to block there are; each map costs something too, so one way has but one.
    fn where_found(
        &mut self,
        input: &str,
        pattern: &str,
        then: Vec<(Deny, String)>,
        values: &mut Values,
    ) {
        let found = self.name();
        let mut add = |deny, name: &str| values.entry(deny).or_default().push(format!("${name}"));
        if let [(deny, only)] = then.as_slice() {
            self.map(input, &found, "", &line(pattern, only));
            return add(*deny, &found);
        }
        self.map(input, &found, "", &line(pattern, "1"));
        for (deny, then) in then {
            let name = self.name();
            self.any_of(&format!("${found}"), &name, &then);
            add(deny, &name);
        }
    }

    /// The value that is not empty where one of `rules` holds.
    fn value(&mut self, rules: &[Rest<'_>]) -> String {
        let mut single: BTreeMap<&str, Vec<(&str, &Match)>> = BTreeMap::new();
        // Conditions that several rules begin with, in the order in which they come first.
        let mut longer: Vec<(&Clause, Vec<Rest<'_>>)> = Vec::new();
        let mut known: HashMap<&Clause, usize> = HashMap::new();
        for rest in rules {
            // A rule that nothing is left of holds, whatever the others say.
            let Some((first, others)) = rest.clauses.split_first() else {
                return "1".into();
            };
            if let (Clause::Match(found), []) = (first, others) {
                single.entry(&found.input).or_default().push((rest.comment, found));
                continue;
            }
            let others = Rest { comment: rest.comment, clauses: others.to_vec() };
            let number = *known.entry(*first).or_insert(longer.len());
            match longer.get_mut(number) {
                Some((_, rests)) => rests.push(others),
                None => longer.push((*first, vec![others])),
            }
        }
        let mut values = Vec::new();
        // All patterns of one input are one map: nginx looks for one after the other until one is found.
        for (input, found) in single {
            let lines = found
                .iter()
                .map(|(comment, found)| format!("    {comment}\n{}", line(&found.pattern, "1")));
            let lines: String = lines.collect();
            let name = self.name();
            self.map(input, &name, "", &lines);
            values.push(format!("${name}"));
        }
        for (first, rests) in longer {
            values.push(self.chain(first, &rests));
        }
        self.or_variables(values)
    }

    /// The value that is not empty where `first` and one of `rests` hold.
    fn chain(&mut self, first: &Clause, rests: &[Rest<'_>]) -> String {
        if rests.iter().all(|rest| rest.clauses.is_empty()) {
            for rest in rests {
                let _ = write!(self.out, "\n{}", rest.comment);
            }
            return self.guarded(first, "1");
        }
        let then = self.value(rests);
        self.guarded(first, &then)
    }

    /// The value that is `then` where `clause` holds, and else empty.
    fn guarded(&mut self, clause: &Clause, then: &str) -> String {
        match clause {
            // From behind: the value of each map is the variable of the next one.
            Clause::All(members) => members
                .iter()
                .rev()
                .fold(then.to_owned(), |then, member| self.guarded(member, &then)),
            Clause::Any(members) => {
                let values = members.iter().map(|member| self.guarded(member, "1")).collect();
                let value = self.or_variables(values);
                let name = self.name();
                self.any_of(&value, &name, then)
            }
            Clause::Match(Match { input, pattern, .. }) => {
                let name = self.name();
                self.map(input, &name, "", &line(pattern, then));
                format!("${name}")
            }
            Clause::Not(Match { input, pattern, .. }) => {
                let name = self.name();
                self.map(input, &name, then, &line(pattern, ""));
                format!("${name}")
            }
        }
    }

    /// The variable `name` that is `then` where `value` is not empty.
    fn any_of(&mut self, value: &str, name: &str, then: &str) -> String {
        self.map(value, name, then, "    \"\" \"\";\n");
        format!("${name}")
    }

    /// The value that is not empty where one of `values` is not.
    fn or_variables(&mut self, mut values: Vec<String>) -> String {
        values.retain(|value| !value.is_empty());
        while values.len() > MAX_IN_WORD {
            let chunks: Vec<String> = values.chunks(MAX_IN_WORD).map(<[String]>::concat).collect();
            values = chunks
                .into_iter()
                .map(|value| {
                    let name = self.name();
                    self.any_of(&value, &name, "1")
                })
                .collect();
        }
        values.concat()
    }
}

/// A line of a map: where `pattern` is found the value is `value`.
fn line(pattern: &str, value: &str) -> String {
    format!("    \"~{pattern}\" \"{value}\";\n")
}
