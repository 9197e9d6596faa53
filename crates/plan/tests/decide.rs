//! The one decision, on every kind of target: the same situation has the same state and the same codes, whether
//! a rule of IIS, an application pool, nginx, Apache httpd, HAProxy or a service is asked.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod decide {
    pub(crate) mod documents;
    pub(crate) mod machine;
    pub(crate) mod matrix;
    pub(crate) mod seen;
    pub(crate) mod target;

    mod absent;
    mod affected;
    mod beside;
    mod drift;
    mod golden;
    mod properties;
    mod services;
    mod standing;
}
