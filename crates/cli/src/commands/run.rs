//! `stopgap run`: the service process. A cycle at start, then every hour, until a signal.

use std::sync::mpsc::channel;

use stopgap_agent::{Session, daemon};

use crate::args::Common;
use crate::error::CliError;
use crate::signals;

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    if common.catalog.is_some() {
        return Err(CliError::usage(
            "run does not take --catalog: a service acts on nothing that is unsigned",
            "try an unsigned catalog with: stopgap check --root DIR --catalog DIR",
        ));
    }
    let setup = common.setup("run")?;
    // What is wrong with the command line or the folders ends the service now, and is not reported every
    // hour.
    drop(Session::open_read_only(setup.clone())?);
    let (wake, woken) = channel();
    signals::receive(Some(wake))?;
    daemon::run(&setup, &woken)?;
    Ok(0)
}
