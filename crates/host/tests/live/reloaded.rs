//! Servers take their configuration, and are started again.

use rustix::process::kill_process_group;

use super::background::Background;
use super::*;

#[test]
fn a_reload_takes_a_new_configuration_and_ends_no_download() {
    for kind in KINDS {
        let (backend, go_on, begun) = slow_application();
        let Some(running) = start(kind, backend) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        assert_eq!(status(&host, running.port(0)), Answer::Status(404), "{kind}");

        let mut download = TcpStream::connect((Ipv4Addr::LOCALHOST, running.port(1))).unwrap();
        download.write_all(DOWNLOAD).unwrap();
        begun.recv_timeout(PATIENCE).expect("the application is asked");

        for status_now in [410, 403, 404] {
            let text = running.filled(&config(kind, status_now, backend));
            fs::write(running.config(), text).unwrap();
            assert_eq!(live(&host).test(&server, &[]), Ok(()), "{kind}");
            assert_eq!(live(&host).reload(&server), Ok(None), "{kind}: {}", running.log());
            for _ in 0..20 {
                let answer = status(&host, running.port(0));
                assert_eq!(answer, Answer::Status(status_now), "{kind}");
            }
        }
        go_on.send(()).unwrap();
        let mut answer = String::new();
        download.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("12345678"), "{kind}: {answer}");
        assert_eq!(leftovers(running.dir()), 0);
    }
}

#[test]
#[ignore = "prints how long a reload takes, and asserts no time"]
fn how_long_a_reload_takes() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let begin = Instant::now();
        let server = only(&host);
        let found = begin.elapsed();
        let again = Instant::now();
        assert_eq!(only(&host).id(), server.id());
        let again = again.elapsed();
        let test = Instant::now();
        assert_eq!(live(&host).test(&server, &[]), Ok(()));
        let test = test.elapsed();
        let reload = Instant::now();
        assert_eq!(live(&host).reload(&server), Ok(None));
        let reload = reload.elapsed();
        println!(
            "{kind}: found {found:?}, again {again:?}, test {test:?}, test and reload {reload:?}"
        );
    }
}

#[test]
fn a_server_that_died_is_started_again_as_it_was() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        kill_process(Pid::from_raw(running.pid().try_into().unwrap()).unwrap(), Signal::TERM)
            .unwrap();
        until("the server ends", || {
            !live(&host).is_running(&server)
                && TcpStream::connect((Ipv4Addr::LOCALHOST, running.port(0))).is_err()
        });
        assert_eq!(only(&host).running, Fact::Known(false));
        assert!(live(&host).reload(&server).is_err());
        assert_eq!(live(&host).start(&server), Ok(()), "{kind}: {}", running.log());
        assert!(live(&host).is_running(&server));
        assert_eq!(status(&host, running.port(0)), Answer::Status(404), "{kind}");
        assert_eq!(live(&host).start(&server), Ok(()), "it runs already");
        assert_eq!(live(&host).reload(&server), Ok(None), "{kind}");
    }
}

#[test]
fn a_server_whose_port_was_taken_meanwhile_does_not_start_and_leaves_nothing() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        kill_process(Pid::from_raw(running.pid().try_into().unwrap()).unwrap(), Signal::TERM)
            .unwrap();
        let mut taken = None;
        until("the port is free", || {
            taken = TcpListener::bind((Ipv4Addr::LOCALHOST, running.port(0))).ok();
            taken.is_some()
        });
        until("the server ends", || !live(&host).is_running(&server));
        let started = live(&host).start(&server);
        assert!(started.is_err(), "{kind}");
        assert!(!live(&host).is_running(&server), "{kind}");
        drop(taken);
    }
}

#[test]
fn a_single_process_of_nginx_is_not_told_to_reload() {
    let text = format!("master_process off;\n{}", config(WebKind::Nginx, 404, 1));
    let Some(running) = Setup::new(WebKind::Nginx, &text).start() else { return };
    let host = host_of(&running, None);
    let server = only(&host);
    assert_eq!(server.running, Fact::Known(true));
    let reloaded = live(&host).reload(&server);
    assert!(reloaded.as_ref().is_err_and(|why| why.to_string().contains("single")), "{reloaded:?}");
    assert_eq!(status(&host, running.port(0)), Answer::Status(404));
}

#[test]
fn haproxy_without_a_master_is_taken_over_from() {
    let Some(program) = program(WebKind::HaProxy) else { return };
    let alone = Background::new(WebKind::HaProxy, "alone");
    // It locks itself up, as Debian's configuration has it.
    let basics = "global\n  chroot {dir}\n";
    alone.write(basics, 404, 1);
    alone.start(&program, &["-D", "-p", alone.dir.join("pid").to_str().unwrap()]);
    let host = alone.host();
    until("it runs", || status(&host, alone.ports[0]) == Answer::Status(404));
    let server = only(&host);
    assert_eq!(server.running, Fact::Known(true));
    let old = alone.pid();
    for status_now in [410, 403] {
        alone.write(basics, status_now, 1);
        assert_eq!(live(&host).reload(&server), Ok(None));
        assert_eq!(status(&host, alone.ports[0]), Answer::Status(status_now));
    }
    until("the new one has said its number", || alone.pid() != old);
    assert!(live(&host).is_running(&server));
}

#[test]
fn apache_with_a_process_or_a_thread_for_each_connection_reloads_too() {
    let Some(program) = program(WebKind::Apache) else { return };
    for mpm in ["mpm_prefork", "mpm_worker"] {
        let (backend, go_on, begun) = slow_application();
        let mut basics = "ServerName localhost\nPidFile {dir}/pid\nDefaultRuntimeDir {dir}\n\
                          ErrorLog {dir}/error.log\nUser www-data\n"
            .to_owned();
        for module in [mpm, "authz_core", "alias", "proxy", "proxy_http"] {
            let file = format!("/usr/lib/apache2/modules/mod_{module}.so");
            basics.push_str(&format!("LoadModule {module}_module {file}\n"));
        }
        let apache = Background::new(WebKind::Apache, mpm);
        apache.write(&basics, 404, backend);
        apache.start(&program, &["-d", apache.dir.to_str().unwrap()]);
        let host = apache.host();
        until("it runs", || status(&host, apache.ports[0]) == Answer::Status(404));
        let server = only(&host);
        let mut download = TcpStream::connect((Ipv4Addr::LOCALHOST, apache.ports[1])).unwrap();
        download.write_all(DOWNLOAD).unwrap();
        begun.recv_timeout(PATIENCE).expect("the application is asked");
        apache.write(&basics, 410, backend);
        assert_eq!(live(&host).reload(&server), Ok(None), "{mpm}");
        for _ in 0..20 {
            assert_eq!(status(&host, apache.ports[0]), Answer::Status(410), "{mpm}");
        }
        go_on.send(()).unwrap();
        let mut answer = String::new();
        download.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("12345678"), "{mpm}: {answer}");
    }
}

#[test]
fn workers_that_outlived_their_master_are_no_server() {
    for (kind, basics, arguments) in [
        (
            WebKind::Nginx,
            "pid {dir}/pid;\nerror_log {dir}/error.log;\nevents {}\n",
            ["-p", "{dir}"].as_slice(),
        ),
        (
            WebKind::Apache,
            "ServerName localhost\nPidFile {dir}/pid\nDefaultRuntimeDir {dir}\n\
             ErrorLog {dir}/error.log\nUser www-data\n\
             LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n\
             LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n\
             LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so\n\
             LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n\
             LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so\n",
            &["-d", "{dir}"],
        ),
        (WebKind::HaProxy, "", &["-W", "-D", "-p", "{dir}/pid"]),
    ] {
        let Some(program) = program(kind) else { continue };
        let server = Background::new(kind, &format!("orphans-{kind}"));
        server.write(basics, 404, 1);
        let dir = server.dir.to_str().unwrap();
        let arguments: Vec<String> =
            arguments.iter().map(|argument| argument.replace("{dir}", dir)).collect();
        server.start(&program, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let host = server.host();
        until("it runs", || status(&host, server.ports[0]) == Answer::Status(404));
        let found = only(&host);
        assert_eq!(found.running, Fact::Known(true), "{kind}");
        assert_eq!(live(&host).reload(&found), Ok(None), "{kind}");
        // In the background it leads a group of its own.
        let master = server.pid().unwrap();
        kill_process(master, Signal::KILL).unwrap();
        until("the master is gone", || !live(&host).is_running(&found));
        for _ in 0..20 {
            assert_eq!(only(&host).running, Fact::Known(false), "{kind}");
        }
        assert!(live(&host).reload(&found).is_err());
        let _ = kill_process_group(master, Signal::KILL);
        until("its workers are gone", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, server.ports[0])).is_err()
        });
        // Until somebody waits for the dead master, Apache takes it for one that runs.
        let _ = fs::remove_file(server.dir.join("pid"));
        assert_eq!(live(&host).start(&found), Ok(()), "{kind}");
        assert_eq!(status(&host, server.ports[0]), Answer::Status(404), "{kind}");
    }
}

#[test]
fn a_worker_that_is_stopped_by_whoever_runs_it_undoes_no_reload_and_is_named() {
    let Some(running) = start(WebKind::Nginx, 1) else { return };
    let host = host_of(&running, None);
    let server = only(&host);
    let children = format!("/proc/{0}/task/{0}/children", running.pid());
    let children = fs::read_to_string(children).expect("a master");
    let worker = children.split_whitespace().next().expect("a worker");
    let signal = |signal| {
        let pid = Pid::from_raw(worker.parse().expect("a number")).expect("a process");
        kill_process(pid, signal).expect("it is there");
    };
    signal(Signal::STOP);
    let taken = live(&host).reload(&server);
    signal(Signal::KILL);
    let note = taken.expect("new workers answer").expect("a remark");
    assert!(note.to_string().contains(worker), "{note}");
    assert_eq!(status(&host, running.port(0)), Answer::Status(404));
    assert_eq!(live(&host).reload(&server), Ok(None));
}
