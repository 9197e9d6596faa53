//! A real Exchange server's configuration, where `STOPGAP_REAL_DATA` names one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use common::{HOST_CONFIG, OLD, on};
use stopgap_model::ServerPath;
use stopgap_sandbox::Newline;
use stopgap_testkit::{RealServer, Tree, real_data};

#[test]
fn every_mitigation_leaves_a_real_servers_configuration_as_it_was() {
    let Some(data) = real_data() else { return };
    for newline in [Newline::Lf, Newline::CrLf] {
        for ids in [&["M1"][..], &["CVE-2021-26855"], &["CVE-2021-26855", "M1"]] {
            let tree = Tree::real(&data, OLD, newline);
            let before = tree.snapshot();
            let check = on(&tree, &[&["check"], ids].concat());
            for id in ids {
                assert!(
                    ["applied", "partial"].contains(&check.state(id).as_str()),
                    "{}",
                    check.out
                );
            }
            assert_ne!(tree.snapshot(), before);
            let removed = on(&tree, &[&["remove"], ids].concat());
            assert!(ids.iter().all(|id| removed.state(id) == "withdrawn"), "{}", removed.out);
            assert!(tree.snapshot() == before, "the same bytes for {ids:?}");
        }
    }
}

#[test]
fn a_broken_application_host_config_is_refused_and_left_untouched() {
    let Some(data) = real_data() else { return };
    let tree = Tree::real(&data, OLD, Newline::CrLf);
    let broken = RealServer::new(&data).file("BadApplicationHost.config");
    tree.write(&ServerPath::new(HOST_CONFIG), &broken);
    let before = tree.snapshot();
    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state("M1")), (1, "unknown".into()), "{}", check.out);
    assert!(check.reason("M1").contains("applicationHost.config"), "{}", check.out);
    assert!(tree.snapshot() == before);
}

#[test]
fn a_site_with_a_web_config_that_is_not_well_formed_is_refused_and_left_untouched() {
    let Some(data) = real_data() else { return };
    let tree = Tree::real(&data, OLD, Newline::Lf);
    let broken = RealServer::new(&data).file("DefaultWebSite_web1.config");
    tree.write(&ServerPath::new(r"C:\inetpub\wwwroot\web.config"), &broken);
    let before = tree.snapshot();
    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state("M1")), (1, "unknown".into()), "{}", check.out);
    assert!(check.reason("M1").contains("web.config"), "{}", check.out);
    assert!(tree.snapshot() == before);
}
