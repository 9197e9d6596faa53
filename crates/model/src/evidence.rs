//! What was seen of mitigations on the sites of this host: which probe was sent where, when, and what
//! came back.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::digest::Digest;
use crate::id::MitigationId;
pub use crate::problem::more_sites;
use crate::reason::ProbeReason;
use crate::request::Request;
use crate::web::{Listen, ServerId, WebSite};

/// The most sites that are named of what was seen before something changed.
const MAX_NAMED: usize = 3;

/// What came back from a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// An answer with this status.
    Status(u16),
    /// The connection was closed without an answer.
    Closed,
    /// Nothing came in time.
    Nothing,
    /// The address is none of this machine's, so nothing was sent: a floating address is so while
    /// another machine has it.
    NotHere(IpAddr),
    /// Nobody listens, or TLS could not be agreed on; a sentence without a full stop.
    Unreachable(String),
}

/// What a person reads after "answers": `with 403`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "with {status}"),
            Self::Closed => f.write_str("by closing the connection"),
            Self::Nothing => f.write_str("with nothing in time"),
            Self::NotHere(address) => write!(f, "not at all ({address} is not here)"),
            Self::Unreachable(why) => write!(f, "not at all ({why})"),
        }
    }
}

/// A site, as far as it is told apart from the others of its server. Unlike a `WebSite` it stays the
/// same when blocks are put into the configuration in front of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Site {
    /// The name that requests ask for; empty where none is configured.
    pub name: String,
    /// Where it listens: `*:80`, `10.0.0.1:443`, `unix:/run/app.sock`.
    pub listen: String,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// How a person reads it: `shop.example:443 (TLS)`.
    pub shown: String,
}

impl From<&WebSite> for Site {
    fn from(site: &WebSite) -> Self {
        let listen = match &site.listen {
            Listen::Port(None, port) => format!("*:{port}"),
            Listen::Port(Some(address), port) => {
                std::net::SocketAddr::new(*address, *port).to_string()
            }
            Listen::Unix(path) => format!("unix:{path}"),
            Listen::Unasked(_) => String::new(),
        };
        Self { name: site.name.clone(), listen, tls: site.tls, shown: site.to_string() }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// What must become of a probe on a server that has the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// It must be blocked.
    Blocked,
    /// It must be answered as it is without the rule.
    Passed,
}

/// What an answer shows of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "kebab-case")]
pub enum Verdict {
    /// It was blocked, as it is to be.
    Blocked,
    /// It was answered as before, as it is to be.
    Passed,
    /// The site answers by itself, before any rule is asked, with the rule and without it: nothing
    /// reaches an application. What it does, as in `answers with 302`.
    NotReached(String),
    /// The answer shows nothing, or there was none. Why, said of the site, as in `answers every
    /// request with 502`.
    NotJudged(String),
    /// It is to be blocked, and is not.
    NotBlocked,
    /// It is to pass, and is not answered as before.
    NotPassed,
}

impl Verdict {
    /// Whether it tells how the rule stands on the site, so that the probe need not be sent again.
    #[must_use]
    pub fn is_evidence(&self) -> bool {
        matches!(self, Self::Blocked | Self::Passed | Self::NotReached(_))
    }

    /// Whether the rule does not do what it is for.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        matches!(self, Self::NotBlocked | Self::NotPassed)
    }
}

/// One probe that was sent to one site, or was to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// When.
    pub at: Timestamp,
    /// The web server; `None`: IIS.
    pub server: Option<ServerId>,
    /// The site.
    pub site: Site,
    /// The mitigation that has the probe.
    pub mitigation: MitigationId,
    /// The digest of its document: what was seen of other content says nothing.
    pub hash: Digest,
    /// The probe's name.
    pub probe: String,
    /// What was asked: method and target of the request.
    pub request: String,
    /// What must become of it.
    pub wanted: Wanted,
    /// What came back before the change, where that is known.
    pub before: Option<Answer>,
    /// What came back last; `None`: it was not sent.
    pub after: Option<Answer>,
    /// What that shows.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whether something has changed there since: it tells how it was then, not how it is.
    pub earlier: bool,
}

impl Sighting {
    /// The line of `request` that a person reads.
    #[must_use]
    pub fn request_line(request: &Request) -> String {
        format!("{} {}", request.method, String::from_utf8_lossy(&request.target))
    }

    /// Whether the answer shows anything of the rule, good or bad.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.verdict.is_evidence() || self.verdict.is_wrong()
    }
}

/// How a mitigation that is in place was seen to hold on the sites of web servers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What was seen last of each of its probes on each site, as far as it was; also of those on which
    /// something has changed since.
    pub sightings: Vec<Sighting>,
    /// Where something is still to be seen.
    pub missing: Vec<Missing>,
}

/// Sites of one web server on which it is not known whether a mitigation holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The server.
    pub server: ServerId,
    /// How many sites.
    pub sites: usize,
    /// Of how many that are asked.
    pub of: usize,
    /// Whether some of it was seen, though no site is done.
    pub begun: bool,
    /// The names of the first few.
    pub named: Vec<String>,
    /// Why nothing can be asked at all, if so: `it has no live probe`.
    pub why: Option<String>,
}

/// Sightings in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many attack probes were blocked, each on each site.
    pub blocked: usize,
    /// Of how many that were judged.
    pub attacks: usize,
    /// How many other probes passed.
    pub passed: usize,
    /// Of how many that were judged.
    pub others: usize,
    /// How many reached no application, with the rule or without it.
    pub not_reached: usize,
    /// How many show nothing, or were not sent.
    pub not_judged: usize,
}

impl Tally {
    /// The numbers of these.
    pub fn of<'s>(sightings: impl IntoIterator<Item = &'s Sighting>) -> Self {
        let mut tally = Self::default();
        for sighting in sightings {
            match sighting.verdict {
                Verdict::NotReached(_) => tally.not_reached += 1,
                Verdict::NotJudged(_) => tally.not_judged += 1,
                Verdict::Blocked | Verdict::NotBlocked => {
                    tally.attacks += 1;
                    tally.blocked += usize::from(sighting.verdict == Verdict::Blocked);
                }
                Verdict::Passed | Verdict::NotPassed => {
                    tally.others += 1;
                    tally.passed += usize::from(sighting.verdict == Verdict::Passed);
                }
            }
        }
        tally
    }
}

impl Evidence {
    /// What tells how it is.
    pub fn now(&self) -> impl Iterator<Item = &Sighting> {
        self.sightings.iter().filter(|it| !it.earlier)
    }

    /// What tells how it was, before something changed there.
    pub fn earlier(&self) -> impl Iterator<Item = &Sighting> {
        self.sightings.iter().filter(|it| it.earlier)
    }

    /// When something was last seen to hold or not to hold, as it is now.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.now().filter(|it| it.is_judged()).map(|it| it.at).max()
    }

    /// What stands beside the state as long as not all is seen: a phrase.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        for Missing { server, sites, of, begun, named, why } in &self.missing {
            parts.push(match (why, named.as_slice()) {
                (Some(why), _) => format!("not probed: {why}"),
                (None, [one]) if *sites == 1 && *of > 1 => format!("not yet probed on {one}"),
                (None, _) if sites == of && *begun => {
                    format!("not yet probed in full on {server}")
                }
                (None, _) if sites == of => format!("not yet probed on {server}"),
                (None, _) => format!("not yet probed on {sites} of {of} sites of {server}"),
            });
        }
        parts.dedup();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// The evidence in numbers; whoever needs all of it asks for the sightings.
impl Serialize for Evidence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'e> {
            #[serde(flatten)]
            tally: Tally,
            last: Option<Timestamp>,
            missing: &'e [Missing],
            earlier: Option<Earlier<'e>>,
        }
        let (tally, last) = (Tally::of(self.now()), self.last());
        Shown { tally, last, missing: &self.missing, earlier: Earlier::of(self) }
            .serialize(serializer)
    }
}

/// What was seen before something changed, in numbers.
#[derive(Serialize)]
struct Earlier<'e> {
    #[serde(flatten)]
    tally: Tally,
    last: Option<Timestamp>,
    /// On how many sites.
    sites: usize,
    /// The names of the first few.
    named: Vec<&'e str>,
}

impl<'e> Earlier<'e> {
    fn of(evidence: &'e Evidence) -> Option<Self> {
        let tally = Tally::of(evidence.earlier());
        let judged = || evidence.earlier().filter(|it| it.is_judged());
        let last = judged().map(|it| it.at).max();
        let sites: BTreeSet<_> = judged().map(|it| (&it.server, &it.site)).collect();
        let named = sites.iter().take(MAX_NAMED).map(|(_, site)| site.shown.as_str()).collect();
        last.map(|_| Self { tally, last, sites: sites.len(), named })
    }
}

/// What a person should know of sites on which a probe showed nothing, each once, with the sites that it
/// is so on, of which `most` are named at most.
#[must_use]
pub fn notes<'s>(
    sightings: impl IntoIterator<Item = &'s Sighting>,
    most: usize,
) -> Vec<ProbeReason> {
    let mut groups: Vec<(&Verdict, Vec<&Site>)> = Vec::new();
    for Sighting { site, verdict, .. } in sightings {
        if !matches!(verdict, Verdict::NotReached(_) | Verdict::NotJudged(_)) {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, sites)) if sites.contains(&site) => {}
            Some((_, sites)) => sites.push(site),
            None => groups.push((verdict, vec![site])),
        }
    }
    groups.iter().filter_map(|(verdict, sites)| note(verdict, sites, most)).collect()
}

fn note(verdict: &Verdict, sites: &[&Site], most: usize) -> Option<ProbeReason> {
    let more = sites.len().saturating_sub(most);
    let sites = sites.iter().take(most).map(|site| site.shown.clone()).collect();
    match verdict.clone() {
        Verdict::NotReached(why) => Some(ProbeReason::NotReachedOn { sites, more, why }),
        Verdict::NotJudged(why) => Some(ProbeReason::NotProbedOn { sites, more, why }),
        Verdict::Blocked | Verdict::Passed | Verdict::NotBlocked | Verdict::NotPassed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::ServerPath;
    use crate::web::WebKind;

    fn sighting(site: &str, verdict: Verdict) -> Sighting {
        let listen = Listen::Port(None, 80);
        let site = WebSite { name: site.into(), listen, tls: false, block: 0 };
        Sighting {
            at: Timestamp::UNIX_EPOCH,
            server: Some(ServerId::new(WebKind::Nginx, &ServerPath::new("/etc/nginx/nginx.conf"))),
            site: Site::from(&site),
            mitigation: "A".parse().unwrap(),
            hash: Digest::of(b"a"),
            probe: "attack".into(),
            request: "GET /x".into(),
            wanted: Wanted::Blocked,
            before: Some(Answer::Status(200)),
            after: Some(Answer::Status(403)),
            verdict,
            earlier: false,
        }
    }

    #[test]
    fn a_remark_is_told_once_with_all_its_sites() {
        let down = || Verdict::NotJudged("answers every request with 502".into());
        let seen = [
            sighting("a.test", down()),
            sighting("a.test", down()),
            sighting("b.test", Verdict::Blocked),
            sighting("c.test", down()),
            sighting("d.test", down()),
            sighting("e.test", Verdict::NotReached("answers with 302 by itself".into())),
        ];
        let expected = [
            "not probed on a.test:80, c.test:80 and 1 more site, each of which answers every \
             request with 502",
            "not reached on e.test:80, which answers with 302 by itself",
        ];
        let notes: Vec<String> = notes(&seen, 2).iter().map(ToString::to_string).collect();
        assert_eq!(notes, expected);
    }
}
