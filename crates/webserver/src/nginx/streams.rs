//! What the `stream` block of nginx says.

use std::borrow::Cow;
use std::collections::BTreeMap;

use stopgap_model::web::Listen;

use super::span::Span;
use crate::listen::addresses;

/// The `stream` block, as far as it concerns us.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) servers: Vec<Server>,
    /// The servers of each group, by its name, and the values of each map, by its variable.
    pub(super) places: BTreeMap<String, Vec<String>>,
}

/// A server block of it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) at: Span,
    pub(super) listens: Vec<Listen>,
    /// What it passes connections on to, as it says it.
    pub(super) to: Option<String>,
}

impl Server {
    pub(super) fn new(at: Span) -> Self {
        Self { at, listens: Vec::new(), to: None }
    }

    /// Takes a directive of it in.
    pub(super) fn line(&mut self, words: &[Cow<'_, [u8]>]) {
        let text = |at: usize| words.get(at).map(|word| String::from_utf8_lossy(word).into_owned());
        let Some(first) = text(1) else { return };
        match words.first().map(|name| &**name) {
            Some(b"listen") => self.listens.extend(addresses(&first, 0).unwrap_or_default()),
            Some(b"proxy_pass" | b"pass") => self.to = Some(first),
            _ => {}
        }
    }
}
