//! Facts that are not known, and files and folders that are known in part.

use stopgap_iis::config::Read;
use stopgap_model::Fact;

use super::documents::{IN_OWA, SITE, pools, response, until_fixed, w, word};
use super::server::{ECP, HOST, OWA, ROOT, Server, rules, server, web};
use super::story::Done::{Nothing, PutIn, Removal};
use super::story::{Story, check, story};

const BROKEN: &str = "<configuration><system.webServer></configuration>";

fn on(name: &str, server: Server) -> Story {
    story(name, server, &[w()])
}

#[test]
fn what_is_not_known_of_the_server_changes_nothing() {
    let exchange = |fact| move |it: &mut Story| it.facts.exchange = fact;
    let versionless = || {
        let Fact::Known(mut known) = super::story::exchange("15.2.1118.7") else { unreachable!() };
        known.version = Fact::Unknown(stopgap_model::Reasons::text("ExSetup.exe is cut off"));
        Fact::Known(known)
    };
    let on = |name: &str| story(name, server(), &[until_fixed(&w())]);
    check(vec![
        on("whether Exchange is here is not known")
            .but(exchange(Fact::Unknown(stopgap_model::Reasons::text("access is denied"))))
            .finds("W.1", "unknown", "installed-unknown", Nothing)
            .edits(&[]),
        on("the same, and it is in place: it stays")
            .applied()
            .but(exchange(Fact::Unknown(stopgap_model::Reasons::text("access is denied"))))
            .finds("W.1", "unknown", "installed-unknown, stays", Nothing)
            .stands("W", &["Stopgap W.1"]),
        on("the version is not known").but(exchange(versionless())).finds(
            "W.1",
            "unknown",
            "version-unknown",
            Nothing,
        ),
        on("the version is not known, and it is in place")
            .applied()
            .but(exchange(versionless()))
            .finds("W.1", "unknown", "version-unknown, stays", Nothing),
        on("the version is not known, and it is removed by hand")
            .applied()
            .but(exchange(versionless()))
            .take_back("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed)", Removal),
        on("IIS could not be read").but(|it| it.facts.iis = unread_iis()).finds(
            "W.1",
            "unknown",
            "configuration-unknown",
            Nothing,
        ),
        on("IIS could not be read, and it is in place")
            .applied()
            .but(|it| it.facts.iis = unread_iis())
            .finds("W.1", "unknown", "configuration-unknown, stays", Nothing),
        on("IIS could not be read, and the catalog has it no more")
            .applied()
            .catalog(&[])
            .but(|it| it.facts.iis = unread_iis())
            .finds("W.1", "unknown", "configuration-unknown, stays", Nothing),
        story("IIS could not be read, and pools are to be set", server(), &[pools("P")])
            .but(|it| it.facts.iis = unread_iis())
            .finds("P.1", "unknown", "configuration-unknown", Nothing),
    ]);
}

fn unread_iis<T>() -> Fact<T> {
    Fact::Unknown(stopgap_model::Reasons::text("applicationHost.config is cut off"))
}

#[test]
fn a_file_that_cannot_be_read_is_a_doubt_where_it_counts() {
    let utf16: Vec<u8> =
        "\u{feff}<configuration />".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let doubt = "in-place, effect-unknown";
    check(vec![
        on("one application's web.config is not well-formed", server().file(ECP, BROKEN)).finds(
            "W.1",
            "pending",
            "for-every-server",
            PutIn,
        ),
        on("the same once the rule is in place", server().file(ECP, BROKEN))
            .applied()
            .finds("W.1", "unknown", doubt, Nothing)
            .edits(&[]),
        on("a web.config became unreadable since", server())
            .applied()
            .wrote(ECP, BROKEN)
            .finds("W.1", "unknown", doubt, Nothing),
        on("a web.config is in UTF-16", server().with(ECP, Read::Found(utf16)))
            .applied()
            .finds("W.1", "unknown", doubt, Nothing),
        on("the root's web.config is not well-formed", server().file(ROOT, BROKEN))
            .finds("W.1", "unknown", "no-place-for-rule", Nothing)
            .edits(&[]),
        story(
            "an unreadable file beside the scope is of no concern",
            server().file(ECP, BROKEN),
            &[word("W", IN_OWA, "jndi")],
        )
        .applied()
        .finds("W.1", "applied", "for-every-server", Nothing),
        story("the same for a response header", server().file(ECP, BROKEN), &[response("R", SITE)])
            .applied()
            .finds("R.1", "unknown", doubt, Nothing),
        on("a doubt and a clear elsewhere: what is known is put right", server())
            .applied()
            .wrote(ECP, BROKEN)
            .wrote(OWA, &web(&rules("<clear />")))
            .finds("W.1", "drifted", "rule-dropped-by-clear", super::story::Done::Anew)
            .then(OWA, "Stopgap W.1", 1),
    ]);
}

#[test]
fn a_folder_that_is_known_in_part_is_told() {
    let half = || server().half_known("access is denied");
    check(vec![
        on("a rule is put in, with what may keep it from its effect", half())
            .finds("W.1", "pending", "for-every-server", PutIn)
            .note("W.1", "incompletely-scanned"),
        on("a rule that stands has the note as well", half())
            .applied()
            .finds("W.1", "applied", "for-every-server", Nothing)
            .note("W.1", "incompletely-scanned"),
        on("where all folders were walked there is no note", server())
            .finds("W.1", "pending", "for-every-server", PutIn)
            .no_note("W.1", "incompletely-scanned"),
        on("it is removed whatever is known of the folders", half())
            .applied()
            .take_back("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, "Stopgap", 0),
    ]);
}
