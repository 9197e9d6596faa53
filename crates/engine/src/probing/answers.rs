//! What the answer to a question shows: whether a probe was blocked, and whether a site does what it did
//! before. Why it is judged so: ADR 26.

use stopgap_host::Answer;
use stopgap_model::MitigationId;
use stopgap_model::evidence::Verdict;
use stopgap_model::request::Request;
use stopgap_model::web::WebSite;

use super::questions::{Asked, Probing, Wanted, What};
use crate::failure::Failure;

/// What an answer shows.
pub(crate) enum Shown {
    /// It is as it should be.
    Right,
    /// Nothing of a rule, as the site answers by itself before any rule is asked. What it does.
    NotReached(String),
    /// Nothing, and why, said of the site: `answers with 429, …`.
    NotJudged(String),
    /// It is not as it should be.
    Wrong(Failure),
}

/// What was answered before a change.
pub(crate) struct KnownAnswers<'b> {
    /// To the same question.
    pub(crate) same: &'b [Answer],
    /// To the ordinary request, by the same site.
    pub(crate) ordinary: &'b [Answer],
    /// To whatever else the same site was asked, if its answers vary.
    pub(crate) elsewhere: Vec<&'b Answer>,
}

impl KnownAnswers<'_> {
    /// Whether the site may answer so at any time, whatever is asked.
    fn may_be(&self, answer: &Answer) -> bool {
        let varies = self.ordinary.len() > 1;
        varies && (self.ordinary.contains(answer) || self.elsewhere.contains(&answer))
    }

    /// Whether something else than this was answered to the same question.
    fn is_otherwise(&self, answer: &Answer) -> bool {
        !self.same.is_empty() && !self.same.contains(answer)
    }

    /// The answers to the same question, for a person.
    fn told(&self) -> String {
        let all: Vec<String> = self.same.iter().map(ToString::to_string).collect();
        all.join(" or ")
    }
}

impl Probing<'_> {
    /// What an answer shows.
    pub(crate) fn shown(
        &self,
        what: What,
        wanted: Wanted,
        known: &KnownAnswers<'_>,
        found: &Answer,
    ) -> Shown {
        let site = self.sites[self.site_of(what)];
        if let Answer::NotHere(address) = found {
            return Shown::NotJudged(format!("lost {address}, which left this machine"));
        }
        match what {
            What::Health(_) => self.health_shown(site, known, found),
            What::Probe(pair) => match (&self.asked(pair).blocked, wanted) {
                (Some(blocked), Wanted::Rules) => self.blocked_shown(pair, blocked, known, found),
                _ => self.asked(pair).passed_shown(site, known, found),
            },
        }
    }

    fn health_shown(&self, site: &WebSite, known: &KnownAnswers<'_>, found: &Answer) -> Shown {
        if !known.is_otherwise(found) {
            return Shown::Right;
        }
        let why = format!("{site} answered {} before and now {found}", known.told());
        let Some((id, deny)) = &self.blocks_homepage else {
            return Shown::Wrong(Failure::temporary(why));
        };
        let failure = if found == deny { Failure::lasting(why) } else { Failure::temporary(why) };
        Shown::Wrong(failure.of(Some(id.clone())))
    }

    /// What an answer to a probe shows that is to be blocked: it is if the answer is our deny, which the
    /// site does not give to whatever it is asked. Another answer fails the mitigation, unless the server
    /// is known to give it by itself before any rule is asked, with the rule and without it. That the
    /// answer is the same as before proves nothing: it may be the application's.
    fn blocked_shown(
        &self,
        pair: usize,
        blocked: &Answer,
        known: &KnownAnswers<'_>,
        found: &Answer,
    ) -> Shown {
        let (site, Asked { mitigation, probe, .. }) = (self.pairs[pair].0, self.asked(pair));
        if found == blocked {
            if known.same.contains(found) && known.ordinary.contains(found) {
                return Shown::NotReached(format!("answers {found} to every request by itself"));
            }
            let was_so = matches!(known.same, [only] if only == found);
            return match was_so && !self.asked(pair).was_blocked {
                true => Shown::NotJudged(answered_so(found)),
                false => Shown::Right,
            };
        }
        match self.answers_itself(site, &probe.request, (blocked, known), found) {
            Some(shown) => shown,
            None => {
                let (name, site) = (&probe.name, self.sites[site]);
                let why =
                    format!("the probe \"{name}\" is not blocked by {site}: it answers {found}");
                Shown::Wrong(unblocked(why, mitigation.id.clone(), found))
            }
        }
    }

    /// What an answer other than our deny shows, if the server gives it by itself.
    fn answers_itself(
        &self,
        site: usize,
        request: &Request,
        (blocked, known): (&Answer, &KnownAnswers<'_>),
        found: &Answer,
    ) -> Option<Shown> {
        let Answer::Status(status) = *found else { return None };
        if known.is_otherwise(found) {
            // Our deny, by another page.
            return self.page(site, blocked, status).map(|(by, is_certain)| match is_certain {
                true => Shown::Right,
                false => Shown::NotJudged(may_be_denied(found, by)),
            });
        }
        if stopgap_webserver::rejects_early(self.kind, request, status) {
            return Some(Shown::NotReached(format!("refuses such a request by itself, {found}")));
        }
        let is_misdirected = status == 421 && request.header_values("Host").next().is_some();
        if is_misdirected {
            return Some(Shown::NotReached(format!(
                "answers {found}: the probe is for another host"
            )));
        }
        let own = self.own(site).find(|own| own.explains(request, status))?;
        Some(Shown::NotReached(format!("answers {found} by {}, before any rule is asked", own.by)))
    }

    /// What an answer to a probe shows where nobody knows what was answered without the rule, and the
    /// site answers `ordinary` to an ordinary request. Where the answer may be the site's own, nothing.
    /// `is_limited`: the site limits how often it is asked.
    pub(crate) fn shown_alone(
        &self,
        pair: usize,
        (ordinary, is_limited): (&[Answer], bool),
        found: &Answer,
    ) -> Verdict {
        let (site, Asked { probe, blocked, .. }) = (self.pairs[pair].0, self.asked(pair));
        let nothing = Verdict::NotJudged(format!("answers {found}"));
        if !matches!(found, Answer::Status(_) | Answer::Closed) {
            return nothing;
        }
        let Some(blocked) = blocked else {
            return if is_no_work(found) { nothing } else { Verdict::Passed };
        };
        let may_be_a_limit = had_enough(found) && (is_limited || found != blocked);
        if may_be_a_limit {
            return nothing;
        }
        if found == blocked {
            return match ordinary.contains(found) {
                true => Verdict::NotReached(format!("answers {found} to every request by itself")),
                false => Verdict::Blocked,
            };
        }
        let known = KnownAnswers { same: &[], ordinary, elsewhere: Vec::new() };
        if let Some(Shown::NotReached(why)) =
            self.answers_itself(site, &probe.request, (blocked, &known), found)
        {
            return Verdict::NotReached(why);
        }
        if let Answer::Status(status) = *found
            && let Some((by, _)) = self.page(site, blocked, status)
        {
            return Verdict::NotJudged(may_be_denied(found, by));
        }
        let is_success = matches!(found, Answer::Status(200..=299));
        match ordinary.contains(found) && !is_success {
            true => Verdict::NotJudged(format!("answers every request {found}")),
            false => Verdict::NotBlocked,
        }
    }
}

impl Asked<'_> {
    /// What an answer to a probe shows that is to be answered as before.
    fn passed_shown(&self, site: &WebSite, known: &KnownAnswers<'_>, found: &Answer) -> Shown {
        let is_mended = known.same.iter().all(is_no_work) && is_an_answer(found);
        if known.same.contains(found) || known.may_be(found) || is_mended {
            return Shown::Right;
        }
        let (name, was) = (&self.probe.name, known.told());
        let why = format!(
            "the probe \"{name}\" must pass {site}: it answered {was} before and now {found}"
        );
        Shown::Wrong(Failure::temporary(why).of(Some(self.mitigation.id.clone())))
    }
}

/// What our deny shows of a site that gave this very answer before there was a rule.
pub(crate) fn answered_so(found: &Answer) -> String {
    format!("answered {found} before the rule was there as well")
}

fn may_be_denied(found: &Answer, by: &str) -> String {
    format!("answers {found}, which may be its page for what is denied: {by}")
}

/// Whether a site that answers so is out of order, or has had enough.
fn is_no_work(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(status) if *status >= 500 || *status == 429)
}

/// Whether a site that answers so does its work.
pub(crate) fn is_an_answer(answer: &Answer) -> bool {
    // 400, 421 and 429 are what a site says that turns every request away before any rule.
    matches!(answer, Answer::Status(status) if *status < 500 && !matches!(status, 400 | 421 | 429))
}

/// Returns the failure of an attack that was not blocked. A site that serves nobody at the moment shows
/// nothing of a rule, so that failure is temporary.
fn unblocked(why: String, blamed: MitigationId, found: &Answer) -> Failure {
    let shows_rule = match found {
        Answer::Status(status) => *status < 500,
        Answer::Closed => true,
        Answer::Nothing | Answer::NotHere(_) | Answer::Unreachable(_) => false,
    };
    let failure = if shows_rule { Failure::lasting(why) } else { Failure::temporary(why) };
    failure.of(Some(blamed))
}

/// Whether an answer may say that too many questions were asked.
pub(crate) fn had_enough(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(429 | 503))
}
