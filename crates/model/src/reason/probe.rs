//! What a mitigation's probes show.

use super::family::family;

family! {
    /// A probe that does not end as it should, or of which that is not known.
    pub enum ProbeReason {
        /// A request that must be blocked gets through.
        GetsThrough {
            /// The probe's name.
            probe: String,
            /// The site.
            site: String,
            /// The rule that decided, if one did.
            by: Option<String>,
        } => "probe-not-blocked" ("the probe \"{probe}\" on {site} is not blocked{}", decided_by(.by)),
        /// A request that passed before does not pass any more.
        Blocked {
            /// The probe's name.
            probe: String,
            /// The site.
            site: String,
            /// The rule that decided, if one did.
            by: Option<String>,
        } => "probe-blocked" (
            "the probe \"{probe}\" on {site} must pass and is blocked{}", decided_by(.by)
        ),
        /// A header is not what it should be.
        Header {
            /// The probe's name.
            probe: String,
            /// The site.
            site: String,
            /// The header's name.
            header: String,
            /// What it is, for a person.
            found: Box<str>,
            /// What it should be, for a person.
            expected: Box<str>,
        } => "probe-header" (
            "the probe \"{probe}\" on {site} has {header} as {found}, not as {expected}"
        ),
        /// The configuration cannot be judged.
        Faulty {
            /// Why.
            why: String,
        } => "probe-not-judged" ("{why}"),
        /// Whether a rule of others decides first is not known.
        UndecidedRule {
            /// The rule.
            rule: String,
            /// Why.
            why: String,
        } => "undecided-rule" ("whether the rule `{rule}` decides before is not known: {why}"),
        /// The probes of the mitigation contradict its actions.
        Contradicted {
            /// How.
            why: String,
        } => "probe-contradicted" ("{why}"),
        /// A site answered a probe as if the rule were not there.
        StandsButNotBlocked {
            /// The server.
            server: String,
            /// The probe.
            probe: String,
            /// The site.
            site: String,
            /// How many more sites there are like it.
            more: usize,
            /// The answer.
            answer: Box<str>,
            /// When.
            at: Box<str>,
        } => "site-does-not-block" (
            "it is installed on {server}, but the probe \"{probe}\" is not blocked by {site}{}: it was answered \
             {answer} at {at}; reload the server, see what answers there, and check again",
            and_more(*more)
        ),
        /// Some sites were not asked yet.
        NotYetProbed {
            /// Where, as a phrase.
            how: String,
        } => "not-yet-probed" ("{how}"),
        /// Probes did not reach sites.
        NotReachedOn {
            /// The sites.
            sites: Vec<String>,
            /// How many more there are.
            more: usize,
            /// What each of them does.
            why: String,
        } => "not-reached-on" ("not reached on {}", each_does(.sites, *.more, .why)),
        /// Sites show nothing of a rule, whatever a probe asks.
        NotProbedOn {
            /// The sites.
            sites: Vec<String>,
            /// How many more there are.
            more: usize,
            /// What each of them does.
            why: String,
        } => "not-probed-on" ("not probed on {}", each_does(.sites, *.more, .why)),
        /// Sites do not say whether the server works as before.
        NotJudgedBy {
            /// The sites.
            sites: Vec<String>,
            /// How many more there are.
            more: usize,
            /// What each of them does.
            why: String,
        } => "not-judged-by" ("not judged by {}", each_does(.sites, *.more, .why)),
        /// There was no time for all probes.
        ProbesNotJudged {
            /// How many were not sent or not answered.
            left: usize,
            /// How many there are.
            of: usize,
            /// Whether the server limits how often it is asked; the sites are slow otherwise.
            limited: bool,
        } => "probes-not-judged" (
            "{left} of {of} probes are not judged: {}", too_slow(*.limited)
        ),
    }
}

fn too_slow(limited: bool) -> &'static str {
    match limited {
        true => "the server limits how often it is asked",
        false => "the sites answer too slowly",
    }
}

/// Sites, and what each of them does.
fn each_does(sites: &[String], more: usize, why: &str) -> String {
    let which = if sites.len() + more == 1 { "which" } else { "each of which" };
    format!("{}{}, {which} {why}", sites.join(", "), and_more(more))
}

fn decided_by(rule: &Option<String>) -> String {
    rule.as_ref().map(|name| format!(": the rule `{name}` decides")).unwrap_or_default()
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" and {}", crate::problem::more_sites(more)),
    }
}
