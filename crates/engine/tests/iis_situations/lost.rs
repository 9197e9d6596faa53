//! The state folder was lost, or somebody copied what is ours: what is known of it by its text alone.

use crate::documents::{M1, M2, cookie, document, header, pools, word};
use crate::rules::{DECODED, abort_all, rules, web};
use crate::server::{ECP, FIXED, HOST, IN_LOCATION, OWA, Server, server};
use crate::situation::{Event, Situation, m1_on, on, switched_off};

const SITE: &str = "{ site = \"Default Web Site\" }";
const KNOWN: &str = "recognised by its text: the records of this state folder do not have it";
/// What is told of something with our name that is in no record.
const STRAY: &str = "in no record of this state folder: it has to be taken out by hand";
const VARIABLE: &str = "<add name=\"HTTP_X_MIDDLEWARE_SUBREQUEST\" />";

pub fn table() -> Vec<Situation> {
    let mut table = whole();
    table.extend(not_whole());
    table.extend(variables());
    table.extend(over());
    table.extend(idle_pools());
    table.extend(copies());
    table
}

/// A row on a server where a mitigation was put in, and the records of that were lost.
fn lost(name: &'static str, server: Server, document: impl Into<String>) -> Situation {
    on(name, server, document).applied().after(Event::Lost)
}

/// M1's rule as it is written.
fn exact(name: &str) -> String {
    abort_all(name, &[(DECODED, "autodiscover"), (DECODED, "powershell")])
}

fn clear() -> String {
    web(&rules("<clear />"))
}

/// A mitigation that the update is the fix of.
fn fixed(document: &str) -> String {
    let affected = "[[affected]]\nproduct = \"microsoft/exchange-server\"\n\
                    ranges = [{ introduced = \"15.2.0\", fixed = \"15.2.1118.20\" }]\n[[action]]";
    document.replacen("\n[[action]]", affected, 1)
}

fn whole() -> Vec<Situation> {
    let newer = M1.replacen("revision = 5", "revision = 6", 1).replace(
        r#"{ field = "uri", decode = ["url"], contains = "powershell" },"#,
        r#"{ field = "uri", decode = ["url"], matches = "power ?shell" },"#,
    );
    vec![
        lost("a rule of ours is known by its text", server(), M1)
            .finds("applied", &["is affected", KNOWN])
            .at(IN_LOCATION),
        lost("a rule in the global rules is known by its text", server(), word("W", "", "jndi"))
            .finds("applied", &[KNOWN])
            .at("applicationHost.config, for the whole server"),
        lost("an outbound rule is known with its precondition", server(), M2)
            .finds("applied", &[KNOWN])
            .at("applicationHost.config, location \"Default Web Site/owa\""),
        lost(
            "a rule that sets a request header is known with its variable",
            server(),
            header(SITE),
        )
        .finds("applied", &[KNOWN])
        .at("applicationHost.config, location \"Default Web Site\"; \
                 applicationHost.config, at its root"),
        lost("a rule in two places is known in both", server().file(ECP, clear()), M1)
            .finds("applied", &[KNOWN])
            .at("applicationHost.config, location \"Default Web Site\"; web.config, at its root"),
        lost(
            "a rule behind a clear is known in its web.config",
            server().file(OWA, clear()),
            word("W", "{ site = \"Default Web Site\", path = \"/owa\" }", "jndi"),
        )
        .finds("applied", &[KNOWN])
        .at("web.config, at its root"),
        m1_on("rules of four mitigations in one file are each known", server())
            .and(M2)
            .and(header(SITE))
            .and(cookie())
            .applied()
            .after(Event::Lost)
            .finds("applied", &[KNOWN])
            .finds_of("M2.1", "applied", &[KNOWN])
            .finds_of("NX.1", "applied", &[KNOWN])
            .finds_of("PL.1", "applied", &[KNOWN]),
        lost("what was known by its text is in the records from then on", server(), M1)
            .after(Event::Cycle)
            .after(Event::Catalog(vec![newer]))
            .finds("applied", &["another revision is installed"])
            .replacing(&[HOST])
            .then(HOST, "power ?shell", 1)
            .then(HOST, "Stopgap M1.1", 1),
        lost("switched off, it is told as in place and nothing is written down", server(), M1)
            .after(Event::Policy(switched_off()))
            .finds("applied", &["switched off", KNOWN])
            .because(&[KNOWN]),
    ]
}

fn not_whole() -> Vec<Situation> {
    let removals = |text: &str| {
        let (before, rest) = text.split_once("<preConditions>").expect("a precondition");
        let (_, after) = rest.split_once("</preConditions>").expect("its end");
        format!("{}{after}", before.trim_end())
    };
    vec![
        lost(
            "of two places one was rewritten: it is put in there again",
            server().file(ECP, clear()),
            M1,
        )
        .after(Event::Write(ECP, clear()))
        .finds("drifted", &["no effect on Default Web Site/ecp"])
        .becomes("applied")
        .replacing(&[ECP]),
        lost("a rule that somebody edited is not known to be ours", server(), M1)
            .after(Event::Edit(HOST, Box::new(|text| text.to_owned())))
            .after(Event::Tamper(HOST, Box::new(|text| text.replace("powershell", "power"))))
            .finds("conflict", &["`Stopgap M1.1`", "taken"])
            .leaving_what_is_there(HOST),
        lost("an outbound rule whose precondition is gone is not known to be ours", server(), M2)
            .after(Event::Tamper(HOST, Box::new(removals)))
            .finds("conflict", &["\"Stopgap M2.1\" is there already"])
            .leaving_what_is_there(HOST),
    ]
}

fn variables() -> Vec<Situation> {
    let his = "<rule name=\"his\"><match url=\".*\" /><serverVariables>\
               <set name=\"HTTP_X_MIDDLEWARE_SUBREQUEST\" value=\"x\" /></serverVariables>\
               <action type=\"None\" /></rule>";
    vec![
        lost(
            "a variable that a rule of somebody's sets stays on the list",
            server(),
            fixed(&header(SITE)),
        )
        .after(Event::Edit(OWA, Box::new(move |_| web(&rules(his)))))
        .after(Event::Build(FIXED))
        .finds("applied", &["to be withdrawn"])
        .becomes("withdrawn")
        .then(HOST, VARIABLE, 1)
        .leaving_what_is_there(HOST),
    ]
}

fn over() -> Vec<Situation> {
    let there = |name, document: &str| {
        lost(name, server(), document)
            .after(Event::Build(FIXED))
            .finds("applied", &["to be withdrawn", "has the fix"])
            .becomes("withdrawn")
            .then(HOST, "Stopgap", 0)
    };
    vec![
        there("the update comes after the records were lost, and the rule goes", M1),
        there("the update comes, and a global rule goes", &fixed(&word("W", "", "jndi"))),
        there("the update comes, and a request header's rule goes", &fixed(&header(SITE)))
            .then(HOST, VARIABLE, 0),
        lost("the update comes, and an outbound rule goes with its precondition", server(), M2)
            .after(Event::Build("15.2.1544.41"))
            .finds("applied", &["to be withdrawn", "has the fix"])
            .becomes("withdrawn")
            .then(HOST, "Stopgap", 0),
    ]
}

fn idle_pools() -> Vec<Situation> {
    let off = "autoStart=\"false\" startMode=\"OnDemand\" />";
    let set = move |text: &str| {
        let ecp = "<add name=\"MSExchangeECPAppPool\" managedRuntimeVersion=\"v4.0\" ";
        let oab = "<add name=\"MSExchangeOABAppPool\" managedRuntimeVersion=\"v4.0\" ";
        let text = crate::server::replaced(text, &format!("{ecp}/>"), &format!("{ecp}{off}"));
        crate::server::replaced(&text, &format!("{oab}/>"), &format!("{oab}{off}"))
    };
    let for_old = fixed(&pools());
    let updated = |name| on(name, server().build(FIXED), &*for_old);
    vec![
        on(
            "pools that stay set not to start are told once the update is there",
            server(),
            &*for_old,
        )
        .applied()
        .after(Event::Lost)
        .after(Event::Build(FIXED))
        .finds("not-affected", &["has the fix"])
        .the_whole_becomes("not-affected", &["AP.1", "MSExchangeECPAppPool", "set autoStart"])
        .leaves_over(&["set not to start, as AP.1 does it"])
        .then(HOST, off, 2)
        .leaving_what_is_there(HOST),
        on(
            "while the threat is there they do what is wanted, whoever set them",
            server(),
            &*for_old,
        )
        .applied()
        .after(Event::Lost)
        .finds("covered", &["the records of this state folder do not have it"])
        .then(HOST, off, 2)
        .leaves_over(&[])
        .leaving_what_is_there(HOST),
        updated("a pool that an administrator set not to start in another way is his")
            .edited(
                HOST,
                "<add name=\"MSExchangeECPAppPool\" managedRuntimeVersion=\"v4.0\" />",
                "<add name=\"MSExchangeECPAppPool\" autoStart=\"false\" />",
            )
            .finds("not-affected", &["has the fix"])
            .leaves_over(&[]),
        updated("pools that another mitigation wants off are no leftover of this one")
            .and(pools().replace("\"AP\"", "\"AQ\"").replace("AP.1", "AQ.1"))
            .after(Event::Edit(HOST, Box::new(set)))
            .finds("not-affected", &["has the fix"])
            .leaves_over(&[]),
    ]
}

fn copies() -> Vec<Situation> {
    let copied = web(&rules(&format!("<clear />\n{}", exact("Stopgap M1.1"))));
    let weaker = web(&rules(&format!(
        "<clear />\n{}",
        abort_all("Stopgap M1.1", &[(DECODED, "autodiscover"), (DECODED, "powershells")])
    )));
    vec![
        m1_on(
            "IIS Manager copied our rule behind a clear: ours holds, and the copy is told",
            server(),
        )
        .applied()
        .after(Event::Write(ECP, copied.clone()))
        .finds("applied", &["is affected"])
        .the_whole_becomes("applied", &[STRAY, "web.config"])
        .leaves_over(&["`Stopgap M1.1` is there"]),
        m1_on("the copy is still told when the update has taken ours back", server())
            .applied()
            .after(Event::Write(ECP, copied))
            .after(Event::Build(FIXED))
            .finds("applied", &["to be withdrawn"])
            .becomes("withdrawn")
            .the_whole_becomes("withdrawn", &[STRAY])
            .leaves_over(&["`Stopgap M1.1` is there"])
            .then(HOST, "Stopgap", 0),
        m1_on("a copy that somebody made weaker is not taken for ours", server())
            .applied()
            .after(Event::Write(ECP, weaker))
            .finds("drifted", &["no effect on Default Web Site/ecp", "is there already: C:"])
            .leaves_over(&["`Stopgap M1.1` is there"]),
        on(
            "a rule with our name that no catalog knows is told as well",
            server().location("path=\"Exchange Back End\"", &rules(&exact("Stopgap X9.1"))),
            document("W", "[[action]]\nid = \"W.1\"\nkind = \"do-nothing\"\n"),
        )
        .finds("applied", &["heartbeat"])
        .leaves_over_of("X9.1", &["`Stopgap X9.1` is there"]),
    ]
}
