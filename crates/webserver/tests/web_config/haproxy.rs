//! HAProxy: what its configuration says, and our lines in it.

use crate::config_files::{Machine, Scratch, accepts, haproxy_text, sentences, server};
use stopgap_model::host::ServerPath;
use stopgap_model::reason::WebRefusal;
use stopgap_webserver::RuleText;

const MAIN: &str = "/etc/haproxy/haproxy.cfg";

const PLAIN: &str = "global
\tdaemon
defaults
\tmode http
\ttimeout client 5s

frontend web # the front
\tbind *:80
\tbind [::]:443,192.0.2.1:443 ssl crt /x # :1
\tdefault_backend app

backend app
\tserver a 127.0.0.1:1
listen stats
  mode http
  bind unix@/run/stats.sock
listen raw
  mode tcp
  bind :25
";

fn rules() -> RuleText {
    haproxy_text(&[
        r"http-request reject if { pathq -m reg -- '\A\x2Fa' }",
        "http-request del-header x-y",
    ])
}

fn none() -> RuleText {
    haproxy_text(&[])
}

#[test]
fn every_frontend_in_mode_http_begins_with_our_lines() {
    let placed = Machine::haproxy(PLAIN).there_and_back(&rules(), &none());
    let lines = |indent: &str| {
        format!(
            "{indent}http-request reject if {{ pathq -m reg -- '\\A\\x2Fa' }} # by Stopgap\n{indent}http-request del-header x-y # by Stopgap\n"
        )
    };
    let expected = PLAIN
        .replace(
            "frontend web # the front\n",
            &format!("frontend web # the front\n{}", lines("\t")),
        )
        .replace("listen stats\n", &format!("listen stats\n{}", lines("  ")));
    assert_eq!(placed.text(MAIN), expected);
    let placement = placed.place(&rules());
    assert_eq!(placement.places, ["/etc/haproxy/haproxy.cfg, at the heads of 2 frontends"]);
    assert_eq!(placement.staged[0].1, placed.files[MAIN]);
    assert_eq!(
        placed.gaps(&rules()),
        ["raw in /etc/haproxy/haproxy.cfg, line 21 passes connections on without reading requests"]
    );
    assert_eq!(placed.gaps(&none()), Vec::<String>::new());
}

#[test]
fn lines_of_ours_come_behind_rules_of_connections_but_never_behind_those_of_requests() {
    for (before, after) in [
        (" tcp-request inspect-delay 5s\n bind :1\n tcp-request content accept\n", " bind :2\n"),
        (" tcp-request connection accept\n", " http-request allow\n tcp-request content accept\n"),
        (" .if 0\n  tcp-request content accept\n .endif\n", " bind :2\n"),
        ("", " .if 0\n  tcp-request content accept\n  http-request allow\n .endif\n"),
        ("", "backend b\n tcp-request content accept\n"),
        ("", " .if 0\n  tcp-request content accept\nfrontend raw\n mode tcp\n .endif\n bind :3\n"),
    ] {
        let text = format!("defaults\n mode http\nfrontend a\n{before}{after}");
        let placed = Machine::haproxy(&text).there_and_back(&rules(), &none());
        let text = placed.text(MAIN);
        let (head, rest) = text.split_once("http-request reject").unwrap();
        assert_eq!(
            head.trim_end(),
            format!("defaults\n mode http\nfrontend a\n{before}").trim_end()
        );
        assert!(rest.ends_with(&format!("by Stopgap\n{after}")), "{text}");
    }
    let text =
        "defaults\n mode http\n.if 1\nfrontend a\n.else\n tcp-request content accept\n.endif\n";
    let placed = Machine::haproxy(text).there_and_back(&rules(), &none());
    assert!(placed.text(MAIN).contains("by Stopgap\n.else\n tcp"));
}

#[test]
fn addresses_of_every_form_are_sites() {
    let mut machine = Machine::haproxy(
        "frontend a
 mode http
 bind :80,*:81,0.0.0.0:82,ipv4@127.0.0.1:83
 bind :::84 v4v6
 bind ::1:85-86 ssl
 bind \"$HOST:87\" name 'x y'
 bind /run/a
 bind fd@3
 bind quic4@:443
 bind :88 accept-proxy
frontend off
 mode http
 disabled
 bind :90
frontend proxied
 mode http
 bind :91
 tcp-request connection expect-proxy layer4
",
    );
    machine.server.variables.insert("HOST".into(), "192.0.2.7".into());
    assert_eq!(
        machine.told_sites(),
        [
            "(no name):80 Port(None, 80)",
            "(no name):81 Port(None, 81)",
            "(no name):82 Port(None, 82)",
            "(no name):83 Port(Some(127.0.0.1), 83)",
            "(no name):84 Port(Some(::), 84)",
            "(no name):85 (TLS) Port(Some(::1), 85)",
            "(no name):86 (TLS) Port(Some(::1), 86)",
            "(no name):87 Port(Some(192.0.2.7), 87)",
            "(no name) on /run/a Unix(ServerPath(\"/run/a\"))",
            "(no name) Unasked(\"nobody else can ask fd@3 of frontend a\")",
            "(no name) Unasked(\"nobody else can ask quic4@:443 of frontend a\")",
            "(no name) Unasked(\"the PROXY protocol is expected at :88 of frontend a\")",
            "(no name) Unasked(\"the PROXY protocol is expected at :91 of frontend proxied\")",
        ]
    );
}

#[test]
fn a_frontend_takes_its_mode_from_the_defaults_it_names_or_the_last_above() {
    let machine = Machine::haproxy(
        "frontend before
 bind :1
defaults one
 mode http
 http-request allow
defaults two from one
 timeout client 1s
defaults three
 mode tcp
frontend a from two
 bind :2
frontend b
 bind :3
frontend c from one
 mode tcp
defaults
frontend d
 bind :4
",
    );
    let placed = machine.there_and_back(&rules(), &none());
    assert_eq!(placed.place(&rules()).places, ["/etc/haproxy/haproxy.cfg, at the head of a"]);
    let gaps = machine.gaps(&rules());
    assert_eq!(gaps.len(), 5, "{gaps:?}");
    assert_eq!(
        gaps[4],
        "the rules of the `defaults` section in /etc/haproxy/haproxy.cfg, line 5 come before those of Stopgap"
    );
}

#[test]
fn where_a_frontend_leads_to_is_known_only_if_all_of_it_is() {
    let leads = |rest: &str| {
        let text = format!(
            "frontend a\n bind :443\n default_backend here\n{rest}backend here\n server s 127.0.0.1:8443\n"
        );
        let found = Machine::haproxy(&text).passages().remove(0);
        found.leads_to.map(|places| places.iter().map(|place| format!("{place:?}")).collect())
    };
    let port = |host: &str| format!("Port(Some({host}), 8443)");
    let known = |hosts: &[&str]| -> Option<Vec<String>> {
        Some(hosts.iter().map(|host| port(host)).collect())
    };
    for (rest, expected) in [
        ("", known(&["127.0.0.1"])),
        // A `listen` section is a backend too, and may be anywhere.
        (
            " use_backend b if TRUE\nlisten b\n bind :81\n server s 192.0.2.1:8443\n",
            known(&["192.0.2.1", "127.0.0.1"]),
        ),
        (
            " use_backend b if TRUE\nbackend b\n dispatch 192.0.2.1:8443\n",
            known(&["192.0.2.1", "127.0.0.1"]),
        ),
        (" use_backend nowhere if TRUE\n", None),
        (" use_backend %[req.ssl_sni]\n", None),
        (" use_backend b if TRUE\nbackend b\n option transparent\n", None),
        (" use_backend b if TRUE\ndefaults\n option transparent\nlisten b\n", None),
        (
            " use_backend b if TRUE\ndefaults\n option transparent\n\
             backend b\n no option transparent\ndefaults\n",
            known(&["127.0.0.1"]),
        ),
    ] {
        assert_eq!(leads(rest), expected, "{rest}");
    }
    // What it reads is told also where not all is known.
    let text =
        "frontend a\n bind :9000\n use_backend x\n use_backend app\nlisten app\n mode http\n";
    let found = Machine::haproxy(text).passages().remove(0);
    assert!(
        found.may_be_http && found.gap.to_string().contains("to app, which alone reads"),
        "{found:?}"
    );
}

#[test]
fn a_first_line_that_is_a_digest_of_the_rest_is_told() {
    let digest = "# _md5hash=0cc175b9c0f1b6a831c399e269772661\n";
    let placed = Machine::haproxy(&format!("{digest}{PLAIN}")).there_and_back(&rules(), &none());
    let gaps = placed.gaps(&rules());
    assert!(gaps[1].contains("begins with a digest of the rest of it"), "{gaps:?}");
    for first in
        ["# of shop 12\n", "# _version=1\n", "# 0cc175b9c0f1b6a831c399e26977266\n", "\n#\n"]
    {
        let machine = Machine::haproxy(&format!("{first}{PLAIN}"));
        assert_eq!(machine.gaps(&rules()).len(), 1, "{first}");
    }
}

#[test]
fn lines_of_ours_that_were_damaged_are_put_right() {
    let machine = Machine::haproxy(PLAIN);
    let placed = machine.with(&rules());
    let ours = "\thttp-request del-header x-y # by Stopgap\n";
    let text = placed.text(MAIN).replacen(ours, "", 1) + "  old # by Stopgap  \n";
    let mut damaged = placed.clone();
    damaged.files.insert(MAIN.into(), text.into_bytes());
    let placement = damaged.place(&rules());
    assert_eq!(
        sentences(&placement.differences),
        [
            "a line of Stopgap is where none belongs: /etc/haproxy/haproxy.cfg, line 8, and 1 more there",
            "our lines are not in web: /etc/haproxy/haproxy.cfg, line 7",
        ]
    );
    assert_eq!(damaged.after(&placement).files, placed.files);
    assert_eq!(damaged.with(&none()).files, machine.files);
}

#[test]
fn ends_of_lines_stay_what_they_are() {
    for text in [
        "frontend a\r\n\tmode http\r\n\tbind :1\r\n",
        "defaults\n mode http\nfrontend a",
        "defaults\n mode http\nfrontend a  \nfrontend b\n\n\n",
        "defaults\r\n mode http\nlisten a\n# x",
    ] {
        let placed = Machine::haproxy(text).there_and_back(&rules(), &none());
        let is_windows = text.starts_with("frontend a\r\n");
        assert_eq!(placed.text(MAIN).replace("\r\n", "").contains('\n'), !is_windows);
    }
}

#[test]
fn several_files_and_folders_are_one_configuration() {
    let config = ["/etc/haproxy/a", "/etc/haproxy/conf.d"];
    let server = server(stopgap_model::web::WebKind::HaProxy, &config, "/");
    let machine = Machine::new(
        server,
        &[
            ("/etc/haproxy/a", "defaults\n  mode http\n"),
            ("/etc/haproxy/conf.d/1.cfg", "frontend one\n  bind :80\n"),
            ("/etc/haproxy/conf.d/2.cfg", "  bind :81\nfrontend two\n  bind :82\n"),
            ("/etc/haproxy/conf.d/3.old", "frontend three\n"),
        ],
    );
    let placed = machine.there_and_back(&rules(), &none());
    assert_eq!(placed.place(&rules()).places.len(), 2);
    let staged = placed.place(&rules()).staged;
    let staged: Vec<&str> = staged.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        staged,
        ["/etc/haproxy/a", "/etc/haproxy/conf.d/1.cfg", "/etc/haproxy/conf.d/2.cfg"]
    );
    let blocks: Vec<usize> = machine.sites().iter().map(|site| site.block).collect();
    assert_eq!(blocks, [0, 1]);
}

#[test]
fn a_link_is_followed_and_stays() {
    let mut machine = Machine::haproxy("").link(MAIN, "/srv/haproxy.cfg");
    machine.files.clear();
    machine.files.insert("/srv/haproxy.cfg".into(), PLAIN.into());
    assert_eq!(machine.written_files(), ["/srv/haproxy.cfg"]);
    assert!(Machine::haproxy("backend a\n").written_files().is_empty());
    let placed = machine.there_and_back(&rules(), &none());
    assert!(placed.text("/srv/haproxy.cfg").contains("by Stopgap"));
}

#[test]
fn what_is_wrong_is_told() {
    let mut absent = Machine::haproxy("");
    absent.files.clear();
    assert_eq!(absent.trouble().to_string(), "/etc/haproxy/haproxy.cfg: it is not there");
    assert_eq!(
        Machine::haproxy("\nfrontend 'a\n").trouble().to_string(),
        "/etc/haproxy/haproxy.cfg, line 2: a quote has no end"
    );
    let only_tcp = Machine::haproxy("frontend a\n bind :1\n");
    assert_eq!(only_tcp.try_place(&rules()).unwrap_err(), WebRefusal::NoHttpFrontend);
    assert_eq!(only_tcp.try_place(&none()).unwrap().edits, []);
    let two_lines = haproxy_text(&["a\nfrontend b"]);
    assert!(Machine::haproxy(PLAIN).try_place(&two_lines).is_err());
}

#[test]
fn a_configuration_of_5_mb_is_read_and_changed() {
    let mut text = String::from("defaults\n  mode http\n");
    for at in 0..2000 {
        text += &format!("frontend f{at}\n  bind 127.0.0.1:{}\n", at + 1);
        text += &"  acl a path_beg /some/path/of/theirs /another/path/of/theirs\n".repeat(45);
    }
    assert!(text.len() > 5_000_000);
    let machine = Machine::haproxy(&text);
    let placed = machine.there_and_back(&rules(), &none());
    assert_eq!(placed.text(MAIN).matches("by Stopgap").count(), 4000);
    assert_eq!(machine.sites().len(), 2000);
}

#[test]
fn haproxy_accepts_what_is_staged() {
    let scratch = Scratch::new("edit-haproxy");
    let path = scratch.path("haproxy.cfg");
    let text = "global\n  zero-warning\ndefaults\n  mode http\n  timeout client 1s\n  timeout server 1s\n  timeout connect 1s\nfrontend web # x\n  bind 127.0.0.1:1\n  tcp-request inspect-delay 1s\n  tcp-request content accept\n  default_backend app\nbackend app\n  server a 127.0.0.1:9\n";
    let mut machine = Machine::haproxy("");
    machine.files.clear();
    machine.files.insert(path.clone(), text.into());
    machine.server.config = vec![ServerPath::new(path.clone())];
    scratch.write(&machine);
    let wrong = haproxy_text(&["http-request nonsense"]);
    for (text, good) in [(rules(), true), (wrong, false)] {
        let staged = stopgap_model::web::beside(&ServerPath::new(path.clone())).as_str().to_owned();
        std::fs::write(&staged, &machine.place(&text).staged[0].1).unwrap();
        let Some(answer) = accepts("haproxy", &["-c", "-f", &staged]) else { return };
        assert_eq!(answer.is_ok(), good, "{answer:?}");
    }
    scratch.write(&machine.there_and_back(&rules(), &none()));
    assert_eq!(accepts("haproxy", &["-c", "-f", &path]), Some(Ok(())));
}

#[test]
fn what_defaults_answer_comes_before_our_lines_and_what_a_frontend_answers_does_not() {
    let text = "defaults tls
  mode http
  http-request redirect scheme https code 301 if !{ ssl_fc }
  http-request deny
  http-request allow
  http-request set-header x y
  errorfiles own 403 503
defaults plain
  mode http
frontend a from tls
  bind :80
frontend b from plain
  bind :81
  monitor-uri /alive
  errorloc302 403 https://other/
  tcp-request connection reject if { src_conn_rate gt 10 }
  http-request redirect location /x
frontend c from plain
  mode tcp
  bind :82
  monitor-uri /other
";
    let at = |line: usize| format!("in {MAIN}, line {line}");
    let expected = [
        format!("0: With({{301}}) without TLS, the redirect {}", at(3)),
        format!("0: With({{403}}), the rule {}", at(4)),
        format!("0: InsteadOf {{ denied: 403, page: None }}, the page for errors {}", at(7)),
        format!("0: InsteadOf {{ denied: 503, page: None }}, the page for errors {}", at(7)),
        format!("1: Target(\"/alive\"), monitor-uri {}", at(14)),
        format!("1: InsteadOf {{ denied: 403, page: Some(302) }}, the page for errors {}", at(15)),
        format!("1: TooMany, the limit of connections {}", at(16)),
    ];
    assert_eq!(Machine::haproxy(text).own_answers(), expected);
}

#[test]
fn a_rule_of_defaults_counts_only_if_it_is_for_every_request() {
    let redirect = "http-request redirect location /new";
    for (lines, expected) in [
        (redirect.to_owned(), "0: With({302}), "),
        (format!("{redirect} code 301 unless {{ ssl_fc }}"), "0: With({301}) without TLS, "),
        (format!("{redirect} if {{ hdr(host) old.test }}"), ""),
        (format!("{redirect} unless {{ path_beg /api }}"), ""),
        (format!("{redirect} if !{{ ssl_fc }} {{ path /x }}"), ""),
        ("http-request deny if { src 192.0.2.1 }".into(), ""),
        // What is allowed before comes to no rule behind it.
        (format!("http-request allow if {{ path_beg /api }}\n  {redirect}"), ""),
    ] {
        let text =
            format!("defaults one\n  mode http\n  {lines}\nfrontend a from one\n  bind :80\n");
        let told = Machine::haproxy(&text).own_answers();
        assert_eq!(told.len(), usize::from(!expected.is_empty()), "{lines}: {told:?}");
        assert!(told.iter().all(|own| own.starts_with(expected)), "{lines}: {told:?}");
    }
}

#[test]
fn the_status_of_a_page_for_what_is_denied_is_known_where_its_line_says_it() {
    for (line, page) in [
        ("errorfile 403 /etc/haproxy/errors/403.http", "None"),
        ("errorloc 403 /denied", "Some(302)"),
        ("errorloc302 403 /denied", "Some(302)"),
        ("errorloc303 403 /denied", "Some(303)"),
    ] {
        let text = format!("frontend a\n  mode http\n  bind :80\n  {line}\n");
        let told = Machine::haproxy(&text).own_answers();
        let expected = format!("0: InsteadOf {{ denied: 403, page: {page} }}, ");
        assert!(told.len() == 1 && told[0].starts_with(&expected), "{line}: {told:?}");
    }
}
