//! A throwaway host with the program in it, a mitigation, and what an attacker is after.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use stopgap_testkit::denying;
use stopgap_testkit::throwaway::{MALLORY, Said, ThrowawayHost};

use crate::common::{Run, program};

/// What only root can make: it is there if something of an attacker's ran as root.
pub(crate) const BETRAYED: &str = "/root/betrayed";
/// A file that only root may read and write; it would do as a site of nginx.
pub(crate) const PRIVATE: &str = "/root/private.conf";
/// What is in it, and nowhere else.
pub(crate) const SECRET: &str = "hunter2-of-root";
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The site of the host's real server; a hosting customer has a folder for his own.
const SITE: &str = "server { listen 80 default_server; location / { return 200; } }\n\
                    include /home/mallory/sites/*.conf;\n";

/// A library whose loading makes a file: as root, or nowhere.
const EVIL: &str = "#include <fcntl.h>\n#include <unistd.h>\n\
    __attribute__((constructor)) static void evil(void) {\n\
    close(open(\"/root/betrayed\", O_CREAT | O_WRONLY, 0644)); }\n";

pub(crate) struct Scene {
    pub(crate) host: ThrowawayHost,
}

impl Scene {
    pub(crate) fn boot() -> Option<Self> {
        let host = ThrowawayHost::boot()?;
        host.install(Path::new(program()), "/usr/local/bin/stopgap");
        host.write("/root/catalog/document.toml", denying(r#""abort""#, "/"), 0o644);
        host.write("/root/policy.toml", "", 0o644);
        // What is installed counts as a server; those that are not tried are put aside.
        let aside = "for name in nginx apache2 haproxy; do \
                     [ ! -d /etc/$name ] || mv /etc/$name /etc/$name.aside; done";
        host.shell(aside).expect_success();
        Some(Self { host })
    }

    /// `stopgap` with these arguments, as root.
    pub(crate) fn stopgap(&self, arguments: &str) -> Run {
        let place = "--json --state /var/lib/stopgap-test --policy /root/policy.toml \
                     --catalog /root/catalog --unsigned";
        let said = self.shell(&format!("/usr/local/bin/stopgap {place} {arguments}"));
        Run { code: said.code, out: said.out, err: said.err }
    }

    pub(crate) fn shell(&self, script: &str) -> Said {
        self.host.shell(script)
    }

    pub(crate) fn as_user(&self, user: &str, script: &str) -> Said {
        self.host.shell_as(user, script)
    }

    pub(crate) fn has(&self, program: &str) -> bool {
        Path::new("/usr/sbin").join(program).is_file()
    }

    /// Starts the real server, whose customer the attacker is.
    pub(crate) fn customers_server(&self) {
        self.shell("mv /etc/nginx.aside /etc/nginx").expect_success();
        self.host.write("/etc/nginx/sites-available/default", SITE, 0o644);
        let secret = format!("# {SECRET}\nserver {{ listen 127.0.0.1:9999; return 200; }}\n");
        self.host.write(PRIVATE, secret, 0o600);
        self.as_user(MALLORY, "mkdir ~/sites; chmod 755 ~").expect_success();
        self.shell("systemctl start nginx").expect_success();
        self.wait_for(&[80], "the real server");
    }

    /// Builds the attacker's library; `false` where there is no compiler.
    pub(crate) fn build_evil(&self) -> bool {
        self.host.write("/srv/evil.c", EVIL, 0o644);
        let built = self.shell("cc -shared -fPIC -o /srv/evil.so /srv/evil.c && chmod 755 /srv");
        built.code == 0
    }

    /// The files that are root's, by their paths.
    pub(crate) fn trusted_files(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        let paths = [PRIVATE, "/etc/nginx/nginx.conf", "/etc/nginx/sites-available/default"];
        paths.iter().map(|path| ((*path).to_owned(), self.host.read(path))).collect()
    }

    /// The files below the folders or of the names that these words of the shell stand for: whose
    /// they are, what may be done with them, and what is in them.
    pub(crate) fn files_of(&self, words: &str) -> String {
        let facts = format!("find {words} -printf '%p %u:%g %m %l\\n' | sort");
        let bytes = format!("find {words} -type f -print0 | sort -z | xargs -0 sha256sum");
        self.shell(&format!("{facts}; {bytes}")).expect_success().out
    }

    pub(crate) fn wait_for(&self, ports: &[u16], name: &str) {
        let start = Instant::now();
        while ports.iter().any(|port| self.host.get(*port, "/") != 200) {
            assert!(start.elapsed() < PATIENCE, "{name}: {ports:?} does not answer");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends what the user left running in the host; what root started goes on.
    pub(crate) fn end_all_of(&self, user: &str) {
        let _ = self.shell(&format!(
            "for pid in $(ps -u {user} -o pid=); do \
            case $(cat /proc/$pid/cgroup) in *user.slice*) kill -KILL $pid;; esac; done"
        ));
    }

    /// Nothing is known any more of what was done.
    pub(crate) fn forget(&self) {
        self.shell("rm -rf /var/lib/stopgap-test").expect_success();
        self.host.write("/root/policy.toml", "", 0o644);
    }
}
