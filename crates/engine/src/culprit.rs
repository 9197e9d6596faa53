//! Which of several new mitigations a server's own test refuses. A test costs no reload, so the others need
//! not be held up by it.

use stopgap_model::{MitigationId, ServerPath};
use stopgap_plan::{Step, WebChange, WebPlaced, rule_text};

use crate::Engine;
use crate::collect::read_web;
use crate::cycle::Done;

impl Engine<'_> {
    /// The first of the mitigations that are put in with which the configuration does not pass the
    /// server's own test, found by halving; `None` if only one is put in, or if it is not by one of them.
    /// `passes` tells whether the server takes these files; `None` if that is not known.
    pub(crate) fn culprit(
        &self,
        planned: &WebChange,
        passes: impl Fn(&[(ServerPath, Vec<u8>)]) -> Option<bool>,
        done: &Done,
    ) -> Option<MitigationId> {
        let Step::Rules { rules, put_in, .. } = &planned.step else { return None };
        let is_new = |placed: &WebPlaced| put_in.contains(&placed.action);
        let mut new: Vec<&MitigationId> =
            rules.iter().filter(|placed| is_new(placed)).map(|placed| &placed.mitigation).collect();
        new.dedup();
        if new.len() < 2 {
            return None;
        }
        let mut config = read_web(self.host, planned.server.clone());
        done.fix_known(&mut config);
        let layout = config.files.layout().ok().filter(|_| config.incomplete.is_none())?;
        let with = |some: &dyn Fn(&MitigationId) -> bool| {
            let kept = rules.iter().filter(|placed| !is_new(placed) || some(&placed.mitigation));
            let kept: Vec<WebPlaced> = kept.cloned().collect();
            passes(&layout.place(&rule_text(planned.server.kind, &kept)).ok()?.staged)
        };
        let (mut good, mut bad) = (0, new.len());
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            match with(&|id| new[..middle].contains(&id))? {
                true => good = middle,
                false => bad = middle,
            }
        }
        let culprit = new[good];
        // Where it takes nothing of ours at all, it is not because of the first.
        let is_by_one = good > 0 || with(&|id| id != culprit)?;
        is_by_one.then(|| culprit.clone())
    }
}
