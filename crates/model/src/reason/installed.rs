//! Why it is not known what is installed.

use super::Reasons;
use super::family::family;

family! {
    /// What keeps packages, Exchange or PHP from being identified.
    pub enum InstalledReason {
        /// No file says which distribution it is.
        DistributionUnknown {
            /// Why.
            why: Reasons,
        } => "distribution-unknown" ("which distribution this is is not known: {why}"),
        /// Mitigations do not name the packages of this distribution.
        DistributionNotNamed {
            /// The file that says which one it is.
            file: String,
            /// What it calls the distribution.
            id: String,
            /// The distributions whose packages are named.
            named: Vec<String>,
        } => "distribution-not-named" (
            "the packages of this distribution are not known: {file} says it is `{id}`, and mitigations \
             name those of {}",
            .named.join(", ")
        ),
        /// The database of rpm is not where a distribution with rpm has it.
        NoRpmDatabase => "no-rpm-database" ("the database of rpm is not there"),
        /// Only the rpm of the running system reads its database.
        NeedsRpm {
            /// The database.
            database: String,
        } => "needs-rpm" (
            "the packages are in {database}, which only the rpm of the running system reads"
        ),
        /// There is no rpm to ask.
        NoRpm => "no-rpm" ("there is no rpm here"),
        /// rpm does not say what is installed.
        RpmFails {
            /// Why.
            why: Reasons,
        } => "rpm-fails" ("rpm does not say what is installed: {why}"),
        /// IIS serves Exchange, and the program that carries its version is missing.
        ExchangeWithoutProgram {
            /// The program.
            program: String,
        } => "exchange-without-program" ("IIS serves Exchange, but {program} is not there"),
        /// Exchange is not in its usual folder, and the configuration of IIS, which would name another
        /// one, is not known.
        ExchangePlaceUnknown {
            /// The program that is not in the usual folder.
            program: String,
            /// Why the configuration of IIS is not known.
            why: Reasons,
        } => "exchange-place-unknown" (
            "{program} is not there, and where else Exchange may be is not known: {why}"
        ),
        /// The sites of IIS are not those of a Mailbox server.
        NotMailboxSites {
            /// The sites that a Mailbox server has, each with its folder.
            sites: Vec<String>,
        } => "not-mailbox-sites" (
            "IIS does not have both {}, as a Mailbox server has", .sites.join(" and ")
        ),
        /// The files of a Mailbox server are there without IIS's configuration.
        MailboxWithoutIis => "mailbox-without-iis" (
            "the front end's files are there, as on a Mailbox server, but IIS's applicationHost.config \
             is not"
        ),
        /// A program carries no version.
        NoVersionIn {
            /// The program.
            program: String,
            /// What is wrong with it.
            error: String,
        } => "no-version-in-program" ("{program} has no version: {error}"),
        /// The programs that IIS runs are not known.
        ProgramsUnknown {
            /// Why.
            why: Reasons,
        } => "programs-of-iis-unknown" ("which programs IIS runs is not known: {why}"),
        /// IIS names a program that is not there.
        ProgramMissing {
            /// The program.
            program: String,
        } => "program-of-iis-missing" ("IIS names {program}, which is not there"),
    }
}
