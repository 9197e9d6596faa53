//! For which versions an action is, and what a fix changes.

use stopgap_model::host::Declared;
use stopgap_model::{Catalog, Fact};

use super::documents::{document, next_word, two_words, until_fixed, w};
use super::server::{FIXED, HOST, server};
use super::story::Done::{Anew, Nothing, PutIn, Removal};
use super::story::{Story, check, story};

fn on(name: &str) -> Story {
    story(name, server(), &[until_fixed(&w())])
}

/// Two rules, the second of them only for versions below a limit.
fn narrowed(limit: &str) -> String {
    let second = "id = \"W.2\"\n";
    let only = format!("{second}only_if = {{ version_below = \"{limit}\" }}\n");
    until_fixed(&two_words()).replace(second, &only)
}

#[test]
fn the_version_decides() {
    check(vec![
        on("the last version without the fix")
            .build("15.2.1118.19")
            .finds("W.1", "pending", "affected", PutIn),
        on("the first version with the fix")
            .build(FIXED)
            .finds("W.1", "not-affected", "has-fix", Nothing)
            .whole("W", "not-affected", "has-fix")
            .edits(&[]),
        on("a version from before the vulnerability").build("15.1.2507.6").finds(
            "W.1",
            "not-affected",
            "older-than-affected",
            Nothing,
        ),
        on("another role")
            .but(|it| {
                let Fact::Known(exchange) = &mut it.facts.exchange else { unreachable!() };
                exchange.role = Fact::Known("edge-transport".into());
            })
            .finds("W.1", "not-affected", "role-not-affected", Nothing),
        on("a role that is not known")
            .but(|it| {
                let Fact::Known(exchange) = &mut it.facts.exchange else { unreachable!() };
                exchange.role =
                    Fact::Unknown(stopgap_model::Reasons::text("the registry cannot be read"));
            })
            .finds("W.1", "unknown", "role-unknown", Nothing),
        on("the fix was taken off again: the rule comes back")
            .applied()
            .build(FIXED)
            .applied()
            .build(super::server::VULNERABLE)
            .finds("W.1", "pending", "affected", PutIn),
        on("the update comes together with a new revision")
            .applied()
            .catalog(&[until_fixed(&next_word())])
            .build(FIXED)
            .finds("W.1", "applied", "to-be-withdrawn(has-fix)", Removal),
        on("the next revision is for later versions, too")
            .build(FIXED)
            .catalog(&[until_fixed(&next_word()).replace("15.2.1118.20", "15.2.1118.25")])
            .finds("W.1", "pending", "affected", PutIn),
        on("in place, and the next revision is for later versions, too")
            .applied()
            .catalog(&[until_fixed(&next_word()).replace("15.2.1118.20", "15.2.1118.25")])
            .build(FIXED)
            .finds("W.1", "applied", "another-revision", Anew),
    ]);
}

#[test]
fn an_action_may_be_for_fewer_versions_than_its_mitigation() {
    let on = |name: &str, limit: &str| story(name, server(), &[narrowed(limit)]);
    check(vec![
        on("below the limit both are put in", "15.2.1118.10")
            .finds("W.1", "pending", "affected", PutIn)
            .finds("W.2", "pending", "affected", PutIn),
        on("from the limit on only one of them", "15.2.1118.7")
            .finds("W.1", "pending", "affected", PutIn)
            .finds("W.2", "not-affected", "not-below", Nothing)
            .then(HOST, "Stopgap W.2", 0),
        on("the limit is reached: the one goes and the other stays", "15.2.1118.10")
            .applied()
            .build("15.2.1118.12")
            .finds("W.1", "applied", "affected", Nothing)
            .finds("W.2", "applied", "to-be-withdrawn(not-below)", Removal)
            .then(HOST, "Stopgap W.1", 1),
        on("the fix is reached: both go", "15.2.1118.10")
            .applied()
            .build(FIXED)
            .finds("W.1", "applied", "to-be-withdrawn(has-fix)", Removal)
            .finds("W.2", "applied", "to-be-withdrawn(has-fix)", Removal),
    ]);
}

#[test]
fn products_that_are_declared_count_like_those_that_are_found() {
    let library = || {
        let affected = "[[affected]]\nproduct = \"pkg:npm/next\"\n\
                        ranges = [{ introduced = \"15.0\", fixed = \"15.2.3\" }]\n[[action]]";
        w().replacen("[[action]]", affected, 1)
    };
    let declares = |version: &'static str| {
        move |it: &mut Story| {
            it.facts.declared = vec![Declared {
                product: "pkg:npm/next".into(),
                version: version.parse().unwrap(),
                source: "policy.toml".into(),
            }];
        }
    };
    let on = |name: &str| story(name, server(), &[library()]);
    check(vec![
        on("nobody declared it").finds("W.1", "not-affected", "undeclared", Nothing),
        on("a vulnerable version is declared")
            .but(declares("15.1"))
            .finds("W.1", "pending", "affected", PutIn),
        on("a fixed version is declared").but(declares("15.2.3")).finds(
            "W.1",
            "not-affected",
            "has-fix",
            Nothing,
        ),
        on("the declaration is taken back, and the rule goes")
            .but(declares("15.1"))
            .applied()
            .but(|it| it.facts.declared.clear())
            .finds("W.1", "applied", "to-be-withdrawn(undeclared)", Removal),
        story(
            "a product that is not to be found",
            server(),
            &[{ library().replace("pkg:npm/next", "acme/thing") }],
        )
        .finds("W.1", "unsupported", "cannot-identify", Nothing),
    ]);
}

#[test]
fn what_iis_is_no_place_for_is_said() {
    let service =
        "[[action]]\nid = \"S.1\"\nkind = \"disable-service\"\nservices = [\"Spooler\"]\n";
    check(vec![
        story("services are stopped by hand", server(), &[document("S", service)])
            .finds("S.1", "unsupported", "services-by-hand", Nothing)
            .edits(&[]),
        story("an empty catalog plans nothing", server(), &[w()])
            .but(|it| it.catalog = Catalog::default())
            .edits(&[]),
    ]);
}
