//! One row of the table: a server, what happened to it, and what is expected of a cycle.

use std::collections::BTreeMap;

use stopgap_model::policy::{Block, Drift, Policy, Switch};

use crate::documents;
use crate::server::{HOST, Server};

/// A row of the table.
pub struct Situation {
    /// The incident, as a sentence.
    pub name: &'static str,
    pub server: Server,
    /// The documents of the catalog.
    pub catalog: Vec<String>,
    pub policy: Policy,
    /// What happened before the cycle in question.
    pub history: Vec<Event>,
    /// What is expected of the actions.
    pub expected: Vec<Expected>,
    /// The state of the first mitigation after the cycle, and words of its reason.
    pub whole: Option<(&'static str, Vec<&'static str>)>,
    /// The files that the cycle replaces, if that is not told by the states.
    pub replaced: Option<Vec<&'static str>>,
    /// How often texts stand in files after the cycle.
    pub stands: Vec<(&'static str, &'static str, usize)>,
    /// What files have after everything was taken back, if that is not told by the history.
    pub leaves: Vec<(&'static str, Change)>,
    /// Files that keep after that what they have in the cycle.
    pub keeps: Vec<&'static str>,
    /// What is told as left over after the cycle, of which mitigation: each with words of it.
    pub left_over: Option<(Option<&'static str>, Vec<&'static str>)>,
}

/// A change of a text.
pub type Change = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Something that happened.
pub enum Event {
    /// A cycle.
    Cycle,
    /// A cycle in which no file can be replaced.
    FailingCycle,
    /// Another catalog.
    Catalog(Vec<String>),
    /// Another policy.
    Policy(Policy),
    /// Somebody edits a file: what he changes was there before us.
    Edit(&'static str, Change),
    /// Somebody edits what we put into a file.
    Tamper(&'static str, Change),
    /// A file is written, over the one that was there.
    Write(&'static str, String),
    /// A file is put back as it was at first.
    Restore(&'static str),
    /// A file is deleted.
    Delete(&'static str),
    /// Another build of Exchange is installed.
    Build(&'static str),
    /// The state folder is lost, with every record.
    Lost,
}

/// What is expected of one action.
pub struct Expected {
    pub action: &'static str,
    pub state: &'static str,
    pub reason: Vec<&'static str>,
    pub place: Option<&'static str>,
    pub notes: Vec<&'static str>,
    /// Words that no note has.
    pub no_notes: Vec<&'static str>,
    pub after: &'static str,
    pub after_reason: Vec<&'static str>,
}

/// A policy that forbids nothing.
pub fn everything_on() -> Policy {
    Policy {
        organisation: Switch::On,
        server: Switch::On,
        blocked: BTreeMap::new(),
        drift: Drift::Reapply,
    }
}

/// A policy that only tells of drift.
pub fn drift_is_reported() -> Policy {
    Policy { drift: Drift::Report, ..everything_on() }
}

/// A policy that switches everything off.
pub fn switched_off() -> Policy {
    Policy { organisation: Switch::Off("policy.toml".into()), ..everything_on() }
}

/// A policy that blocks a mitigation, and perhaps wants it taken back.
pub fn blocked(id: &str, take_back: bool) -> Policy {
    let block = Block { by: "anna: breaks the print server".into(), take_back };
    Policy { blocked: BTreeMap::from([(id.parse().expect("an id"), block)]), ..everything_on() }
}

/// A row on a server with M1.
pub fn m1_on(name: &'static str, server: Server) -> Situation {
    on(name, server, documents::M1)
}

/// A row on a server with another mitigation.
pub fn on(name: &'static str, server: Server, document: impl Into<String>) -> Situation {
    Situation {
        name,
        server,
        catalog: vec![document.into()],
        policy: everything_on(),
        history: Vec::new(),
        expected: Vec::new(),
        whole: None,
        replaced: None,
        stands: Vec::new(),
        leaves: Vec::new(),
        keeps: Vec::new(),
        left_over: None,
    }
}

impl Situation {
    /// One more mitigation in the catalog.
    pub fn and(mut self, document: impl Into<String>) -> Self {
        self.catalog.push(document.into());
        self
    }

    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Something happened.
    pub fn after(mut self, event: Event) -> Self {
        self.history.push(event);
        self
    }

    /// A cycle made everything as it should be.
    pub fn applied(self) -> Self {
        self.after(Event::Cycle)
    }

    /// Somebody edits a file, in a place that was there before us.
    pub fn edited(self, file: &'static str, from: &'static str, to: impl Into<String>) -> Self {
        let to = to.into();
        let change = move |text: &str| crate::server::replaced(text, from, &to);
        self.after(Event::Edit(file, Box::new(change)))
    }

    /// Somebody edits what is ours in applicationHost.config.
    pub fn tampered(self, from: &'static str, to: &'static str) -> Self {
        let change = move |text: &str| crate::server::replaced(text, from, to);
        self.after(Event::Tamper(HOST, Box::new(change)))
    }

    /// The state of the mitigation's first action before the cycle, and words of the reason.
    pub fn finds(self, state: &'static str, reason: &[&'static str]) -> Self {
        let action = match self.catalog.first() {
            None => "M1.1",
            Some(text) => {
                let id = &documents::read(text).actions[0].id;
                Box::leak(id.as_str().to_owned().into_boxed_str())
            }
        };
        self.finds_of(action, state, reason)
    }

    /// The same of another action.
    pub fn finds_of(
        mut self,
        action: &'static str,
        state: &'static str,
        reason: &[&'static str],
    ) -> Self {
        self.expected.push(Expected {
            action,
            state,
            reason: reason.to_vec(),
            place: None,
            notes: Vec::new(),
            no_notes: Vec::new(),
            after: state,
            after_reason: Vec::new(),
        });
        self
    }

    fn last(&mut self) -> &mut Expected {
        self.expected.last_mut().expect("`finds` comes first")
    }

    /// More words of the reason.
    pub fn reasons(mut self, words: &[&'static str]) -> Self {
        self.last().reason.extend(words);
        self
    }

    /// Where it is or would be.
    pub fn at(mut self, place: &'static str) -> Self {
        self.last().place = Some(place);
        self
    }

    /// Words that notes have.
    pub fn notes(mut self, words: &[&'static str]) -> Self {
        self.last().notes.extend(words);
        self
    }

    /// Words that no note has.
    pub fn no_note(mut self, word: &'static str) -> Self {
        self.last().no_notes.push(word);
        self
    }

    /// The state after the cycle; without it, the state does not change.
    pub fn becomes(mut self, state: &'static str) -> Self {
        self.last().after = state;
        self
    }

    /// Words of the reason after the cycle.
    pub fn because(mut self, words: &[&'static str]) -> Self {
        self.last().after_reason.extend(words);
        self
    }

    /// The state of the whole mitigation after the cycle.
    pub fn the_whole_becomes(mut self, state: &'static str, reason: &[&'static str]) -> Self {
        self.whole = Some((state, reason.to_vec()));
        self
    }

    /// The files that the cycle replaces.
    pub fn replacing(mut self, files: &[&'static str]) -> Self {
        self.replaced = Some(files.to_vec());
        self
    }

    /// How often a text stands in a file after the cycle.
    pub fn then(mut self, file: &'static str, text: &'static str, count: usize) -> Self {
        self.stands.push((file, text, count));
        self
    }

    /// A file keeps what it has, though everything is taken back.
    pub fn leaving_what_is_there(mut self, file: &'static str) -> Self {
        self.keeps.push(file);
        self
    }

    /// What is told as left over of the first mitigation after the cycle, each with words of it.
    pub fn leaves_over(mut self, words: &[&'static str]) -> Self {
        self.left_over = Some((None, words.to_vec()));
        self
    }

    /// The same of another row of the report.
    pub fn leaves_over_of(mut self, id: &'static str, words: &[&'static str]) -> Self {
        self.left_over = Some((Some(id), words.to_vec()));
        self
    }

    /// What a file has after everything was taken back: that of the history, changed so.
    pub fn leaving(mut self, file: &'static str, from: &'static str, to: &'static str) -> Self {
        let change = move |text: &str| crate::server::replaced(text, from, to);
        self.leaves.push((file, Box::new(change)));
        self
    }

    /// The files that the cycle replaces, as expected.
    pub fn expected_files(&self) -> Vec<&'static str> {
        let moves = |e: &Expected| {
            matches!(
                (e.state, e.after),
                ("pending" | "drifted" | "failed", "applied" | "partial" | "unknown")
                    | ("applied", "withdrawn")
            )
        };
        match &self.replaced {
            Some(files) => files.clone(),
            None if self.expected.iter().any(moves) => vec![HOST],
            None => Vec::new(),
        }
    }
}
