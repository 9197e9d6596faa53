//! The client that the public TUF conformance suite drives:
//!
//! ```text
//! tuf_conformance_client --metadata-dir DIR init ROOT_JSON
//! tuf_conformance_client --metadata-dir DIR --metadata-url URL refresh
//! tuf_conformance_client --metadata-dir DIR --metadata-url URL --target-name NAME…
//!     --target-base-url URL --target-dir DIR download
//! ```
//!
//! It is the product's own client. What is different is where it keeps what it remembers: the suite
//! looks for metadata under names without versions in one folder. The versions that were seen are
//! there too, under a name that the suite takes for nothing.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use stopgap_feed::tuf::{Client, Memory, Target};
use stopgap_feed::{Answer, HttpTransport, Network, Transport, TransportError};
use stopgap_model::Digest;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The file with the versions that were seen.
const SEEN: &str = "seen";

#[derive(Default)]
struct Arguments {
    metadata_dir: Option<PathBuf>,
    metadata_url: Option<String>,
    target_names: Vec<String>,
    target_dir: Option<PathBuf>,
    target_base_url: Option<String>,
    words: Vec<String>,
}

/// Metadata and targets of one repository at two addresses.
struct TwoAddresses {
    metadata: HttpTransport,
    targets: Option<HttpTransport>,
}

impl Transport for TwoAddresses {
    fn get(
        &self,
        path: &str,
        max: u64,
        validator: Option<&str>,
    ) -> std::result::Result<Answer, TransportError> {
        match (path.split_once('/'), &self.targets) {
            (Some(("metadata", name)), _) => self.metadata.get(name, max, validator),
            (Some(("targets", name)), Some(targets)) => targets.get(name, max, validator),
            _ => Ok(Answer::Absent),
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut cause: Option<&dyn Error> = Some(&*error);
            while let Some(error) = cause {
                eprintln!("{error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments = arguments(std::env::args().skip(1))?;
    let folder = arguments.metadata_dir.as_deref().ok_or("--metadata-dir is missing")?;
    let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["init", root] => init(folder, Path::new(root)),
        ["refresh"] => refresh(folder, &arguments).map(|_| ()),
        ["download"] => download(folder, &arguments),
        _ => Err("init ROOT_JSON, refresh or download?".into()),
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    while let Some(word) = given.next() {
        if !word.starts_with("--") {
            arguments.words.push(word);
            continue;
        }
        let value = given.next().ok_or_else(|| format!("{word} has no value"))?;
        match word.as_str() {
            "--metadata-dir" => arguments.metadata_dir = Some(value.into()),
            "--metadata-url" => arguments.metadata_url = Some(value),
            "--target-name" => arguments.target_names.push(value),
            "--target-dir" => arguments.target_dir = Some(value.into()),
            "--target-base-url" => arguments.target_base_url = Some(value),
            _ => return Err(format!("{word} is not known").into()),
        }
    }
    Ok(arguments)
}

fn init(folder: &Path, root: &Path) -> Result<()> {
    let root = std::fs::read(root)?;
    let nowhere = Arc::new(stopgap_feed::DirTransport::new(folder));
    Client::open(nowhere, &root, Memory::default())?;
    Ok(std::fs::write(folder.join("root.json"), root)?)
}

/// Refreshes, and writes what was verified, also if something else was refused.
fn refresh(folder: &Path, arguments: &Arguments) -> Result<Client> {
    let network = Network::default();
    let web = |url: &Option<String>| {
        url.as_ref().map(|url| HttpTransport::new(url, &network)).transpose()
    };
    let metadata = web(&arguments.metadata_url)?.ok_or("--metadata-url is missing")?;
    let place = TwoAddresses { metadata, targets: web(&arguments.target_base_url)? };
    let root = std::fs::read(folder.join("root.json"))?;
    let mut client = Client::open(Arc::new(place), &root, memory(folder)?)?;
    let result = client.refresh(Timestamp::now());
    keep(folder, &client)?;
    result?;
    Ok(client)
}

fn download(folder: &Path, arguments: &Arguments) -> Result<()> {
    let to = arguments.target_dir.as_deref().ok_or("--target-dir is missing")?;
    let mut client = refresh(folder, arguments)?;
    for name in &arguments.target_names {
        let target = client.find(name, Timestamp::now());
        keep(folder, &client)?;
        let target = target?.ok_or_else(|| format!("there is no `{name}`"))?;
        let path = to.join(file_name(name));
        if !is_there(&path, &target) {
            std::fs::write(path, client.fetch_target(&target)?)?;
        }
    }
    Ok(())
}

fn memory(folder: &Path) -> Result<Memory> {
    let mut memory = Memory::default();
    if let Ok(seen) = std::fs::read(folder.join(SEEN)) {
        memory.seen = serde_json::from_slice(&seen)?;
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") && name != "root.json" {
            memory.files.insert(name, std::fs::read(entry.path())?);
        }
    }
    Ok(memory)
}

fn keep(folder: &Path, client: &Client) -> Result<()> {
    std::fs::write(folder.join("root.json"), client.root())?;
    for (name, bytes) in client.new_files() {
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(std::fs::write(folder.join(SEEN), serde_json::to_vec(&client.seen())?)?)
}

fn is_there(path: &Path, target: &Target) -> bool {
    std::fs::read(path).is_ok_and(|bytes| target.sha256() == Some(Digest::of(&bytes)))
}

/// The name of a target in a form that is the name of one file.
fn file_name(target: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let one = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    target.bytes().map(one).collect()
}
