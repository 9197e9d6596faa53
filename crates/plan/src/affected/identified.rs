//! What was identified on a server, against the affected versions of a product.

use stopgap_model::host::{CGI, EXCHANGE, PHP, Packages};
use stopgap_model::product::{DISTRIBUTIONS, package};
use stopgap_model::reason::{AffectedReason, Product, ProductPlace, TogetherReason};
use stopgap_model::{Exchange, Fact, HostFacts, Reasons, Scheme, ServerPath, Version, WebKind};

use super::answer::Affects;
use super::wanted::Wanted;

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

fn no(reason: AffectedReason) -> Affects {
    Affects::No(reason.into())
}

fn unknown(reason: AffectedReason) -> Affects {
    Affects::Unknown(reason.into())
}

fn exchange(wanted: Wanted<'_>, exchange: &Fact<Exchange>) -> Affects {
    match exchange {
        Fact::Absent => no(AffectedReason::NotInstalled { product: "Exchange Server".into() }),
        Fact::Unknown(why) => unknown(AffectedReason::InstalledUnknown {
            product: "Exchange".into(),
            why: why.clone(),
        }),
        Fact::Known(exchange) => exchange_affected(wanted, exchange),
    }
}

fn exchange_affected(wanted: Wanted<'_>, exchange: &Exchange) -> Affects {
    let name = || "Exchange".to_owned();
    let version = match &exchange.version {
        Fact::Known(version) => version,
        Fact::Absent => return unknown(AffectedReason::NoVersion { product: name() }),
        Fact::Unknown(why) => {
            let (product, why) = (name(), why.clone());
            return unknown(AffectedReason::VersionUnknown { product, why });
        }
    };
    let product = |role| Product { name: name(), version: version.to_string(), role, place: None };
    // The version is asked first: a fixed server is not affected whatever its role is.
    let roles = &wanted.affected.roles;
    let answer = wanted.of_version(product(None), version);
    if roles.is_empty() || matches!(answer, Affects::No(_)) {
        return answer;
    }
    match &exchange.role {
        Fact::Known(role) if roles.contains(role) => {
            Affects::Yes(AffectedReason::Affected { product: product(Some(role.clone())) }.into())
        }
        Fact::Known(role) => no(AffectedReason::RoleNotAffected { role: role.clone() }),
        Fact::Absent => no(AffectedReason::NoAffectedRole),
        Fact::Unknown(why) => {
            unknown(AffectedReason::RoleUnknown { product: name(), why: why.clone() })
        }
    }
}

fn php(wanted: Wanted<'_>, facts: &HostFacts) -> Affects {
    let programs = match &facts.php {
        Fact::Absent => return no(AffectedReason::NoPhpCgi),
        Fact::Unknown(why) => return unknown(AffectedReason::PhpUnknown { why: why.clone() }),
        Fact::Known(programs) => programs,
    };
    let roles = &wanted.affected.roles;
    if !roles.is_empty() && !roles.iter().any(|role| role == CGI) {
        return no(AffectedReason::RoleNotAffected { role: CGI.into() });
    }
    let places =
        programs.iter().map(|php| (ProductPlace::Program(php.program.clone()), &php.version));
    side_by_side(wanted, "PHP", AffectedReason::NoPhpCgi, places)
}

fn web(wanted: Wanted<'_>, kind: WebKind, facts: &HostFacts) -> Affects {
    if let Some(doubt) = doubtful_role(wanted) {
        return doubt;
    }
    let servers = facts.web.iter().map(|facts| &facts.server).filter(|it| it.kind == kind);
    let places = servers.map(|server| {
        let config = server.config.first().cloned().unwrap_or_else(|| ServerPath::new(""));
        (ProductPlace::Configuration(config), &server.version)
    });
    let none = AffectedReason::NotInstalled { product: kind.name().to_owned() };
    side_by_side(wanted, kind.name(), none, places)
}

/// The most that a reason names of what stands side by side.
const MAX_NAMED: usize = 3;

/// The answer where several versions of a product stand side by side: every one of them may be asked for.
fn side_by_side<'a>(
    wanted: Wanted<'_>,
    name: &str,
    none: AffectedReason,
    places: impl Iterator<Item = (ProductPlace, &'a Fact<Version>)>,
) -> Affects {
    let (mut vulnerable, mut doubtful, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    for (place, version) in places {
        let here = format!("{name}{place}");
        match version {
            Fact::Known(version) => {
                let (name, place) = (name.to_owned(), Some(place));
                let product = Product { name, version: version.to_string(), role: None, place };
                match wanted.of_version(product, version) {
                    Affects::Yes(why) => vulnerable.push(why),
                    Affects::No(why)
                    | Affects::Unknown(why)
                    | Affects::CannotIdentify(why)
                    | Affects::Undeclared(why) => fixed.push(why),
                }
            }
            Fact::Unknown(why) => {
                let why = why.clone();
                doubtful.push(AffectedReason::VersionUnknown { product: here, why }.into());
            }
            Fact::Absent => doubtful.push(AffectedReason::NoVersion { product: here }.into()),
        }
    }
    if let Some(why) = listed(&vulnerable) {
        Affects::Yes(why)
    } else if let Some(why) = listed(&doubtful) {
        Affects::Unknown(why)
    } else {
        Affects::No(listed(&fixed).unwrap_or_else(|| none.into()))
    }
}

/// The first of these reasons in full, and how many more there are; `None` where there is none.
fn listed(reasons: &[Reasons]) -> Option<Reasons> {
    let named = reasons.iter().take(MAX_NAMED).flat_map(Reasons::iter).cloned();
    let count = reasons.len().saturating_sub(MAX_NAMED);
    let more = (count > 0).then(|| TogetherReason::AndMore { count }.into());
    Reasons::collect(named.chain(more))
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
        Fact::Absent => return Some(no(AffectedReason::NoPackageManager)),
        Fact::Unknown(why) => {
            return Some(unknown(AffectedReason::PackagesUnknown { why: why.clone() }));
        }
    };
    if here != prefix {
        let (here, asked) = (here.clone(), prefix.to_owned());
        return Some(no(AffectedReason::OtherDistribution { here, asked }));
    }
    let Some(text) = versions.get(name) else {
        let (package, list) = (name.to_owned(), source.clone());
        return Some(no(AffectedReason::PackageNotInstalled { package, list }));
    };
    Some(match Version::read(text, Scheme::of(prefix)) {
        Ok(version) => doubtful_role(wanted).unwrap_or_else(|| {
            let name = format!("the package {name}");
            let product = Product { name, version: version.to_string(), role: None, place: None };
            wanted.of_version(product, &version)
        }),
        Err(why) => unknown(AffectedReason::VersionUnknown {
            product: name.to_owned(),
            why: Reasons::text(why.to_string()),
        }),
    })
}

/// Neither packages nor web servers have roles that could be told apart.
fn doubtful_role(wanted: Wanted<'_>) -> Option<Affects> {
    let product = wanted.affected.product.clone();
    let asks = !wanted.affected.roles.is_empty();
    asks.then(|| unknown(AffectedReason::NoRoles { product }))
}
