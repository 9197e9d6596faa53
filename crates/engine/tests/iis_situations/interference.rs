//! Rules of others that run before ours, and what ours costs.

use crate::documents::{cookie, word};
use crate::rules::{abort, everything_passes, global, rule, rule_for, rules, web};
use crate::server::{HOST, IN_LOCATION, ROOT, Server, server};
use crate::situation::{Situation, m1_on, on};

const SITE: &str = "{ site = \"Default Web Site\" }";

fn at_site(inner: &str) -> Server {
    server().location("path=\"Default Web Site\"", &rules(inner))
}

pub fn table() -> Vec<Situation> {
    let mut table = before_ours();
    table.extend(harmless());
    table.extend(kernel_cache());
    table
}

fn before_ours() -> Vec<Situation> {
    let away = rule_for("^autodiscover/(.*)", "away", "", &[], "type=\"Rewrite\" url=\"x/{R:1}\"");
    let to_https = |conditions: &[(&str, &str)]| {
        let action = "type=\"Redirect\" url=\"https://mail.example.com/{R:0}\"";
        rule_for("(.*)", "https", "stopProcessing=\"true\"", conditions, action)
    };
    vec![
        m1_on("a rule in the same section ends the processing: ours stands in front of it", {
            at_site(&everything_passes("first"))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .becomes("applied"),
        m1_on("a rule of the whole server ends the processing before ours", {
            server().everywhere(&rules(&everything_passes("first")))
        })
        .finds("conflict", &["would not work here", "not blocked", "`first`"]),
        m1_on("a global rule ends the processing before ours", {
            server().everywhere(&global(&everything_passes("first")))
        })
        .finds("conflict", &["would not work here", "not blocked", "`first`"]),
        on(
            "a global rule ends the processing: a global rule of ours stands in front of it",
            server().everywhere(&global(&everything_passes("first"))),
            word("W", "", "jndi"),
        )
        .finds("pending", &["every server"])
        .at("applicationHost.config, for the whole server")
        .becomes("applied"),
        m1_on("a rule before ours changes the URL that ours looks at", {
            server().everywhere(&rules(&away))
        })
        .finds("conflict", &["would not work here", "not blocked"]),
        m1_on("a rule behind ours changes the URL that ours looked at", at_site(&away))
            .finds("pending", &["is affected"])
            .becomes("applied"),
        m1_on("every request is redirected before ours comes to see it", {
            server().everywhere(&rules(&to_https(&[])))
        })
        .finds("conflict", &["would not work here", "`https`"]),
        m1_on("requests without TLS are redirected at the site's root, behind ours", {
            server().file(ROOT, web(&rules(&to_https(&[("{HTTPS}", "^OFF$")]))))
        })
        .finds("pending", &["is affected"])
        .becomes("applied"),
    ]
}

fn harmless() -> Vec<Situation> {
    vec![
        m1_on("a rule before ours that is about something else", {
            let icon = rule_for("^favicon\\.ico$", "icon", "stopProcessing=\"true\"", &[], {
                "type=\"Rewrite\" url=\"static/favicon.ico\""
            });
            server().everywhere(&rules(&icon))
        })
        .finds("pending", &["is affected"])
        .becomes("applied"),
        m1_on("a rule of others that blocks what ought to pass is theirs", {
            server().file(ROOT, web(&rules(&abort("no mapi", "{REQUEST_URI}", "^/mapi/"))))
        })
        .finds("pending", &["is affected"])
        .becomes("applied"),
        m1_on("a disabled rule ends no processing", {
            let off =
                rule("off", "enabled=\"false\" stopProcessing=\"true\"", &[], "type=\"None\"");
            server().everywhere(&rules(&off))
        })
        .finds("pending", &["is affected"])
        .becomes("applied"),
        m1_on("a hand-written rule with a bad pattern has the site answer 500", {
            let bad = rule_for("*", "bad", "", &[], "type=\"AbortRequest\"");
            server().file(ROOT, web(&rules(&bad)))
        })
        .finds("conflict", &["500", "`bad`"]),
    ]
}

fn kernel_cache() -> Vec<Situation> {
    let agent = |enabled: &str| {
        rule("agents", enabled, &[("{HTTP_USER_AGENT}", "badbot")], "type=\"AbortRequest\"")
    };
    let told = |name, server| {
        on(name, server, cookie())
            .finds("pending", &["every server"])
            .at(IN_LOCATION)
            .notes(&["{HTTP_COOKIE}", "kernel-mode", "Default Web Site"])
            .becomes("applied")
            .replacing(&[HOST])
    };
    let untold = |name, server| {
        on(name, server, cookie())
            .finds("pending", &["every server"])
            .no_note("kernel")
            .becomes("applied")
    };
    vec![
        told("a rule on a cookie turns off the kernel's cache, and that is told", server()),
        told("a disabled rule on a header costs nothing, so ours does", {
            at_site(&agent("enabled=\"false\""))
        }),
        untold("the kernel's cache is off already", {
            server().everywhere("<caching enabled=\"true\" enableKernelCache=\"false\" />")
        }),
        untold("another rule costs the kernel's cache already", at_site(&agent(""))),
        on("a rule on the URL costs no cache", server(), word("W", SITE, "jndi"))
            .finds("pending", &["every server"])
            .no_note("kernel")
            .becomes("applied"),
    ]
}
