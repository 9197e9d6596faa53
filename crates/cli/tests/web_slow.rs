//! Real servers with sites that are slow, silent or elsewhere, and what a check makes of them.
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

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::Run;
use rustix::process::geteuid;
use scene::{HAPROXY, Scene, scene};
use stopgap_model::WebKind;
use stopgap_testkit::servers::Setup;

/// Longer than what is promised for a whole server, three times over.
const BOUND: Duration = Duration::from_secs(60);
/// What a slow site takes: longer than a quick one may, shorter than it has.
const SLOW: Duration = Duration::from_millis(2_500);

/// An application that answers each request after a time with the status of `statuses` whose turn it
/// is, the last one from then on; where there is none, or it is 0, it never answers. Answers its port, and how many it was
/// asked.
fn application(time: Duration, statuses: &'static [u16]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let nth = counted.fetch_add(1, Ordering::Relaxed);
            let status =
                statuses.get(nth).or(statuses.last()).copied().filter(|&status| status != 0);
            thread::spawn(move || answer(stream, time, status));
        }
    });
    (port, count)
}

fn answer(mut stream: TcpStream, time: Duration, status: Option<u16>) {
    let mut buffer = [0; 4096];
    let _ = stream.read(&mut buffer);
    let Some(status) = status else {
        // Until the other side has had enough.
        let _ = stream.read(&mut buffer);
        return;
    };
    thread::sleep(time);
    let _ =
        write!(stream, "HTTP/1.1 {status} so\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

/// nginx with a site that answers itself, and with so many that pass on to an application.
fn nginx_before(application: u16, count: usize) -> Option<Scene> {
    let mut config = "{basics}http {\n  access_log off;\n  proxy_temp_path {dir}/proxy;\n  \
                      client_body_temp_path {dir}/body;\n  proxy_read_timeout 100s;\n  server {\n    \
                      listen 127.0.0.1:{port0};\n    server_name shop.test;\n    return 200;\n  }\n"
        .to_owned();
    for number in 0..count {
        config += &format!(
            "  server {{\n    listen 127.0.0.1:{{port0}};\n    server_name app{number}.test;\n    \
             location / {{ proxy_pass http://127.0.0.1:{application}; }}\n  }}\n"
        );
    }
    scene(&Setup { config: &(config + "}\n"), ..Setup::new(WebKind::Nginx, "") })
}

fn notes(run: &Run) -> String {
    run.mitigation("WEB")["actions"][0]["notes"].to_string()
}

/// A check that runs beside the test.
fn begin_check(scene: &Scene) -> Child {
    Command::new(common::program())
        .args(scene.arguments(&["check"]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until an attack is blocked.
fn until_blocked(scene: &Scene) {
    let begun = Instant::now();
    while !scene.get_blocked("/stopgap-probe") {
        assert!(begun.elapsed() < BOUND, "the attack is never blocked");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn sites_that_never_answer_are_named_and_the_rules_are_in_force_before_they_are_given_up() {
    let (silent, asked) = application(Duration::ZERO, &[]);
    let Some(scene) = nginx_before(silent, 40) else { return };
    let begun = Instant::now();
    let mut check = begin_check(&scene);
    until_blocked(&scene);
    assert!(check.try_wait().unwrap().is_none(), "the check is over, and nothing was waited for");
    let run = Run::of(&check.wait_with_output().unwrap());
    assert!(begun.elapsed() < BOUND);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    let notes = notes(&run);
    assert!(
        notes.contains("each of which had not answered within 5 s before the change"),
        "{notes}"
    );
    for number in 0..40 {
        assert!(notes.contains(&format!("app{number}.test:")), "{number}: {notes}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 40, "each is asked once");
    let timings = &run.json()["timings"][0];
    let millis = |name: &str| timings[name].as_f64().unwrap();
    assert!(millis("enforced_ms") < millis("total_ms"), "{timings}");
}

#[test]
fn a_slow_site_is_judged_when_the_rules_are_in_force_already() {
    let (slow, asked) = application(SLOW, &[200]);
    let Some(scene) = nginx_before(slow, 1) else { return };
    let mut check = begin_check(&scene);
    until_blocked(&scene);
    assert!(check.try_wait().unwrap().is_none(), "the check is over, and nothing was waited for");
    let run = Run::of(&check.wait_with_output().unwrap());
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(!notes(&run).contains("not judged by"), "{}", notes(&run));
    assert!(asked.load(Ordering::Relaxed) >= 2, "it is asked before and after");
}

#[test]
fn a_slow_site_that_answers_otherwise_afterwards_has_everything_put_back() {
    let (breaks, _) = application(SLOW, &[200, 500, 500, 200]);
    let Some(scene) = nginx_before(breaks, 1) else { return };
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "failed"), "{}", run.out);
    let told = "answered with 200 before and now with 500";
    assert!(run.out.contains(told), "{}", run.out);
    assert_eq!(scene.files(), before);
    assert_eq!(scene.get("/stopgap-probe"), 200);
}

#[test]
fn a_site_that_does_not_answer_any_more_after_the_change_has_everything_put_back() {
    // It answers before the change (twice for `/`, once for each probe), and then never again.
    let (dies, _) = application(Duration::ZERO, &[200, 200, 200, 200, 0]);
    let Some(scene) = nginx_before(dies, 1) else { return };
    let before = scene.files();
    let run = scene.stopgap(&["check"]);
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(run.out.contains("app0.test"), "{}", run.out);
    assert_eq!(scene.files(), before);
    assert_eq!(scene.get("/stopgap-probe"), 200);
}

#[test]
fn forty_sites_that_take_a_second_for_every_answer_are_judged_in_time() {
    let (slow, _) = application(Duration::from_secs(1), &[200]);
    let Some(scene) = nginx_before(slow, 40) else { return };
    let begun = Instant::now();
    let run = scene.stopgap(&["check"]);
    assert!(begun.elapsed() < BOUND);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(!notes(&run).contains("not judged by"), "{}", notes(&run));
    assert!(scene.get_blocked("/stopgap-probe"));
}

#[test]
fn a_floating_address_that_another_node_has_is_told_and_not_asked() {
    if !geteuid().is_root() {
        println!("skipped: only root binds to an address of another machine");
        return;
    }
    // As with ip_nonlocal_bind: HAProxy is there for when the address comes here.
    let bind = "bind 127.0.0.1:{port0}\n  bind 192.0.2.1:8080 transparent\n";
    let config = HAPROXY.config.replace("bind 127.0.0.1:{port0}\n", bind);
    let Some(scene) = scene(&Setup { config: &config, ..HAPROXY.clone() }) else { return };
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    let notes = notes(&run);
    assert!(notes.contains("which listens on 192.0.2.1: no address of this machine"), "{notes}");
    assert!(scene.get_blocked("/stopgap-probe"));
}

#[test]
fn a_site_whose_server_limits_requests_is_protected_all_the_same() {
    let config = "{basics}http {\n  access_log off;\n  client_body_temp_path {dir}/body;\n  \
                  proxy_temp_path {dir}/proxy;\n  \
                  limit_req_zone $binary_remote_addr zone=all:1m rate=5r/s;\n  limit_req zone=all \
                  burst=2 nodelay;\n  server {\n    listen 127.0.0.1:{port0};\n    server_name \
                  shop.test;\n    location / { root {dir}; try_files /main.html =404; }\n  }\n  \
                  server {\n    listen 127.0.0.1:{port0};\n    server_name b.test;\n    location / \
                  { root {dir}; try_files /main.html =404; }\n  }\n}\n";
    let setup = Setup { files: &[("main.html", "ok\n")], ..Setup::new(WebKind::Nginx, config) };
    let Some(scene) = scene(&setup) else { return };
    let run = scene.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert!(scene.get_blocked("/stopgap-probe"));
}
