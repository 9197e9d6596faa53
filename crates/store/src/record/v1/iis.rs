//! What is put into the configuration of IIS, and how it is taken out again.

use serde::{Deserialize, Serialize};
use stopgap_iis::config;

use super::all::all;
use super::rewrite::{OutboundRule, PreCondition, Rule};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Entry {
    Rule(Rule),
    Outbound(OutboundRule),
    PreCondition(PreCondition),
    AllowedVariable(String),
    DisabledPool(String),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub(super) enum Undo {
    Element(Element),
    Pool(PoolUndo),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Element {
    place: Place,
    collection: Collection,
    name: String,
    lead: String,
    scaffold: Vec<Wrapper>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Wrapper {
    Created { place: Place, element: String, lead: String },
    Opened { place: Place, element: String, was: String },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Place {
    Server,
    Location { path: String },
    WebConfig,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Collection {
    GlobalRules,
    Rules,
    OutboundRules,
    PreConditions,
    AllowedVariables,
    Pools,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PoolUndo {
    pool: String,
    attributes: Vec<AttributeUndo>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct AttributeUndo {
    name: String,
    set: String,
    was: Option<String>,
}

impl From<Entry> for config::Entry {
    fn from(it: Entry) -> Self {
        match it {
            Entry::Rule(it) => Self::Rule(it.into()),
            Entry::Outbound(it) => Self::Outbound(it.into()),
            Entry::PreCondition(it) => Self::PreCondition(it.into()),
            Entry::AllowedVariable(it) => Self::AllowedVariable(it),
            Entry::DisabledPool(it) => Self::DisabledPool(it),
        }
    }
}

impl From<config::Entry> for Entry {
    fn from(it: config::Entry) -> Self {
        match it {
            config::Entry::Rule(it) => Self::Rule(it.into()),
            config::Entry::Outbound(it) => Self::Outbound(it.into()),
            config::Entry::PreCondition(it) => Self::PreCondition(it.into()),
            config::Entry::AllowedVariable(it) => Self::AllowedVariable(it),
            config::Entry::DisabledPool(it) => Self::DisabledPool(it),
        }
    }
}

impl From<Undo> for config::Undo {
    fn from(it: Undo) -> Self {
        match it {
            Undo::Element(it) => Self::Element(it.into()),
            Undo::Pool(it) => Self::Pool(it.into()),
        }
    }
}

impl From<config::Undo> for Undo {
    fn from(it: config::Undo) -> Self {
        match it {
            config::Undo::Element(it) => Self::Element(it.into()),
            config::Undo::Pool(it) => Self::Pool(it.into()),
        }
    }
}

impl From<Element> for config::Element {
    fn from(it: Element) -> Self {
        Self {
            place: it.place.into(),
            collection: it.collection.into(),
            name: it.name,
            leading_space: it.lead,
            wrappers: all(it.scaffold),
        }
    }
}

impl From<config::Element> for Element {
    fn from(it: config::Element) -> Self {
        Self {
            place: it.place.into(),
            collection: it.collection.into(),
            name: it.name,
            lead: it.leading_space,
            scaffold: all(it.wrappers),
        }
    }
}

impl From<Wrapper> for config::Wrapper {
    fn from(it: Wrapper) -> Self {
        match it {
            Wrapper::Created { place, element, lead: leading_space } => {
                Self::Created { place: place.into(), element, leading_space }
            }
            Wrapper::Opened { place, element, was } => {
                Self::Opened { place: place.into(), element, was }
            }
        }
    }
}

impl From<config::Wrapper> for Wrapper {
    fn from(it: config::Wrapper) -> Self {
        match it {
            config::Wrapper::Created { place, element, leading_space: lead } => {
                Self::Created { place: place.into(), element, lead }
            }
            config::Wrapper::Opened { place, element, was } => {
                Self::Opened { place: place.into(), element, was }
            }
        }
    }
}

impl From<Place> for config::Place {
    fn from(it: Place) -> Self {
        match it {
            Place::Server => Self::Server,
            Place::Location { path } => Self::Location { path },
            Place::WebConfig => Self::WebConfig,
        }
    }
}

impl From<config::Place> for Place {
    fn from(it: config::Place) -> Self {
        match it {
            config::Place::Server => Self::Server,
            config::Place::Location { path } => Self::Location { path },
            config::Place::WebConfig => Self::WebConfig,
        }
    }
}

impl From<Collection> for config::Collection {
    fn from(it: Collection) -> Self {
        match it {
            Collection::GlobalRules => Self::GlobalRules,
            Collection::Rules => Self::Rules,
            Collection::OutboundRules => Self::OutboundRules,
            Collection::PreConditions => Self::PreConditions,
            Collection::AllowedVariables => Self::AllowedVariables,
            Collection::Pools => Self::Pools,
        }
    }
}

impl From<config::Collection> for Collection {
    fn from(it: config::Collection) -> Self {
        match it {
            config::Collection::GlobalRules => Self::GlobalRules,
            config::Collection::Rules => Self::Rules,
            config::Collection::OutboundRules => Self::OutboundRules,
            config::Collection::PreConditions => Self::PreConditions,
            config::Collection::AllowedVariables => Self::AllowedVariables,
            config::Collection::Pools => Self::Pools,
        }
    }
}

impl From<PoolUndo> for config::PoolUndo {
    fn from(it: PoolUndo) -> Self {
        Self { pool: it.pool, attributes: all(it.attributes) }
    }
}

impl From<config::PoolUndo> for PoolUndo {
    fn from(it: config::PoolUndo) -> Self {
        Self { pool: it.pool, attributes: all(it.attributes) }
    }
}

impl From<AttributeUndo> for config::AttributeUndo {
    fn from(it: AttributeUndo) -> Self {
        Self { name: it.name, set: it.set, was: it.was }
    }
}

impl From<config::AttributeUndo> for AttributeUndo {
    fn from(it: config::AttributeUndo) -> Self {
        Self { name: it.name, set: it.set, was: it.was }
    }
}
