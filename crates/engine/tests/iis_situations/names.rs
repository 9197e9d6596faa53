//! Our name in somebody else's hands. Two rules of one name on a way are 500.19.

use crate::documents::{M2, word};
use crate::rules::{abort, global, m1, outbound, precondition, rules, web, web_location};
use crate::server::{ECP, OWA, ROOT, server};
use crate::situation::{Situation, m1_on, on};

/// What the reason of a conflict over M1's name says.
const TAKEN: &[&str] = &["`Stopgap M1.1`", "taken"];

pub fn table() -> Vec<Situation> {
    let mut table = of_the_rule();
    table.extend(of_what_goes_with_it());
    table
}

/// A rule about something else.
fn other(name: &str) -> String {
    abort(name, "{HTTP_USER_AGENT}", "badbot")
}

fn of_the_rule() -> Vec<Situation> {
    vec![
        m1_on("our name is taken in the location where our rule would stand", {
            server().location("path=\"Default Web Site\"", &rules(&other("Stopgap M1.1")))
        })
        .finds("conflict", TAKEN)
        .reasons(&["applicationHost.config, location \"Default Web Site\""]),
        m1_on("our name is taken above, for the whole server", {
            server().everywhere(&rules(&other("Stopgap M1.1")))
        })
        .finds("conflict", TAKEN)
        .reasons(&["applicationHost.config"]),
        m1_on("our name is taken below, in an application", {
            server().file(OWA, web(&rules(&other("Stopgap M1.1"))))
        })
        .finds("conflict", TAKEN)
        .reasons(&["web.config"]),
        m1_on("our name is taken below, in a location of a web.config", {
            server().file(ECP, web_location("path=\"auth\"", &rules(&other("Stopgap M1.1"))))
        })
        .finds("conflict", TAKEN)
        .reasons(&["web.config"]),
        m1_on("our name in other letters is the same name", {
            server().file(ROOT, web(&rules(&other("STOPGAP m1.1"))))
        })
        .finds("conflict", TAKEN),
        m1_on("our name among the global rules", {
            server().everywhere(&global(&other("Stopgap M1.1")))
        })
        .finds("conflict", TAKEN),
        m1_on("somebody copied our rule to the other site, where it is in nobody's way", {
            server().location("path=\"Exchange Back End\"", &rules(&m1("Stopgap M1.1")))
        })
        .finds("pending", &["is affected"])
        .at(crate::server::IN_LOCATION)
        .becomes("applied")
        .leaves_over(&["location \"Exchange Back End\""])
        .then(crate::server::HOST, "Stopgap M1.1", 2),
        m1_on("a rule with our name that does the same in one application only", {
            server().file(ECP, web(&rules(&m1("Stopgap M1.1"))))
        })
        .finds("conflict", TAKEN),
    ]
}

fn of_what_goes_with_it() -> Vec<Situation> {
    let in_ecp = format!("<clear />\n{}", other("Stopgap M1.1 /ecp"));
    vec![
        on(
            "the name of a global rule of ours is taken in a site",
            server().file(ROOT, web(&rules(&other("Stopgap W.1")))),
            word("W", "", "jndi"),
        )
        .finds("conflict", &["`Stopgap W.1`", "taken"]),
        m1_on("the name of the second rule, which a clear asks for, is taken", {
            server().file(ECP, web(&rules(&in_ecp)))
        })
        .finds("conflict", &["Stopgap M1.1 /ecp"]),
        on(
            "the name of our precondition is taken",
            {
                let theirs = precondition(
                    "Stopgap M2.1 precondition",
                    &[("{RESPONSE_CONTENT_TYPE}", "^text/plain")],
                );
                server().location("path=\"Default Web Site/owa\"", &outbound(&theirs))
            },
            M2,
        )
        .finds("conflict", &["Stopgap M2.1 precondition"]),
    ]
}
