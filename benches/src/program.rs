//! The `stopgap` program as its users run it: a process of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use stopgap_testkit::Tree;

/// Between two looks at whether a program has ended.
const TICK: Duration = Duration::from_millis(5);

/// The release build of the program.
#[derive(Debug)]
pub(crate) struct Program(PathBuf);

impl Program {
    /// Builds it.
    pub(crate) fn build() -> Result<Self, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--release", "--package", "stopgap-cli"])
            .args(["--manifest-path", manifest])
            .status()
            .map_err(|error| format!("cargo could not be started: {error}"))?;
        if !status.success() {
            return Err(format!("the program could not be built: {status}"));
        }
        // The benches are a release build too, so the program is beside them.
        let own = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
        let program = own.with_file_name("stopgap");
        if !program.is_file() {
            return Err(format!("{} is not there", program.display()));
        }
        Ok(Self(program))
    }

    /// One that was built before.
    pub(crate) fn at(path: &Path) -> Result<Self, String> {
        match path.is_file() {
            true => Ok(Self(path.to_owned())),
            false => Err(format!("{} is not there", path.display())),
        }
    }

    /// A dry run over the server of `tree`.
    pub(crate) fn dry_run<'a>(
        &self,
        tree: &Tree,
        extra: impl IntoIterator<Item = &'a OsStr>,
    ) -> Command {
        let mut command = self.check(tree);
        command.arg("--dry-run").args(extra);
        command
    }

    /// A cycle over the server of `tree`.
    pub(crate) fn check(&self, tree: &Tree) -> Command {
        self.on(tree, &["check"])
    }

    /// A command on the server of `tree`.
    pub(crate) fn on(&self, tree: &Tree, words: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.arg("--root").arg(tree.root()).arg("--state").arg(tree.state()).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A command on this machine itself, which remembers in `state`.
    pub(crate) fn on_this_machine(&self, state: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.arg("--state").arg(state).args(words).stdin(Stdio::null());
        command
    }

    /// The size of the program's file, in bytes.
    pub(crate) fn size(&self) -> Result<f64, String> {
        let file = fs::metadata(&self.0).map_err(|error| format!("the program: {error}"))?;
        Ok(file.len() as f64)
    }
}

/// How long `command` takes from its start to its end.
pub(crate) fn wall_time(command: &mut Command) -> Result<Duration, String> {
    let start = Instant::now();
    let mut child = start_of(command)?;
    child.wait().map_err(|error| format!("the program: {error}"))?;
    Ok(start.elapsed())
}

/// The seconds that `command` has of the processor, without the programs that it starts.
///
/// What else the machine does is not in them. The kernel counts in hundredths of a second.
pub(crate) fn processor_time(command: &mut Command) -> Result<f64, String> {
    let mut child = start_of(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
    let file = format!("/proc/{}/stat", child.id());
    let ticks = loop {
        let stat = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        // The name, in parentheses, may have spaces.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let fields: Vec<&str> = fields.collect();
        // A process that has ended keeps its times until it is waited for.
        if fields.first() == Some(&"Z") {
            let of = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
            break of(11).zip(of(12)).map(|(user, system)| user + system);
        }
        thread::sleep(TICK);
    };
    child.wait().map_err(|error| format!("the program: {error}"))?;
    ticks.map(|ticks| ticks / 100.0).ok_or_else(|| format!("{file} tells no times"))
}

/// The most memory that `command` had at one time, in bytes.
///
/// The kernel keeps the peak for each process but drops it with the process's memory. It is read
/// again and again, so what is missed is what the last microseconds add.
pub(crate) fn peak_memory(command: &mut Command) -> Result<u64, String> {
    let mut child = start_of(command)?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // A process that has ended has no such line.
    while let Some(now) = fs::read_to_string(&status).ok().as_deref().and_then(peak_of) {
        peak = peak.max(now);
    }
    child.wait().map_err(|error| format!("the program: {error}"))?;
    if peak == 0 { Err("the peak of memory could not be read".into()) } else { Ok(peak) }
}

fn start_of(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|error| format!("the program could not be started: {error}"))
}

fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
