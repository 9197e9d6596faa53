//! `stopgap facts`: what was identified, and from where.

use serde_json::json;
use stopgap_engine::collect;
use stopgap_host::Host as _;
use stopgap_model::Fact;
use stopgap_model::host::{Exchange, Iis, PhpCgi};
use stopgap_model::problem::one_line;

use crate::args::Common;
use crate::error::CliError;
use crate::output::{self, wrap};
use crate::session::open_host;

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    let host = open_host(common)?;
    let facts = collect(&host).facts;
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
    Ok(0)
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
