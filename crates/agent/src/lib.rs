//! What the command line and the service share: where mitigations come from, what is allowed, one cycle
//! with the feeds, the service's loop, and the events that they write.
//!
//! Nothing here knows arguments, exit codes or a terminal. What is reported on the way goes to `tracing`
//! ([`log`]); the program says where that is written ([`subscriber`], on Linux `journal`).

pub mod administrator;
pub mod advice;
pub mod blocks;
#[cfg_attr(windows, path = "windows/caller.rs")]
pub mod caller;
pub mod catalog;
pub mod cause;
pub mod cycle;
pub mod daemon;
pub mod error;
pub mod event;
#[cfg_attr(windows, path = "windows/exposed.rs")]
mod exposed;
pub mod fetching;
#[cfg(unix)]
pub mod journal;
pub mod log;
pub mod policy_file;
pub mod session;
pub mod setup;
pub mod sources;
pub mod stop;
pub mod subscriber;
#[cfg_attr(windows, path = "windows/system_advice.rs")]
mod system_advice;

pub use error::AgentError;
pub use session::Session;
pub use setup::Setup;
