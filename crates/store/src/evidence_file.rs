//! The form of `evidence.json`.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_model::evidence::{self, Sighting};
use stopgap_model::{Digest, MitigationId, ServerId, ServerPath};

use crate::kept_evidence::{Hindrance, KeptEvidence};

/// The schema that is written, and the only one that is read: what a newer program saw is seen again.
const SCHEMA: u32 = 1;

/// Schema 1 of the file.
#[derive(Serialize, Deserialize)]
struct FileV1 {
    schema: u32,
    sightings: Vec<SightingV1>,
    hindrances: Vec<HindranceV1>,
}

#[derive(Serialize, Deserialize)]
struct HindranceV1 {
    at: Timestamp,
    server: ServerId,
    file: Option<ServerPath>,
    why: String,
}

#[derive(Serialize, Deserialize)]
struct SightingV1 {
    at: Timestamp,
    server: Option<ServerId>,
    site: SiteV1,
    mitigation: MitigationId,
    hash: Digest,
    probe: String,
    request: String,
    wanted: WantedV1,
    before: Option<AnswerV1>,
    after: Option<AnswerV1>,
    #[serde(flatten)]
    verdict: VerdictV1,
    #[serde(default)]
    earlier: bool,
}

#[derive(Serialize, Deserialize)]
struct SiteV1 {
    name: String,
    listen: String,
    tls: bool,
    shown: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WantedV1 {
    Blocked,
    Passed,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AnswerV1 {
    Status(u16),
    Closed,
    Nothing,
    NotHere(IpAddr),
    Unreachable(String),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "verdict", content = "why", rename_all = "kebab-case")]
enum VerdictV1 {
    Blocked,
    Passed,
    NotReached(String),
    NotJudged(String),
    NotBlocked,
    NotPassed,
}

/// The evidence in these bytes; `None`: there is none that can be read.
pub(crate) fn read(bytes: &[u8]) -> Option<KeptEvidence> {
    let FileV1 { schema, sightings, hindrances } = serde_json::from_slice(bytes).ok()?;
    (schema == SCHEMA).then(|| KeptEvidence {
        sightings: sightings.into_iter().map(Into::into).collect(),
        hindrances: hindrances.into_iter().map(Into::into).collect(),
    })
}

/// The evidence as it is written.
///
/// # Errors
/// None that is known: what evidence is made of can be written.
pub(crate) fn write(evidence: &KeptEvidence) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&FileV1 {
        schema: SCHEMA,
        sightings: evidence.sightings.iter().cloned().map(Into::into).collect(),
        hindrances: evidence.hindrances.iter().cloned().map(Into::into).collect(),
    })
}

impl From<HindranceV1> for Hindrance {
    fn from(HindranceV1 { at, server, file, why }: HindranceV1) -> Self {
        Self { at, server, file, why }
    }
}

impl From<Hindrance> for HindranceV1 {
    fn from(Hindrance { at, server, file, why }: Hindrance) -> Self {
        Self { at, server, file, why }
    }
}

impl From<SightingV1> for Sighting {
    fn from(it: SightingV1) -> Self {
        Self {
            at: it.at,
            server: it.server,
            site: it.site.into(),
            mitigation: it.mitigation,
            hash: it.hash,
            probe: it.probe,
            request: it.request,
            wanted: it.wanted.into(),
            before: it.before.map(Into::into),
            after: it.after.map(Into::into),
            verdict: it.verdict.into(),
            earlier: it.earlier,
        }
    }
}

impl From<Sighting> for SightingV1 {
    fn from(it: Sighting) -> Self {
        Self {
            at: it.at,
            server: it.server,
            site: it.site.into(),
            mitigation: it.mitigation,
            hash: it.hash,
            probe: it.probe,
            request: it.request,
            wanted: it.wanted.into(),
            before: it.before.map(Into::into),
            after: it.after.map(Into::into),
            verdict: it.verdict.into(),
            earlier: it.earlier,
        }
    }
}

impl From<SiteV1> for evidence::Site {
    fn from(SiteV1 { name, listen, tls, shown }: SiteV1) -> Self {
        Self { name, listen, tls, shown }
    }
}

impl From<evidence::Site> for SiteV1 {
    fn from(evidence::Site { name, listen, tls, shown }: evidence::Site) -> Self {
        Self { name, listen, tls, shown }
    }
}

impl From<WantedV1> for evidence::Wanted {
    fn from(it: WantedV1) -> Self {
        match it {
            WantedV1::Blocked => Self::Blocked,
            WantedV1::Passed => Self::Passed,
        }
    }
}

impl From<evidence::Wanted> for WantedV1 {
    fn from(it: evidence::Wanted) -> Self {
        match it {
            evidence::Wanted::Blocked => Self::Blocked,
            evidence::Wanted::Passed => Self::Passed,
        }
    }
}

impl From<AnswerV1> for evidence::Answer {
    fn from(it: AnswerV1) -> Self {
        match it {
            AnswerV1::Status(status) => Self::Status(status),
            AnswerV1::Closed => Self::Closed,
            AnswerV1::Nothing => Self::Nothing,
            AnswerV1::NotHere(address) => Self::NotHere(address),
            AnswerV1::Unreachable(why) => Self::Unreachable(why),
        }
    }
}

impl From<evidence::Answer> for AnswerV1 {
    fn from(it: evidence::Answer) -> Self {
        match it {
            evidence::Answer::Status(status) => Self::Status(status),
            evidence::Answer::Closed => Self::Closed,
            evidence::Answer::Nothing => Self::Nothing,
            evidence::Answer::NotHere(address) => Self::NotHere(address),
            evidence::Answer::Unreachable(why) => Self::Unreachable(why),
        }
    }
}

impl From<VerdictV1> for evidence::Verdict {
    fn from(it: VerdictV1) -> Self {
        match it {
            VerdictV1::Blocked => Self::Blocked,
            VerdictV1::Passed => Self::Passed,
            VerdictV1::NotReached(why) => Self::NotReached(why),
            VerdictV1::NotJudged(why) => Self::NotJudged(why),
            VerdictV1::NotBlocked => Self::NotBlocked,
            VerdictV1::NotPassed => Self::NotPassed,
        }
    }
}

impl From<evidence::Verdict> for VerdictV1 {
    fn from(it: evidence::Verdict) -> Self {
        match it {
            evidence::Verdict::Blocked => Self::Blocked,
            evidence::Verdict::Passed => Self::Passed,
            evidence::Verdict::NotReached(why) => Self::NotReached(why),
            evidence::Verdict::NotJudged(why) => Self::NotJudged(why),
            evidence::Verdict::NotBlocked => Self::NotBlocked,
            evidence::Verdict::NotPassed => Self::NotPassed,
        }
    }
}
