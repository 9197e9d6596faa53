//! The files of a real server, where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};

use stopgap_model::ServerPath;
use stopgap_sandbox::{APPLICATION_HOST, ExchangeServer, INSTALL_FOLDER, Newline};

/// The environment variable with the folder of the test data.
const VARIABLE: &str = "STOPGAP_REAL_DATA";

/// Where the data's files lie on a server: the name before `_web.config`, the folder.
///
/// What is not below another drive or folder is below the install folder.
const FILES: &[(&str, &str)] = &[
    ("DefaultWebSite", r"C:\inetpub\wwwroot"),
    ("DefaultWebSite-AutoD", r"FrontEnd\HttpProxy\Autodiscover"),
    ("DefaultWebSite-EAS", r"FrontEnd\HttpProxy\sync"),
    ("DefaultWebSite-ECP", r"FrontEnd\HttpProxy\ecp"),
    ("DefaultWebSite-EWS", r"FrontEnd\HttpProxy\EWS"),
    ("DefaultWebSite-MAPI", r"FrontEnd\HttpProxy\mapi"),
    ("DefaultWebSite-OAB", r"FrontEnd\HttpProxy\OAB"),
    ("DefaultWebSite-OWA", r"FrontEnd\HttpProxy\owa"),
    ("DefaultWebSite-PowerShell", r"FrontEnd\HttpProxy\PowerShell"),
    ("DefaultWebSite-RPC", r"FrontEnd\HttpProxy\rpc"),
    ("DefaultWebSite-Rest", r"FrontEnd\HttpProxy\Rest"),
    ("ExchangeBackEnd-AutoD", r"ClientAccess\Autodiscover"),
    ("ExchangeBackEnd-EAS", r"ClientAccess\sync"),
    ("ExchangeBackEnd-ECP", r"ClientAccess\ecp"),
    ("ExchangeBackEnd-EWS", r"ClientAccess\exchweb\EWS"),
    ("ExchangeBackEnd-MapiEmsmdb", r"ClientAccess\mapi\emsmdb"),
    ("ExchangeBackEnd-MapiNspi", r"ClientAccess\mapi\nspi"),
    ("ExchangeBackEnd-OAB", r"ClientAccess\OAB"),
    ("ExchangeBackEnd-OWA", r"ClientAccess\owa"),
    ("ExchangeBackEnd-PowerShell", r"ClientAccess\PowerShell-Proxy"),
    ("ExchangeBackEnd-Push", r"ClientAccess\PushNotifications"),
    ("ExchangeBackEnd-RPC", r"C:\Windows\System32\RpcProxy"),
    ("ExchangeBackEnd-Rest", r"ClientAccess\rest"),
];

/// The folder of the test data, if the environment names it; else a message says that the test is
/// skipped.
#[must_use]
pub fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {VARIABLE} is not set");
    }
    folder
}

/// The configuration files of a real Exchange 2019 server.
#[derive(Debug, Clone)]
pub struct RealServer(PathBuf);

impl RealServer {
    /// The server in the folder `data` of the test data.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self(data.join("exchange-2019"))
    }

    /// The bytes of one file of the data, as they are there.
    #[must_use]
    pub fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap_or_else(|error| panic!("{name} of the data: {error}"))
    }

    /// Every file of the server, with `build` installed.
    #[must_use]
    pub fn files(&self, build: &str, newline: Newline) -> Vec<(ServerPath, Vec<u8>)> {
        let build = build.parse().expect("a build of Exchange");
        let text = |name: &str| with_newline(self.file(name), newline);
        let mut files = vec![(ServerPath::new(APPLICATION_HOST), text("applicationHost.config"))];
        for (name, folder) in FILES {
            let folder = match folder.starts_with("C:") {
                true => ServerPath::new(*folder),
                false => ServerPath::new(INSTALL_FOLDER).join(folder),
            };
            files.push((folder.join("web.config"), text(&format!("{name}_web.config"))));
        }
        let setup = ServerPath::new(INSTALL_FOLDER).join(r"Bin\ExSetup.exe");
        files.push((setup, ExchangeServer::new(build).setup_program()));
        files
    }
}

/// The data's files end their lines with a line feed; on a server a carriage return is before it.
fn with_newline(bytes: Vec<u8>, newline: Newline) -> Vec<u8> {
    let carriage_return = newline == Newline::CrLf;
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes.into_iter().filter(|byte| *byte != b'\r') {
        if byte == b'\n' && carriage_return {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}
