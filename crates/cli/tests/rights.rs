//! Nobody gets root's rights by way of Stopgap, and whoever has them keeps his server protected: two
//! tables, tried on a throwaway host with a service manager and a second user.
//!
//! A row of `ATTACKS` is a way to have a byte of one's own executed, or a file of one's choice read or
//! written, with more rights than one has. A row of `SETUPS` is a server that an administrator runs.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
#![allow(clippy::expect_used, clippy::panic, reason = "a test says plainly what it expects")]

#[path = "rights/attacks.rs"]
mod attacks;
mod common;
#[path = "rights/scene.rs"]
mod scene;
#[path = "rights/setups.rs"]
mod setups;

use attacks::{ATTACKS, Attack, Outcome};
use scene::{BETRAYED, SECRET, Scene};
use setups::{SETUPS, Setup};

#[test]
fn a_local_user_gets_nothing_by_way_of_us_that_he_does_not_have() {
    let Some(scene) = Scene::boot() else { return };
    scene.customers_server();
    let can_build = scene.build_evil();
    let mut wrong = Vec::new();
    for attack in ATTACKS {
        match attack.needs_compiler && !can_build {
            true => println!("skipped: no compiler: {}", attack.name),
            false => wrong.extend(tried(&scene, attack)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What did not hold when it was tried.
fn tried(scene: &Scene, attack: &Attack) -> Vec<String> {
    scene.shell(attack.before).expect_success();
    let before = scene.trusted_files();
    scene.as_user(attack.user, attack.attack).expect_success();
    let facts = scene.stopgap("facts");
    let check = scene.stopgap("check");
    let blocked = scene.host.get(80, "/stopgap-probe") == 0;
    let names_his = scene.shell("grep -r mallory/own /etc/nginx").out;
    let is_told = |what: &str| check.out.contains(what) && check.state("WEB") != "applied";
    let as_it_should = match attack.outcome {
        Outcome::Protected => blocked,
        Outcome::Told(what) => is_told(what),
    };
    let removed = scene.stopgap("remove --once WEB");
    let roots = scene.shell("ps -u root -o args= | grep -c '[m]allory'").out;
    scene.end_all_of(attack.user);
    // A customer's site that comes and goes all the time is one that answers otherwise after a change.
    let again = (removed.state("WEB") == "failed").then(|| scene.stopgap("remove --once WEB"));
    let runs = [Some(&facts), Some(&check), Some(&removed), again.as_ref()];
    let said = runs.into_iter().flatten().map(|run| format!("{}{}", run.out, run.err));
    let said = said.collect::<String>();
    let betrayed = scene.host.read(BETRAYED).is_some();
    let unchanged = scene.trusted_files() == before;
    scene.shell(&format!("rm -rf {BETRAYED} /home/mallory/own; {}", attack.after)).expect_success();
    let held = [
        (!betrayed, "nothing of his ran or was made as root"),
        (roots.trim() == "0", "nothing of his runs as root now"),
        (names_his.is_empty(), "the real server reads no file of his"),
        (unchanged, "no file of root's is changed"),
        (!said.contains(SECRET), "no secret is told"),
        (as_it_should, "the real server is protected, or it is told why not"),
        (scene.host.get(80, "/") == 200, "the real server serves"),
    ];
    let broken = held.iter().filter(|(held, _)| !held);
    let told = |(_, what): &(bool, &str)| format!("{}: not so: {what}\n{said}", attack.name);
    broken.map(told).collect()
}

#[test]
fn a_server_is_protected_and_given_back_to_the_byte_however_its_administrator_runs_it() {
    let Some(scene) = Scene::boot() else { return };
    let mut wrong = Vec::new();
    for setup in SETUPS {
        match scene.has(setup.program) {
            false => println!("skipped: {} is not installed: {}", setup.program, setup.name),
            true => wrong.extend(ran(&scene, setup)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What did not hold when it ran.
fn ran(scene: &Scene, setup: &Setup) -> Vec<String> {
    scene.shell(setup.start).expect_success();
    scene.wait_for(setup.ports, setup.name);
    let status = |port: &u16| scene.host.get(*port, "/stopgap-probe");
    let all = |is: fn(u16) -> bool| setup.ports.iter().all(|port| is(status(port)));
    let before = scene.files_of(setup.config);
    let check = scene.stopgap("check");
    let blocked = all(|status| matches!(status, 0 | 403));
    let serves = setup.ports.iter().all(|port| scene.host.get(*port, "/") == 200);
    let again = scene.stopgap("check");
    let removed = scene.stopgap("remove --once WEB");
    let after = scene.files_of(setup.config);
    let free = all(|status| !matches!(status, 0 | 403));
    scene.shell(setup.stop).expect_success();
    scene.forget();
    let held = [
        (check.state("WEB") == "applied", "it is applied"),
        (blocked, "the attack is blocked"),
        (serves, "everything else is served"),
        (again.json()["changed"] == false, "a second check changes nothing"),
        (removed.state("WEB") == "withdrawn" && free, "it is taken out"),
        (before == after, "every file comes back to the byte"),
    ];
    let said = [&check, &again, &removed].map(|run| format!("{}{}", run.out, run.err)).join("\n");
    let broken = held.iter().filter(|(held, _)| !held);
    let told = |(_, what): &(bool, &str)| format!("{}: not so: {what}\n{said}", setup.name);
    broken.map(told).collect()
}
