//! What is inherited, dropped, locked, declared.

use crate::documents::word;
use crate::rules::{abort, rules, web, web_location};
use crate::server::{
    AUTODISCOVER, ECP, ECP_AUTH, HOST, IN_LOCATION, OWA, OWA_AUTH, ROOT, Server, server,
};
use crate::situation::{Situation, m1_on, on};

const OWA_SCOPE: &str = "{ site = \"Default Web Site\", path = \"/owa\" }";
const ECP_SCOPE: &str = "{ site = \"Default Web Site\", path = \"/ecp\" }";
const NARROW: &str = "path=\".\" inheritInChildApplications=\"false\"";
const CALENDAR: &str = "{ site = \"Default Web Site\", path = \"/owa/Calendar\" }";

pub fn table() -> Vec<Situation> {
    let mut table = cleared();
    table.extend(out_of_reach());
    table.extend(shared_folders());
    table.extend(locked());
    table.extend(declared());
    table.extend(modules());
    table
}

fn cleared() -> Vec<Situation> {
    let clear = || web(&rules("<clear />"));
    let two_places =
        "applicationHost.config, location \"Default Web Site\"; web.config, at its root";
    vec![
        m1_on("a clear at the site's root: the rule stands behind it", {
            server().file(ROOT, clear())
        })
        .finds("pending", &["is affected"])
        .at("web.config, at its root")
        .notes(&["drops what is inherited", "an update of the application may replace that file"])
        .becomes("applied")
        .replacing(&[ROOT]),
        m1_on("a clear in an application: a second rule stands there", server().file(ECP, clear()))
            .finds("pending", &["is affected"])
            .at(two_places)
            .becomes("applied")
            .replacing(&[HOST, ECP])
            .then(ECP, "name=\"Stopgap M1.1 /ecp\"", 1)
            .then(HOST, "name=\"Stopgap M1.1\"", 1),
        m1_on("a clear before the administrator's own rules: ours comes between", {
            let own = abort("his own", "{HTTP_USER_AGENT}", "badbot");
            server().lf().file(ECP, web(&rules(&format!("<!-- mine -->\n<clear />\n{own}"))))
        })
        .finds("pending", &["is affected"])
        .at(two_places)
        .becomes("applied")
        .replacing(&[HOST, ECP]),
        m1_on("a clear in a plain folder's web.config: a second rule stands there", {
            server().file(ECP_AUTH, clear())
        })
        .finds("pending", &["is affected"])
        .at(two_places)
        .becomes("applied")
        .replacing(&[HOST, ECP_AUTH])
        .then(ECP_AUTH, "name=\"Stopgap M1.1 /ecp/auth\"", 1),
        m1_on("a clear in a location of applicationHost.config", {
            server().location("path=\"Default Web Site/ecp\"", &rules("<clear />"))
        })
        .finds("pending", &["is affected"])
        .at("applicationHost.config, location \"Default Web Site\"; \
             applicationHost.config, location \"Default Web Site/ecp\"")
        .becomes("applied")
        .then(HOST, "name=\"Stopgap M1.1 /ecp\"", 1),
    ]
}

fn out_of_reach() -> Vec<Situation> {
    vec![
        m1_on("a clear in a location of a web.config is out of reach", {
            server().file(ECP, web_location("path=\"auth\"", &rules("<clear />")))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .notes(&["not for Default Web Site/ecp/auth"])
        .becomes("partial")
        .because(&["installed", "drops what is inherited"]),
        m1_on("a clear at the root that child applications do not see costs the root alone", {
            server().file(ROOT, web_location(NARROW, &rules("<clear />")))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .notes(&["not for Default Web Site: a location of C:\\inetpub\\wwwroot\\web.config drops"])
        .notes(&["but not for the applications below"])
        .becomes("partial")
        .because(&["installed; not for Default Web Site: a location of"]),
        m1_on("Autodiscover itself drops what is inherited, and the rest is protected", {
            server().file(AUTODISCOVER, web_location("path=\"json\"", &rules("<clear />")))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .becomes("partial")
        .because(&["not for Default Web Site/autodiscover/json"]),
        on(
            "a clear in an application without others below it leaves no place, which is said once",
            server().file(ECP, web_location(NARROW, &rules("<clear />"))),
            word("W", ECP_SCOPE, "jndi"),
        )
        .finds(
            "unsupported",
            &["a location of C:\\Program Files", "no rule of the scope can stand"],
        ),
        m1_on("somebody removes our rule by its name in one application", {
            server().file(ECP, web(&rules("<remove name=\"Stopgap M1.1\" />")))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .notes(&["drops this rule by its name"])
        .becomes("partial")
        .because(&["installed", "by its name"]),
        m1_on("somebody removes our rule by its name at the site's root", {
            server().file(ROOT, web(&rules("<remove name=\"stopgap m1.1\" />")))
        })
        .finds("unsupported", &["drops this rule by its name"]),
    ]
}

fn shared_folders() -> Vec<Situation> {
    let clear = || web(&rules("<clear />"));
    vec![
        on(
            "nested applications over one folder inherit one rule",
            server(),
            word("W", OWA_SCOPE, "jndi"),
        )
        .finds("pending", &["every server"])
        .at("applicationHost.config, location \"Default Web Site/owa\"")
        .becomes("applied"),
        on(
            "a clear in the file that /owa, /owa/Calendar and /owa/Integrated share",
            server().file(OWA, clear()),
            word("W", OWA_SCOPE, "jndi"),
        )
        .finds("pending", &["every server"])
        .at("web.config, at its root")
        .becomes("applied")
        .replacing(&[OWA])
        .then(OWA, "Stopgap W.1", 1),
        on(
            "the shared file also holds for applications outside of the scope",
            server().file(OWA, clear()),
            word("W", CALENDAR, "jndi"),
        )
        .finds("unsupported", &["outside of the scope"]),
        m1_on("a clear in a plain folder that three applications reach", {
            server().file(OWA_AUTH, clear())
        })
        .finds("pending", &["is affected"])
        .at("applicationHost.config, location \"Default Web Site\"; web.config, at its root")
        .becomes("applied")
        .replacing(&[HOST, OWA_AUTH])
        .then(OWA_AUTH, "Stopgap M1.1", 1),
    ]
}

/// The server with the section `rules` declared so.
fn with_mode(declared: &str) -> Server {
    server().host_edit("<section name=\"rules\" overrideModeDefault=\"Allow\" />", declared)
}

fn locked() -> Vec<Situation> {
    let site =
        |more: &str| server().location(&format!("path=\"Default Web Site\" {more}"), &rules(""));
    let deny = "<section name=\"rules\" overrideModeDefault=\"Deny\" />";
    vec![
        m1_on("a section that is locked by default still takes a location", with_mode(deny))
            .finds("pending", &["is affected"])
            .at(IN_LOCATION)
            .becomes("applied"),
        m1_on("a web.config with a locked section is broken before us", {
            with_mode(deny).file(ROOT, web(&rules("<clear />")))
        })
        .finds("conflict", &["500.19", "locked"]),
        m1_on("a location locks its rules with overrideMode", site("overrideMode=\"Deny\""))
            .finds("unsupported", &["locked"]),
        m1_on("a location locks its rules with allowOverride", site("allowOverride=\"false\""))
            .finds("unsupported", &["locked"]),
        m1_on("a location that children do not inherit is no place for the rule", {
            site("inheritInChildApplications=\"false\"")
        })
        .finds("pending", &["is affected"])
        .at("web.config, at its root")
        .notes(&["not inherited"])
        .becomes("applied")
        .replacing(&[ROOT]),
    ]
}

fn declared() -> Vec<Situation> {
    vec![
        m1_on("the section may stand in applicationHost.config alone", {
            with_mode("<section name=\"rules\" allowDefinition=\"AppHostOnly\" />")
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .becomes("applied"),
        m1_on("the section may stand at an application's root, where a clear is", {
            with_mode("<section name=\"rules\" allowDefinition=\"MachineToApplication\" />")
                .file(ROOT, web(&rules("<clear />")))
        })
        .finds("pending", &["is affected"])
        .at("web.config, at its root")
        .becomes("applied")
        .replacing(&[ROOT]),
        m1_on("the section may not stand in a plain folder, and that is broken before us", {
            with_mode("<section name=\"rules\" allowDefinition=\"MachineToApplication\" />")
                .file(ECP_AUTH, web(&rules("<clear />")))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .becomes("partial")
        .because(&["installed", "/ecp/auth", "may not appear so far down"]),
        m1_on("the section is not declared and any rule would break the site", with_mode(""))
            .finds("unsupported", &["system.webServer/rewrite/rules", "not declared"]),
        on(
            "the global rules are not declared",
            {
                let declared = "<section name=\"globalRules\" overrideModeDefault=\"Deny\" \
                            allowDefinition=\"AppHostOnly\" />";
                server().host_edit(declared, "")
            },
            word("W", "", "jndi"),
        )
        .finds("unsupported", &["globalRules", "not declared"]),
    ]
}

fn modules() -> Vec<Situation> {
    let off = "<modules><remove name=\"RewriteModule\" /></modules>";
    let module = "            <add name=\"RewriteModule\" \
                  image=\"%SystemRoot%\\system32\\inetsrv\\rewrite.dll\" />\n";
    vec![
        m1_on("the rewrite module is not installed", server().host_edit(module, ""))
            .finds("unsupported", &["URL Rewrite", "not installed"]),
        m1_on("the rewrite module is taken out of the whole site", {
            server().location("path=\"Default Web Site\"", off)
        })
        .finds("unsupported", &["does not run for Default Web Site", "`modules`"]),
        m1_on("the module is installed, and `modules` of the server is without it", {
            server().host_edit("            <add name=\"RewriteModule\" />\n", "")
        })
        .finds("unsupported", &["does not run for Default Web Site", "`modules`"]),
        on(
            "a rule for the whole server where the module runs for no site",
            server().host_edit("            <add name=\"RewriteModule\" />\n", ""),
            word("W", "", "jndi"),
        )
        .finds("unsupported", &["does not run for any site"]),
        on(
            "a rule for the whole server where the module is taken out of one site",
            server().location("path=\"Exchange Back End\"", off),
            word("W", "", "jndi"),
        )
        .finds("pending", &["every server"])
        .notes(&["not for Exchange Back End/: the URL Rewrite module does not run there"])
        .becomes("partial")
        .because(&["installed", "Exchange Back End"]),
        m1_on("the rewrite module is taken out of one application", {
            server().location("path=\"Default Web Site/ecp\"", off)
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .notes(&["not for Default Web Site/ecp", "module does not run"])
        .becomes("partial")
        .because(&["installed", "module", "Default Web Site/ecp"]),
        m1_on("the modules of the other site are of no concern", {
            server().location("path=\"Exchange Back End\"", off)
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .becomes("applied"),
    ]
}
