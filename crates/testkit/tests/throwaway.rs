//! The throwaway host: what it has, and that nothing of it is left.
#![cfg(unix)] // systemd

use std::fs;
use std::path::Path;

use stopgap_testkit::throwaway::{MALLORY, ThrowawayHost};

#[test]
fn a_throwaway_host_has_a_service_manager_a_second_user_and_a_network_of_its_own() {
    let Some(host) = ThrowawayHost::boot() else { return };
    assert_eq!(host.shell("cat /proc/1/comm").expect_success().out.trim(), "systemd");
    assert_eq!(host.shell_as(MALLORY, "id -un").expect_success().out.trim(), MALLORY);
    host.shell_as(MALLORY, "echo x >> /etc/passwd").expect_failure();
    let bus = "org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.DBus.Peer Ping";
    host.shell(&format!("busctl --json=short call {bus}")).expect_success();
    // Whoever logged in is in no service.
    let group = host.shell("cat /proc/self/cgroup").expect_success().out;
    assert!(group.contains("0::/user.slice/user-0.slice/session-1.scope"), "{group}");
    // The package's HAProxy serves nothing by itself.
    let site = "frontend x\n  mode http\n  bind :8080\n  http-request return status 200\n";
    host.shell(&format!("[ ! -d /etc/haproxy ] || echo '{site}' >> /etc/haproxy/haproxy.cfg"))
        .expect_success();
    for (service, port) in [("nginx", 80), ("apache2", 80), ("haproxy", 8080)] {
        if !Path::new("/usr/sbin").join(service).exists() {
            println!("skipped: {service} is not installed");
            continue;
        }
        host.shell(&format!("systemctl start {service}")).expect_success();
        assert_eq!(host.get(port, "/"), 200, "{service}");
        host.shell(&format!("systemctl stop {service}")).expect_success();
        assert_eq!(host.get(port, "/"), 0, "{service}");
    }
}

#[test]
fn nothing_of_a_throwaway_host_is_left() {
    let Some(host) = ThrowawayHost::boot() else { return };
    host.shell("touch /etc/from-a-throwaway-host /tmp/from-a-throwaway-host").expect_success();
    assert!(host.read("/etc/from-a-throwaway-host").is_some());
    let inside = host.path("/");
    assert!(inside.join("tmp/from-a-throwaway-host").exists());
    drop(host);
    assert!(!inside.exists(), "its first process is gone");
    for path in ["/etc/from-a-throwaway-host", "/tmp/from-a-throwaway-host"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    assert!(!mounts.contains("/mnt/upper"), "{mounts}");
}
