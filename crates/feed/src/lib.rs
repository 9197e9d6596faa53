//! Feeds: URL or file to verified mitigations, and what is remembered of them.
