//! `stopgap facts`: what was identified, and from where.

use stopgap_model::Fact;
use stopgap_model::host::{Declared, Exchange, Iis, Packages, PhpCgi};
use stopgap_model::problem::{escaped, one_line};
use stopgap_model::web::{LeftOut, Listen, WebFacts};

use crate::args::Common;
use crate::error::CliError;
use crate::json::{self, FactsObject, ServerObject};
use crate::output::wrap;
use stopgap_agent::session::identify;

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    let (host, collected) = identify(common.root.as_deref(), &common.policy_path())?;
    let facts = collected.facts;
    if common.json {
        json::print(&FactsObject { server: ServerObject::of(host.name(), &facts) });
        return Ok(0);
    }
    print_line!("Server        {}", host.name());
    match &facts.exchange {
        Fact::Known(exchange) => print_exchange(exchange),
        Fact::Absent => print_line!("Exchange      not installed"),
        Fact::Unknown(why) => print_field("Exchange", &format!("unknown: {why}")),
    }
    match &facts.iis {
        Fact::Known(iis) => print_iis(iis),
        Fact::Absent => print_line!("IIS           not installed"),
        Fact::Unknown(why) => print_field("IIS", &format!("unknown: {why}")),
    }
    match &facts.php {
        Fact::Known(programs) => programs.iter().for_each(print_php),
        Fact::Absent => print_line!("PHP           not run by IIS as a CGI program"),
        Fact::Unknown(why) => print_field("PHP", &format!("unknown: {why}")),
    }
    facts.web.iter().for_each(print_web);
    if facts.web.is_empty() {
        print_line!("Web servers   no nginx, Apache httpd or HAProxy");
    }
    print_left_out(&facts.left_out);
    match &facts.packages {
        Fact::Known(Packages { prefix, source, versions }) => {
            let all = versions.len();
            print_field("Packages", &format!("{all} of {prefix}…, from {}", one_line(source)));
        }
        Fact::Absent => print_line!("Packages      no package database"),
        Fact::Unknown(why) => print_field("Packages", &format!("unknown: {why}")),
    }
    for Declared { product, version, source } in &facts.declared {
        print_field("Declared", &format!("{} {version}, in {source}", one_line(product)));
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
    print_field(server.kind.name(), &format!("{version}, {runs}"));
    // HAProxy reads several, in this order.
    for config in &server.config {
        print_field("  config", &escaped(config.as_str()));
    }
    // Root is what everybody expects.
    if !server.account.is_root() {
        print_field("  started as", &server.account.to_string());
    }
    print_field("  found by", &one_line(&server.source));
    match &facts.sites {
        Fact::Known(sites) => {
            for site in sites {
                // The port alone is part of the name already.
                let more = match &site.listen {
                    Listen::Port(Some(address), _) => format!(" at {address}"),
                    Listen::Unasked(why) => format!(": cannot be asked: {why}"),
                    Listen::Port(None, _) | Listen::Unix(_) => String::new(),
                };
                print_field("  site", &escaped(&format!("{site}{more}")));
            }
        }
        Fact::Absent => {}
        Fact::Unknown(why) => print_field("  sites", &format!("unknown: {why}")),
    }
}

fn print_left_out(left_out: &LeftOut) {
    for server in &left_out.named {
        let counts = if server.counts { "" } else { " (a remark: it keeps nothing unprotected)" };
        print_field("Left out", &escaped(&format!("{server}{counts}")));
        print_field("  program", &escaped(server.program.as_str()));
        print_field("  because", &escaped(&server.why.to_string()));
    }
    if left_out.more > 0 {
        print_field("Left out", &format!("and {} more", left_out.more));
    }
}

fn print_field(head: &str, text: &str) {
    print_line!("{}", wrap(&format!("{head:<13} {text}"), "              "));
}

fn text<T>(fact: &Fact<T>, known: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known(value) => known(value),
        Fact::Absent => "none".into(),
        Fact::Unknown(why) => format!("unknown: {why}"),
    }
}

fn print_exchange(exchange: &Exchange) {
    print_field("Exchange", &text(&exchange.version, ToString::to_string));
    print_field("  from", &one_line(exchange.version_source.as_str()));
    print_field("  role", &text(&exchange.role, |role| one_line(role)));
}

fn print_php(php: &PhpCgi) {
    print_field("PHP", &text(&php.version, ToString::to_string));
    print_field("  program", &one_line(php.program.as_str()));
}

fn print_iis(iis: &Iis) {
    print_field("IIS", &one_line(iis.config.as_str()));
    let rewrite = iis.modules.iter().any(|module| module == "RewriteModule");
    print_field("  rewrite", if rewrite { "installed" } else { "not installed" });
    print_field("  pools", &format!("{}", iis.pools.len()));
    for site in &iis.sites {
        let paths: Vec<String> =
            site.applications.iter().map(|application| one_line(&application.path)).collect();
        print_field("  site", &format!("{}: {}", one_line(&site.name), paths.join(" ")));
    }
}
