//! Files that a web server's configuration names, read with the rights of whoever names them.

use stopgap_fs::Writers;
use stopgap_model::Reasons;
use stopgap_model::ServerPath;
use stopgap_model::web::WebServer;

use crate::files::Read;
use crate::linux::machine::LinuxHost;
use crate::linux::read_as::with_files_of;
use crate::unix_files::Followed;
use crate::web_servers::NamedFile;

impl LinuxHost {
    pub(crate) fn read_on(
        &self,
        server: &WebServer,
        word: Writers,
        path: &ServerPath,
        max: u64,
    ) -> NamedFile {
        let account = self.readers.account(&self.files, server, word);
        let reached = with_files_of(&account, || self.files.reach(path, max));
        match reached.map_err(Reasons::from).and_then(|reached| reached) {
            Ok(Followed { real, read, writers }) => {
                let (writers, owner) = writers.unwrap_or((Writers::Root, 0));
                let is_theirs = word == Writers::Root || word == Writers::User(owner);
                self.readers.note(&real, is_theirs);
                NamedFile { real: Ok(real), read, writers, is_theirs }
            }
            Err(why) => {
                let read = Read::Unreadable(why.clone());
                NamedFile { real: Err(why), read, writers: Writers::Several, is_theirs: false }
            }
        }
    }
}
