//! The plan as a whole: the decisions on every target, side by side, the changes, the report.

use crate::effective_config::EffectiveConfig;
use crate::input::Input;
use crate::planned::{Offered, Planned};
use crate::report::reports;
use crate::server_report::ServerReport;
use crate::step::Plan;
use crate::target::iis::edits::{IisChange, change as iis_change};
use crate::target::iis::{Iis, adopted, leftovers, with_adopted};
use crate::target::services::Services;
use crate::target::services::change::change as services_change;
use crate::target::web_rules::change::change as web_change;
use crate::target::web_rules::{planned as web_planned, web_targets};

/// Decides what is to be done on a server and says why, for everything done and left undone.
pub fn plan(input: &Input<'_>) -> Plan {
    let config = EffectiveConfig::new(input.snapshot);
    let adopted = adopted(input, &config);
    let installed = with_adopted(input.installed, &adopted);
    let input = &Input { installed: &installed, ..*input };
    let offered = Offered::all(input);

    let mut iis = Planned::new(Iis::new(input, &config, &adopted), input, &offered);
    let IisChange { edits, steps } = iis_change(input, &config, &mut iis);
    let mut on_iis = ServerReport::new(iis);
    on_iis.leftovers = leftovers(input, &config, &offered);
    let mut servers = vec![on_iis];

    let (mut web, mut unchanged, mut altered) = (Vec::new(), Vec::new(), Vec::new());
    for target in web_targets(input) {
        let mut planned = web_planned(target, input, &offered);
        web.extend(web_change(input, &mut planned));
        unchanged.extend(planned.target.unchanged_server());
        altered.extend(planned.target.altered_rules());
        servers.push(ServerReport::new(planned));
    }

    let mut planned = Planned::new(Services::new(input), input, &offered);
    let services = services_change(input, &mut planned);
    servers.push(ServerReport::new(planned));

    let report = reports(input, &offered, &servers);
    Plan { edits, steps, web, services, unchanged, altered, report }
}
