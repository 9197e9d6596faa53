//! Why a web server does not take its configuration, is not started, or does not pass its own test.

use super::Reasons;
use super::family::family;

family! {
    /// What became of testing, reloading or starting a web server.
    pub enum ReloadReason {
        /// The server's own test refuses the configuration.
        TestRefused {
            /// The program that was asked.
            program: String,
            /// The last that it said.
            said: String,
        } => "test-refused" ("{program} refuses the configuration: {said}"),
        /// The server's own test refuses the configuration as it is, without anything of ours.
        RefusedAsItIs {
            /// The program that was asked.
            program: String,
            /// The last that it said.
            said: String,
        } => "refused-as-it-is" (
            "without anything of Stopgap, {program} refuses the configuration: {said}"
        ),
        /// The server's own test could not be made, or did not end in time.
        TestNotMade {
            /// Why.
            why: Reasons,
        } => "test-not-made" ("the configuration could not be tested: {why}"),
        /// The server does not run.
        NotRunning {
            /// The server.
            server: String,
        } => "server-does-not-run" ("{server} does not run"),
        /// The server ended after it was told to take its configuration.
        GoneSince {
            /// The server.
            server: String,
        } => "gone-since-reload" ("{server} is gone since the reload"),
        /// The server did not take its configuration in the time that it has.
        NotTaken {
            /// The server.
            server: String,
            /// How long it was waited for.
            seconds: u64,
        } => "configuration-not-taken" (
            "{server} has not taken its configuration within {seconds} s"
        ),
        /// The server says in its error log why it does not take its configuration.
        RefusedInLog {
            /// The server.
            server: String,
            /// What its error log says.
            said: String,
            /// Whether nobody but root can have written that.
            certain: bool,
        } => "refused-in-log" (
            "{server} does not take its configuration: {said}{}", doubt_of_log(*.certain)
        ),
        /// The reload failed, and the error log of the server says something.
        LogSays {
            /// Why the reload failed.
            why: Reasons,
            /// What the error log says.
            said: String,
        } => "error-log-says" ("{why}; its error log says: {said}"),
        /// The server is a single process, and cannot take a configuration while it serves.
        SingleProcess {
            /// The server.
            server: String,
        } => "single-process" (
            "{server} runs as a single process, which cannot take a configuration"
        ),
        /// A service runs the server without a master.
        WithoutMaster {
            /// The service.
            service: String,
            /// The server.
            server: String,
        } => "without-master" (
            "{service} runs {server} without a master (-W), so it cannot take a configuration while it \
             serves"
        ),
        /// The server does not listen in the time that it has.
        NotListening {
            /// The server.
            server: String,
            /// How long it was waited for.
            seconds: u64,
        } => "not-listening" ("{server} does not listen within {seconds} s"),
        /// The program of the server ended when it was started.
        NotStarted {
            /// The program.
            program: String,
            /// How it ended.
            status: String,
        } => "not-started" ("{program} does not start ({status})"),
        /// The server ran as another user than root, so that Stopgap does not start it.
        StartByHand {
            /// The server.
            server: String,
            /// The account.
            account: String,
        } => "start-by-hand" (
            "{server} ran as {account} without a service manager; start it as it was started"
        ),
        /// The server has its new configuration, and processes of before still hold its sockets.
        OldProcesses {
            /// The server.
            server: String,
            /// How long they were waited for.
            seconds: u64,
            /// Their numbers.
            pids: Vec<i32>,
        } => "old-processes" (
            "{server} runs with its new configuration, and {seconds} s later processes of before still \
             hold its sockets: {}; see what keeps them, and end them: they may answer without the new \
             rules",
            numbers(.pids)
        ),
    }
}

fn doubt_of_log(certain: bool) -> &'static str {
    if certain { "" } else { " (its workers' user may write into this log too)" }
}

fn numbers(pids: &[i32]) -> String {
    pids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
}
