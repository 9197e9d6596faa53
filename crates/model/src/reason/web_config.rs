//! Why the configuration of a web server cannot be read as the server reads it.

use std::fmt;

use serde::Serialize;

use super::Reasons;
use super::family::family;
use crate::problem::{escaped, one_line};
use crate::server_path::ServerPath;

family! {
    /// What is wrong with a configuration, or more than is looked at.
    pub enum ConfigFault {
        /// A file includes itself, over others or by itself.
        IncludesItself {
            /// The file.
            file: ServerPath,
        } => "config-includes-itself" ("{} includes itself", escaped(.file.as_str())),
        /// With what is included several times there are more bytes than are gone through.
        TooManyBytes {
            /// The most bytes.
            most: usize,
        } => "config-too-many-bytes" ("with all includes it has more than {most} bytes"),
        /// Includes are nested deeper than they are followed.
        TooDeep {
            /// The most includes inside of each other.
            most: usize,
        } => "config-too-deep" ("includes are more than {most} deep there"),
        /// A file that is included is not there.
        Missing {
            /// The file.
            file: ServerPath,
        } => "config-missing" ("{} is not there", escaped(.file.as_str())),
        /// A file that is included cannot be read.
        Unreadable {
            /// The file.
            file: ServerPath,
            /// Why.
            why: Reasons,
        } => "config-unreadable" ("{} cannot be read: {why}", escaped(.file.as_str())),
        /// The file itself is not there.
        Absent => "config-absent" ("it is not there"),
        /// The file itself cannot be read.
        CannotBeRead {
            /// Why.
            why: Reasons,
        } => "config-cannot-be-read" ("it cannot be read: {why}"),
        /// What a pattern of files matches cannot be listed.
        PatternNotKnown {
            /// The pattern.
            pattern: String,
            /// Why.
            why: Reasons,
        } => "config-pattern-not-known" ("what {} matches is not known: {why}", escaped(.pattern)),
        /// Files that the configuration names were not read yet. This is a mistake of the program.
        NotReadYet => "config-not-read-yet" ("not all of the files that it includes were read yet"),
        /// The path of the main file has characters that are a pattern to the server.
        PathIsPattern => "config-path-is-pattern" ("its path has a character of patterns"),
        /// More server blocks than are looked at.
        TooManyBlocks {
            /// The most blocks.
            most: usize,
        } => "config-too-many-blocks" ("there are more than {most} blocks of servers up to here"),
        /// More virtual hosts than are looked at.
        TooManyHosts {
            /// The most virtual hosts.
            most: usize,
        } => "config-too-many-hosts" ("there are more than {most} virtual hosts up to here"),
        /// More frontends than are looked at.
        TooManyFrontends {
            /// The most frontends.
            most: usize,
        } => "config-too-many-frontends" ("there are more than {most} frontends up to here"),
        /// The file ends inside of a statement.
        UnfinishedStatement => "config-unfinished-statement" (
            "the last statement has no `;` and no block"
        ),
        /// A character stands where none of its kind can be.
        Unexpected {
            /// The character.
            character: char,
        } => "config-unexpected" ("`{character}` is not expected here"),
        /// A block of Lua has no end.
        OpenLua => "config-open-lua" ("the block of Lua has no end"),
        /// A quote has no end.
        OpenQuote => "config-open-quote" ("a quote has no end"),
        /// Something stands right behind a quoted word.
        BehindQuote => "config-behind-quote" ("something stands right behind a quoted word"),
        /// A block has no end.
        OpenBlock => "config-open-block" ("the block that begins here has no `}}`"),
        /// A `}` closes nothing.
        ClosesNothing => "config-closes-nothing" ("this `}}` closes no block of this file"),
        /// A section has no end.
        OpenSection {
            /// The section's name, with its `<`.
            section: String,
        } => "config-open-section" ("the section {}> has no end", one_line(.section)),
        /// The end of a section is none of a section that is open.
        EndsNoSection {
            /// The section's name.
            section: String,
        } => "config-ends-no-section" (
            "</{}> ends no section that is open here", one_line(.section)
        ),
        /// Sections are nested deeper than is looked at.
        SectionsTooDeep {
            /// The most sections inside of each other.
            most: usize,
        } => "config-sections-too-deep" ("sections are more than {most} deep here"),
        /// An `include` has another number of words than one.
        IncludeWords => "config-include-words" ("`include` names one file or pattern"),
        /// The path of an include is not UTF-8.
        IncludeNotUtf8 => "config-include-not-utf8" ("the path of the include is not UTF-8"),
        /// An include names nothing.
        EmptyInclude => "config-empty-include" ("the include names nothing"),
        /// A macro has no name or no end.
        OpenMacro => "config-open-macro" ("the macro has no name or no end"),
        /// A parameter of a macro has a longer name than is looked at.
        LongParameter {
            /// The most bytes.
            most: usize,
        } => "config-long-parameter" (
            "a parameter of the macro has a name of more than {most} bytes"
        ),
        /// Variables make a line longer than is looked at.
        LongLine {
            /// The most bytes that variables may put in.
            most: usize,
        } => "config-long-line" ("its variables put more than {most} bytes into this line"),
        /// A macro is used that is not defined.
        UnknownMacro {
            /// Its name.
            name: String,
        } => "config-unknown-macro" ("the macro {} is not defined here", one_line(.name)),
        /// A macro uses itself, or uses are nested deeper than is looked at.
        MacroInMacro {
            /// Its name.
            name: String,
        } => "config-macro-in-macro" (
            "the macro {} uses itself, or uses of macros are too deep", one_line(.name)
        ),
        /// A macro is used with another number of words than it has parameters.
        MacroWords {
            /// Its name.
            name: String,
        } => "config-macro-words" ("the macro {} is used with another number of words", one_line(.name)),
    }
}

/// A fault with the place where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigTrouble {
    /// The file.
    pub path: ServerPath,
    /// The line, from 1; `None` if it is about the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong.
    #[serde(flatten)]
    pub what: ConfigFault,
}

impl ConfigTrouble {
    /// The codes of all faults.
    pub const CODES: &'static [&'static str] = ConfigFault::CODES;

    /// The stable code of the fault, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.what.code()
    }
}

/// The place, and what is wrong there.
impl fmt::Display for ConfigTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escaped(self.path.as_str()))?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        // What a configuration says may be part of the sentence.
        write!(f, ": {}", escaped(&self.what.to_string()))
    }
}

impl std::error::Error for ConfigTrouble {}
