//! The change of one web server that the decisions come to.

use stopgap_model::reason::ChangeReason;
use stopgap_model::report::State;
use stopgap_model::{ActionId, Digest, Reason, Reasons};
use stopgap_webserver::{Placement, RuleText};

use super::server::WebTarget;
use super::text::{digest, rule_text};
use crate::decision::Operation;
use crate::input::Input;
use crate::installed::InstalledRule;
use crate::planned::{Entry, Planned};
use crate::rest::{rests_on, tried};
use crate::step::{Removal, Step, WebChange};

type WebEntry<'a> = Entry<'a, InstalledRule>;

/// The change that the decisions on one server come to, if there is one. What cannot be written becomes
/// a conflict, and the rest is looked at without it.
pub(crate) fn change<'a>(
    input: &Input<'_>,
    planned: &mut Planned<'a, WebTarget<'a>>,
) -> Option<WebChange> {
    let Planned { target: server, entries } = planned;
    prefer_untried(server, entries);
    let may_write = input.policy.switched_off().is_none() && server.why_not_changed().is_none();
    loop {
        match assembled(server, entries, may_write) {
            // Without what rests it is another change.
            Ok(Some(change)) if let_rest(input, entries, &change) => {}
            Ok(change) => return change,
            Err(why) => {
                give_up_all(entries, &why);
                return None;
            }
        }
    }
}

/// What failed when it was last tried waits while something else is installed, which it would make
/// fail too.
fn prefer_untried(server: &WebTarget<'_>, entries: &mut [WebEntry<'_>]) {
    let installs = |entry: &WebEntry<'_>| matches!(entry.decision.operation, Operation::Install(_));
    let has_failed = |entry: &WebEntry<'_>| server.last_failure(&entry.action).is_some();
    if !entries.iter().any(|entry| installs(entry) && !has_failed(entry)) {
        return;
    }
    for entry in entries.iter_mut().filter(|entry| installs(entry) && has_failed(entry)) {
        entry.decision.operation = Operation::None;
    }
}

/// Lets what failed when this very change was last tried rest; answers whether that left anything out
/// of it. What is to be removed is tried alone before it rests too: what was to be installed may have been
/// at fault.
fn let_rest(input: &Input<'_>, entries: &mut [WebEntry<'_>], change: &WebChange) -> bool {
    let tried = tried(change.configuration, &change.server, &change.step, None);
    let mut resting: Vec<_> = entries
        .iter_mut()
        .filter(|entry| !entry.decision.operation.is_none())
        .filter_map(|entry| {
            let (action, mitigation) = (&entry.action, &entry.mitigation);
            let why = rests_on(input, &change.step, action, mitigation, tried)?;
            Some((entry, why))
        })
        .collect();
    let installs = |entry: &WebEntry<'_>| matches!(entry.decision.operation, Operation::Install(_));
    if resting.iter().any(|(entry, _)| installs(entry)) {
        resting.retain(|(entry, _)| installs(entry));
    }
    let is_any = !resting.is_empty();
    for (entry, why) in resting {
        entry.decision.operation = Operation::None;
        entry.decision.status.reasons.push(why);
    }
    is_any
}

/// Nothing is installed or removed after all.
fn give_up_all(entries: &mut [WebEntry<'_>], why: &Reasons) {
    for entry in entries {
        let reasons = match &entry.decision.operation {
            Operation::None => continue,
            Operation::Install(_) => why.clone(),
            Operation::Remove(goes) => {
                let (error, why) = (why.clone(), goes.clone());
                ChangeReason::NotWithdrawn { error, why }.into()
            }
        };
        let status = &mut entry.decision.status;
        (status.state, status.reasons) = (State::Conflict, reasons);
        status.notes.clear();
        entry.decision.operation = Operation::None;
    }
}

/// The rules that are to stand, and which of them come and go.
#[derive(Default)]
struct Wanted {
    rules: Vec<InstalledRule>,
    installs: Vec<ActionId>,
    removals: Vec<Removal>,
}

impl Wanted {
    fn of(server: &WebTarget<'_>, entries: &[WebEntry<'_>], may_write: bool) -> Self {
        let mut wanted = Self::default();
        for entry in entries {
            match &entry.decision.operation {
                Operation::None => {
                    let record = server.record(&entry.action);
                    let own = record.filter(|record| record.mitigation == entry.mitigation);
                    let Some(placed) = own else { continue };
                    wanted.rules.push(placed.clone());
                    // What stands there without a record gets one.
                    if server.is_recognised && may_write {
                        wanted.installs.push(placed.action.clone());
                    }
                }
                Operation::Install(placed) => {
                    wanted.rules.push(placed.clone());
                    wanted.installs.push(placed.action.clone());
                }
                Operation::Remove(why) => wanted.removals.push(Removal {
                    mitigation: entry.mitigation.clone(),
                    action: entry.action.clone(),
                    why: why.to_string(),
                }),
            }
        }
        wanted
    }

    fn step(self, server: &WebTarget<'_>, text: &RuleText) -> Step {
        let left = match self.rules.is_empty() {
            true => server.still_left(&self.removals),
            false => Vec::new(),
        };
        let (server, text) = (server.id.clone(), digest(text));
        let Self { rules, installs, removals } = self;
        Step::Rules { server, rules, text, installs, removals, left }
    }
}

fn assembled(
    server: &WebTarget<'_>,
    entries: &[WebEntry<'_>],
    may_write: bool,
) -> Result<Option<WebChange>, Reasons> {
    let wanted = Wanted::of(server, entries, may_write);
    if wanted.installs.is_empty() && wanted.removals.is_empty() {
        return Ok(None);
    }
    let fresh = wanted.installs.iter().any(|action| server.last_failure(action).is_none());
    let Some(config) = server.config else { return Ok(Some(of_gone(server, wanted, fresh))) };
    let text = rule_text(config.facts.server.kind, &wanted.rules);
    let layout = server.layout.as_ref().map_err(Clone::clone)?;
    let Placement { edits, staged, .. } = layout.place(&text)?;
    let strays = if wanted.rules.is_empty() { layout.strays() } else { Vec::new() };
    let strays = strays.into_iter().map(Reason::from).collect();
    // Where ours cannot be taken out of a file, it stays in what is compared, too.
    let without = layout.place(&RuleText::None).map(|placement| placement.edits);
    Ok(Some(WebChange {
        server: config.facts.server.clone(),
        sites: layout.sites(),
        unreached: layout.unreached(&text),
        own_answers: layout.own_answers(),
        strays,
        edits,
        staged,
        step: wanted.step(server, &text),
        fresh,
        configuration: config.files.digest_with(&without.unwrap_or_default()),
    }))
}

/// What went with its server needs no edit; the record goes after it.
fn of_gone(server: &WebTarget<'_>, wanted: Wanted, fresh: bool) -> WebChange {
    WebChange {
        server: server.remembered(),
        sites: Vec::new(),
        unreached: Vec::new(),
        own_answers: Vec::new(),
        strays: Vec::new(),
        edits: Vec::new(),
        staged: Vec::new(),
        step: wanted.step(server, &rule_text(server.can.kind, &[])),
        fresh,
        configuration: Digest::of(b""),
    }
}
