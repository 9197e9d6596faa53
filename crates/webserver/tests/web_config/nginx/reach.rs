//! What rules do not reach on nginx, and where they have no place.

use stopgap_model::reason::WebRefusal;
use stopgap_webserver::RuleText;

use super::{MAIN, all, main_with, three_sites};
use crate::config_files::{Machine, nginx_text, no_nginx};

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
    let told = "nothing can be written into the http block: it is held fast";
    assert_eq!(machine.refusal(&all()), told);
    machine.fixed = ["a", "b", "c"].map(|site| format!("/etc/nginx/sites/{site}")).to_vec();
    let told = "nothing can be written into the server block: it is held fast";
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
