//! The files of nginx: how far they are followed, how much is gone through, and what is wrong with them.

use std::time::{Duration, Instant};

use stopgap_model::reason::ConfigFault;
use stopgap_webserver::{MAX_TOTAL_BYTES, OverBudget};

use super::{MAIN, all, main_with, three_sites};
use crate::config_files::{Machine, no_nginx};

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
fn more_bytes_than_are_looked_at_are_told() {
    let machine = Machine::nginx(&[(MAIN, &" ".repeat(MAX_TOTAL_BYTES + 1))]);
    assert_eq!(machine.read().unwrap_err(), OverBudget::Bytes);
}
