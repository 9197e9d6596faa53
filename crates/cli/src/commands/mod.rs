//! One file for each command.

pub(crate) mod block;
pub(crate) mod check;
pub(crate) mod connectivity;
pub(crate) mod facts;
pub(crate) mod feed;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod reapply;
pub(crate) mod remove;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod switch;
pub(crate) mod r#try;
