//! What nginx itself says of what is written for it.

use super::all;
use crate::config_files::{Machine, Scratch, accepts, nginx_text, no_nginx};

/// A machine of which nginx itself can be asked.
fn real(scratch: &Scratch) -> Machine {
    let path = |name| scratch.path(name);
    let main = format!(
        "pid {}/pid;\nerror_log stderr;\nevents {{ }}\nhttp {{\n  access_log off;\n  include sites/*;\n  include params;\n  server {{ listen 127.0.0.1:1; include locations; }}\n}}\n",
        scratch.0.display()
    );
    let mut machine = Machine::nginx(&[
        (&path("nginx.conf"), &main),
        (&path("sites/a"), "server { listen 127.0.0.1:2; server_name a; }\n# end"),
        (&path("sites/b b"), "map $uri $b { default 1; }"),
        (&path("params"), "proxy_set_header A b;"),
        (&path("locations"), "location / { proxy_pass http://127.0.0.1:9; include params; }\n"),
    ]);
    machine.server.config = vec![stopgap_model::ServerPath::new(path("nginx.conf"))];
    machine
}

#[test]
fn nginx_accepts_what_is_staged_and_what_is_placed() {
    let scratch = Scratch::new("edit-nginx");
    let machine = real(&scratch);
    let test = |name: &str| accepts("nginx", &["-t", "-q", "-c", &scratch.path(name)]);
    scratch.write(&machine);
    let Some(before) = test("nginx.conf") else { return };
    assert_eq!(before, Ok(()));
    let placement = machine.place(&all());
    for (path, bytes) in &placement.staged {
        std::fs::write(stopgap_model::web::beside(path).as_str(), bytes).unwrap();
    }
    assert_eq!(test(".nginx.conf.stopgap-new"), Some(Ok(())));
    let placed = machine.there_and_back(&all(), &no_nginx());
    scratch.write(&placed);
    assert_eq!(test("nginx.conf"), Some(Ok(())));
    for path in placed.files.keys().filter(|path| path.ends_with(".rules")) {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(test("nginx.conf"), Some(Ok(())), "includes of ours without files of ours");
}

#[test]
fn nginx_accepts_what_is_staged_around_files_that_cannot_be_changed() {
    let scratch = Scratch::new("edit-nginx-fixed");
    let test = |name: &str| accepts("nginx", &["-t", "-q", "-c", &scratch.path(name)]);
    // Before lines of ours are in it, and after: then it takes in what the files of ours will say.
    let mut first = real(&scratch);
    first.fixed = vec![scratch.path("sites/a")];
    let mut then = real(&scratch).with(&all());
    then.fixed = first.fixed.clone();
    let other = nginx_text(
        "map $request_uri $stopgap_b { default \"\"; \"~y\" 1; }\n",
        "if ($stopgap_b) { return 444; }\n",
        "",
    );
    for (machine, text) in [(first, all()), (then, other)] {
        scratch.write(&machine);
        let placement = machine.place(&text);
        for (path, bytes) in &placement.staged {
            std::fs::write(stopgap_model::web::beside(path).as_str(), bytes).unwrap();
        }
        let Some(answer) = test(".nginx.conf.stopgap-new") else { return };
        assert_eq!(answer, Ok(()));
        let placed = machine.after(&placement);
        assert_eq!(placed.text(&scratch.path("sites/a")), machine.text(&scratch.path("sites/a")));
        scratch.write(&placed);
        assert_eq!(test("nginx.conf"), Some(Ok(())));
    }
}

#[test]
fn nginx_finds_in_what_is_staged_a_mistake_of_ours() {
    let scratch = Scratch::new("edit-nginx-mistake");
    let machine = real(&scratch);
    scratch.write(&machine);
    for wrong in [nginx_text("nonsense;", "", ""), nginx_text("", "nonsense;", "")] {
        for (path, bytes) in &machine.place(&wrong).staged {
            std::fs::write(stopgap_model::web::beside(path).as_str(), bytes).unwrap();
        }
        let staged = scratch.path(".nginx.conf.stopgap-new");
        let Some(answer) = accepts("nginx", &["-t", "-q", "-c", &staged]) else { return };
        assert!(answer.unwrap_err().contains("nonsense"));
    }
}

/// Two ports that were free a moment ago.
fn free_ports() -> (u16, u16) {
    let bound = || std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (one, two) = (bound(), bound());
    (one.local_addr().unwrap().port(), two.local_addr().unwrap().port())
}

fn answer(port: u16, path: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: a\r\nX-Y: evil\r\nA: theirs\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

#[test]
fn a_header_is_gone_in_nginx_wherever_others_are_set() {
    let scratch = Scratch::new("edit-nginx-headers");
    let (front, back) = free_ports();
    let main = scratch.path("nginx.conf");
    let text = format!(
        "pid {root}/pid;\nerror_log stderr;\ndaemon off;\nmaster_process off;\nevents {{ }}\nhttp {{\n  access_log off;\n  proxy_set_header A top;\n  server {{\n    listen 127.0.0.1:{front};\n    location / {{ proxy_pass http://127.0.0.1:{back}; }}\n    location /own {{\n      proxy_set_header A own;\n      proxy_pass http://127.0.0.1:{back};\n      location /own/inner {{ proxy_pass http://127.0.0.1:{back}; }}\n    }}\n  }}\n  server {{ listen 127.0.0.1:{back}; return 200 \"$http_x_y,$http_a\"; }}\n}}\n",
        root = scratch.0.display()
    );
    let mut machine = Machine::nginx(&[(&main, &text)]);
    machine.server.config = vec![stopgap_model::ServerPath::new(main.clone())];
    let text = nginx_text("", "", "proxy_set_header x-y \"\";\n");
    for (machine, expected) in [
        (machine.clone(), ["evil,top", "evil,own", "evil,own"]),
        (machine.there_and_back(&text, &no_nginx()), [",top", ",own", ",own"]),
    ] {
        scratch.write(&machine);
        let started = std::process::Command::new("nginx").args(["-c", &main]).spawn();
        let Ok(mut nginx) = started else {
            eprintln!("SKIPPED: nginx is not installed");
            return;
        };
        let pause = std::time::Duration::from_millis(50);
        let up = (0..200).any(|_| {
            let answers = answer(front, "/").is_some();
            if !answers {
                std::thread::sleep(pause);
            }
            answers
        });
        let answers = ["/", "/own", "/own/inner"].map(|path| answer(front, path));
        nginx.kill().unwrap();
        nginx.wait().unwrap();
        assert!(up);
        assert_eq!(answers, expected.map(|text| Some(text.to_owned())));
    }
}
