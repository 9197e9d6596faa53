//! Rules of others: Microsoft's service, EOMT, administrators.

use crate::documents::M1;
use crate::rules::{
    DECODED, LOOKAHEADS, abort, abort_all, everything_passes, global, m1, rule, rules, web,
    web_location,
};
use crate::server::{
    AUTODISCOVER, ECP, FIXED, HOST, IN_LOCATION, OWA, ROOT, Server, VULNERABLE, server,
};
use crate::situation::{Situation, m1_on, on};

const EOMT: &str = "PowerShell - inbound";

/// The server where EOMT put a rule: in the web.config of the site's root.
fn with_root(inner: &str) -> Server {
    server().file(ROOT, web(&rules(inner)))
}

/// The six situations that EOMT tells apart.
pub fn eomt() -> Vec<Situation> {
    let eomt = || with_root(&m1(EOMT));
    let disabled = rule(
        EOMT,
        "enabled=\"false\" stopProcessing=\"true\"",
        &[(DECODED, LOOKAHEADS)],
        "type=\"AbortRequest\"",
    );
    let taken = abort("Stopgap M1.1", "{HTTP_USER_AGENT}", "badbot");
    vec![
        m1_on("EOMT 1: fix and mitigation, which can be rolled back", eomt().build(FIXED))
            .finds("not-affected", &["has the fix", "no longer needed, and not ours", EOMT]),
        m1_on("EOMT 2: the fix alone, protected by the update", server().build(FIXED))
            .finds("not-affected", &["has the fix"]),
        m1_on("EOMT 3: the mitigation alone, protected", eomt().build(VULNERABLE))
            .finds("covered", &[EOMT, "not ours", "line"]),
        m1_on("EOMT 4: the rule's name is taken by something else", with_root(&taken))
            .finds("conflict", &["`Stopgap M1.1`", "taken", "web.config"]),
        m1_on("EOMT 5: the rule is there and disabled", with_root(&disabled))
            .finds("pending", &["`PowerShell - inbound`", "disabled"])
            .at(IN_LOCATION)
            .becomes("applied"),
        m1_on("EOMT 6: nothing is there, action is required", server())
            .finds("pending", &["is affected"])
            .at(IN_LOCATION)
            .becomes("applied"),
    ]
}

pub fn table() -> Vec<Situation> {
    let mut table = other_spellings();
    table.extend(not_everywhere());
    table.extend(weaker());
    table.extend(without_effect());
    table
}

fn other_spellings() -> Vec<Situation> {
    let words = [(DECODED, "autodiscover"), (DECODED, "(.*)PowerShell(.*)")];
    let wild = "<rule name=\"wild\" patternSyntax=\"Wildcard\" stopProcessing=\"true\">\n  \
                <match url=\"*\" />\n  <conditions>\
                <add input=\"{UrlDecode:{REQUEST_URI}}\" pattern=\"*autodiscover*\" />\
                <add input=\"{UrlDecode:{REQUEST_URI}}\" pattern=\"*powershell*\" /></conditions>\n  \
                <action type=\"AbortRequest\" />\n</rule>";
    let more = abort("more than that", DECODED, "powershell");
    vec![
        m1_on("EEMS was here first, under its own name at the site's root", {
            with_root(&m1("EEMS M1.1 PowerShell - inbound"))
        })
        .finds("covered", &["`EEMS M1.1 PowerShell - inbound`", "left alone", "line"]),
        m1_on("an administrator wrote two conditions into the global rules", {
            server().everywhere(&global(&abort_all("anna: no powershell", &words)))
        })
        .finds("covered", &["`anna: no powershell`", "not ours"]),
        m1_on("an administrator wrote the rule into a location", {
            server().location("path='Default Web Site'", &rules(&abort_all("by hand", &words)))
        })
        .finds("covered", &["`by hand`"]),
        m1_on("the same in wildcards", with_root(wild)).finds("covered", &["`wild`"]),
        m1_on("a rule that blocks more does it too, and that is said", with_root(&more))
            .finds("covered", &["`more than that`", "more"]),
        m1_on("our own rule without our records is nobody's to take", {
            // As the catalog's M1 is written.
            let conditions = [(DECODED, "autodiscover"), (DECODED, "powershell")];
            with_root(&abort_all("Stopgap M1.1", &conditions))
        })
        .finds("covered", &["`Stopgap M1.1`", "the records of this state folder do not have it"]),
    ]
}

fn not_everywhere() -> Vec<Situation> {
    let narrow = |name: &str| {
        web_location("path=\".\" inheritInChildApplications=\"false\"", &rules(&m1(name)))
    };
    let two = || {
        server()
            .file(ROOT, narrow("root"))
            .file(OWA, narrow("owa"))
            .file(ECP, narrow("ecp"))
            .file(AUTODISCOVER, narrow("autodiscover"))
    };
    vec![
        m1_on("a rule that child applications do not inherit covers none of them", {
            server().file(ROOT, narrow(EOMT))
        })
        .finds("pending", &["`PowerShell - inbound` does it, but not for Default Web Site/"])
        .at(IN_LOCATION)
        .becomes("applied"),
        m1_on("the site's rule and one in each application cover it together", two())
            .finds("covered", &["`root`", "`owa`", "`ecp`", "`autodiscover`", "together"]),
        m1_on("one application without its own rule is one too few", two().without(ECP))
            .finds("pending", &["but not for Default Web Site/ecp"])
            .becomes("applied"),
        m1_on("an application that clears what it inherits is not covered", {
            with_root(&m1(EOMT)).file(ECP, web(&rules("<clear />")))
        })
        .finds("pending", &["`PowerShell - inbound` does it, but not for Default Web Site/ecp"])
        .becomes("applied")
        .replacing(&[HOST, ECP]),
        m1_on("a rule on the other site does nothing for this one", {
            server().location("path=\"Exchange Back End\"", &rules(&m1("back end")))
        })
        .finds("pending", &["is affected"])
        .becomes("applied"),
        on(
            "a rule that only one path has does not cover the site",
            server().location("path=\"Default Web Site/Autodiscover\"", &rules(&m1("narrow"))),
            M1,
        )
        .finds("pending", &["`narrow` does it, but not for Default Web Site/"])
        .becomes("applied"),
    ]
}

fn weaker() -> Vec<Situation> {
    let weak = |name, conditions: &[(&str, &str)], why: &'static [&'static str]| {
        m1_on(name, with_root(&abort_all("weak", conditions)))
            .finds("pending", &["`weak` does not do all of it"])
            .becomes("applied")
            .reasons(why)
    };
    let raw = "{REQUEST_URI}";
    vec![
        weak(
            "M1 of 30 September asks for an at sign",
            &[(raw, r".*autodiscover\.json.*\@.*Powershell.*")],
            &["does not decode"],
        ),
        weak(
            "M1 of 3 October does not decode the URL",
            &[(raw, r".*autodiscover\.json.*Powershell.*")],
            &["does not decode"],
        ),
        weak(
            "M1 of 6 October asks for .json",
            &[(DECODED, r"(?=.*autodiscover\.json)(?=.*powershell)")],
            &[".json"],
        ),
        weak("the words in one order only", &[(DECODED, "autodiscover.*powershell")], &["order"]),
        weak(
            "a second condition lets other hosts through",
            &[(DECODED, LOOKAHEADS), ("{HTTP_HOST}", "^mail\\.example\\.com$")],
            &["HTTP_HOST"],
        ),
        weak(
            "an administrator lets his own address through",
            &[(DECODED, LOOKAHEADS), ("{REMOTE_ADDR}", "^10\\.")],
            &["REMOTE_ADDR"],
        ),
        m1_on("a rule that only logs stops nobody", {
            let found = [(DECODED, LOOKAHEADS)];
            with_root(&rule("log", "stopProcessing=\"false\"", &found, "type=\"None\""))
        })
        .finds("pending", &["is affected"])
        .becomes("applied"),
    ]
}

fn without_effect() -> Vec<Situation> {
    let hidden = format!("{}\n{}", everything_passes("first"), m1(EOMT));
    vec![
        m1_on("a rule behind one that ends the processing protects nothing", with_root(&hidden))
            .finds("pending", &["`PowerShell - inbound`", "comes after", "`first`"])
            .at(IN_LOCATION)
            .becomes("applied"),
        m1_on("a rule of others where the module does not run protects nothing", {
            let off = "<modules><remove name=\"RewriteModule\" /></modules>";
            with_root(&m1(EOMT)).location("path=\"Default Web Site\"", off)
        })
        .finds("unsupported", &["module does not run", "Default Web Site"]),
    ]
}
