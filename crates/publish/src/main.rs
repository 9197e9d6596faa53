//! `stopgap-publish`: the publisher's program.
fn main() {}
