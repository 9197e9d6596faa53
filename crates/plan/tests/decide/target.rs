//! The kinds of targets, each with its files as its package installs them.

use std::collections::BTreeMap;

use stopgap_iis::config::APPLICATION_HOST;
use stopgap_model::web::{Account, WebServer};
use stopgap_model::{Fact, ServerPath, Version, WebKind};

/// Something that carries actions out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A rule of URL Rewrite.
    Rule,
    /// An application pool of IIS.
    Pool,
    Nginx,
    Apache,
    HaProxy,
    /// A service.
    Service,
}

pub(crate) const TARGETS: [Target; 6] =
    [Target::Rule, Target::Pool, Target::Nginx, Target::Apache, Target::HaProxy, Target::Service];

/// Those that carry rules out.
pub(crate) const RULES: [Target; 4] =
    [Target::Rule, Target::Nginx, Target::Apache, Target::HaProxy];

pub(crate) const WEB: [Target; 3] = [Target::Nginx, Target::Apache, Target::HaProxy];

pub(crate) const NGINX: &str = "/etc/nginx/nginx.conf";
pub(crate) const APACHE: &str = "/etc/apache2/apache2.conf";
const APACHE_BESIDE: &str = "/etc/apache2/conf-enabled/charset.conf";
pub(crate) const HAPROXY: &str = "/etc/haproxy/haproxy.cfg";

const IIS_TEXT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<configuration>
    <configSections>
        <sectionGroup name="system.webServer">
            <section name="modules" allowDefinition="MachineToApplication" overrideModeDefault="Deny" />
            <sectionGroup name="rewrite">
                <section name="globalRules" overrideModeDefault="Deny" allowDefinition="AppHostOnly" />
                <section name="rules" overrideModeDefault="Allow" />
                <section name="outboundRules" overrideModeDefault="Allow" />
                <section name="allowedServerVariables" overrideModeDefault="Deny" />
            </sectionGroup>
        </sectionGroup>
    </configSections>
    <system.applicationHost>
        <applicationPools>
            <add name="DefaultAppPool" />
            <add name="ShopPool" managedRuntimeVersion="v4.0" />
            <add name="CartPool" />
        </applicationPools>
        <sites>
            <site name="Default Web Site" id="1">
                <application path="/" applicationPool="DefaultAppPool">
                    <virtualDirectory path="/" physicalPath="C:\inetpub\wwwroot" />
                </application>
                <application path="/shop" applicationPool="ShopPool">
                    <virtualDirectory path="/" physicalPath="C:\shop" />
                </application>
            </site>
        </sites>
    </system.applicationHost>
    <system.webServer>
        <globalModules>
            <add name="RewriteModule" image="%SystemRoot%\system32\inetsrv\rewrite.dll" />
        </globalModules>
        <modules>
            <add name="RewriteModule" />
        </modules>
    </system.webServer>
</configuration>
"#;

const NGINX_TEXT: &str =
    "events {}\nhttp {\n  server {\n    listen 80;\n    server_name a.test;\n  }\n}\n";

const APACHE_TEXT: &str = "Listen 8080\nIncludeOptional conf-enabled/*.conf\n<VirtualHost *:8080>\n  \
                           ServerName b.test\n</VirtualHost>\n";

const HAPROXY_TEXT: &str = "defaults\n  mode http\nfrontend web\n  bind :8000\n  default_backend app\n\
                            backend app\n  server a 127.0.0.1:3000\n";

impl Target {
    /// What kind of web server it is; `None`: IIS, or none.
    pub(crate) fn kind(self) -> Option<WebKind> {
        match self {
            Self::Rule | Self::Pool | Self::Service => None,
            Self::Nginx => Some(WebKind::Nginx),
            Self::Apache => Some(WebKind::Apache),
            Self::HaProxy => Some(WebKind::HaProxy),
        }
    }

    /// Its main file, and what that says. A service has none.
    pub(crate) fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Rule | Self::Pool => (APPLICATION_HOST, IIS_TEXT),
            Self::Nginx => (NGINX, NGINX_TEXT),
            Self::Apache => (APACHE, APACHE_TEXT),
            Self::HaProxy => (HAPROXY, HAPROXY_TEXT),
            Self::Service => ("", ""),
        }
    }

    /// All its files.
    pub(crate) fn files(self) -> Vec<(&'static str, &'static str)> {
        let beside = (self == Self::Apache).then_some((APACHE_BESIDE, "# nothing\n"));
        let main = (self != Self::Service).then(|| self.file());
        main.into_iter().chain(beside).collect()
    }

    /// What was identified of the server; `None`: IIS.
    pub(crate) fn server(self) -> Option<WebServer> {
        let kind = self.kind()?;
        let main = ServerPath::new(self.file().0);
        let version: &[u32] = match kind {
            WebKind::Nginx => &[1, 26, 3],
            WebKind::Apache => &[2, 4, 62],
            WebKind::HaProxy => &[3, 0, 8],
        };
        Some(WebServer {
            kind,
            program: ServerPath::new(format!("/usr/sbin/{kind}")),
            base: main.folder().unwrap(),
            config: vec![main],
            variables: BTreeMap::new(),
            defines: Vec::new(),
            account: Account::root(),
            version: Fact::Known(Version::from_parts(version)),
            modules: Fact::Absent,
            running: Fact::Known(true),
            source: "its package's defaults".into(),
            doubt: None,
            dormant: None,
            identity: "process 812".into(),
        })
    }

    /// An action that the target carries out: against a word, of which `ldap` is the newer one.
    pub(crate) fn action(self, id: &str, word: &str) -> String {
        match self {
            Self::Pool if word == "ldap" => super::documents::pools(id, &["ShopPool", "CartPool"]),
            Self::Pool => super::documents::pools(id, &["ShopPool"]),
            Self::Service if word == "ldap" => super::documents::services(id, &["Spooler", "Fax"]),
            Self::Service => super::documents::services(id, &["Spooler"]),
            _ => super::documents::block(id, word),
        }
    }
}
