//! A small server to make situations from: an Exchange server's two sites in one
//! applicationHost.config, with a web.config here and there.

use stopgap_model::ServerPath;
use stopgap_sandbox::{ExchangeServer, SETUP_PROGRAM};

pub const HOST: &str = stopgap_sandbox::APPLICATION_HOST;
pub const ROOT: &str = r"C:\inetpub\wwwroot\web.config";
pub const OWA: &str =
    r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\web.config";
pub const OWA_AUTH: &str =
    r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\auth\web.config";
pub const ECP: &str =
    r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\ecp\web.config";
pub const ECP_AUTH: &str =
    r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\ecp\auth\web.config";
pub const AUTODISCOVER: &str =
    r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\autodiscover\web.config";

/// The place of most rules, as a report tells it.
pub const IN_LOCATION: &str = "applicationHost.config, location \"Default Web Site\"";

/// An Exchange 2019 CU12 that M1 is for.
pub const VULNERABLE: &str = "15.2.1118.7";
/// The same with the fix for M1.
pub const FIXED: &str = "15.2.1118.20";

const TEMPLATE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<configuration>
    <configSections>
        <sectionGroup name="system.webServer">
            <section name="caching" overrideModeDefault="Allow" />
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
            <add name="MSExchangeOWAAppPool" managedRuntimeVersion="v4.0" />
            <add name="MSExchangeOWACalendarAppPool" managedRuntimeVersion="v4.0" />
            <add name="MSExchangeECPAppPool" managedRuntimeVersion="v4.0" />
            <add name="MSExchangeOABAppPool" managedRuntimeVersion="v4.0" />
            <applicationPoolDefaults managedRuntimeVersion="v4.0">
                <processModel identityType="ApplicationPoolIdentity" />
            </applicationPoolDefaults>
        </applicationPools>
        <sites>
            <site name="Default Web Site" id="1">
                <application path="/" applicationPool="DefaultAppPool">
                    <virtualDirectory path="/" physicalPath="%SystemDrive%\inetpub\wwwroot" />
                </application>
                <application path="/owa" applicationPool="MSExchangeOWAAppPool">
                    <virtualDirectory path="/" physicalPath="C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa" />
                </application>
                <application path="/owa/Calendar" applicationPool="MSExchangeOWACalendarAppPool">
                    <virtualDirectory path="/" physicalPath="C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa" />
                </application>
                <application path="/owa/Integrated" applicationPool="MSExchangeOWAAppPool">
                    <virtualDirectory path="/" physicalPath="C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\OWA" />
                </application>
                <application path="/ecp" applicationPool="MSExchangeECPAppPool">
                    <virtualDirectory path="/" physicalPath="C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\ecp" />
                </application>
                <application path="/Autodiscover" applicationPool="DefaultAppPool">
                    <virtualDirectory path="/" physicalPath="C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\autodiscover" />
                </application>
            </site>
            <site name="Exchange Back End" id="2">
                <application path="/" applicationPool="DefaultAppPool">
                    <virtualDirectory path="/" physicalPath="C:\inetpub\backend" />
                </application>
                <application path="/ecp" applicationPool="MSExchangeECPAppPool">
                    <virtualDirectory path="/" physicalPath="C:\Program Files\Microsoft\Exchange Server\V15\ClientAccess\ecp" />
                </application>
            </site>
        </sites>
    </system.applicationHost>
    <system.webServer>
        <globalModules>
            <add name="HttpCacheModule" image="%windir%\System32\inetsrv\cachhttp.dll" />
            <add name="RewriteModule" image="%SystemRoot%\system32\inetsrv\rewrite.dll" />
        </globalModules>
        <modules>
            <add name="HttpCacheModule" />
            <add name="RewriteModule" />
        </modules>
    </system.webServer>
</configuration>
"#;

/// What an application's web.config says that says nothing of rewriting.
const PLAIN: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <appSettings>
    <!-- Somebody's note: keep "HttpProxy" as it is. -->
    <add key="HttpProxy" value='1' />
  </appSettings>
  <system.webServer>
    <httpRedirect enabled="false" />
  </system.webServer>
</configuration>
"#;

/// A server's files.
#[derive(Clone)]
pub struct Server {
    host: Option<String>,
    texts: Vec<(&'static str, String)>,
    /// Files that are no text of ours, and those that nobody may read.
    pub raw: Vec<(&'static str, Vec<u8>)>,
    pub denied: Vec<&'static str>,
    build: Option<&'static str>,
    pub newline: &'static str,
}

/// The server without any rule.
pub fn server() -> Server {
    let texts = [ROOT, OWA, ECP].map(|path| (path, PLAIN.to_owned()));
    Server {
        host: Some(TEMPLATE.to_owned()),
        texts: texts.to_vec(),
        raw: Vec::new(),
        denied: Vec::new(),
        build: Some(VULNERABLE),
        newline: "\r\n",
    }
}

impl Server {
    /// The same with line feeds only.
    pub fn lf(mut self) -> Self {
        self.newline = "\n";
        self
    }

    /// The same with this text of applicationHost.config replaced, which is there once.
    pub fn host_edit(mut self, from: &str, to: &str) -> Self {
        self.host = self.host.map(|host| replaced(&host, from, to));
        self
    }

    /// The same with something at the end of applicationHost.config's `system.webServer`.
    pub fn everywhere(self, inner: &str) -> Self {
        let end = "        </globalModules>\n";
        self.host_edit(end, &format!("{end}{inner}\n"))
    }

    /// The same with a `<location>` of applicationHost.config around the sections of
    /// `system.webServer`; `attributes` begins with `path=`.
    pub fn location(self, attributes: &str, inner: &str) -> Self {
        let end = "</configuration>\n";
        let location = format!(
            "    <location {attributes}>\n        <system.webServer>\n            {inner}\n        \
             </system.webServer>\n    </location>\n"
        );
        self.host_edit(end, &format!("{location}{end}"))
    }

    /// The same with this file.
    pub fn file(mut self, path: &'static str, text: impl Into<String>) -> Self {
        self.texts.retain(|(other, _)| *other != path);
        self.texts.push((path, text.into()));
        self
    }

    /// The same with a file of bytes.
    pub fn bytes(mut self, path: &'static str, bytes: Vec<u8>) -> Self {
        self.texts.retain(|(other, _)| *other != path);
        self.raw.push((path, bytes));
        self
    }

    /// The same with a file that nobody may read.
    pub fn denied(mut self, path: &'static str) -> Self {
        self.denied.push(path);
        self
    }

    /// The same without a file.
    pub fn without(mut self, path: &str) -> Self {
        self.texts.retain(|(other, _)| *other != path);
        self
    }

    /// The same with another build of Exchange.
    pub fn build(mut self, build: &'static str) -> Self {
        self.build = Some(build);
        self
    }

    /// A server without Exchange.
    pub fn without_exchange() -> Self {
        let mut server = server();
        server.build = None;
        server.host = server.host.map(|host| {
            let host = host.replace(r"\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy", r"\Apps");
            host.replace("Exchange Back End", "Intranet").replace(r"\ClientAccess", r"\Intranet")
        });
        server.texts.retain(|(path, _)| *path == ROOT);
        server
    }

    /// A server without IIS.
    pub fn without_iis(mut self) -> Self {
        self.host = None;
        self.texts.clear();
        self
    }

    /// Every file with its bytes.
    pub fn files(&self) -> Vec<(ServerPath, Vec<u8>)> {
        let host = self.host.iter().map(|text| (HOST, text));
        let texts = host.chain(self.texts.iter().map(|(path, text)| (*path, text)));
        let texts = texts.map(|(path, text)| (path, self.lines(text).into_bytes()));
        let all = texts.chain(self.raw.iter().cloned());
        let all = all.map(|(path, bytes)| (ServerPath::new(path), bytes));
        // A file of one's own goes over that of the build.
        self.build.map(setup_program).into_iter().chain(all).collect()
    }

    /// A text with the server's line ends.
    pub fn lines(&self, text: &str) -> String {
        text.replace('\n', self.newline)
    }
}

/// ExSetup.exe of a build.
pub fn setup_program(build: &str) -> (ServerPath, Vec<u8>) {
    let server = ExchangeServer::new(build.parse().expect("a build"));
    (ServerPath::new(SETUP_PROGRAM), server.setup_program())
}

/// A text with something replaced that is there once.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` is there once in:\n{text}");
    text.replacen(from, to, 1)
}
