//! Headers of requests and of responses.

use crate::documents::{M2, document, header, read};
use crate::rules::{outbound, outbound_rule, precondition};
use crate::server::{HOST, IN_LOCATION, Server, server};
use crate::situation::{Event, Situation, on};

const SITE: &str = "{ site = \"Default Web Site\" }";
const ALLOWED: &str = "<add name=\"HTTP_X_MIDDLEWARE_SUBREQUEST\" />";

fn allowed(inner: &str) -> String {
    format!("<rewrite><allowedServerVariables>{inner}</allowedServerVariables></rewrite>")
}

pub fn requests() -> Vec<Situation> {
    let mut table = put_on_the_list();
    table.extend(shared_list());
    table
}

fn put_on_the_list() -> Vec<Situation> {
    let all = "applicationHost.config, location \"Default Web Site\"; \
               applicationHost.config, at its root";
    vec![
        on("a header taken away from all requests needs no allowance", server(), header(""))
            .finds("pending", &["every server"])
            .at("applicationHost.config, for the whole server")
            .becomes("applied")
            .then(HOST, ALLOWED, 0),
        on(
            "a header taken away on one site is put on the list of what may be set",
            server(),
            header(SITE),
        )
        .finds("pending", &["every server"])
        .at(all)
        .becomes("applied")
        .then(HOST, ALLOWED, 1),
        on(
            "the list of what may be set has the header already, and keeps it",
            server().everywhere(&allowed(ALLOWED)),
            header(SITE),
        )
        .finds("pending", &["every server"])
        .at(IN_LOCATION)
        .becomes("applied")
        .then(HOST, ALLOWED, 1),
        on(
            "the list has another header, and ours goes beside it",
            server().everywhere(&allowed("<add name=\"HTTP_X_OTHER\" />")),
            header(SITE),
        )
        .finds("pending", &["every server"])
        .at(all)
        .becomes("applied")
        .then(HOST, ALLOWED, 1),
        on(
            "one application has the header on its own list: twice would be 500.19",
            server().location("path=\"Default Web Site/owa\"", &allowed(ALLOWED)),
            header(SITE),
        )
        .finds("conflict", &["HTTP_X_MIDDLEWARE_SUBREQUEST", "Default Web Site/owa"]),
        on(
            "one application clears the list and would answer 500",
            server().location("path=\"Default Web Site/ecp\"", &allowed("<clear />")),
            header(SITE),
        )
        .finds("conflict", &["500", "HTTP_X_MIDDLEWARE_SUBREQUEST", "Default Web Site/ecp"]),
    ]
}

fn shared_list() -> Vec<Situation> {
    let framing = document(
        "H",
        "[[action]]\nid = \"H.1\"\nkind = \"request-header\"\nremove = \"transfer-encoding\"\n",
    );
    vec![
        on(
            "somebody took the header off the list, and every request is 500",
            server(),
            header(SITE),
        )
        .applied()
        .after(Event::Tamper(HOST, Box::new(|text| text.replace(ALLOWED, ""))))
        .finds("drifted", &["list of those that may be set", "gone"])
        .becomes("applied")
        .then(HOST, ALLOWED, 1),
        on(
            "two mitigations need one variable on the list, and it is there once",
            server(),
            header(SITE),
        )
        .and(header(SITE).replace("NX", "NY"))
        .finds("pending", &["every server"])
        .becomes("applied")
        .finds_of("NY.1", "pending", &["every server"])
        .becomes("applied")
        .then(HOST, ALLOWED, 1),
        on(
            "of two mitigations that need a variable one goes, and the variable stays",
            server(),
            header(SITE),
        )
        .and(header(SITE).replace("NX", "NY"))
        .applied()
        .after(Event::Policy(crate::situation::blocked("NY", true)))
        .finds("applied", &["every server"])
        .finds_of("NY.1", "applied", &["to be withdrawn"])
        .becomes("withdrawn")
        .then(HOST, ALLOWED, 1)
        .then(HOST, "Stopgap NY.1", 0),
        on("a header that the server itself works by is not taken away", server(), framing)
            .finds("unsupported", &["transfer-encoding"]),
        on(
            "an administrator's rule takes the same header away",
            {
                let his = "<rule name=\"his\"><match url=\".*\" /><serverVariables>\
                       <set name=\"HTTP_X_MIDDLEWARE_SUBREQUEST\" value=\"\" /></serverVariables>\
                       <action type=\"None\" /></rule>";
                server().everywhere(&crate::rules::global(his))
            },
            header(""),
        )
        .finds("covered", &["`his`"]),
    ]
}

/// The tests of M2's rule as IIS sees them.
const HTML: (&str, &str) = ("{RESPONSE_CONTENT_TYPE}", "^text/html");
const PAGES: &str = r"^/owa/?($|\?|default\.aspx|projection\.aspx|readingPane\.aspx|popout\.aspx)";
const IN_OWA: &str = "applicationHost.config, location \"Default Web Site/owa\"";

/// M2 in the words in which Microsoft published it.
fn published() -> String {
    document(
        "P",
        &format!(
            "[[action]]\nid = \"P.1\"\nkind = \"response-header\"\n\
             scope = {{ site = \"Default Web Site\", path = \"/owa\" }}\n\
             header = \"Content-Security-Policy\"\nappend = \"; script-src-attr 'none'\"\n\
             when = [\n  {{ field = \"response-content-type\", matches = '^text/html' }},\n  \
             {{ field = \"uri\", matches = '{PAGES}' }},\n]\n"
        ),
    )
}

fn eems(inner: &str) -> Server {
    server().location("path=\"Default Web Site/owa\"", &outbound(inner))
}

fn eems_rules() -> String {
    let named = "EEMS M2.1 OWA SPA HTML shell - precondition";
    let value = "{R:1}; script-src-attr 'none'";
    let rule =
        outbound_rule("EEMS M2.1 OWA CSP - outbound", named, "Content_Security_Policy", value);
    format!("{rule}\n{}", precondition(named, &[HTML, ("{REQUEST_URI}", PAGES)]))
}

pub fn responses() -> Vec<Situation> {
    let mut table = created();
    table.extend(met());
    table
}

/// Two headers that are set for the same responses.
fn two(first: &str, second: &str) -> String {
    let when = "when = [{ field = \"response-content-type\", matches = '^text/html' }]\n";
    let action = |id: &str, header: &str| {
        format!(
            "[[action]]\nid = \"{id}\"\nkind = \"response-header\"\nscope = {SITE}\n\
             header = \"{header}\"\nset = \"DENY\"\n{when}"
        )
    };
    document("R", &format!("{}{}", action("R.1", first), action("R.2", second)))
}

fn created() -> Vec<Situation> {
    let powered = |scope: &str| {
        let action = format!(
            "[[action]]\nid = \"R.1\"\nkind = \"response-header\"\n{scope}\
             header = \"X-Powered-By\"\nremove = true\n"
        );
        document("R", &action)
    };
    let declared = "<section name=\"outboundRules\" overrideModeDefault=\"Allow\" />";
    let undeclared = server().host_edit(declared, "");
    assert_eq!(read(M2).actions.len(), 1, "M2 is one outbound rule");
    vec![
        on("M2 puts in an outbound rule with its precondition", server(), M2)
            .finds("pending", &["is affected"])
            .at(IN_OWA)
            .becomes("applied")
            .then(HOST, "name=\"Stopgap M2.1\"", 1)
            .then(HOST, "<preCondition name=\"Stopgap M2.1 precondition\"", 1),
        on(
            "two headers for the same responses share one precondition",
            server(),
            two("X-Frame-Options", "X-Other"),
        )
        .finds("pending", &["every server"])
        .becomes("applied")
        .finds_of("R.2", "pending", &["every server"])
        .becomes("applied")
        .then(HOST, "<preCondition name=", 1)
        .then(HOST, "preCondition=\"Stopgap R.1 precondition\"", 2),
        on("a header of every response needs no precondition", server(), {
            powered("scope = { site = \"Default Web Site\" }\n")
        })
        .finds("pending", &["every server"])
        .at(IN_LOCATION)
        .becomes("applied")
        .then(HOST, "preCondition", 0),
        on("outbound rules for the whole server go to each site", server(), powered(""))
            .finds("pending", &["every server"])
            .at("applicationHost.config, location \"Default Web Site\"; \
                 applicationHost.config, location \"Exchange Back End\"")
            .becomes("applied"),
        on("outbound rules are not declared", undeclared, M2)
            .finds("unsupported", &["outboundRules", "not declared"]),
        on(
            "an outbound rule of others on another header stays in front or behind",
            eems(&outbound_rule("server", "", "Server", "IIS")),
            M2,
        )
        .finds("pending", &["is affected"])
        .at(IN_OWA)
        .becomes("applied")
        .then(HOST, "<outboundRules>", 1),
    ]
}

fn met() -> Vec<Situation> {
    let replaces = outbound_rule("hardening", "", "Content_Security_Policy", "default-src 'self'");
    let below = crate::rules::web(&outbound(&replaces));
    vec![
        on("EEMS's M2 does what the published rule asks for", eems(&eems_rules()), published())
            .finds("covered", &["`EEMS M2.1 OWA CSP - outbound`", "not ours"]),
        on(
            "EEMS's M2 does not see an encoded path, which the catalog's M2 does",
            eems(&eems_rules()),
            M2,
        )
        .finds("pending", &["`EEMS M2.1 OWA CSP - outbound` does not do all of it"])
        .becomes("applied"),
        on(
            "EEMS's M2 disabled protects nothing",
            eems(&eems_rules().replace("<rule ", "<rule enabled=\"false\" ")),
            published(),
        )
        .finds("pending", &["`EEMS M2.1 OWA CSP - outbound`", "disabled"])
        .becomes("applied"),
        on(
            "an outbound rule of another application on the same header is of no concern",
            server().file(crate::server::ECP, below),
            M2,
        )
        .finds("pending", &["is affected"])
        .at(IN_OWA)
        .becomes("applied"),
        on(
            "an outbound rule in the application replaces what ours adds",
            {
                let narrow = "path=\".\" inheritInChildApplications=\"false\"";
                let file = crate::rules::web_location(narrow, &outbound(&replaces));
                server().file(crate::server::OWA, file)
            },
            M2,
        )
        .finds("conflict", &["would not work here", "Content-Security-Policy"]),
        on("an outbound rule that replaces the header came after ours", server(), M2)
            .applied()
            .after(Event::Write(crate::server::OWA, {
                let narrow = "path=\".\" inheritInChildApplications=\"false\"";
                crate::rules::web_location(narrow, &outbound(&replaces))
            }))
            .finds("drifted", &["the rule is installed, but", "Content-Security-Policy"])
            .replacing(&[]),
    ]
}
