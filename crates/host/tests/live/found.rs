//! Which servers are found.

use super::*;

#[test]
fn several_instances_of_each_server_are_found() {
    for kind in KINDS {
        let (Some(first), Some(second)) = (start(kind, 1), start(kind, 1)) else { continue };
        let host = LinuxHost::open(WebSettings { find: true, servers: Vec::new() }).unwrap();
        let servers = host.web_servers();
        for running in [&first, &second] {
            let config = [path(&running.config())];
            let found: Vec<_> = servers.iter().filter(|server| server.config == config).collect();
            let [server] = found.as_slice() else { panic!("{kind}: {servers:?}") };
            assert_eq!(server.kind, kind);
            assert_eq!(server.program, path(running.program()));
            assert_eq!(server.base, path(running.dir()), "{kind}");
            assert_eq!(server.running, Fact::Known(true));
            assert_eq!(server.source, format!("process {}", running.pid()));
            assert!(server.version.known().is_some(), "{kind}: {:?}", server.version);
            assert!(server.modules.known().is_some_and(|modules| !modules.is_empty()));
            assert!(live(&host).is_running(server));
        }
        let ids: Vec<_> = servers.iter().map(WebServer::id).collect();
        assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    }
}

#[test]
fn what_packages_installed_is_found_although_it_does_not_run() {
    let host = LinuxHost::open(WebSettings { find: true, servers: Vec::new() }).unwrap();
    let servers = host.web_servers();
    for (program, config) in [
        ("/usr/sbin/nginx", "/etc/nginx/nginx.conf"),
        ("/usr/sbin/apache2", "/etc/apache2/apache2.conf"),
        ("/usr/sbin/haproxy", "/etc/haproxy/haproxy.cfg"),
    ] {
        if !Path::new(program).exists() || !Path::new(config).exists() {
            continue;
        }
        let found = servers.iter().find(|server| server.config == [ServerPath::new(config)]);
        let server = found.unwrap_or_else(|| panic!("{servers:?}"));
        assert_eq!(server.program, ServerPath::new(program));
        assert!(server.version.known().is_some());
        let user = server.variables.get("APACHE_RUN_USER").map(String::as_str);
        assert_eq!(user, (server.kind == WebKind::Apache).then_some("www-data"));
    }
}

#[test]
fn what_is_stopped_where_systemd_manages_nothing_may_be_started_by_something_else() {
    if Path::new("/run/systemd/system").is_dir() {
        println!("skipped: systemd manages this machine");
        return;
    }
    let host = LinuxHost::open(WebSettings { find: true, servers: Vec::new() }).unwrap();
    for server in host.web_servers() {
        assert_eq!(server.dormant, None, "{server:?}");
    }
}

#[test]
fn a_declared_server_is_the_one_that_runs_however_its_path_is_spelled() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let link = running.dir().join("linked.conf");
        symlink(running.config(), &link).unwrap();
        let config = vec![path(&link)];
        let declared = DeclaredServer { config, ..DeclaredServer::new(kind) };
        let settings = WebSettings { find: false, servers: vec![declared] };
        let host = LinuxHost::open(settings).unwrap();
        let server = only(&host);
        assert_eq!(server.running, Fact::Known(true));
        assert!(live(&host).is_running(&server));
        let id = server.id();
        kill_process(Pid::from_raw(running.pid().cast_signed()).unwrap(), Signal::TERM).unwrap();
        until("it is gone", || only(&host).running == Fact::Known(false));
        assert_eq!(only(&host).id(), id, "{kind}");
    }
}

#[test]
fn what_nginx_includes_is_read_from_the_folder_that_it_was_started_with() {
    let Some(running) = start(WebKind::Nginx, 1) else { return };
    running.write("other/mark", b"");
    let link = running.dir().join("other/linked.conf");
    symlink(running.config(), &link).unwrap();
    let declared = declared_with(WebKind::Nginx, &[&link]);
    let host = LinuxHost::open(WebSettings { find: false, servers: vec![declared] }).unwrap();
    assert_eq!(only(&host).config, [path(&running.config())]);
}

fn declared_with(kind: WebKind, config: &[&Path]) -> DeclaredServer {
    let config = config.iter().map(|file| path(file)).collect();
    DeclaredServer { config, ..DeclaredServer::new(kind) }
}

#[test]
fn a_haproxy_that_was_started_with_more_files_is_the_declared_one() {
    let text = config(WebKind::HaProxy, 404, 1);
    let mut setup = Setup::new(WebKind::HaProxy, &text);
    setup.files = &[("more.cfg", "defaults\n  mode http\n")];
    setup.arguments = &["-f", "{dir}/more.cfg"];
    let Some(running) = setup.start() else { return };
    let first = running.config();
    let more = running.dir().join("more.cfg");
    let declared = declared_with(WebKind::HaProxy, &[&first]);
    let host = LinuxHost::open(WebSettings { find: false, servers: vec![declared] }).unwrap();
    let server = only(&host);
    assert_eq!(server.config, [path(&first), path(&more)]);
    assert_eq!(server.running, Fact::Known(true));
    assert_eq!(server.source, format!("process {}", running.pid()));
    assert!(live(&host).is_running(&server));
}

#[test]
fn a_second_haproxy_with_the_same_first_file_is_told_of() {
    let Some(first) = start(WebKind::HaProxy, 1) else { return };
    let more = first.write("more.cfg", b"defaults\n  mode http\n");
    let mut command = Command::new(first.program());
    // Sockets that share a port are what lets two of them run with one first file.
    command.arg("-db").arg("-f").arg(first.config()).arg("-f").arg(&more);
    let mut second = command.spawn().unwrap();
    let declared = declared_with(WebKind::HaProxy, &[&first.config()]);
    let host = LinuxHost::open(WebSettings { find: false, servers: vec![declared] }).unwrap();
    let also =
        format!("process {} (and process {}, which is not looked at)", first.pid(), second.id());
    until("both are told of", || only(&host).source == also);
    assert_eq!(only(&host).running, Fact::Known(true));
    second.kill().unwrap();
    second.wait().unwrap();
}

#[test]
fn two_haproxies_that_share_a_file_are_told_of() {
    let Some(running) = start(WebKind::HaProxy, 1) else { return };
    let first = path(&running.config());
    let second = path(&running.write("more.cfg", b""));
    let declared = |config| DeclaredServer { config, ..DeclaredServer::new(WebKind::HaProxy) };
    let servers = vec![declared(vec![first.clone()]), declared(vec![first, second])];
    let host = LinuxHost::open(WebSettings { find: false, servers }).unwrap();
    assert!(only(&host).source.ends_with("(and policy.toml, which is not looked at)"));
}

#[test]
fn a_program_that_anybody_may_write_is_not_run() {
    let Some(running) = start(WebKind::Nginx, 1) else { return };
    let mark = running.dir().join("was-run");
    let program =
        running.write("open", format!("#!/bin/sh\ntouch {}\n", mark.display()).as_bytes());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).unwrap();
    let host = host_of(&running, Some(path(&program)));
    let server = only(&host);
    assert!(matches!(&server.version, Fact::Unknown(why) if why.has("others-may-write")));
    assert!(matches!(live(&host).test(&server, &[]), Err(TestError::NotMade(_))));
    assert!(!mark.exists());
}

#[test]
fn what_is_installed_and_does_not_run_can_be_tested() {
    let host = LinuxHost::open(WebSettings { find: true, servers: Vec::new() }).unwrap();
    for server in host.web_servers() {
        if server.source == "its package's defaults" {
            assert_eq!(live(&host).test(&server, &[]), Ok(()), "{}", server.id());
        }
    }
}
