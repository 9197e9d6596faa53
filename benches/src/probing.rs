//! How long it takes until an attack is blocked on an nginx with many sites, some of which are slow or
//! never answer, and until the check has judged them all; and how long `disable` takes beside it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use stopgap_model::web::WebKind;
use stopgap_testkit::Tree;
use stopgap_testkit::servers::{Running, Setup};

use crate::field_rules;
use crate::program::Program;
use crate::report::{Report, Target};
use crate::verified::{policy_of, write_catalog};

/// How many mitigations, each with one rule and two live probes: as many as a server of the field
/// gets from the built-in catalog.
const RULES: usize = 10;
/// Between two attacks.
const TICK: Duration = Duration::from_millis(5);
/// After this nobody waits any more.
const PATIENCE: Duration = Duration::from_secs(300);

/// Sites, and what a check of them may take.
struct Case {
    name: &'static str,
    /// The server blocks.
    sites: String,
    enforced: Option<f64>,
    check: f64,
}

/// Prints the times.
pub(crate) fn measure(program: &Program, report: &mut Report) -> Result<(), String> {
    let silent = application(None)?;
    let slow = application(Some(Duration::from_millis(200)))?;
    let cases = [
        Case {
            name: "200 sites of which 50 never answer",
            sites: sites(150, None) + &sites(50, Some(silent)),
            enforced: Some(5.0),
            check: 25.0,
        },
        Case {
            name: "100 sites whose answers take 200 ms",
            sites: sites(1, None) + &sites(100, Some(slow)),
            enforced: None,
            check: 6.0,
        },
        Case {
            name: "20 sites whose answers take 200 ms",
            sites: sites(1, None) + &sites(20, Some(slow)),
            enforced: None,
            check: 6.0,
        },
        Case {
            name: "one site with 2,000 names on two ports",
            sites: names(2_000),
            enforced: None,
            check: 6.0,
        },
    ];
    for case in &cases {
        let Some(scene) = Scene::of(&case.sites)? else { return Ok(()) };
        let (enforced, check) = scene.measure(program)?;
        let name = format!("{}: enforced", case.name);
        match case.enforced {
            Some(most) => report.figure(&name, enforced, "s", Target::AtMost(most)),
            None => report.remark(&name, enforced, "s"),
        }
        report.figure("  the whole check", check, "s", Target::AtMost(case.check));
    }
    measure_tls(program, report)?;
    let Some(scene) = Scene::of(&cases[0].sites)? else { return Ok(()) };
    let (disable, check) = scene.measure_disable(program)?;
    report.figure("disable beside a check of the first", disable, "s", Target::AtMost(2.0));
    report.remark("  the check, which stops there", check, "s");
    Ok(())
}

/// What it takes to ask 100 sites on one port over TLS, before and after, in a whole check.
fn measure_tls(program: &Program, report: &mut Report) -> Result<(), String> {
    let Some((key, certificate)) = key_and_certificate()? else {
        println!("skipped: openssl is not installed");
        return Ok(());
    };
    let own = "ssl_certificate {dir}/c.pem;\nssl_certificate_key {dir}/k.pem;\n".to_owned();
    let names = (0..100).map(|number| {
        format!(
            "server {{ listen 127.0.0.1:{{port1}} ssl; server_name own{number}.test; return 200; }}\n"
        )
    });
    let plain = "server { listen 127.0.0.1:{port0}; server_name own0.test; return 200; }\n";
    let config = own + plain + &names.collect::<String>();
    let files = [("k.pem", key.as_str()), ("c.pem", certificate.as_str())];
    let Some(scene) = Scene::with(&config, &files)? else { return Ok(()) };
    let (enforced, check) = scene.measure(program)?;
    report.remark("100 sites on one port over TLS: enforced", enforced, "s");
    report.figure("  the whole check", check, "s", Target::AtMost(3.0));
    Ok(())
}

/// A key and a certificate that nobody signed; `None` without openssl.
fn key_and_certificate() -> Result<Option<(String, String)>, String> {
    let failed = |error: std::io::Error| format!("a certificate: {error}");
    let tree = Tree::empty();
    let (key, certificate) = (tree.state().join("k.pem"), tree.state().join("c.pem"));
    fs::create_dir_all(tree.state()).map_err(failed)?;
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let read = |path| fs::read_to_string(path).map_err(failed);
    Ok(Some((read(key)?, read(certificate)?)))
}

/// An application that answers after a time, or never; its port. It is there until the process ends.
fn application(time: Option<Duration>) -> Result<u16, String> {
    let failed = |error: std::io::Error| format!("a port: {error}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream, time));
        }
    });
    Ok(port)
}

fn answer(mut stream: TcpStream, time: Option<Duration>) {
    let mut buffer = [0; 4096];
    let _ = stream.read(&mut buffer);
    match time {
        // Until the other side has had enough.
        None => _ = stream.read(&mut buffer),
        Some(time) => {
            thread::sleep(time);
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }
    }
}

/// So many server blocks, before an application or answering by themselves.
fn sites(count: usize, application: Option<u16>) -> String {
    let mut text = String::new();
    for number in 0..count {
        let (name, does) = match application {
            None => (format!("own{number}"), "return 200 ok;".to_owned()),
            Some(port) => (
                format!("app{number}x{port}"),
                format!("location / {{ proxy_pass http://127.0.0.1:{port}; }}"),
            ),
        };
        // A text takes no harm from being written to.
        let _ = writeln!(
            text,
            "server {{ listen 127.0.0.1:{{port0}}; server_name {name}.test; {does} }}"
        );
    }
    text
}

/// One server block with so many names.
fn names(count: usize) -> String {
    let names: String = (0..count).map(|number| format!(" n{number}.test")).collect();
    format!(
        "server_names_hash_max_size 8192;\nserver {{ listen 127.0.0.1:{{port0}}; \
         listen 127.0.0.1:{{port1}}; server_name{names}; return 200 ok; }}\n"
    )
}

/// An nginx with what a run of the program needs.
struct Scene {
    server: Running,
    tree: Tree,
}

impl Scene {
    fn of(sites: &str) -> Result<Option<Self>, String> {
        Self::with(sites, &[])
    }

    fn with(sites: &str, files: &[(&str, &str)]) -> Result<Option<Self>, String> {
        let config = format!(
            "worker_processes 2;\n{{basics}}\nhttp {{\naccess_log off;\n\
             client_body_temp_path {{dir}}/body;\nproxy_temp_path {{dir}}/proxy;\n\
             server_names_hash_bucket_size 128;\n{sites}}}\n"
        );
        let setup = Setup { files, ..Setup::new(WebKind::Nginx, &config) };
        let Some(server) = setup.start() else { return Ok(None) };
        let failed = |error: std::io::Error| format!("the catalog: {error}");
        write_catalog(&server.dir().join("catalog"), RULES).map_err(failed)?;
        fs::write(server.dir().join("policy.toml"), policy_of(&server)).map_err(failed)?;
        Ok(Some(Self { server, tree: Tree::empty() }))
    }

    fn begin(&self, program: &Program, words: &[&str]) -> Result<Child, String> {
        let mut command = program.on_this_machine(&self.tree.state(), words);
        command.arg("--policy").arg(self.server.dir().join("policy.toml"));
        if words[0] == "check" {
            command.arg("--unsigned").arg("--catalog").arg(self.server.dir().join("catalog"));
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map_err(|error| format!("the program: {error}"))
    }

    /// The time until an attack is blocked and the time until the check has ended, in seconds.
    fn measure(&self, program: &Program) -> Result<(f64, f64), String> {
        let begun = Instant::now();
        let check = self.begin(program, &["check"])?;
        let enforced = self.until_blocked(begun)?;
        let status = ended(check)?;
        if !status {
            return Err("a check did not apply what it should".into());
        }
        Ok((enforced, begun.elapsed().as_secs_f64()))
    }

    /// The time that `disable` takes once the attack is blocked and the check goes on, and the time
    /// until the check has ended, in seconds.
    fn measure_disable(&self, program: &Program) -> Result<(f64, f64), String> {
        let begun = Instant::now();
        let check = self.begin(program, &["check"])?;
        self.until_blocked(begun)?;
        let asked = Instant::now();
        let disabled = ended(self.begin(program, &["disable", "--wait", "60"])?)?;
        let disable = asked.elapsed().as_secs_f64();
        if !disabled {
            return Err("`disable` failed".into());
        }
        ended(check)?;
        Ok((disable, begun.elapsed().as_secs_f64()))
    }

    fn until_blocked(&self, begun: Instant) -> Result<f64, String> {
        let attack = field_rules::attacks(RULES).next().unwrap_or_default();
        while !self.is_blocked(&attack)? {
            if begun.elapsed() > PATIENCE {
                return Err("the attack is never blocked".into());
            }
            thread::sleep(TICK);
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    /// Whether a request is answered by closing the connection.
    fn is_blocked(&self, target: &str) -> Result<bool, String> {
        let failed = |error: std::io::Error| format!("nginx: {error}");
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port(0))).map_err(failed)?;
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: own0.test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = Vec::new();
        // A connection that is reset is a closed one.
        let _ = stream.read_to_end(&mut answer);
        Ok(answer.is_empty())
    }
}

/// Waits for a program; whether it succeeded.
fn ended(mut child: Child) -> Result<bool, String> {
    let status = child.wait().map_err(|error| format!("the program: {error}"))?;
    Ok(status.success())
}
