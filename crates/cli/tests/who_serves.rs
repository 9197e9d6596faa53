//! Who says that there is a web server: root, and nobody else. On a throwaway host, with the packaged
//! units, plain processes, a service's user and an ordinary one.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

use std::path::Path;

use serde_json::Value;
use stopgap_testkit::denying;
use stopgap_testkit::throwaway::{MALLORY, Said, ThrowawayHost};

/// Says that it was loaded with root's rights.
const EVIL: &str = r#"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {
    char name[64];
    snprintf(name, sizeof name, "/run/loaded-by-root-%d", getpid());
    if (geteuid() == 0 || getuid() == 0) close(open(name, O_CREAT | O_WRONLY, 0600));
}
"#;

/// A throwaway host with the program and a mitigation; `None` where there can be none.
fn boot() -> Option<ThrowawayHost> {
    let host = ThrowawayHost::boot()?;
    host.install(Path::new(env!("CARGO_BIN_EXE_stopgap")), "/usr/bin/stopgap");
    host.write("/srv/catalog/WEB.toml", denying("{ status = 403 }", "/"), 0o644);
    // Debian's nginx and Apache both want port 80.
    host.shell("sed -i 's/80/8081/' /etc/apache2/ports.conf /etc/apache2/sites-enabled/*")
        .expect_success();
    let site = "frontend x\n  mode http\n  bind :8082\n  http-request return status 200\n";
    host.shell(&format!("printf '{}' >> /etc/haproxy/haproxy.cfg", site.replace('\n', "\\n")))
        .expect_success();
    Some(host)
}

fn all_installed() -> bool {
    let missing = ["nginx", "apache2", "haproxy"]
        .into_iter()
        .find(|name| !Path::new("/usr/sbin").join(name).exists());
    if let Some(name) = missing {
        println!("skipped: {name} is not installed");
    }
    missing.is_none()
}

fn stopgap(host: &ThrowawayHost, arguments: &str) -> Said {
    host.shell(&format!("stopgap {arguments} --json"))
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn facts(host: &ThrowawayHost) -> Value {
    json(&stopgap(host, "facts").expect_success())["server"]["facts"].clone()
}

/// The server with this configuration.
#[track_caller]
fn server(facts: &Value, config: &str) -> Value {
    let all = facts["web"].as_array().cloned().unwrap_or_default();
    let found = all.into_iter().find(|server| server["config"][0] == config);
    found.unwrap_or_else(|| panic!("no {config} in {facts}"))
}

fn check(host: &ThrowawayHost) -> Value {
    json(&stopgap(host, "check --catalog /srv/catalog --unsigned"))["mitigations"][0].clone()
}

/// The main file of an nginx that listens on a port.
fn nginx_conf(dir: &str, port: u16) -> String {
    format!(
        "pid {dir}/pid; error_log {dir}/log; events {{}}\n\
         http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; \
         fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n\
         server {{ listen 127.0.0.1:{port}; location / {{ return 200 ok; }} }} }}\n"
    )
}

/// Writes such a file into a folder that a user owns.
fn nginx_of(host: &ThrowawayHost, user: &str, dir: &str, port: u16) {
    host.write(&format!("{dir}/nginx.conf"), nginx_conf(dir, port), 0o644);
    host.shell(&format!("chown -R {user}: {dir}")).expect_success();
}

#[test]
fn nobody_but_root_says_which_servers_there_are() {
    if !all_installed() || !Path::new("/usr/bin/cc").exists() {
        println!("skipped: needs the servers and a C compiler");
        return;
    }
    let Some(host) = boot() else { return };
    host.shell("systemctl start nginx").expect_success();
    host.write("/home/mallory/evil.c", EVIL, 0o644);
    host.shell("cc -shared -fPIC -o /home/mallory/evil.so /home/mallory/evil.c").expect_success();
    // It tells.
    let told = "LD_PRELOAD=/home/mallory/evil.so /bin/true && rm /run/loaded-by-root-*";
    host.shell(told).expect_success();

    // An ordinary user runs the system's Apache with a library of his own.
    let apache = "ServerName x\nPidFile /home/mallory/apache.pid\nDefaultRuntimeDir /home/mallory\n\
                  ErrorLog /home/mallory/apache.log\nListen 127.0.0.1:9001\n\
                  LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n\
                  LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n";
    host.write("/home/mallory/apache.conf", apache, 0o644);
    let preloaded = "LD_PRELOAD=/home/mallory/evil.so apache2 -d /home/mallory -f apache.conf";
    host.shell_as(MALLORY, preloaded).expect_success();

    // His nginx has a module of his own in its configuration, since it started.
    nginx_of(&host, MALLORY, "/home/mallory/module", 9002);
    host.shell_as(MALLORY, "nginx -c /home/mallory/module/nginx.conf -e /dev/null")
        .expect_success();
    host.shell_as(MALLORY, "cd /home/mallory/module; (echo 'load_module /home/mallory/evil.so;'; cat nginx.conf) > n; mv n nginx.conf")
        .expect_success();

    // A program of his is mounted over the system's, in a user namespace of his own.
    for (over, name) in [("/usr/sbin/nginx", "nginx"), ("/etc/init.d/haproxy", "haproxy")] {
        let fake = format!("/home/mallory/{name}");
        host.shell(&format!("cp /bin/sleep {fake}")).expect_success();
        let script = format!("mount --bind {fake} {over} && exec {over} 1000");
        let spaces = format!(
            "setsid -f unshare --user --map-root-user --mount sh -c '{script}' >/dev/null 2>&1"
        );
        host.shell_as(MALLORY, &spaces).expect_success();
    }

    // His HAProxy ends after it was seen.
    let haproxy = "frontend x\n  mode http\n  timeout client 5s\n  bind 127.0.0.1:9003\n";
    host.write("/home/mallory/haproxy.cfg", haproxy, 0o644);
    host.shell_as(MALLORY, "haproxy -W -D -f /home/mallory/haproxy.cfg").expect_success();

    // A unit of root's reads variables from a file of his, and he adds to it when it runs.
    nginx_of(&host, "root", "/srv/shop", 9004);
    host.write("/home/mallory/variables", "A=1\n", 0o666);
    let unit = "[Service]\nEnvironmentFile=/home/mallory/variables\n\
                ExecStart=/usr/sbin/nginx -c /srv/shop/nginx.conf -g 'daemon off;'\n";
    host.write("/etc/systemd/system/shop.service", unit, 0o644);
    host.shell("systemctl daemon-reload && systemctl start shop").expect_success();
    host.shell_as(MALLORY, "echo LD_PRELOAD=/home/mallory/evil.so > /home/mallory/variables")
        .expect_success();

    // A service's user poses as the master of the real server, with a module in his title.
    let title = "nginx: master process /usr/sbin/nginx -g load_module /home/mallory/evil.so;";
    host.write(
        "/var/www/pose.conf",
        format!("daemon off; master_process off; {}", nginx_conf("/var/www", 9005)),
        0o644,
    );
    host.shell("chown -R www-data: /var/www").expect_success();
    let pose = format!(
        "setpriv --reuid www-data --regid www-data --clear-groups bash -c \
         'exec -a \"{title}\" nginx -c /var/www/pose.conf -e /dev/null' >/dev/null 2>&1 &"
    );
    host.shell(&pose).expect_success();
    host.shell("for i in $(seq 100); do ss -ltn | grep -q 9005 && exit; sleep 0.1; done; exit 1")
        .expect_success();

    let before = host.read("/etc/nginx/nginx.conf");
    let facts = facts(&host);
    let real = server(&facts, "/etc/nginx/nginx.conf");
    let source = real["source"].as_str().unwrap().to_owned();
    assert!(source.starts_with("nginx.service, process "), "{real}");
    assert_eq!((&real["running"], &real["uid"]), (&Value::Bool(true), &0.into()));
    let left = facts["left_out"]["servers"].as_array().unwrap();
    for (user, kind, port, counts) in [
        (MALLORY, "apache", Some(9001), false),
        (MALLORY, "nginx", Some(9002), false),
        (MALLORY, "haproxy", Some(9003), false),
        ("root", "nginx", Some(9004), true),
        ("www-data", "nginx", Some(9005), true),
        (MALLORY, "nginx", None, false),
        (MALLORY, "haproxy", None, false),
    ] {
        let named = |it: &&Value| {
            let ports = it["ports"].as_array().unwrap();
            it["user"] == user
                && it["kind"] == kind
                && port.map_or(ports.is_empty(), |port| ports.contains(&Value::from(port)))
        };
        let found = left.iter().find(named);
        let found = found.unwrap_or_else(|| panic!("{user} {kind} {port:?}: {facts}"));
        assert_eq!(found["counts"], counts, "{found}");
        assert_ne!(found["reason"], "");
    }
    assert_eq!(facts["web"].as_array().unwrap().len(), 3, "{}", facts["web"]);

    let told = check(&host);
    assert_eq!(told["state"], "partial", "{told}");
    assert!(told["reason"].as_str().unwrap().contains("left out"), "{told}");
    assert_eq!((host.get(80, "/stopgap-probe"), host.get(80, "/")), (403, 200));
    host.shell("kill $(pgrep -u mallory haproxy) || true").expect_success();
    check(&host);
    assert_eq!(host.get(9003, "/"), 0, "what ended is not started again");
    // What counts is stopped; what an ordinary user still runs is no alarm.
    host.shell("systemctl stop shop; kill $(pgrep -u www-data -f load_module)").expect_success();
    assert_eq!(check(&host)["state"], "applied");
    stopgap(&host, "remove WEB --catalog /srv/catalog --unsigned").expect_success();
    assert_eq!(host.get(80, "/stopgap-probe"), 404);
    assert_eq!(host.read("/etc/nginx/nginx.conf"), before);
    let loaded = host.shell("ls /run/loaded-by-root-* 2>/dev/null || true").expect_success().out;
    assert_eq!(loaded, "", "a library of his was loaded with root's rights");
}

#[test]
fn the_usual_ways_to_start_a_server_are_understood() {
    if !all_installed() {
        return;
    }
    let Some(host) = boot() else { return };
    let unit = |name: &str, text: &str| {
        let name = format!("/etc/systemd/system/{name}.service");
        host.write(&name, format!("[Service]\n{text}\n"), 0o644);
    };
    // The packages' own units; Apache has PrivateTmp, HAProxy BindReadOnlyPaths.
    host.shell("systemctl start nginx apache2 haproxy").expect_success();
    // Apache's script hands the start over to the service manager.
    host.shell("apache2ctl stop; systemctl stop apache2; apache2ctl start").expect_success();
    // Instances of a template, with directives in an argument.
    for (name, port) in [("a", 9101), ("b", 9102)] {
        nginx_of(&host, "root", &format!("/srv/{name}"), port);
    }
    unit(
        "web@",
        "Environment=\"MORE=-g 'daemon off;'\" CONF=/srv\n\
                  ExecStart=/usr/sbin/nginx -c ${CONF}/%i/nginx.conf $MORE",
    );
    // A user of its own, who may bind a low port.
    nginx_of(&host, MALLORY, "/srv/own", 81);
    unit(
        "own",
        "User=mallory\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n\
                 ExecStart=/usr/sbin/nginx -c /srv/own/nginx.conf -e /srv/own/log -g 'daemon off;'",
    );
    // A shell starts it as root, and what it started says the rest.
    nginx_of(&host, "root", "/srv/shell", 9104);
    unit(
        "shell",
        "Type=forking\nExecStart=/bin/sh -c 'exec /usr/sbin/nginx -c /srv/shell/nginx.conf'",
    );
    // A shell starts it as another user: nobody can be asked.
    nginx_of(&host, MALLORY, "/srv/dark", 9105);
    unit(
        "dark",
        "User=mallory\n\
                  ExecStart=/bin/sh -c 'exec /usr/sbin/nginx -c /srv/dark/nginx.conf -e /srv/dark/log -g \"daemon off;\"'",
    );
    // Signs before the program, and a user that is made for the service.
    nginx_of(&host, "root", "/srv/plus", 9109);
    unit(
        "plus",
        "User=mallory\nExecStart=+/usr/sbin/nginx -c /srv/plus/nginx.conf -g 'daemon off;'",
    );
    host.write("/srv/dynamic/nginx.conf", nginx_conf("/run/dynamic", 9110), 0o644);
    unit(
        "dynamic",
        "DynamicUser=yes\nRuntimeDirectory=dynamic\n\
         ExecStart=/usr/sbin/nginx -c /srv/dynamic/nginx.conf -e /run/dynamic/log -g 'daemon off;'",
    );
    // Apache by its script in the foreground, of an instance of its own.
    host.shell(
        "cp -a /etc/apache2 /etc/apache2-two && sed -i 's/8081/9106/' /etc/apache2-two/ports.conf \
                /etc/apache2-two/sites-enabled/* && mkdir -p /var/log/apache2-two",
    )
    .expect_success();
    unit(
        "two",
        "Environment=APACHE_CONFDIR=/etc/apache2-two\n\
                 ExecStart=/usr/sbin/apachectl -D FOREGROUND",
    );
    host.shell(
        "systemctl daemon-reload && systemctl start web@a web@b own shell dark two plus dynamic",
    )
    .expect_success();
    // A root shell, and a supervisor that keeps it in the foreground.
    nginx_of(&host, "root", "/srv/hand", 9107);
    host.shell("nginx -c /srv/hand/nginx.conf").expect_success();
    let runit = "frontend x\n  mode http\n  timeout client 5s\n  bind 127.0.0.1:9108\n  \
                 http-request return status 200\n";
    host.write("/srv/runit/haproxy.cfg", runit, 0o644);
    host.shell("cd /srv/runit; setsid -f haproxy -W -db -f haproxy.cfg >/dev/null 2>&1")
        .expect_success();
    for port in [80, 8081, 8082, 9101, 9102, 81, 9104, 9105, 9106, 9107, 9108, 9109, 9110] {
        let up = format!(
            "for i in $(seq 100); do ss -ltn | grep -q ':{port} ' && exit; sleep 0.1; done; exit 1"
        );
        host.shell(&up).expect_success();
    }
    let mallory: i64 = host.shell("id -u mallory").out.trim().parse().unwrap();
    let told = facts(&host);
    for (config, source, uid) in [
        ("/etc/nginx/nginx.conf", "nginx.service, process ", 0),
        ("/etc/apache2/apache2.conf", "apache2.service, process ", 0),
        ("/etc/haproxy/haproxy.cfg", "haproxy.service, process ", 0),
        ("/srv/a/nginx.conf", "web@a.service, process ", 0),
        ("/srv/b/nginx.conf", "web@b.service, process ", 0),
        ("/srv/own/nginx.conf", "own.service, process ", mallory),
        ("/srv/shell/nginx.conf", "shell.service, process ", 0),
        ("/etc/apache2-two/apache2.conf", "two.service, process ", 0),
        ("/srv/plus/nginx.conf", "plus.service, process ", 0),
        ("/srv/hand/nginx.conf", "process ", 0),
        ("/srv/runit/haproxy.cfg", "process ", 0),
    ] {
        let server = server(&told, config);
        assert!(server["source"].as_str().unwrap().starts_with(source), "{server}");
        assert_eq!(
            (&server["running"], &server["uid"]),
            (&Value::Bool(true), &uid.into()),
            "{server}"
        );
        assert!(server["sites"].is_array(), "{server}");
    }
    let dynamic = server(&told, "/srv/dynamic/nginx.conf");
    assert_eq!(dynamic["running"], true, "{dynamic}");
    assert!(dynamic["uid"].as_i64().unwrap() >= 61_184, "{dynamic}");
    // What is in doubt is not taken for the packaged server, whose program it runs.
    let left = told["left_out"]["servers"].as_array().unwrap();
    let [dark] = left.as_slice() else { panic!("{}", told["left_out"]) };
    assert_eq!((&dark["ports"], &dark["counts"]), (&serde_json::json!([9105]), &Value::Bool(true)));
    let why = dark["reason"].as_str().unwrap();
    assert!(why.contains("dark.service") && why.contains("[[web.server]]"), "{why}");
    // A program of another name, and a user's own server that root vouches for.
    nginx_of(&host, "root", "/srv/renamed", 9111);
    host.shell("cp /usr/sbin/nginx /usr/sbin/shopd && shopd -c /srv/renamed/nginx.conf")
        .expect_success();
    nginx_of(&host, MALLORY, "/srv/vouched", 9112);
    host.shell_as(MALLORY, "nginx -c /srv/vouched/nginx.conf -e /srv/vouched/log").expect_success();
    let others = "[[web.server]]\nkind = \"nginx\"\nconfig = \"/srv/renamed/nginx.conf\"\n\
                  program = \"/usr/sbin/shopd\"\n\
                  [[web.server]]\nkind = \"nginx\"\nconfig = \"/srv/vouched/nginx.conf\"\n\
                  user = \"mallory\"\n";
    let policy = "[[web.server]]\nkind = \"nginx\"\nconfig = \"/srv/dark/nginx.conf\"\n\
                  unit = \"dark.service\"\nuser = \"mallory\"\n\
                  arguments = [\"-e\", \"/srv/dark/log\", \"-g\", \"daemon off;\"]\n";
    host.write("/etc/stopgap/policy.toml", format!("{others}{policy}"), 0o644);
    let told = facts(&host);
    let settled = server(&told, "/srv/dark/nginx.conf");
    assert_eq!((&settled["running"], &settled["uid"]), (&Value::Bool(true), &mallory.into()));
    let renamed = server(&told, "/srv/renamed/nginx.conf");
    assert_eq!((&renamed["running"], &renamed["uid"]), (&Value::Bool(true), &0.into()));
    let vouched = server(&told, "/srv/vouched/nginx.conf");
    assert_eq!((&vouched["running"], &vouched["uid"]), (&Value::Bool(true), &mallory.into()));
    assert_eq!(told["left_out"]["servers"], serde_json::json!([]));
}

/// The bytes of every file of configuration.
fn configuration(host: &ThrowawayHost) -> String {
    let files = "find /etc/nginx /etc/apache2 /etc/haproxy /srv/hand -type f -o -type l | sort";
    host.shell(&format!("{files} | xargs sha256sum; {files}")).expect_success().out
}

#[test]
fn the_servers_of_an_ordinary_day_are_protected_and_come_back_to_the_byte() {
    if !all_installed() {
        return;
    }
    let Some(host) = boot() else { return };
    host.shell("systemctl start nginx apache2 haproxy").expect_success();
    nginx_of(&host, "root", "/srv/hand", 9107);
    host.shell("nginx -c /srv/hand/nginx.conf").expect_success();
    let before = configuration(&host);
    let ports = [80, 8081, 8082, 9107];
    for bus in ["start", "stop"] {
        // Without a bus the processes of root's say how they were started.
        if bus == "stop" {
            host.shell("systemctl stop dbus.socket dbus.service").expect_success();
        }
        let told = check(&host);
        assert_eq!(told["state"], "applied", "{told}");
        for port in ports {
            assert_eq!(
                (host.get(port, "/stopgap-probe"), host.get(port, "/")),
                (403, 200),
                "{port}"
            );
        }
        let status = json(&stopgap(&host, "status --catalog /srv/catalog --unsigned"));
        assert_eq!(status["mitigations"][0]["state"], "applied", "{status}");
        stopgap(&host, "remove WEB --once --catalog /srv/catalog --unsigned").expect_success();
        for port in ports {
            assert_ne!(host.get(port, "/stopgap-probe"), 403, "{port}");
            assert_eq!(host.get(port, "/"), 200, "{port}");
        }
        assert_eq!(configuration(&host), before);
    }
}

#[test]
fn what_root_started_and_stopgap_cannot_act_for_is_named_and_nothing_is_called_applied() {
    if !all_installed() {
        return;
    }
    let Some(host) = boot() else { return };
    host.shell("systemctl start nginx").expect_success();
    // A root folder of its own.
    nginx_of(&host, "root", "/srv/root/srv", 9201);
    host.shell(
        "cd /srv/root && mkdir -p usr lib lib64 etc dev tmp var && \
         sed -i 's#/srv/root/srv#/srv#g' srv/nginx.conf && cp /etc/passwd /etc/group etc/",
    )
    .expect_success();
    let unit = "[Service]\nRootDirectory=/srv/root\nBindReadOnlyPaths=/usr /lib /lib64\n\
                MountAPIVFS=yes\n\
                ExecStart=/usr/sbin/nginx -c /srv/nginx.conf -e /srv/log -g 'daemon off;'\n";
    host.write("/etc/systemd/system/rooted.service", unit, 0o644);
    // HAProxy without a master, which gives up root's rights: nothing tells it from one that poses.
    let alone = "global\n  user haproxy\nfrontend x\n  mode http\n  timeout client 5s\n  \
                 bind 127.0.0.1:9202\n  http-request return status 200\n";
    host.write("/srv/alone.cfg", alone, 0o644);
    let unit = "[Service]\nExecStart=/usr/sbin/haproxy -db -f /srv/alone.cfg\n";
    host.write("/etc/systemd/system/alone.service", unit, 0o644);
    // A program that a group may write.
    nginx_of(&host, "root", "/srv/staff", 9203);
    host.shell("install -g staff -m 775 /usr/sbin/nginx /usr/local/sbin/nginx").expect_success();
    let unit =
        "[Service]\nType=forking\nExecStart=/usr/local/sbin/nginx -c /srv/staff/nginx.conf\n";
    host.write("/etc/systemd/system/staff.service", unit, 0o644);
    // A program that was given another name.
    nginx_of(&host, "root", "/srv/renamed", 9204);
    host.shell("install -m 755 /usr/sbin/nginx /usr/sbin/frontd").expect_success();
    let unit = "[Service]\nType=forking\nExecStart=/usr/sbin/frontd -c /srv/renamed/nginx.conf\n";
    host.write("/etc/systemd/system/renamed.service", unit, 0o644);
    host.shell("systemctl daemon-reload").expect_success();
    for (unit, port, user) in [
        ("rooted", 9201, "root"),
        ("alone", 9202, "haproxy"),
        ("staff", 9203, "root"),
        ("renamed", 9204, "root"),
    ] {
        host.shell(&format!("systemctl start {unit}")).expect_success();
        let up =
            "for i in $(seq 100); do ss -ltn | grep -q ':PORT ' && exit; sleep 0.1; done; exit 1";
        host.shell(&up.replace("PORT", &port.to_string())).expect_success();
        let told = facts(&host);
        let left = told["left_out"]["servers"].as_array().unwrap();
        let [server] = left.as_slice() else { panic!("{unit}: {}", told["left_out"]) };
        assert_eq!(server["ports"], serde_json::json!([port]), "{server}");
        assert_eq!((&server["user"], &server["counts"]), (&user.into(), &Value::Bool(true)));
        let told = check(&host);
        assert_eq!(told["state"], "partial", "{told}");
        let why = told["reason"].as_str().unwrap();
        assert!(why.contains(&format!("on port {port} is left out")), "{why}");
        assert_eq!(host.get(80, "/stopgap-probe"), 403);
        stopgap(&host, "remove WEB --once --catalog /srv/catalog --unsigned").expect_success();
        host.shell(&format!("systemctl stop {unit}")).expect_success();
        assert_eq!(check(&host)["state"], "applied");
    }
    // It is told also where no package of a server is installed.
    stopgap(&host, "remove WEB --once --catalog /srv/catalog --unsigned").expect_success();
    host.shell(
        "systemctl stop nginx && mv /usr/sbin/nginx /usr/sbin/apache2 /usr/sbin/haproxy /root/",
    )
    .expect_success();
    host.shell("systemctl start staff").expect_success();
    let told = check(&host);
    assert_eq!(told["state"], "unsupported", "{told}");
    let why = told["reason"].as_str().unwrap();
    assert!(why.contains("can be protected") && why.contains("on port 9203 is left out"), "{why}");
}

#[test]
fn a_thousand_processes_of_one_user_keep_nobody_from_being_protected() {
    if !all_installed() {
        return;
    }
    let Some(host) = boot() else { return };
    host.shell("systemctl start nginx").expect_success();
    let pose = "cp /bin/sleep /home/mallory/nginx; \
                for i in $(seq 1000); do setsid -f /home/mallory/nginx 1000 >/dev/null 2>&1; done";
    host.shell_as(MALLORY, pose).expect_success();
    // A unit of his own service manager, as far as its control group goes.
    let group = "/sys/fs/cgroup/user.slice/user-$u.slice/user@$u.service/app.slice/nginx.service";
    let own = format!(
        "u=$(id -u mallory); mkdir -p {group} && pgrep -u mallory nginx | head -1 > {group}/cgroup.procs"
    );
    host.shell(&own).expect_success();
    let told = facts(&host);
    let real = server(&told, "/etc/nginx/nginx.conf");
    assert!(real["source"].as_str().unwrap().starts_with("nginx.service, process "), "{real}");
    let left = &told["left_out"];
    let named = left["servers"].as_array().unwrap();
    assert_eq!(named.len() as u64 + left["more"].as_u64().unwrap(), 1000, "{left}");
    assert!(named.len() <= 16 && named.iter().all(|it| it["counts"] == false), "{left}");
    let told = check(&host);
    assert_eq!(told["state"], "applied", "{told}");
    assert_eq!(host.get(80, "/stopgap-probe"), 403);
}
