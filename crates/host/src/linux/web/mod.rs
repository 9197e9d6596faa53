//! The web servers of this machine: which root says there are, how each is started, and what can be done
//! with one that runs. What is particular to nginx, Apache or HAProxy stands in `crate::web`.

pub(crate) mod build_info;
pub(crate) mod declared;
pub(crate) mod discovery;
pub(crate) mod error_log;
pub(crate) mod launch;
pub(crate) mod left_out;
pub(crate) mod master;
pub(crate) mod readiness;
pub(crate) mod reload;
pub(crate) mod server;
pub(crate) mod start;
pub(crate) mod survey;
pub(crate) mod test;
