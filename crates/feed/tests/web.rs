//! A web server that does not do what it should, and the way to one that does.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may say plainly what they expect"
)]

mod common;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Server, now};
use stopgap_feed::tuf::Refusal;
use stopgap_feed::{
    Answer, ConnectStep, HttpTransport, Limits, Network, Transport as _, TransportError,
    open_transport,
};
use stopgap_testkit::repository::Repository;
use stopgap_testkit::web::{Misbehaviour, WebServer};

/// Time enough on a busy machine.
fn network() -> Network {
    let limits = Limits { pause: Duration::from_millis(1), ..Limits::USUAL };
    Network { proxy: Some("direct".into()), limits, ..Network::default() }
}

/// Hardly any time, for servers that take all they get.
fn hasty(limits: Limits) -> Network {
    Network { limits: Limits { tries: 1, ..limits }, ..network() }
}

fn serving(path: &str, bytes: &[u8]) -> WebServer {
    WebServer::of(&BTreeMap::from([(path.to_owned(), bytes.to_vec())]))
}

fn get(server: &WebServer, path: &str, max: u64) -> Result<Answer, TransportError> {
    HttpTransport::new(&server.url(), &network()).unwrap().get(path, max, None)
}

fn bytes(answer: Result<Answer, TransportError>) -> Vec<u8> {
    match answer {
        Ok(Answer::Found { bytes, .. }) => bytes,
        other => panic!("not found: {other:?}"),
    }
}

fn step(answer: Result<Answer, TransportError>) -> ConnectStep {
    answer.expect_err("an error").step
}

#[test]
fn the_time_for_all_feeds_ends_every_wait_of_each() {
    let server = serving("a", b"x");
    for how in [Misbehaviour::Hang, Misbehaviour::Drip, Misbehaviour::Status(503)] {
        server.misbehave("a", how.clone());
        let begun = Instant::now();
        // Many tries, long pauses, and the longest waits.
        let limits = Limits { tries: 1000, pause: Duration::from_secs(5), ..Limits::USUAL };
        let until = Some(begun + Duration::from_secs(1));
        let web =
            HttpTransport::new(&server.url(), &Network { limits, until, ..network() }).unwrap();
        let error = web.get("a", 100_000, None).expect_err("too slow");
        assert!(begun.elapsed() < Duration::from_secs(10), "{how:?}: {:?}", begun.elapsed());
        let expected = "not done in the time for all feeds";
        assert_eq!((error.step, error.why.as_str()), (ConnectStep::Time, expected), "{how:?}");
    }
}

#[test]
fn endless_data_is_cut_off_at_the_limit() {
    let server = serving("a", b"x");
    server.misbehave("a", Misbehaviour::Endless);
    assert_eq!(step(get(&server, "a", 100_000)), ConnectStep::Length);
    assert_eq!(server.take_log().requests.len(), 1, "it is not asked for again");
}

#[test]
fn a_file_that_is_said_to_be_too_long_is_not_read() {
    let server = serving("a", &[b'x'; 1001]);
    assert_eq!(step(get(&server, "a", 1000)), ConnectStep::Length);
    assert_eq!(bytes(get(&server, "a", 1001)).len(), 1001);
}

#[test]
fn slow_delivery_ends_when_its_time_is_over() {
    let server = serving("a", b"x");
    server.misbehave("a", Misbehaviour::Drip);
    let limits = Limits { file: Duration::from_millis(500), ..Limits::USUAL };
    let web = HttpTransport::new(&server.url(), &hasty(limits)).unwrap();
    let error = web.get("a", 100_000, None).expect_err("too slow");
    assert_eq!(
        error,
        TransportError { step: ConnectStep::Time, why: "not done within 0.5 s".into() }
    );
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let server = serving("a", b"x");
    server.misbehave("a", Misbehaviour::Hang);
    let limits = Limits { read: Duration::from_millis(500), ..Limits::USUAL };
    let web = HttpTransport::new(&server.url(), &hasty(limits)).unwrap();
    let error = web.get("a", 100, None).expect_err("it hangs");
    assert_eq!(
        error,
        TransportError { step: ConnectStep::Time, why: "no answer within 0.5 s".into() }
    );
}

#[test]
fn all_files_together_have_one_deadline() {
    let server = serving("a", b"x");
    let limits = Limits { visit: Duration::ZERO, ..network().limits };
    let web = HttpTransport::new(&server.url(), &Network { limits, ..network() }).unwrap();
    assert_eq!(step(web.get("a", 100, None)), ConnectStep::Time);
    assert_eq!(server.take_log().requests.len(), 0);
}

#[test]
fn a_body_shorter_than_its_length_is_an_error() {
    let server = serving("a", b"half of it");
    server.misbehave("a", Misbehaviour::Short);
    assert_eq!(step(get(&server, "a", 100)), ConnectStep::Length);
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let server = serving("a", b"x");
    server.misbehave("a", Misbehaviour::StatusFor(503, 2));
    assert_eq!(bytes(get(&server, "a", 100)), b"x");
    assert_eq!(server.take_log().requests.len(), 3);

    server.misbehave("a", Misbehaviour::Status(500));
    assert_eq!(step(get(&server, "a", 100)), ConnectStep::Status);
    assert_eq!(server.take_log().requests.len(), 3);

    server.misbehave("a", Misbehaviour::Status(401));
    assert_eq!(step(get(&server, "a", 100)), ConnectStep::Status);
    assert_eq!(server.take_log().requests.len(), 1);

    server.misbehave("a", Misbehaviour::Close);
    assert_eq!(step(get(&server, "a", 100)), ConnectStep::Connect);
    assert_eq!(server.take_log().requests.len(), 3);
}

#[test]
fn what_is_not_there_is_absent_however_the_server_says_it() {
    let server = serving("a", b"x");
    assert_eq!(get(&server, "b", 100), Ok(Answer::Absent));
    for status in [404, 410] {
        server.misbehave("a", Misbehaviour::Status(status));
        assert_eq!(get(&server, "a", 100), Ok(Answer::Absent), "{status}");
    }
    server.misbehave("metadata/2.root.json", Misbehaviour::Status(403));
    assert_eq!(get(&server, "metadata/2.root.json", 100), Ok(Answer::Absent));
    server.misbehave("a", Misbehaviour::Status(403));
    assert_eq!(step(get(&server, "a", 100)), ConnectStep::Status);
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let elsewhere = serving("a", b"x");
    let server = serving("a", b"x");
    server.misbehave("a", Misbehaviour::Redirect(format!("{}/a\u{1b}[31m", elsewhere.url())));
    server.misbehave("b", Misbehaviour::Redirect(format!("{}/a", elsewhere.url())));
    assert_eq!(step(get(&server, "a", 100)), ConnectStep::Status);
    let error = get(&server, "b", 100).expect_err("a redirect");
    assert!(error.why.contains(&elsewhere.url()), "{error}");
    assert_eq!(elsewhere.take_log().requests.len(), 0);
}

#[test]
fn an_unchanged_answer_that_nobody_asked_for_is_an_error() {
    let server = serving("a", b"x");
    server.misbehave("a", Misbehaviour::Status(304));
    assert_eq!(step(get(&server, "a", 100)), ConnectStep::Status);
}

#[test]
fn a_file_that_did_not_change_is_not_sent_again() {
    let server = serving("a", b"x");
    let web = HttpTransport::new(&server.url(), &network()).unwrap();
    let Ok(Answer::Found { validator: Some(validator), .. }) = web.get("a", 100, None) else {
        panic!("there is no validator");
    };
    assert_eq!(web.get("a", 100, Some(&validator)), Ok(Answer::Unchanged));
    assert_eq!(server.take_log().connections, 1);
}

#[test]
fn a_name_that_is_none_and_a_port_that_nobody_listens_on_are_told_apart() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = |url: &str| HttpTransport::new(url, &network()).unwrap().get("a", 100, None);
    assert_eq!(step(at(&format!("http://{nobody}"))), ConnectStep::Connect);
    assert_eq!(step(at("http://name.invalid")), ConnectStep::Name);
}

#[test]
fn a_plain_port_is_no_place_for_tls() {
    let server = serving("a", b"x");
    let url = server.url().replace("http://", "https://");
    let error = HttpTransport::new(&url, &network()).unwrap().get("a", 100, None);
    assert_eq!(error.clone().map_err(|e| e.step), Err(ConnectStep::Tls), "{error:?}");
}

#[test]
fn a_proxy_is_used_and_named_when_it_fails() {
    let server = serving("a", b"x");
    let proxy = serving("", b"");
    let through = |url: &str| {
        let network = Network { proxy: Some(url.to_owned()), ..network() };
        HttpTransport::new(&server.url(), &network).unwrap().get("a", 100, None)
    };
    assert_eq!(bytes(through(&proxy.url())), b"x");
    let asked = proxy.take_log().requests;
    assert_eq!(asked, [format!("CONNECT {}", server.address())]);

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(step(through(&format!("http://{nobody}"))), ConnectStep::Proxy);
    assert_eq!(step(through("http://name.invalid:8080")), ConnectStep::Proxy);
    let wrong = |url: &str| {
        let network = Network { proxy: Some(url.to_owned()), ..network() };
        HttpTransport::new(&server.url(), &network).map(|_| ()).map_err(|error| error.step)
    };
    assert_eq!(wrong("not a url"), Err(ConnectStep::Proxy));
    assert_eq!(wrong("socks5://127.0.0.1:1080"), Err(ConnectStep::Proxy));
}

#[test]
fn an_unchanged_feed_is_two_small_requests_on_one_connection() {
    let mut repository = Repository::new(now());
    for number in 0..100 {
        repository.set(&format!("ACME-{number}.toml"), b"title = \"x\"");
    }
    repository.publish();
    let web = WebServer::of(&repository.published);
    let server = Server::trusting(&repository);
    let refresh = || server.feed().refresh(open_transport(&web.url(), &network()).unwrap(), now());

    assert_eq!(refresh().unwrap().added.len(), 100);
    assert_eq!(web.take_log().connections, 1);
    let before = server.tree.state_files();

    let refreshed = refresh().unwrap();
    assert_eq!((refreshed.cost.requests, refreshed.cost.bytes), (2, 0));
    let log = web.take_log();
    assert_eq!(log.requests, ["GET metadata/2.root.json", "GET metadata/timestamp.json"]);
    assert_eq!(log.connections, 1);
    assert!(log.bytes < 4096, "{} bytes", log.bytes);
    assert_eq!(server.tree.state_files(), before, "nothing is written again");
}

#[test]
fn a_timestamp_that_is_torn_here_is_asked_for_as_if_it_were_not_there() {
    let mut repository = Repository::new(now());
    repository.set("A.toml", b"a");
    repository.publish();
    let web = WebServer::of(&repository.published);
    let server = Server::trusting(&repository);
    let refresh = || server.feed().refresh(open_transport(&web.url(), &network()).unwrap(), now());
    refresh().unwrap();
    let path = server.tree.state().join("cache/feeds/acme/metadata/timestamp.json");
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    assert!(refresh().unwrap().cost.bytes >= good.len() as u64);
    assert_eq!(std::fs::read(&path).unwrap(), good);
    assert_eq!(refresh().unwrap().cost.bytes, 0);
}

#[test]
fn one_more_file_fetches_one_file() {
    let mut repository = Repository::new(now());
    for number in 0..20 {
        repository.set(&format!("ACME-{number}.toml"), b"title = \"x\"");
    }
    repository.publish();
    let web = WebServer::of(&repository.published);
    let server = Server::trusting(&repository);
    let refresh = || server.feed().refresh(open_transport(&web.url(), &network()).unwrap(), now());
    refresh().unwrap();

    repository.set("ACME-20.toml", b"title = \"y\"");
    repository.publish();
    web.serve(&repository.published);
    let _ = web.take_log();
    assert_eq!(refresh().unwrap().added, ["ACME-20.toml"]);
    let requests = web.take_log().requests;
    assert_eq!(requests.iter().filter(|path| path.contains("targets/")).count(), 1);
    assert_eq!(requests.len(), 5, "{requests:?}");
}

#[test]
fn a_feed_that_breaks_off_goes_on_where_it_was() {
    let mut repository = Repository::new(now());
    for number in 0..20 {
        repository.set(&format!("ACME-{number:02}.toml"), b"title = \"x\"");
    }
    repository.set("ACME-19.toml", b"title = \"the last\"");
    repository.publish();
    let web = WebServer::of(&repository.published);
    let last = repository.published.keys().find(|path| path.contains("ACME-19")).unwrap().clone();
    web.misbehave(&last, Misbehaviour::Status(500));
    let server = Server::trusting(&repository);
    let refresh = || server.feed().refresh(open_transport(&web.url(), &network()).unwrap(), now());
    let Err(Refusal::Unreachable { path, error }) = refresh() else { panic!("it cannot be had") };
    assert_eq!((path, error.step), (last.clone(), ConnectStep::Status));
    assert_eq!(server.offered(), Err(Refusal::NothingRemembered));

    web.misbehave(&last, Misbehaviour::StatusFor(500, 0));
    let _ = web.take_log();
    assert_eq!(refresh().unwrap().added.len(), 20);
    let requests = web.take_log().requests;
    assert_eq!(requests.iter().filter(|path| path.contains("targets/")).count(), 1);
    assert_eq!(server.offered().unwrap().len(), 20);
}

/// By what the child knows that it is one, and whom to ask.
const URL: &str = "STOPGAP_TEST_URL";

/// Not a test by itself: a process has one environment.
#[test]
fn a_child_that_asks() {
    let Ok(url) = std::env::var(URL) else { return };
    let web = HttpTransport::new(&url, &Network { proxy: None, ..network() }).unwrap();
    assert_eq!(bytes(web.get("a", 100, None)), b"x");
}

#[test]
fn the_proxy_of_the_environment_is_used_unless_the_server_is_excepted() {
    let server = serving("a", b"x");
    let proxy = serving("", b"");
    let ask = |no_proxy: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_child_that_asks", "--nocapture"])
            .env(URL, server.url())
            .env("HTTP_PROXY", proxy.url())
            .env("NO_PROXY", no_proxy)
            .env_remove("ALL_PROXY")
            .env_remove("HTTPS_PROXY")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        proxy.take_log().requests
    };
    assert_eq!(ask("example.com"), [format!("CONNECT {}", server.address())]);
    assert_eq!(ask("127.0.0.1"), Vec::<String>::new());
}
