//! Where in the text something stands that was read of it.

use std::ops::Range;

use stopgap_model::ActionKind;
use stopgap_model::rule::{Condition, Operator, Test};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of a document as a tree with places.
pub(super) struct Places<'a>(Spanned<DeTable<'a>>);

impl<'a> Places<'a> {
    /// The places in a document that was read.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(DeTable::parse_recoverable(std::str::from_utf8(bytes).unwrap_or_default()).0)
    }

    /// Where the value of a key of the document itself stands; its head if the key is not there.
    pub(super) fn value(&self, key: &str) -> Range<usize> {
        self.0.get_ref().get(key).map_or(0..0, Spanned::span)
    }

    /// Where the table number `at` of a list begins.
    pub(super) fn table(&self, list: &str, at: usize) -> Range<usize> {
        self.item(list, at).map_or(0..0, Spanned::span)
    }

    /// Where the value of `key` in the table number `at` of a list stands; else the table.
    pub(super) fn value_in(&self, list: &str, at: usize, key: &str) -> Range<usize> {
        let value = self.item(list, at).and_then(|item| item.get_ref().as_table()?.get(key));
        value.map_or_else(|| self.table(list, at), Spanned::span)
    }

    /// The tests of an action, each with the place of its text or pattern.
    pub(super) fn tests<'t>(
        &self,
        at: usize,
        kind: &'t ActionKind,
    ) -> Vec<(&'t Test, Range<usize>)> {
        let when = match kind {
            ActionKind::BlockRequest { rule, .. } => &rule.when,
            ActionKind::ResponseHeader { when, .. } => when,
            _ => return Vec::new(),
        };
        let item = self.item("action", at);
        let value = item.and_then(|item| item.get_ref().as_table()?.get("when"));
        let mut places = Vec::new();
        if let Some(value) = value {
            texts(value, &mut places);
        }
        // Both are in the order in which the document has them.
        tests(when).into_iter().zip(places).collect()
    }

    fn item(&self, list: &str, at: usize) -> Option<&Spanned<DeValue<'a>>> {
        self.0.get_ref().get(list)?.get_ref().as_array()?.get(at)
    }
}

/// The tests of a condition, in their order.
pub(super) fn tests(condition: &Condition) -> Vec<&Test> {
    match condition {
        Condition::All(members) | Condition::Any(members) => {
            members.iter().flat_map(tests).collect()
        }
        Condition::Not(inner) => tests(inner),
        Condition::Test(test) => vec![test],
    }
}

/// The places of the texts of all tests in a condition or a list of them.
fn texts(value: &Spanned<DeValue<'_>>, places: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Array(list) => list.iter().for_each(|member| texts(member, places)),
        DeValue::Table(table) => {
            let group = ["all", "any", "not"].iter().find_map(|key| table.get(*key));
            if let Some(members) = group {
                texts(members, places);
            } else {
                let text =
                    OPERATORS.iter().find_map(|operator| table.get(operator(String::new()).name()));
                places.push(text.map_or_else(|| value.span(), Spanned::span));
            }
        }
        _ => {}
    }
}

/// The operators, of which a test has one.
const OPERATORS: [fn(String) -> Operator; 5] = [
    Operator::Equals,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::Matches,
];
