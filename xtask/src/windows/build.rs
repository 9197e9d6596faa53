//! The programs and the tests, built for Windows.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::std_source::{StdSource, TARGET};

/// What has no meaning on Windows: it measures or compares servers of Unix, or is this program.
const NOT_BUILT: [&str; 3] = ["stopgap-benches", "stopgap-parity", "xtask"];

/// A program that was built.
pub(super) struct Built {
    /// The crate that it is of.
    pub(super) package: String,
    /// The name of the program, or of the file of tests.
    pub(super) name: String,
    /// Whether it is a program of tests.
    pub(super) is_test: bool,
    /// Its source.
    pub(super) source: PathBuf,
    pub(super) program: PathBuf,
}

/// Builds all programs and tests.
pub(super) fn all(source: &StdSource) -> Result<Vec<Built>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--no-run", "--workspace", "--target", TARGET, "--locked"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    for name in NOT_BUILT {
        command.args(["--exclude", name]);
    }
    // Flags of this machine's linker are not those of the other one.
    command.env_remove("RUSTFLAGS").env("AWS_LC_SYS_PREBUILT_NASM", "1");
    // Lines suffice to find the place of a panic, and the programs stay small.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    if let StdSource::Source { library, .. } = source {
        command.arg("-Zbuild-std=std,panic_unwind,test");
        // What a released compiler does not offer otherwise.
        command.env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
    }
    let built = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let built = built.map_err(|error| format!("cargo: {error}"))?;
    match built.status.success() {
        true => Ok(String::from_utf8_lossy(&built.stdout).lines().filter_map(artifact).collect()),
        false => Err(format!("the build for {TARGET} failed: {}", built.status)),
    }
}

/// What a line of cargo says was built, if that is a program.
fn artifact(line: &str) -> Option<Built> {
    let said: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = text(said.get("package_id")?)?;
    let target = said.get("target")?;
    Some(Built {
        package: package(&id)?,
        name: text(target.get("name")?)?,
        is_test: said.get("profile")?.get("test")?.as_bool()?,
        source: text(target.get("src_path")?)?.into(),
        program: text(said.get("executable")?)?.into(),
    })
}

/// `fs` of `path+file:///home/x/crates/fs#stopgap-fs@0.1.0`, or of `…/crates/fs#0.1.0`.
fn package(id: &str) -> Option<String> {
    let folder = id.split('#').next()?.rsplit('/').next()?;
    Some(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_of_a_program_is_read_and_of_a_library_is_not() {
        let line = |executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"path+file:///x/crates/fs#stopgap-fs@0.1.0",
                "target":{{"name":"root","src_path":"/x/crates/fs/tests/root.rs"}},
                "profile":{{"test":true}},"executable":{executable}}}"#
            )
        };
        let built = artifact(&line("\"/t/root.exe\"")).expect("a program");
        assert_eq!(
            (built.package.as_str(), built.name.as_str(), built.is_test),
            ("fs", "root", true)
        );
        assert!(artifact(&line("null")).is_none());
        assert!(artifact("Compiling").is_none());
    }
}
