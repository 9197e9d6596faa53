//! Requests to sites of this machine: connections, TLS, what is sent and what comes back, and how many at
//! once.

pub(crate) mod connection;
pub(crate) mod exchange;
pub(crate) mod response;
pub(crate) mod scheduler;
pub(crate) mod tls;
