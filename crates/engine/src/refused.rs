//! What becomes of a change whose configuration does not pass the server's own test. A test costs no reload, so
//! further ones show which of several new mitigations is at fault, and the others are not held up by it.

use stopgap_host::TestError;
use stopgap_model::{MitigationId, ServerPath};
use stopgap_plan::{Step, WebChange, WebPlaced, rule_text};

use crate::collect::read_web;
use crate::cycle::Done;
use crate::live::WebAttempt;
use crate::stop::Watch;
use crate::undo::{Failing, Tries};
use crate::{Engine, Timing};

impl Engine<'_> {
    /// The planned configuration does not pass the server's own test. Whose fault is it?
    pub(crate) fn tested_badly(
        &self,
        planned: &WebChange,
        error: &TestError,
        watch: &Watch<'_>,
        timing: &mut Timing,
        done: &mut Done,
    ) -> WebAttempt {
        let Some(live) = self.host.live() else {
            return WebAttempt::Failed;
        };
        let steps = std::slice::from_ref(&planned.step);
        let stop = || watch.ends_waiting(steps);
        let own = timing.spend(|| live.test_until(&planned.server, &[], &stop));
        if let Some(halt) = watch.during(steps) {
            return WebAttempt::Halted(halt, false);
        }
        if let Err(own) = own {
            return WebAttempt::Refused(match own {
                TestError::Refused { .. } => {
                    format!("without anything of ours, {own}")
                }
                TestError::NotMade(_) => own.to_string(),
            });
        }
        let is_refused = matches!(error, TestError::Refused { .. });
        let passes = |staged: &[_]| match live.test_until(&planned.server, staged, &stop) {
            Ok(()) => Some(true),
            Err(TestError::Refused { .. }) => Some(false),
            Err(TestError::NotMade(_)) => None,
        };
        let fault = is_refused.then(|| timing.spend(|| self.culprit(planned, passes, done)));
        let fault = fault.flatten();
        if let Some(halt) = watch.during(steps) {
            return WebAttempt::Halted(halt, false);
        }
        let Some(change) = self.begin_web(planned, done) else { return WebAttempt::Failed };
        let by_one = fault.is_some();
        let failing = Failing { fault, ..Failing::new(change, 0, error.to_string()) };
        let failing = match is_refused {
            true => failing.with(Tries::Web { planned, is_lasting: true }),
            false => failing,
        };
        let whole = self.fail(failing, |_| Ok(()), done);
        if by_one && whole { WebAttempt::Fault } else { WebAttempt::Failed }
    }

    /// The first of the mitigations that are put in with which the configuration does not pass the
    /// server's own test, found by halving; `None` if only one is put in, or if it is not by one of them.
    /// `passes` tells whether the server takes these files; `None` if that is not known.
    fn culprit(
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
