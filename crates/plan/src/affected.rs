//! Whether a mitigation is for this server.

use stopgap_model::host::{CGI, EXCHANGE, PHP, PhpCgi};
use stopgap_model::{
    Action, Affected, Exchange, Fact, HostFacts, Mitigation, Version, VersionRange,
};

/// Whether a server is affected. Each reason is a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affects {
    /// It is.
    Yes(String),
    /// It is not, or the fix is installed.
    No(String),
    /// A fact that the answer needs could not be read.
    Unknown(String),
    /// This version of Stopgap cannot identify the product.
    CannotIdentify(String),
}

/// Whether `mitigation` is for the server that `facts` describe.
#[must_use]
pub fn affects(mitigation: &Mitigation, facts: &HostFacts) -> Affects {
    if mitigation.affected.is_empty() {
        return Affects::Yes("it is for every server".into());
    }
    decisive(mitigation.affected.iter().map(|affected| affects_by(affected, facts)))
}

/// One product that is affected decides; after that, doubt weighs more than a no.
fn decisive(answers: impl Iterator<Item = Affects>) -> Affects {
    answers.min_by_key(rank).unwrap_or_else(|| Affects::No("it is for no product".into()))
}

fn rank(answer: &Affects) -> u8 {
    match answer {
        Affects::Yes(_) => 0,
        Affects::Unknown(_) => 1,
        Affects::CannotIdentify(_) => 2,
        Affects::No(_) => 3,
    }
}

/// Whether an action that narrows the affected versions is for this server, where its mitigation
/// is.
pub(crate) fn action_affects(
    mitigation: &Mitigation,
    action: &Action,
    facts: &HostFacts,
) -> Affects {
    let Some(limit) = &action.only_below else {
        return Affects::Yes("its mitigation is".into());
    };
    let affected = &mitigation.affected;
    if !affected.is_empty() && affected.iter().all(|affected| affected.product != EXCHANGE) {
        let narrowed = affected.iter().map(|affected| below(affected, limit));
        return decisive(narrowed.map(|narrowed| match narrowed {
            Some(affected) => affects_by(&affected, facts),
            None => Affects::No(format!("it is for versions below {limit}")),
        }));
    }
    let version = facts.exchange.known().map(|exchange| &exchange.version);
    match version {
        Some(Fact::Known(version)) if version < limit => {
            Affects::Yes(format!("Exchange {version} is below {limit}"))
        }
        Some(Fact::Known(version)) => {
            Affects::No(format!("it is for versions below {limit}; this is {version}"))
        }
        Some(Fact::Unknown(why)) => Affects::Unknown(why.clone()),
        Some(Fact::Absent) | None => Affects::No(format!("it is for versions below {limit}")),
    }
}

/// The same without the versions from `limit` on; `None` if none is left.
fn below(affected: &Affected, limit: &Version) -> Option<Affected> {
    let all = [VersionRange { introduced: Version::from_parts(&[0]), fixed: limit.clone() }];
    let ranges = if affected.ranges.is_empty() { &all[..] } else { &affected.ranges };
    let cut = ranges.iter().filter(|range| range.introduced < *limit).map(|range| VersionRange {
        introduced: range.introduced.clone(),
        fixed: range.fixed.clone().min(limit.clone()),
    });
    let ranges: Vec<VersionRange> = cut.collect();
    (!ranges.is_empty()).then(|| Affected { ranges, ..affected.clone() })
}

fn affects_by(affected: &Affected, facts: &HostFacts) -> Affects {
    if affected.product == PHP {
        return match &facts.php {
            Fact::Absent => Affects::No("IIS does not run PHP as a CGI program here".into()),
            Fact::Unknown(why) => {
                Affects::Unknown(format!("whether IIS runs PHP is not known: {why}"))
            }
            Fact::Known(programs) => php_affected(affected, programs),
        };
    }
    if affected.product != EXCHANGE {
        return Affects::CannotIdentify(format!(
            "this version of Stopgap cannot tell whether {} is installed",
            affected.product
        ));
    }
    match &facts.exchange {
        Fact::Absent => Affects::No("Exchange Server is not installed here".into()),
        Fact::Unknown(why) => {
            Affects::Unknown(format!("whether Exchange is installed is not known: {why}"))
        }
        Fact::Known(exchange) => exchange_affected(affected, exchange),
    }
}

fn exchange_affected(affected: &Affected, exchange: &Exchange) -> Affects {
    let version = match &exchange.version {
        Fact::Known(version) => version,
        Fact::Absent => return Affects::Unknown("Exchange has no version".into()),
        Fact::Unknown(why) => {
            return Affects::Unknown(format!("the version of Exchange is not known: {why}"));
        }
    };
    // The version is asked first: a fixed server is not affected whatever its role is.
    if let Some(why) = outside_ranges(affected, version) {
        return Affects::No(format!("Exchange {version} {why}"));
    }
    if affected.roles.is_empty() {
        return Affects::Yes(format!("Exchange {version} is affected"));
    }
    match &exchange.role {
        Fact::Known(role) if affected.roles.contains(role) => {
            Affects::Yes(format!("Exchange {version} with the role {role} is affected"))
        }
        Fact::Known(role) => Affects::No(format!("the role {role} is not affected")),
        Fact::Absent => Affects::No("no affected role is installed".into()),
        Fact::Unknown(why) => Affects::Unknown(format!("the role of Exchange is not known: {why}")),
    }
}

/// The most programs that a reason names.
const MAX_NAMED: usize = 3;

/// Several versions may stand side by side, and every one of them can be asked for.
fn php_affected(affected: &Affected, programs: &[PhpCgi]) -> Affects {
    if !affected.roles.is_empty() && !affected.roles.iter().any(|role| role == CGI) {
        return Affects::No(format!("the role {CGI} is not affected"));
    }
    let (mut vulnerable, mut unknown, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    for PhpCgi { program, version } in programs {
        match version {
            Fact::Known(version) => match outside_ranges(affected, version) {
                None => vulnerable.push(format!("PHP {version} in {program} is affected")),
                Some(why) => fixed.push(format!("PHP {version} in {program} {why}")),
            },
            Fact::Unknown(why) => {
                unknown.push(format!("the version of PHP in {program} is not known: {why}"));
            }
            Fact::Absent => unknown.push(format!("{program} has no version")),
        }
    }
    if !vulnerable.is_empty() {
        Affects::Yes(listed(vulnerable))
    } else if !unknown.is_empty() {
        Affects::Unknown(listed(unknown))
    } else if !fixed.is_empty() {
        Affects::No(listed(fixed))
    } else {
        Affects::No("IIS does not run PHP as a CGI program here".into())
    }
}

/// The reasons in one sentence, the first ones in full.
fn listed(mut reasons: Vec<String>) -> String {
    let more = reasons.len().saturating_sub(MAX_NAMED);
    reasons.truncate(MAX_NAMED);
    if more > 0 {
        reasons.push(format!("so it is with {more} more"));
    }
    reasons.join("; ")
}

/// Why `version` is in none of the vulnerable ranges, to stand behind the product and its version;
/// `None` if it is in one.
fn outside_ranges(affected: &Affected, version: &Version) -> Option<String> {
    if affected.ranges.is_empty() || affected.ranges.iter().any(|r| r.contains(version)) {
        return None;
    }
    // The fix that this server has: the nearest fixed version at or below it.
    let fix = affected.ranges.iter().map(|r| &r.fixed).filter(|fixed| *fixed <= version).max();
    Some(match fix {
        Some(fixed) => format!("has the fix, which came with {fixed}"),
        None => "is older than the first affected version".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stopgap_model::ServerPath;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn facts(exchange: Fact<Exchange>) -> HostFacts {
        HostFacts { exchange, ..HostFacts::nothing() }
    }

    fn exchange(version: Fact<Version>, role: &str) -> Fact<Exchange> {
        let version_source = ServerPath::new(r"C:\ExSetup.exe");
        Fact::Known(Exchange { version, version_source, role: Fact::Known(role.into()) })
    }

    fn m1() -> Affected {
        let range = |introduced, fixed| VersionRange {
            introduced: version(introduced),
            fixed: version(fixed),
        };
        Affected {
            product: EXCHANGE.into(),
            roles: vec!["mailbox".into()],
            ranges: vec![range("15.2.0", "15.2.986.36"), range("15.2.987", "15.2.1118.20")],
        }
    }

    fn answer(exchange: Fact<Exchange>) -> Affects {
        affects_by(&m1(), &facts(exchange))
    }

    #[test]
    fn an_older_branch_with_its_own_fix_is_not_treated_as_vulnerable() {
        let at = |v: &str| answer(exchange(Fact::Known(version(v)), "mailbox"));
        assert!(matches!(at("15.2.922.7"), Affects::Yes(_)));
        assert!(matches!(at("15.2.1118.7"), Affects::Yes(_)));
        let No(why) = at("15.2.986.37") else { panic!("the CU11 fix counts") };
        assert!(why.contains("15.2.986.36"), "{why}");
        assert!(matches!(at("15.2.1118.20"), No(_)));
        assert!(matches!(at("15.1.2507.6"), No(_)));
        use Affects::No;
    }

    #[test]
    fn an_edge_transport_server_is_not_affected() {
        let edge = answer(exchange(Fact::Known(version("15.2.922.7")), "edge-transport"));
        assert_eq!(edge, Affects::No("the role edge-transport is not affected".into()));
    }

    #[test]
    fn what_could_not_be_read_is_never_a_no() {
        let torn = Fact::Unknown("ExSetup.exe is cut off".into());
        assert!(matches!(answer(exchange(torn, "mailbox")), Affects::Unknown(_)));
        assert!(matches!(answer(Fact::Unknown("a link".into())), Affects::Unknown(_)));
        assert!(matches!(answer(Fact::Absent), Affects::No(_)));
        let other = Affected { product: "pkg:npm/next".into(), ..m1() };
        let answer = affects_by(&other, &facts(Fact::Absent));
        assert!(matches!(answer, Affects::CannotIdentify(_)));
    }

    fn php(programs: &[(&str, Fact<Version>)]) -> HostFacts {
        let programs = programs.iter().map(|(program, version)| PhpCgi {
            program: ServerPath::new(*program),
            version: version.clone(),
        });
        HostFacts { php: Fact::Known(programs.collect()), ..facts(Fact::Absent) }
    }

    fn at(text: &str) -> Fact<Version> {
        Fact::Known(version(text))
    }

    fn php_ranges() -> Affected {
        let range = |introduced, fixed| VersionRange {
            introduced: version(introduced),
            fixed: version(fixed),
        };
        Affected {
            product: PHP.into(),
            roles: vec![CGI.into()],
            ranges: vec![range("5.0", "8.1.29"), range("8.2", "8.2.20"), range("8.3", "8.3.8")],
        }
    }

    const OLD: &str = r"C:\PHP81\php-cgi.exe";
    const NEW: &str = r"C:\PHP83\php-cgi.exe";

    #[test]
    fn a_vulnerable_php_beside_a_fixed_one_and_a_torn_one_is_enough() {
        let torn = Fact::Unknown("it is cut off".into());
        let programs = [(NEW, at("8.3.8.0")), (r"D:\php.exe", torn), (OLD, at("8.1.28.0"))];
        let expected = format!("PHP 8.1.28.0 in {OLD} is affected");
        assert_eq!(affects_by(&php_ranges(), &php(&programs)), Affects::Yes(expected));
    }

    #[test]
    fn a_php_that_cannot_be_read_beside_fixed_ones_is_a_doubt() {
        let missing = Fact::Unknown(format!("IIS names {OLD}, which is not there"));
        let answer = affects_by(&php_ranges(), &php(&[(NEW, at("8.3.8")), (OLD, missing)]));
        let Affects::Unknown(why) = answer else { panic!("{answer:?}") };
        assert!(why.contains(OLD) && why.contains("not there"), "{why}");
        let unknown = HostFacts { php: Fact::Unknown("a link".into()), ..php(&[]) };
        assert!(matches!(affects_by(&php_ranges(), &unknown), Affects::Unknown(_)));
    }

    #[test]
    fn fixed_phps_are_not_affected_and_each_fix_is_named() {
        let answer = affects_by(&php_ranges(), &php(&[(OLD, at("8.1.29.0")), (NEW, at("8.4.1"))]));
        let expected = format!(
            "PHP 8.1.29.0 in {OLD} has the fix, which came with 8.1.29; \
             PHP 8.4.1 in {NEW} has the fix, which came with 8.3.8"
        );
        assert_eq!(answer, Affects::No(expected));
        let many: Vec<(&str, Fact<Version>)> = (0..100).map(|_| (NEW, at("8.4.1"))).collect();
        let Affects::No(why) = affects_by(&php_ranges(), &php(&many)) else { panic!() };
        assert!(why.ends_with("; so it is with 97 more"), "{why}");
    }

    #[test]
    fn a_server_without_php_and_another_role_than_cgi_are_not_affected() {
        let no = |affected: &Affected, facts: &HostFacts| {
            matches!(affects_by(affected, facts), Affects::No(_))
        };
        assert!(no(&php_ranges(), &facts(Fact::Absent)));
        assert!(no(&php_ranges(), &php(&[])));
        let module = Affected { roles: vec!["apache-module".into()], ..php_ranges() };
        assert!(no(&module, &php(&[(OLD, at("8.1.28"))])));
        let any = Affected { roles: Vec::new(), ranges: Vec::new(), ..php_ranges() };
        assert!(matches!(affects_by(&any, &php(&[(OLD, at("9.0"))])), Affects::Yes(_)));
    }

    #[test]
    fn an_action_for_older_phps_asks_for_the_version_of_php_not_of_exchange() {
        let action = |limit: &str| Action {
            id: "X.1".parse().unwrap(),
            only_below: Some(version(limit)),
            kind: stopgap_model::ActionKind::DoNothing,
        };
        let mitigation = Mitigation {
            id: "X".parse().unwrap(),
            revision: 1,
            hash: stopgap_model::Digest::of(b""),
            title: String::new(),
            cves: Vec::new(),
            severity: stopgap_model::Severity::Low,
            impact: String::new(),
            references: Vec::new(),
            affected: vec![php_ranges()],
            actions: Vec::new(),
            probes: Vec::new(),
            no_live_probe: None,
            withdrawn: None,
        };
        let mut server = php(&[(OLD, at("8.2.3"))]);
        server.exchange = exchange(at("15.2.922.7"), "mailbox");
        let answer = |limit| action_affects(&mitigation, &action(limit), &server);
        assert!(matches!(answer("8.2.4"), Affects::Yes(_)));
        assert!(matches!(answer("8.2.3"), Affects::No(_)));
        assert!(matches!(answer("4.0"), Affects::No(_)));
        assert!(matches!(answer("16.0"), Affects::Yes(_)));
    }
}
