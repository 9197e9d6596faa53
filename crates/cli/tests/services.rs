//! Services of a real systemd, in a throwaway host: disabled with what hangs on them, kept so, and given back
//! exactly, as `systemctl` sees it from outside.
#![cfg(unix)] // services of systemd, in a throwaway host
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use stopgap_testkit::throwaway::{Said, ThrowawayHost};

/// A service behind a socket, with another name, as a package installs it.
const BROWSED: &str = "[Unit]\nDescription=Browses printers\n[Service]\nExecStart=/bin/sleep infinity\n\
                       [Install]\nWantedBy=multi-user.target\nAlias=printers.service\n";
const SOCKET: &str =
    "[Socket]\nListenStream=/run/browsed.sock\n[Install]\nWantedBy=sockets.target\n";
/// What needs it.
const QUEUE: &str = "[Unit]\nRequires=browsed.service\nAfter=browsed.service\n[Service]\n\
                     ExecStart=/bin/sleep infinity\n";
/// Each minds the other.
const ONE: &str = "[Unit]\nRequires=two.service\n[Service]\nExecStart=/bin/sleep infinity\n";
const TWO: &str = "[Unit]\nRequires=one.service\n[Service]\nExecStart=/bin/sleep infinity\n";
/// It does not mind being told to stop.
const DEAF: &str = "[Service]\nExecStart=/bin/sh -c \"trap '' TERM; while :; do sleep 1; done\"\n";
const TEMPLATE: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

/// A host with the program, the units and a package that a mitigation is about.
struct Host(ThrowawayHost);

impl Host {
    fn boot() -> Option<Self> {
        let host = ThrowawayHost::boot()?;
        host.install(Path::new(env!("CARGO_BIN_EXE_stopgap")), "/usr/bin/stopgap");
        for (name, unit) in [
            ("browsed.service", BROWSED.to_owned()),
            ("browsed.socket", SOCKET.to_owned()),
            ("queue.service", QUEUE.to_owned()),
            ("one.service", ONE.to_owned()),
            ("two.service", TWO.to_owned()),
            ("deaf.service", format!("{DEAF}TimeoutStopSec=4\n")),
            ("stubborn.service", format!("{DEAF}TimeoutStopSec=15\n")),
            ("many@.service", TEMPLATE.to_owned()),
            ("bus.service", format!("{TEMPLATE}Type=dbus\nBusName=org.example.Bus\n")),
            ("masked.service", TEMPLATE.to_owned()),
            ("polite.service", format!("{TEMPLATE}ExecStop=/bin/touch /run/polite-$MAINPID\n")),
            ("also.service", format!("{TEMPLATE}ExecStop=/bin/touch /run/also-$MAINPID\n")),
        ] {
            host.write(&format!("/lib/systemd/system/{name}"), unit, 0o644);
        }
        host.write("/etc/systemd/system/own.service", TEMPLATE, 0o644);
        let folder = "/etc/systemd/system/browsed.service.d";
        host.shell(&format!("mkdir -p {folder}")).expect_success();
        host.write(&format!("{folder}/10-own.conf"), "[Service]\nEnvironment=A=1\n", 0o644);
        let package = "\nPackage: browsed\nStatus: install ok installed\nArchitecture: amd64\n\
                       Maintainer: nobody\nVersion: 1.5\nDescription: a test\n";
        host.shell(&format!("cat >> /var/lib/dpkg/status <<'EOF'{package}EOF")).expect_success();
        let host = Self(host);
        host.run("systemctl daemon-reload");
        Some(host)
    }

    fn run(&self, script: &str) -> Said {
        self.0.shell(script).expect_success()
    }

    /// Publishes a mitigation of the package that disables these services.
    fn publish(&self, services: &[&str]) {
        let document = format!(
            "schema = 1\nid = \"BROWSED\"\nrevision = 1\ntitle = \"Printers that anybody may name\"\n\
             severity = \"critical\"\nimpact = \"No printers are found.\"\n\
             [[affected]]\nproduct = \"pkg:deb/debian/browsed\"\n\
             ranges = [{{ introduced = \"1.0\", fixed = \"2.0\" }}]\n\
             [[action]]\nid = \"BROWSED.1\"\nkind = \"disable-service\"\nservices = {services:?}\n"
        );
        self.0.write("/srv/catalog/BROWSED.toml", document, 0o644);
    }

    fn package_is(&self, version: &str) {
        let edit = format!(
            "sed -i '/^Package: browsed$/,/^$/s/^Version: .*/Version: {version}/' /var/lib/dpkg/status"
        );
        self.run(&edit);
    }

    fn stopgap(&self, arguments: &str) -> Said {
        self.0.shell(&format!("stopgap {arguments} --catalog /srv/catalog --unsigned"))
    }

    /// The report of the mitigation after a command.
    fn report(&self, arguments: &str) -> (String, Value) {
        let said = self.stopgap(&format!("{arguments} --json"));
        let all: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("{why}: {said:?}"));
        let report = all["mitigations"][0].clone();
        (report["state"].as_str().unwrap_or_else(|| panic!("{all}")).to_owned(), all)
    }

    #[track_caller]
    fn expect(&self, arguments: &str, state: &str) -> Value {
        let (found, all) = self.report(arguments);
        assert_eq!(found, state, "{arguments}: {all:#}");
        all
    }

    /// How the units are, as systemd says it, and what stands in its folder.
    fn look(&self, units: &str) -> String {
        let show =
            "systemctl show -p Id,LoadState,ActiveState,UnitFileState,FragmentPath,DropInPaths";
        let files = "find /etc/systemd/system /run/systemd/system -printf '%p %y %l\\n' | sort";
        self.run(&format!("{show} {units}; {files}")).out
    }

    fn is_active(&self, unit: &str) -> bool {
        self.0.shell(&format!("systemctl is-active --quiet {unit}")).code == 0
    }

    #[track_caller]
    fn wait_until(&self, what: &str, test: &str) {
        let begun = Instant::now();
        while self.0.shell(test).code != 0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what} does not come to pass");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

const ALL: &str = "browsed.service browsed.socket queue.service printers.service";

#[test]
fn a_vulnerable_service_is_off_until_its_fix_is_installed_and_then_as_it_was() {
    let Some(host) = Host::boot() else { return };
    host.publish(&["browsed"]);
    host.run(
        "systemctl enable browsed.service browsed.socket && systemctl start browsed.socket queue",
    );
    let before = host.look(ALL);
    assert!(host.is_active("browsed") && host.is_active("queue"));

    // What would be done is told, and done.
    let dry = host.stopgap("check --dry-run");
    for part in ["Disable and stop: browsed.service", "queue.service", "browsed.socket"] {
        assert!(dry.out.contains(part), "{part}: {}", dry.out);
    }
    assert_eq!(host.look(ALL), before);
    let all = host.expect("check", "applied");
    assert_eq!(all["services"][0]["disabled"][0], "browsed.service");
    for unit in ["browsed.service", "browsed.socket", "queue.service"] {
        assert!(!host.is_active(unit), "{unit}");
    }
    // Nothing starts it: not a person, not under its other name, not its socket, not what needs it.
    for start in ["browsed", "printers", "queue", "browsed.socket"] {
        host.0.shell(&format!("systemctl start {start}")).expect_failure();
        assert!(!host.is_active("browsed"), "{start}");
    }
    let status = host.stopgap("status").out;
    assert!(status.contains("browsed.service"), "{status}");
    host.expect("check", "applied");

    // A person starts it again, and the next check puts that right.
    host.run("systemctl unmask browsed && systemctl start browsed");
    let (state, all) = host.report("status");
    assert_eq!(state, "drifted", "{all:#}");
    host.expect("check", "applied");
    assert!(!host.is_active("browsed"));

    // The fix comes.
    host.package_is("2.0");
    host.expect("check", "withdrawn");
    assert_eq!(host.look(ALL), before);
    host.expect("check", "not-affected");

    // Another way out: an administrator does not want it.
    host.package_is("1.5");
    host.expect("check", "applied");
    host.stopgap("remove BROWSED").expect_success();
    assert_eq!(host.look(ALL), before);
    host.expect("check", "blocked");
    assert_eq!(host.look(ALL), before);
}

#[test]
fn the_catalog_that_ships_with_the_program_disables_a_vulnerable_cups_browsed() {
    let Some(host) = Host::boot() else { return };
    host.0.write("/lib/systemd/system/cups-browsed.service", BROWSED, 0o644);
    host.run("sed -i 's/^Package: browsed$/Package: cups-browsed/; s/^Version: 1.5$/Version: 1.28.17-3/' \
              /var/lib/dpkg/status; systemctl daemon-reload; systemctl start cups-browsed");
    let before = host.look("cups-browsed");
    let state = || {
        let said = host.0.shell("stopgap check --json");
        let all: Value = serde_json::from_str(&said.out).unwrap();
        let all = all["mitigations"].as_array().unwrap().clone();
        let of_it = all.iter().find(|it| it["id"] == "CVE-2024-47176").unwrap();
        of_it["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "applied");
    assert!(!host.is_active("cups-browsed"));
    host.run("sed -i 's/^Version: 1.28.17-3$/Version: 1.28.17-3+deb12u1/' /var/lib/dpkg/status");
    assert_eq!(state(), "withdrawn");
    assert_eq!(host.look("cups-browsed"), before);
}

#[test]
fn what_did_not_run_is_not_started_and_two_that_require_each_other_come_back_together() {
    let Some(host) = Host::boot() else { return };
    host.publish(&["browsed", "one"]);
    host.run("systemctl enable browsed.socket && systemctl start browsed.socket one");
    let units = &format!("{ALL} one.service two.service");
    let before = host.look(units);
    assert!(!host.is_active("browsed") && host.is_active("two"));
    host.expect("check", "applied");
    for unit in ["one", "two", "browsed.socket"] {
        assert!(!host.is_active(unit), "{unit}");
    }
    host.package_is("2.0");
    host.expect("check", "withdrawn");
    assert_eq!(host.look(units), before);
}

#[test]
fn each_service_stops_by_its_own_settings_though_it_is_masked() {
    let Some(host) = Host::boot() else { return };
    host.publish(&["polite", "also"]);
    host.run("systemctl start polite also");
    let before = host.look("polite also");
    host.expect("check", "applied");
    let touched = host.run("ls /run/polite-* /run/also-* | wc -l").out;
    assert_eq!(touched.trim(), "2", "each ran its ExecStop=");
    for unit in ["polite", "also"] {
        host.0.shell(&format!("systemctl start {unit}")).expect_failure();
    }
    host.package_is("2.0");
    host.expect("check", "withdrawn");
    assert_eq!(host.look("polite also"), before);
}

#[test]
fn what_is_not_ours_to_disable_is_left_alone() {
    let Some(host) = Host::boot() else { return };
    let past_systemd = "[D-BUS Service]\nName=org.example.Bus\nExec=/bin/true\nUser=root\n";
    let file = "/usr/share/dbus-1/system-services/org.example.Bus.service";
    host.0.write(file, past_systemd, 0o644);
    host.run("systemctl mask masked && systemctl start own many@a browsed dbus");
    let units = "own.service many@a.service masked.service browsed.service dbus.service";
    let before = host.look(units);
    for (services, state, reason) in [
        (&["masked"][..], "covered", "services-disabled-already"),
        (&["own"], "unsupported", "service-not-changeable"),
        (&["many@"], "unsupported", "service-not-changeable"),
        (&["bus"], "unsupported", "D-Bus starts it by itself"),
        (&["dbus"], "unsupported", "service-never-disabled"),
        (&["systemd-journald"], "unsupported", "service-never-disabled"),
        (&["browsed", "dbus.socket"], "unsupported", "service-never-disabled"),
        (&["basic.target"], "unsupported", "service-never-disabled"),
        (&["no-such"], "not-affected", "no-such-service"),
        (&["no such", "brow..sed"], "not-affected", "no-such-service"),
    ] {
        host.publish(services);
        let all = host.expect("check", state);
        let text = all["mitigations"][0].to_string();
        assert!(text.contains(reason), "{services:?}: {text}");
        assert_eq!(host.look(units), before, "{services:?}");
    }
    // One instance by its own name can be disabled, and the others go on.
    host.run("systemctl start many@b");
    let before = host.look("many@a.service many@b.service");
    host.publish(&["many@a"]);
    host.expect("check", "applied");
    assert!(!host.is_active("many@a") && host.is_active("many@b"));
    host.stopgap("remove BROWSED").expect_success();
    assert_eq!(host.look("many@a.service many@b.service"), before);
}

#[test]
fn a_unit_that_ignores_its_stop_is_waited_for_and_a_kill_meanwhile_is_recovered_from() {
    let Some(host) = Host::boot() else { return };
    host.publish(&["deaf"]);
    host.run("systemctl start deaf stubborn");
    let before = host.look("deaf.service stubborn.service");
    host.expect("check", "applied");
    assert!(!host.is_active("deaf"));
    host.stopgap("remove BROWSED").expect_success();
    assert_eq!(host.look("deaf.service stubborn.service"), before);
    host.stopgap("unblock BROWSED").expect_success();

    // The program is killed while it waits for one that takes long.
    host.publish(&["stubborn"]);
    let check = "setsid stopgap check --catalog /srv/catalog --unsigned >/dev/null 2>&1 & echo $!";
    let pid = host.run(check).out.trim().to_owned();
    host.wait_until("the stop", "systemctl show -p ActiveState stubborn | grep -q deactivating");
    host.run(&format!("kill -9 {pid}"));
    host.stopgap("disable").expect_success();
    let (_, all) = host.report("check");
    let state = host.run("systemctl show -p UnitFileState stubborn").out;
    assert!(!state.contains("masked"), "{state}: {all:#}");
    // systemd starts it again when it has ended at last.
    host.wait_until("its end", "systemctl is-active --quiet stubborn");
    assert_eq!(host.look("deaf.service stubborn.service"), before);
}

#[test]
fn without_a_bus_services_are_disabled_and_given_back_all_the_same() {
    let Some(host) = Host::boot() else { return };
    host.publish(&["browsed"]);
    host.run("systemctl start browsed");
    let before = host.look(ALL);
    host.run(
        "systemctl stop dbus.socket dbus.service 2>/dev/null; ! systemctl is-active --quiet dbus",
    );
    host.expect("check", "applied");
    assert!(!host.is_active("browsed"));
    host.stopgap("remove BROWSED").expect_success();
    assert_eq!(host.look(ALL), before);
}
