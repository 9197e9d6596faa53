//! What was seen of the rules in place, for a person: one line for each site as long as there are few,
//! and what is not as it should be by name.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use stopgap_model::ServerId;
use stopgap_model::evidence::{self, Answer, Evidence, Missing, Sighting, Site, Tally, Verdict};
use stopgap_model::report::MitigationReport;

/// The most sites of one server that have a line of their own, where all is as it should be.
const MAX_GOOD: usize = 5;
/// The most sightings of one server that have a line of their own, where something is not.
const MAX_WRONG: usize = 20;
/// The most sites that one line names.
const MAX_NAMED: usize = 3;
/// The heading of what was seen before a change, which says nothing about the present.
const EARLIER: &str = "before something changed there";
/// The most sightings that `show --json` has; of more, those that are not as they should be first.
const MAX_JSON: usize = 5_000;

/// When it was, for a person who reads it at `now`: the time, with the date where that is another day.
/// In UTC.
pub(crate) fn when(at: Timestamp, now: Timestamp) -> String {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let format = if day(at) == day(now) { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.strftime(format).to_string()
}

/// The lines under the heading of `show`, without indentation but that of what belongs to a server.
pub(crate) fn lines(evidence: &Evidence, now: Timestamp) -> Vec<String> {
    let mut servers: BTreeMap<&Option<ServerId>, Vec<&Sighting>> = BTreeMap::new();
    for sighting in &evidence.sightings {
        servers.entry(&sighting.server).or_default().push(sighting);
    }
    let missing: BTreeSet<&ServerId> = evidence.missing.iter().map(|it| &it.server).collect();
    let silent = missing.iter().filter(|id| servers.keys().all(|it| it.as_ref() != Some(**id)));
    let silent: Vec<&&ServerId> = silent.collect();
    let mut lines = Vec::new();
    for (server, sightings) in servers {
        lines.push(server.as_ref().map_or("IIS", ServerId::as_str).to_owned());
        let (earlier, present): (Vec<_>, Vec<_>) = sightings.into_iter().partition(|it| it.earlier);
        lines.extend(of_server(&present, now).into_iter().map(|line| format!("  {line}")));
        lines.extend(unseen(evidence, server.as_ref()).map(|line| format!("  {line}")));
        if !earlier.is_empty() {
            lines.push(format!("  {EARLIER}, and not seen since:"));
            lines.extend(of_server(&earlier, now).into_iter().map(|line| format!("    {line}")));
        }
    }
    for server in silent {
        lines.push(server.to_string());
        lines.extend(unseen(evidence, Some(server)).map(|line| format!("  {line}")));
    }
    lines
}

fn of_server(sightings: &[&Sighting], now: Timestamp) -> Vec<String> {
    let mut sites: BTreeMap<&Site, Vec<&Sighting>> = BTreeMap::new();
    for sighting in sightings {
        sites.entry(&sighting.site).or_default().push(sighting);
    }
    let seen = sites.iter().filter_map(|(site, of_it)| {
        let judged = of_it.iter().filter(|it| it.is_judged());
        let at = judged.map(|it| it.at).max()?;
        let tally = Tally::of(of_it.iter().copied());
        let text = counts(tally)?;
        Some((*site, text, at, tally))
    });
    let seen: Vec<_> = seen.collect();
    // A server may have thousands of sites: a few are named, and the rest is counted.
    let (few, rest) = seen.split_at(seen.len().min(MAX_GOOD));
    let mut lines: Vec<String> = few
        .iter()
        .map(|(site, text, at, _)| format!("{text} on {site}, {}", when(*at, now)))
        .collect();
    let all = rest.iter().fold(Tally::default(), |sum, (_, _, _, one)| Tally {
        blocked: sum.blocked + one.blocked,
        attacks: sum.attacks + one.attacks,
        passed: sum.passed + one.passed,
        others: sum.others + one.others,
        ..sum
    });
    if let (Some(at), Some(text)) = (rest.iter().map(|(_, _, at, _)| *at).max(), counts(all)) {
        let sites = evidence::more_sites(rest.len());
        lines.push(format!("{text} on {sites}, last {}", when(at, now)));
    }
    // What is not as it should be has a line of its own, however many sites there are.
    let wrong: Vec<&&Sighting> = sightings.iter().filter(|it| it.verdict.is_wrong()).collect();
    lines.extend(wrong.iter().take(MAX_WRONG).map(|it| not_as_it_should_be(it, now)));
    if wrong.len() > MAX_WRONG {
        lines.push(format!("and {} more that are not, see --json", wrong.len() - MAX_WRONG));
    }
    let notes = evidence::notes(sightings.iter().copied(), MAX_NAMED);
    lines.extend(notes.iter().map(ToString::to_string));
    lines
}

/// `8 of 8 attack probes blocked, 1 of 1 ordinary request passed`; `None`: nothing was judged.
fn counts(tally: Tally) -> Option<String> {
    let Tally { blocked, attacks, passed, others, .. } = tally;
    let probes = |count: usize| if count == 1 { "probe" } else { "probes" };
    let blocked = format!("{blocked} of {attacks} attack {} blocked", probes(attacks));
    let requests = if others == 1 { "request" } else { "requests" };
    let passed = format!("{passed} of {others} ordinary {requests} passed");
    match (attacks, others) {
        (0, 0) => None,
        (0, _) => Some(passed),
        (_, 0) => Some(blocked),
        (_, _) => Some(format!("{blocked}, {passed}")),
    }
}

fn not_as_it_should_be(sighting: &Sighting, now: Timestamp) -> String {
    let Sighting { site, probe, request, after, at, verdict, .. } = sighting;
    let what = if *verdict == Verdict::NotBlocked { "NOT BLOCKED" } else { "NOT PASSED" };
    let is = after.as_ref().unwrap_or(&Answer::Nothing);
    format!("{what} on {site}, {}: \"{probe}\" ({request}) was answered {is}", when(*at, now))
}

/// What is still to be seen on a server.
fn unseen<'e>(
    evidence: &'e Evidence,
    server: Option<&'e ServerId>,
) -> impl Iterator<Item = String> + use<'e> {
    // Sites that are named with what they do are not named again.
    let silent = evidence.now().filter(|it| it.server.as_ref() == server);
    let silent = silent.filter(|it| matches!(it.verdict, Verdict::NotJudged(_)));
    let named = silent.map(|it| &it.site).collect::<BTreeSet<_>>().len();
    let wrong = evidence.now().filter(|it| it.server.as_ref() == server);
    let wrong = wrong.filter(|it| it.verdict.is_wrong()).map(|it| &it.site);
    let named = named + wrong.collect::<BTreeSet<_>>().len();
    let of_it = evidence.missing.iter().filter(move |it| Some(&it.server) == server);
    let of_it = of_it.filter(move |it| it.why.is_some() || it.sites > named);
    of_it.map(|Missing { sites, of, named, why, .. }| match why {
        Some(why) => format!("not probed: {why}"),
        None => {
            let named_of = named.join(", ");
            let more = match sites.saturating_sub(named.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("not yet probed on {sites} of {of} sites: {named_of}{more}")
        }
    })
}

/// One line for all mitigations; `None`: there is nothing to see. The servers have as many `sites`.
pub(crate) fn summary(
    reports: &[MitigationReport],
    sites: usize,
    now: Timestamp,
) -> Option<String> {
    let all = || reports.iter().map(|report| &report.evidence);
    let with = |is_never: bool| {
        let is_so = move |it: &&Missing| it.why.is_some() == is_never;
        all().filter(|evidence| evidence.missing.iter().any(|it| is_so(&it))).count()
    };
    let (missing, never) = (with(false), with(true));
    let mut parts = Vec::new();
    parts.extend(seen_on(&all().flat_map(Evidence::now).collect::<Vec<_>>(), sites, now));
    let earlier = seen_on(&all().flat_map(Evidence::earlier).collect::<Vec<_>>(), 0, now);
    parts.extend(earlier.map(|text| format!("{EARLIER}: {text}")));
    if missing > 0 {
        let mitigations = if missing == 1 { "mitigation" } else { "mitigations" };
        parts.push(format!("{missing} {mitigations} not yet probed everywhere"));
    }
    if never > 0 {
        let mitigations = if never == 1 { "mitigation" } else { "mitigations" };
        parts.push(format!("{never} {mitigations} cannot be probed"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What was seen in numbers, on how many sites, and when last.
fn seen_on(sightings: &[&Sighting], all: usize, now: Timestamp) -> Option<String> {
    let text = counts(Tally::of(sightings.iter().copied()))?;
    let judged = || sightings.iter().filter(|it| it.is_judged());
    let sites: BTreeSet<_> = judged().map(|it| (&it.server, &it.site)).collect();
    let last = judged().map(|it| it.at).max()?;
    // Otherwise whoever counts the sites of the server would look for the missing ones.
    let fewer = match sites.len() < all {
        true => " (one name of each server block is asked)",
        false => "",
    };
    let sites = match sites.len() {
        1 => "1 site".to_owned(),
        many => format!("{many} sites"),
    };
    Some(format!("{text} on {sites}{fewer}, last {} UTC", when(last, now)))
}

/// The sightings for `--json`: those first that are not as they should be, because they are never left
/// out.
pub(crate) fn worst_first(evidence: &Evidence) -> Vec<&Sighting> {
    let mut sightings: Vec<&Sighting> = evidence.sightings.iter().collect();
    // What is wrong first, so that the limit cuts off what is as it should be.
    sightings.sort_by_key(|it| (!it.verdict.is_wrong(), it.verdict.is_evidence()));
    sightings.truncate(MAX_JSON);
    sightings
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use stopgap_model::evidence::Wanted;
    use stopgap_model::web::{Listen, WebSite};
    use stopgap_model::{Digest, ServerPath, WebKind};

    use super::*;

    fn server() -> ServerId {
        ServerId::new(WebKind::Nginx, &ServerPath::new("/etc/nginx/nginx.conf"))
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn sighting(site: &str, probe: &str, verdict: Verdict) -> Sighting {
        let listen = Listen::Port(None, 443);
        let site = WebSite { name: site.into(), listen, tls: true, block: 0 };
        let (wanted, after) = match verdict {
            Verdict::Blocked => (Wanted::Blocked, Answer::Status(403)),
            Verdict::Passed => (Wanted::Passed, Answer::Status(200)),
            _ => (Wanted::Blocked, Answer::Status(200)),
        };
        Sighting {
            at: time("2026-11-30T12:14:31Z"),
            server: Some(server()),
            site: Site::from(&site),
            mitigation: "A".parse().unwrap(),
            hash: Digest::of(b"a"),
            probe: probe.into(),
            request: format!("GET /{probe}"),
            wanted,
            before: Some(Answer::Status(200)),
            after: Some(after),
            verdict,
            earlier: false,
        }
    }

    fn good(site: &str) -> [Sighting; 3] {
        [
            sighting(site, "plain", Verdict::Blocked),
            sighting(site, "encoded", Verdict::Blocked),
            sighting(site, "ordinary", Verdict::Passed),
        ]
    }

    fn missing(sites: usize, of: usize, named: &[&str]) -> Missing {
        let named = named.iter().map(ToString::to_string).collect();
        Missing { server: server(), sites, of, begun: false, named, why: None }
    }

    #[test]
    fn a_person_reads_when_and_on_which_sites_the_attack_was_last_seen_blocked() {
        let mut sightings = Vec::new();
        sightings.extend(good("shop.example"));
        sightings.extend(
            good("www.example").map(|it| Sighting { at: time("2026-11-29T23:59:00Z"), ..it }),
        );
        let down = Verdict::NotJudged("answers every request with 502".into());
        sightings.push(sighting("api.example", "plain", down));
        let by_itself = Verdict::NotReached("answers with 302 before any rule is asked".into());
        sightings.push(sighting("old.example", "plain", by_itself));
        sightings.push(sighting("dev.example", "plain", Verdict::NotBlocked));
        let missing = vec![missing(2, 5, &["api.example:443 (TLS)", "dev.example:443 (TLS)"])];
        let lines = lines(&Evidence { sightings, missing }, time("2026-11-30T14:00:00Z"));
        let expected = [
            "nginx:/etc/nginx/nginx.conf",
            "  0 of 1 attack probe blocked on dev.example:443 (TLS), 12:14",
            "  2 of 2 attack probes blocked, 1 of 1 ordinary request passed on shop.example:443 (TLS), 12:14",
            "  2 of 2 attack probes blocked, 1 of 1 ordinary request passed on www.example:443 (TLS), \
             2026-11-29 23:59",
            "  NOT BLOCKED on dev.example:443 (TLS), 12:14: \"plain\" (GET /plain) was answered with \
             200",
            "  not probed on api.example:443 (TLS), which answers every request with 502",
            "  not reached on old.example:443 (TLS), which answers with 302 before any rule is asked",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn of_two_thousand_sites_the_first_few_are_named_and_what_is_wrong_is() {
        let mut sightings: Vec<Sighting> = Vec::new();
        for n in 0..2_000 {
            let mut name = String::new();
            let _ = write!(name, "n{n:04}.example");
            sightings.extend(good(&name));
        }
        sightings.push(sighting("n1234.example", "third", Verdict::NotBlocked));
        let evidence = Evidence { sightings, missing: Vec::new() };
        let lines = lines(&evidence, time("2026-11-30T14:00:00Z"));
        assert_eq!(lines.len(), 8, "{lines:#?}");
        let rest = "  3990 of 3991 attack probes blocked, 1995 of 1995 ordinary requests passed on \
                    1995 more sites, last 12:14";
        assert_eq!(lines[6], rest);
        assert!(lines[7].starts_with("  NOT BLOCKED on n1234.example:443 (TLS)"), "{}", lines[7]);
        let json = serde_json::to_value(worst_first(&evidence)).unwrap();
        assert_eq!(json.as_array().unwrap().len(), MAX_JSON);
        assert_eq!(json[0]["verdict"], "not-blocked", "what is wrong is never left out");
    }

    #[test]
    fn status_counts_what_was_seen_what_is_still_to_be_and_what_never_can_be() {
        let report = |evidence| MitigationReport {
            id: "A".parse().unwrap(),
            revision: 1,
            hash: Digest::of(b"a"),
            in_force: Some(1),
            title: String::new(),
            state: stopgap_model::report::State::Applied,
            blocked: false,
            reason: stopgap_model::reason::TogetherReason::NoActions.into(),
            source: String::new(),
            rules: Vec::new(),
            evidence,
            in_place: Vec::new(),
            leftovers: Vec::new(),
            actions: Vec::new(),
        };
        let sightings = [good("a.test"), good("b.test")].concat();
        let seen = Evidence { sightings, missing: vec![missing(1, 3, &["c.test:443 (TLS)"])] };
        let never = Missing { why: Some("it has no live probe".into()), ..missing(0, 0, &[]) };
        let never = Evidence { sightings: Vec::new(), missing: vec![never] };
        let all = [report(seen), report(never), report(Evidence::default())];
        let expected = "4 of 4 attack probes blocked, 2 of 2 ordinary requests passed on 2 sites, last 12:14 \
                        UTC; 1 mitigation not yet probed everywhere; 1 mitigation cannot be probed";
        let now = time("2026-11-30T14:00:00Z");
        assert_eq!(summary(&all, 2, now).as_deref(), Some(expected));
        let fewer = "on 2 sites (one name of each server block is asked), last 12:14 UTC; 1 ";
        assert!(summary(&all, 3, now).unwrap().contains(fewer));
        assert_eq!(summary(&all[2..], 2, now), None);
    }

    #[test]
    fn a_server_on_which_nothing_was_seen_is_named() {
        let missing = missing(2, 2, &["a.test:80", "b.test:80"]);
        let evidence = Evidence { sightings: Vec::new(), missing: vec![missing] };
        let expected = [
            "nginx:/etc/nginx/nginx.conf",
            "  not yet probed on 2 of 2 sites: a.test:80, b.test:80",
        ];
        assert_eq!(lines(&evidence, Timestamp::UNIX_EPOCH), expected);
        assert_eq!(lines(&Evidence::default(), Timestamp::UNIX_EPOCH), [""; 0]);
    }
}
