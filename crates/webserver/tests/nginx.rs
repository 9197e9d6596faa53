//! nginx: what its configuration says, and our includes in it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod config_files;

use std::time::{Duration, Instant};

use config_files::{Machine, Scratch, accepts, nginx_text, no_nginx, sentences};
use stopgap_model::reason::{ConfigFault, WebRefusal};
use stopgap_webserver::RuleText;
use stopgap_webserver::{MAX_TOTAL_BYTES, OverBudget};

const MAIN: &str = "/etc/nginx/nginx.conf";

fn all() -> RuleText {
    nginx_text(
        "map $request_uri $stopgap_a { default \"\"; \"~x\\x7D\" 1; }\n",
        "if ($stopgap_a) { return 444; }\n",
        "proxy_set_header x-y \"\";\ngrpc_set_header x-y \"\";\n",
    )
}

/// A main file with what is in its http block.
fn main_with(http: &str) -> Machine {
    Machine::nginx(&[(MAIN, &format!("events {{}}\nhttp {{\n{http}}}\n"))])
}

const DISTRIBUTION: &[(&str, &str)] = &[
    (
        MAIN,
        "user www;\ninclude modules/*.conf;\n\nhttp {\n\ttypes_hash_max_size 2048;\n\n\tinclude /etc/nginx/sites-enabled/*;\n}\n",
    ),
    ("/etc/nginx/modules/50.conf", "load_module modules/ngx_stream_module.so;\n"),
    (
        "/etc/nginx/sites-available/shop",
        "# the shop\nserver {\n    listen 443 ssl http2;\n    listen [::]:443 ssl http2;\n    server_name shop.example www.shop.example;\n    location / {\n        proxy_pass http://127.0.0.1:8080;\n        proxy_set_header Host $host;\n    }\n}\nserver { return 301 https://$host$request_uri; }\n",
    ),
];

fn distribution() -> Machine {
    Machine::nginx(DISTRIBUTION)
        .link("/etc/nginx/sites-enabled/shop", "/etc/nginx/sites-available/shop")
}

#[test]
fn the_layout_of_a_distribution_gets_its_lines_where_they_work() {
    let machine = distribution();
    let placed = machine.there_and_back(&all(), &no_nginx());
    assert_eq!(
        placed.text(MAIN),
        "user www;\ninclude modules/*.conf;\n\nhttp {\n\tinclude /etc/nginx/stopgap-upstream.rule[s];\n\ttypes_hash_max_size 2048;\n\n\tinclude /etc/nginx/sites-enabled/*;\n\tinclude /etc/nginx/stopgap-http.rule[s];\n}\n"
    );
    assert_eq!(
        placed.text("/etc/nginx/sites-available/shop"),
        "# the shop\nserver {\n    include /etc/nginx/stopgap-server.rule[s];\n    listen 443 ssl http2;\n    listen [::]:443 ssl http2;\n    server_name shop.example www.shop.example;\n    location / {\n        include /etc/nginx/stopgap-upstream.rule[s];\n        proxy_pass http://127.0.0.1:8080;\n        proxy_set_header Host $host;\n    }\n}\nserver {\n    include /etc/nginx/stopgap-server.rule[s]; return 301 https://$host$request_uri; }\n"
    );
    assert_eq!(placed.text("/etc/nginx/stopgap-upstream.rules"), "proxy_set_header x-y \"\";\n");
    let places = placed.place(&all()).places;
    assert_eq!(
        places[1], "/etc/nginx/stopgap-server.rules, included in 2 server blocks",
        "{places:?}"
    );
    let files = placed.read().unwrap();
    assert_eq!(files.layout().unwrap().own_files().len(), 3);
    assert_eq!(files.layout().unwrap().modules(), ["ngx_stream_module.so"]);
}

/// What nginx refuses behind a `map`, wherever it stands.
const SIZES: &str = "map_hash_bucket_size 128;\nmap_hash_max_size 4096;\n";

#[test]
fn our_maps_come_behind_whatever_nginx_wants_before_a_map() {
    let maps = "\tinclude /etc/nginx/stopgap-http.rule[s];\n";
    for (http, expected) in [
        (format!("\t{SIZES}\tserver {{ }}\n"), format!("\t{SIZES}\tserver {{ }}\n{maps}")),
        (
            "\tinclude sizes;\n\tserver { } # the shop\n".into(),
            format!("\tinclude sizes;\n\tserver {{ }} # the shop\n{maps}"),
        ),
        (
            "\tserver { }\n\tinclude sizes;\n\n#\tserver { }\n".into(),
            format!("\tserver {{ }}\n\tinclude sizes;\n{maps}\n#\tserver {{ }}\n"),
        ),
    ] {
        let mut machine = main_with(&http);
        machine.files.insert("/etc/nginx/sizes".into(), SIZES.into());
        let text = nginx_text("map $uri $stopgap { default \"\"; }\n", "", "");
        let placed = machine.there_and_back(&text, &no_nginx());
        assert_eq!(placed.text(MAIN), format!("events {{}}\nhttp {{\n{expected}}}\n"));
    }
    // In one line, and where the block is another file's.
    let mut machine = Machine::nginx(&[(MAIN, "include http;")]);
    machine.files.insert("/etc/nginx/http".into(), b"http{server{}}".to_vec());
    let text = nginx_text("map $uri $stopgap { default \"\"; }\n", "", "");
    let placed = machine.there_and_back(&text, &no_nginx());
    let expected = "http{server{}\n    include /etc/nginx/stopgap-http.rule[s];}";
    assert_eq!(placed.text("/etc/nginx/http"), expected);
}

#[test]
fn an_include_of_our_maps_where_an_older_version_put_it_is_moved_and_comes_out_to_the_byte() {
    let machine = distribution();
    let mut old = machine.with(&all());
    let line = "\tinclude /etc/nginx/stopgap-http.rule[s];\n";
    let text = old.text(MAIN).replace(line, "").replace("http {\n", &format!("http {{\n{line}"));
    assert_ne!(text, old.text(MAIN));
    old.files.insert(MAIN.into(), text.into_bytes());
    assert!(old.with(&all()).files == machine.with(&all()).files);
    assert!(old.with(&no_nginx()).files == machine.files);
}

#[test]
fn every_site_is_listed_once_with_its_addresses() {
    assert_eq!(
        distribution().told_sites(),
        [
            "shop.example:443 (TLS) Port(None, 443)",
            "shop.example:443 (TLS) Port(Some(::), 443)",
            "www.shop.example:443 (TLS) Port(None, 443)",
            "www.shop.example:443 (TLS) Port(Some(::), 443)",
            "(no name):80 Port(None, 80)",
        ]
    );
}

#[test]
fn names_and_addresses_of_every_kind_have_a_site() {
    let machine = main_with(
        "server { listen 8080 ssl; listen unix:/run/a.sock; server_name _ *.a.example .b.example c.*; }
         server { listen 8080; server_name ~^d\\d+; }
         server { listen 127.0.0.1:81 proxy_protocol; listen app:82; listen 8000-8010; }
         server { listen 127.0.0.1:81; listen 443 quic; server_name e.example; ssl on; }
         upstream u { server 127.0.0.1:9; }\n",
    );
    assert_eq!(
        machine.told_sites(),
        [
            "(no name):8080 (TLS) Port(None, 8080)",
            "(no name) on /run/a.sock Unix(ServerPath(\"/run/a.sock\"))",
            "stopgap.a.example:8080 (TLS) Port(None, 8080)",
            "stopgap.a.example on /run/a.sock Unix(ServerPath(\"/run/a.sock\"))",
            "b.example:8080 (TLS) Port(None, 8080)",
            "b.example on /run/a.sock Unix(ServerPath(\"/run/a.sock\"))",
            "c.test:8080 (TLS) Port(None, 8080)",
            "c.test on /run/a.sock Unix(ServerPath(\"/run/a.sock\"))",
            "~^d\\d+ (TLS) Unasked(\"its name is a regular expression\")",
            "(no name) Unasked(\"it expects the PROXY protocol\")",
            "(no name) Unasked(\"it listens on the name app:82\")",
            "(no name):8000 Port(None, 8000)",
            "(no name):8010 Port(None, 8010)",
            "e.example (TLS) Unasked(\"it expects the PROXY protocol\")",
            "e.example (TLS) Unasked(\"443 speaks QUIC\")",
        ]
    );
}

#[test]
fn only_parts_that_say_something_are_written() {
    let placed = distribution().there_and_back(&nginx_text("", "deny all;\n", ""), &no_nginx());
    assert!(!placed.text(MAIN).contains("stopgap"));
    assert_eq!(placed.files.keys().filter(|path| path.contains("stopgap")).count(), 1);
}

#[test]
fn headers_are_set_wherever_others_are_and_each_kind_by_itself() {
    let machine = main_with(
        "  grpc_set_header A b;
  server {
    proxy_set_header A b;
    location /a { grpc_pass grpc://127.0.0.1:9; }
    location /b { include params; }
    location /c { limit_except GET { deny all; } }
  }
",
    );
    let mut machine = machine;
    machine.files.insert("/etc/nginx/params".into(), b"grpc_set_header C d;".to_vec());
    let text = nginx_text("", "", "proxy_set_header x \"\";\ngrpc_set_header x \"\";\n");
    let placed = machine.there_and_back(&text, &no_nginx());
    assert_eq!(
        placed.text(MAIN),
        "events {}
http {
  include /etc/nginx/stopgap-upstream.rule[s];
  include /etc/nginx/stopgap-grpc.rule[s];
  grpc_set_header A b;
  server {
    include /etc/nginx/stopgap-upstream.rule[s];
    proxy_set_header A b;
    location /a { grpc_pass grpc://127.0.0.1:9; }
    location /b {
        include /etc/nginx/stopgap-grpc.rule[s]; include params; }
    location /c { limit_except GET { deny all; } }
  }
}
"
    );
    assert_eq!(placed.text("/etc/nginx/params"), "grpc_set_header C d;");
}

#[test]
fn what_only_looks_like_a_server_block_gets_nothing() {
    let machine = main_with(
        "  map $uri $x { default \"server {\"; '}' 1; \\} 2; a;b 3; }
  log_format f '{ server { ' escape=json; # server {
  set_by_lua_block $x { local s = \"server { }\" -- } server {
     --[==[ } ]] ]==] return [[ } ]] .. '\\'}' }
  upstream u { server 127.0.0.1:9; }
  server { location ~ \"^/a{2}/${x}$\" { return 200 \"}\"; } }
}
mail { server { listen 25; } }
stream { server { listen 443; proxy_pass u; } 
",
    );
    let placed = machine.there_and_back(&all(), &no_nginx());
    let count = placed.text(MAIN).matches("stopgap-server").count();
    assert_eq!(count, 1, "{}", placed.text(MAIN));
    assert_eq!(
        machine.gaps(&all()),
        [
            "the server block in /etc/nginx/nginx.conf, line 11 passes connections on without reading requests"
        ]
    );
}

#[test]
fn in_a_group_of_servers_only_they_are_places() {
    let machine = main_with(
        "}
stream {
  map $ssl_preread_server_name $to { hostnames; server 127.0.0.1:1; default u; }
  upstream u { hash $remote_addr; random two; keepalive 4; server 127.0.0.1:2 weight=2; }
  server { listen 443; proxy_pass $to; }
",
    );
    let passages = machine.passages();
    let places: Vec<String> =
        passages[0].leads_to.iter().flatten().map(|place| format!("{place:?}")).collect();
    assert_eq!(places, ["Port(Some(127.0.0.1), 1)", "Port(Some(127.0.0.1), 2)"]);
}

#[test]
fn headers_are_set_wherever_parameters_are_of_each_way_to_pass_requests_on() {
    let machine = main_with(
        "  server {
    location /a { fastcgi_pass x; }
    location /b { uwsgi_param A b; uwsgi_pass x; }
    location /c { proxy_pass http://127.0.0.1:9; }
  }
",
    );
    let ways = ["fastcgi", "uwsgi", "scgi"];
    let lines = ways.map(|way| format!("{way}_param HTTP_X \"\" if_not_empty;\n"));
    let placed = machine.there_and_back(&nginx_text("", "", &lines.concat()), &no_nginx());
    let files: Vec<&String> = placed.files.keys().filter(|path| path.contains("stopgap")).collect();
    assert_eq!(files, ["/etc/nginx/stopgap-fastcgi.rules", "/etc/nginx/stopgap-uwsgi.rules"]);
    assert_eq!(placed.text(files[1]), lines[1]);
    assert_eq!(
        placed.text(MAIN),
        "events {}
http {
  include /etc/nginx/stopgap-fastcgi.rule[s];
  include /etc/nginx/stopgap-uwsgi.rule[s];
  server {
    location /a { fastcgi_pass x; }
    location /b {
        include /etc/nginx/stopgap-uwsgi.rule[s]; uwsgi_param A b; uwsgi_pass x; }
    location /c { proxy_pass http://127.0.0.1:9; }
  }
}
"
    );
}

#[test]
fn a_file_with_carriage_returns_keeps_them() {
    let text = "events {}\r\nhttp {\r\n\tserver {\r\n\t\tlisten 80;\r\n\t}\r\n}\r\n";
    let placed = Machine::nginx(&[(MAIN, text)]).there_and_back(&all(), &no_nginx());
    assert!(
        placed
            .text(MAIN)
            .contains("server {\r\n\t\tinclude /etc/nginx/stopgap-server.rule[s];\r\n")
    );
    assert!(!placed.text(MAIN).replace("\r\n", "").contains('\n'));
}

#[test]
fn a_file_that_is_included_twice_gets_its_line_once() {
    let mut machine =
        main_with("include a;\ninclude a;\nserver { include p; }\nserver { include p; }\n");
    machine.files.insert("/etc/nginx/a".into(), b"server { }".to_vec());
    machine.files.insert("/etc/nginx/p".into(), b"location / { proxy_set_header A b; }".to_vec());
    let placed = machine.there_and_back(&all(), &no_nginx());
    assert_eq!(placed.text("/etc/nginx/a").matches("stopgap").count(), 1);
    assert_eq!(placed.text("/etc/nginx/p").matches("stopgap").count(), 1);
}

#[test]
fn lines_of_ours_that_were_damaged_are_put_right() {
    let machine = distribution();
    let placed = machine.with(&all());
    let mut damaged = placed.clone();
    let shop = "/etc/nginx/sites-available/shop";
    let line = "\n    include /etc/nginx/stopgap-server.rule[s];";
    let text = placed.text(shop).replacen(line, "", 1);
    let text = text.replacen("    location / {", "    include stopgap-server.rules;\n  include /etc/nginx/stopgap-http.rule[s];\n    location / {", 1);
    damaged.files.insert(shop.into(), text.into_bytes());
    damaged.files.insert("/etc/nginx/stopgap-server.rules".into(), b"# nothing".to_vec());
    damaged.files.remove("/etc/nginx/stopgap-http.rules");
    let placement = damaged.place(&all());
    assert_eq!(
        sentences(&placement.differences),
        [
            "/etc/nginx/stopgap-http.rules is not there",
            "/etc/nginx/stopgap-server.rules has another content",
            "a line of ours stands where none belongs: /etc/nginx/sites-enabled/shop, line 6, and 1 more there",
            "our lines are not in the server block: /etc/nginx/sites-enabled/shop, line 2",
        ]
    );
    assert_eq!(damaged.after(&placement).files, placed.files);
    assert_eq!(damaged.with(&no_nginx()).files, machine.files);
}

#[test]
fn a_site_that_was_disabled_while_rules_were_in_is_enabled_after_they_went() {
    let site = "/etc/nginx/sites-enabled/shop";
    let mut disabled = distribution().with(&all());
    disabled.links.remove(site);
    let out = disabled.with(&no_nginx());
    assert!(!out.files.keys().any(|path| path.contains("stopgap")));
    let enabled = out.link(site, "/etc/nginx/sites-available/shop");
    assert_eq!(enabled.told_sites(), distribution().told_sites());
    assert_eq!(enabled.with(&no_nginx()).files, distribution().files);
    assert!(enabled.with(&all()).files == distribution().with(&all()).files);
}

#[test]
fn two_servers_whose_main_files_are_in_one_folder_have_files_of_their_own() {
    let mut shop = Machine::nginx(&[("/etc/nginx/shop.conf", "http { server { } }")]);
    shop.server.config = vec![stopgap_model::ServerPath::new("/etc/nginx/shop.conf")];
    let placed = shop.there_and_back(&all(), &no_nginx());
    assert!(placed.files.contains_key("/etc/nginx/stopgap-http.shop.conf.rules"));
    let include = "include /etc/nginx/stopgap-server.shop.conf.rule[s];";
    assert!(placed.text("/etc/nginx/shop.conf").contains(include));
    let mut both = distribution().with(&all());
    both.files.extend(placed.files.clone());
    let mut out = both.with(&no_nginx());
    out.files.retain(|path, _| !distribution().files.contains_key(path));
    assert!(out.files == placed.files);
}

#[test]
fn the_files_that_lines_of_ours_would_stand_in_are_told_by_their_own_paths() {
    let expected = [MAIN, "/etc/nginx/sites-available/shop"];
    assert_eq!(distribution().written_files(), expected);
    assert_eq!(distribution().with(&all()).written_files(), expected);
}

#[test]
fn what_others_change_between_stays() {
    let placed = distribution().with(&all());
    let mut changed = placed.clone();
    let text = placed.text(MAIN).replace("user www;", "user web;") + "# more\n";
    changed.files.insert(MAIN.into(), text.into_bytes());
    let out = changed.with(&no_nginx());
    let plain = distribution();
    assert_eq!(out.text(MAIN), plain.text(MAIN).replace("user www;", "user web;") + "# more\n");
}

#[test]
fn an_include_that_includes_itself_is_told() {
    let mut machine = main_with("  include a;\n");
    machine.files.insert("/etc/nginx/a".into(), b"\ninclude b;".to_vec());
    let machine = machine.link("/etc/nginx/b", "/etc/nginx/a");
    assert_eq!(machine.trouble().to_string(), "/etc/nginx/a, line 2: /etc/nginx/b includes itself");
}

/// A chain of so many includes, a server block in the last.
fn chain(length: usize) -> Machine {
    let mut machine = main_with("  include 0;\n  server { listen 80; server_name top; }\n");
    for at in 0..length {
        let text = format!("include {};", at + 1);
        machine.files.insert(format!("/etc/nginx/{at}"), text.into_bytes());
    }
    let last = b"server { listen 80; server_name deep; }".to_vec();
    machine.files.insert(format!("/etc/nginx/{length}"), last);
    machine
}

#[test]
fn includes_are_followed_as_deep_as_nginx_follows_them() {
    for length in [21, 200] {
        let machine = chain(length);
        let placed = machine.there_and_back(&all(), &no_nginx());
        assert!(placed.text(&format!("/etc/nginx/{length}")).contains("stopgap-server"));
        assert_eq!(machine.holes(&all()), Vec::<String>::new());
    }
}

#[test]
fn a_chain_of_includes_without_an_end_costs_what_is_at_its_end() {
    let machine = chain(400);
    let placed = machine.there_and_back(&all(), &no_nginx());
    assert_eq!(placed.text(MAIN).matches("stopgap-server").count(), 1);
    let told = "what /etc/nginx/256 says is not known, so nothing in it is reached: includes are more \
                than 256 deep there";
    assert_eq!(machine.holes(&all()), [told]);
}

/// Three sites, each in a file of its own.
fn three_sites() -> Machine {
    let site = |name: &str| format!("server {{\n  listen 80;\n  server_name {name};\n}}\n");
    let mut machine = main_with("  include sites/*;\n");
    for name in ["a", "b", "c"] {
        machine.files.insert(format!("/etc/nginx/sites/{name}"), site(name).into_bytes());
    }
    machine
}

#[test]
fn a_file_that_cannot_be_changed_costs_its_site_and_the_others_get_their_lines() {
    let mut machine = three_sites();
    machine.fixed.push("/etc/nginx/sites/b".into());
    let placed = machine.there_and_back(&all(), &no_nginx());
    assert_eq!(placed.text("/etc/nginx/sites/b"), machine.text("/etc/nginx/sites/b"));
    for site in ["a", "c"] {
        assert!(placed.text(&format!("/etc/nginx/sites/{site}")).contains("stopgap-server"));
    }
    let told = "the server block in /etc/nginx/sites/b, line 1 is not reached: it is held fast";
    assert_eq!(placed.holes(&all()), [told]);
    assert_eq!(placed.unreached(&all()), ["b:80"]);
    let places = placed.place(&all()).places;
    assert!(places[1].ends_with("included in 2 server blocks"), "{places:?}");
}

#[test]
fn a_file_that_was_changed_before_it_could_not_be_is_reached_and_its_line_takes_nothing_afterwards()
{
    let mut placed = three_sites().with(&all());
    placed.fixed.push("/etc/nginx/sites/b".into());
    assert_eq!((placed.holes(&all()), placed.unreached(&all())), (Vec::new(), Vec::new()));
    assert_eq!(placed.place(&all()).edits, Vec::new());
    let out = placed.with(&no_nginx());
    let left = out.text("/etc/nginx/sites/b");
    assert!(left.contains("include /etc/nginx/stopgap-server.rule[s];"), "{left}");
    assert!(out.files.keys().all(|path| !path.ends_with(".rules")));
    assert!(!out.text("/etc/nginx/sites/a").contains("stopgap"));
}

#[test]
fn where_nothing_can_be_put_in_that_is_told() {
    let mut machine = three_sites();
    machine.fixed.push(MAIN.into());
    let told = "nothing of ours can be put into the http block: it is held fast";
    assert_eq!(machine.refusal(&all()), told);
    machine.fixed = ["a", "b", "c"].map(|site| format!("/etc/nginx/sites/{site}")).to_vec();
    let told = "nothing of ours can be put into the server block: it is held fast";
    assert_eq!(machine.refusal(&all()), told);
}

#[test]
fn a_file_that_cannot_be_read_costs_what_is_in_it() {
    let mut machine = three_sites();
    machine.unreadable.push("/etc/nginx/sites/b".into());
    let placed = machine.there_and_back(&all(), &no_nginx());
    assert!(placed.text("/etc/nginx/sites/c").contains("stopgap-server"));
    let told = "what /etc/nginx/sites/b says is not known, so nothing in it is reached: it cannot be \
                read: the test says so";
    assert_eq!(placed.holes(&all()), [told]);
    // Where it is all there is, the server is not known, and on the main file everything depends.
    for site in ["a", "c"] {
        machine.unreadable.push(format!("/etc/nginx/sites/{site}"));
    }
    let told = "/etc/nginx/sites/a: it cannot be read: the test says so";
    assert_eq!(machine.trouble().to_string(), told);
    machine.unreadable.push(MAIN.into());
    let told = "/etc/nginx/nginx.conf: /etc/nginx/nginx.conf cannot be read: the test says so";
    assert_eq!(machine.trouble().to_string(), told);
}

#[test]
fn seventeen_megabytes_of_comments_are_gone_through_once() {
    let mut machine = three_sites();
    let mut site = b"# a comment of forty bytes, as they are.\n".repeat(17 << 20 >> 5);
    assert!(site.len() > 17 << 20);
    site.extend_from_slice(&machine.files["/etc/nginx/sites/b"]);
    machine.files.insert("/etc/nginx/sites/b".into(), site);
    let placed = machine.place(&all());
    assert_eq!(placed.edits.iter().filter(|edit| edit.path.as_str().contains("sites")).count(), 3);
    assert_eq!(machine.holes(&all()), Vec::<String>::new());
    // Where there are more bytes than are held in memory, the file that has them is not known.
    let much = vec![b'#'; MAX_TOTAL_BYTES - 1000];
    machine.files.insert("/etc/nginx/sites/c".into(), much);
    let holes = machine.holes(&all());
    assert!(holes[0].contains("/etc/nginx/sites/c says is not known"), "{holes:?}");
    assert!(holes[0].contains("67108864 bytes together"), "{holes:?}");
}

#[test]
fn four_thousand_and_two_hundred_files_are_read_and_changed() {
    let mut machine = main_with("  include sites/*;\n");
    for at in 0..4200 {
        let site = format!("server {{ listen 80; server_name s{at}.test; }}\n");
        machine.files.insert(format!("/etc/nginx/sites/{at}"), site.into_bytes());
    }
    let placed = machine.there_and_back(&all(), &no_nginx());
    assert!(placed.text("/etc/nginx/sites/4199").contains("stopgap-server"));
}

#[test]
fn a_customers_site_that_includes_one_file_thousands_of_times_is_gone_through_once() {
    let includes = "include /etc/nginx/y;\n".repeat(10_000);
    let mut machine = main_with(&includes);
    machine.files.insert("/etc/nginx/y".into(), b"server { listen 81; }\n".to_vec());
    let begun = Instant::now();
    let placed = machine.place(&all());
    assert_eq!(machine.after(&placed).text("/etc/nginx/y").matches("stopgap").count(), 1);
    // The text of the file was made anew for each include.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn includes_that_multiply_are_told() {
    let mut machine = main_with("  include 0;\n");
    for at in 0..15 {
        let text = format!("include {0};", at + 1).repeat(8);
        machine.files.insert(format!("/etc/nginx/{at}"), text.into_bytes());
    }
    machine.files.insert("/etc/nginx/15".into(), "# long".repeat(10_000).into_bytes());
    let what = machine.trouble().what;
    assert!(matches!(what, ConfigFault::TooManyBytes { .. }), "{what}");
}

#[test]
fn a_pattern_that_matches_nothing_is_fine() {
    main_with("  include none/*.conf;\n").there_and_back(&all(), &no_nginx());
}

#[test]
fn a_file_that_is_named_and_absent_is_told() {
    assert_eq!(
        main_with("\n  include none.conf;\n").trouble().to_string(),
        "/etc/nginx/nginx.conf, line 4: /etc/nginx/none.conf is not there"
    );
    assert_eq!(
        Machine::nginx(&[]).trouble().to_string(),
        "/etc/nginx/nginx.conf: /etc/nginx/nginx.conf is not there"
    );
}

#[test]
fn a_configuration_that_does_not_parse_is_told_by_its_line() {
    for (text, told) in [
        ("events {}\nhttp {\n", "line 2: the block that begins here has no `}`"),
        ("http { }\n}\n", "line 2: this `}` closes no block of this file"),
        ("http { a \"b\"c; }", "line 1: something stands right behind a quoted word"),
        ("http { a 'b; }", "line 1: a quote has no end"),
        ("http { ; }", "line 1: `;` is not expected here"),
        ("http { a }", "line 1: `}` is not expected here"),
        ("\n\na", "line 3: the last statement has no `;` and no block"),
        ("http { x_by_lua_block { '}' ", "line 1: the block of Lua has no end"),
        ("include a b;", "line 1: `include` names one file or pattern"),
    ] {
        let trouble = Machine::nginx(&[(MAIN, text)]).trouble();
        assert_eq!(trouble.to_string(), format!("{MAIN}, {told}"), "{text}");
    }
}

#[test]
fn a_pattern_that_would_take_in_our_files_is_refused() {
    let machine = main_with("  include /etc/nginx/*;\n");
    let mut machine = machine;
    machine.files.remove(MAIN);
    machine.server.config = vec![stopgap_model::ServerPath::new("/etc/nginx/main")];
    machine
        .files
        .insert("/etc/nginx/main".into(), b"http { include /etc/nginx/*.rules; }".to_vec());
    let error = machine.try_place(&all()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the include of /etc/nginx/*.rules in /etc/nginx/main, line 1 would take in our files, too"
    );
    assert!(machine.try_place(&no_nginx()).is_ok());
}

#[test]
fn rules_without_an_http_block_have_no_place() {
    let machine = Machine::nginx(&[(MAIN, "events {}\n")]);
    assert_eq!(machine.try_place(&all()).unwrap_err(), WebRefusal::NoHttpBlock);
    let other = RuleText::Apache { server: "x".into() };
    assert_eq!(machine.try_place(&other).unwrap_err(), WebRefusal::OtherLanguage);
}

#[test]
fn what_header_rules_do_not_reach_is_told() {
    let machine = main_with(
        "server { location / { proxy_set_header X-Y 1; }\n location /a { proxy_set_header X-Y $http_x_y; }\n\
         location /b { uwsgi_param HTTP_X_Y $http_x_y; } }\n",
    );
    assert_eq!(
        machine.gaps(&all()),
        ["/etc/nginx/nginx.conf, line 3 itself sets a request header that a rule is about"]
    );
    assert_eq!(
        machine.holes(&all()),
        [4, 5].map(|line| format!(
            "/etc/nginx/nginx.conf, line {line} itself passes a request header on that a rule is about"
        ))
    );
    assert_eq!(machine.gaps(&nginx_text("a", "b", "")), Vec::<String>::new());
}

#[test]
fn a_path_with_blanks_and_quotes_does_not_leave_its_quotes() {
    let folder = "/srv/a \"b\"; {}\\ '$x";
    let main = format!("{folder}/nginx.conf");
    let mut machine = Machine::nginx(&[(&main, "http { server { } }")]);
    machine.server.config = vec![stopgap_model::ServerPath::new(main.clone())];
    let placed = machine.there_and_back(&all(), &no_nginx());
    assert!(
        placed
            .text(&main)
            .contains("include \"/srv/a \\\"b\\\"; {}\\\\\\\\ '$x/stopgap-http.rule[s]\";"),
        "{}",
        placed.text(&main)
    );
}

#[test]
fn a_configuration_of_5_mb_is_read_and_changed() {
    let mut text = String::from("events {}\nhttp {\n");
    for at in 0..2000 {
        text += &format!("  server {{\n    listen 80;\n    server_name s{at}.example;\n");
        for path in 0..70 {
            text += &format!("    location /p{path} {{ return 200 \"{at}\"; }}\n");
        }
        text += "  }\n";
    }
    text += "}\n";
    assert!(text.len() > 5_000_000);
    let machine = Machine::nginx(&[(MAIN, &text)]);
    let placed = machine.there_and_back(&all(), &no_nginx());
    assert_eq!(placed.text(MAIN).matches("stopgap-server").count(), 2000);
    assert_eq!(machine.sites().len(), 2000);
}

#[test]
fn the_names_of_a_server_block_are_told_to_be_of_one_block() {
    let text = "events {}\nhttp {\n  server {\n    listen 80;\n    listen 81;\n    \
                server_name a.test b.test;\n  }\n  server {\n    server_name c.test a.test;\n  \
                }\n}\n";
    let machine = Machine::nginx(&[(MAIN, text)]);
    let blocks = machine.sites().into_iter().map(|site| format!("{site} {}", site.block));
    let blocks: Vec<String> = blocks.collect();
    // nginx has the first block answer to a name of two.
    assert_eq!(blocks, ["a.test:80 0", "a.test:81 0", "b.test:80 0", "b.test:81 0", "c.test:80 1"]);
}

#[test]
fn more_bytes_than_are_looked_at_are_told() {
    let machine = Machine::nginx(&[(MAIN, &" ".repeat(MAX_TOTAL_BYTES + 1))]);
    assert_eq!(machine.read().unwrap_err(), OverBudget::Bytes);
}

/// A machine of which nginx itself can be asked.
fn real(scratch: &Scratch) -> Machine {
    let path = |name| scratch.path(name);
    let main = format!(
        "pid {}/pid;\nerror_log stderr;\nevents {{ }}\nhttp {{\n  access_log off;\n  include sites/*;\n  include params;\n  server {{ listen 127.0.0.1:1; include locations; }}\n}}\n",
        scratch.0.display()
    );
    let mut machine = Machine::nginx(&[
        (&path("nginx.conf"), &main),
        (&path("sites/a"), "server { listen 127.0.0.1:2; server_name a; }\n# end"),
        (&path("sites/b b"), "map $uri $b { default 1; }"),
        (&path("params"), "proxy_set_header A b;"),
        (&path("locations"), "location / { proxy_pass http://127.0.0.1:9; include params; }\n"),
    ]);
    machine.server.config = vec![stopgap_model::ServerPath::new(path("nginx.conf"))];
    machine
}

#[test]
fn nginx_accepts_what_is_staged_and_what_is_placed() {
    let scratch = Scratch::new("edit-nginx");
    let machine = real(&scratch);
    let test = |name: &str| accepts("nginx", &["-t", "-q", "-c", &scratch.path(name)]);
    scratch.write(&machine);
    let Some(before) = test("nginx.conf") else { return };
    assert_eq!(before, Ok(()));
    let placement = machine.place(&all());
    for (path, bytes) in &placement.staged {
        std::fs::write(stopgap_model::web::beside(path).as_str(), bytes).unwrap();
    }
    assert_eq!(test(".nginx.conf.stopgap-new"), Some(Ok(())));
    let placed = machine.there_and_back(&all(), &no_nginx());
    scratch.write(&placed);
    assert_eq!(test("nginx.conf"), Some(Ok(())));
    for path in placed.files.keys().filter(|path| path.ends_with(".rules")) {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(test("nginx.conf"), Some(Ok(())), "includes of ours without files of ours");
}

#[test]
fn nginx_accepts_what_is_staged_around_files_that_cannot_be_changed() {
    let scratch = Scratch::new("edit-nginx-fixed");
    let test = |name: &str| accepts("nginx", &["-t", "-q", "-c", &scratch.path(name)]);
    // Before lines of ours are in it, and after: then it takes in what the files of ours will say.
    let mut first = real(&scratch);
    first.fixed = vec![scratch.path("sites/a")];
    let mut then = real(&scratch).with(&all());
    then.fixed = first.fixed.clone();
    let other = nginx_text(
        "map $request_uri $stopgap_b { default \"\"; \"~y\" 1; }\n",
        "if ($stopgap_b) { return 444; }\n",
        "",
    );
    for (machine, text) in [(first, all()), (then, other)] {
        scratch.write(&machine);
        let placement = machine.place(&text);
        for (path, bytes) in &placement.staged {
            std::fs::write(stopgap_model::web::beside(path).as_str(), bytes).unwrap();
        }
        let Some(answer) = test(".nginx.conf.stopgap-new") else { return };
        assert_eq!(answer, Ok(()));
        let placed = machine.after(&placement);
        assert_eq!(placed.text(&scratch.path("sites/a")), machine.text(&scratch.path("sites/a")));
        scratch.write(&placed);
        assert_eq!(test("nginx.conf"), Some(Ok(())));
    }
}

#[test]
fn nginx_finds_in_what_is_staged_a_mistake_of_ours() {
    let scratch = Scratch::new("edit-nginx-mistake");
    let machine = real(&scratch);
    scratch.write(&machine);
    for wrong in [nginx_text("nonsense;", "", ""), nginx_text("", "nonsense;", "")] {
        for (path, bytes) in &machine.place(&wrong).staged {
            std::fs::write(stopgap_model::web::beside(path).as_str(), bytes).unwrap();
        }
        let staged = scratch.path(".nginx.conf.stopgap-new");
        let Some(answer) = accepts("nginx", &["-t", "-q", "-c", &staged]) else { return };
        assert!(answer.unwrap_err().contains("nonsense"));
    }
}

/// Two ports that were free a moment ago.
fn free_ports() -> (u16, u16) {
    let bound = || std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (one, two) = (bound(), bound());
    (one.local_addr().unwrap().port(), two.local_addr().unwrap().port())
}

fn answer(port: u16, path: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: a\r\nX-Y: evil\r\nA: theirs\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
}

#[test]
fn a_header_is_gone_in_nginx_wherever_others_are_set() {
    let scratch = Scratch::new("edit-nginx-headers");
    let (front, back) = free_ports();
    let main = scratch.path("nginx.conf");
    let text = format!(
        "pid {root}/pid;\nerror_log stderr;\ndaemon off;\nmaster_process off;\nevents {{ }}\nhttp {{\n  access_log off;\n  proxy_set_header A top;\n  server {{\n    listen 127.0.0.1:{front};\n    location / {{ proxy_pass http://127.0.0.1:{back}; }}\n    location /own {{\n      proxy_set_header A own;\n      proxy_pass http://127.0.0.1:{back};\n      location /own/inner {{ proxy_pass http://127.0.0.1:{back}; }}\n    }}\n  }}\n  server {{ listen 127.0.0.1:{back}; return 200 \"$http_x_y,$http_a\"; }}\n}}\n",
        root = scratch.0.display()
    );
    let mut machine = Machine::nginx(&[(&main, &text)]);
    machine.server.config = vec![stopgap_model::ServerPath::new(main.clone())];
    let text = nginx_text("", "", "proxy_set_header x-y \"\";\n");
    for (machine, expected) in [
        (machine.clone(), ["evil,top", "evil,own", "evil,own"]),
        (machine.there_and_back(&text, &no_nginx()), [",top", ",own", ",own"]),
    ] {
        scratch.write(&machine);
        let started = std::process::Command::new("nginx").args(["-c", &main]).spawn();
        let Ok(mut nginx) = started else {
            eprintln!("SKIPPED: nginx is not installed");
            return;
        };
        let pause = std::time::Duration::from_millis(50);
        let up = (0..200).any(|_| {
            let answers = answer(front, "/").is_some();
            if !answers {
                std::thread::sleep(pause);
            }
            answers
        });
        let answers = ["/", "/own", "/own/inner"].map(|path| answer(front, path));
        nginx.kill().unwrap();
        nginx.wait().unwrap();
        assert!(up);
        assert_eq!(answers, expected.map(|text| Some(text.to_owned())));
    }
}
