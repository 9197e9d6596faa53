//! What becomes of something that was put in when somebody else comes by.

use crate::documents::M2;
use crate::rules::{abort, everything_passes, rules, web};
use crate::server::{ECP, HOST, IN_LOCATION, ROOT, Server, server};
use crate::situation::{Event, Situation, drift_is_reported, m1_on, on, switched_off};

pub fn table() -> Vec<Situation> {
    let mut table = edited();
    table.extend(deleted_or_laid_out_anew());
    table.extend(reported());
    table.extend(replaced());
    table.extend(hidden());
    table
}

/// The server with a rule of the administrator's where ours goes.
fn with_his() -> Server {
    let his = abort("his own", "{HTTP_USER_AGENT}", "badbot");
    server().location("path=\"Default Web Site\"", &rules(&his))
}

/// The text without the rule element of this name, and its line.
fn without_rule(text: &str, name: &str) -> String {
    let at = text.find(&format!("<rule name=\"{name}\"")).expect("the rule is there");
    let end = at + text[at..].find("</rule>").expect("it ends") + "</rule>".len();
    format!("{}{}", text[..at].trim_end_matches([' ', '\t', '\n']), &text[end..])
}

fn deleted() -> Event {
    Event::Tamper(HOST, Box::new(|text| without_rule(text, "Stopgap M1.1")))
}

fn edited() -> Vec<Situation> {
    vec![
        m1_on("somebody loosened the pattern of our rule", with_his())
            .applied()
            .tampered("pattern=\"powershell\"", "pattern=\"powershell!\"")
            .finds("drifted", &["the rule was edited", "its conditions"])
            .at(IN_LOCATION)
            .becomes("applied")
            .then(HOST, "powershell!", 0),
        m1_on("somebody made our rule redirect", server())
            .applied()
            .tampered("type=\"AbortRequest\"", "type=\"Redirect\" url=\"/sorry\"")
            .finds("drifted", &["the rule was edited", "its action"])
            .becomes("applied"),
        m1_on("somebody disabled our rule", server())
            .applied()
            .tampered(
                "<rule name=\"Stopgap M1.1\"",
                "<rule name=\"Stopgap M1.1\" enabled=\"false\"",
            )
            .finds("drifted", &["the rule was disabled"])
            .at(IN_LOCATION)
            .becomes("applied")
            .then(HOST, "enabled=\"false\"", 0),
        on("somebody edited the precondition of an outbound rule", server(), M2)
            .applied()
            .tampered("pattern=\"^text/html", "pattern=\"^text/plain")
            .finds("drifted", &["precondition was edited"])
            .becomes("applied"),
        m1_on("drifted while switched off, it is told and not touched", server())
            .applied()
            .tampered("type=\"AbortRequest\"", "type=\"None\"")
            .after(Event::Policy(switched_off()))
            .finds("drifted", &["was edited", "switched off"]),
    ]
}

fn deleted_or_laid_out_anew() -> Vec<Situation> {
    let rule = "<rule name=\"Stopgap M1.1\"";
    vec![
        m1_on("somebody deleted our rule beside his own", with_his())
            .applied()
            .after(deleted())
            .finds("drifted", &["the rule is gone", "applicationHost.config"])
            .at(IN_LOCATION)
            .becomes("applied"),
        m1_on("somebody deleted our rule and left what we made around it", server())
            .applied()
            .after(deleted())
            .finds("drifted", &["the rule is gone"])
            .becomes("applied")
            .then(HOST, "<location path=\"Default Web Site\">", 1),
        m1_on("IIS Manager laid our rule out anew, which is no drift", with_his())
            .applied()
            .after(Event::Tamper(HOST, Box::new(move |text| {
                let at = text.find(rule).expect("it is there");
                let end = at + text[at..].find("</rule>").expect("it ends");
                let ours = text[at..end].replace("\n", "\n\t\t");
                format!("{}{}{}", &text[..at], ours, &text[end..])
            })))
            .finds("applied", &["is affected"])
            .at(IN_LOCATION),
        m1_on("an administrator adds a rule of his own beside ours", with_his())
            .applied()
            .edited(HOST, "<rule name=\"his own\" ", {
                "<rule name=\"new\"><match url=\"^new$\" /><action type=\"None\" /></rule>\n\
                 <rule name=\"his own\" "
            })
            .finds("applied", &["is affected"]),
        m1_on("an administrator adds a site's setting elsewhere in the file", server())
            .applied()
            .edited(HOST, "<application path=\"/ecp\" applicationPool=\"MSExchangeECPAppPool\">\n                    <virtualDirectory path=\"/\" physicalPath=\"C:\\Program Files\\Microsoft\\Exchange Server\\V15\\FrontEnd", {
                "<application path=\"/ecp\" applicationPool=\"MSExchangeECPAppPool\" preloadEnabled=\"true\">\n                    <virtualDirectory path=\"/\" physicalPath=\"C:\\Program Files\\Microsoft\\Exchange Server\\V15\\FrontEnd"
            })
            .finds("applied", &["is affected"]),
    ]
}

fn reported() -> Vec<Situation> {
    let told = |name, server: Server| m1_on(name, server).policy(drift_is_reported()).applied();
    vec![
        told("a disabled rule is only reported where the policy says so", server())
            .tampered(
                "<rule name=\"Stopgap M1.1\"",
                "<rule name=\"Stopgap M1.1\" enabled=\"false\"",
            )
            .finds("drifted", &["was disabled", "reported only", "stopgap reapply M1"]),
        told("a deleted rule is only reported where the policy says so", with_his())
            .after(deleted())
            .finds("drifted", &["is gone", "reported only"]),
        told("a clear is only reported where the policy says so", server())
            .after(Event::Write(ROOT, web(&rules("<clear />"))))
            .finds("drifted", &["<clear/>", "web.config", "reported only"]),
        told("a rule in front of ours is only reported where the policy says so", with_his())
            .edited(HOST, "<rules>\n", format!("<rules>\n{}\n", everything_passes("first")))
            .finds("drifted", &["the rule is installed, but", "`first`"]),
    ]
}

fn replaced() -> Vec<Situation> {
    let clear = || web(&rules("<clear />"));
    let plain = || web("<httpRedirect enabled=\"false\" />");
    vec![
        m1_on("a cumulative update replaced the web.config that our rule stood in", {
            server().file(ROOT, clear())
        })
        .applied()
        .after(Event::Write(ROOT, plain()))
        .finds("drifted", &["the rule is gone", "web.config"])
        .at(IN_LOCATION)
        .becomes("applied"),
        m1_on("a cumulative update replaced the web.config and it clears as before", {
            server().file(ROOT, clear())
        })
        .applied()
        .after(Event::Write(ROOT, web(&format!("<!-- CU13 -->{}", rules("<clear />")))))
        .finds("drifted", &["the rule is gone"])
        .at("web.config, at its root")
        .becomes("applied")
        .replacing(&[ROOT]),
        m1_on("the web.config of one application is gone, and our second rule with it", {
            server().file(ECP, clear())
        })
        .applied()
        .after(Event::Delete(ECP))
        .finds("drifted", &["is gone with", "web.config"])
        .at(IN_LOCATION)
        .becomes("applied")
        .replacing(&[]),
        m1_on("applicationHost.config was restored from an old backup", server())
            .applied()
            .after(Event::Restore(HOST))
            .finds("drifted", &["the rule is gone", "applicationHost.config"])
            .at(IN_LOCATION)
            .becomes("applied"),
        m1_on("an old backup was restored and an administrator wrote his own rule", server())
            .applied()
            .after(Event::Restore(HOST))
            .edited(HOST, "        </globalModules>\n", {
                format!("        </globalModules>\n{}\n", rules(&crate::rules::m1("his")))
            })
            .finds("drifted", &["the rule is gone"])
            .becomes("applied"),
    ]
}

fn hidden() -> Vec<Situation> {
    let clear = || web(&rules("<clear />"));
    vec![
        m1_on("a rule that ends the processing was moved in front of ours", with_his())
            .applied()
            .edited(HOST, "<rules>\n", format!("<rules>\n{}\n", everything_passes("first")))
            .finds("drifted", &["the rule is installed, but", "not blocked", "`first`"])
            .becomes("applied"),
        m1_on("a rule above ours now ends the processing, and ours cannot go before it", server())
            .applied()
            .edited(HOST, "        </globalModules>\n", {
                format!("        </globalModules>\n{}\n", rules(&everything_passes("first")))
            })
            .finds("drifted", &["the rule is installed, but", "`first`"])
            .replacing(&[]),
        m1_on("a clear was added at the site's root", server())
            .applied()
            .after(Event::Write(ROOT, clear()))
            .finds("drifted", &["no effect", "<clear/>", "web.config"])
            .becomes("applied")
            .replacing(&[HOST, ROOT]),
        m1_on("a clear was added in one application", server())
            .applied()
            .after(Event::Write(ECP, clear()))
            .finds("drifted", &["no effect on Default Web Site/ecp", "<clear/>"])
            .becomes("applied")
            .replacing(&[ECP])
            .then(ECP, "Stopgap M1.1 /ecp", 1),
        m1_on("somebody removed our rule by its name for one application", server())
            .applied()
            .after(Event::Write(ECP, web(&rules("<remove name=\"Stopgap M1.1\" />"))))
            .finds("partial", &["installed", "by its name"]),
        m1_on("the rewrite module was taken out of the site", with_his())
            .applied()
            .edited(HOST, "<location path=\"Default Web Site\">\n        <system.webServer>\n", {
                "<location path=\"Default Web Site\">\n        <system.webServer>\n\
                 <modules><remove name=\"RewriteModule\" /></modules>\n"
            })
            .finds("drifted", &["module does not run"])
            .replacing(&[]),
        m1_on("a rule in front of ours hides it, and one application is out of reach anyway", {
            with_his().location("path=\"Default Web Site/ecp\"", {
                "<modules><remove name=\"RewriteModule\" /></modules>"
            })
        })
        .applied()
        .edited(HOST, "<rules>\n", format!("<rules>\n{}\n", everything_passes("first")))
        .finds("drifted", &["the rule is installed, but", "not blocked", "`first`"])
        .becomes("partial")
        .because(&["module does not run"]),
        m1_on("one application's web.config became unreadable", server())
            .applied()
            .after(Event::Write(ECP, "<configuration>".into()))
            .finds("unknown", &["installed", "/ecp", "not known"]),
    ]
}
