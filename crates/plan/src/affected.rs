//! Whether a mitigation is for this server.

mod answer;
mod identified;
mod wanted;

use std::slice;

use stopgap_model::host::{Declared, EXCHANGE};
use stopgap_model::product::package;
use stopgap_model::reason::{AffectedReason, Product, ProductPlace};
use stopgap_model::{Action, Affected, HostFacts, Mitigation};

pub use answer::Affects;
use identified::identified;
use wanted::Wanted;

/// Whether `mitigation` is for the server that `facts` describe.
#[must_use]
pub fn affects(mitigation: &Mitigation, facts: &HostFacts) -> Affects {
    if mitigation.affected.is_empty() {
        return Affects::Yes(AffectedReason::EveryServer.into());
    }
    let wanted = mitigation.affected.iter().map(|affected| Wanted { affected, below: None });
    decisive(wanted.map(|wanted| affects_by(wanted, facts)))
}

/// Whether `action` is for this server, where `mitigation` is `affected` there: an action may narrow the
/// versions of its mitigation.
pub(crate) fn action_affects(
    mitigation: &Mitigation,
    action: &Action,
    facts: &HostFacts,
    affected: &Affects,
) -> Affects {
    let (Affects::Yes(_), Some(limit)) = (affected, &action.only_below) else {
        return affected.clone();
    };
    // Where the mitigation is for every server, the version is that of Exchange.
    let exchange = Affected { product: EXCHANGE.into(), roles: Vec::new(), ranges: Vec::new() };
    let products = match mitigation.affected.as_slice() {
        [] => slice::from_ref(&exchange),
        products => products,
    };
    let wanted = products.iter().map(|affected| Wanted { affected, below: Some(limit) });
    match decisive(wanted.map(|wanted| affects_by(wanted, facts))) {
        // The reason of the mitigation says more than that its limit is not reached.
        Affects::Yes(_) => affected.clone(),
        narrowed => narrowed,
    }
}

/// One product that is affected decides; after that, doubt weighs more than a no.
fn decisive(answers: impl Iterator<Item = Affects>) -> Affects {
    let none = || Affects::No(AffectedReason::NoProduct.into());
    answers.min_by_key(rank).unwrap_or_else(none)
}

fn rank(answer: &Affects) -> u8 {
    match answer {
        Affects::Yes(_) => 0,
        Affects::Unknown(_) => 1,
        Affects::CannotIdentify(_) => 2,
        Affects::Undeclared(_) => 3,
        Affects::No(_) => 4,
    }
}

/// What was identified and what was declared count alike.
fn affects_by(wanted: Wanted<'_>, facts: &HostFacts) -> Affects {
    let product = &wanted.affected.product;
    let declared = facts.declared.iter().filter(|declared| declared.product == *product);
    let declared = declared.map(|declared| by_declaration(wanted, declared));
    let answers: Vec<Affects> = declared.chain(identified(wanted, facts)).collect();
    if answers.is_empty() { unheard_of(product) } else { decisive(answers.into_iter()) }
}

/// A declared product counts for every role; to exclude a role, one does not declare the product.
fn by_declaration(wanted: Wanted<'_>, declared: &Declared) -> Affects {
    let Declared { product, version, source } = declared;
    let place = Some(ProductPlace::Declared(source.clone()));
    let product =
        Product { name: product.clone(), version: version.to_string(), role: None, place };
    wanted.of_version(product, version)
}

fn unheard_of(product: &str) -> Affects {
    let name = product.to_owned();
    // Packages that no package manager of a distribution knows are part of applications.
    if product.starts_with("pkg:") && package(product).is_none() {
        return Affects::Undeclared(AffectedReason::Undeclared { product: name }.into());
    }
    Affects::CannotIdentify(AffectedReason::CannotIdentify { product: name }.into())
}

#[cfg(test)]
mod tests;
