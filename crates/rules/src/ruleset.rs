//! Many rules at once. A request is searched once for the texts that rules need; only a rule whose
//! text was found is evaluated. The verdict is that of asking every rule in order.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use stopgap_model::Request;
use stopgap_model::rule::{BlockRule, Condition, Decode, Field, Operator, Test};

use crate::decode::decoded;
use crate::evaluate::CompiledRule;
use crate::fields::{Subject, any_value};
use stopgap_pattern::{PatternError, parse, required, shortest};

/// Up to this many bytes of texts the automaton is the fastest kind; it takes about a hundred bytes
/// of memory for each.
const MAX_DFA_TEXT: usize = 64 * 1024;

/// Rules made ready to be asked together.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<CompiledRule>,
    slots: Vec<Slot>,
    /// The rules that need no text, as a bit for each rule.
    always: Vec<u64>,
    idle: bool,
}

/// One view of a request, and the texts looked for in it.
#[derive(Debug)]
struct Slot {
    field: Field,
    decode: Vec<Decode>,
    body_limit: usize,
    texts: AhoCorasick,
    /// The rule that needs a text.
    rule_of: Vec<usize>,
}

/// One view of a request, and the texts that rules need in it.
struct View {
    field: Field,
    decode: Vec<Decode>,
    /// A part of a body can decode to what the whole does not, so each limit has its own view.
    body_limit: usize,
    needs: Vec<(Vec<u8>, usize)>,
}

/// Room to work in, kept from one request to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    candidates: Vec<u64>,
}

/// The texts of one view of which a request must have one for the rule to hold.
struct Key<'a> {
    field: &'a Field,
    decode: &'a [Decode],
    text: Vec<u8>,
}

impl RuleSet {
    /// Makes rules ready. Their order is the order in which they are asked.
    ///
    /// # Errors
    /// A pattern of a rule cannot be used; with the rule's index.
    pub fn new(rules: &[BlockRule]) -> Result<Self, (usize, PatternError)> {
        let compile = |(at, rule)| CompiledRule::new(rule).map_err(|error| (at, error));
        let compiled = rules.iter().enumerate().map(compile).collect::<Result<Vec<_>, _>>()?;
        let mut always = vec![0; rules.len().div_ceil(64)];
        let mut views: Vec<View> = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            // A rule that needs no text is asked for every request.
            let Some(keys) = keys(&rule.when) else {
                set_bit(&mut always, at);
                continue;
            };
            for key in keys {
                // Other fields are the same whatever the limit is, and share a view.
                let body_limit = if key.field.is_of_body() { rule.body_limit } else { 0 };
                let same = |view: &&mut View| {
                    view.field == *key.field
                        && view.decode == key.decode
                        && view.body_limit == body_limit
                };
                match views.iter_mut().find(same) {
                    Some(view) => view.needs.push((key.text, at)),
                    None => views.push(View {
                        field: key.field.clone(),
                        decode: key.decode.to_vec(),
                        body_limit,
                        needs: vec![(key.text, at)],
                    }),
                }
            }
        }
        let idle = always.iter().all(|word| *word == 0);
        let mut set = Self { rules: compiled, slots: Vec::new(), always, idle };
        for View { field, decode, body_limit, needs } in views {
            let (texts, rule_of): (Vec<_>, Vec<_>) = needs.into_iter().unzip();
            match automaton(&texts) {
                Some(texts) => set.slots.push(Slot { field, decode, body_limit, texts, rule_of }),
                // Too many texts for one automaton: the rules are asked always.
                None => set.ask_always(&rule_of),
            }
        }
        Ok(set)
    }

    fn ask_always(&mut self, rules: &[usize]) {
        self.idle = false;
        for at in rules {
            set_bit(&mut self.always, *at);
        }
    }

    /// The index of the first rule that blocks `request`.
    #[must_use]
    pub fn first_match(&self, request: &Request, scratch: &mut Scratch) -> Option<usize> {
        let candidates = &mut scratch.candidates;
        candidates.clear();
        candidates.extend_from_slice(&self.always);
        let mut found = !self.idle;
        for slot in &self.slots {
            let subject = Subject { request, response: None, body_limit: slot.body_limit };
            any_value(&slot.field, subject, &mut |value| {
                let value = decoded(value, &slot.decode);
                for text in slot.texts.find_overlapping_iter(&*value) {
                    if let Some(&rule) = slot.rule_of.get(text.pattern().as_usize()) {
                        set_bit(candidates, rule);
                        found = true;
                    }
                }
                false
            });
        }
        if !found {
            return None;
        }
        let bits = candidates.iter().enumerate().flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        });
        bits.into_iter().find(|&at| self.rules.get(at).is_some_and(|rule| rule.blocks(request)))
    }
}

/// Sets the bit of a rule.
fn set_bit(words: &mut [u64], rule: usize) {
    if let Some(word) = words.get_mut(rule / 64) {
        *word |= 1 << (rule % 64);
    }
}

fn automaton(texts: &[Vec<u8>]) -> Option<AhoCorasick> {
    let total: usize = texts.iter().map(Vec::len).sum();
    let kind = (total <= MAX_DFA_TEXT).then_some(AhoCorasickKind::DFA);
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        // Looking for rare bytes first is slower on values as short as a request's.
        .prefilter(false)
        .kind(kind)
        .build(texts)
        .ok()
}

/// Texts of which a request must have at least one for `condition` to hold; `None` if there are no
/// such texts.
fn keys(condition: &Condition) -> Option<Vec<Key<'_>>> {
    match condition {
        Condition::Test(test) => keys_of_test(test),
        // A negation holds when a text is missing.
        Condition::Not(_) => None,
        Condition::All(members) => {
            let length =
                |keys: &Vec<Key<'_>>| keys.iter().map(|key| key.text.len()).min().unwrap_or(0);
            members.iter().filter_map(keys).max_by_key(length)
        }
        Condition::Any(members) => {
            let all: Option<Vec<_>> = members.iter().map(keys).collect();
            all.map(|keys| keys.into_iter().flatten().collect())
        }
    }
}

fn keys_of_test(test: &Test) -> Option<Vec<Key<'_>>> {
    let texts = match &test.operator {
        Operator::Matches(source) => required(&parse(source, true).ok()?.0)?,
        operator => vec![operator.text().as_bytes().to_vec()],
    };
    if shortest(&texts) == 0 {
        return None;
    }
    let key = |text| Key { field: &test.field, decode: &test.decode, text };
    Some(texts.into_iter().map(key).collect())
}
