//! What of IIS's configuration cannot be read, does not work, or has no place for a rule.

use super::Reasons;
use super::family::family;
use crate::problem::one_line;

family! {
    /// What the configuration of IIS says, or keeps from being said.
    pub enum IisReason {
        /// A file that the answer needs was not read.
        FileNotRead {
            /// The file.
            file: String,
        } => "iis-file-not-read" ("{file} was not read"),
        /// A file that the answer needs is not there.
        FileMissing {
            /// The file.
            file: String,
        } => "iis-file-missing" ("{file} is not there"),
        /// A file could not be read.
        FileUnreadable {
            /// The file.
            file: String,
            /// What kept it from being read.
            why: Reasons,
        } => "iis-file-unreadable" ("{file} cannot be read: {why}"),
        /// A file is no configuration file that can be used.
        FileUnusable {
            /// The file.
            file: String,
            /// What is wrong with it.
            why: String,
        } => "iis-file-unusable" ("{file} cannot be used: {why}"),
        /// A section names a file for its content that is not beside its own.
        SourceOutside {
            /// The file with the section.
            file: String,
            /// The file that it names.
            named: String,
        } => "config-source-outside" (
            "{file}: `configSource` names `{}`, not a file beside it", one_line(.named)
        ),
        /// A section names a file for its content that is not there.
        SourceMissing {
            /// The file with the section.
            file: String,
            /// The file that it names.
            named: String,
        } => "config-source-missing" ("{named} is not there, and {file} names it"),
        /// The file that a section names for its content does not hold the section.
        SourceWithoutSection {
            /// The file that it names.
            named: String,
            /// The section.
            section: String,
        } => "config-source-without-section" ("{} does not hold {section}", one_line(.named)),
        /// A section is encrypted.
        SectionEncrypted {
            /// The file.
            file: String,
            /// The section.
            section: String,
        } => "section-encrypted" ("{file}: `{section}` is encrypted"),
        /// A section has an element that URL Rewrite does not know.
        SectionElement {
            /// The file.
            file: String,
            /// The section.
            section: String,
            /// The element.
            element: String,
        } => "section-element-unknown" (
            "{file}: `{section}` has an element `{}`", one_line(.element)
        ),
        /// A section says by an attribute what is not followed.
        SectionAttribute {
            /// The file.
            file: String,
            /// The section.
            section: String,
            /// The attribute.
            attribute: String,
        } => "section-not-followed" (
            "{file}: `{section}` has `{}`, which is not followed", one_line(.attribute)
        ),
        /// The application pools are not written in the file, or encrypted.
        PoolsElsewhere {
            /// The file.
            file: String,
            /// The attribute that says so.
            attribute: String,
        } => "pools-not-followed" (
            "{file}: its application pools have `{attribute}`, which is not followed"
        ),
        /// Two application pools have one name.
        PoolTwice {
            /// The file.
            file: String,
            /// The name.
            pool: String,
        } => "pool-twice" ("{file} has two pools named \"{}\"", one_line(.pool)),
        /// The sites have more folders than are looked at.
        TooManyFolders {
            /// The most folders.
            most: usize,
        } => "too-many-folders" ("the sites have more than {most} folders"),
        /// An application or virtual directory has no physical path.
        NoPhysicalPath {
            /// Its URL path.
            path: String,
        } => "no-physical-path" ("/{} has no physical path", one_line(.path)),
        /// Where an application or virtual directory lies is not known.
        PhysicalPathUnknown {
            /// Its URL path.
            path: String,
            /// Why not.
            why: Reasons,
        } => "physical-path-unknown" ("/{}: {why}", one_line(.path)),
        /// An application or virtual directory names no folder.
        PathEmpty => "path-empty" ("it has no physical path"),
        /// A physical path has control characters.
        PathWithControls {
            /// The path as written.
            path: String,
        } => "path-with-controls" (
            "its physical path `{}` has control characters", one_line(.path)
        ),
        /// A physical path has a variable whose value is known on the server only.
        PathVariable {
            /// The path as written.
            path: String,
            /// The variable.
            variable: String,
        } => "path-variable-unknown" (
            "its physical path `{}` has the unknown %{}%", one_line(.path), one_line(.variable)
        ),
        /// The web.config files of plain folders have more bytes than are read.
        PlainFilesTooLarge {
            /// The most MiB, of all of them together.
            most: usize,
        } => "plain-files-too-large" (
            "the web.config files of plain folders have more than {most} MiB together"
        ),
        /// There are more web.config files of plain folders than are read.
        TooManyPlainFiles {
            /// The most files.
            most: usize,
        } => "too-many-plain-files" ("plain folders have more than {most} web.config files"),
        /// A configuration file that may name programs cannot be used.
        ProgramsUnknown {
            /// Why.
            why: Reasons,
        } => "named-programs-unknown" ("whether it names a PHP is not known: {why}"),
        /// There is no site of this name.
        SiteMissing {
            /// The name.
            site: String,
        } => "site-missing" ("there is no site \"{}\"", one_line(.site)),

        /// IIS answers every request of a path with 500.19.
        Broken {
            /// What is wrong.
            fault: Box<IisReason>,
            /// The file that makes it so.
            file: String,
        } => "configuration-broken" ("the configuration is broken (500.19): {fault}, in {file}"),
        /// A section is there twice for one path.
        SectionTwice {
            /// The section.
            section: String,
        } => "section-twice" ("its section {section} is there twice for one path"),
        /// A section is used and not declared.
        SectionUndeclared {
            /// The section.
            section: String,
        } => "section-undeclared" ("section {section} is not declared"),
        /// A section stands where a file above locks it.
        SectionLocked {
            /// The section.
            section: String,
            /// The file that locks it.
            by: String,
        } => "section-locked" ("section {section} is locked by {by}"),
        /// A section stands further down than its declaration allows.
        SectionTooDeep {
            /// The section.
            section: String,
        } => "section-too-deep" ("section {section} may not appear so far down"),
        /// Two members of a collection have one name.
        NameTwice {
            /// What they are: `rules`, `preconditions` and the like.
            members: String,
            /// The name.
            name: String,
        } => "name-twice" ("two {members} are named \"{}\"", one_line(.name)),
        /// A file drops what a file above locks.
        MemberLocked {
            /// The name of what is locked.
            name: String,
        } => "member-locked" ("\"{}\" above is locked", one_line(.name)),
        /// There is more than one section `globalRules`.
        GlobalRulesTwice {
            /// The file.
            file: String,
        } => "global-rules-twice" ("{file} has two globalRules sections"),

        /// The server has no such site.
        NoSuchSite {
            /// The site's name.
            site: String,
            /// The names of the sites that are there.
            available: Vec<String>,
        } => "no-such-site" (
            "the server has no site \"{}\"; it has {}", one_line(.site), quoted(.available)
        ),
        /// The server has no site at all.
        NoSites => "no-sites" ("the server has no site"),
        /// The site has no such application, virtual directory or location.
        NoSuchPath {
            /// The site's name.
            site: String,
            /// The path.
            path: String,
        } => "no-such-path" (
            "site \"{}\" has no application or virtual directory {}", one_line(.site), one_line(.path)
        ),
        /// URL Rewrite is not installed.
        NoModule => "no-module" (
            "the URL Rewrite module is not installed: globalModules has no RewriteModule"
        ),
        /// URL Rewrite is installed and does not run for the scope.
        ModuleNotRun {
            /// The scope.
            at: String,
        } => "module-not-run" (
            "the URL Rewrite module does not run for {}: `modules` there is without it", one_line(.at)
        ),
        /// URL Rewrite is installed and does not run for a part of the scope.
        ModuleOffThere => "module-off-there" ("the URL Rewrite module does not run there"),
        /// The section is not declared, and any rule would break the site.
        SectionNotDeclared {
            /// The section.
            section: String,
        } => "section-not-declared" (
            "section {section} is not declared in configSections of applicationHost.config"
        ),
        /// A rule of the name is in the scope already.
        RuleNameTaken {
            /// The rule's name.
            name: String,
            /// The file that it is in, and where in that.
            at: String,
        } => "rule-name-taken" ("a rule \"{}\" is there already: {at}", one_line(.name)),

        /// The rules of a file are in another one, which is not written to.
        RulesElsewhere {
            /// The section.
            section: String,
            /// The file.
            file: String,
            /// The file that holds them.
            named: String,
        } => "rules-elsewhere" ("the {section} of {file} are in {}", one_line(.named)),
        /// A file drops our rule by its name: somebody means it.
        DropsByName {
            /// The file.
            file: String,
        } => "drops-by-name" ("{file} drops this rule by its name"),
        /// A file drops what it inherits, so that what stands above it has no effect there.
        Drops {
            /// The file, and whether a location of it is meant.
            by: String,
        } => "drops-inherited" ("{by} drops what is inherited"),
        /// A file drops what it inherits, and has no place for the rule itself.
        Clears {
            /// The file, and whether a location of it is meant.
            by: String,
        } => "clears-inherited" ("{by} drops what is inherited, by <clear/>"),
        /// A location drops what it inherits, and what is put there is not inherited in turn.
        ClearsForItself {
            /// The file, and whether a location of it is meant.
            by: String,
        } => "clears-for-itself" (
            "{by} drops what is inherited there, by <clear/>, but not for the applications below"
        ),
        /// Too many web.config files of plain folders drop what they inherit.
        TooManyFiles {
            /// One of them.
            file: String,
            /// How many are written to.
            most: usize,
        } => "too-many-files" (
            "{file} drops what is inherited, by <clear/>, and no more than {most} files are written to \
             for such folders"
        ),
        /// A location above locks the rules of the scope.
        LockedByLocation {
            /// The scope.
            path: String,
            /// The file.
            file: String,
        } => "locked-by-location" (
            "rules for \"{}\" are locked by a location of {file}", one_line(.path)
        ),
        /// The location of the scope has rules that are locked or do not reach all of it.
        LocationNotPlain {
            /// The scope.
            path: String,
            /// The file.
            file: String,
        } => "location-not-plain" (
            "the rules of location \"{}\" in {file} are in one that is locked or not inherited",
            one_line(.path)
        ),
        /// The scope is no folder, so that it has no file of its own.
        NoOwnFolder => "no-own-folder" ("the scope has no folder of its own"),
        /// What drops the rule comes behind every place for it.
        NothingBehind => "nothing-behind" ("no rule of the scope can stand behind that"),
        /// A file may not have the section, which is locked above it.
        FileLocked {
            /// The file.
            file: String,
        } => "file-locked" ("the section may not appear in {file}: it is locked"),
        /// A file may not have the section, which is for files above it.
        FileTooDeep {
            /// The file.
            file: String,
        } => "file-too-deep" ("the section may not appear so far down as {file}"),
        /// A file holds for a folder outside of the scope too.
        FileShared {
            /// The file.
            file: String,
            /// The folder.
            folder: String,
        } => "file-shared" ("{file} also holds for /{}, outside of the scope", one_line(.folder)),
        /// Neither a location nor the scope's own file has a place for the rule.
        NoPlaceAtAll {
            /// Why no location has.
            first: Box<IisReason>,
            /// Why the scope's own file has none.
            second: Box<IisReason>,
        } => "no-place-at-all" ("{first}, and {second}"),
        /// A rule stands in the global rules.
        InGlobalRules => "in-global-rules" (
            "the global rules of applicationHost.config come before all others, and an update of an \
             application leaves that file alone"
        ),
        /// A rule stands in a location of applicationHost.config.
        InLocation => "in-location" (
            "a location of applicationHost.config holds for the whole scope, and an update of the \
             application leaves that file alone"
        ),
        /// A rule stands in the scope's own file, because no location can have it.
        InOwnFile {
            /// Why no location has it.
            because: Box<IisReason>,
            /// The file.
            file: String,
        } => "in-own-file" (
            "{because}, so the rule stands in {file}; an update of the application may replace that file"
        ),

        /// A rule has an element that URL Rewrite does not know.
        RuleElement {
            /// The element.
            element: String,
        } => "rule-element-unknown" (
            "it has an element `{}`, which is not understood", one_line(.element)
        ),
        /// A rule has an element twice.
        RuleElementTwice {
            /// The element.
            element: String,
        } => "rule-element-twice" ("it has more than one `{element}` element"),
        /// An outbound rule has no element `match`.
        RuleWithoutMatch => "rule-without-match" ("it has no `match` element"),
        /// The action of a rule is of an unknown type.
        RuleAction {
            /// The type.
            action: String,
        } => "rule-action-unknown" ("its action is of the unknown type `{}`", one_line(.action)),
        /// The answer that a rule gives has no status.
        RuleWithoutStatus => "rule-without-status" ("its action has no `statusCode`"),
        /// The conditions of a rule have an element that URL Rewrite does not know.
        RuleCondition {
            /// The element.
            element: String,
        } => "rule-condition-unknown" ("it has a condition `{}`", one_line(.element)),
        /// The server variables of a rule have an element that URL Rewrite does not know.
        RuleVariable {
            /// The element.
            element: String,
        } => "rule-variable-unknown" (
            "its server variables have an element `{}`", one_line(.element)
        ),
        /// An attribute of a rule has a value that URL Rewrite does not know.
        RuleValue {
            /// The attribute.
            attribute: String,
            /// The value.
            value: String,
        } => "rule-value-unknown" (
            "its `{attribute}` is `{}`, which is not understood", one_line(.value)
        ),
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{}\"", one_line(name))).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}
