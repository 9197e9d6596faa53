//! IIS configuration files.
