//! What a server is or has, and what that means for a mitigation.

use super::Reasons;
use super::family::family;

family! {
    /// What there is to protect on this machine.
    pub enum ServerReason {
        /// The heartbeat of a feed was read.
        Heartbeat => "heartbeat" ("the heartbeat: this cycle read it"),
        /// Services cannot be disabled yet.
        ServicesByHand {
            /// The services.
            services: Vec<String>,
        } => "services-by-hand" (
            "this version cannot disable services; by hand: {}", .services.join(", ")
        ),
        /// No application pool can be there.
        NoIis => "no-iis" ("IIS is not installed here"),
        /// No web server is there.
        NoWebServer => "no-web-server" ("no web server that this version knows is installed here"),
        /// What looks like a web server is left out, and no other one is there.
        NoneToProtect {
            /// What is left out, and why.
            left_out: String,
        } => "none-to-protect" ("no web server is here that can be protected: {left_out}"),
        /// What looks like another web server of this machine is left out.
        LeftOut {
            /// What, and why.
            left_out: String,
        } => "left-out" ("{left_out}"),
        /// The server's configuration is not known.
        Unread {
            /// Why.
            why: String,
        } => "configuration-unknown" ("{why}"),
        /// The records tell of a web server that is gone with its configuration.
        Gone => "server-gone" ("its web server is gone, with its configuration"),
        /// The records tell of a web server that is not found.
        NotFound => "server-not-found" ("the web server is not found here any more"),
        /// Two web servers take in one file.
        SharedFile {
            /// The file.
            file: String,
        } => "shared-file" ("another web server takes in {file} too"),
        /// The server refuses its configuration as it is, without anything of ours.
        Refused {
            /// What it says.
            why: String,
        } => "server-refuses-its-configuration" ("{why}"),
        /// The server does not run: nobody can ask it.
        NotRunning {
            /// The server.
            server: String,
        } => "not-running" ("{server} does not run: written, not probed"),
        /// Whether the server runs is not known, so nobody asks it.
        RunningUnknown {
            /// The server.
            server: String,
            /// Why.
            why: String,
        } => "running-unknown" ("{server} is written and not probed: {why}"),
        /// The server does not run and nothing starts it.
        Dormant {
            /// The server.
            server: String,
            /// How that is known.
            how: String,
            /// The state that it is in.
            state: String,
            /// Why.
            why: Reasons,
        } => "dormant" (
            "{server} does not run and nothing starts it ({how}), so it does not count: {state}: {why}; \
             the next check after its start looks again"
        ),
        /// None of the servers runs, and nothing starts one.
        NoneServes {
            /// Which.
            servers: Reasons,
        } => "none-serves" ("no web server serves here: {servers}"),
    }
}
