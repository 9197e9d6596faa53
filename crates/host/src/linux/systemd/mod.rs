//! The service manager of this machine, where it is systemd.

pub(crate) mod environment;
pub(crate) mod manager;
pub(crate) mod services;
pub(crate) mod unit;
mod unit_status;
