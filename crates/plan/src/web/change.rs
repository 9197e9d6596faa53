//! The change that the wishes for one web server come to.

use stopgap_model::{ActionId, Digest, WebKind};
use stopgap_webserver::Placement;
use stopgap_webserver::RuleText;

use super::decide::{Here, Wish};
use super::server::{OnServer, sentences};
use super::{TakenOut, WebChange, WebPlaced, digest, rule_text};
use crate::{Input, Step};

/// The change that the wishes for one server come to, if there is one. What cannot be put in becomes
/// a conflict, and the rest is looked at without it.
pub(super) fn change(
    input: &Input<'_>,
    server: &OnServer<'_>,
    here: &mut Here,
) -> Option<WebChange> {
    here.let_fresh_go_first(server);
    let may_write = input.policy.switched_off().is_none() && server.hindrance().is_none();
    loop {
        match assembled(server, here, may_write) {
            // Without what rests it is another change.
            Ok(Some(change)) if here.let_rest(input, server, &change) => {}
            Ok(change) => return change,
            Err(why) => {
                here.drop_all(server, &why);
                return None;
            }
        }
    }
}

/// The rules that are to stand, and which of them come and go.
#[derive(Default)]
struct Wished {
    rules: Vec<WebPlaced>,
    put_in: Vec<ActionId>,
    taken_out: Vec<TakenOut>,
}

impl Wished {
    fn of(server: &OnServer<'_>, here: &Here, may_write: bool) -> Self {
        let mut wished = Self::default();
        for wish in &here.wishes {
            match wish {
                Wish::Nothing => {}
                Wish::Keep(placed) => {
                    wished.rules.push(placed.clone());
                    // What stands there without a record gets one.
                    if server.is_recognised && may_write {
                        wished.put_in.push(placed.action.clone());
                    }
                }
                Wish::Put(placed) => {
                    wished.rules.push(placed.clone());
                    wished.put_in.push(placed.action.clone());
                }
                Wish::Out(out) => wished.taken_out.push(out.clone()),
            }
        }
        wished
    }

    fn step(self, server: &OnServer<'_>, text: &RuleText) -> Step {
        let left = match self.rules.is_empty() {
            true => server.still_left(&self.taken_out),
            false => Vec::new(),
        };
        let (server, text) = (server.id.clone(), digest(text));
        let Self { rules, put_in, taken_out } = self;
        Step::Rules { server, rules, text, put_in, taken_out, left }
    }
}

fn assembled(
    server: &OnServer<'_>,
    here: &Here,
    may_write: bool,
) -> Result<Option<WebChange>, String> {
    let wished = Wished::of(server, here, may_write);
    if wished.put_in.is_empty() && wished.taken_out.is_empty() {
        return Ok(None);
    }
    let fresh = wished.put_in.iter().any(|action| server.failure(action).is_none());
    let Some(config) = server.config else { return Ok(Some(of_gone(server, wished, fresh))) };
    let text = rule_text(config.facts.server.kind, &wished.rules);
    let layout = server.layout.as_ref().map_err(Clone::clone)?;
    let Placement { edits, staged, .. } = layout.place(&text).map_err(|error| error.to_string())?;
    let strays = if wished.rules.is_empty() { sentences(&layout.strays()) } else { Vec::new() };
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
        step: wished.step(server, &text),
        fresh,
        configuration: config.files.digest_with(&without.unwrap_or_default()),
    }))
}

/// What went with its server needs no edit; the record goes after it.
fn of_gone(server: &OnServer<'_>, wished: Wished, fresh: bool) -> WebChange {
    WebChange {
        server: server.remembered(),
        sites: Vec::new(),
        unreached: Vec::new(),
        own_answers: Vec::new(),
        strays: Vec::new(),
        edits: Vec::new(),
        staged: Vec::new(),
        step: wished.step(server, &rule_text(WebKind::Nginx, &[])),
        fresh,
        configuration: Digest::of(b""),
    }
}
