//! What is asked and answered when a rule is to be placed.

use stopgap_model::host::ServerPath;
use stopgap_model::mitigation::Scope;
use stopgap_model::reason::IisReason;

use super::entry::Collection;
use super::in_effect::Fault;
use super::place::Place;

/// Where a rule goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementTarget {
    /// The file.
    pub file: ServerPath,
    /// Where in the file.
    pub place: Place,
    /// What is put behind the rule's name here, so that no two on one way have the same name.
    pub suffix: String,
    /// The path in the site that this one holds for, such as `Default Web Site/owa`. Empty: the
    /// whole server.
    pub path: String,
}

/// Where a rule goes so that it holds for its whole scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The places. The first one holds for the scope; each further one for a part of it that does
    /// not inherit.
    pub targets: Vec<PlacementTarget>,
    /// Why there.
    pub why: IisReason,
    /// The parts of the scope that the rule does not reach.
    pub gaps: Vec<Gap>,
}

/// A part of a scope that a rule does not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The part, such as `Default Web Site/owa`.
    pub at: String,
    /// Why not.
    pub why: IisReason,
}

/// What is to be placed.
#[derive(Clone, Copy)]
pub struct PlacementRequest<'a> {
    /// The scope that it is to hold for. `None`: the whole server.
    pub scope: Option<&'a Scope>,
    /// What it is: [`Collection::Rules`] or [`Collection::OutboundRules`].
    pub collection: Collection,
    /// Its name.
    pub name: &'a str,
    /// Whether the one of this name in a file and place is our own, which does not stand in the
    /// way.
    pub own: &'a dyn Fn(&ServerPath, &Place, &str) -> bool,
}

/// Why there is no place for a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum Refusal {
    /// The server has no such site.
    NoSuchSite {
        /// The site's name.
        site: String,
        /// The names of the sites that are there.
        available: Vec<String>,
    },
    /// The server has no site at all.
    NoSites,
    /// The site has no such application, virtual directory or location.
    NoSuchPath {
        /// The site's name.
        site: String,
        /// The path.
        path: String,
    },
    /// URL Rewrite is not installed.
    NoModule,
    /// URL Rewrite is installed and does not run for the scope.
    ModuleOff(String),
    /// The section is not declared, and any rule would break the site.
    SectionNotDeclared(String),
    /// The rules of the scope are locked or do not reach all of it.
    Locked(IisReason),
    /// One of this name is in the scope already.
    NameTaken {
        /// The rule's name.
        name: String,
        /// The file that it is in.
        file: ServerPath,
        /// Where in that file.
        place: Place,
    },
    /// Something that the answer needs is not known.
    Unknown(IisReason),
    /// IIS refuses the configuration as it is.
    Broken(IisReason),
}

impl Refusal {
    /// The same as a reason of a report.
    #[must_use]
    pub fn reason(&self) -> IisReason {
        match self.clone() {
            Self::NoSuchSite { site, available } => IisReason::NoSuchSite { site, available },
            Self::NoSites => IisReason::NoSites,
            Self::NoSuchPath { site, path } => IisReason::NoSuchPath { site, path },
            Self::NoModule => IisReason::NoModule,
            Self::ModuleOff(at) => IisReason::ModuleNotRun { at },
            Self::SectionNotDeclared(section) => IisReason::SectionNotDeclared { section },
            Self::NameTaken { name, file, place } => {
                IisReason::RuleNameTaken { name, at: format!("{file}, {place}") }
            }
            Self::Locked(reason) | Self::Unknown(reason) | Self::Broken(reason) => reason,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Broken { .. } => Self::Broken(fault.into()),
            Fault::Unknown(why) => Self::Unknown(why),
        }
    }
}
