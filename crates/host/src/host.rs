//! All that a cycle asks of a machine.

use crate::services::Services;
use crate::web_servers::WebServers;

/// A machine, or a folder with the files of one: its files, its web servers, its services.
pub trait Host: WebServers {
    /// The services that run here; `None` where no service manager can be asked, as under a folder.
    fn services(&self) -> Option<&dyn Services> {
        None
    }

    /// What kind of server this is, and where; for people.
    fn name(&self) -> String;
}
