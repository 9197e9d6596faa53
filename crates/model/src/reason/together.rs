//! Reasons of several actions or servers, put together.

use super::Reasons;
use super::family::family;
use crate::state::State;

family! {
    /// Reasons with what they are about.
    pub enum TogetherReason {
        /// It holds in part.
        InPart {
            /// How many actions are for this server.
            all: usize,
            /// The ids of those that are in place.
            in_place: Vec<String>,
            /// How many are in place in part.
            in_part: usize,
        } => "in-part" ("{}", in_part_text(*.all, .in_place, *.in_part)),
        /// What is amiss with some of the actions.
        OfActions {
            /// Their ids.
            actions: Vec<String>,
            /// Their state, where it has to be named.
            state: Option<State>,
            /// Why.
            why: Reasons,
        } => "of-actions" ("{}: {}{why}", .actions.join(", "), named(.state)),
        /// How it is on some of the servers.
        OnServers {
            /// Their names.
            servers: Vec<String>,
            /// The state there, where it has to be named.
            state: Option<State>,
            /// Why.
            why: Reasons,
        } => "on-servers" ("{}: {}{why}", .servers.join(", "), named(.state)),
        /// It is in place on some of the servers.
        InPlaceOn {
            /// Their names.
            servers: Vec<String>,
            /// The state there.
            state: State,
        } => "in-place-on" ("{}: {}", .servers.join(", "), .state.as_str()),
        /// There are more of the same than are named.
        AndMore {
            /// How many.
            count: usize,
        } => "and-more" ("and {count} more"),
        /// The mitigation asks for nothing.
        NoActions => "no-actions" ("it has no actions"),
    }
}

fn named(state: &Option<State>) -> String {
    state.map(|state| format!("{}: ", state.as_str())).unwrap_or_default()
}

fn in_part_text(all: usize, in_place: &[String], in_part: usize) -> String {
    let names = match in_place {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    };
    match (in_place.len(), in_part) {
        (held, 0) => format!("{held} of {all} actions installed{names}"),
        (0, _) => format!("{in_part} of {all} actions installed in part"),
        (held, _) => format!("{held} of {all} actions installed{names}, {in_part} in part"),
    }
}
