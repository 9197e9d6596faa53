//! What holds for any configuration of a web server: generated ones, and damaged ones.

use crate::config_files::{Machine, apache_text, haproxy_text, nginx_text};
use proptest::prelude::*;
use stopgap_model::host::ServerPath;
use stopgap_model::web::beside;
use stopgap_webserver::RuleText;

/// A server, with a text of ours for it and the empty one.
type Case = (Machine, RuleText, RuleText);

fn nginx(main: &str, included: &str) -> Case {
    let files = [("/etc/nginx/nginx.conf", main), ("/etc/nginx/inc", included)];
    let text = nginx_text(
        "map a b { }\n",
        "if ($a) { }\n",
        "proxy_set_header a \"\";\ngrpc_set_header a \"\";\n",
    );
    (Machine::nginx(&files), text, nginx_text("", "", ""))
}

fn apache(main: &str, included: &str) -> Case {
    let files = [
        ("/etc/apache2/apache2.conf", main),
        ("/etc/apache2/inc", included),
        ("/etc/apache2/conf-enabled/a.conf", "# a"),
    ];
    (Machine::apache(&files), apache_text("<If \"true\">\n</If>\n"), apache_text(""))
}

fn haproxy(main: &str) -> Case {
    let text = haproxy_text(&["http-request reject if { path -m reg -- 'a' }", "http-request b"]);
    (Machine::haproxy(main), text, haproxy_text(&[]))
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(texts).prop_map(str::to_owned)
}

fn joined(part: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(part, 0..most).prop_map(|parts| parts.concat())
}

fn nginx_gap() -> impl Strategy<Value = String> + Clone {
    one_of(&[" ", "\n", "\r\n\t", "\n    ", "\n# server { \" '\n", "", "\n\n  # }\r\n  "])
}

fn nginx_statement() -> impl Strategy<Value = String> {
    one_of(&[
        "listen 80;",
        "server_name a *.b \"c{\";",
        "proxy_set_header A 'b;}';",
        "grpc_set_header A \"\\\"{\";",
        "return 200 \"#\";",
        "set $a ${b}c;",
        "x_by_lua_block { local a = '}' --{\n --[[ } ]] }",
        "map $a $b { default \"{\"; }",
        "include inc;",
        "include none*;",
        "a\\;b\\{ c;",
    ])
}

fn nginx_block(depth: u32) -> BoxedStrategy<String> {
    let leaf = (nginx_gap(), nginx_statement()).prop_map(|(gap, text)| gap + &text).boxed();
    if depth == 0 {
        return leaf;
    }
    let name =
        one_of(&["server", "location /", "if ($a)", "server", "upstream u", "location ~ '{'"]);
    let block = (nginx_gap(), name, joined(nginx_block(depth - 1), 4), nginx_gap())
        .prop_map(|(gap, name, body, end)| format!("{gap}{name} {{{body}{end}}}"));
    prop_oneof![leaf, block].boxed()
}

fn nginx_case() -> impl Strategy<Value = Case> {
    let included =
        one_of(&["", "# x", "proxy_set_header A b;", "location /i { proxy_set_header A b; }\n"]);
    (joined(nginx_block(3), 6), nginx_gap(), included).prop_map(|(body, gap, included)| {
        nginx(&format!("events {{ }}{gap}http {{{body}{gap}}}{gap}"), &included)
    })
}

fn apache_part(depth: u32) -> BoxedStrategy<String> {
    let leaf = one_of(&[
        "Listen 80",
        "  # <VirtualHost> \\\n  Listen 81",
        "ServerName \"a\\\"b\"",
        "Include inc",
        "IncludeOptional conf-enabled/*.conf",
        "IncludeOptional none/*",
        "Define A b",
        "Header set X \\\n  ${A}",
        "",
    ]);
    let end = one_of(&["\n", "\r\n", "\n\n\t"]);
    let leaf = (leaf, end.clone()).prop_map(|(text, end)| text + &end).boxed();
    if depth == 0 {
        return leaf;
    }
    let name = one_of(&[
        "VirtualHost *:80",
        "IfModule mod_so.c",
        "IfFile /x",
        "Directory \"/\"",
        "IfDefine !A",
    ]);
    let block = (name, end, joined(apache_part(depth - 1), 4)).prop_map(|(name, end, body)| {
        let kind = name.split(' ').next().unwrap_or_default().to_owned();
        format!("<{name}>{end}{body}</{kind}>{end}")
    });
    prop_oneof![leaf, block].boxed()
}

fn apache_case() -> impl Strategy<Value = Case> {
    (joined(apache_part(2), 6), one_of(&["", "# no end", "Listen 1", "Listen 2\n"]))
        .prop_map(|(body, last)| apache(&(body + &last), "ServerName i"))
}

fn haproxy_case() -> impl Strategy<Value = Case> {
    let line = one_of(&[
        "defaults",
        "defaults a",
        "frontend x",
        "frontend y from a # z",
        "listen l  ",
        "backend b",
        "  mode http",
        "\tmode tcp",
        "mode http",
        "  bind :80,[::]:81 ssl # 'x",
        "  http-request deny if { path 'a b' \"c\\\"\" }",
        "",
        ".if defined(X)",
        "  # frontend x",
    ]);
    let end = one_of(&["\n", "\n", "\r\n"]);
    let line = (line, end).prop_map(|(line, end)| line + &end);
    (joined(line, 20), one_of(&["frontend last\n mode http", "", "# end"]))
        .prop_map(|(body, last)| haproxy(&(body + &last)))
}

fn case() -> impl Strategy<Value = Case> {
    prop_oneof![nginx_case(), apache_case(), haproxy_case()]
}

fn main_of(machine: &Machine) -> String {
    machine.server.config[0].to_string()
}

/// What can be put in is taken out again to the byte; nothing panics.
fn there_and_back_if_readable((machine, text, empty): &Case) {
    let files = machine.read().unwrap();
    let Ok(layout) = files.layout() else { return };
    let _ = (layout.sites(), layout.modules(), layout.own_files(), layout.gaps(text));
    // Something of ours may be in it already: then that is taken out first.
    let plain = machine.with(empty);
    if plain.try_place(text).is_ok() {
        plain.there_and_back(text, empty);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_put_in_is_taken_out_to_the_byte(case in case()) {
        prop_assert!(case.0.read().unwrap().layout().is_ok(), "{}", case.0.trouble());
        there_and_back_if_readable(&case);
    }

    #[test]
    fn what_is_staged_says_what_will_be(case in nginx_case()) {
        let (mut machine, text, empty) = case;
        let staged = machine.place(&text).staged;
        for (path, bytes) in staged {
            machine.files.insert(beside(&path).as_str().to_owned(), bytes);
        }
        let main = beside(&ServerPath::new(main_of(&machine))).as_str().to_owned();
        let placed = machine.with(&text);
        machine.server.config = vec![stopgap_model::ServerPath::new(main)];
        prop_assert_eq!(machine.sites(), placed.sites());
        let _ = empty;
    }

    #[test]
    fn a_damaged_configuration_never_panics(
        case in case(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..5),
        placed_before: bool,
    ) {
        let (mut machine, text, empty) = case;
        if placed_before && machine.try_place(&text).is_ok() {
            machine = machine.with(&text);
        }
        let main = main_of(&machine);
        let bytes = machine.files.get_mut(&main).unwrap();
        for (from, to, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            match byte {
                0..=63 => bytes[from] = b"{};\"'\\#\n\r $<>"[usize::from(byte) % 13],
                64..=127 => { bytes.drain(from.min(to)..from.max(to).min(from.min(to) + 9)); }
                128..=191 => {
                    let copy = bytes[from.min(to)..from.max(to)].to_vec();
                    bytes.splice(to..to, copy);
                }
                _ => bytes[from] = byte,
            }
        }
        there_and_back_if_readable(&(machine, text, empty));
    }
}
