//! What is put into the configuration of nginx, where, and that it comes out to the byte.

use super::{MAIN, all, distribution, main_with};
use crate::config_files::{Machine, nginx_text, no_nginx, sentences};

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
            "a line of Stopgap is where none belongs: /etc/nginx/sites-enabled/shop, line 6, and 1 more there",
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
