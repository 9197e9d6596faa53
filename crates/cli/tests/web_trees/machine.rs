//! The disk of a Debian machine with the three web servers, as their packages lay them out.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::{Run, stopgap};

static COUNT: AtomicU32 = AtomicU32::new(0);

pub(crate) const NGINX_CONF: &str = "\
user www-data;
worker_processes auto;
pid /run/nginx.pid;
include /etc/nginx/modules-enabled/*.conf;

events {
\tworker_connections 768;
}

http {
\tsendfile on;
\tinclude /etc/nginx/mime.types;
\tdefault_type application/octet-stream;
\tssl_protocols TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE
\taccess_log /var/log/nginx/access.log;
\tgzip on;
\tinclude /etc/nginx/conf.d/*.conf;
\tinclude /etc/nginx/sites-enabled/*;
}
";

pub(crate) const NGINX_SITE: &str = "\
# Default server configuration
server {
\tlisten 80 default_server;
\tlisten [::]:80 default_server;
\troot /var/www/html;
\tserver_name _;
\tlocation / {
\t\ttry_files $uri $uri/ =404;
\t}
}
";

const APACHE_CONF: &str = "\
DefaultRuntimeDir ${APACHE_RUN_DIR}
PidFile ${APACHE_PID_FILE}
User ${APACHE_RUN_USER}
Group ${APACHE_RUN_GROUP}
ErrorLog ${APACHE_LOG_DIR}/error.log
IncludeOptional mods-enabled/*.load
IncludeOptional mods-enabled/*.conf
Include ports.conf
<Directory />
\tOptions FollowSymLinks
\tAllowOverride None
\tRequire all denied
</Directory>
<Directory /var/www/>
\tRequire all granted
</Directory>
AccessFileName .htaccess
IncludeOptional conf-enabled/*.conf
IncludeOptional sites-enabled/*.conf
";

const APACHE_SITE: &str = "\
<VirtualHost *:80>
\tServerAdmin webmaster@localhost
\tDocumentRoot /var/www/html
\tErrorLog ${APACHE_LOG_DIR}/error.log
</VirtualHost>
";

const ENVVARS: &str = "\
unset HOME
if [ \"${APACHE_CONFDIR##/etc/apache2-}\" != \"${APACHE_CONFDIR}\" ] ; then
\tSUFFIX=\"-${APACHE_CONFDIR##/etc/apache2-}\"
else
\tSUFFIX=
fi
: ${APACHE_RUN_USER:=www-data}
export APACHE_RUN_USER
: ${APACHE_RUN_GROUP:=www-data}
export APACHE_RUN_GROUP
export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid
export APACHE_RUN_DIR=/var/run/apache2$SUFFIX
export APACHE_LOCK_DIR=/var/lock/apache2$SUFFIX
export APACHE_LOG_DIR=/var/log/apache2$SUFFIX
";

pub(crate) const HAPROXY_CFG: &str = "\
global
\tlog /dev/log local0
\tchroot /var/lib/haproxy
\tuser haproxy
\tgroup haproxy
\tdaemon

defaults
\tmode http
\toption httplog
\ttimeout connect 5000
\ttimeout client 50000
\ttimeout server 50000

frontend www
\tbind :80
\tdefault_backend app

backend app
\tserver one 127.0.0.1:8080
";

const OS_RELEASE: &str =
    "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";

/// A program of nginx, as far as it is looked into.
const NGINX_PROGRAM: &str = "\x7fELF\0nginx version: nginx/1.22.1\0configure arguments: \
     --prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf --with-http_ssl_module\0";

const MODULES: [&str; 6] =
    ["authz_core", "authz_host", "headers", "mpm_event", "rewrite", "setenvif"];

/// A disk that is mounted, with a state folder and a catalog beside it.
pub(crate) struct Machine {
    folder: PathBuf,
}

impl Machine {
    /// A disk with nothing but the marks of its distribution.
    pub(crate) fn bare() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stopgap-disk-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        let machine = Self { folder };
        machine.write("etc/os-release", OS_RELEASE);
        machine.write("var/lib/dpkg/status", "");
        machine
    }

    pub(crate) fn nginx() -> Self {
        let machine = Self::bare();
        machine.add_nginx();
        machine
    }

    /// With all three.
    pub(crate) fn full() -> Self {
        let machine = Self::nginx();
        machine.add_apache("2.4.62-1~deb12u2");
        machine.write("usr/sbin/haproxy", "\x7fELF\0");
        machine.write("etc/haproxy/haproxy.cfg", HAPROXY_CFG);
        machine
    }

    fn add_nginx(&self) {
        self.write("usr/sbin/nginx", NGINX_PROGRAM);
        self.write("etc/nginx/nginx.conf", NGINX_CONF);
        self.write("etc/nginx/mime.types", "types {\n    text/html html htm;\n}\n");
        self.write("etc/nginx/sites-available/default", NGINX_SITE);
        for folder in ["conf.d", "modules-enabled", "sites-enabled"] {
            fs::create_dir_all(self.at(&format!("etc/nginx/{folder}"))).unwrap();
        }
        self.link("etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default");
    }

    /// Apache as this version of Debian's package.
    pub(crate) fn add_apache(&self, version: &str) {
        self.write("usr/sbin/apache2", "\x7fELF\0");
        self.write("etc/apache2/apache2.conf", APACHE_CONF);
        self.write("etc/apache2/envvars", ENVVARS);
        self.write("etc/apache2/ports.conf", "Listen 80\n");
        self.write("etc/apache2/sites-available/000-default.conf", APACHE_SITE);
        self.write("etc/apache2/conf-available/security.conf", "ServerTokens OS\n");
        for name in ["conf-enabled", "mods-enabled", "sites-enabled"] {
            fs::create_dir_all(self.at(&format!("etc/apache2/{name}"))).unwrap();
        }
        let site = "etc/apache2/sites-enabled/000-default.conf";
        self.link(site, "../sites-available/000-default.conf");
        self.link("etc/apache2/conf-enabled/security.conf", "../conf-available/security.conf");
        for module in MODULES {
            let line = format!("LoadModule {module}_module /usr/lib/apache2/modules/{module}.so\n");
            self.write(&format!("etc/apache2/mods-available/{module}.load"), &line);
            let link = format!("etc/apache2/mods-enabled/{module}.load");
            self.link(&link, &format!("../mods-available/{module}.load"));
        }
        self.set_apache(version);
    }

    /// The installed package of Apache is of this version from now on.
    pub(crate) fn set_apache(&self, version: &str) {
        let status = format!(
            "Package: apache2\nStatus: install ok installed\nArchitecture: amd64\n\
             Version: {version}\n\n"
        );
        self.write("var/lib/dpkg/status", &status);
    }

    /// A path on the disk, without `/` in front.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.join("disk").join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    /// Makes a link at `path` to `target`, as the machine itself sees it.
    pub(crate) fn link(&self, path: &str, target: &str) {
        let _ = fs::remove_file(self.at(path));
        symlink(target, self.at(path)).unwrap();
    }

    /// The documents of the catalog.
    pub(crate) fn publish(&self, document: &str) {
        let folder = self.folder.join("catalog");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("document.toml"), document).unwrap();
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// A place outside the disk.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn stopgap(&self, arguments: &[&str]) -> Run {
        self.run(&[&["--json"], arguments].concat())
    }

    /// The same, for a person to read.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let (root, state) = (self.folder.join("disk"), self.state());
        let catalog = self.folder.join("catalog");
        let place = [("--root", &root), ("--state", &state), ("--catalog", &catalog)];
        let mut all: Vec<&str> = Vec::new();
        for (name, path) in &place {
            all.extend([*name, path.to_str().unwrap()]);
        }
        all.extend(arguments);
        stopgap(&all)
    }

    /// Every file and link of the disk, by its path.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        gather(&self.folder.join("disk"), &mut files);
        files
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn gather(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if let Ok(target) = fs::read_link(&path) {
            files.insert(name, target.into_os_string().into_encoded_bytes());
        } else if path.is_dir() {
            gather(&path, files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}
