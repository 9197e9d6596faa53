//! Application pools that are set not to start.

use super::documents::{document, next, pools, until_fixed};
use super::server::{FIXED, HOST, server};
use super::story::Done::{Anew, Nothing, PutIn, Removal};
use super::story::{Story, check, story};

const OFF: &str = "autoStart=\"false\" startMode=\"OnDemand\"";
const ECP_POOL: &str = "<add name=\"MSExchangeECPAppPool\" managedRuntimeVersion=\"v4.0\"";

fn on(name: &str) -> Story {
    story(name, server(), &[until_fixed(&pools("P"))])
}

/// Somebody has the pool of ECP start again.
fn starts_again(story: Story) -> Story {
    story.edited(HOST, &format!("{ECP_POOL} {OFF} />"), &format!("{ECP_POOL} />"))
}

#[test]
fn pools_are_set_not_to_start() {
    let his = format!("{ECP_POOL} autoStart=\"false\" />");
    let none = document(
        "P",
        "[[action]]\nid = \"P.1\"\nkind = \"disable-app-pool\"\npools = [\"NoSuchPool\"]\n",
    );
    check(vec![
        on("both are set, and what stops is told")
            .finds("P.1", "pending", "affected", PutIn)
            .at("P.1", super::server::EVERYWHERE)
            .note("P.1", "applications-stop")
            .note("P.1", "no-application-in-pool")
            .note("P.1", "pool-still-runs")
            .note("P.1", "exchange-health-manager")
            .then(HOST, OFF, 2),
        on("one of them is off already by somebody else, and only the other is set")
            .edited(HOST, &format!("{ECP_POOL} />"), &his)
            .finds("P.1", "pending", "affected", PutIn)
            .then(HOST, OFF, 1)
            .then(HOST, &his, 1),
        story("without Exchange nobody starts them again", server(), &[pools("P")])
            .but(|it| it.facts.exchange = stopgap_model::Fact::Absent)
            .finds("P.1", "pending", "for-every-server", PutIn)
            .no_note("P.1", "exchange-health-manager"),
        story("there is no such pool", server(), &[none])
            .finds("P.1", "not-affected", "no-such-pool", Nothing)
            .edits(&[]),
        on("blocked").blocked("P").finds("P.1", "blocked", "blocked", Nothing),
        on("switched off").switched_off().finds(
            "P.1",
            "pending",
            "switched-off, affected",
            Nothing,
        ),
        on("the source is in trouble").held().finds("P.1", "pending", "frozen, affected", Nothing),
        on("the source may not ask for it").denied("P.1").finds(
            "P.1",
            "unsupported",
            "not-permitted",
            Nothing,
        ),
        on("the last try failed").failed("P.1").finds("P.1", "failed", "last-try-failed", PutIn),
    ]);
}

#[test]
fn pools_that_are_set_stay_so_as_long_as_they_are_to() {
    let set = |name: &str| on(name).applied();
    check(vec![
        set("both are off")
            .finds("P.1", "applied", "affected, pools-set-not-to-start", Nothing)
            .stands("P", &["pool MSExchangeECPAppPool", "pool MSExchangeOABAppPool"])
            .edits(&[]),
        starts_again(set("somebody has one start again"))
            .finds("P.1", "drifted", "pool-set-to-start-again", Anew)
            .stands("P", &["pool MSExchangeOABAppPool"])
            .then(HOST, OFF, 2),
        starts_again(set("somebody has one start again, which is only reported"))
            .drift_is_reported()
            .finds("P.1", "drifted", "pool-set-to-start-again, reported-only", Nothing),
        starts_again(set("somebody has one start again while it is blocked")).blocked("P").finds(
            "P.1",
            "drifted",
            "pool-set-to-start-again, blocked",
            Nothing,
        ),
        set("the update came")
            .build(FIXED)
            .finds("P.1", "applied", "to-be-withdrawn(has-fix)", Removal)
            .then(HOST, &server().text(HOST), 1),
        starts_again(set("one starts again, and the update came"))
            .build(FIXED)
            .finds("P.1", "applied", "to-be-withdrawn(has-fix)", Removal)
            .then(HOST, OFF, 0),
        set("removed")
            .removed("P")
            .finds("P.1", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, &server().text(HOST), 1),
        set("removed while an earlier change is still to be put back").removed("P").stuck().finds(
            "P.1",
            "failed",
            "not-restored",
            Nothing,
        ),
        set("the catalog has it no more").catalog(&[]).finds(
            "P.1",
            "applied",
            "not-in-catalog",
            Nothing,
        ),
        starts_again(set("the catalog has it no more, and one starts again")).catalog(&[]).finds(
            "P.1",
            "drifted",
            "lost-and-not-in-catalog, part-gone",
            Nothing,
        ),
    ]);
}

#[test]
fn two_mitigations_hold_one_pool() {
    let both = |name: &str| story(name, server(), &[until_fixed(&pools("P")), pools("Q")]);
    check(vec![
        both("both are put in, and the pools are set once")
            .finds("P.1", "pending", "affected", PutIn)
            .finds("Q.1", "pending", "for-every-server", PutIn)
            .then(HOST, OFF, 2),
        both("one of them goes, and the pools stay off")
            .applied()
            .build(FIXED)
            .finds("P.1", "applied", "to-be-withdrawn(has-fix)", Removal)
            .finds("Q.1", "applied", "for-every-server, pools-set-not-to-start", Nothing)
            .then(HOST, OFF, 2),
        both("both go, and the file is as it was")
            .applied()
            .take_back("P")
            .take_back("Q")
            .finds("P.1", "applied", "to-be-withdrawn(removed)", Removal)
            .finds("Q.1", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, &server().text(HOST), 1),
        story("a second one comes to pools that the first has set", server(), &[pools("Q")])
            .applied()
            .catalog(&[pools("Q"), until_fixed(&pools("P"))])
            .finds("P.1", "pending", "affected", PutIn)
            .finds("Q.1", "applied", "for-every-server, pools-set-not-to-start", Nothing)
            .edits(&[]),
    ]);
}

/// The next revision of `P`, which names these pools.
fn names_now(pools_now: &str) -> String {
    next(&pools("P").replace("\"MSExchangeECPAppPool\", \"MSExchangeOABAppPool\"", pools_now))
}

#[test]
fn pools_that_a_later_revision_does_not_name_start_again() {
    let set = |name: &str| story(name, server(), &[pools("P")]).applied();
    let his = "<add name=\"DefaultAppPool\" autoStart=\"false\" />";
    let default_is_off = |story: Story| story.edited(HOST, "<add name=\"DefaultAppPool\" />", his);
    let absent = || names_now("\"NoSuchPool\"");
    check(vec![
        set("it names only pools that are not here")
            .catalog(&[absent()])
            .finds("P.1", "applied", "to-be-withdrawn(other-pools)", Removal)
            .then(HOST, &server().text(HOST), 1),
        default_is_off(set("it names only a pool that somebody else has set"))
            .catalog(&[names_now("\"DefaultAppPool\"")])
            .finds("P.1", "applied", "to-be-withdrawn(other-pools)", Removal)
            .then(HOST, OFF, 0)
            .then(HOST, his, 1),
        set("it names one of them, and one that is not here")
            .catalog(&[names_now("\"MSExchangeECPAppPool\", \"NoSuchPool\"")])
            .finds("P.1", "applied", "another-revision", Anew)
            .then(HOST, OFF, 1),
        set("its source is in trouble").catalog(&[absent()]).held().finds(
            "P.1",
            "applied",
            "in-place, other-pools",
            Nothing,
        ),
        set("it is blocked").catalog(&[absent()]).blocked("P").finds(
            "P.1",
            "applied",
            "in-place, other-pools",
            Nothing,
        ),
        set("all is switched off").catalog(&[absent()]).switched_off().finds(
            "P.1",
            "applied",
            "in-place, other-pools",
            Nothing,
        ),
        set("somebody deleted the pools")
            .edited(HOST, &format!("{ECP_POOL} {OFF} />"), "")
            .edited(
                HOST,
                &format!(
                    "<add name=\"MSExchangeOABAppPool\" managedRuntimeVersion=\"v4.0\" {OFF} />"
                ),
                "",
            )
            .finds("P.1", "not-affected", "no-such-pool", Nothing),
    ]);
}
