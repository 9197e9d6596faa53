//! What was written and is not as it was: who changed it, what is said of it, and what puts it right.

use stopgap_model::policy::Drift;
use stopgap_model::report::State;
use stopgap_model::{Digest, WebKind};

use super::documents::blocking;
use super::machine::{APACHE, APACHE_OWN, HAPROXY, KINDS, Machine, NGINX, NGINX_OWN, SITE_A};
use super::told::{all_files, codes, done, of};
use super::world::{Row, World, check_each, name};

/// What happened to a server, the codes of the reasons, and the files that are put right.
type Change = (&'static str, WebKind, fn(&mut Machine), &'static str, &'static str);

const CHANGES: &[Change] = &[
    (
        "a configuration manager has put the main file of nginx back",
        WebKind::Nginx,
        |it| it.cut_lines(NGINX, "stopgap"),
        "lines-missing",
        "~nginx.conf",
    ),
    (
        "one site was written anew without the include",
        WebKind::Nginx,
        |it| it.cut_lines(SITE_A, "stopgap"),
        "lines-missing",
        "~a",
    ),
    (
        "a new site was added",
        WebKind::Nginx,
        |it| it.write("/etc/nginx/sites/c", "server {\n  listen 80;\n  server_name c.test;\n}\n"),
        "lines-missing",
        "~c",
    ),
    (
        "a site was copied, with the include of the first",
        WebKind::Nginx,
        |it| {
            let copy = it.text(SITE_A).replace("a.test", "c.test");
            it.write("/etc/nginx/sites/c", &copy);
        },
        "",
        "",
    ),
    (
        "a site was taken away",
        WebKind::Nginx,
        |it| {
            it.files.remove(SITE_A);
        },
        "",
        "",
    ),
    (
        "an include of ours was copied to where none belongs",
        WebKind::Nginx,
        |it| {
            let line = "    include /etc/nginx/stopgap-server.rule[s];\n";
            it.edit(SITE_A, "server_name a.test;\n", &format!("location / {{\n{line}  }}\n"));
        },
        "stray-line",
        "~a",
    ),
    (
        "the file of nginx's maps was edited",
        WebKind::Nginx,
        |it| it.append(NGINX_OWN, "# mine\n"),
        "file-changed",
        "~stopgap-http.rules",
    ),
    (
        "the file of nginx's maps was deleted",
        WebKind::Nginx,
        |it| {
            it.files.remove(NGINX_OWN);
        },
        "file-missing",
        "+stopgap-http.rules",
    ),
    (
        "a file of ours is there that these rules have no use for",
        WebKind::Nginx,
        |it| it.write("/etc/nginx/stopgap-grpc.rules", "# from elsewhere\n"),
        "file-there",
        "-stopgap-grpc.rules",
    ),
    (
        "Apache's file was edited",
        WebKind::Apache,
        |it| it.edit(APACHE_OWN, "Require all denied", "Require all granted"),
        "file-changed",
        "~stopgap.conf",
    ),
    (
        "Apache's file was deleted",
        WebKind::Apache,
        |it| {
            it.files.remove(APACHE_OWN);
        },
        "file-missing",
        "+stopgap.conf",
    ),
    (
        "Apache's file stands a second time beside the main file",
        WebKind::Apache,
        |it| {
            let copy = it.text(APACHE_OWN);
            it.write("/etc/apache2/stopgap.conf", &copy);
        },
        "file-there",
        "-stopgap.conf",
    ),
    (
        "a virtual host was added to Apache, which the rule reaches as it is",
        WebKind::Apache,
        |it| it.append(APACHE, "<VirtualHost *:80>\n  ServerName c.test\n</VirtualHost>\n"),
        "",
        "",
    ),
    (
        "the lines of HAProxy were taken out of both frontends",
        WebKind::HaProxy,
        |it| it.cut_lines(HAPROXY, "by Stopgap"),
        "lines-missing, lines-missing",
        "~haproxy.cfg",
    ),
    (
        "a line of HAProxy was switched off by a comment",
        WebKind::HaProxy,
        |it| {
            let text = it.text(HAPROXY).replacen("http-request reject", "# http-request reject", 1);
            it.write(HAPROXY, &text);
        },
        "stray-line, lines-missing",
        "~haproxy.cfg",
    ),
    (
        "a frontend was added to HAProxy",
        WebKind::HaProxy,
        |it| it.append(HAPROXY, "frontend new\n  bind :81\n"),
        "lines-missing",
        "~haproxy.cfg",
    ),
    (
        "a rule was written in front of ours",
        WebKind::HaProxy,
        |it| {
            let text = it.text(HAPROXY);
            it.write(
                HAPROXY,
                &text.replacen("frontend web\n", "frontend web\n  http-request allow\n", 1),
            );
        },
        "stray-line, lines-missing",
        "~haproxy.cfg",
    ),
    (
        "a backend got another server, which is nothing of ours",
        WebKind::HaProxy,
        |it| it.append(HAPROXY, "  server b 127.0.0.1:3001\n"),
        "",
        "",
    ),
];

#[test]
fn what_was_changed_is_named_and_put_right() {
    let mut wrong = Vec::new();
    for (row, kind, happened, expected, files) in CHANGES {
        let mut world = World::protected(*kind);
        happened(world.server());
        let plan = world.plan();
        let report = of(&plan, "A");
        let (state, why) = match expected.is_empty() {
            true => (State::Applied, "for-every-server"),
            false => (State::Drifted, *expected),
        };
        let found = (report.state, codes(&report.reason), all_files(&plan));
        if found != (state, why.to_owned(), (*files).to_owned()) {
            wrong.push(format!("{row}: {found:?}, {}", report.reason));
        }
        // What is altered is told to whoever counts on it, and what is put right stands.
        assert_eq!(plan.altered.len(), usize::from(!expected.is_empty()), "{row}");
        assert_eq!(plan.unchanged.len(), usize::from(expected.is_empty()), "{row}");
        let (state, why, done) = world.after_check().told("A");
        assert_eq!(
            (state, why.as_str(), done.as_str()),
            (State::Applied, "for-every-server", ""),
            "{row}"
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_change_that_is_only_to_be_reported_is_left_until_somebody_asks() {
    for (row, kind, happened, expected, files) in CHANGES.iter().filter(|row| !row.3.is_empty()) {
        let mut world = World::protected(*kind);
        happened(world.server());
        world.policy.drift = Drift::Report;
        let (state, why, done) = world.told("A");
        assert_eq!(state, State::Drifted, "{row}");
        assert_eq!((why, done.as_str()), (format!("{expected}, reported-only"), ""), "{row}");
        world.order.reapply.insert(name("A"));
        let plan = world.plan();
        assert_eq!(
            (codes(&of(&plan, "A").reason).as_str(), all_files(&plan).as_str()),
            (*expected, *files),
            "{row}"
        );
    }
}

/// The line at the end of Apache's main file, where there is no folder for settings.
type Line = (&'static str, fn(&mut Machine), &'static str, &'static str);

const LAST_LINE: &[Line] = &[
    ("the line is the last one", |_| {}, "", ""),
    (
        "something was written behind it",
        |it| it.append(APACHE, "Timeout 60\n"),
        "stray-line, line-not-at-end",
        "~apache2.conf",
    ),
    ("it was taken out", |it| it.cut_lines(APACHE, "stopgap"), "line-not-at-end", "~apache2.conf"),
    (
        "it stands there twice",
        |it| it.append(APACHE, "IncludeOptional /etc/apache2/stopgap.conf\n"),
        "stray-line, line-not-at-end",
        "~apache2.conf",
    ),
];

#[test]
fn the_line_at_the_end_of_apaches_main_file_stays_the_last_one() {
    let mut wrong = Vec::new();
    for (row, happened, expected, files) in LAST_LINE {
        let machine = Machine::new(WebKind::Apache, &[(APACHE, "Listen 80\n")]);
        let mut world = World::with(vec![machine], &[blocking("A", 1, "evil")]).after_check();
        happened(world.server());
        let plan = world.plan();
        let expected = if expected.is_empty() { "for-every-server" } else { expected };
        let found = (codes(&of(&plan, "A").reason), all_files(&plan));
        if (found.0.as_str(), found.1.as_str()) != (expected, *files) {
            wrong.push(format!("{row}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What another version of the program wrote: the records have another digest, and the text is another one.
fn by_another_version(world: &mut World) {
    let machine = world.server();
    let (path, from, to) = match machine.server.kind {
        WebKind::Nginx => (NGINX_OWN, "Emergency", "Urgent"),
        WebKind::Apache => (APACHE_OWN, "Emergency", "Urgent"),
        WebKind::HaProxy => (HAPROXY, "Emergency", "Urgent"),
    };
    let text = machine.text(path).replace(from, to);
    machine.write(path, &text);
    let id = machine.id();
    world.installed.web.get_mut(&id).unwrap().text = Digest::of(b"as it was written once");
}

const VERSIONS: &[Row] = &[
    (
        "what another version of Stopgap wrote is no drift and is written anew",
        by_another_version,
        State::Applied,
        "written-by-another-version",
        "in A.1",
    ),
    (
        "nor is it put right where changes are only reported: nobody changed it",
        |world| {
            by_another_version(world);
            world.policy.drift = Drift::Report;
        },
        State::Applied,
        "written-by-another-version",
        "in A.1",
    ),
    (
        "it stays where automatic mitigation is switched off",
        |world| {
            by_another_version(world);
            world.switch_off();
        },
        State::Applied,
        "written-by-another-version, switched-off",
        "",
    ),
    (
        "another version that writes the same has nothing to do",
        |world| {
            let id = world.server().id();
            world.installed.web.get_mut(&id).unwrap().text = Digest::of(b"as it was written once");
        },
        State::Applied,
        "for-every-server",
        "",
    ),
];

#[test]
fn another_version_of_the_program_is_no_drift() {
    check_each(World::protected, VERSIONS);
}

#[test]
fn what_another_version_wrote_still_stands() {
    for kind in KINDS {
        let mut world = World::protected(kind);
        by_another_version(&mut world);
        let plan = world.plan();
        assert_eq!((plan.unchanged.len(), plan.altered.len()), (1, 0), "{kind}");
        let _ = world.check();
        assert_eq!(world.files(), World::protected(kind).files(), "{kind}");
    }
}

const WITH_OTHERS: &[Row] = &[
    (
        "what somebody took out is put right together with what is new",
        |world| {
            damage(world);
            world.publish(&[blocking("A", 1, "evil"), blocking("B", 1, "worse")]);
        },
        State::Drifted,
        "",
        "in A.1 B.1",
    ),
    (
        "a removal of what was changed takes out what is left of it",
        |world| {
            damage(world);
            world.remove("A");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "where only another mitigation is asked for, what was changed waits",
        |world| {
            damage(world);
            world.only("B");
        },
        State::Drifted,
        "",
        "",
    ),
];

/// Takes away what the rule does its work with.
fn damage(world: &mut World) {
    let machine = world.server();
    match machine.server.kind {
        WebKind::Nginx => machine.cut_lines(NGINX, "stopgap"),
        WebKind::Apache => machine.append(APACHE_OWN, "# mine\n"),
        WebKind::HaProxy => machine.cut_lines(HAPROXY, "by Stopgap"),
    }
}

fn damage_code(kind: WebKind) -> &'static str {
    match kind {
        WebKind::Nginx => "lines-missing",
        WebKind::Apache => "file-changed",
        // In each of the two frontends.
        WebKind::HaProxy => "lines-missing, lines-missing",
    }
}

#[test]
fn drift_beside_other_work() {
    for kind in KINDS {
        for (row, happened, state, expected, work) in WITH_OTHERS {
            let mut world = World::protected(kind);
            happened(&mut world);
            let plan = world.plan();
            let expected = if expected.is_empty() { damage_code(kind) } else { expected };
            let report = of(&plan, "A");
            let found = (report.state, codes(&report.reason), done(&plan, false));
            assert_eq!(found, (*state, expected.to_owned(), (*work).to_owned()), "{kind}: {row}");
        }
    }
}
