//! Apache httpd: what its configuration says, and our file in it.

mod answers;
mod files;
mod place;
mod sites;

use stopgap_webserver::RuleText;

use crate::config_files::{Machine, apache_text};

pub(super) const MAIN: &str = "/etc/apache2/apache2.conf";

pub(super) fn rules() -> RuleText {
    apache_text("<If \"%{THE_REQUEST} =~ m#\\x61#\">\n  Require all denied\n</If>\n")
}

pub(super) fn none() -> RuleText {
    apache_text("")
}

/// A main file alone.
pub(super) fn alone(text: &str) -> Machine {
    Machine::apache(&[(MAIN, text)])
}

pub(super) fn debian() -> Machine {
    Machine::apache(&[
        (
            MAIN,
            "IncludeOptional mods-enabled/*.load\nInclude ports.conf\n<Directory />\n  Include none\n  Require all denied\n</Directory>\nIncludeOptional conf-enabled/*.conf\nIncludeOptional sites-enabled/*.conf\n",
        ),
        (
            "/etc/apache2/ports.conf",
            "Listen 80\n<IfModule ssl_module>\n  Listen 443\n</IfModule>\n<IfModule mod_gnutls.c>\n  Listen 444\n</IfModule>\n",
        ),
        ("/etc/apache2/mods-enabled/ssl.load", "LoadModule ssl_module /usr/lib/mod_ssl.so\n"),
        ("/etc/apache2/conf-enabled/charset.conf", "# nothing\n"),
        ("/etc/apache2/none", ""),
        (
            "/etc/apache2/sites-enabled/shop.conf",
            "<VirtualHost *:80>\n  ServerAlias a.example *.b.example ?.c\n</VirtualHost>\n<VirtualHost _default_:443>\n  ServerName https://shop.example:443\n  SSLEngine on\n</VirtualHost>\n",
        ),
    ])
}
