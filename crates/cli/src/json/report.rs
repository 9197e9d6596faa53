//! Mitigations with their states, and what a cycle did.

use serde::Serialize;
use stopgap_model::evidence::Sighting;
use stopgap_model::report::MitigationReport;

use super::{
    BlockObject, ChangeCutShort, FileObject, ServerObject, ServicesObject, SourceObject,
    TimingObject, TroubleObject,
};

/// Of `list`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ListObject<'a> {
    #[cfg_attr(test, schemars(with = "Vec<shape::Mitigation>"))]
    pub(crate) mitigations: &'a [MitigationReport],
}

/// Of `show`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ShowObject<'a> {
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "shape::Mitigation"))]
    pub(crate) report: &'a MitigationReport,
    #[cfg_attr(test, schemars(with = "Vec<shape::Sighting>"))]
    pub(crate) sightings: Vec<&'a Sighting>,
    /// The last try that failed and that none succeeded after.
    pub(crate) last_failure: Option<LastFailureObject>,
    /// What the document says; not there where no source has the mitigation any more.
    #[serde(flatten)]
    pub(crate) document: Option<DocumentObject>,
}

/// A try that failed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LastFailureObject {
    pub(crate) at: String,
    /// The web server; null for IIS.
    pub(crate) server: Option<String>,
    pub(crate) error: String,
}

/// What the document of a mitigation says.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DocumentObject {
    pub(crate) cves: Vec<String>,
    pub(crate) severity: &'static str,
    pub(crate) impact: String,
    pub(crate) references: Vec<String>,
    /// The names of the probes.
    pub(crate) probes: Vec<String>,
}

/// Of `check`, `remove` and `reapply`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CycleObject<'a> {
    #[cfg_attr(test, schemars(with = "Vec<shape::Mitigation>"))]
    pub(crate) mitigations: &'a [MitigationReport],
    pub(crate) changed: bool,
    pub(crate) dry_run: bool,
    pub(crate) files: Vec<FileObject>,
    pub(crate) services: Vec<ServicesObject>,
    pub(crate) timings: Vec<TimingObject>,
    pub(crate) troubles: Vec<TroubleObject>,
    /// Why the cycle ended before all was done.
    pub(crate) halted: Option<String>,
    pub(crate) feeds: Vec<SourceObject>,
    pub(crate) server: ServerObject,
}

/// Of `status`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StatusObject<'a> {
    pub(crate) enabled: bool,
    pub(crate) organisation_enabled: bool,
    pub(crate) server_enabled: bool,
    /// What switches it off.
    pub(crate) switched_off: Option<String>,
    /// The command that works on the server just now.
    pub(crate) running: Option<String>,
    pub(crate) blocks: Vec<BlockObject>,
    pub(crate) interrupted: Vec<ChangeCutShort>,
    pub(crate) last_check: Option<String>,
    pub(crate) service_interval_seconds: u64,
    pub(crate) server: ServerObject,
    pub(crate) feeds: Vec<SourceObject>,
    #[cfg_attr(test, schemars(with = "Vec<shape::Mitigation>"))]
    pub(crate) mitigations: &'a [MitigationReport],
}

/// What the reports of `model` are as JSON. They write themselves; a test holds them to this.
#[cfg(test)]
#[expect(dead_code, reason = "only their schema is used")]
pub(crate) mod shape {
    use schemars::JsonSchema;

    /// One mitigation on this server.
    #[derive(JsonSchema)]
    pub(crate) struct Mitigation {
        id: String,
        revision: u32,
        hash: String,
        in_force: Option<u32>,
        title: String,
        state: String,
        blocked: bool,
        reason: String,
        reasons: Vec<Reason>,
        source: String,
        rules: Vec<String>,
        evidence: Evidence,
        in_place: Vec<String>,
        leftovers: Vec<String>,
        leftover_reasons: Vec<Reason>,
        actions: Vec<Action>,
    }

    /// One action on this server.
    #[derive(JsonSchema)]
    pub(crate) struct Action {
        id: String,
        kind: String,
        state: String,
        reason: String,
        reasons: Vec<Reason>,
        r#where: String,
        notes: Vec<String>,
        note_reasons: Vec<Reason>,
    }

    /// A reason: its code, its sentence, and beside them the facts that it has.
    #[derive(JsonSchema)]
    pub(crate) struct Reason {
        /// Stable; `docs/reasons.md` lists the codes.
        code: String,
        /// The sentence, without a full stop.
        text: String,
    }

    /// How what is installed was seen to hold on the sites of web servers.
    #[derive(JsonSchema)]
    pub(crate) struct Evidence {
        blocked: usize,
        attacks: usize,
        passed: usize,
        others: usize,
        not_reached: usize,
        not_judged: usize,
        last: Option<String>,
        missing: Vec<Missing>,
        earlier: Option<Earlier>,
    }

    /// Where something is still to be seen.
    #[derive(JsonSchema)]
    pub(crate) struct Missing {
        server: String,
        sites: usize,
        of: usize,
        begun: bool,
        named: Vec<String>,
        why: Option<String>,
    }

    /// What was last seen where something has changed since.
    #[derive(JsonSchema)]
    pub(crate) struct Earlier {
        blocked: usize,
        attacks: usize,
        passed: usize,
        others: usize,
        not_reached: usize,
        not_judged: usize,
        last: Option<String>,
        sites: usize,
        named: Vec<String>,
    }

    /// The last sighting of one probe on one site.
    #[derive(JsonSchema)]
    pub(crate) struct Sighting {
        at: String,
        server: Option<String>,
        site: Site,
        mitigation: String,
        hash: String,
        probe: String,
        request: String,
        wanted: String,
        before: Option<serde_json::Value>,
        after: Option<serde_json::Value>,
        verdict: String,
        /// There for `not-reached` and `not-judged`.
        #[schemars(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        earlier: bool,
    }

    /// A site of a web server.
    #[derive(JsonSchema)]
    pub(crate) struct Site {
        name: String,
        listen: String,
        tls: bool,
        shown: String,
    }
}
