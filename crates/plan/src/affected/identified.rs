//! What was identified on a server, against the affected versions of a product.

use stopgap_model::host::{CGI, EXCHANGE, PHP, Packages};
use stopgap_model::product::{DISTRIBUTIONS, package};
use stopgap_model::{Exchange, Fact, HostFacts, Scheme, Version, WebKind};

use super::{Affects, Wanted};

/// Whether what was identified of the product is affected; `None` if it is none that can be
/// identified.
pub(super) fn identified(wanted: Wanted<'_>, facts: &HostFacts) -> Option<Affects> {
    let product = wanted.affected.product.as_str();
    match product {
        EXCHANGE => Some(exchange(wanted, &facts.exchange)),
        PHP => Some(php(wanted, facts)),
        _ => match (WebKind::of_product(product), package(product)) {
            (Some(kind), _) => Some(web(wanted, kind, facts)),
            (None, Some((prefix, name))) => packaged(wanted, prefix, &name, &facts.packages),
            (None, None) => None,
        },
    }
}

fn exchange(wanted: Wanted<'_>, exchange: &Fact<Exchange>) -> Affects {
    match exchange {
        Fact::Absent => Affects::No("Exchange Server is not installed here".into()),
        Fact::Unknown(why) => {
            Affects::Unknown(format!("whether Exchange is installed is not known: {why}"))
        }
        Fact::Known(exchange) => exchange_affected(wanted, exchange),
    }
}

fn exchange_affected(wanted: Wanted<'_>, exchange: &Exchange) -> Affects {
    let version = match &exchange.version {
        Fact::Known(version) => version,
        Fact::Absent => return Affects::Unknown("Exchange has no version".into()),
        Fact::Unknown(why) => {
            return Affects::Unknown(format!("the version of Exchange is not known: {why}"));
        }
    };
    // The version is asked first: a fixed server is not affected whatever its role is.
    let roles = &wanted.affected.roles;
    let answer = wanted.of_version(&format!("Exchange {version}"), version);
    if roles.is_empty() || matches!(answer, Affects::No(_)) {
        return answer;
    }
    match &exchange.role {
        Fact::Known(role) if roles.contains(role) => {
            Affects::Yes(format!("Exchange {version} with the role {role} is affected"))
        }
        Fact::Known(role) => Affects::No(format!("the role {role} is not affected")),
        Fact::Absent => Affects::No("no affected role is installed".into()),
        Fact::Unknown(why) => Affects::Unknown(format!("the role of Exchange is not known: {why}")),
    }
}

fn php(wanted: Wanted<'_>, facts: &HostFacts) -> Affects {
    let none = "IIS does not run PHP as a CGI program here";
    let programs = match &facts.php {
        Fact::Absent => return Affects::No(none.into()),
        Fact::Unknown(why) => {
            return Affects::Unknown(format!("whether IIS runs PHP is not known: {why}"));
        }
        Fact::Known(programs) => programs,
    };
    let roles = &wanted.affected.roles;
    if !roles.is_empty() && !roles.iter().any(|role| role == CGI) {
        return Affects::No(format!("the role {CGI} is not affected"));
    }
    let places = programs.iter().map(|php| (format!("in {}", php.program), &php.version));
    side_by_side(wanted, "PHP", none, places)
}

fn web(wanted: Wanted<'_>, kind: WebKind, facts: &HostFacts) -> Affects {
    if let Some(doubt) = doubtful_role(wanted) {
        return doubt;
    }
    let servers = facts.web.iter().map(|facts| &facts.server).filter(|it| it.kind == kind);
    let places = servers.map(|server| {
        let config = server.config.first().map_or("", |path| path.as_str());
        (format!("with {config}"), &server.version)
    });
    let none = format!("{} is not installed here", kind.name());
    side_by_side(wanted, kind.name(), &none, places)
}

/// The most that a reason names of what stands side by side.
const MAX_NAMED: usize = 3;

/// Several versions of a product may stand side by side, and every one of them can be asked for.
fn side_by_side<'a>(
    wanted: Wanted<'_>,
    name: &str,
    none: &str,
    places: impl Iterator<Item = (String, &'a Fact<Version>)>,
) -> Affects {
    let (mut vulnerable, mut unknown, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    for (place, version) in places {
        match version {
            Fact::Known(version) => {
                match wanted.of_version(&format!("{name} {version} {place}"), version) {
                    Affects::Yes(why) => vulnerable.push(why),
                    Affects::No(why)
                    | Affects::Unknown(why)
                    | Affects::CannotIdentify(why)
                    | Affects::Undeclared(why) => fixed.push(why),
                }
            }
            Fact::Unknown(why) => {
                unknown.push(format!("the version of {name} {place} is not known: {why}"));
            }
            Fact::Absent => unknown.push(format!("{name} {place} has no version")),
        }
    }
    if !vulnerable.is_empty() {
        Affects::Yes(listed(vulnerable))
    } else if !unknown.is_empty() {
        Affects::Unknown(listed(unknown))
    } else if !fixed.is_empty() {
        Affects::No(listed(fixed))
    } else {
        Affects::No(none.to_owned())
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

/// A package of the distribution whose names begin with `prefix`; `None` if it is a distribution of
/// which no server could be.
fn packaged(
    wanted: Wanted<'_>,
    prefix: &str,
    name: &str,
    packages: &Fact<Packages>,
) -> Option<Affects> {
    if DISTRIBUTIONS.iter().all(|(_, known)| *known != prefix) {
        return None;
    }
    let Packages { prefix: here, source, versions } = match packages {
        Fact::Known(packages) => packages,
        Fact::Absent => return Some(Affects::No("no package manager keeps packages here".into())),
        Fact::Unknown(why) => {
            return Some(Affects::Unknown(format!("the installed packages are not known: {why}")));
        }
    };
    if here != prefix {
        return Some(Affects::No(format!("the packages here are {here}…, not {prefix}…")));
    }
    let Some(text) = versions.get(name) else {
        return Some(Affects::No(format!("the package {name} is not installed ({source})")));
    };
    Some(match Version::read(text, Scheme::of(prefix)) {
        Ok(version) => doubtful_role(wanted).unwrap_or_else(|| {
            wanted.of_version(&format!("the package {name} {version}"), &version)
        }),
        Err(why) => Affects::Unknown(format!("the version of {name} is not known: {why}")),
    })
}

/// Neither packages nor web servers have roles that could be told.
fn doubtful_role(wanted: Wanted<'_>) -> Option<Affects> {
    let product = &wanted.affected.product;
    let doubt = || Affects::Unknown(format!("in which role {product} is used is not known"));
    (!wanted.affected.roles.is_empty()).then(doubt)
}
