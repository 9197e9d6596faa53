//! One corpus of requests, sent as bytes to the real nginx, Apache and HAProxy that carry the
//! built-in catalog's rules and generated ones; every verdict is compared with the reference
//! evaluator's. And what the worst requests cost on each of them.
//!
//! Each server stands beside a twin of itself without the rules, so that what the server itself
//! refuses is not taken for a verdict. Both pass requests on to an application that answers with
//! the head that arrived there.

mod client;
mod corpus;
mod echo;
mod explained;
mod near;
mod random;
mod rules;
mod run;
mod sent;
mod side;
mod verdict;
mod worst;

pub use run::{Figures, Parity};
pub use worst::{BOUND, Worst};
