//! Services that are disabled.

use super::family::family;

family! {
    /// How the services of an action stand.
    pub enum ServiceReason {
        /// None of them is there.
        NoneHere {
            /// Their names.
            services: Vec<String>,
        } => "no-such-service" ("there is no service {} here", .services.join(", ")),
        /// The service manager does not say how they are.
        Unknown {
            /// Why.
            why: String,
        } => "services-unknown" ("{why}"),
        /// No service manager can be asked any more.
        NoManager => "no-service-manager" ("no service manager can be asked here any more"),
        /// One is of the closed list of those that are never disabled.
        NeverDisabled {
            /// Its name.
            service: String,
            /// Why it is on the list.
            why: String,
        } => "service-never-disabled" ("{service} is never disabled, whoever asks for it: {why}"),
        /// One of the closed list stops with it.
        NeverStopped {
            /// The service that is to be disabled.
            service: String,
            /// What stops with it.
            with: String,
            /// Why that is on the list.
            why: String,
        } => "service-never-stopped" (
            "{with} stops with {service}, and is never stopped, whoever asks for it: {why}"
        ),
        /// It cannot be disabled so that it stays so and can be given back exactly.
        NotChangeable {
            /// Its name.
            service: String,
            /// Why.
            why: String,
        } => "service-not-changeable" ("{service} is left alone: {why}"),
        /// Somebody else disabled it, and it runs still.
        RunsThoughDisabled {
            /// Its name.
            service: String,
        } => "service-runs-though-disabled" (
            "{service} is disabled by somebody else and runs: once it is stopped, it could not be started \
             again as it was; to stop it by hand is safe"
        ),
        /// They are disabled, by us.
        Disabled {
            /// Their names.
            services: Vec<String>,
        } => "services-disabled" ("disabled and stopped: {}", .services.join(", ")),
        /// They are disabled, and not by us.
        DisabledAlready {
            /// Their names.
            services: Vec<String>,
        } => "services-disabled-already" (
            "disabled and stopped already, and not by this state folder's records: {}",
            .services.join(", ")
        ),
        /// One was enabled again.
        EnabledAgain {
            /// Its name.
            service: String,
        } => "service-enabled-again" ("{service} was enabled again"),
        /// One runs again.
        StartedAgain {
            /// Its name.
            service: String,
        } => "service-started-again" ("{service} was started again"),
        /// One was told to stop and has not ended.
        StillStops {
            /// Its name.
            service: String,
        } => "service-still-stops" ("{service} was told to stop and has not ended yet"),
        /// Others stop with it.
        StopsToo {
            /// Its name.
            service: String,
            /// What needs it.
            dependents: Vec<String>,
        } => "services-stop-too" ("with {service} stop, since they need it: {}", .dependents.join(", ")),
        /// What would start it again stops with it.
        ActivatorsStop {
            /// Its name.
            service: String,
            /// The sockets, timers and paths.
            activators: Vec<String>,
        } => "activators-stop" (
            "with {service} stops what would start it again: {}", .activators.join(", ")
        ),
        /// It does not run now, so only its start is set up.
        DoesNotRun {
            /// Its name.
            service: String,
        } => "service-does-not-run" ("{service} does not run at the moment; it is kept from starting"),
        /// It was given back and does not run.
        NotStarted {
            /// Its name.
            service: String,
            /// Why.
            why: String,
        } => "service-not-started" (
            "{service} ran before it was disabled, its set-up is as it was, and it did not start again: {why}"
        ),
    }
}
