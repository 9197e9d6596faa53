//! Why a program, a process or the service manager of a server does not say or do what it is asked.

use super::family::family;

family! {
    /// What became of asking a program or a process.
    pub enum ProgramReason {
        /// The program cannot be started.
        NotRun {
            /// Its path.
            program: String,
            /// What the operating system says.
            error: String,
        } => "program-not-run" ("{program} cannot be run: {error}"),
        /// What gives root's rights away cannot be started.
        RightsNotGivenAway {
            /// The account with whose rights a program was to run.
            account: String,
            /// What the operating system says.
            error: String,
        } => "rights-not-given-away" (
            "/usr/bin/setsid and /usr/bin/setpriv, which give root's rights away for those of {account}, \
             cannot be run: {error}"
        ),
        /// Files cannot be looked at with the rights of an account.
        RightsNotTaken {
            /// The account.
            account: String,
            /// What the operating system says.
            error: String,
        } => "rights-not-taken" (
            "root's rights cannot be given away for those of {account}: {error}"
        ),
        /// The program was ended because it took too long.
        NotInTime {
            /// Its path.
            program: String,
            /// How long it was waited for.
            seconds: u64,
        } => "program-not-in-time" ("{program} did not end within {seconds} s"),
        /// Nobody waits for it any longer: the cycle is to end.
        NotAwaited {
            /// The program or the server.
            what: String,
        } => "not-awaited" ("{what} is not waited for any longer"),
        /// The kernel does not say how a program ended.
        Lost {
            /// What the operating system says.
            error: String,
        } => "program-lost" ("a program cannot be waited for: {error}"),
        /// The program says that it failed.
        Failed {
            /// The program, with its arguments.
            command: String,
            /// The last that it said.
            said: String,
        } => "command-failed" ("{command}: {said}"),
        /// The program ended with a status of failure.
        FailedWith {
            /// Its path.
            program: String,
            /// How it ended.
            status: String,
        } => "program-failed" ("{program} failed ({status})"),
        /// The program says more than is read.
        SaysTooMuch {
            /// Its path.
            program: String,
            /// The most bytes.
            max: u64,
        } => "program-says-too-much" ("{program} says more than {max} bytes"),
        /// The program says nothing in the time that it has.
        Silent {
            /// Its path.
            program: String,
            /// How long it was waited for.
            seconds: u64,
        } => "program-silent" ("{program} says nothing for {seconds} seconds"),
        /// What the program says cannot be read.
        NotHeard {
            /// Its path.
            program: String,
            /// What the operating system says.
            error: String,
        } => "program-not-heard" ("{program} cannot be heard: {error}"),
        /// What the program says is not what its documentation promises.
        NotUnderstood {
            /// Its path.
            program: String,
            /// What is wrong with it.
            error: String,
        } => "answer-not-understood" ("what {program} says is not understood: {error}"),
        /// The program leaves out what is asked.
        DoesNotSay {
            /// The program.
            program: String,
            /// What is asked.
            what: String,
        } => "program-does-not-say" ("{program} does not say {what}"),
        /// Only files are here: no program is run, and no server has tested its configuration.
        OnlyFiles => "only-files" (
            "only its files are here, so that no program was run and no server has tested it"
        ),
        /// The processes of the machine cannot be listed.
        NoProcesses {
            /// What the operating system says.
            error: String,
        } => "processes-unknown" ("cannot list /proc: {error}"),
        /// Whoever is not root does not see the programs of other users.
        NeedsRoot => "needs-root" ("only root sees which programs other users run"),
        /// A process ended while it was looked at.
        Gone {
            /// Its number.
            pid: i32,
        } => "process-gone" ("process {pid} is gone"),
        /// The kernel does not deliver a signal.
        NotSignalled {
            /// The number of the process.
            pid: i32,
            /// What the operating system says.
            error: String,
        } => "process-not-signalled" ("process {pid} cannot be signalled: {error}"),
        /// An argument of the process is not UTF-8.
        ArgumentNotText => "argument-not-text" ("an argument of it is no text"),
        /// What the process wrote over its arguments is as long as it can be, so its end may be missing.
        ShortTitle => "title-cut-off" ("its title has no room for all of its arguments"),
        /// What nginx wrote over its arguments can be read in several ways.
        TitleInDoubt {
            /// What is not said without a doubt.
            what: String,
        } => "title-in-doubt" ("its title does not say without a doubt what {what}"),
    }
}
