//! What the programs say of themselves, read from their own words.

use stopgap_model::web::{Account, WebKind};
use stopgap_model::{Reasons, ServerPath};

use crate::linux::command::CommandSpec;
use crate::linux::file_identity::FileIdentity;
use crate::linux::locked::locked;
use crate::linux::machine::LinuxHost;
use crate::web;
use crate::web::software::{BuildInfo, Variables};

impl LinuxHost {
    /// What a program says of itself; it is asked once, and again if it is another one.
    pub(crate) fn build_info(
        &self,
        kind: WebKind,
        program: &ServerPath,
        variables: &Variables,
        account: &Account,
    ) -> BuildInfo {
        let stamp = FileIdentity::of(program);
        if let Some((asked, info)) = locked(&self.build_infos).get(program)
            && *asked == stamp
        {
            return info.clone();
        }
        let info = self.ask_program(kind, program, variables, account);
        let info = info.unwrap_or_else(|why| BuildInfo::unknown(&why));
        locked(&self.build_infos).insert(program.clone(), (stamp, info.clone()));
        info
    }

    fn ask_program(
        &self,
        kind: WebKind,
        program: &ServerPath,
        variables: &Variables,
        account: &Account,
    ) -> Result<BuildInfo, Reasons> {
        self.files.require_guarded(program)?;
        let said = |argument: &str| {
            let run = CommandSpec {
                variables: variables.clone(),
                account: account.clone(),
                ..CommandSpec::new(program.as_str(), &[argument])
            };
            // Apache fails after its answer where it does not like its configuration.
            Ok(run.to_end()?.output)
        };
        web::software(kind).build_info(&said)
    }
}
