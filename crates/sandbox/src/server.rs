//! The files of the invented server.

use stopgap_model::ServerPath;

use crate::build::Build;
use crate::pe;

/// Where the configuration of IIS is, as it is asked for. On the disk, the case of letters differs.
pub const APPLICATION_HOST: &str = r"C:\Windows\System32\inetsrv\config\applicationHost.config";

/// Where Exchange is installed.
pub const INSTALL_FOLDER: &str = r"C:\Program Files\Microsoft\Exchange Server\V15";

/// The program whose file version is the version of Exchange, as it is asked for. On the disk, the
/// case of letters differs.
pub const SETUP_PROGRAM: &str = r"C:\Program Files\Microsoft\Exchange Server\V15\bin\ExSetup.exe";

/// The PHP of a server that has one, as it is asked for. On the disk, the case of letters differs.
pub const PHP_PROGRAM: &str = r"C:\Program Files\PHP\php-cgi.exe";

/// How lines end in the configuration files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newline {
    /// A line feed, as files have that came over Unix.
    Lf,
    /// Carriage return and line feed, as on a server.
    CrLf,
}

/// An invented Exchange 2019 server with the Mailbox role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeServer {
    /// The installed build.
    pub build: Build,
    /// How lines end in its configuration files.
    pub newline: Newline,
    /// The version of the PHP that a third site runs through FastCGI, if there is such a site.
    pub php: Option<Build>,
}

/// Whether a file begins with a byte-order mark.
#[derive(Clone, Copy)]
enum Mark {
    Without,
    With,
}

/// A configuration file: its place, its byte-order mark, its text.
type Template = (&'static str, Mark, &'static str);

const PROXY: &str = include_str!("files/proxy.config");
const BACKEND: &str = include_str!("files/backend.config");

/// Below the install folder. `autodiscover` and `ews` are spelled otherwise in applicationHost.
const EXCHANGE: &[Template] = &[
    (r"FrontEnd\HttpProxy\owa\web.config", Mark::With, include_str!("files/proxy_owa.config")),
    (
        r"FrontEnd\HttpProxy\owa\auth\web.config",
        Mark::With,
        include_str!("files/proxy_owa_auth.config"),
    ),
    (
        r"FrontEnd\HttpProxy\autodiscover\web.config",
        Mark::Without,
        include_str!("files/proxy_autodiscover.config"),
    ),
    (r"FrontEnd\HttpProxy\ecp\web.config", Mark::With, PROXY),
    (r"FrontEnd\HttpProxy\ews\web.config", Mark::Without, PROXY),
    (r"FrontEnd\HttpProxy\mapi\web.config", Mark::With, PROXY),
    (r"FrontEnd\HttpProxy\OAB\web.config", Mark::With, PROXY),
    (r"FrontEnd\HttpProxy\PowerShell\web.config", Mark::With, PROXY),
    (r"FrontEnd\HttpProxy\Rest\web.config", Mark::Without, PROXY),
    (r"FrontEnd\HttpProxy\rpc\Web.Config", Mark::With, PROXY),
    (r"FrontEnd\HttpProxy\sync\web.config", Mark::With, PROXY),
    (r"ClientAccess\owa\web.config", Mark::With, include_str!("files/backend_owa.config")),
    (r"ClientAccess\Autodiscover\web.config", Mark::With, BACKEND),
    (r"ClientAccess\ecp\web.config", Mark::With, BACKEND),
    (r"ClientAccess\exchweb\EWS\web.config", Mark::Without, BACKEND),
    (r"ClientAccess\mapi\emsmdb\web.config", Mark::With, BACKEND),
    (r"ClientAccess\mapi\nspi\web.config", Mark::With, BACKEND),
    (r"ClientAccess\OAB\web.config", Mark::Without, BACKEND),
    (r"ClientAccess\PowerShell-Proxy\web.config", Mark::With, BACKEND),
    (r"ClientAccess\PushNotifications\web.config", Mark::With, BACKEND),
    (r"ClientAccess\rest\web.config", Mark::With, BACKEND),
    (r"ClientAccess\sync\web.config", Mark::With, BACKEND),
];

const HOST_CONFIG: &str = include_str!("files/applicationHost.config");

/// Where applicationHost.config is on the disk.
const HOST_CONFIG_PATH: &str = r"C:\Windows\System32\inetsrv\Config\applicationHost.config";

/// Lines of applicationHost.config, and what stands for them where there is a PHP.
const PHP_CHANGES: [(&str, &str); 2] = [
    ("        <fastCgi />\n", include_str!("files/php_fastcgi.xml")),
    ("            <siteDefaults>\n", include_str!("files/php_site.xml")),
];

const PHP_SITE: Template =
    (r"D:\sites\shop\web.config", Mark::Without, include_str!("files/php_site.config"));

const WINDOWS: &[Template] = &[
    (r"C:\inetpub\wwwroot\web.config", Mark::With, include_str!("files/site_root.config")),
    (r"C:\Windows\System32\RpcProxy\web.config", Mark::Without, BACKEND),
];

impl ExchangeServer {
    /// The server with `build` installed, with the line ends of a real one.
    #[must_use]
    pub const fn new(build: Build) -> Self {
        Self { build, newline: Newline::CrLf, php: None }
    }

    /// The same server with a third site, which runs PHP of this version through FastCGI.
    #[must_use]
    pub const fn with_php(self, version: Build) -> Self {
        Self { php: Some(version), ..self }
    }

    /// Every file with its bytes.
    #[must_use]
    pub fn files(&self) -> Vec<(ServerPath, Vec<u8>)> {
        let install = ServerPath::new(INSTALL_FOLDER);
        let php = self.php.map(|_| &PHP_SITE);
        let fixed = WINDOWS.iter().chain(php);
        let fixed = fixed.map(|(path, mark, text)| (ServerPath::new(*path), mark, text));
        let exchange = EXCHANGE.iter().map(|(rel, mark, text)| (install.join(rel), mark, text));
        let host = self.bytes(Mark::Without, &self.host_config());
        let mut files = vec![(ServerPath::new(HOST_CONFIG_PATH), host)];
        files.extend(
            fixed.chain(exchange).map(|(path, mark, text)| (path, self.bytes(*mark, text))),
        );
        files.push((install.join(r"Bin\ExSetup.exe"), self.setup_program()));
        if let Some(version) = self.php {
            let path = ServerPath::new(r"C:\Program Files\PHP\PHP-CGI.exe");
            files.push((path, Self::php_program(version)));
        }
        files
    }

    fn host_config(&self) -> String {
        let mut text = HOST_CONFIG.to_owned();
        if self.php.is_some() {
            for (line, instead) in PHP_CHANGES {
                text = text.replacen(line, instead, 1);
            }
        }
        text
    }

    /// The bytes of a php-cgi.exe.
    #[must_use]
    pub fn php_program(version: Build) -> Vec<u8> {
        let [major, minor, release, _] = version.parts();
        pe::executable_with_version(version.parts(), &format!("{major}.{minor}.{release}"))
    }

    /// The bytes of ExSetup.exe.
    #[must_use]
    pub fn setup_program(&self) -> Vec<u8> {
        pe::executable_with_version(self.build.parts(), &self.build.to_string())
    }

    fn bytes(&self, mark: Mark, text: &str) -> Vec<u8> {
        let mark = match mark {
            Mark::With => "\u{feff}",
            Mark::Without => "",
        };
        let text = match self.newline {
            Newline::Lf => text.to_owned(),
            Newline::CrLf => text.replace('\n', "\r\n"),
        };
        format!("{mark}{text}").into_bytes()
    }
}
