//! Whether a mitigation is for this server.

use stopgap_model::host::EXCHANGE;
use stopgap_model::{Action, Affected, Exchange, Fact, HostFacts, Mitigation, Version};

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
    let answers = mitigation.affected.iter().map(|affected| affects_by(affected, facts));
    // One product that is affected decides; after that, doubt weighs more than a no.
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
pub(crate) fn action_affects(action: &Action, facts: &HostFacts) -> Affects {
    let Some(limit) = &action.only_below else {
        return Affects::Yes("its mitigation is".into());
    };
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

fn affects_by(affected: &Affected, facts: &HostFacts) -> Affects {
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
        return Affects::No(why);
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

/// Why `version` is in none of the vulnerable ranges; `None` if it is in one.
fn outside_ranges(affected: &Affected, version: &Version) -> Option<String> {
    if affected.ranges.is_empty() || affected.ranges.iter().any(|r| r.contains(version)) {
        return None;
    }
    // The fix that this server has: the nearest fixed version at or below it.
    let fix = affected.ranges.iter().map(|r| &r.fixed).filter(|fixed| *fixed <= version).max();
    Some(match fix {
        Some(fixed) => format!("Exchange {version} has the fix, which came with {fixed}"),
        None => format!("Exchange {version} is older than the first affected version"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stopgap_model::{ServerPath, VersionRange};

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    fn facts(exchange: Fact<Exchange>) -> HostFacts {
        HostFacts { exchange, iis: Fact::Absent, php: Fact::Absent }
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
}
