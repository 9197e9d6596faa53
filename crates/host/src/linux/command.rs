//! Programs that are run: for a bounded time, with bounded output, and nothing left of them.

use std::collections::BTreeMap;
use std::io::{ErrorKind, PipeReader, Read as _, pipe};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};

use stopgap_model::Reasons;
use stopgap_model::problem::turns_text;
use stopgap_model::reason::ProgramReason;
use stopgap_model::web::Account;

use crate::linux::privileges::{SETPRIV, giving_away, is_for_afterwards};

use crate::web_servers::Stop;

/// How long a program may take that only says something, or has something done.
pub(crate) const PROGRAM_TIME: Duration = Duration::from_secs(10);
/// Between two looks at whether something has happened.
pub(crate) const TICK: Duration = Duration::from_millis(5);
/// The most output that is kept, in bytes; it is the last of it.
const MAX_OUTPUT: usize = 256 * 1024;
/// The most lines of output that are reported: servers say last what was wrong and where.
const MAX_LINES: usize = 5;
/// The most characters of output that are reported.
const MAX_SAID: usize = 1_000;
/// Where the programs find others. The servers' own do not need it, their modules may.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Executes a program with more variables.
const ENV: &str = "/usr/bin/env";
/// Executes a program in a session of its own (util-linux, as [`SETPRIV`]).
const SETSID: &str = "/usr/bin/setsid";

/// What is run, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandSpec {
    /// By its path from the root.
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
    /// All the variables there are, but for `PATH`.
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) folder: String,
    /// With whose rights.
    pub(crate) account: Account,
    /// How long it may take, where it is run to its end.
    pub(crate) time: Duration,
}

/// How long a program stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// Until it has said or done something, in bounded time.
    Bounded,
    /// As long as it likes. A server that does not go to the background gives root's rights up there.
    Long,
}

/// A program was not run, or not to its end; each a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// It cannot be started.
    #[error("{program} cannot be run: {why}")]
    NotRun { program: String, why: String },
    /// What gives root's rights away cannot be started. Only the package of util-linux has it with all
    /// that is needed of it.
    #[error(
        "{SETSID} and {SETPRIV}, which give root's rights away for those of {account}, cannot be \
         run: {why}"
    )]
    RightsNotGivenAway { account: String, why: String },
    /// It was ended because it took too long.
    #[error("{program} did not end within {} s", time.as_secs())]
    NotInTime { program: String, time: Duration },
    /// It was ended because nobody waits for it any longer.
    #[error("{program} is not waited for any longer")]
    NotAwaited { program: String },
    /// The kernel does not say how it ended.
    #[error("a program cannot be waited for: {0}")]
    Lost(String),
}

impl From<CommandError> for Reasons {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotRun { program, why } => ProgramReason::NotRun { program, error: why },
            CommandError::RightsNotGivenAway { account, why } => {
                ProgramReason::RightsNotGivenAway { account, error: why }
            }
            CommandError::NotInTime { program, time } => {
                ProgramReason::NotInTime { program, seconds: time.as_secs() }
            }
            CommandError::NotAwaited { program } => ProgramReason::NotAwaited { what: program },
            CommandError::Lost(error) => ProgramReason::Lost { error },
        }
        .into()
    }
}

/// What a program came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    /// What it wrote to its output and its error output.
    pub(crate) output: String,
}

impl CommandSpec {
    pub(crate) fn new(program: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
        let (variables, folder) = (BTreeMap::new(), "/".to_owned());
        let account = Account::root();
        let time = PROGRAM_TIME;
        Self { program: program.to_owned(), arguments, variables, folder, account, time }
    }

    /// With this account's rights instead of root's.
    pub(crate) fn with_rights_of(self, account: &Account) -> Self {
        Self { account: account.clone(), ..self }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be run, or did not end in time and was ended; a sentence without a full stop.
    pub(crate) fn to_end(&self) -> Result<Ended, CommandError> {
        self.to_end_unless(&|| false)
    }

    /// Runs it to its end, unless `stop` says that nobody waits for it any longer.
    ///
    /// # Errors
    /// See `to_end`; or `stop` said so, and it was ended.
    pub(crate) fn to_end_unless(&self, stop: &Stop<'_>) -> Result<Ended, CommandError> {
        let (mut output, child) = self.spawn_with_output()?;
        let mut child = Guarded(Some(child));
        let mut said = Vec::new();
        let start = Instant::now();
        loop {
            // In this order: what it wrote before it ended is there to be read when it has ended.
            let ended = child.ended()?;
            read_available(&mut output, &mut said);
            if let Some(status) = ended {
                let output = String::from_utf8_lossy(&said).into_owned();
                return Ok(Ended { success: status.success(), output });
            }
            if start.elapsed() > self.time {
                return Err(CommandError::NotInTime {
                    program: self.program.clone(),
                    time: self.time,
                });
            }
            if stop() {
                return Err(CommandError::NotAwaited { program: self.program.clone() });
            }
            thread::sleep(TICK);
        }
    }

    /// Starts it as a server that may stay. Its output is not kept: it would have nobody who reads
    /// it when we are gone.
    pub(crate) fn spawn(&self) -> Result<Guarded, CommandError> {
        let mut command = self.command(Stay::Long);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(|child| Guarded(Some(child))).map_err(|error| self.not_run(&error))
    }

    fn spawn_with_output(&self) -> Result<(PipeReader, Child), CommandError> {
        let piped = || {
            let (reader, writer) = pipe()?;
            fcntl_setfl(&reader, fcntl_getfl(&reader)? | OFlags::NONBLOCK)?;
            let mut command = self.command(Stay::Bounded);
            command.stdout(writer.try_clone()?).stderr(writer);
            Ok((reader, command.spawn()?))
        };
        piped().map_err(|error| self.not_run(&error))
    }

    fn command(&self, stay: Stay) -> Command {
        // By its name: who could exchange what has the name could exchange all that root runs, as it
        // was made sure before that nobody else may write it or a folder above it.
        let given_away = giving_away(&self.account);
        let is_detached = !given_away.is_empty() || (stay == Stay::Long && is_there(SETSID));
        let (after, mut variables): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.variables.clone().into_iter().partition(|(name, _)| is_for_afterwards(name));
        let mut command = match is_detached {
            true => Command::new(SETSID),
            false => Command::new(&self.program),
        };
        match given_away.is_empty() {
            true => {
                variables.extend(after);
                if is_detached {
                    command.arg(&self.program);
                }
            }
            false => {
                command.arg(SETPRIV).args(&given_away);
                let after = after.iter().map(|(name, value)| format!("{name}={value}"));
                // A program with such a name would be taken for a variable.
                if after.len() > 0 && !self.program.contains('=') {
                    command.arg(ENV).args(after);
                }
                command.arg(&self.program);
            }
        }
        command.args(&self.arguments).env_clear().env("PATH", PATH).envs(&variables);
        command.current_dir(&self.folder).stdin(Stdio::null());
        // A group of its own: what it starts can be ended with it, and what ends us does not end it.
        // What has or takes another user's rights has a session of its own, which makes the group
        // too: it could type into the administrator's terminal otherwise (`TIOCSTI`), and what
        // is typed there is done with root's rights.
        if !is_detached {
            command.process_group(0);
        }
        command
    }

    fn not_run(&self, error: &std::io::Error) -> CommandError {
        let why = error.to_string();
        match giving_away(&self.account).is_empty() {
            true => CommandError::NotRun { program: self.program.clone(), why },
            false => CommandError::RightsNotGivenAway { account: self.account.to_string(), why },
        }
    }
}

/// A child that, with what it started, does not outlive its being wanted.
pub(crate) struct Guarded(Option<Child>);

impl Guarded {
    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, CommandError> {
        let ended = self.0.as_mut().map_or(Ok(None), Child::try_wait);
        ended.map_err(|error| CommandError::Lost(error.to_string()))
    }

    /// Lets it stay. Once it ends it is waited for, so that nothing of it is left.
    pub(crate) fn leave(mut self) {
        if let Some(mut child) = self.0.take() {
            thread::spawn(move || child.wait());
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let Some(child) = &mut self.0 else { return };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        // It is not waited for yet, so the number is still its own, and so is the group's.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn is_there(program: &str) -> bool {
    Path::new(program).exists()
}

/// Reads what is there and waits for nothing more: what the program started may hold the pipe open.
fn read_available(output: &mut PipeReader, said: &mut Vec<u8>) {
    let mut buffer = [0; 16 * 1024];
    // A program that writes without end is read in turns.
    for _ in 0..64 {
        match output.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => said.extend(buffer.iter().take(length)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
        let excess = said.len().saturating_sub(MAX_OUTPUT);
        said.drain(..excess);
    }
}

/// The last lines of what a program said, as one line fit for a message. HAProxy begins with who it
/// is, and warns of what has nothing to do with what it fails for.
pub(crate) fn last_words(output: &str) -> String {
    let mut lines: Vec<&str> = output.lines().map(str::trim).collect();
    let fails = lines.iter().any(|line| line.starts_with("[ALERT]"));
    let is_beside = |line: &str| {
        line.is_empty() || line.starts_with("[NOTICE]") || fails && line.starts_with("[WARNING]")
    };
    lines.retain(|line| !is_beside(line));
    let last = lines.split_off(lines.len().saturating_sub(MAX_LINES)).join("; ");
    let excess = last.chars().count().saturating_sub(MAX_SAID);
    let said = harmless(last.chars().skip(excess));
    if said.is_empty() { "nothing".to_owned() } else { said }
}

/// The first of some lines as one that is fit for a message.
pub(crate) fn first_words(lines: &[String]) -> String {
    let first: Vec<&str> = lines.iter().take(MAX_LINES).map(String::as_str).collect();
    harmless(first.join("; ").chars().take(MAX_SAID))
}

/// Text in which nothing moves or turns what a terminal shows.
fn harmless(characters: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for character in characters {
        match character.is_control() || turns_text(character) {
            true => text.extend(character.escape_default()),
            false => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Ended, CommandError> {
        CommandSpec::new("/bin/sh", &["-c", script]).to_end()
    }

    #[test]
    fn what_a_program_says_is_kept_and_its_surroundings_are_its_own() {
        let ended = shell("echo out; echo err >&2; env; exit 3").expect("run");
        assert!(!ended.success);
        assert!(ended.output.starts_with("out\nerr\n"), "{}", ended.output);
        assert!(!ended.output.contains("HOME="), "{}", ended.output);
        assert!(CommandSpec::new("/none/program", &[]).to_end().is_err());
    }

    #[test]
    fn a_program_has_the_rights_of_its_account_and_no_more() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root has rights to give away");
            return;
        }
        let groups = [33, 120].into();
        let ambient = stopgap_model::web::Capabilities(1 << 10);
        let bounding = stopgap_model::web::Capabilities(1 << 10);
        let user = Account::user(33, 34);
        let account = Account { groups, ambient, bounding, no_new_privileges: true, ..user };
        let script = "cat /proc/self/status; cat /etc/shadow && echo read";
        let run = CommandSpec::new("/bin/sh", &["-c", script]).with_rights_of(&account);
        let said = run.to_end().expect("run").output;
        for line in [
            "Uid:\t33\t33\t33\t33",
            "Gid:\t34\t34\t34\t34",
            "Groups:\t33 120",
            "CapPrm:\t0000000000000400",
            "CapBnd:\t0000000000000400",
            "CapAmb:\t0000000000000400",
            "NoNewPrivs:\t1",
        ] {
            assert!(said.contains(line), "{line} in {said}");
        }
        assert!(!said.contains("\nread"), "{said}");
    }

    /// Whether a process that was killed ends: it takes a moment, and whoever inherits it may not
    /// have collected it yet.
    fn is_ended(pid: &str) -> bool {
        let begun = Instant::now();
        loop {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
            match status.is_ok_and(|status| !status.contains("State:\tZ")) {
                false => return true,
                true if begun.elapsed() > PROGRAM_TIME => return false,
                true => thread::sleep(TICK),
            }
        }
    }

    /// The session of a process and its terminal: fields 6 and 7 of its facts.
    const SESSION: &str = "cut -d' ' -f6,7 /proc/$$/stat; echo $$";

    #[test]
    fn what_has_another_users_rights_is_in_no_session_of_ours_and_has_no_terminal() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root has rights to give away");
            return;
        }
        let run =
            CommandSpec::new("/bin/sh", &["-c", SESSION]).with_rights_of(&Account::user(33, 33));
        let said = run.to_end().expect("run").output;
        let [session, terminal, pid] = said.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{said}");
        };
        assert_eq!((session, terminal), (pid, "0"), "{said}");
    }

    #[test]
    fn a_server_that_stays_is_in_no_session_of_ours_and_is_ended_with_what_it_started() {
        let file = std::env::temp_dir().join(format!("stopgap-session-{}", std::process::id()));
        let script = format!("sleep 600 & ({SESSION}; echo $!) > {}; wait", file.display());
        let child = CommandSpec::new("/bin/sh", &["-c", &script]).spawn().expect("run");
        let begun = Instant::now();
        let said = loop {
            let said = std::fs::read_to_string(&file).unwrap_or_default();
            if said.lines().count() == 3 || begun.elapsed() > PROGRAM_TIME {
                break said;
            }
            thread::sleep(TICK);
        };
        drop(child);
        let _ = std::fs::remove_file(&file);
        let [session, terminal, pid, started] = said.split_whitespace().collect::<Vec<_>>()[..]
        else {
            panic!("{said}");
        };
        assert_eq!((session, terminal), (pid, "0"), "{said}");
        assert!(is_ended(started), "what it started is left");
    }

    #[test]
    fn a_library_that_a_servers_user_may_write_is_not_loaded_while_rights_are_given_away() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root has rights to give away");
            return;
        }
        // The loader complains of what it cannot load, once for each program that is to load it.
        let run = CommandSpec::new("/bin/sh", &["-c", "echo $LD_PRELOAD"])
            .with_rights_of(&Account::user(33, 33));
        let variables = [("LD_PRELOAD", "/none/evil.so"), ("SHOP", "1")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let said = CommandSpec { variables, ..run }.to_end().expect("run").output;
        assert_eq!(said.matches("cannot be preloaded").count(), 1, "{said}");
        assert!(said.ends_with("/none/evil.so\n"), "{said}");
    }

    #[test]
    fn a_program_that_leaves_a_child_with_its_output_is_not_waited_for() {
        let ended = shell("sleep 5 & echo done").expect("run");
        assert_eq!(ended.output, "done\n");
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children_when_it_is_not_waited_for_any_longer() {
        let pid_file = std::env::temp_dir().join(format!("stopgap-hung-{}", std::process::id()));
        let script = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
        let begun = Instant::now();
        let run = CommandSpec::new("/bin/sh", &["-c", &script]);
        let is_written = || std::fs::read_to_string(&pid_file).is_ok_and(|pid| pid.ends_with('\n'));
        let error = run.to_end_unless(&is_written).expect_err("it was not ended");
        assert_eq!(error.to_string(), "/bin/sh is not waited for any longer");
        assert!(begun.elapsed() < PROGRAM_TIME, "it was waited for to its end");
        let pid = std::fs::read_to_string(&pid_file).expect("the child's number");
        let _ = std::fs::remove_file(&pid_file);
        assert!(is_ended(pid.trim()), "its child is left");
    }

    #[test]
    fn a_program_that_takes_longer_than_its_time_is_ended_and_told() {
        let run = CommandSpec {
            time: Duration::from_secs(1),
            ..CommandSpec::new("/bin/sleep", &["600"])
        };
        assert_eq!(
            run.to_end().expect_err("it ended").to_string(),
            "/bin/sleep did not end within 1 s"
        );
    }

    #[test]
    fn the_last_of_much_output_is_kept() {
        let ended = shell("yes | head -c 2000000; echo; echo end").expect("run");
        assert!(ended.output.len() <= MAX_OUTPUT && ended.output.ends_with("\nend\n"));
    }

    #[test]
    fn what_haproxy_says_of_itself_does_not_hide_what_it_fails_for() {
        let (notice, warning) =
            ("[NOTICE]   (7) : haproxy version is 2.6.12", "[WARNING]  (7) : w");
        let alert = "[ALERT]    (7) : config : unknown keyword";
        assert_eq!(last_words(&[notice, alert, warning].join("\n")), alert);
        assert_eq!(last_words(&[notice, warning].join("\n")), warning);
        assert_eq!(last_words(notice), "nothing");
    }

    #[test]
    fn last_words_are_one_line_and_turn_no_text() {
        assert_eq!(last_words("a\n\n b \u{1b}[31m\u{202e}\n"), "a; b \\u{1b}[31m\\u{202e}");
        assert_eq!(last_words("1\n2\n3\n4\n5\n6\n7"), "3; 4; 5; 6; 7");
        assert_eq!(last_words(""), "nothing");
        assert_eq!(last_words(&"x".repeat(5000)).len(), MAX_SAID);
        let lines: Vec<String> = (1..8).map(|number| format!("{number}\u{1b}")).collect();
        assert!(first_words(&lines).starts_with("1\\u{1b}; 2\\u{1b}; "), "{}", first_words(&lines));
        assert!(first_words(&lines).ends_with("; 5\\u{1b}"));
        assert_eq!(first_words(&["x".repeat(5000)]).len(), MAX_SAID);
    }
}
