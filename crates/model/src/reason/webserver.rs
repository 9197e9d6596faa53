//! What rules do not reach on a web server, what differs there, and why nothing can be put in.

use std::fmt;

use serde::Serialize;

use super::Reasons;
use super::family::family;
use super::web_config::ConfigFault;
use crate::problem::{escaped, one_line};
use crate::server_path::ServerPath;
use crate::web_kind::WebKind;

/// A line of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ConfigPlace {
    /// The file.
    pub file: ServerPath,
    /// The line, from 1.
    pub line: usize,
}

/// For a person.
impl fmt::Display for ConfigPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", escaped(self.file.as_str()), self.line)
    }
}

family! {
    /// What a rule does not reach, or what is not known of what it reaches.
    pub enum WebGap {
        /// Connections are passed on unread, so no rule of this server sees their requests.
        PassedOn {
            /// What passes them on, as the configuration calls it.
            what: String,
            /// Where that stands.
            at: ConfigPlace,
        } => "passed-on" (
            "{} in {at} passes connections on without reading requests", one_line(.what)
        ),
        /// Connections are passed on to a part of the server that reads requests behind all rules.
        PassedOnTo {
            /// What passes them on, as the configuration calls it.
            what: String,
            /// Where that stands.
            at: ConfigPlace,
            /// What reads the requests.
            to: String,
        } => "passed-on-to" (
            "{} in {at} passes connections on to {}, which alone reads their requests",
            one_line(.what), one_line(.to)
        ),
        /// The configuration sets a request header that a rule sets or removes, so the rule does not.
        SetsHeader {
            /// Where it does.
            at: ConfigPlace,
        } => "sets-header" ("{at} itself sets a request header that a rule is about"),
        /// The configuration passes a request header on that a rule sets or removes.
        PassesHeader {
            /// Where it does.
            at: ConfigPlace,
        } => "passes-header" ("{at} itself passes a request header on that a rule is about"),
        /// A macro makes virtual hosts that are not known.
        UnknownHosts {
            /// The macro.
            name: String,
            /// Where it is used.
            at: ConfigPlace,
        } => "unknown-hosts" (
            "the hosts that the macro {} makes in {at} are not known, so none of them is probed",
            one_line(.name)
        ),
        /// `Satisfy Any` lets a request in although a rule denies it.
        SatisfyAny {
            /// Where it stands.
            at: ConfigPlace,
        } => "satisfy-any" ("`Satisfy Any` in {at} lets requests in that rules deny"),
        /// A cache answers before any rule is asked.
        QuickCache {
            /// Where it is switched on.
            at: ConfigPlace,
        } => "quick-cache" (
            "the cache in {at} answers before any rule is asked: what an attack put there can be read \
             until it expires, unless `CacheQuickHandler off` is set"
        ),
        /// Rules of a `defaults` section come before those of mitigations.
        DefaultsFirst {
            /// Where they stand.
            at: ConfigPlace,
        } => "defaults-first" ("the rules of the `defaults` section in {at} come before those of Stopgap"),
        /// The first line of a file is a digest of the rest of it.
        StaleDigest {
            /// The file.
            file: ServerPath,
        } => "stale-digest" (
            "{} begins with a digest of the rest of it, as HAProxy's data plane API writes it: with our \
             lines in it the digest is stale",
            escaped(.file.as_str())
        ),
        /// A block or section is not reached, because its file cannot be changed.
        NotReached {
            /// What it is, as the configuration calls it.
            what: String,
            /// Where it stands.
            at: ConfigPlace,
            /// Why its file cannot be changed.
            why: Reasons,
        } => "not-reached" ("{} in {at} is not reached: {why}", one_line(.what)),
        /// Several blocks of a file are not reached, because it cannot be changed.
        SeveralNotReached {
            /// What each is.
            what: String,
            /// How many.
            count: usize,
            /// Where the first stands.
            at: ConfigPlace,
            /// Why the file cannot be changed.
            why: Reasons,
        } => "several-not-reached" (
            "{count} {what}s are not reached, the first in {at}: {why}"
        ),
        /// A file could not be read, so what it says is not known.
        FileNotKnown {
            /// The file.
            file: ServerPath,
            /// Why.
            fault: ConfigFault,
        } => "file-not-known" (
            "what {} says is not known, so nothing in it is reached: {fault}", escaped(.file.as_str())
        ),
        /// A file could not be read, so an include of ours in it cannot be taken out.
        IncludeMayStay {
            /// The file.
            file: ServerPath,
            /// Why.
            fault: ConfigFault,
        } => "include-may-stay" (
            "an include of Stopgap in {}, if there is one, stays: {fault}; it includes nothing",
            escaped(.file.as_str())
        ),
        /// An include of ours stays in a file that cannot be changed. It does nothing.
        IncludeStays {
            /// Where it stands.
            at: ConfigPlace,
            /// Why the file cannot be changed.
            why: Reasons,
        } => "include-stays" (
            "the include of Stopgap in {at} stays: {why}; it includes nothing, and can be taken out by hand"
        ),
    }
}

family! {
    /// Why rules have no place in the configuration of a web server.
    pub enum WebRefusal {
        /// The text is in the language of another server. This is a mistake of the program.
        OtherLanguage => "other-language" ("the rules are written for another kind of web server"),
        /// A file of ours is there and cannot be read.
        OwnFileUnreadable {
            /// The file.
            file: ServerPath,
            /// Why.
            why: Reasons,
        } => "own-file-unreadable" ("{} cannot be read: {why}", escaped(.file.as_str())),
        /// nginx is configured without HTTP.
        NoHttpBlock => "no-http-block" ("the configuration has no http block"),
        /// No part of HAProxy reads requests.
        NoHttpFrontend => "no-http-frontend" ("no frontend of the configuration is in mode http"),
        /// No file of the configuration is there.
        NoMainFile => "no-main-file" ("there is no main file"),
        /// Every file that rules would have to be put into cannot be changed.
        NothingPutInto {
            /// What they would be put into.
            what: String,
            /// Why the files cannot be changed.
            why: Reasons,
        } => "nothing-put-into" ("nothing can be written into {what}: {why}"),
        /// A line of ours that has to go or change is in a file that cannot be changed.
        LineHeld {
            /// Where it stands.
            at: ConfigPlace,
            /// Why the file cannot be changed.
            why: Reasons,
        } => "line-held" ("the line of Stopgap in {at} cannot be changed: {why}"),
        /// The path of a file of ours has characters that the server takes for more than themselves.
        PathNotPlain {
            /// The server.
            server: WebKind,
            /// The file.
            file: ServerPath,
        } => "path-not-plain" (
            "{} would not take {} as it is", .server.name(), escaped(.file.as_str())
        ),
        /// A pattern of the configuration's own takes files of ours in where they do not belong.
        TakenInElsewhere {
            /// The pattern.
            pattern: String,
            /// Where it is included.
            at: ConfigPlace,
        } => "taken-in-elsewhere" (
            "the include of {} in {at} would take in our files, too", escaped(.pattern)
        ),
        /// The main file ends in a line that is continued, so nothing can be put behind it.
        ContinuedLine {
            /// The file.
            file: ServerPath,
        } => "continued-line" ("{} ends in a line that is continued", escaped(.file.as_str())),
        /// A rule is more than one line where each is one. This is a mistake of the program.
        NotOneLine {
            /// The rule.
            rule: String,
        } => "not-one-line" ("a rule is no single line: {}", one_line(.rule)),
    }
}

family! {
    /// How what is in place differs from what is to be there.
    pub enum WebDifference {
        /// A file of ours is missing.
        FileMissing {
            /// The file.
            file: ServerPath,
        } => "file-missing" ("{} is not there", escaped(.file.as_str())),
        /// A file of ours is there, and none is to be.
        FileThere {
            /// The file.
            file: ServerPath,
        } => "file-there" ("{} is there", escaped(.file.as_str())),
        /// A file of ours has another content.
        FileChanged {
            /// The file.
            file: ServerPath,
        } => "file-changed" ("{} has another content", escaped(.file.as_str())),
        /// Lines of ours are missing.
        LinesMissing {
            /// Where they belong, as the configuration calls it.
            what: String,
            /// Where that stands.
            at: ConfigPlace,
            /// In how many more places of this file they are missing.
            more: usize,
        } => "lines-missing" ("our lines are not in {}: {at}{}", one_line(.what), and_more(*.more)),
        /// Our line is not at the end of the main file.
        LineNotAtEnd {
            /// Where the file ends.
            at: ConfigPlace,
        } => "line-not-at-end" ("our line is not at the end: {at}"),
        /// A line of ours stands where none belongs.
        StrayLine {
            /// Where it stands.
            at: ConfigPlace,
            /// How many more there are in this file.
            more: usize,
        } => "stray-line" ("a line of Stopgap is where none belongs: {at}{}", and_more(*.more)),
    }
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(", and {more} more there") }
}
