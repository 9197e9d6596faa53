//! What a server cannot say: by kind, by version, by modules.

use stopgap_model::report::State;
use stopgap_model::{Fact, WebKind};

use super::documents::{action, answering, block, document, taking};
use super::machine::{KINDS, Machine};
use super::told::{codes, done, of};
use super::world::{Row, World, check};

/// What is asked for, and the code of why each server cannot say it; empty: it can.
type Asked = (&'static str, fn() -> String, [&'static str; 3]);

const ASKED: &[Asked] = &[
    ("a text in the target", || block("A", 1, "evil"), ["", "", ""]),
    (
        "the target decoded once",
        || when("{ field = \"path\", decode = [\"url\"], contains = \"evil\" }"),
        ["", "", ""],
    ),
    (
        "the target decoded twice",
        || when("{ field = \"path\", decode = [\"url\", \"url\"], contains = \"evil\" }"),
        ["decoding", "decoding", "decoding"],
    ),
    (
        "base64",
        || when("{ field = \"query\", decode = [\"base64\"], contains = \"evil\" }"),
        ["decoding", "decoding", "decoding"],
    ),
    ("a request header that is taken away", || taking("A", 1, "x-evil"), ["", "", ""]),
    (
        "a header that says how the message is framed",
        || taking("A", 1, "content-length"),
        ["framing-header", "framing-header", "framing-header"],
    ),
    ("a response header", || answering("A", 1), ["only-adds-headers", "", ""]),
    (
        "a text in a header",
        || when("{ field = \"header:x-evil\", contains = \"a\" }"),
        ["", "", ""],
    ),
    (
        "a text in any header",
        || when("{ field = \"any-header\", contains = \"() {\" }"),
        ["not-all-headers", "not-all-headers", ""],
    ),
    (
        "the name of a header",
        || when("{ field = \"header-names\", contains = \"evil\" }"),
        ["no-header-names", "no-header-names", ""],
    ),
    (
        "a cookie",
        || when("{ field = \"cookie:session\", contains = \"evil\" }"),
        ["", "cookies-joined", ""],
    ),
    (
        "the host",
        || when("{ field = \"host\", equals = \"evil.test\" }"),
        ["", "host-replaced", ""],
    ),
    (
        "the body",
        || when("{ field = \"body\", contains = \"evil\" }"),
        ["no-body", "no-body", "no-body"],
    ),
    ("a status that says it", || denying("{ status = 403 }"), ["", "", ""]),
    ("too many requests", || denying("{ status = 429 }"), ["", "block-status", ""]),
    (
        "a status that few servers have",
        || denying("{ status = 451 }"),
        ["", "block-status", "block-status"],
    ),
    (
        "a site of IIS",
        || block("A", 1, "evil").replace("deny", "scope = { site = \"Default Web Site\" }\ndeny"),
        ["scope-of-iis", "scope-of-iis", "scope-of-iis"],
    ),
];

fn when(condition: &str) -> String {
    action("A", 1, condition)
}

fn denying(with: &str) -> String {
    block("A", 1, "evil").replace("\"abort\"", with)
}

#[test]
fn a_rule_is_said_exactly_or_not_at_all() {
    let mut wrong = Vec::new();
    for (row, asked, why) in ASKED {
        for (kind, why) in KINDS.into_iter().zip(why) {
            let plan =
                World::with(vec![Machine::usual(kind)], &[document("A", 1, &asked())]).plan();
            let report = of(&plan, "A");
            let expected = match *why {
                "" => (State::Pending, "for-every-server".to_owned(), "in A.1"),
                why => (State::Unsupported, format!("server-cannot-say({why})"), ""),
            };
            let done = done(&plan, false);
            let found = (report.state, codes(&report.reason), done.as_str());
            if found != expected {
                wrong.push(format!("{row} on {kind}: {found:?}, {}", report.reason));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A rule that depends on what the server is, how it is built, and why it cannot say it, if so.
type Built = (&'static str, WebKind, fn(&mut Machine), fn() -> String, &'static str);

const BUILT: &[Built] = &[
    (
        "nginx of before 1.23 shows the first of several headers",
        WebKind::Nginx,
        |it| it.has_version(&[1, 22, 1]),
        || when("{ field = \"header:x-evil\", contains = \"a\" }"),
        "first-header-only",
    ),
    (
        "nginx 1.23 joins them",
        WebKind::Nginx,
        |it| it.has_version(&[1, 23, 0]),
        || when("{ field = \"header:x-evil\", contains = \"a\" }"),
        "",
    ),
    (
        "nginx of an unknown version may show the first one only",
        WebKind::Nginx,
        |it| it.server.version = Fact::Unknown(stopgap_model::Reasons::text("it does not say")),
        || when("{ field = \"header:x-evil\", contains = \"a\" }"),
        "first-header-only",
    ),
    (
        "and blocks by the target all the same",
        WebKind::Nginx,
        |it| it.server.version = Fact::Unknown(stopgap_model::Reasons::text("it does not say")),
        || block("A", 1, "evil"),
        "",
    ),
    (
        "nginx built without maps",
        WebKind::Nginx,
        |it| it.modules = vec!["http_rewrite_module".into()],
        || block("A", 1, "evil"),
        "built-without",
    ),
    (
        "nginx built without rewriting",
        WebKind::Nginx,
        |it| it.modules = vec!["http_map_module".into()],
        || block("A", 1, "evil"),
        "built-without",
    ),
    (
        "it takes headers away with neither",
        WebKind::Nginx,
        |it| it.modules = vec!["http_proxy_module".into()],
        || taking("A", 1, "x-evil"),
        "",
    ),
    (
        "Apache of before 2.4.19 has no sure block",
        WebKind::Apache,
        |it| it.has_version(&[2, 4, 18]),
        || block("A", 1, "evil"),
        "too-old-to-block",
    ),
    (
        "Apache 2.4.19 has one",
        WebKind::Apache,
        |it| it.has_version(&[2, 4, 19]),
        || block("A", 1, "evil"),
        "",
    ),
    (
        "Apache without mod_headers changes none",
        WebKind::Apache,
        |it| it.modules.clear(),
        || taking("A", 1, "x-evil"),
        "module-not-loaded",
    ),
    (
        "nor one of a response",
        WebKind::Apache,
        |it| it.modules.clear(),
        || answering("A", 1),
        "module-not-loaded",
    ),
    (
        "it blocks without it",
        WebKind::Apache,
        |it| it.modules.clear(),
        || block("A", 1, "evil"),
        "",
    ),
];

#[test]
fn a_version_and_its_modules_decide_what_a_server_can_say() {
    for (row, kind, built, asked, why) in BUILT {
        let mut world = World::with(vec![Machine::usual(*kind)], &[document("A", 1, &asked())]);
        built(world.server());
        let (state, codes, done) = world.told("A");
        let expected = match *why {
            "" => (State::Pending, "for-every-server".to_owned(), "in A.1"),
            why => (State::Unsupported, format!("server-cannot-say({why})"), ""),
        };
        assert_eq!((state, codes, done.as_str()), expected, "{row}");
    }
}

/// What is in place on an Apache, and a change after which it cannot be said any more.
const BECAME_UNABLE: &[Row] = &[
    (
        "a later revision that the server cannot say leaves the earlier one in place",
        |world| {
            let body = when("{ field = \"body\", contains = \"evil\" }");
            world.publish(&[document("A", 2, &body)]);
        },
        State::Unsupported,
        "server-cannot-say(no-body), stays",
        "",
    ),
    (
        "so does a server that was put back to an old version",
        |world| world.server().has_version(&[2, 4, 10]),
        State::Unsupported,
        "server-cannot-say(too-old-to-block), stays",
        "",
    ),
    (
        "an administrator removes it nevertheless",
        |world| {
            world.server().has_version(&[2, 4, 10]);
            world.remove("A");
        },
        State::Applied,
        "to-be-withdrawn(removed)",
        "out A.1",
    ),
    (
        "of two actions the one that can be said is installed",
        |world| {
            let both = format!("{}{}", block("A", 1, "evil"), when_second());
            world.publish(&[document("A", 1, &both)]);
        },
        State::Partial,
        "in-part, of-actions(A.2: server-cannot-say(no-body))",
        "in A.1",
    ),
];

fn when_second() -> String {
    action("A", 2, "{ field = \"body\", contains = \"evil\" }")
}

#[test]
fn what_cannot_be_said_any_more_stays() {
    check(&World::protected(WebKind::Apache), BECAME_UNABLE);
}

/// Actions that are for no web server of these kinds.
const FOR_OTHERS: &[(&str, &str, State, &str)] = &[
    (
        "services",
        "kind = \"disable-service\"\nservices = [\"spooler\"]\n",
        State::Unsupported,
        "services-by-hand",
    ),
    (
        "application pools",
        "kind = \"disable-app-pool\"\npools = [\"shop\"]\n",
        State::Unsupported,
        "no-iis",
    ),
    ("the heartbeat", "kind = \"do-nothing\"\n", State::Applied, "heartbeat"),
];

#[test]
fn an_action_for_something_else_does_not_concern_a_web_server() {
    for kind in KINDS {
        for (row, keys, state, why) in FOR_OTHERS {
            let text = document("A", 1, &format!("[[action]]\nid = \"A.1\"\n{keys}"));
            let (found, codes, done) = World::with(vec![Machine::usual(kind)], &[text]).told("A");
            assert_eq!((found, codes.as_str(), done.as_str()), (*state, *why, ""), "{kind}: {row}");
        }
    }
}

/// Probes that the rules of their own document contradict.
const CONTRADICTED: &[(&str, &str, &str)] = &[
    ("an attack that no rule blocks", "GET /harmless", "\"blocked\""),
    ("a harmless request that a rule blocks", "GET /evil", "\"allowed\""),
];

#[test]
fn a_document_that_contradicts_itself_is_not_installed() {
    for kind in KINDS {
        for (row, request, expect) in CONTRADICTED {
            let probe =
                format!("[[probe]]\nname = \"p\"\nrequest = \"{request}\"\nexpect = {expect}\n");
            let text = document("A", 1, &format!("{}{probe}", block("A", 1, "evil")));
            let (state, codes, done) = World::with(vec![Machine::usual(kind)], &[text]).told("A");
            let expected = (State::Conflict, "would-not-work(probe-contradicted)", "");
            assert_eq!((state, codes.as_str(), done.as_str()), expected, "{kind}: {row}");
        }
    }
}
