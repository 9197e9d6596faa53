//! Application pools that are set not to start.

use super::Reasons;
use super::family::family;

family! {
    /// How the application pools of an action stand.
    pub enum PoolReason {
        /// None of them is there.
        NoneHere {
            /// Their names.
            pools: Vec<String>,
        } => "no-such-pool" ("there is no application pool {} here", .pools.join(", ")),
        /// They could not be read.
        Unknown {
            /// Why.
            why: Reasons,
        } => "pools-unknown" ("{why}"),
        /// They are set not to start, by us.
        SetNotToStart {
            /// Their names.
            pools: Vec<String>,
        } => "pools-set-not-to-start" ("set not to start: {}", .pools.join(", ")),
        /// They are set not to start, and not by us.
        SetNotToStartAlready {
            /// Their names.
            pools: Vec<String>,
        } => "pools-set-already" (
            "set not to start already, and the records of this state folder do not have it: {}", .pools.join(", ")
        ),
        /// One was set to start again.
        SetToStartAgain {
            /// Its name.
            pool: String,
        } => "pool-set-to-start-again" ("the pool {pool} was set to start again"),
        /// Nothing stops with a pool.
        NothingStops {
            /// Its name.
            pool: String,
        } => "no-application-in-pool" ("no application runs in {pool}"),
        /// Applications stop with a pool.
        Stops {
            /// Its name.
            pool: String,
            /// The applications.
            applications: Vec<String>,
        } => "applications-stop" ("with {pool} stop: {}", .applications.join(", ")),
        /// A pool that runs goes on until somebody stops it.
        StillRuns => "pool-still-runs" (
            "the configuration is the whole of it: a pool that runs now goes on until it is stopped by \
             hand, with appcmd stop apppool /apppool.name:NAME"
        ),
        /// Exchange starts its pools again.
        HealthManager => "exchange-health-manager" (
            "Exchange's health manager (the services MSExchangeHM and MSExchangeHMRecovery) starts pools \
             that it finds stopped: it works against this as long as it runs"
        ),
        /// Pools are set not to start for a threat that is over, and no record tells by whom.
        Idle {
            /// The action that would set them so.
            action: String,
            /// Their names.
            pools: Vec<String>,
            /// Its mitigation.
            mitigation: String,
        } => "idle-pools" (
            "set not to start, as {action} does it, and by no record of this state folder: {}; if nobody \
             else wants that, set autoStart to true; if somebody does: stopgap block {mitigation}",
            .pools.join(", ")
        ),
    }
}
