//! What a server is or has, and what that means for a mitigation.

use super::Reasons;
use super::family::family;

family! {
    /// What there is to protect on this machine.
    pub enum ServerReason {
        /// The heartbeat of a feed was read.
        Heartbeat => "heartbeat" ("the heartbeat: this cycle read it"),
        /// No service manager can be asked.
        ServicesByHand {
            /// The services.
            services: Vec<String>,
        } => "services-by-hand" (
            "services are disabled only on a machine that systemd manages, and on that machine itself; by hand: {}",
            .services.join(", ")
        ),
        /// No application pool can be there.
        NoIis => "no-iis" ("IIS is not installed here"),
        /// No web server is there.
        NoWebServer => "no-web-server" ("no web server that this version knows is installed here"),
        /// What looks like a web server is left out, and no other one is there.
        NoneToProtect {
            /// What is left out, and why.
            left_out: Reasons,
        } => "none-to-protect" ("no web server is here that can be protected: {left_out}"),
        /// What looks like another web server of this machine is left out.
        LeftOut {
            /// What looks like one.
            server: String,
            /// Why it is left out.
            why: Reasons,
            /// How many more are left out.
            more: usize,
        } => "left-out" ("{server} is left out: {why}{}", and_more(*.more)),
        /// The server's configuration is not known.
        Unread {
            /// Why.
            why: Reasons,
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
            why: Reasons,
        } => "server-refuses-its-configuration" ("{why}"),
        /// What the last check found, for a look that asks no server.
        AtCheck {
            /// What it found.
            why: Reasons,
            /// When that was.
            at: String,
        } => "at-check" ("{why} (at the check of {at})"),
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
            why: Reasons,
        } => "running-unknown" ("{server} is written and not probed: {why}"),
        /// The server does not run and nothing starts it.
        Dormant {
            /// The server.
            server: String,
            /// How that is known.
            how: Reasons,
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

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" (and {more} more, see stopgap facts)"),
    }
}
