//! A small Exchange server: its applicationHost.config and a web.config here and there.

use stopgap_iis::config::{APPLICATION_HOST, Need, Read, Snapshot};
use stopgap_model::ServerPath;

pub const HOST: &str = APPLICATION_HOST;
pub const ROOT: &str = r"C:\inetpub\wwwroot\web.config";
pub const OWA: &str = r"C:\Exchange\owa\web.config";
pub const ECP: &str = r"C:\Exchange\ecp\web.config";

/// The place of most rules, as a report tells it.
pub const IN_SITE: &str = "applicationHost.config, location \"Default Web Site\"";
pub const EVERYWHERE: &str = "applicationHost.config, for the whole server";

/// An Exchange that the mitigations of the tables are for, and the same with the fix.
pub const VULNERABLE: &str = "15.2.1118.7";
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
            <add name="MSExchangeECPAppPool" managedRuntimeVersion="v4.0" />
            <add name="MSExchangeOABAppPool" managedRuntimeVersion="v4.0" />
        </applicationPools>
        <sites>
            <site name="Default Web Site" id="1">
                <application path="/" applicationPool="DefaultAppPool">
                    <virtualDirectory path="/" physicalPath="%SystemDrive%\inetpub\wwwroot" />
                </application>
                <application path="/owa" applicationPool="DefaultAppPool">
                    <virtualDirectory path="/" physicalPath="C:\Exchange\owa" />
                </application>
                <application path="/ecp" applicationPool="MSExchangeECPAppPool">
                    <virtualDirectory path="/" physicalPath="C:\Exchange\ecp" />
                </application>
            </site>
            <site name="Exchange Back End" id="2">
                <application path="/" applicationPool="DefaultAppPool">
                    <virtualDirectory path="/" physicalPath="C:\inetpub\backend" />
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

const PLAIN: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <system.webServer>
    <httpRedirect enabled="false" />
  </system.webServer>
</configuration>
"#;

/// The files of a server, and the folders that could not be walked to their end.
#[derive(Clone)]
pub struct Server {
    files: Vec<(String, Read)>,
    unwalked: Option<&'static str>,
}

/// The server without any rule.
pub fn server() -> Server {
    let files = [(HOST, TEMPLATE), (ROOT, PLAIN), (OWA, PLAIN), (ECP, PLAIN)];
    let files = files.map(|(path, text)| (path.to_owned(), Read::Found(text.into())));
    Server { files: files.to_vec(), unwalked: None }
}

impl Server {
    /// The same with this file.
    pub fn file(self, path: &str, text: &str) -> Self {
        self.with(path, Read::Found(text.into()))
    }

    /// The same with what reading a file comes to.
    pub fn with(mut self, path: &str, read: Read) -> Self {
        self.files.retain(|(other, _)| other != path);
        self.files.push((path.to_owned(), read));
        self
    }

    /// The same with bytes that a plan wrote.
    pub fn written(self, path: &ServerPath, bytes: Vec<u8>) -> Self {
        let known = self.files.iter().map(|(known, _)| known.clone());
        let mut known = known.filter(|known| ServerPath::new(known.as_str()).key() == path.key());
        let name = known.next().expect("only files that are there are written");
        self.with(&name, Read::Found(bytes))
    }

    /// The same with a text of a file replaced, which is there once.
    pub fn edit(self, path: &str, from: &str, to: &str) -> Self {
        let text = self.text(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` is there once in:\n{text}");
        self.file(path, &text.replacen(from, to, 1))
    }

    /// The same with something at the end of applicationHost.config's `system.webServer`.
    pub fn everywhere(self, inner: &str) -> Self {
        self.edit(
            HOST,
            "        </globalModules>\n",
            &format!("        </globalModules>\n{inner}\n"),
        )
    }

    /// The same with a `<location>` of applicationHost.config.
    pub fn location(self, path: &str, inner: &str) -> Self {
        let location = format!(
            "    <location path=\"{path}\">\n        <system.webServer>\n            {inner}\n        \
             </system.webServer>\n    </location>\n</configuration>\n"
        );
        self.edit(HOST, "</configuration>\n", &location)
    }

    /// The same where the folders of the sites could not be walked to their end.
    pub fn half_known(mut self, why: &'static str) -> Self {
        self.unwalked = Some(why);
        self
    }

    pub fn text(&self, path: &str) -> String {
        let read = self.files.iter().find(|(known, _)| known == path).map(|(_, read)| read);
        match read {
            Some(Read::Found(bytes)) => String::from_utf8(bytes.clone()).expect("a text"),
            _ => String::new(),
        }
    }

    /// The bytes of every file that could be read.
    pub fn bytes(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> =
            self.files.iter().map(|(path, _)| (path.clone(), self.text(path))).collect();
        all.sort();
        all
    }

    /// All of it, as it is read.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        snapshot.provide(ServerPath::new(HOST), self.read(&ServerPath::new(HOST))).unwrap();
        while !snapshot.closed() {
            for need in snapshot.needs() {
                match need {
                    Need::File(path) => {
                        let read = self.read(&path);
                        snapshot.provide(path, read).unwrap();
                    }
                    Need::Folder(folder) => {
                        let found = self.below(&folder);
                        snapshot.provide_folder(
                            folder,
                            found,
                            self.unwalked.map(stopgap_model::Reasons::text),
                        );
                    }
                }
            }
        }
        snapshot
    }

    fn read(&self, path: &ServerPath) -> Read {
        let mut files = self.files.iter();
        let found = files.find(|(known, _)| ServerPath::new(known.as_str()).key() == path.key());
        found.map_or(Read::Absent, |(_, read)| read.clone())
    }

    fn below(&self, folder: &ServerPath) -> Vec<ServerPath> {
        let start = format!("{}\\", folder.key());
        let files = self.files.iter().map(|(path, _)| ServerPath::new(path.as_str()));
        let found = files.filter(|path| path.key().starts_with(&start));
        found.filter(|path| path.key().ends_with("\\web.config")).collect()
    }
}

/// A `rules` section in the `rewrite` group.
pub fn rules(inner: &str) -> String {
    format!("<rewrite><rules>\n{inner}\n</rules></rewrite>")
}

/// A `globalRules` section in the `rewrite` group.
pub fn global(inner: &str) -> String {
    format!("<rewrite><globalRules>\n{inner}\n</globalRules></rewrite>")
}

/// An `outboundRules` section in the `rewrite` group.
pub fn outbound(inner: &str) -> String {
    format!("<rewrite><outboundRules>\n{inner}\n</outboundRules></rewrite>")
}

/// A web.config with this in its `system.webServer`.
pub fn web(inner: &str) -> String {
    format!(
        "<configuration>\n  <system.webServer>\n    {inner}\n  </system.webServer>\n</configuration>\n"
    )
}

/// A rule that aborts requests whose decoded URI has a match of `pattern`.
pub fn abort(name: &str, pattern: &str) -> String {
    abort_if(name, "{UrlDecode:{REQUEST_URI}}", pattern)
}

/// A rule that aborts requests whose `input` has a match of `pattern`.
pub fn abort_if(name: &str, input: &str, pattern: &str) -> String {
    format!(
        "<rule name=\"{name}\" stopProcessing=\"true\">\n  <match url=\".*\" />\n  \
         <conditions><add input=\"{input}\" pattern=\"{pattern}\" /></conditions>\n  \
         <action type=\"AbortRequest\" />\n</rule>"
    )
}

/// A rule that lets every request pass and ends the processing.
pub fn everything_passes(name: &str) -> String {
    format!(
        "<rule name=\"{name}\" stopProcessing=\"true\"><match url=\".*\" /><action type=\"None\" /></rule>"
    )
}
