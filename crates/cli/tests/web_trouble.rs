//! Trouble while a web server that runs is changed: a program that hangs, a server that is killed,
//! a crash, a full disk, a configuration manager, sites of every sort. The server answers all along,
//! and ends with what it had or with what it should have.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;
#[path = "web_servers/scene.rs"]
mod scene;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Run, leftovers};
use rustix::process::{Pid, Signal, kill_process};
use scene::{NGINX, Scene, scene};
use stopgap_model::WebKind;
use stopgap_testkit::servers::Setup;

/// A shell script in the place of nginx that does `on_test` when a configuration is tested, and
/// then what nginx does. `$nth` is how many tests it is by now.
fn script(on_test: &str) -> String {
    format!(
        "#!/bin/sh\ncase \" $* \" in *\" -t \"*)\n  echo x >> {{dir}}/tests\n  \
         nth=$(wc -l < {{dir}}/tests)\n  {on_test}\n  ;;\nesac\nexec {{program}} \"$@\"\n"
    )
}

/// An nginx whose program is a script.
fn scripted(on_test: &str) -> Option<Scene> {
    let scene = scene(&NGINX)?;
    scene.run_by(&script(on_test));
    Some(scene)
}

/// The check failed, says `told`, and nothing stayed changed.
#[track_caller]
fn failed_and_as_before(scene: &Scene, told: &str) {
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
    assert!(run.reason("WEB").contains(told), "{}", run.reason("WEB"));
    assert_eq!(scene.files(), before);
    assert_eq!(scene.get("/x/stopgap-probe"), 200);
}

/// Somebody asks for the mitigation by its name, whatever failed before, and it is applied.
#[track_caller]
fn applied(scene: &Scene) {
    let run = scene.stopgap(&["check", "WEB"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(scene.get_blocked("/x/stopgap-probe"));
    assert_eq!(scene.get("/shop"), 200);
}

#[test]
fn a_configuration_test_that_hangs_is_ended_and_told_and_nothing_is_changed() {
    let Some(scene) = scripted("sleep 1000") else { return };
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "conflict"), "{}", run.out);
    assert!(run.reason("WEB").contains("did not end within 30 s"), "{}", run.reason("WEB"));
    assert_eq!(scene.files(), before);
    assert_eq!(scene.get("/x/stopgap-probe"), 200);
}

#[test]
fn a_configuration_test_of_twelve_seconds_keeps_no_site_from_being_protected() {
    // nginx asks for the names of its upstreams while it tests, and waits for a resolver that is slow.
    let Some(scene) = scripted("[ $nth = 1 ] && sleep 12") else { return };
    applied(&scene);
    assert!(scene.dir().join("tests").exists(), "no configuration was tested");
}

#[test]
fn a_reload_that_hangs_is_bounded_and_told_and_everything_is_as_before() {
    let Some(scene) = scene(&NGINX) else { return };
    let master = Pid::from_raw(i32::try_from(scene.pid()).unwrap()).unwrap();
    // What is stopped takes no signal; its workers go on.
    kill_process(master, Signal::STOP).unwrap();
    let told =
        "has not taken its configuration within 10 s; it does not take what was put back either";
    failed_and_as_before(&scene, told);
    kill_process(master, Signal::CONT).unwrap();
    applied(&scene);
}

#[test]
fn a_server_that_somebody_kills_during_the_change_is_started_again_with_what_it_had() {
    // The second test is the one before the reload: by then everything is written.
    let kill = "[ $nth = 2 ] && master=$(cat {dir}/server.pid) && \
                kill -9 $master $(cat /proc/$master/task/$master/children)";
    let Some(scene) = scripted(kill) else { return };
    failed_and_as_before(&scene, "does not run");
    applied(&scene);
}

#[test]
fn a_master_that_somebody_kills_alone_leaves_workers_and_that_is_told() {
    let kill = "[ $nth = 2 ] && master=$(cat {dir}/server.pid) && \
                cp /proc/$master/task/$master/children {dir}/orphans.log && kill -9 $master";
    let Some(scene) = scripted(kill) else { return };
    failed_and_as_before(&scene, "does not run");
    let orphans = fs::read_to_string(scene.dir().join("orphans.log")).unwrap();
    for pid in orphans.split_whitespace() {
        kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    }
}

#[test]
fn a_second_check_waits_or_says_who_is_at_work() {
    let Some(scene) = scripted("sleep 2") else { return };
    thread::scope(|threads| {
        let first = threads.spawn(|| scene.stopgap(&["check"]));
        // The first one is at work once it has had the configuration tested.
        let begun = Instant::now();
        while !scene.dir().join("tests").exists() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the first check does not begin");
            thread::sleep(Duration::from_millis(10));
        }
        let second = scene.stopgap(&["check", "--wait", "0"]);
        assert_eq!(second.code, 4, "{}{}", second.out, second.err);
        let third = scene.stopgap(&["check"]);
        assert_eq!((third.code, third.state("WEB").as_str()), (0, "applied"), "{}", third.out);
        assert_eq!(third.json()["changed"], false);
        assert_eq!(first.join().unwrap().state("WEB"), "applied");
    });
}

#[test]
fn a_configuration_manager_that_writes_during_the_check_keeps_what_it_wrote() {
    let write = "[ $nth = 1 ] && echo '# written meanwhile' >> {dir}/nginx.conf";
    let Some(scene) = scripted(write) else { return };
    applied(&scene);
    let config = fs::read_to_string(scene.config()).unwrap();
    assert!(config.contains("# written meanwhile\n"), "{config}");
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    let config = fs::read_to_string(scene.config()).unwrap();
    assert!(config.ends_with("}\n# written meanwhile\n") && !config.contains("rules;"), "{config}");
}

#[test]
fn a_file_that_is_never_at_rest_is_told_and_nothing_of_ours_is_left() {
    let write = "echo '# again' >> {dir}/nginx.conf";
    let Some(scene) = scripted(write) else { return };
    let run = scene.stopgap(&["check"]);
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(run.out.contains("was changed by somebody else each time"), "{}", run.out);
    let config = fs::read_to_string(scene.config()).unwrap();
    assert!(config.ends_with("# again\n") && !config.contains("rules;"), "{config}");
    assert_eq!(leftovers(scene.dir()), [""; 0]);
    assert_eq!(scene.get("/x/stopgap-probe"), 200);
}

#[test]
fn a_configuration_manager_that_puts_its_file_back_before_the_reload_is_told() {
    let back = "[ $nth = 1 ] && cp {dir}/nginx.conf {dir}/kept; \
                [ $nth = 2 ] && cp {dir}/kept {dir}/nginx.conf";
    let Some(scene) = scripted(back) else { return };
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
    assert!(run.reason("WEB").contains("refuses the configuration"), "{}", run.reason("WEB"));
    fs::remove_file(scene.dir().join("kept")).unwrap();
    assert_eq!(scene.files(), before);
    assert_eq!(scene.get("/shop"), 200);
    applied(&scene);
}

/// `stopgap` under strace, with `inject` done to the calls of `call`.
fn injected(scene: &Scene, call: &str, inject: &str, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new("strace");
    command
        .args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:{inject}")])
        .arg(common::program())
        .args(scene.arguments(arguments));
    command.output().unwrap()
}

fn strace_is_there() -> bool {
    let there =
        Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: strace is not installed");
    }
    there
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks a server again and again while something is done; answers how often, and what went wrong.
fn asked_all_along(scene: &Scene, done: impl FnOnce()) -> (usize, Vec<String>) {
    let over = AtomicBool::new(false);
    thread::scope(|threads| {
        let asking = threads.spawn(|| {
            let (mut count, mut wrong) = (0, Vec::new());
            while !over.load(Ordering::Relaxed) {
                count += 1;
                match TcpStream::connect(scene.address()) {
                    Err(error) => wrong.push(error.to_string()),
                    Ok(mut stream) => {
                        let request = b"GET /shop HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
                        let mut answer = Vec::new();
                        let said = stream.write_all(request);
                        let said = said.and_then(|()| stream.read_to_end(&mut answer));
                        if said.is_err() || !answer.starts_with(b"HTTP/1.1 200") {
                            wrong.push(format!("{said:?} {}", String::from_utf8_lossy(&answer)));
                        }
                    }
                }
                thread::sleep(Duration::from_millis(2));
            }
            (count, wrong)
        });
        // However it ends, also by a failed assertion, the asking does.
        let end = Over(&over);
        done();
        drop(end);
        asking.join().unwrap()
    })
}

/// The calls at which the program is killed, and at each how many-th of them: each time that a file
/// takes its place, some of those that go or are safe on the disk, the reload, some of the probes.
const MOMENTS: [(&str, usize); 6] =
    [("renameat", 1), ("renameat2", 1), ("unlinkat", 4), ("fsync", 6), ("kill", 1), ("connect", 5)];

/// Kills a check at each moment, and has the next one and then a removal put it right.
fn killed_at_every_moment(scene: &Scene) -> usize {
    let original = scene.files();
    let mut moments = 0;
    for (call, step) in MOMENTS {
        for nth in (1..).step_by(step) {
            let inject = format!("signal=SIGKILL:when={nth}");
            let output = injected(scene, call, &inject, &["check"]);
            let moment = format!("killed at {call} {nth}");
            applied(scene);
            assert_eq!(leftovers(scene.dir()), [""; 0], "{moment}");
            let gone = scene.stopgap(&["remove", "--once", "WEB"]);
            assert_eq!(gone.state("WEB"), "withdrawn", "{moment}: {}", gone.out);
            assert_eq!(scene.files(), original, "{moment}");
            // So that each check has as much to look through, and makes the same calls.
            fs::remove_dir_all(scene.dir().join("state")).unwrap();
            // strace ends as its tracee did: by the signal.
            if std::os::unix::process::ExitStatusExt::signal(&output.status) != Some(9) {
                break;
            }
            moments += 1;
        }
    }
    println!("{moments} moments");
    moments
}

#[test]
fn a_kill_while_nginx_is_changed_is_healed_by_the_next_check_and_no_connection_is_refused() {
    let Some(scene) = scene(&NGINX).filter(|_| strace_is_there()) else { return };
    let mut moments = 0;
    let (asked, wrong) = asked_all_along(&scene, || {
        moments = killed_at_every_moment(&scene);
    });
    println!("{asked} requests");
    assert!(moments > 10, "only {moments} moments were tried");
    assert!(asked > 100 && wrong.is_empty(), "{} of {asked}: {:?}", wrong.len(), wrong.first());
}

#[test]
fn a_disk_that_is_full_from_any_write_on_leaves_the_server_as_it_was_or_as_it_should_be() {
    let Some(scene) = scene(&NGINX).filter(|_| strace_is_there()) else { return };
    let original = scene.files();
    for nth in (1..).step_by(3) {
        let inject = format!("error=ENOSPC:when={nth}+");
        let run = Run::of(&injected(&scene, "write", &inject, &["check"]));
        assert_eq!(scene.get("/shop"), 200, "write {nth}");
        assert_eq!(leftovers(scene.dir()), [""; 0], "write {nth}: {}", run.err);
        applied(&scene);
        assert_eq!(scene.stopgap(&["remove", "--once", "WEB"]).state("WEB"), "withdrawn");
        assert_eq!(scene.files(), original, "write {nth}");
        fs::remove_dir_all(scene.dir().join("state")).unwrap();
        if run.code == 0 {
            break;
        }
    }
}

const SORTS: &str = "{basics}http {
  access_log off;
  server { listen 127.0.0.1:{port0}; server_name shop.test; return 200; }
  server { listen unix:{dir}/socket; server_name socket.test; return 200; }
  server { listen 127.0.0.1:{port1} ssl; server_name tls.test; return 200;
    ssl_certificate {dir}/tls.pem; ssl_certificate_key {dir}/tls.pem; }
  server { listen 127.0.0.1:{port2}; server_name down.test; return 503; }
  server { listen 127.0.0.1:{port3} default_server; return 444; }
  server { listen 127.0.0.1:{port3}; server_name named.test; return 200; }
  server { listen 127.0.0.1:{port4} proxy_protocol; server_name behind.test; return 200; }
}
";
const SIX: &str =
    "  server { listen [::1]:{port0}; server_name six.test; return 200; }\n  access_log";

/// A key and a certificate that nobody signed; `None` without openssl.
fn certificate() -> Option<String> {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout - \
                     -out - -days 2 -subj /CN=tls.test";
    let output = Command::new("openssl").args(arguments.split(' ')).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn request(target: &str, host: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

/// The first line of what is answered; nothing where the connection is closed without an answer.
fn said(mut connection: impl std::io::Read + std::io::Write, text: &str) -> String {
    connection.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that is reset is a closed one.
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

fn said_over_tls(port: u16, text: &str) -> String {
    let address = format!("127.0.0.1:{port}");
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-servername", "tls.test", "-connect", &address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    client.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    let output = client.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn sites_of_every_sort_carry_the_rule_and_none_keeps_it_from_being_verified() {
    let Some(pem) = certificate() else {
        println!("skipped: openssl is not installed");
        return;
    };
    let six = TcpListener::bind("[::1]:0").is_ok();
    let config = if six { SORTS.replacen("  access_log", SIX, 1) } else { SORTS.to_owned() };
    let setup = Setup {
        kind: WebKind::Nginx,
        config: &config,
        files: &[("tls.pem", &pem)],
        arguments: &[],
    };
    let Some(scene) = scene(&setup) else { return };
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    let tcp = |number| TcpStream::connect(("127.0.0.1", scene.port(number))).unwrap();
    let proxied =
        |target| format!("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n{}", request(target, "x"));
    for (target, blocked) in [("/x/stopgap-probe", true), ("/shop", false)] {
        let mut answers = vec![
            (said(tcp(0), &request(target, "shop.test")), "200"),
            (said(tcp(2), &request(target, "down.test")), "503"),
            (said(tcp(3), &request(target, "named.test")), "200"),
            (said(tcp(4), &proxied(target)), "200"),
            (said_over_tls(scene.port(1), &request(target, "tls.test")), "200"),
        ];
        let socket = UnixStream::connect(scene.dir().join("socket")).unwrap();
        answers.push((said(socket, &request(target, "socket.test")), "200"));
        if six {
            let stream = TcpStream::connect(("::1", scene.port(0))).unwrap();
            answers.push((said(stream, &request(target, "six.test")), "200"));
        }
        for (at, (answer, status)) in answers.iter().enumerate() {
            let right = if blocked { answer.is_empty() } else { answer.contains(status) };
            assert!(right, "{target} of site {at}: {answer}");
        }
        assert_eq!(said(tcp(3), &request(target, "other.test")), "", "the default server");
    }
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(scene.files(), before);
}
