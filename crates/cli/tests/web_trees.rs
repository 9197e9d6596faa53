//! The web servers of a Linux machine whose disk is mounted: all of it without a program that runs,
//! and what can be wrong with such a disk.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;
#[path = "web_trees/machine.rs"]
mod machine;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, lchown};

use machine::{HAPROXY_CFG, Machine, NGINX_CONF, NGINX_SITE};

const WEB: &str = r#"
schema = 1
id = "WEB"
revision = 1
title = "A test on a disk"
severity = "high"
impact = "None."
no_live_probe = "a test"

[[action]]
id = "WEB.1"
kind = "block-request"
deny = "abort"
when = [{ field = "uri", decode = ["url"], contains = "stopgap-probe" }]
"#;

/// A disk with the test's mitigation in its catalog.
fn on(machine: Machine) -> Machine {
    machine.publish(WEB);
    machine
}

/// Checks a disk whose nginx cannot be changed: nothing is, and the reason says all of `expected`.
#[track_caller]
fn left_alone(machine: &Machine, state: &str, expected: &[&str]) {
    let before = machine.snapshot();
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, state), "{}", run.out);
    for text in expected {
        assert!(run.reason("WEB").contains(text), "no `{text}` in: {}", run.reason("WEB"));
    }
    assert_eq!(machine.snapshot(), before);
}

/// Checks a disk, and gives everything back to the byte.
#[track_caller]
fn applied_and_given_back(machine: &Machine) {
    let before = machine.snapshot();
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert_ne!(machine.snapshot(), before);
    assert_eq!(machine.stopgap(&["check"]).json()["changed"], false);
    let run = machine.stopgap(&["remove", "WEB"]);
    assert_eq!(run.state("WEB"), "withdrawn", "{}", run.out);
    assert_eq!(machine.snapshot(), before);
}

#[test]
fn the_three_servers_of_a_debian_disk_are_protected_and_given_back_to_the_byte() {
    let machine = on(Machine::full());
    applied_and_given_back(&machine);
}

#[test]
fn facts_status_list_and_try_tell_of_the_three_servers() {
    let machine = on(Machine::full());
    machine.stopgap(&["check"]);
    let facts = machine.stopgap(&["facts"]).json();
    let web =
        facts["server"]["facts"]["web"].as_array().unwrap_or_else(|| panic!("{facts}")).clone();
    let kinds: Vec<&str> = web.iter().map(|server| server["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["nginx", "apache", "haproxy"], "{facts}");
    let status = machine.stopgap(&["status"]);
    assert_eq!(status.state("WEB"), "applied", "{}", status.out);
    let list = machine.stopgap(&["list"]);
    let place = list.mitigation("WEB")["actions"][0]["where"].as_str().unwrap().to_owned();
    for folder in ["/etc/nginx/", "/etc/apache2/", "/etc/haproxy/"] {
        assert!(place.contains(folder), "no {folder} in {place}");
    }
    for site in ["nginx", "apache", "haproxy"] {
        for (request, verdict) in [("GET /x/stopgap-%70robe", "blocked"), ("GET /shop", "allowed")]
        {
            let run = machine.stopgap(&["try", "--site", site, "--request", request]);
            assert_eq!(run.json()["verdict"], verdict, "{site} {request}: {}", run.out);
        }
    }
}

#[test]
fn what_a_person_reads_of_a_disk_fits_in_eighty_columns() {
    let machine = on(Machine::full());
    machine.stopgap(&["check"]);
    for command in [["facts"].as_slice(), &["status"], &["list"], &["show", "WEB"]] {
        let run = machine.run(command);
        for line in run.out.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
    }
    // Two sites that differ in nothing but their address are told apart, and no place is cut short.
    let facts = machine.run(&["facts"]).out;
    assert!(facts.contains("(no name):80 at ::"), "{facts}");
    let show = machine.run(&["show", "WEB"]).out;
    for place in ["conf-enabled/*.conf", "/etc/haproxy/haproxy.cfg", "/etc/nginx/"] {
        assert!(show.contains(place), "{place}: {show}");
    }
}

#[test]
fn a_site_that_is_a_link_out_of_the_disk_is_told_and_not_followed() {
    let machine = on(Machine::nginx());
    let outside = machine.outside("outside.conf");
    fs::write(&outside, NGINX_SITE).unwrap();
    // Above its root there is nothing, so this leads to the same path on the disk itself.
    let climb = format!("../../../../../../../../../../..{}", outside.display());
    machine.link("etc/nginx/sites-enabled/default", &climb);
    left_alone(&machine, "unknown", &["sites-enabled/default"]);
    assert_eq!(fs::read_to_string(&outside).unwrap(), NGINX_SITE);
}

#[test]
fn links_that_lead_to_each_other_are_told() {
    let machine = on(Machine::nginx());
    machine.link("etc/nginx/sites-enabled/default", "/etc/nginx/sites-enabled/other");
    machine.link("etc/nginx/sites-enabled/other", "default");
    left_alone(
        &machine,
        "unknown",
        &["sites-enabled/default", "leads over too many folders or links"],
    );
}

#[test]
fn an_include_that_includes_itself_is_told_with_its_file_and_line() {
    let machine = on(Machine::nginx());
    machine.write("etc/nginx/conf.d/loop.conf", "\ninclude /etc/nginx/conf.d/*.conf;\n");
    left_alone(&machine, "unknown", &["/etc/nginx/conf.d/loop.conf, line 2"]);
}

#[test]
fn a_glob_that_matches_nothing_is_no_trouble() {
    let machine = on(Machine::nginx());
    let main = NGINX_CONF.replace("conf.d/*.conf", "nowhere/*/x[0-9].conf");
    machine.write("etc/nginx/nginx.conf", &main);
    applied_and_given_back(&machine);
}

#[test]
fn a_configuration_that_does_not_parse_is_told_with_its_line_and_left_alone() {
    let machine = on(Machine::nginx());
    machine.write("etc/nginx/sites-available/default", "server {\n\tlisten 80;\n}\n}\n");
    left_alone(&machine, "unknown", &["sites-enabled/default, line 4"]);
}

#[test]
fn a_broken_server_does_not_keep_the_others_from_being_protected() {
    let machine = on(Machine::full());
    machine.write("etc/nginx/sites-available/default", "server {\n\tlisten 80;\n");
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
    let told = "nginx:/etc/nginx/nginx.conf: unknown: ";
    assert!(run.reason("WEB").contains(told), "{}", run.reason("WEB"));
    assert!(run.reason("WEB").contains("sites-enabled/default, line"), "{}", run.reason("WEB"));
    assert!(machine.read("etc/haproxy/haproxy.cfg").contains("WEB.1"));
}

#[test]
fn a_configuration_of_5_mb_is_protected_and_given_back() {
    let machine = on(Machine::nginx());
    let mut list = String::from("geo $listed {\n\tdefault 0;\n");
    for at in 0..300_000_u32 {
        let [_, a, b, c] = at.to_be_bytes();
        list += &format!("\t10.{a}.{b}.{c}/32 1;\n");
    }
    list += "}\n";
    assert!(list.len() > 5_000_000, "{}", list.len());
    machine.write("etc/nginx/conf.d/list.conf", &list);
    let before = machine.snapshot();
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert_eq!(machine.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(machine.snapshot(), before);
}

#[test]
fn a_file_of_more_than_is_looked_at_is_told_and_costs_what_is_in_it() {
    let machine = on(Machine::nginx());
    machine.write("etc/nginx/conf.d/list.conf", &"# filler\n".repeat(8_000_000));
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
    assert!(run.reason("WEB").contains("conf.d/list.conf says is not known"), "{}", run.out);
    assert!(run.reason("WEB").contains("is larger than"), "{}", run.out);
}

#[test]
fn sites_that_are_real_files_in_a_folder_that_is_read_whole_are_protected() {
    let machine = on(Machine::nginx());
    fs::remove_file(machine.at("etc/nginx/sites-enabled/default")).unwrap();
    for name in ["a", "b"] {
        let site =
            NGINX_SITE.replace("default_server", "").replace("name _", &format!("name {name}"));
        machine.write(&format!("etc/nginx/sites-enabled/{name}"), &site);
    }
    applied_and_given_back(&machine);
    machine.stopgap(&["reapply", "WEB"]);
    machine.stopgap(&["unblock", "WEB"]);
    machine.stopgap(&["check"]);
    // Whatever lies in that folder is read by nginx: nothing of ours may lie there.
    let names: Vec<String> = fs::read_dir(machine.at("etc/nginx/sites-enabled"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().all(|name| name == "a" || name == "b"), "{names:?}");
}

#[test]
fn a_link_of_somebody_else_to_a_file_of_roots_is_told_and_not_followed() {
    let machine = on(Machine::nginx());
    let link = machine.at("etc/nginx/sites-enabled/default");
    if lchown(&link, Some(4711), Some(4711)).is_err() {
        println!("skipped: only root can give files to other users");
        return;
    }
    left_alone(&machine, "unknown", &["sites-enabled/default", "link of user 4711's"]);
    lchown(&link, Some(0), Some(0)).unwrap();
    applied_and_given_back(&machine);
    machine.stopgap(&["unblock", "WEB"]);
    // A user's own link to his own site, in a folder that his group may write.
    for path in [link, machine.at("etc/nginx/sites-available/default")] {
        lchown(path, Some(4711), Some(4711)).unwrap();
    }
    let folder = machine.at("etc/nginx/sites-enabled");
    fs::set_permissions(folder, Permissions::from_mode(0o2775)).unwrap();
    applied_and_given_back(&machine);
}

#[test]
fn a_configuration_in_a_folder_that_its_group_may_write_is_protected() {
    let machine = on(Machine::nginx());
    let folder = machine.at("etc/nginx");
    fs::set_permissions(&folder, Permissions::from_mode(0o775)).unwrap();
    applied_and_given_back(&machine);
    let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o775);
}

#[test]
fn a_state_folder_that_is_lost_costs_nothing_where_our_text_is_to_the_byte() {
    let machine = on(Machine::full());
    let before = machine.snapshot();
    machine.stopgap(&["check"]);
    let protected = machine.snapshot();
    fs::remove_dir_all(machine.state()).unwrap();
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    assert_eq!(machine.snapshot(), protected, "what protects the server stays");
    let gone = machine.stopgap(&["remove", "WEB"]);
    assert_eq!(gone.state("WEB"), "withdrawn", "{}", gone.out);
    assert_eq!(machine.snapshot(), before);
}

#[test]
fn a_state_folder_that_is_lost_is_a_conflict_where_our_text_was_changed() {
    let machine = on(Machine::nginx());
    machine.stopgap(&["check"]);
    let rules = "etc/nginx/stopgap-server.rules";
    machine.write(rules, &format!("{}# by hand\n", machine.read(rules)));
    let protected = machine.snapshot();
    fs::remove_dir_all(machine.state()).unwrap();
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "conflict"), "{}", run.out);
    let reason = run.reason("WEB");
    assert!(reason.contains("not in this state folder's records"), "{reason}");
    assert_eq!(machine.snapshot(), protected, "what protects the server stays");
}

/// What the check, the status and the list say of a disk on which not everything is reached.
#[track_caller]
fn partial_with(machine: &Machine, told: &str) {
    for arguments in [["check"].as_slice(), &["status"], &["list"]] {
        let run = machine.stopgap(arguments);
        assert_eq!((run.code, run.state("WEB").as_str()), (1, "partial"), "{}", run.out);
        assert!(run.reason("WEB").contains(told), "{arguments:?}: {}", run.reason("WEB"));
    }
}

#[test]
fn what_nginx_passes_on_unread_is_a_gap_unless_it_ends_where_requests_are_read() {
    let stream = |text: &str| format!("{NGINX_CONF}stream {{\n{text}}}\n");
    let preread = "\tmap $ssl_preread_server_name $to {\n\t\ta.test 127.0.0.1:80;\n\t\tdefault app;\n\t}\n\
                   \tserver { listen 443; ssl_preread on; proxy_pass $to; }\n";
    for (text, told) in [
        // A database, and what ends at the sites of this very nginx.
        ("\tserver { listen 3306; proxy_pass 192.0.2.1:3306; }\n".to_owned(), None),
        (
            format!("{preread}\tupstream app {{ server 127.0.0.1:80; server localhost:80; }}\n"),
            None,
        ),
        // An application that nobody reads for, on this machine and elsewhere.
        (
            format!("{preread}\tupstream app {{ server 127.0.0.1:80; server 127.0.0.1:3000; }}\n"),
            Some("nginx.conf, line 26 passes connections on"),
        ),
        (
            "\tserver { listen 9000; proxy_pass 192.0.2.1:443; }\n".to_owned(),
            Some("line 22 passes"),
        ),
        ("\tserver { listen 443; proxy_pass $unknown; }\n".to_owned(), Some("line 22 passes")),
    ] {
        let machine = on(Machine::nginx());
        machine.write("etc/nginx/nginx.conf", &stream(&text));
        match told {
            None => applied_and_given_back(&machine),
            Some(told) => partial_with(&machine, told),
        }
    }
}

#[test]
fn what_haproxy_passes_on_unread_is_a_gap_unless_it_is_no_http_or_is_read_elsewhere() {
    let frontend = |port: u16, server: &str| {
        format!("\nlisten raw\n\tmode tcp\n\tbind :{port}\n\tserver one {server}\n")
    };
    let upgraded = "\nfrontend raw\n\tmode tcp\n\tbind :9000\n\tdefault_backend app\n".to_owned();
    for (text, told) in [
        (frontend(3306, "192.0.2.1:3306"), None),
        (frontend(443, "127.0.0.1:80"), None),
        (frontend(443, "192.0.2.1"), Some("raw in /etc/haproxy/haproxy.cfg, line 26 passes")),
        (frontend(9000, "app.test:8080"), Some("without reading requests")),
        (upgraded, Some("line 26 passes connections on to app, which alone reads their requests")),
    ] {
        let machine = on(Machine::bare());
        machine.write("usr/sbin/haproxy", "\x7fELF\0");
        machine.write("etc/haproxy/haproxy.cfg", &format!("{HAPROXY_CFG}{text}"));
        match told {
            None => applied_and_given_back(&machine),
            Some(told) => partial_with(&machine, told),
        }
    }
}

#[test]
fn a_haproxy_that_carries_a_database_keeps_no_mitigation_of_requests_from_being_applied() {
    let machine = on(Machine::nginx());
    machine.write("usr/sbin/haproxy", "\x7fELF\0");
    let database = "frontend sql\n\tbind :3306\n\tdefault_backend sql\n\
                    backend sql\n\tserver one 192.0.2.1:3306\n";
    machine.write("etc/haproxy/haproxy.cfg", database);
    applied_and_given_back(&machine);
}

#[test]
fn what_an_image_of_nginx_would_refuse_is_judged_by_reading() {
    let machine = on(Machine::nginx());
    machine.write("etc/nginx/conf.d/sizes.conf", "map_hash_bucket_size 128;\n");
    let before = machine.snapshot();
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (0, "applied"), "{}", run.out);
    let notes = run.mitigation("WEB")["actions"][0]["notes"].to_string();
    assert!(notes.contains("no server has tested it"), "{notes}");
    // Behind what nginx takes before a map alone.
    let written = machine.read("etc/nginx/nginx.conf");
    let (sizes, maps) =
        (written.find("conf.d/*.conf").unwrap(), written.find("stopgap-http").unwrap());
    assert!(sizes < maps, "{written}");
    assert_eq!(machine.stopgap(&["remove", "--once", "WEB"]).state("WEB"), "withdrawn");
    assert_eq!(machine.snapshot(), before);
    // A program without the module has no word for what would be written.
    let program = machine.read("usr/sbin/nginx");
    let without = program
        .replace("--with-http_ssl_module", "--with-http_ssl_module --without-http_map_module");
    machine.write("usr/sbin/nginx", &without);
    let run = machine.stopgap(&["check"]);
    assert_eq!((run.code, run.state("WEB").as_str()), (1, "unsupported"), "{}", run.out);
    assert!(
        run.reason("WEB").contains("built without its http_map_module"),
        "{}",
        run.reason("WEB")
    );
    assert_eq!(machine.read("etc/nginx/nginx.conf"), NGINX_CONF);
}

#[test]
fn a_package_is_affected_until_it_has_the_distributions_own_fix() {
    let machine = Machine::bare();
    machine.add_apache("2.4.49-1");
    let ranges = "[[affected]]\nproduct = \"pkg:deb/debian/apache2\"\n\
                  ranges = [{ introduced = \"2.4.49\", fixed = \"2.4.49-1~deb12u2\" }]\n";
    machine.publish(&WEB.replacen("[[action]]", &format!("{ranges}[[action]]"), 1));
    let original = machine.read("etc/apache2/apache2.conf");
    let enabled = || fs::read_dir(machine.at("etc/apache2/conf-enabled")).unwrap().count();
    let before = enabled();
    // The upstream version says nothing of the fix; that of the package does.
    machine.set_apache("2.4.49-1~deb12u1");
    let run = machine.stopgap(&["check"]);
    assert_eq!(run.state("WEB"), "applied", "{}", run.out);
    assert_eq!(enabled(), before + 1);
    machine.set_apache("2.4.49-1~deb12u2");
    let run = machine.stopgap(&["check"]);
    assert_eq!(run.state("WEB"), "withdrawn", "{}", run.out);
    assert_eq!(enabled(), before);
    assert_eq!(machine.read("etc/apache2/apache2.conf"), original);
    assert_eq!(machine.stopgap(&["check"]).state("WEB"), "not-affected");
}
