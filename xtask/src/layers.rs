//! The crates' import rules, read from `cargo metadata`: an arrow that points up fails, and so do
//! files of one crate that stand on each other.

use std::process::Command;

use serde_json::Value;

use crate::house;

/// Every crate with the crates it may import. Beside these: everything may be imported by the
/// benches and by parity, and tests may use `testkit`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("pattern", &["model"]),
    ("rules", &["model", "pattern"]),
    ("iis", &["model", "pattern", "rules"]),
    ("webserver", &["model", "pattern", "rules"]),
    ("sandbox", &["model"]),
    ("eocs", &[]),
    ("sign", &["model"]),
    ("terminal", &["model", "pattern", "rules", "iis"]),
    ("plan", &["model", "rules", "iis", "webserver"]),
    ("win32", &[]),
    ("fs", &["model", "win32"]),
    ("feed", &["model", "pattern", "rules", "eocs", "fs"]),
    ("host", &["model", "fs", "win32"]),
    ("store", &["model", "iis", "webserver", "plan", "fs"]),
    ("engine", &["model", "rules", "iis", "webserver", "plan", "fs", "host", "store"]),
    (
        "agent",
        // `iis` only in a test: every rule of the shipped catalog can be written for IIS.
        &[
            "iis", "model", "pattern", "rules", "plan", "fs", "feed", "host", "store", "engine",
            "agent", "terminal",
        ],
    ),
    (
        "cli",
        &[
            "model", "pattern", "rules", "iis", "eocs", "sandbox", "sign", "plan", "fs", "feed",
            "host", "store", "engine", "agent", "terminal",
            // Only for the end that a console asks for.
            "win32",
        ],
    ),
    ("publish", &["model", "pattern", "rules", "iis", "sign", "terminal", "fs", "feed"]),
    ("testkit", &["model", "sandbox", "sign", "fs", "host", "win32"]),
];

/// What a pure crate may not name in its sources.
const PURE: &[&str] = &[
    "model",
    "pattern",
    "rules",
    "iis",
    "webserver",
    "eocs",
    "sign",
    "terminal",
    "sandbox",
    "plan",
];
const IMPURE: &[&str] = &[
    "std::fs",
    // Addresses are values; these speak to the network.
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::os::unix::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "println!",
    "eprintln!",
];

/// Fails with every wrong arrow, and with every circle of files that is not listed.
pub(crate) fn check() -> Result<(), String> {
    let mut wrong = wrong()?;
    wrong.extend(house::circles_not_listed()?);
    if wrong.is_empty() {
        println!("check-layers: every import points down, and no files stand on each other");
        return Ok(());
    }
    Err(wrong.join("\n"))
}

/// Every wrong arrow between crates, and every use of the outside world in a pure crate.
pub(crate) fn wrong() -> Result<Vec<String>, String> {
    let mut wrong = wrong_arrows(&metadata()?)?;
    for name in PURE {
        impure_lines(&format!("crates/{name}/src"), &mut wrong)?;
    }
    Ok(wrong)
}

fn metadata() -> Result<Value, String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(["metadata", "--format-version=1", "--no-deps"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
}

fn wrong_arrows(metadata: &Value) -> Result<Vec<String>, String> {
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let mut wrong = Vec::new();
    for package in packages {
        let Some(name) = crate_of(&package["name"]) else { continue };
        if matches!(name, "benches" | "parity") {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("check-layers: the crate `{name}` has no import rule"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let Some(imported) = crate_of(&dependency["name"]) else { continue };
            let is_dev = dependency["kind"] == "dev";
            let of_tests = is_dev && matches!(imported, "testkit" | "sandbox" | "sign");
            if !of_tests && !allowed.contains(&imported) {
                wrong.push(format!("check-layers: `{name}` may not import `{imported}`"));
            }
        }
    }
    Ok(wrong)
}

fn crate_of(name: &Value) -> Option<&str> {
    name.as_str()?.strip_prefix("stopgap-")
}

fn impure_lines(folder: &str, wrong: &mut Vec<String>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{folder}: {error}"))?.path();
        let name = path.display().to_string();
        if path.is_dir() {
            impure_lines(&name, wrong)?;
        } else if name.ends_with(".rs") {
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
            for (at, line) in text.lines().enumerate() {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                for outside in IMPURE.iter().filter(|outside| line.contains(**outside)) {
                    wrong.push(format!("{name}:{}: `{outside}` in a pure crate", at + 1));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, kind: Option<&str>, imports: &str) -> Value {
        serde_json::json!({"packages": [{
            "name": name,
            "dependencies": [{"name": imports, "kind": kind}, {"name": "serde", "kind": null}],
        }]})
    }

    #[test]
    fn an_arrow_that_points_up_is_named() {
        let wrong = wrong_arrows(&package("stopgap-rules", None, "stopgap-plan"));
        assert_eq!(wrong, Ok(vec!["check-layers: `rules` may not import `plan`".into()]));
        assert_eq!(wrong_arrows(&package("stopgap-plan", None, "stopgap-rules")), Ok(vec![]));
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        assert_eq!(
            wrong_arrows(&package("stopgap-host", Some("dev"), "stopgap-testkit")),
            Ok(vec![])
        );
        let wrong = wrong_arrows(&package("stopgap-host", None, "stopgap-testkit"));
        assert_eq!(wrong, Ok(vec!["check-layers: `host` may not import `testkit`".into()]));
    }

    #[test]
    fn a_new_crate_needs_a_rule_of_its_own() {
        let wrong = wrong_arrows(&package("stopgap-cellar", None, "stopgap-model"));
        assert_eq!(wrong, Ok(vec!["check-layers: the crate `cellar` has no import rule".into()]));
    }
}
