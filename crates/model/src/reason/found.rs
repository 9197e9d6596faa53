//! How web servers are found on this machine: why one is left out, or not known to be started so.

use super::Reasons;
use super::family::family;

family! {
    /// Why a web server is left out, in doubt, or not started by anything.
    pub enum FoundReason {
        /// It is not known how the server is started.
        StartUnknown {
            /// Why.
            why: Reasons,
        } => "start-unknown" (
            "it is not known how it is started: {why}; a [[web.server]] in policy.toml settles it, by \
             `unit`, `user` or `arguments`"
        ),
        /// Others than root have a say in how the server is started.
        NotRootsAlone {
            /// Why.
            why: Reasons,
        } => "not-roots-alone" ("not only root says what it is: {why}"),
        /// The variables of its start are not taken.
        VariablesNotTaken {
            /// Why.
            why: Reasons,
        } => "variables-not-taken" ("its variables are not taken: {why}"),

        /// The service manager does not say how a unit is started.
        UnitUnknown {
            /// The unit.
            unit: String,
            /// Why.
            why: Reasons,
        } => "unit-unknown" ("the service manager does not say how {unit} is started: {why}"),
        /// The unit that policy.toml names is not there.
        UnitMissing {
            /// The unit.
            unit: String,
        } => "unit-missing" ("the unit {unit}, which policy.toml names, is not there"),
        /// policy.toml names a unit, and the machine has no systemd.
        NoSystemd {
            /// The unit.
            unit: String,
        } => "no-systemd" (
            "policy.toml names the unit {unit}, and no systemd manages this machine"
        ),
        /// Nothing starts the unit.
        UnitOff {
            /// The unit.
            unit: String,
            /// Its state: `disabled`, `masked`.
            state: String,
        } => "unit-off" ("{unit} is {state}"),
        /// The unit of the package is not there, or masked.
        UnitNotThere {
            /// The unit.
            unit: String,
        } => "unit-not-there" ("{unit} is not there or is masked"),
        /// The unit is active, and its server is not found.
        UnitWithoutServer {
            /// The unit.
            unit: String,
        } => "unit-without-server" (
            "{unit} is active, and none of its processes is known to be the server"
        ),
        /// The unit is not started by one command.
        UnitCommands {
            /// The unit.
            unit: String,
            /// How many commands start it.
            count: usize,
        } => "unit-commands" ("{unit} is started by {count} commands (ExecStart=), not by one"),
        /// What the unit starts does not serve.
        UnitDoesNotServe {
            /// The unit.
            unit: String,
        } => "unit-does-not-serve" ("what {unit} starts does not serve (ExecStart=)"),
        /// The unit starts the server by a program that is not known.
        UnitProgram {
            /// The unit.
            unit: String,
            /// The program.
            program: String,
        } => "unit-program-unknown" (
            "{unit} starts it by {program}, which is no web server's program"
        ),
        /// The unit starts the server by a script in a way that is not followed.
        UnitScript {
            /// The unit.
            unit: String,
            /// The script with its arguments.
            command: String,
        } => "unit-script" ("{unit} starts it by {command}"),
        /// The start script takes another file of variables.
        UnitEnvvars {
            /// The unit.
            unit: String,
        } => "unit-envvars" ("{unit} has another file of variables (APACHE_ENVVARS)"),
        /// The variables of the unit are not known.
        UnitVariables {
            /// The unit.
            unit: String,
            /// Why.
            why: Reasons,
        } => "unit-variables" ("the variables of {unit} (EnvironmentFile=): {why}"),
        /// The machine does not know the user or the group of the unit.
        UnitAccount {
            /// The unit.
            unit: String,
            /// `user` or `group`.
            what: String,
            /// Its name.
            name: String,
        } => "unit-account-unknown" ("the {what} {name} of {unit} is not known here"),
        /// The unit sees another root folder than the machine's.
        UnitRoot {
            /// The unit.
            unit: String,
        } => "unit-own-root" ("{unit} has a root folder of its own (RootDirectory=, RootImage=)"),
        /// The unit was made at run time, without a file.
        UnitWithoutFile {
            /// The unit.
            unit: String,
        } => "unit-without-file" ("{unit} has no file"),

        /// The arguments in policy.toml are of a program that does not serve.
        DeclaredDoesNotServe => "declared-does-not-serve" (
            "its `arguments` in policy.toml are of one that does not serve"
        ),
        /// The machine does not know the user that policy.toml names.
        DeclaredUser {
            /// The user.
            user: String,
        } => "declared-user-unknown" (
            "the user {user}, whom policy.toml names, is not known here"
        ),
        /// policy.toml says that another process serves with this configuration.
        DeclaredOtherwise => "declared-otherwise" (
            "policy.toml says of its configuration that another one serves with it"
        ),

        /// The process calls itself a web server, and its program has another name.
        Renamed {
            /// The kind of web server.
            server: String,
        } => "program-renamed" (
            "its program has no name that a {server} has, though it calls itself one; to have it \
             protected, name it as `program` of a [[web.server]] in policy.toml"
        ),
        /// Somebody other than root may have started the process.
        MayBeUsers {
            /// The user.
            user: String,
        } => "may-be-a-users" (
            "{user} may have started it, and only root says which servers there are: a unit of the \
             system's, or a [[web.server]] in policy.toml with `user`"
        ),
        /// Nothing of root's says that the process is a server.
        NotStartedByRoot => "not-started-by-root" (
            "root did not start it, and no unit or policy.toml says so"
        ),
        /// The process runs as another user than the unit is started as.
        NotUnitsUser {
            /// The unit.
            unit: String,
        } => "not-the-units-user" (
            "it does not run as the user that {unit} is started as; without a master (HAProxy's -W) \
             nothing tells it from one that only poses"
        ),
        /// The process executes another program than the unit starts.
        NotUnitsProgram {
            /// The unit.
            unit: String,
            /// The program that the unit starts.
            program: String,
        } => "not-the-units-program" (
            "its program is not the one that {unit} starts, {program}"
        ),
        /// The process listens, and what started it is gone or does not serve.
        StillListens => "still-listens" (
            "it still listens, and nothing that is known to serve has started it"
        ),
        /// The process is in a user namespace of its own.
        InUserNamespace => "in-user-namespace" (
            "it runs in a user namespace of its own, as in a container"
        ),
        /// The process is in a container.
        InContainer => "in-container" ("it runs in a container"),
        /// The process sees another root folder.
        OwnRoot => "own-root-folder" ("its root folder is not this machine's"),
        /// The process has mounts of its own.
        OwnMounts => "own-mounts" ("it has mounts of its own and is no unit of the system's"),
        /// A path leads the process to another file than it leads Stopgap to.
        OtherFile {
            /// The path.
            file: String,
        } => "other-file-there" (
            "{file} is another file for it than it is here, as it has mounts of its own"
        ),
        /// The program of the process cannot be looked at.
        ProgramNotSeen {
            /// The program.
            program: String,
            /// What the operating system says.
            error: String,
        } => "program-not-seen" ("its program {program} cannot be looked at: {error}"),
        /// Others than root may write the program of the process.
        ProgramWritable {
            /// The program.
            program: String,
        } => "program-writable" ("others than root may write its program, {program}"),
        /// The process executes another file than the one of this name.
        NotThisProgram {
            /// The program.
            program: String,
        } => "not-this-program" ("its program is not the file {program} of this machine"),
    }
}
