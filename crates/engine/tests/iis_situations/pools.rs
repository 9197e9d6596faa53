//! Application pools that are not to start.

use crate::documents::pools;
use crate::server::{HOST, Server, server};
use crate::situation::{Event, Situation, drift_is_reported, on};

const ECP: &str = "<add name=\"MSExchangeECPAppPool\" managedRuntimeVersion=\"v4.0\" />";
const OAB: &str = "<add name=\"MSExchangeOABAppPool\" managedRuntimeVersion=\"v4.0\" />";
const OFF: &str = "autoStart=\"false\" startMode=\"OnDemand\"";

/// The server with the two pools written so.
fn with(ecp: &str, oab: &str) -> Server {
    server().host_edit(ECP, ecp).host_edit(OAB, oab)
}

fn row(name: &'static str, server: Server) -> Situation {
    on(name, server, pools())
}

pub fn table() -> Vec<Situation> {
    let mut table = given_back();
    table.extend(not_as_usual());
    table.extend(defaults());
    table.extend(drift());
    table
}

fn given_back() -> Vec<Situation> {
    vec![
        row("attributes that were absent are absent again", server())
            .finds("pending", &["every server"])
            .at("applicationHost.config, for the whole server")
            .notes(&["with MSExchangeECPAppPool stop: Default Web Site/ecp", "Exchange Back End/ecp"])
            .notes(&["no application runs in MSExchangeOABAppPool", "appcmd stop apppool"])
            .becomes("applied")
            .because(&["MSExchangeECPAppPool", "MSExchangeOABAppPool"])
            .then(HOST, OFF, 2),
        row("attributes that were there have their values again", {
            with(
                "<add startMode=\"AlwaysRunning\" name=\"MSExchangeECPAppPool\" autoStart=\"true\" />",
                "<add name=\"MSExchangeOABAppPool\" autoStart=\"true\"></add>",
            )
        })
        .finds("pending", &["every server"])
        .becomes("applied")
        .then(HOST, "startMode=\"AlwaysRunning\"", 0),
        row("attributes in single quotes and over several lines are given back so", {
            with(
                "<add\n  name='MSExchangeECPAppPool'\n  autoStart = 'true'\n  startMode\n=\n'AlwaysRunning' />",
                "<add name='MSExchangeOABAppPool' />",
            )
        })
        .finds("pending", &["every server"])
        .becomes("applied"),
    ]
}

fn not_as_usual() -> Vec<Situation> {
    let off = |name: &str| format!("<add name=\"{name}\" {OFF} />");
    let (ecp_off, oab_off) = (off("MSExchangeECPAppPool"), off("MSExchangeOABAppPool"));
    vec![
        row("one of the two pools is missing, and the other one is set", {
            server().host_edit(&format!("            {OAB}\n"), "")
        })
        .finds("pending", &["every server"])
        .notes(&["MSExchangeECPAppPool"])
        .becomes("applied")
        .because(&["MSExchangeECPAppPool"])
        .then(HOST, OFF, 1),
        row("none of the pools is here", {
            server().host_edit(&format!("            {OAB}\n"), "").host_edit(
                "            <add name=\"MSExchangeECPAppPool\"",
                "            <add name=\"Other\"",
            )
        })
        .finds("not-affected", &["no application pool", "MSExchangeECPAppPool"]),
        row("EOMT has set them not to start already", with(&ecp_off, &oab_off)).finds(
            "covered",
            &["set not to start already", "the records of this state folder do not have it"],
        ),
        row("one is set not to start already, and stays so when ours is taken back", {
            with(&ecp_off, OAB)
        })
        .finds("pending", &["every server"])
        .becomes("applied")
        .then(HOST, OFF, 2),
        row("two pools of one name are no pool that we touch", {
            with(&format!("{ECP}\n            {ECP}"), OAB)
        })
        .finds("unknown", &["two pools named \"MSExchangeECPAppPool\""]),
        row("encrypted pools are not known", {
            server().host_edit("<applicationPools>", {
                "<applicationPools configProtectionProvider=\"AesProvider\">"
            })
        })
        .finds("unknown", &["configProtectionProvider"]),
    ]
}

fn defaults() -> Vec<Situation> {
    let defaults = "<applicationPoolDefaults managedRuntimeVersion=\"v4.0\">";
    let with_defaults = |said: &str| {
        let new = format!("<applicationPoolDefaults managedRuntimeVersion=\"v4.0\" {said}>");
        server().host_edit(defaults, &new)
    };
    vec![
        row("the defaults of all pools say not to start", with_defaults("autoStart=\"false\""))
            .finds("covered", &["set not to start already"]),
        row("the defaults of all pools say always running", {
            with_defaults("autoStart=\"false\" startMode=\"AlwaysRunning\"")
        })
        .finds("pending", &["every server"])
        .becomes("applied")
        .then(HOST, OFF, 2),
    ]
}

fn drift() -> Vec<Situation> {
    let ours = "<add name=\"MSExchangeECPAppPool\" managedRuntimeVersion=\"v4.0\" \
                autoStart=\"false\" startMode=\"OnDemand\" />";
    let his = "<add name=\"MSExchangeECPAppPool\" managedRuntimeVersion=\"v4.0\" \
               autoStart=\"true\" startMode=\"OnDemand\" />";
    let started_again = |name| row(name, server()).applied().tampered(ours, his);
    let left = "<add name=\"MSExchangeECPAppPool\" managedRuntimeVersion=\"v4.0\" \
                autoStart=\"true\" />";
    vec![
        started_again("a pool was set to start again, and is set not to")
            .finds("drifted", &["MSExchangeECPAppPool", "start again"])
            .becomes("applied")
            .then(HOST, OFF, 2)
            // What he wrote is his and comes back; what was absent before anybody came is absent.
            .leaving(HOST, ECP, left),
        started_again("a pool was set to start again, and that is only reported")
            .after(Event::Policy(drift_is_reported()))
            .finds("drifted", &["start again", "reported only"])
            .leaving(HOST, ECP, left),
        row("one of our pools was deleted, which is no drift of the other", server())
            .applied()
            .after(Event::Tamper(HOST, Box::new(|text| {
                let oab = format!("            {}\n", OAB.replace(" />", &format!(" {OFF} />")));
                crate::server::replaced(text, &oab, "")
            })))
            .finds("applied", &["MSExchangeECPAppPool"])
            .leaving(HOST, "            <add name=\"MSExchangeOABAppPool\" managedRuntimeVersion=\"v4.0\" />\n", ""),
    ]
}
