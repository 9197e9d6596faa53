//! `stopgap try`: what a server would do with a request, and which rule says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{VULNERABLE, on, program, stopgap};
use stopgap_testkit::Tree;

const ATTACK: &str = "GET /autodiscover/autodiscover.json?a@foo.var&FooProtocol=%50owershell";

/// A web.config with these rules, in a file of its own.
struct WebConfig(std::path::PathBuf);

impl WebConfig {
    fn new(name: &str, rules: &str) -> Self {
        let file = std::env::temp_dir().join(format!("stopgap-try-{}-{name}", std::process::id()));
        let text = format!(
            "<configuration><system.webServer><rewrite><rules>{rules}</rules>\
             <rewriteMaps><rewriteMap name=\"Old\" defaultValue=\"/none\">\
             <add key=\"/a\" value=\"/b\" /></rewriteMap></rewriteMaps>\
             </rewrite></system.webServer></configuration>"
        );
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    #[track_caller]
    fn answers(&self, request: &str, expected: &[(&str, serde_json::Value)]) {
        let run =
            stopgap(&["try", "--json", "--iis", self.0.to_str().unwrap(), "--request", request]);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        for (key, value) in expected {
            assert_eq!(&run.json()[key], value, "{request}: {key} of {}", run.out);
        }
    }
}

impl Drop for WebConfig {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_mitigation_of_the_catalog_is_tried_by_its_id() {
    let run = stopgap(&["try", "--json", "--id", "M1", "--request", ATTACK]);
    assert_eq!((&run.json()["verdict"], &run.json()["by"]), (&"blocked".into(), &"M1.1".into()));
    let run = stopgap(&["try", "--json", "--id", "M1", "--request", "GET /owa/"]);
    assert_eq!(run.json()["verdict"], "allowed");
    let cookie = "Cookie: X-AnonResource-Backend=localhost/ecp/default.flt?~3";
    let run = stopgap(&[
        "try",
        "--json",
        "--id",
        "CVE-2021-26855",
        "--request",
        "GET /owa/auth/x.js",
        "--header",
        cookie,
    ]);
    assert_eq!(run.json()["by"], "PL.1", "{}", run.out);
}

#[test]
fn a_server_answers_as_its_configuration_says_before_and_after() {
    let tree = Tree::exchange(VULNERABLE);
    let site = ["try", "--site", "Default Web Site", "--request", ATTACK];
    assert_eq!(on(&tree, &site).json()["verdict"], "allowed");
    on(&tree, &["check"]);
    let after = on(&tree, &site).json();
    assert_eq!((&after["verdict"], &after["by"]), (&"blocked".into(), &"Stopgap M1.1".into()));
    assert_eq!(after["status"], serde_json::Value::Null);
    let unknown = on(&tree, &["try", "--site", "Intranet", "--request", "GET /"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.out.contains("Exchange Back End"), "{}", unknown.out);
}

#[test]
fn rules_of_anybody_are_answered_for() {
    let config = WebConfig::new(
        "any",
        r#"<rule name="gone" patternSyntax="Wildcard" stopProcessing="true"><match url="old/*" />
             <action type="CustomResponse" statusCode="410" statusReason="Gone" /></rule>
           <rule name="exact" patternSyntax="ExactMatch"><match url="cut" />
             <action type="AbortRequest" /></rule>
           <rule name="move"><match url="^shop/(\d+)$" />
             <action type="Redirect" url="/items/{R:1}" redirectType="Found" /></rule>
           <rule name="map"><match url=".*" /><conditions>
             <add input="{Old:{URL}}" pattern="^(/b)$" /></conditions>
             <action type="Rewrite" url="{C:1}" /></rule>
           <rule name="local"><match url="^who" /><conditions>
             <add input="{REMOTE_ADDR}" pattern="^10\." /></conditions>
             <action type="AbortRequest" /></rule>"#,
    );
    config.answers("GET /old/x", &[("verdict", "blocked".into()), ("status", 410.into())]);
    config.answers("GET /CUT", &[("verdict", "blocked".into()), ("by", "exact".into())]);
    config.answers(
        "GET /shop/7?a=b",
        &[("verdict", "redirected".into()), ("status", 302.into()), ("url", "/items/7?a=b".into())],
    );
    config.answers("GET /a", &[("verdict", "rewritten".into()), ("url", "/b".into())]);
    config.answers("GET /who", &[("verdict", "unknown".into())]);
    config.answers("GET /else", &[("verdict", "allowed".into())]);
}

#[test]
fn a_pattern_that_iis_cannot_read_answers_500_and_says_why() {
    let config = WebConfig::new(
        "bad",
        r#"<rule name="bad"><match url="*" /><action type="AbortRequest" /></rule>"#,
    );
    config.answers("GET /", &[("status", 500.into()), ("by", "bad".into())]);
    let file = config.0.to_str().unwrap();
    let run = stopgap(&["try", "--iis", file, "--request", "GET /"]);
    assert!(run.out.contains("IIS answers 500"), "{}", run.out);
}

#[test]
fn a_pattern_that_takes_more_than_linear_time_leaves_unknown_only_what_depends_on_it() {
    let config = WebConfig::new(
        "back",
        r#"<rule name="earlier"><match url="^health$" /><action type="CustomResponse" statusCode="403" /></rule>
           <rule name="pass" stopProcessing="true"><match url="^static/" /></rule>
           <rule name="twice"><match url="^app/" /><conditions>
             <add input="{QUERY_STRING}" pattern="(\w)=\1" />
             <add input="{REQUEST_METHOD}" pattern="^POST$" /></conditions>
             <action type="AbortRequest" /></rule>
           <rule name="later"><match url="^(app|old)/" /><conditions>
             <add input="{HTTP_X_LATER}" pattern="^1$" /></conditions>
             <action type="AbortRequest" /></rule>"#,
    );
    let run = |request: &str, header: &str| {
        let file = config.0.to_str().unwrap();
        let fixed = ["try", "--json", "--iis", file, "--request", request, "--header", header];
        stopgap(&fixed).json()
    };
    // It depends on the pattern, whether that matches or not; where a later rule blocks as well, only by
    // which rule.
    for (request, header, verdict) in [
        ("POST /app/?a=a", "A: b", "unknown"),
        ("POST /app/?a=b", "A: b", "unknown"),
        ("POST /app/?a=a", "X-Later: 1", "blocked"),
    ] {
        let json = run(request, header);
        assert_eq!((&json["verdict"], &json["by"]), (&verdict.into(), &().into()), "{request}");
        let notes = json["notes"].as_array().unwrap();
        assert_eq!(notes.len(), 1, "{json}");
        assert!(notes[0].as_str().unwrap().contains("the rule `twice`"), "{json}");
        assert!(notes[0].as_str().unwrap().contains("it refers back to a group"), "{json}");
    }
    // Decided before it, out of its URL, or excluded by its other condition.
    let others = [
        ("POST /health?a=a", "A: b", "blocked", "earlier"),
        ("POST /static/?a=a", "A: b", "allowed", ""),
        ("POST /?a=a", "A: b", "allowed", ""),
        ("GET /app/?a=a", "A: b", "allowed", ""),
        ("GET /app/?a=a", "X-Later: 1", "blocked", "later"),
        ("POST /old/?a=a", "X-Later: 1", "blocked", "later"),
    ];
    for (request, header, verdict, by) in others {
        let json = run(request, header);
        assert_eq!(json["verdict"], verdict, "{request}: {json}");
        assert_eq!(json["by"].as_str().unwrap_or_default(), by, "{request}: {json}");
    }
    let file = config.0.to_str().unwrap();
    let told = stopgap(&["try", "--iis", file, "--request", "POST /app/?a=a"]);
    assert!(told.out.starts_with("unknown\n") && told.out.contains("`twice`"), "{}", told.out);
}

#[test]
fn a_stream_of_requests_is_answered_line_by_line() {
    let mut child = Command::new(program())
        .args(["try", "--id", "M1", "--requests", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = concat!(
        r#"{"method":"GET","uri":"/autodiscover/x?powershell"}"#,
        "\n",
        r#"{"method":"POST","uri":"/owa/","headers":{"Cookie":["a=b","c=d"],"X":"y"},"body":"z"}"#,
        "\n",
    );
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let verdicts: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["verdict"].to_string())
        .collect();
    assert_eq!(verdicts, ["\"blocked\"", "\"allowed\""]);
}

/// A folder with one mitigation document, which changes headers.
struct Catalog(std::path::PathBuf);

impl Catalog {
    fn of_headers(name: &str) -> Self {
        let id = std::process::id();
        let folder = std::env::temp_dir().join(format!("stopgap-try-catalog-{id}-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let document = r#"
schema = 1
id = "H1"
revision = 1
title = "Headers that are changed on the way in and out"
severity = "low"
impact = "None."
no_live_probe = "It blocks nothing, so there is nothing to send."

[[action]]
id = "H1.1"
kind = "response-header"
header = "Content-Security-Policy"
append = "; script-src-attr 'none'"
when = [{ field = "response-content-type", equals = "text/html" }]

[[action]]
id = "H1.2"
kind = "response-header"
header = "X-Powered-By"
remove = true

[[action]]
id = "H1.3"
kind = "request-header"
remove = "x-middleware-subrequest"
"#;
        std::fs::write(folder.join("H1.toml"), document).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> common::Run {
        let folder = self.0.to_str().unwrap();
        let fixed = ["try", "--unsigned", "--catalog", folder, "--id", "H1", "--request", "GET /"];
        stopgap(&[&fixed[..], arguments].concat())
    }
}

impl Drop for Catalog {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_mitigation_tells_which_headers_the_client_and_the_application_see() {
    let catalog = Catalog::of_headers("told");
    let policy = "Content-Security-Policy: default-src 'self'";
    let run = catalog.run(&[
        "--json",
        "--header",
        "X-Middleware-Subrequest: middleware",
        "--header",
        "A: b",
        "--response-type",
        "text/html; charset=utf-8",
        "--response-header",
        policy,
        "--response-header",
        "X-Powered-By: PHP",
    ]);
    let json = run.json();
    assert_eq!(json["verdict"], "allowed", "{}", run.out);
    assert_eq!(json["request_headers"], serde_json::json!([["A", "b"]]));
    let expected = serde_json::json!({
        "headers": [
            ["Content-Type", "text/html; charset=utf-8"],
            ["Content-Security-Policy", "default-src 'self'; script-src-attr 'none'"],
        ],
        "by": ["H1.1", "H1.2"],
    });
    assert_eq!(json["response"], expected);
    let run = catalog.run(&["--header", "X-Middleware-Subrequest: m", "--response-header", policy]);
    assert_eq!(
        run.out,
        "allowed\nthe application does not see X-Middleware-Subrequest\n\
         the response passes as it is\n"
    );
    let run =
        catalog.run(&["--response-type", "text/html", "--response-header", "X-Powered-By: x"]);
    assert_eq!(
        run.out,
        "allowed\nthe client sees Content-Security-Policy: ; script-src-attr 'none', by the rule\n  \
         `H1.1`\nthe client does not see X-Powered-By, by the rule `H1.2`\n"
    );
    // Without a response nothing is said of one.
    let run = catalog.run(&["--json"]);
    assert!(run.json().get("response").is_none() && run.json().get("request_headers").is_none());
}

#[test]
fn a_line_of_a_file_of_requests_may_have_its_response() {
    let catalog = Catalog::of_headers("lines");
    let file = catalog.0.join("requests.jsonl");
    let lines = concat!(
        r#"{"method":"GET","uri":"/","response":{"headers":{"Content-Type":"text/html"}}}"#,
        "\n",
        r#"{"method":"GET","uri":"/","response":{"status":404,"headers":{"X":["a","b"]}}}"#,
        "\n",
    );
    std::fs::write(&file, lines).unwrap();
    let folder = catalog.0.to_str().unwrap();
    let arguments = ["try", "--unsigned", "--catalog", folder, "--id", "H1", "--requests"];
    let run = stopgap(&[&arguments[..], &[file.to_str().unwrap()]].concat());
    let by: Vec<String> = run
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["response"].to_string()
        })
        .collect();
    assert!(by[0].contains(r#""by":["H1.1"]"#), "{}", run.out);
    assert_eq!(by[1], r#"{"by":[],"headers":[["X","a"],["X","b"]]}"#);
    for bad in [r#"{"status":20}"#, r#"{"headers":{"a b":"c"}}"#, r#"{"stauts":200}"#] {
        let line = format!(r#"{{"method":"GET","uri":"/","response":{bad}}}"#);
        std::fs::write(&file, line).unwrap();
        let run = stopgap(&[&arguments[..], &[file.to_str().unwrap()]].concat());
        assert_eq!(run.code, 2, "{bad}: {}", run.out);
    }
}

#[test]
fn the_rules_of_a_configuration_tell_which_headers_the_application_sees() {
    let config = WebConfig::new(
        "sets",
        r#"<rule name="set"><match url=".*" /><serverVariables>
             <set name="HTTP_X_SITE" value="one" /></serverVariables>
             <action type="None" /></rule>
           <rule name="evil"><match url=".*" /><conditions>
             <add input="{QUERY_STRING}" pattern="evil" /></conditions>
             <action type="AbortRequest" /></rule>"#,
    );
    config.answers(
        "GET /",
        &[
            ("verdict", "allowed".into()),
            ("request_headers", serde_json::json!([["x-site", "one"]])),
        ],
    );
    config.answers("GET /?evil", &[("by", "evil".into()), ("request_headers", ().into())]);
    let run = stopgap(&["try", "--iis", config.0.to_str().unwrap(), "--request", "GET /"]);
    assert_eq!(run.out, "allowed\nthe application sees x-site: one\n");
}

#[test]
fn a_blocked_request_has_no_response() {
    let arguments = ["try", "--json", "--id", "M1", "--response-type", "text/html", "--request"];
    let json = stopgap(&[&arguments[..], &[ATTACK]].concat()).json();
    assert!(json.get("response").is_some_and(serde_json::Value::is_null), "{json}");
    let wrong = ["--response-header", "no header"];
    assert_eq!(stopgap(&[&arguments[..], &["GET /"], &wrong].concat()).code, 2);
}

#[test]
fn a_request_that_is_none_is_wrong_usage() {
    for (request, header) in [("GET", "A: b"), ("GET /x y", "A: b"), ("GET /", "no header")] {
        let run = stopgap(&["try", "--id", "M1", "--request", request, "--header", header]);
        assert_eq!(run.code, 2, "{request} {header}: {}", run.err);
    }
    let nothing = stopgap(&["try", "--request", "GET /"]);
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.contains("--iis"), "{}", nothing.err);
}

/// A folder with these files, and beside it one with others.
struct Site(std::path::PathBuf);

impl Site {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("stopgap-site-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("root/sub")).unwrap();
        std::fs::create_dir_all(folder.join("secret")).unwrap();
        std::fs::write(folder.join("root/Logo.PNG"), "").unwrap();
        std::fs::write(folder.join("secret/key"), "").unwrap();
        #[cfg(unix)]
        for (to, link) in [("../secret", "root/out"), ("../secret/key", "root/key")] {
            std::os::unix::fs::symlink(to, folder.join(link)).unwrap();
        }
        Self(folder)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A rule that blocks what is a file, and one that moves what is a folder.
const FILES: &str = r#"<rule name="file" stopProcessing="true"><match url="(.*)" /><conditions>
      <add input="{DOCUMENT_ROOT}/{R:1}" matchType="IsFile" /></conditions>
      <action type="AbortRequest" /></rule>
    <rule name="folder" stopProcessing="true"><match url="(.*)" /><conditions>
      <add matchType="IsDirectory" /></conditions>
      <action type="Rewrite" url="/listing" /></rule>
    <rule name="elsewhere"><match url="^drive" /><conditions>
      <add input="C:\Windows\win.ini" matchType="IsFile" /></conditions>
      <action type="AbortRequest" /></rule>"#;

#[test]
fn a_file_is_looked_for_in_the_docroot_and_no_link_leads_out_of_it() {
    let (site, config) = (Site::new("links"), WebConfig::new("links", FILES));
    let (file, root) = (config.0.to_str().unwrap(), site.0.join("root"));
    let docroot = ["--docroot", root.to_str().unwrap()];
    let ask = |request: &str, more: &[&str]| {
        let run =
            stopgap(&[&["try", "--json", "--iis", file, "--request", request], more].concat());
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        run.json()
    };
    for (request, verdict) in [
        ("GET /logo.png", "blocked"),
        ("GET /x/..%2fLOGO.png", "blocked"),
        ("GET /SUB", "rewritten"),
        ("GET /", "rewritten"),
        ("GET /missing", "allowed"),
        ("GET /logo.png/more", "allowed"),
    ] {
        assert_eq!(ask(request, &docroot)["verdict"], verdict, "{request}");
        assert_eq!(ask(request, &[])["verdict"], "unknown", "{request}");
    }
    // Behind a link, out of the folder, or under a name that Windows may read as another.
    for (request, why) in [
        ("GET /out/key", "link"),
        ("GET /key", "link"),
        ("GET /LOGO~1.PNG", "short name"),
        ("GET /logo.png.", "name"),
        ("GET /drive", "below --docroot"),
    ] {
        let json = ask(request, &docroot);
        assert_eq!(json["verdict"], "unknown", "{request}: {json}");
        let notes: Vec<&str> =
            json["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
        let told =
            notes.iter().any(|note| note.contains("was not looked at") && note.contains(why));
        assert!(told, "{request}: {notes:?}");
    }
    // One way up is still the site's root, as it is for IIS.
    let above = ask("GET /../secret/key", &docroot);
    assert_eq!(above["outcomes"][1]["verdict"], "allowed", "{above}");
    let lost =
        stopgap(&["try", "--iis", file, "--request", "GET /", "--docroot", "/nowhere/at/all"]);
    assert_ne!(lost.code, 0);
}

#[test]
fn a_site_of_a_tree_tells_which_files_it_has() {
    let tree = Tree::exchange(VULNERABLE);
    let root = tree.root().join("C/inetpub/wwwroot");
    std::fs::create_dir_all(&root).unwrap();
    let rules = r#"<rule name="front" patternSyntax="Wildcard"><match url="*" /><conditions>
        <add input="{REQUEST_FILENAME}" matchType="IsFile" negate="true" />
        <add input="{REQUEST_FILENAME}" matchType="IsDirectory" negate="true" />
        <add input="{REQUEST_FILENAME}" pattern="C:\\inetpub\\*" /></conditions>
        <action type="Rewrite" url="index.php" /></rule>"#;
    let rules = rules.replace("\\\\", "\\");
    let text = format!(
        "<configuration><system.webServer><rewrite><rules>{rules}</rules></rewrite>\
         </system.webServer></configuration>"
    );
    std::fs::write(root.join("web.config"), text).unwrap();
    std::fs::write(root.join("logo.png"), "").unwrap();
    let ask = |request: &str| {
        let run = on(&tree, &["try", "--site", "Default Web Site", "--request", request]);
        assert_eq!(run.code, 0, "{}", run.err);
        run.json()
    };
    assert_eq!(ask("GET /logo.png")["verdict"], "allowed");
    let about = ask("GET /about");
    assert_eq!((&about["verdict"], &about["url"]), (&"rewritten".into(), &"/index.php".into()));
    // The attack is seen however its path is spelt.
    on(&tree, &["check"]);
    let attack = ATTACK.replace("/autodiscover/", "/x/%2e%2e/autodiscover\\");
    assert_eq!(ask(&attack)["by"], "Stopgap M1.1");
}

#[test]
fn both_outcomes_are_told_where_a_request_does_not_say_how_it_comes() {
    let config = WebConfig::new(
        "https",
        r#"<rule name="https" stopProcessing="true"><match url="(.*)" /><conditions>
             <add input="{HTTPS}" pattern="^OFF$" /></conditions>
             <action type="Redirect" url="https://{HTTP_HOST}/{R:1}" /></rule>
           <rule name="git" stopProcessing="true"><match url="(^|/)\.git" />
             <action type="CustomResponse" statusCode="404" /></rule>"#,
    );
    let file = config.0.to_str().unwrap();
    let ask = |more: &[&str]| {
        let fixed = ["try", "--iis", file, "--request", "GET /.git/config", "--header", "Host: h"];
        stopgap(&[&fixed[..], more].concat())
    };
    assert_eq!(
        ask(&[]).out,
        "unknown\n\
         if the request comes over HTTPS: blocked: answered with status 404, by the rule\n  `git`\n\
         if the request does not come over HTTPS: redirected with status 301 to\n  \
         https://h/.git/config, by the rule `https`\n\
         because the rule `https` depends on whether the request comes over HTTPS (name\n  \
         http:// or https:// in the request)\n"
    );
    assert_eq!(ask(&["--https"]).out, "blocked: answered with status 404\nby the rule `git`\n");
    let json = ask(&["--json"]).json();
    assert_eq!(json["outcomes"][0]["if"], serde_json::json!(["the request comes over HTTPS"]));
    assert_eq!((&json["outcomes"][0]["status"], &json["status"]), (&404.into(), &().into()));
}
