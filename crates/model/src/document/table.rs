//! The TOML tree with its spans. What is of the wrong type is reported here, once, and is `None`
//! from then on.

use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostics::Diagnostics;
use super::limits::{MAX_LIST, MAX_TEXT};
use super::words::{did_you_mean, is_unprintable, one_of};
use crate::problem::{Problem, one_line};

/// A table of the document.
pub(super) struct Table<'a> {
    entries: &'a DeTable<'a>,
    /// The table's header or, written inline, the whole of it.
    pub(super) span: Range<usize>,
}

impl<'a> Table<'a> {
    /// The document itself.
    pub(super) fn top(entries: &'a DeTable<'a>) -> Self {
        Self { entries, span: 0..0 }
    }

    /// The value of `key`, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<Item<'a>> {
        let (key, value) = self.entries.get_key_value(key)?;
        Some(Item::new(key.get_ref(), key.span(), value))
    }

    /// The value of `key`, or a report that it is missing.
    pub(super) fn required(
        &self,
        log: &mut Diagnostics<'_>,
        key: &str,
        expected: &str,
    ) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            let problem = Problem::new(self.span.clone(), format!("`{key}` is missing"));
            log.missing(problem.expected(expected));
        }
        item
    }

    /// All keys and values.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'a>> {
        self.entries.iter().map(|(key, value)| Item::new(key.get_ref(), key.span(), value))
    }

    /// Reports every key that is not one of `known`.
    pub(super) fn deny_unknown(&self, log: &mut Diagnostics<'_>, known: &[&str]) {
        for item in self.items().filter(|item| !known.contains(&item.key)) {
            item.unknown_key(log, known);
        }
    }

    /// The list of strings `key`, each of which passes `good`; empty if the key is not there.
    pub(super) fn strings(
        &self,
        log: &mut Diagnostics<'_>,
        key: &str,
        good: fn(&str) -> bool,
        expected: &str,
    ) -> Vec<String> {
        let Some(list) = self.get(key) else { return Vec::new() };
        let mut seen: Vec<String> = Vec::new();
        for item in list.list(log, MAX_LIST) {
            let Some(text) = item.single_line(log) else { continue };
            if !good(text) {
                item.refuse(log, expected);
            } else if seen.iter().any(|other| other == text) {
                item.repeated(log);
            } else {
                seen.push(text.to_owned());
            }
        }
        seen
    }
}

/// A value of the document, with its key; an element of a list has the list's key.
pub(super) struct Item<'a> {
    /// The key.
    pub(super) key: &'a str,
    /// Where the key stands.
    pub(super) key_span: Range<usize>,
    /// Where the value stands.
    pub(super) span: Range<usize>,
    value: &'a DeValue<'a>,
}

impl<'a> Item<'a> {
    fn new(key: &'a str, key_span: Range<usize>, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { key, key_span, span: value.span(), value: value.get_ref() }
    }

    /// Reports that nobody knows the key.
    pub(super) fn unknown_key(&self, log: &mut Diagnostics<'_>, known: &[&str]) {
        let message = format!("unknown key `{}`", one_line(self.key));
        let problem = Problem::new(self.key_span.clone(), message)
            .expected(one_of(known.iter().copied()))
            .help(did_you_mean(self.key, known.iter().copied()));
        log.report(problem);
    }

    /// Reports that the value is of the wrong type.
    pub(super) fn wrong_type(&self, log: &mut Diagnostics<'_>, expected: &str) {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{}` is {found}", one_line(self.key));
        log.report(Problem::new(self.span.clone(), message).expected(expected));
    }

    /// Reports that the text cannot stand here.
    pub(super) fn refuse(&self, log: &mut Diagnostics<'_>, expected: &str) {
        let text = one_line(self.value.as_str().unwrap_or_default());
        let message = format!("`{text}` cannot be used for `{}`", one_line(self.key));
        log.report(Problem::new(self.span.clone(), message).expected(expected));
    }

    /// Reports that the list has the text before.
    pub(super) fn repeated(&self, log: &mut Diagnostics<'_>) {
        let text = one_line(self.value.as_str().unwrap_or_default());
        let message = format!("`{text}` is in the list twice");
        log.report(Problem::new(self.span.clone(), message));
    }

    /// Whether it is a string.
    pub(super) fn is_string(&self) -> bool {
        self.value.is_str()
    }

    /// A string that is not empty and not too long.
    pub(super) fn text(&self, log: &mut Diagnostics<'_>) -> Option<&'a str> {
        let Some(text) = self.value.as_str() else {
            self.wrong_type(log, "a string");
            return None;
        };
        if text.trim().is_empty() {
            let problem = Problem::new(self.span.clone(), format!("`{}` is empty", self.key));
            log.report(problem.expected("a text"));
            return None;
        }
        if text.len() > MAX_TEXT {
            let message = format!("`{}` is {} bytes long", self.key, text.len());
            let expected = format!("at most {MAX_TEXT} bytes");
            log.report(Problem::new(self.span.clone(), message).expected(expected));
            return None;
        }
        Some(text)
    }

    /// A text in one line, without control characters: it is shown on terminals.
    pub(super) fn single_line(&self, log: &mut Diagnostics<'_>) -> Option<&'a str> {
        let text = self.text(log)?;
        let Some(bad) = text.chars().find(|&c| is_unprintable(c)) else { return Some(text) };
        let message = format!("`{}` has the control character {}", self.key, bad.escape_unicode());
        log.report(Problem::new(self.span.clone(), message).expected("one line of plain text"));
        None
    }

    /// A string of any content.
    pub(super) fn string(&self, log: &mut Diagnostics<'_>) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong_type(log, "a string");
        }
        text
    }

    /// A text that is a `T`; `what` names it with its article.
    pub(super) fn parsed<T: FromStr>(
        &self,
        log: &mut Diagnostics<'_>,
        what: &str,
        expected: &str,
    ) -> Option<T> {
        let text = self.text(log)?;
        let value = text.parse().ok();
        if value.is_none() {
            let message = format!("`{}` is not {what}", one_line(text));
            log.report(Problem::new(self.span.clone(), message).expected(expected));
        }
        value
    }

    /// One of the words that this key knows.
    pub(super) fn keyword<T: Copy>(
        &self,
        log: &mut Diagnostics<'_>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(log)?;
        let value = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if value.is_none() {
            self.unknown_word(log, text, words.iter().map(|(word, _)| *word));
        }
        value
    }

    /// Reports that `text` is not one of the words that this key knows.
    pub(super) fn unknown_word<'w>(
        &self,
        log: &mut Diagnostics<'_>,
        text: &str,
        words: impl Iterator<Item = &'w str> + Clone,
    ) {
        let message = format!("unknown {} `{}`", one_line(self.key), one_line(text));
        let problem = Problem::new(self.span.clone(), message)
            .expected(one_of(words.clone()))
            .help(did_you_mean(text, words));
        log.report(problem);
    }

    /// A whole number in `range`.
    pub(super) fn whole_number(
        &self,
        log: &mut Diagnostics<'_>,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let DeValue::Integer(integer) = self.value else {
            self.wrong_type(log, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("`{}` is {}", self.key, one_line(&integer.to_string()));
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            log.report(Problem::new(self.span.clone(), message).expected(expected));
        }
        number
    }

    /// A boolean.
    pub(super) fn boolean(&self, log: &mut Diagnostics<'_>) -> Option<bool> {
        let value = self.value.as_bool();
        if value.is_none() {
            self.wrong_type(log, "`true` or `false`");
        }
        value
    }

    /// A table.
    pub(super) fn table(&self, log: &mut Diagnostics<'_>) -> Option<Table<'a>> {
        let Some(entries) = self.value.as_table() else {
            self.wrong_type(log, "a table");
            return None;
        };
        Some(Table { entries, span: self.span.clone() })
    }

    /// The elements of a list that has 1 to `most` of them. An empty list is refused because it
    /// reads as "none" and means "any" or "all".
    pub(super) fn list(&self, log: &mut Diagnostics<'_>, most: usize) -> Vec<Item<'a>> {
        let Some(list) = self.value.as_array() else {
            self.wrong_type(log, "a list");
            return Vec::new();
        };
        if list.is_empty() {
            let problem = Problem::new(self.span.clone(), format!("`{}` is empty", self.key));
            log.missing(problem.expected("at least one entry"));
        }
        if list.len() > most {
            let message = format!("`{}` has {} entries", self.key, list.len());
            let problem = Problem::new(self.span.clone(), message);
            log.report(problem.expected(format!("at most {most}")));
        }
        let element = |value: &'a _| Self::new(self.key, self.key_span.clone(), value);
        list.iter().take(most).map(element).collect()
    }
}
