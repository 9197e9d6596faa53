//! A run in a copy of Wine's root, in mount and process namespaces of its own: when their first process
//! ends, the kernel ends all others in them and takes the mounts away.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::command::run as run_command;
use super::namespaces::{ENVIRONMENT, unshared};
use super::plan::{Plan, Program};

/// The first argument of this program inside.
pub(super) const INSIDE: &str = "--inside";

/// How long one program of tests may run: three times as long as the longest does on two busy cores.
const LONGEST: Duration = Duration::from_secs(900);
/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs the programs of a plan in namespaces of their own.
pub(super) fn enter(plan: &Plan) -> Result<(), String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let file = plan.folder.join("plan.json");
    fs::write(&file, plan.write()).map_err(|error| format!("{}: {error}", file.display()))?;
    let done = run_command(unshared().arg(this).args(["test-windows", INSIDE]).arg(&file));
    let _ = fs::remove_dir_all(&plan.folder);
    // What failed was said where it failed.
    done.map_err(|_| "test-windows: not all tests passed".to_owned())
}

/// Inside: mounts what is needed and runs the programs of the plan in `file`.
pub(super) fn run(file: &str) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let plan = Plan::read(&text).ok_or_else(|| format!("{file} is no plan"))?;
    let root = mounted(&plan)?;
    let (mut passed, mut failed) = (0, Vec::new());
    for program in &plan.programs {
        let start = Instant::now();
        let output = plan.folder.join("output");
        let ended = execute(&root, program, &output)?;
        let text = fs::read(&output).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&text);
        let counted = count(&text);
        passed += counted.unwrap_or(0);
        let seconds = start.elapsed().as_secs_f32();
        match (ended, counted) {
            (true, Some(tests)) => println!("ok: {}: {tests} tests, {seconds:.1} s", program.name),
            _ => {
                println!("{text}\nFAILED: {}, {seconds:.1} s", program.name);
                failed.push(program.name.clone());
            }
        }
        let skipped = text.lines().filter(|line| line.starts_with("skipped"));
        skipped.for_each(|line| println!("  {line}"));
    }
    println!("test-windows: {passed} tests passed in {} programs", plan.programs.len());
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("failed under Wine: {}", failed.join(", "))),
    }
}

/// A copy of the root, which shares what it does not write, with what the tests see of this machine.
fn mounted(plan: &Plan) -> Result<PathBuf, String> {
    let part = |name: &str| {
        let folder = plan.folder.join(name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok::<_, String>(folder)
    };
    let (upper, work, root) = (part("upper")?, part("work")?, part("root")?);
    let layers = format!(
        "lowerdir={},upperdir={},workdir={}",
        plan.root.display(),
        upper.display(),
        work.display()
    );
    run_command(
        Command::new("mount").args(["-t", "overlay", "overlay", "-o", &layers]).arg(&root),
    )?;
    run_command(Command::new("mount").args(["-t", "proc", "proc"]).arg(root.join("proc")))?;
    run_command(Command::new("mount").args(["--rbind", "/dev"]).arg(root.join("dev")))?;
    for seen in &plan.seen {
        let to = root.join(seen.strip_prefix("/").unwrap_or(seen));
        fs::create_dir_all(&to).map_err(|error| format!("{}: {error}", to.display()))?;
        run_command(Command::new("mount").arg("--bind").arg(seen).arg(&to))?;
        run_command(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&to))?;
    }
    Ok(root)
}

/// Runs a program of tests; answers whether it ended well.
fn execute(root: &Path, program: &Program, output: &Path) -> Result<bool, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", program.name);
    let file = File::create(output).map_err(failed)?;
    let mut command = Command::new("chroot");
    // Wine sees this machine's folders on the drive Z:, where a path without a drive leads too.
    command.arg(root).args(["env", "--chdir"]).arg(&program.folder);
    command.args(["-i", "RUST_BACKTRACE=0"]);
    command.args(ENVIRONMENT.map(|(name, value)| format!("{name}={value}")));
    if let Some(data) = std::env::var_os("STOPGAP_REAL_DATA") {
        command.arg(format!("STOPGAP_REAL_DATA=Z:{}", data.to_string_lossy()));
    }
    // So that tests that pass can say what they skipped.
    command.arg("wine").arg(&program.program).arg("--show-output");
    command.stdin(Stdio::null()).stdout(file.try_clone().map_err(failed)?).stderr(file);
    let mut child = command.spawn().map_err(failed)?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status.success());
        }
        if start.elapsed() > LONGEST {
            println!("{}: ended after {} s", program.name, LONGEST.as_secs());
            let _ = child.kill();
            let _ = child.wait();
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}

/// How many tests passed, as the program says in its last line; `None` if it did not come to that.
fn count(output: &str) -> Option<usize> {
    let line = output.lines().rev().find(|line| line.starts_with("test result:"))?;
    line.split_whitespace().zip(line.split_whitespace().skip(1)).find_map(|(number, word)| {
        word.starts_with("passed").then(|| number.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_is_read_from_the_last_line_of_a_program_of_tests() {
        let text = "running 3 tests\n\ntest result: ok. 3 passed; 0 failed; 1 ignored; finished in 0.1s\n\n";
        assert_eq!(count(text), Some(3));
        assert_eq!(count("running 3 tests\n"), None);
    }
}
