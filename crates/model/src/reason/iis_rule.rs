//! What is on IIS of a rule that an action asks for.

use super::Reasons;
use super::family::family;

family! {
    /// How a rule of URL Rewrite stands on IIS.
    pub enum IisRuleReason {
        /// The name of our rule is taken.
        NameTaken {
            /// The name.
            rule: String,
            /// Where.
            at: String,
        } => "name-taken" ("the rule name `{rule}` is taken by something else: {at}"),
        /// Something of ours was taken out.
        Gone {
            /// What.
            what: String,
            /// From where.
            at: String,
        } => "rule-gone" ("{what} is gone from {at}"),
        /// The file that something of ours was in is gone.
        GoneWithFile {
            /// What.
            what: String,
            /// The file.
            file: String,
        } => "rule-gone-with-file" ("{what} is gone with {file}"),
        /// Something of ours cannot be read any more.
        Unreadable {
            /// What.
            what: String,
            /// Why.
            why: Reasons,
        } => "rule-unreadable" ("{what} cannot be read: {why}"),
        /// Something of ours was disabled.
        Disabled {
            /// What.
            what: String,
        } => "rule-disabled" ("{what} was disabled"),
        /// Something of ours was edited.
        Edited {
            /// What.
            what: String,
            /// What of it is another now; empty if that cannot be told.
            changed: Vec<String>,
        } => "rule-edited" ("{what} was edited{}", changed_are(.changed)),
        /// The module of IIS does not run at a place.
        ModuleOff {
            /// The place.
            at: String,
        } => "module-off" ("the URL Rewrite module does not run for {at}"),
        /// The rules of a place could not be read.
        OutboundUnknown {
            /// The place.
            at: String,
            /// Why.
            why: Reasons,
        } => "outbound-rules-unknown" ("the outbound rules of {at} are not known: {why}"),
        /// The rule sets a variable that rules of the place may not set.
        VariableForbidden {
            /// The variable.
            variable: String,
            /// The place.
            at: String,
        } => "variable-forbidden" ("the rule may not set {variable} for {at}"),
        /// With the rule a place would answer every request with an error.
        Answers500 {
            /// The variable.
            variable: String,
            /// The place.
            at: String,
        } => "would-answer-500" ("{at} would answer 500: rules there may not set {variable}"),
        /// A file drops the rule by its name.
        DroppedByName {
            /// The place.
            at: String,
            /// The file.
            file: String,
        } => "rule-dropped-by-name" ("the rule has no effect on {at}: {file} drops it by its name"),
        /// A file drops all rules that it inherits.
        DroppedByClear {
            /// The place.
            at: String,
            /// The file.
            file: String,
        } => "rule-dropped-by-clear" (
            "the rule has no effect on {at}: {file} drops what it inherits, by <clear/>"
        ),
        /// The rule is not in effect at a place.
        WithoutEffect {
            /// The place.
            at: String,
        } => "rule-without-effect" ("the rule has no effect on {at}"),
        /// Whether the rule is in effect at a place is not known.
        EffectUnknown {
            /// The place.
            at: String,
            /// Why.
            why: Reasons,
        } => "effect-unknown" ("whether it holds for {at} is not known: {why}"),
        /// IIS refuses the configuration of a place.
        Broken {
            /// The place; `None` where the sentence names it.
            at: Option<String>,
            /// Why.
            why: Reasons,
        } => "iis-configuration-broken" ("{}{why}", with_colon(.at)),
        /// The places of a scope are not known.
        PlacesUnknown {
            /// Why.
            why: Reasons,
        } => "iis-places-unknown" ("{why}"),
        /// A part of the scope is not reached.
        NotReached {
            /// The part.
            at: String,
            /// Why.
            why: Reasons,
        } => "scope-not-reached" ("not for {at}: {why}"),
        /// There is no place for the rule.
        NoPlace {
            /// Why.
            why: Reasons,
        } => "no-place-for-rule" ("{why}"),
        /// A rule with our name says what ours would say.
        SameUnderOurName {
            /// The rule.
            rule: String,
        } => "same-rule-without-record" (
            "the rule `{rule}` is there, but the records of this state folder do not have it"
        ),
        /// A rule of others protects.
        OtherDoesIt {
            /// The rule.
            rule: String,
            /// What to know of it.
            remark: Option<String>,
        } => "other-rule-does-it" (
            "the rule `{rule}` does the same; it is not ours and is left alone{}", in_brackets(.remark)
        ),
        /// Several rules of others protect.
        OthersDoIt {
            /// The rules.
            rules: Vec<String>,
            /// Whether it takes more than one of them to do it everywhere.
            together: bool,
            /// What to know of them.
            remark: Option<String>,
        } => "other-rules-do-it" (
            "the rules {} {}do the same; they are not ours and are left alone{}",
            super::quoted(.rules), if *.together { "together " } else { "" }, in_brackets(.remark)
        ),
        /// Rules of others say the same and do not protect.
        OthersWithoutEffect {
            /// The rules.
            rules: Vec<String>,
            /// Why.
            why: Reasons,
        } => "other-rules-without-effect" (
            "{} says the same, but has no effect: {why}", super::quoted(.rules)
        ),
        /// A rule of others would protect if it were not disabled.
        OtherDisabled {
            /// The rule.
            rule: String,
        } => "other-rule-disabled" ("the rule `{rule}` would do it, but is disabled"),
        /// A rule of others protects from what the one before it lets reach it.
        OtherBehind {
            /// The rule.
            rule: String,
            /// The rule before it.
            first: String,
        } => "other-rule-behind" (
            "the rule `{rule}` does it, but comes after `{first}`, which lets some requests through"
        ),
        /// A rule of others protects a part of the scope.
        OtherElsewhere {
            /// The rule.
            rule: String,
            /// A place that it does not protect.
            at: String,
        } => "other-rule-elsewhere" ("the rule `{rule}` does it, but not for {at}"),
        /// A rule of others protects from less.
        OtherFallsShort {
            /// The rule.
            rule: String,
            /// What it does not do.
            why: String,
        } => "other-rule-falls-short" ("the rule `{rule}` does not do all of it: {why}"),
        /// Why a rule stands where it stands.
        PlacedThere {
            /// Why.
            why: Reasons,
        } => "placed-there" ("placed there because {why}"),
        /// A rule keeps IIS from its fastest cache.
        TurnsOffCache {
            /// The variables that it asks.
            variables: Vec<String>,
            /// For which scope.
            scope: String,
        } => "turns-off-kernel-cache" (
            "it looks at {}, which turns off kernel-mode output caching for {scope}",
            .variables.join(", ")
        ),
        /// A folder was searched, and perhaps not all of it.
        IncompletelyScanned {
            /// The folder.
            folder: String,
            /// Why.
            why: Reasons,
        } => "incompletely-scanned" ("web.config files below {folder} are perhaps not all known: {why}"),
        /// Something with our name is there and in no record.
        Stray {
            /// The name.
            rule: String,
            /// Where.
            at: String,
        } => "stray-rule" (
            "`{rule}` is there, and in no record of this state folder: it has to be taken out by hand \
             ({at})"
        ),
        /// A mitigation was removed, and something with its name is still there.
        RemovedButStray {
            /// The name.
            rule: String,
            /// Where.
            at: String,
        } => "removed-but-stray" (
            "but `{rule}` is there, and in no record of this state folder: it has to be taken out by \
             hand ({at})"
        ),
        /// Something with our name is there, and nothing says what it is.
        UnknownName => "unknown-name" (
            "nothing in this catalog or in this state folder's records is called so"
        ),
        /// Something of ours that the catalog does not ask for is not whole any more.
        PartGone => "part-gone" ("something of it is gone"),
    }
}

fn changed_are(changed: &[String]) -> String {
    if changed.is_empty() { String::new() } else { format!(", namely {}", changed.join(" and ")) }
}

fn with_colon(at: &Option<String>) -> String {
    at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default()
}

fn in_brackets(remark: &Option<String>) -> String {
    remark.as_ref().map(|remark| format!(" ({remark})")).unwrap_or_default()
}
