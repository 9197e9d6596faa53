//! What a cycle learns that is in no change record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use stopgap_model::reason::ServerReason;
use stopgap_model::{Reasons, ServerId, ServerPath};
use stopgap_plan::{Failures, Step, WebConfig};
use stopgap_store::{Hindrance, KeptEvidence};

/// What was learned in a cycle and is in no change record: the next plan of the cycle is made with it.
#[derive(Default)]
pub(crate) struct Learned {
    /// Servers that refuse their own configuration as it is, and why.
    pub(crate) refused: BTreeMap<ServerId, Reasons>,
    /// Files of servers that could not be changed, and why.
    left_out: BTreeMap<(ServerId, ServerPath), Reasons>,
    /// What failed, where that could not be written down.
    pub(crate) failures: Failures,
    /// What was seen of the installed rules.
    pub(crate) evidence: KeptEvidence,
}

impl Learned {
    /// Returns what is known when a cycle begins: what was seen earlier of the installed rules.
    pub(crate) fn new(evidence: KeptEvidence) -> Self {
        Self { evidence, ..Self::default() }
    }

    /// Returns what the last check learned, for a look that asks no server.
    pub(crate) fn remembered(evidence: KeptEvidence) -> Self {
        let mut learned = Self::new(KeptEvidence::default());
        for Hindrance { at, server, file, why } in &evidence.hindrances {
            let at = at.strftime("%Y-%m-%d %H:%M UTC").to_string();
            let why = ServerReason::AtCheck { why: Reasons::text(why.as_str()), at }.into();
            match file {
                Some(file) => learned.left_out.insert((server.clone(), file.clone()), why),
                None => learned.refused.insert(server.clone(), why),
            };
        }
        Self { evidence, ..learned }
    }

    /// Returns what is kept of it for looks that follow.
    pub(crate) fn hindrances(&self, at: Timestamp) -> Vec<Hindrance> {
        let of = |server: &ServerId, file: Option<&ServerPath>, why: &Reasons| Hindrance {
            at,
            server: server.clone(),
            file: file.cloned(),
            why: why.to_string(),
        };
        let refused = self.refused.iter().map(|(server, why)| of(server, None, why));
        let files = self.left_out.iter();
        refused.chain(files.map(|((server, file), why)| of(server, Some(file), why))).collect()
    }

    /// Leaves a file of a web server as it is in every plan that follows.
    pub(crate) fn leave_out(&mut self, server: &ServerId, path: &ServerPath, why: Reasons) {
        self.left_out.insert((server.clone(), path.clone()), why);
    }

    /// Marks the files of a server that are left as they are.
    pub(crate) fn leave_out_in(&self, config: &mut WebConfig) {
        let id = config.facts.server.id();
        for ((_, path), why) in self.left_out.iter().filter(|((of, _), _)| *of == id) {
            config.files.fix(path.clone(), why.clone());
        }
    }

    /// Marks what is known of a server in what was read of it.
    pub(crate) fn mark(&self, config: &mut WebConfig) {
        config.refused = self.refused.get(&config.facts.server.id()).cloned();
        self.leave_out_in(config);
    }

    /// The actions of these steps failed, and no record says so.
    pub(crate) fn fail_all(&mut self, steps: &[Step], error: &str) {
        for step in steps {
            for action in step.actions() {
                let key = (step.target(), action.clone());
                self.failures.tries.insert(key, error.to_owned());
            }
        }
    }
}
