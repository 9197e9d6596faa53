//! Where a rule has no place, or does not reach all of its scope.

use super::documents::{SITE, header, next_word, response, w, word};
use super::server::{ECP, HOST, OWA, ROOT, Server, rules, server, web};
use super::story::Done::{Nothing, PutIn};
use super::story::{Story, check, story};

fn on(name: &str, server: Server) -> Story {
    story(name, server, &[w()])
}

fn without_module() -> Server {
    server()
        .edit(
            HOST,
            "            <add name=\"RewriteModule\" image=\"%SystemRoot%\\system32\\inetsrv\\rewrite.dll\" />\n",
            "",
        )
        .edit(HOST, "            <add name=\"RewriteModule\" />\n", "")
}

#[test]
fn what_has_no_place_is_not_put_in() {
    let declared = "<section name=\"rules\" overrideModeDefault=\"Allow\" />";
    let off = "<modules><remove name=\"RewriteModule\" /></modules>";
    let why = "no-place-for-rule";
    check(vec![
        on("URL Rewrite is not installed", without_module())
            .finds("W.1", "unsupported", why, Nothing)
            .edits(&[]),
        story("nor for a request header", without_module(), &[header("H", SITE)]).finds(
            "H.1",
            "unsupported",
            why,
            Nothing,
        ),
        story("nor for a response header", without_module(), &[response("R", SITE)]).finds(
            "R.1",
            "unsupported",
            why,
            Nothing,
        ),
        on("rules are not declared", server().edit(HOST, declared, "")).finds(
            "W.1",
            "unsupported",
            why,
            Nothing,
        ),
        on("the module does not run for the site", server().location("Default Web Site", off))
            .finds("W.1", "unsupported", why, Nothing),
        story("there is no such site", server(), &[word("W", "{ site = \"Shop\" }", "jndi")])
            .finds("W.1", "unsupported", why, Nothing),
        on("the file with the root's rules is not there", {
            let source = "<rewrite><rules configSource=\"rewrite.config\" /></rewrite>";
            server().file(ROOT, &web(source))
        })
        .finds("W.1", "unknown", why, Nothing),
    ]);
}

#[test]
fn what_has_no_place_any_more_stays_as_it_is() {
    let elsewhere = || next_word().replace("Default Web Site", "Shop");
    check(vec![
        on("the next revision is for a site that is not here", server())
            .applied()
            .catalog(&[elsewhere()])
            .finds(
                "W.1",
                "unsupported",
                "another-revision, stays-because(no-place-for-rule)",
                Nothing,
            )
            .then(HOST, "Stopgap W.1", 1)
            .edits(&[]),
        on("the same, while all is switched off", server())
            .applied()
            .catalog(&[elsewhere()])
            .switched_off()
            .finds("W.1", "applied", "another-revision, switched-off", Nothing),
        on("the same, and it is removed", server())
            .applied()
            .catalog(&[elsewhere()])
            .take_back("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed)", super::story::Done::Removal),
    ]);
}

#[test]
fn what_a_rule_does_not_reach_is_told() {
    let off = "<modules><remove name=\"RewriteModule\" /></modules>";
    let gap = || server().location("Default Web Site/owa", off);
    let broken = || {
        let twice = "<rule name=\"twice\"><match url=\".*\" /><action type=\"None\" /></rule>";
        server().file(ECP, &web(&rules(&format!("{twice}\n{twice}"))))
    };
    let partial = "in-place, scope-not-reached, for-every-server";
    check(vec![
        on("one application does not run the module", gap())
            .finds("W.1", "pending", "for-every-server", PutIn)
            .note("W.1", "scope-not-reached"),
        on("one application does not run the module, and the rule is in place", gap())
            .applied()
            .finds("W.1", "partial", partial, Nothing)
            .edits(&[]),
        on("one application answers with an error of IIS before us", broken())
            .finds("W.1", "pending", "for-every-server", PutIn)
            .note("W.1", "scope-not-reached"),
        on("the same, and the rule is in place", broken())
            .applied()
            .finds("W.1", "partial", partial, Nothing),
        on("both at once", broken().location("Default Web Site/owa", off)).applied().finds(
            "W.1",
            "partial",
            "in-place, scope-not-reached, scope-not-reached, for-every-server",
            Nothing,
        ),
        on("in part, and blocked", gap()).applied().blocked("W").finds(
            "W.1",
            "partial",
            "in-place, scope-not-reached, installed-and-blocked",
            Nothing,
        ),
        on("in part, and a clear comes to an application that it reached", gap())
            .applied()
            .wrote(ECP, &web(&rules("<clear />")))
            .finds("W.1", "drifted", "rule-dropped-by-clear", super::story::Done::Anew)
            .then(ECP, "Stopgap W.1 /ecp", 1)
            .then(OWA, "Stopgap", 0),
    ]);
}
