//! Which PHP programs IIS runs, and their versions: from the files alone.

use stopgap_model::Fact;
use stopgap_model::host::{Iis, NamedProgram, PhpCgi};
use stopgap_model::reason::InstalledReason;

use crate::files::Read;
use crate::host::Host;
use crate::installed::exchange::version_of;
use crate::installed::pe;

/// What is known of the PHP that an IIS of this configuration runs, where the configuration names
/// these programs.
///
/// A program that is named and cannot be looked at stays in the list with an unknown version:
/// nobody may take it for one that is not there.
#[must_use]
pub fn php_facts(host: &dyn Host, iis: &Fact<Iis>, programs: &[NamedProgram]) -> Fact<Vec<PhpCgi>> {
    match iis {
        Fact::Known(_) if programs.is_empty() => Fact::Absent,
        Fact::Known(_) => Fact::Known(programs.iter().map(|named| php(host, named)).collect()),
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::unknown(InstalledReason::ProgramsUnknown { why: why.clone() }),
    }
}

fn php(host: &dyn Host, named: &NamedProgram) -> PhpCgi {
    let path = &named.path;
    let version = match &named.doubt {
        Some(doubt) => Fact::Unknown(doubt.clone()),
        None => match host.read(path, pe::MAX_PROGRAM) {
            Read::Found(program) => version_of(&program, path),
            Read::Absent => {
                Fact::unknown(InstalledReason::ProgramMissing { program: path.as_str().to_owned() })
            }
            Read::Unreadable(why) => Fact::Unknown(why),
        },
    };
    PhpCgi { program: path.clone(), version }
}
