//! What is known of Exchange, on servers of every kind.

use stopgap_host::{Files as _, Read, exchange_facts};
use stopgap_model::host::{Application, Iis, Site, VirtualDirectory};
use stopgap_model::{Fact, ServerPath, Version};
use stopgap_sandbox::{APPLICATION_HOST, INSTALL_FOLDER, SETUP_PROGRAM};
use stopgap_testkit::Tree;

const BUILD: &str = "15.02.1118.007";

fn site(name: &str, folders: &[&str]) -> Site {
    let applications = folders.iter().map(|folder| Application {
        path: "/".to_owned(),
        pool: None,
        directories: vec![VirtualDirectory {
            path: "/".to_owned(),
            physical: Fact::Known(ServerPath::new(*folder)),
        }],
    });
    Site { name: name.to_owned(), applications: applications.collect() }
}

fn iis(sites: Vec<Site>) -> Fact<Iis> {
    let config = ServerPath::new(APPLICATION_HOST);
    Fact::Known(Iis { config, sites, pools: Vec::new(), modules: Vec::new() })
}

fn mailbox_at(folder: &str) -> Fact<Iis> {
    iis(vec![
        site(
            "Default Web Site",
            &[r"C:\inetpub\wwwroot", &format!(r"{folder}\FrontEnd\HttpProxy\owa")],
        ),
        site("Exchange Back End", &[&format!(r"{folder}\ClientAccess")]),
    ])
}

fn other_iis() -> Fact<Iis> {
    iis(vec![site("Default Web Site", &[r"C:\inetpub\wwwroot"])])
}

fn setup() -> ServerPath {
    ServerPath::new(SETUP_PROGRAM)
}

#[test]
fn a_mailbox_server_is_known_by_its_sites_and_its_setup_program() {
    let tree = Tree::exchange(BUILD);
    let facts = exchange_facts(&tree.host(), &mailbox_at(INSTALL_FOLDER));
    let exchange = facts.known().expect("Exchange");
    assert_eq!(exchange.version, Fact::Known(Version::from_parts(&[15, 2, 1118, 7])));
    assert_eq!(exchange.version_source, setup());
    assert_eq!(exchange.role, Fact::Known("mailbox".to_owned()));
}

#[test]
fn a_security_update_changes_the_version() {
    let tree = Tree::exchange(BUILD);
    tree.set_exchange_build("15.02.1118.020");
    let facts = exchange_facts(&tree.host(), &mailbox_at(INSTALL_FOLDER));
    let version = facts.known().map(|exchange| exchange.version.clone());
    assert_eq!(version, Some(Fact::Known(Version::from_parts(&[15, 2, 1118, 20]))));
}

#[test]
fn exchange_in_a_folder_of_the_administrators_choice_is_found_through_iis() {
    let tree = Tree::exchange(BUILD);
    let bytes = tree.read(&setup());
    let moved = ServerPath::new(r"D:\Mail\bin\ExSetup.exe");
    tree.write(&moved, &bytes);
    tree.remove(&setup());
    let facts = exchange_facts(&tree.host(), &mailbox_at(r"d:\mail"));
    let exchange = facts.known().expect("Exchange");
    assert_eq!(exchange.version_source.key(), moved.key());
    assert!(exchange.version.known().is_some());
    assert_eq!(exchange.role, Fact::Known("mailbox".to_owned()));
}

#[test]
fn a_folder_that_only_begins_like_the_front_end_is_not_exchange() {
    let sites = iis(vec![site("Default Web Site", &[r"C:\x\FrontEnd\HttpProxyTest"])]);
    assert_eq!(exchange_facts(&Tree::empty().host(), &sites), Fact::Absent);
}

#[test]
fn iis_that_serves_exchange_without_a_setup_program_is_exchange_of_unknown_version() {
    let tree = Tree::exchange(BUILD);
    tree.remove(&setup());
    let facts = exchange_facts(&tree.host(), &mailbox_at(INSTALL_FOLDER));
    let exchange = facts.known().expect("Exchange");
    assert!(matches!(&exchange.version, Fact::Unknown(why) if why.has("exchange-without-program")));
}

#[test]
fn a_damaged_setup_program_is_an_unknown_version_with_the_reason() {
    let tree = Tree::exchange(BUILD);
    tree.write(&setup(), b"MZ and nothing more");
    let facts = exchange_facts(&tree.host(), &mailbox_at(INSTALL_FOLDER));
    let exchange = facts.known().expect("Exchange");
    assert!(matches!(&exchange.version, Fact::Unknown(why) if why.to_string().contains("damaged")));
}

#[test]
fn a_server_without_exchange_has_none() {
    let tree = Tree::empty();
    assert_eq!(exchange_facts(&tree.host(), &other_iis()), Fact::Absent);
    assert_eq!(exchange_facts(&tree.host(), &Fact::Absent), Fact::Absent);
}

#[test]
fn an_unreadable_iis_configuration_never_means_that_exchange_is_not_there() {
    let unknown = Fact::Unknown(stopgap_model::Reasons::text("applicationHost.config is damaged"));
    let facts = exchange_facts(&Tree::empty().host(), &unknown);
    assert!(matches!(facts, Fact::Unknown(why) if why.to_string().contains("is damaged")));

    let tree = Tree::exchange(BUILD);
    let facts = exchange_facts(&tree.host(), &unknown);
    let exchange = facts.known().expect("Exchange");
    assert!(exchange.version.known().is_some());
    assert!(matches!(exchange.role, Fact::Unknown(_)));
}

#[cfg(unix)]
#[test]
fn a_setup_program_that_is_a_link_is_not_followed() {
    let tree = Tree::exchange(BUILD);
    let place = tree.locate(&setup());
    let elsewhere = place.with_file_name("other.exe");
    std::fs::rename(&place, &elsewhere).expect("renamed");
    std::os::unix::fs::symlink(&elsewhere, &place).expect("linked");
    let facts = exchange_facts(&tree.host(), &other_iis());
    assert!(matches!(facts, Fact::Unknown(why) if why.has("file-is-link")));
}

#[test]
fn a_mailbox_server_that_lost_its_iis_configuration_is_no_edge_transport_server() {
    let tree = Tree::exchange(BUILD);
    let facts = exchange_facts(&tree.host(), &Fact::Absent);
    let role = facts.known().map(|exchange| exchange.role.clone());
    assert!(matches!(role, Some(Fact::Unknown(why)) if why.has("mailbox-without-iis")));
}

#[test]
fn an_edge_transport_server_has_exchange_and_no_iis() {
    let tree = Tree::empty();
    tree.set_exchange_build(BUILD);
    let facts = exchange_facts(&tree.host(), &Fact::Absent);
    let role = facts.known().map(|exchange| exchange.role.clone());
    assert_eq!(role, Some(Fact::Known("edge-transport".to_owned())));
}

#[test]
fn exchange_beside_an_ordinary_iis_has_an_unknown_role() {
    let tree = Tree::exchange(BUILD);
    let facts = exchange_facts(&tree.host(), &other_iis());
    assert!(matches!(facts.known().map(|exchange| &exchange.role), Some(Fact::Unknown(_))));
}

#[test]
fn a_relative_or_network_path_is_unreadable_not_absent() {
    let host = Tree::empty().host();
    for path in [r"x\web.config", r"\\server\share\web.config", r"C:\a\..\web.config"] {
        assert!(matches!(host.read(&ServerPath::new(path), 10), Read::Unreadable(_)), "{path}");
    }
}
