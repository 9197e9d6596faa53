//! Every state that an action on IIS can have, at its plainest.

use crate::documents::{M1, M2, cookie, document, header, pools, word};
use crate::rules::{m1, rules, web};
use crate::server::{ECP, FIXED, HOST, IN_LOCATION, Server, server};
use crate::situation::{Event, Situation, blocked, everything_on, m1_on, on, switched_off};

const SITE: &str = "{ site = \"Default Web Site\" }";

pub fn table() -> Vec<Situation> {
    let mut table = at_rest();
    table.extend(in_place());
    table.extend(revisions());
    table.extend(cannot());
    table
}

fn at_rest() -> Vec<Situation> {
    let php = document(
        "PHP",
        r#"
[[affected]]
product = "php/php"
roles = ["cgi"]
ranges = [{ introduced = "5.0", fixed = "8.1.29" }]
[[action]]
id = "PHP.1"
kind = "block-request"
deny = "abort"
when = [{ field = "query", starts-with = "%ad" }]
"#,
    );
    vec![
        m1_on("a server with the fix installed needs nothing", server().build(FIXED))
            .finds("not-affected", &["has the fix", "15.2.1118.20"]),
        on("a server that runs no PHP needs no rule for PHP", server(), php)
            .finds("not-affected", &["does not run PHP"]),
        m1_on("an affected server gets the rule in a location that survives updates", server())
            .finds("pending", &["15.2.1118.7", "is affected"])
            .at(IN_LOCATION)
            .notes(&["an update of the application leaves that file alone"])
            .becomes("applied")
            .the_whole_becomes("applied", &["is affected"])
            .then(HOST, "Stopgap M1.1", 1),
        m1_on("a file with line feeds alone keeps them", server().lf())
            .finds("pending", &["is affected"])
            .at(IN_LOCATION)
            .becomes("applied")
            .then(HOST, "\r", 0),
        m1_on("the organisation switched it off and nothing is put in", server())
            .policy(switched_off())
            .finds("pending", &["switched off", "policy.toml", "is affected"]),
        m1_on("an administrator blocked it and nothing is put in", server())
            .policy(blocked("M1", false))
            .finds("blocked", &["blocked by anna", "print server"]),
        on("a rule on the whole server goes to its global rules", server(), word("W", "", "jndi"))
            .finds("pending", &["for every server"])
            .at("applicationHost.config, for the whole server")
            .becomes("applied")
            .then(HOST, "<globalRules>", 1),
    ]
}

fn in_place() -> Vec<Situation> {
    vec![
        m1_on("a rule that stands as it was put in is left as it is", server())
            .applied()
            .finds("applied", &["is affected"])
            .at(IN_LOCATION),
        m1_on("switched off while in place, it is told and not touched", server())
            .applied()
            .after(Event::Policy(switched_off()))
            .finds("applied", &["installed", "switched off", "nothing is changed"]),
        m1_on("blocked while in place, it stays and would not come back", server())
            .applied()
            .after(Event::Policy(blocked("M1", false)))
            .finds("applied", &["installed", "blocked by anna", "not be applied again"]),
        m1_on("removed by an administrator, it goes in the next cycle", server())
            .applied()
            .after(Event::Policy(blocked("M1", true)))
            .finds("applied", &["to be withdrawn", "anna"])
            .becomes("withdrawn")
            .then(HOST, "Stopgap", 0),
        m1_on("the update is installed and the rule goes by itself", server())
            .applied()
            .after(Event::Build(FIXED))
            .finds("applied", &["to be withdrawn", "has the fix"])
            .becomes("withdrawn")
            .because(&["has the fix"])
            .then(HOST, "Stopgap", 0),
        m1_on("the update is installed but the switch is off, so the rule stays", server())
            .applied()
            .after(Event::Policy(switched_off()))
            .after(Event::Build(FIXED))
            .finds("applied", &["no longer needed", "has the fix", "switched off"]),
        m1_on("the file could not be replaced and the next cycle tries again", server())
            .after(Event::FailingCycle)
            .finds("failed", &["last try failed", "rolled back", "read-only"])
            .becomes("applied"),
        m1_on("a torn ExSetup.exe takes nothing away", server())
            .applied()
            .after(Event::Write(stopgap_sandbox::SETUP_PROGRAM, "MZ".into()))
            .finds("unknown", &["version", "what is installed stays"]),
    ]
}

fn revisions() -> Vec<Situation> {
    let newer = M1.replacen("revision = 5", "revision = 6", 1).replace(
        r#"{ field = "uri", decode = ["url"], contains = "powershell" },"#,
        r#"{ field = "uri", decode = ["url"], matches = "power ?shell" },"#,
    );
    let two = |revision: &str| {
        let one = word("W", SITE, "jndi").replace("revision = 1", revision);
        let second = "[[action]]\nid = \"W.2\"\nkind = \"block-request\"\n\
                      scope = { site = \"Default Web Site\" }\ndeny = \"abort\"\n\
                      when = [{ field = \"uri\", contains = \"${\" }]\n";
        (one.clone(), format!("{one}{second}"))
    };
    vec![
        m1_on("a newer revision replaces the older one in one step", server())
            .applied()
            .after(Event::Catalog(vec![newer]))
            .finds("applied", &["another revision is installed", "5 here, 6 in the catalog"])
            .at(IN_LOCATION)
            .replacing(&[HOST])
            .then(HOST, "power ?shell", 1)
            .then(HOST, "Stopgap M1.1", 1),
        on("a revision that drops an action takes its rule back", server(), two("revision = 1").1)
            .applied()
            .after(Event::Catalog(vec![two("revision = 2").0]))
            .finds("applied", &["for every server"])
            .replacing(&[HOST])
            .then(HOST, "Stopgap W.1", 1)
            .then(HOST, "Stopgap W.2", 0),
        m1_on("a catalog that lost the mitigation takes nothing back", server())
            .applied()
            .after(Event::Catalog(Vec::new()))
            .finds("applied", &["not in this catalog", "stays until you remove it"])
            .at(IN_LOCATION),
        m1_on("four mitigations touch applicationHost.config and it is written once", server())
            .and(M2)
            .and(header(SITE))
            .and(pools())
            .and(cookie())
            .finds("pending", &["is affected"])
            .becomes("applied")
            .finds_of("M2.1", "pending", &["is affected"])
            .at("applicationHost.config, location \"Default Web Site/owa\"")
            .becomes("applied")
            .finds_of("NX.1", "pending", &["every server"])
            .becomes("applied")
            .finds_of("AP.1", "pending", &["every server"])
            .becomes("applied")
            .finds_of("PL.1", "pending", &["every server"])
            .becomes("applied")
            .replacing(&[HOST]),
    ]
}

fn cannot() -> Vec<Situation> {
    let service = "[[action]]\nid = \"W.2\"\nkind = \"disable-service\"\n\
                   services = [\"MSExchangeUM\"]\n";
    let body = document(
        "B",
        "[[action]]\nid = \"B.1\"\nkind = \"block-request\"\n\
         scope = { site = \"Default Web Site\" }\ndeny = \"abort\"\n\
         when = [{ field = \"body\", contains = \"resolved_model\" }]\n",
    );
    let everyone = |id| word(id, SITE, "jndi");
    vec![
        on("one action is put in, and the other one cannot be done under a folder", server(), {
            format!("{}{service}", everyone("W"))
        })
        .finds("pending", &["every server"])
        .becomes("applied")
        .finds_of("W.2", "unsupported", &["services are disabled only", "MSExchangeUM"])
        .the_whole_becomes("partial", &["1 of 2 actions installed", "MSExchangeUM"]),
        on("a rule on the body is nothing that URL Rewrite can see", server(), body)
            .finds("unsupported", &["body"]),
        on("a server without IIS has no place for a rule", server().without_iis(), everyone("W"))
            .finds("unsupported", &["no web server that this version knows"]),
        on("a server without Exchange is not affected by M1", Server::without_exchange(), M1)
            .finds("not-affected", &["Exchange Server is not installed"]),
        m1_on("a torn ExSetup.exe is never taken for a fixed one", {
            server().bytes(stopgap_sandbox::SETUP_PROGRAM, b"MZ".to_vec())
        })
        .finds("unknown", &["version"]),
        on("a scope of a site that is not there", server(), word("W", "{ site = \"Shop\" }", "x1"))
            .finds("unsupported", &["no site \"Shop\"", "Default Web Site", "Exchange Back End"]),
        on("a scope of a path that is not there", server(), {
            word("W", "{ site = \"Default Web Site\", path = \"/shop\" }", "x1")
        })
        .finds("unsupported", &["no application or virtual directory /shop"]),
        on(
            "a rule that others wrote is no longer needed and is theirs to take",
            {
                server()
                    .build(FIXED)
                    .file(ECP, web(&rules("")))
                    .location("path=\"Default Web Site\"", &rules(&m1("anna's")))
            },
            M1,
        )
        .policy(everything_on())
        .finds("not-affected", &["has the fix", "no longer needed", "`anna's`"]),
    ]
}
