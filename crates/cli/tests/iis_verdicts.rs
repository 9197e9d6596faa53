//! What `stopgap try --iis` answers, against verdicts that were worked out by hand from the
//! reference of the URL Rewrite module and from `docs/iis-model.md`.
//!
//! The table is in `iis_verdicts/*.txt`. A file has rule sets, each with requests:
//!
//! ```text
//! # a comment, at the start of a line
//! === a title
//! + index.php                             a file of the site, or a folder with a slash behind it
//! <rule name="a">…</rule>                 rules, or a whole <rewrite>, or a whole <configuration>
//! ---
//! GET /x?y | Cookie: a=b => blocked by a
//! ```
//!
//! Before `=>` stand method and target, then parts behind ` | `: `Name: value` is a header (once
//! more for a repeated one), `< Name: value` one of the response, `< 404` the response's status.
//! Behind it stands the verdict, then parts behind ` | ` that must hold too:
//!
//! | verdict | what it says |
//! | --- | --- |
//! | `allowed` | no rule changed the URL or ended the request |
//! | `blocked by RULE` | the connection is closed |
//! | `blocked 403 by RULE` | answered with that status |
//! | `rewritten /url by RULE` | by the last rule that did |
//! | `redirected 301 /url by RULE` | |
//! | `unknown by RULE, RULE` | exactly these rules could not be evaluated |
//! | `either VERDICT or VERDICT` | it depends on what is not known; these follow, in their order |
//! | `refused TEXT` | the whole file is refused, and the error has this text |
//! | part: `app Name: value`, `app -Name` | a header that the application sees, or does not see |
//! | part: `client Name: value`, `client -Name` | the same of the client and the response |
//! | part: `client by RULE, RULE` | the rules that changed the response, in their order |
//! | part: `client unknown` | it cannot be told what the client sees |
//! | part: `note TEXT` | one of the notes has this text |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Run, program};
use serde_json::{Map, Value, json};

/// Fewer pairs than this are not the table that was agreed on.
const MIN_PAIRS: usize = 300;

/// A rule set and what becomes of requests under it.
struct Set {
    /// File and title, for messages.
    title: String,
    config: String,
    /// What is in the site's folder. `None`: nobody tells.
    files: Option<Vec<String>>,
    pairs: Vec<Pair>,
}

struct Pair {
    line: String,
    request: Value,
    expected: String,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/iis_verdicts");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files
}

fn sets(file: &Path) -> Vec<Set> {
    let text = fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let text = lines.join("\n");
    let (before, rest) = text.split_once("=== ").unwrap_or_else(|| panic!("{name}: no set"));
    assert!(before.trim().is_empty(), "{name}: text before the first set: {before}");
    rest.split("\n=== ").map(|part| set(&name, part)).collect()
}

fn set(file: &str, part: &str) -> Set {
    let (title, rest) = part.split_once('\n').unwrap();
    let title = format!("{file}: {title}");
    let (rules, lines) = rest.split_once("\n---\n").unwrap_or_else(|| panic!("{title}: no ---"));
    let (files, rules): (Vec<&str>, Vec<&str>) =
        rules.lines().partition(|line| line.starts_with("+ "));
    let files: Vec<String> = files.iter().map(|line| line[2..].to_owned()).collect();
    let files = (!files.is_empty()).then_some(files);
    let rules = rules.join("\n");
    let rules = rules.trim();
    let config = match rules {
        rules if rules.starts_with("<configuration") => rules.to_owned(),
        rules if rules.starts_with("<rewrite>") => server(rules),
        rules => server(&format!("<rewrite><rules>{rules}</rules></rewrite>")),
    };
    let pairs = lines.lines().filter(|line| !line.trim().is_empty()).map(pair).collect();
    Set { title, config, files, pairs }
}

fn server(rewrite: &str) -> String {
    format!("<configuration><system.webServer>{rewrite}</system.webServer></configuration>")
}

fn pair(line: &str) -> Pair {
    let (asked, expected) = line.split_once(" => ").unwrap_or_else(|| panic!("no => in {line}"));
    let mut parts = asked.split(" | ");
    let (method, uri) = parts.next().unwrap().split_once(' ').unwrap();
    let mut request = json!({"method": method, "uri": uri});
    let (mut sent, mut given, mut response) = (Map::new(), Map::new(), None);
    for part in parts {
        match part.strip_prefix("< ") {
            None => add(&mut sent, part),
            Some(part) => {
                let response = response.get_or_insert_with(Map::new);
                match part.parse::<u16>() {
                    Ok(status) => drop(response.insert("status".into(), status.into())),
                    Err(_) => add(&mut given, part),
                }
            }
        }
    }
    request["headers"] = sent.into();
    if let Some(mut response) = response {
        response.insert("headers".into(), given.into());
        request["response"] = response.into();
    }
    Pair { line: line.to_owned(), request, expected: expected.trim().to_owned() }
}

fn add(headers: &mut Map<String, Value>, line: &str) {
    let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line}"));
    let values = headers.entry(name).or_insert_with(|| json!([]));
    values.as_array_mut().unwrap().push(value.trim_start().into());
}

/// A folder with these files and folders.
fn docroot(files: &[String], at: usize) -> PathBuf {
    let name = format!("stopgap-verdicts-{}-{at}.site", std::process::id());
    let root = std::env::temp_dir().join(name);
    for file in files {
        let path = root.join(file);
        if file.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }
    root
}

/// Runs the program once, with every request of the set.
fn run(set: &Set, at: usize) -> Run {
    let name = format!("stopgap-verdicts-{}-{at}.config", std::process::id());
    let file = std::env::temp_dir().join(name);
    fs::write(&file, &set.config).unwrap();
    let docroot = set.files.as_ref().map(|files| docroot(files, at));
    let mut child = Command::new(program())
        .args(["try", "--json", "--iis", file.to_str().unwrap(), "--requests", "-"])
        .args(docroot.iter().flat_map(|folder| ["--docroot", folder.to_str().unwrap()]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = set.pairs.iter().map(|pair| format!("{}\n", pair.request)).collect();
    // A file that is refused ends the program before it reads.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    fs::remove_file(&file).unwrap();
    docroot.iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
    Run::of(&output)
}

/// What differs between the program's answers and the table's, one line each.
fn differences(set: &Set, run: &Run) -> Vec<String> {
    let wrong = |pair: &Pair, why: &str| format!("{}\n  {}\n  {why}", set.title, pair.line);
    let refused = set.pairs.iter().all(|pair| pair.expected.starts_with("refused "));
    if refused || run.code != 0 {
        let told = |pair: &&Pair| {
            let text = pair.expected.strip_prefix("refused ");
            run.code == 0 || !text.is_some_and(|text| run.out.contains(text))
        };
        let pairs = set.pairs.iter().filter(told);
        return pairs.map(|pair| wrong(pair, &format!("{}{}", run.out, run.err))).collect();
    }
    let answers: Vec<&str> = run.out.lines().collect();
    assert_eq!(answers.len(), set.pairs.len(), "{}: {}", set.title, run.out);
    let both = set.pairs.iter().zip(answers);
    both.filter_map(|(pair, answer)| {
        let json = serde_json::from_str(answer).unwrap();
        let unmet = pair.expected.split(" | ").find(|part| !holds(part, &json))?;
        Some(wrong(pair, &format!("`{unmet}` does not hold: {answer}")))
    })
    .collect()
}

/// Whether a part of what is expected holds for an answer.
fn holds(part: &str, answer: &Value) -> bool {
    if let Some(text) = part.strip_prefix("note ") {
        return notes(answer).iter().any(|note| note.contains(text));
    }
    if let Some(header) = part.strip_prefix("app ") {
        return has(&answer["request_headers"], header);
    }
    let Some(client) = part.strip_prefix("client ") else { return is_verdict(part, answer) };
    let response = &answer["response"];
    if client == "unknown" {
        return response.is_null();
    }
    match client.strip_prefix("by ") {
        Some(rules) => response["by"] == json!(rules.split(", ").collect::<Vec<_>>()),
        None => has(&response["headers"], client),
    }
}

/// Whether headers have the one of `line` with exactly its value, or do not have that of `-Name`.
fn has(headers: &Value, line: &str) -> bool {
    let Some(headers) = headers.as_array() else { return false };
    let values = |name: &str| -> Vec<&Value> {
        let same = |pair: &&Value| pair[0].as_str().unwrap().eq_ignore_ascii_case(name);
        headers.iter().filter(same).map(|pair| &pair[1]).collect()
    };
    match line.strip_prefix('-') {
        Some(name) => values(name).is_empty(),
        None => {
            let (name, value) = line.split_once(": ").unwrap();
            values(name) == [&json!(value)]
        }
    }
}

fn is_verdict(expected: &str, answer: &Value) -> bool {
    if let Some(each) = expected.strip_prefix("either ") {
        let each: Vec<&str> = each.split(" or ").collect();
        let outcomes = answer["outcomes"].as_array().cloned().unwrap_or_default();
        let fits = |(expected, outcome): (&&str, &Value)| is_verdict(expected, outcome);
        return each.len() == outcomes.len() && each.iter().zip(&outcomes).all(fits);
    }
    let (head, by) = match expected.split_once(" by ") {
        Some((head, by)) => (head, json!(by)),
        None => (expected, Value::Null),
    };
    let words: Vec<&str> = head.splitn(3, ' ').collect();
    if words == ["unknown"] {
        let rules: Vec<String> =
            by.as_str().unwrap().split(", ").map(|rule| format!("the rule `{rule}` ")).collect();
        let notes = notes(answer);
        return answer["verdict"] == "unknown"
            && notes.len() == rules.len()
            && notes.iter().zip(rules).all(|(note, rule)| note.starts_with(&rule));
    }
    let status = |text: &str| json!(text.parse::<u16>().unwrap());
    let (status, url) = match words.as_slice() {
        ["allowed" | "blocked"] => (Value::Null, Value::Null),
        ["blocked", code] => (status(code), Value::Null),
        ["rewritten", url] => (Value::Null, json!(url)),
        // A rewritten path may have blanks in it.
        ["rewritten", url, rest] => (Value::Null, json!(format!("{url} {rest}"))),
        ["redirected", code, url] => (status(code), json!(url)),
        _ => panic!("not a verdict: {expected}"),
    };
    answer["verdict"] == words[0]
        && (&answer["by"], &answer["status"], &answer["url"]) == (&by, &status, &url)
}

fn notes(answer: &Value) -> Vec<String> {
    let notes = answer["notes"].as_array().cloned().unwrap_or_default();
    notes.iter().map(|note| note.as_str().unwrap().to_owned()).collect()
}

#[test]
fn iis_rules_answer_as_the_reference_of_the_module_says() {
    let sets: Vec<Set> = files().iter().flat_map(|file| sets(file)).collect();
    let pairs: usize = sets.iter().map(|set| set.pairs.len()).sum();
    let found: Vec<String> =
        sets.iter().enumerate().flat_map(|(at, set)| differences(set, &run(set, at))).collect();
    println!("try --iis: {pairs} pairs");
    assert!(found.is_empty(), "{} of {pairs} differ:\n{}", found.len(), found.join("\n"));
    assert!(pairs >= MIN_PAIRS, "{pairs} pairs");
}
