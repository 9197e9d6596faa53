//! `stopgap facts`: what was identified, and from where.

use serde_json::json;
use stopgap_model::Fact;
use stopgap_model::host::{Declared, Exchange, Iis, Packages, PhpCgi};
use stopgap_model::problem::{escaped, one_line};
use stopgap_model::web::{LeftOut, Listen, WebFacts};

use crate::args::Common;
use crate::error::CliError;
use crate::output::{self, wrap};
use crate::session::look_at;

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    let (host, collected) = look_at(common)?;
    let facts = collected.facts;
    if common.json {
        output::print_json(json!({
            "server": {"name": host.name(), "facts": output::facts_json(&facts)},
        }));
        return Ok(0);
    }
    say!("Server        {}", host.name());
    match &facts.exchange {
        Fact::Known(exchange) => print_exchange(exchange),
        Fact::Absent => say!("Exchange      not installed"),
        Fact::Unknown(why) => say("Exchange", &format!("unknown: {why}")),
    }
    match &facts.iis {
        Fact::Known(iis) => print_iis(iis),
        Fact::Absent => say!("IIS           not installed"),
        Fact::Unknown(why) => say("IIS", &format!("unknown: {why}")),
    }
    match &facts.php {
        Fact::Known(programs) => programs.iter().for_each(print_php),
        Fact::Absent => say!("PHP           not run by IIS as a CGI program"),
        Fact::Unknown(why) => say("PHP", &format!("unknown: {why}")),
    }
    facts.web.iter().for_each(print_web);
    if facts.web.is_empty() {
        say!("Web servers   no nginx, Apache httpd or HAProxy");
    }
    print_left_out(&facts.left_out);
    match &facts.packages {
        Fact::Known(Packages { prefix, source, versions }) => {
            let all = versions.len();
            say("Packages", &format!("{all} of {prefix}…, from {}", one_line(source)));
        }
        Fact::Absent => say!("Packages      no package database"),
        Fact::Unknown(why) => say("Packages", &format!("unknown: {why}")),
    }
    for Declared { product, version, source } in &facts.declared {
        say("Declared", &format!("{} {version}, in {source}", one_line(product)));
    }
    Ok(0)
}

fn print_web(facts: &WebFacts) {
    let server = &facts.server;
    let runs = match &server.running {
        Fact::Known(true) => "runs".to_owned(),
        Fact::Known(false) | Fact::Absent => match &server.dormant {
            Some(why) => format!("does not run, and nothing starts it: {why}"),
            None => "does not run".to_owned(),
        },
        Fact::Unknown(why) => format!("whether it runs is unknown: {why}"),
    };
    let version = text(&server.version, ToString::to_string);
    say(server.kind.name(), &format!("{version}, {runs}"));
    for config in &server.config {
        say("  config", &escaped(config.as_str()));
    }
    if !server.account.is_root() {
        say("  started as", &server.account.to_string());
    }
    say("  found by", &one_line(&server.source));
    match &facts.sites {
        Fact::Known(sites) => {
            for site in sites {
                let more = match &site.listen {
                    Listen::Port(Some(address), _) => format!(" at {address}"),
                    Listen::Unasked(why) => format!(": cannot be asked: {why}"),
                    Listen::Port(None, _) | Listen::Unix(_) => String::new(),
                };
                say("  site", &escaped(&format!("{site}{more}")));
            }
        }
        Fact::Absent => {}
        Fact::Unknown(why) => say("  sites", &format!("unknown: {why}")),
    }
}

fn print_left_out(left_out: &LeftOut) {
    for server in &left_out.named {
        let counts = if server.counts { "" } else { " (a remark: it keeps nothing unprotected)" };
        say("Left out", &escaped(&format!("{server}{counts}")));
        say("  program", &escaped(server.program.as_str()));
        say("  because", &escaped(&server.why));
    }
    if left_out.more > 0 {
        say("Left out", &format!("and {} more", left_out.more));
    }
}

fn say(head: &str, text: &str) {
    say!("{}", wrap(&format!("{head:<13} {text}"), "              "));
}

fn text<T>(fact: &Fact<T>, known: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known(value) => known(value),
        Fact::Absent => "none".into(),
        Fact::Unknown(why) => format!("unknown: {why}"),
    }
}

fn print_exchange(exchange: &Exchange) {
    say("Exchange", &text(&exchange.version, ToString::to_string));
    say("  from", &one_line(exchange.version_source.as_str()));
    say("  role", &text(&exchange.role, |role| one_line(role)));
}

fn print_php(php: &PhpCgi) {
    say("PHP", &text(&php.version, ToString::to_string));
    say("  program", &one_line(php.program.as_str()));
}

fn print_iis(iis: &Iis) {
    say("IIS", &one_line(iis.config.as_str()));
    let rewrite = iis.modules.iter().any(|module| module == "RewriteModule");
    say("  rewrite", if rewrite { "installed" } else { "not installed" });
    say("  pools", &format!("{}", iis.pools.len()));
    for site in &iis.sites {
        let paths: Vec<String> =
            site.applications.iter().map(|application| one_line(&application.path)).collect();
        say("  site", &format!("{}: {}", one_line(&site.name), paths.join(" ")));
    }
}
