//! The servers' own tests of their configuration.

use super::*;

#[test]
fn a_configuration_that_the_server_refuses_leaves_it_running() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        fs::write(running.config(), running.filled("{basics}\nnonsense {\n")).unwrap();
        let refused = live(&host).test(&server, &[]);
        let Err(TestError::Refused { program, said }) = refused else { panic!("{refused:?}") };
        assert_eq!(program, path(running.program()));
        assert!(said.contains("nonsense") && !said.contains("[NOTICE]"), "{said}");
        let reloaded = live(&host).reload(&server);
        assert!(
            reloaded.as_ref().is_err_and(|why| why.to_string().contains("nonsense")),
            "{reloaded:?}"
        );
        assert!(live(&host).is_running(&server));
        assert_eq!(status(&host, running.port(0)), Answer::Status(404));
    }
}

#[test]
fn a_staged_configuration_is_tested_and_nothing_of_it_stays() {
    for kind in KINDS {
        let Some(running) = start(kind, 1) else { continue };
        let host = host_of(&running, None);
        let server = only(&host);
        let main = path(&running.config());
        let before = fs::read(running.config()).unwrap();
        let good = running.filled(&config(kind, 410, 1)).into_bytes();
        assert_eq!(live(&host).test(&server, &[(main.clone(), good)]), Ok(()), "{kind}");
        let bad = running.filled("{basics}\nnonsense {\n").into_bytes();
        let bad = live(&host).test(&server, &[(main.clone(), bad)]);
        let Err(TestError::Refused { said, .. }) = bad else { panic!("{bad:?}") };
        assert!(said.contains(BESIDE_SUFFIX), "{said}");
        let nowhere = ServerPath::new("/none/x");
        let staged = [(main, Vec::new()), (nowhere, Vec::new())];
        let not_made = live(&host).test(&server, &staged);
        assert!(matches!(not_made, Err(TestError::NotMade(_))), "{not_made:?}");
        assert_eq!(leftovers(running.dir()), 0);
        assert_eq!(fs::read(running.config()).unwrap(), before);
        assert_eq!(status(&host, running.port(0)), Answer::Status(404));
    }
}

#[test]
fn a_staged_file_of_a_folder_of_haproxy_takes_its_place_in_the_order() {
    let Some(running) = start(WebKind::HaProxy, 1) else { return };
    let text = running.filled(&config(WebKind::HaProxy, 404, 1));
    let (head, tail) = text.split_at(text.find("frontend two").unwrap());
    running.write("conf.d/1.cfg", head.as_bytes());
    running.write("conf.d/2.cfg", tail.as_bytes());
    let config = vec![path(&running.dir().join("conf.d"))];
    let declared = DeclaredServer { config, ..DeclaredServer::new(WebKind::HaProxy) };
    let settings = WebSettings { find: false, servers: vec![declared] };
    let host = LinuxHost::open(settings).unwrap();
    let server = only(&host);
    assert_eq!(server.running, Fact::Known(false));
    assert_eq!(server.source, "policy.toml");
    assert_eq!(live(&host).test(&server, &[]), Ok(()));
    let first = path(&running.dir().join("conf.d/1.cfg"));
    let staged = |text: &str| [(first.clone(), text.as_bytes().to_vec())];
    assert_eq!(live(&host).test(&server, &staged(head)), Ok(()));
    let bad = live(&host).test(&server, &staged("nonsense\n"));
    assert!(matches!(bad, Err(TestError::Refused { .. })), "{bad:?}");
    assert_eq!(leftovers(&running.dir().join("conf.d")), 0);
}

#[test]
fn a_test_that_hangs_is_ended_and_so_is_what_it_started() {
    let Some(running) = start(WebKind::Nginx, 1) else { return };
    let mark = running.dir().join("started");
    let script = format!(
        "#!/bin/sh\ncase $1 in -V) exec /usr/sbin/nginx -V;; esac\n\
         sleep 600 &\necho $! > {}\nwait\n",
        mark.display()
    );
    let program = running.write("hanging", script.as_bytes());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let host = host_of(&running, Some(path(&program)));
    let server = only(&host);
    assert!(server.version.known().is_some(), "{:?}", server.version);
    let main = path(&running.config());
    let hanging = live(&host).test(&server, &[(main, b"x".to_vec())]);
    let Err(TestError::NotMade(why)) = hanging else { panic!("{hanging:?}") };
    assert!(why.has("program-not-in-time"), "{why}");
    assert_eq!(leftovers(running.dir()), 0);
    let child: i32 = fs::read_to_string(&mark).unwrap().trim().parse().unwrap();
    until("what the test started is ended", || {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    });
    assert_eq!(status(&host, running.port(0)), Answer::Status(404));
}
