//! Processes that look like a web server's, and that root did not start on this machine.

use std::os::unix::process::CommandExt as _;
use std::process::Child;

use stopgap_model::web::LeftOutServer;

use super::*;

/// An account of the system, and a user who is a person's.
const WWW_DATA: u32 = 33;
const PERSON: u32 = 12_345;

/// A process that only poses; ended when it is dropped.
struct Poser {
    child: Child,
    dir: PathBuf,
    port: u16,
}

impl Poser {
    /// Starts nginx as a single process that listens; `how` says how.
    fn start(name: &str, program: &Path, how: impl FnOnce(&mut Command)) -> Self {
        let dir = std::env::temp_dir().join(format!("stopgap-poser-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        let port = free_ports(1)[0];
        let text = format!(
            "user root; daemon off; master_process off; pid {0}/pid; error_log {0}/log; events {{}}\n\
             http {{ access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p; \
             fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s;\n\
             server {{ listen 127.0.0.1:{port}; return 204; }} }}\n",
            dir.display()
        );
        let config = dir.join("poser.conf");
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        how(&mut command);
        command.arg("-c").arg(&config).arg("-e").arg(dir.join("log"));
        let child = command.spawn().unwrap();
        let poser = Self { child, dir, port };
        until("it listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        poser
    }

    /// What is told of the process that listens.
    fn told(&self) -> LeftOutServer {
        let start = Instant::now();
        loop {
            let host = LinuxHost::open(WebSettings::default()).unwrap();
            let servers = host.web_servers();
            assert!(servers.iter().all(|it| it.config != [path(&self.dir.join("poser.conf"))]));
            let told = host.left_out();
            if let Some(found) = told.named.iter().find(|it| it.ports == [self.port]) {
                return found.clone();
            }
            // Only so many are named, and another test may have started a thousand.
            assert!(told.more > 0 && start.elapsed() < PATIENCE * 5, "{told:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Poser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// nginx, where it is installed and another user can run it.
fn nginx() -> Option<PathBuf> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root starts processes of others");
        return None;
    }
    program(WebKind::Nginx)
}

#[test]
fn a_younger_process_of_www_data_with_the_masters_title_does_not_take_its_place() {
    let (Some(program), Some(real)) = (nginx(), start(WebKind::Nginx, 1)) else { return };
    let before = only(&host_of(&real, None));
    // Its title names the real server's configuration, and a module that root's test would load.
    let title = format!(
        "nginx: master process {} -p {} -c {} -g load_module /tmp/evil.so;",
        program.display(),
        real.dir().display(),
        real.config().display()
    );
    let poser = Poser::start("title", &program, |command| {
        command.arg0(title).uid(WWW_DATA).gid(WWW_DATA);
    });
    let told = poser.told();
    assert_eq!((told.pid, told.user.as_str()), (poser.child.id().cast_signed(), "www-data"));
    assert!(told.counts && told.why.has("may-be-a-users"), "{told:?}");
    let host = host_of(&real, None);
    let server = only(&host);
    assert_eq!(server, before);
    assert_eq!(server.source, format!("process {}", real.pid()));
    assert_eq!(live(&host).test(&server, &[]), Ok(()));
    assert_eq!(live(&host).reload(&server), Ok(None));
    assert!(live(&host).is_running(&server));
}

#[test]
fn an_ordinary_users_server_on_a_high_port_is_a_remark_and_no_alarm() {
    let Some(program) = nginx() else { return };
    let poser = Poser::start("person", &program, |command| {
        command.uid(PERSON).gid(PERSON).env("LD_PRELOAD", "/tmp/evil.so");
    });
    let told = poser.told();
    assert!(!told.counts && told.user == format!("uid {PERSON}"), "{told:?}");
}

#[test]
fn who_is_root_in_part_is_not_root() {
    let Some(_) = nginx() else { return };
    // As a setuid program would be that somebody started.
    let poser = Poser::start("setuid", Path::new("/usr/bin/setpriv"), |command| {
        command.args(["--ruid", "12345", "/usr/sbin/nginx"]);
    });
    let told = poser.told();
    assert!(told.counts, "{told:?}");
}

#[test]
fn what_runs_in_namespaces_of_its_own_is_left_out_and_named() {
    let Some(_) = nginx() else { return };
    for (arguments, why) in [
        (["--mount", "--propagation=private"].as_slice(), "mounts of its own"),
        (&["--user", "--map-root-user"], "user namespace"),
        (&["--pid", "--fork", "--kill-child"], "container"),
    ] {
        let poser = Poser::start("spaces", Path::new("/usr/bin/unshare"), |command| {
            command.args(arguments).args(["--", "/usr/sbin/nginx"]);
        });
        let told = poser.told();
        assert!(told.counts && told.why.to_string().contains(why), "{told:?}");
    }
}

#[test]
fn what_root_runs_from_a_file_that_others_may_write_is_left_out_and_counts() {
    let Some(program) = nginx() else { return };
    let folder = std::env::temp_dir().join(format!("stopgap-open-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let open = folder.join("nginx");
    fs::copy(program, &open).unwrap();
    for (file, above) in [(0o775, 0o755), (0o755, 0o777)] {
        fs::set_permissions(&open, fs::Permissions::from_mode(file)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(above)).unwrap();
        let poser = Poser::start("open", &open, |_| {});
        let told = poser.told();
        assert!(told.counts && told.user == "root", "{told:?}");
        assert_eq!(told.program, path(&open));
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_loads_code_is_not_passed_on_from_a_process() {
    let Some(program) = program(WebKind::HaProxy) else { return };
    let server = Background::new(WebKind::HaProxy, "variables");
    server.write("", 404, 1);
    let mut command = Command::new(program);
    command.args(["-W", "-D", "-p"]).arg(server.dir.join("pid"));
    command.arg("-f").arg(server.dir.join("main.conf")).env_clear();
    for (name, value) in [
        ("SHOP", "1"),
        ("GLIBC_TUNABLES", "glibc.malloc.check=0"),
        ("LD_BIND_NOW", "1"),
        ("LUA_PATH", "/tmp/?.lua"),
        ("PATH", "/tmp"),
        ("TMPDIR", "/tmp"),
    ] {
        command.env(name, value);
    }
    assert!(command.status().unwrap().success());
    let host = server.host();
    until("it runs", || status(&host, server.ports[0]) == Answer::Status(404));
    let variables = only(&host).variables;
    assert_eq!(variables.get("SHOP").map(String::as_str), Some("1"), "{variables:?}");
    let code = ["GLIBC", "LD_", "LUA_", "PATH", "TMPDIR"];
    assert!(
        !variables.keys().any(|name| code.iter().any(|it| name.starts_with(it))),
        "{variables:?}"
    );
}

#[test]
fn a_title_that_says_it_in_two_ways_makes_the_server_unknown_until_policy_says_it() {
    let Some(program) = nginx() else { return };
    let server = Background::new(WebKind::Nginx, "two-ways");
    server.write("pid {dir}/pid;\nerror_log {dir}/log;\nevents {}\n", 404, 1);
    // Where do these directives end? The title alone does not say it.
    server.start(&program, &["-g", "env -X;"]);
    let config = path(&server.dir.join("main.conf"));
    let host = LinuxHost::open(WebSettings::default()).unwrap();
    until("it runs", || status(&host, server.ports[0]) == Answer::Status(404));
    let all = host.web_servers();
    assert!(all.iter().all(|server| server.config != [config.clone()]), "{all:?}");
    let doubts: Vec<_> =
        all.iter().filter_map(|server| server.doubt.as_ref().map(ToString::to_string)).collect();
    let told: Vec<_> = host.left_out().named.into_iter().map(|it| it.why.to_string()).collect();
    let all = [doubts, told].concat().join("\n");
    assert!(all.contains("without a doubt") && all.contains("[[web.server]]"), "{all}");
    let arguments = ["-g", "env -X;", "-c", config.as_str()].map(str::to_owned).to_vec();
    let declared = DeclaredServer {
        config: vec![config.clone()],
        arguments: Some(arguments),
        ..DeclaredServer::new(WebKind::Nginx)
    };
    let host = LinuxHost::open(WebSettings { find: false, servers: vec![declared] }).unwrap();
    let settled = only(&host);
    assert_eq!((settled.running.clone(), settled.doubt.clone()), (Fact::Known(true), None));
    assert_eq!(live(&host).test(&settled, &[]), Ok(()));
    assert_eq!(live(&host).reload(&settled), Ok(None));
}

#[test]
fn a_title_that_was_cut_off_is_not_taken_for_the_whole() {
    let Some(program) = nginx() else { return };
    let server = Background::new(WebKind::Nginx, "cut-off");
    server.write("pid {dir}/pid;\nerror_log {dir}/log;\nevents {}\n", 404, 1);
    // Without variables there is no room for the words that nginx writes before its arguments.
    let config = server.dir.join("main.conf");
    let started = Command::new(program).env_clear().arg("-c").arg(&config).status().unwrap();
    assert!(started.success());
    let host = LinuxHost::open(WebSettings::default()).unwrap();
    until("it runs", || status(&host, server.ports[0]) == Answer::Status(404));
    let servers = host.web_servers();
    assert!(servers.iter().all(|it| it.config != [path(&config)]), "{servers:?}");
    let doubts = servers.into_iter().filter_map(|server| server.doubt);
    let told = host.left_out().named.into_iter().map(|it| it.why);
    let all: Vec<String> = doubts.chain(told).map(|why| why.to_string()).collect();
    assert!(all.iter().any(|why| why.contains("no room for all of its arguments")), "{all:?}");
}
