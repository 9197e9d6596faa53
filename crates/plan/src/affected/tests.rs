//! Facts of servers against the affected versions of mitigations.

use super::wanted::Wanted;
use super::*;
use stopgap_model::host::{CGI, Exchange, Fact, PHP, Packages, PhpCgi};
use stopgap_model::web::{Account, WebFacts, WebServer};
use stopgap_model::{Scheme, ServerPath, Version, VersionRange, WebKind};

/// The answer for a person.
fn told(answer: &Affects) -> String {
    let (kind, why) = match answer {
        Affects::Yes(why) => ("yes", why),
        Affects::No(why) => ("no", why),
        Affects::Unknown(why) => ("unknown", why),
        Affects::CannotIdentify(why) => ("cannot identify", why),
        Affects::Undeclared(why) => ("undeclared", why),
    };
    format!("{kind}: {why}")
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn by(affected: &Affected, facts: &HostFacts) -> Affects {
    affects_by(Wanted { affected, below: None }, facts)
}

fn facts(exchange: Fact<Exchange>) -> HostFacts {
    HostFacts { exchange, ..HostFacts::nothing() }
}

fn exchange(version: Fact<Version>, role: &str) -> Fact<Exchange> {
    let version_source = ServerPath::new(r"C:\ExSetup.exe");
    Fact::Known(Exchange { version, version_source, role: Fact::Known(role.into()) })
}

fn m1() -> Affected {
    let range =
        |introduced, fixed| VersionRange { introduced: version(introduced), fixed: version(fixed) };
    Affected {
        product: EXCHANGE.into(),
        roles: vec!["mailbox".into()],
        ranges: vec![range("15.2.0", "15.2.986.36"), range("15.2.987", "15.2.1118.20")],
    }
}

fn answer(exchange: Fact<Exchange>) -> Affects {
    by(&m1(), &facts(exchange))
}

#[test]
fn an_older_branch_with_its_own_fix_is_not_treated_as_vulnerable() {
    let at = |v: &str| answer(exchange(Fact::Known(version(v)), "mailbox"));
    assert!(matches!(at("15.2.922.7"), Affects::Yes(_)));
    assert!(matches!(at("15.2.1118.7"), Affects::Yes(_)));
    let why = told(&at("15.2.986.37"));
    assert!(why.starts_with("no: "), "{why}");
    assert!(why.contains("15.2.986.36"), "{why}");
    assert!(matches!(at("15.2.1118.20"), Affects::No(_)));
    assert!(matches!(at("15.1.2507.6"), Affects::No(_)));
}

#[test]
fn an_edge_transport_server_is_not_affected() {
    let edge = answer(exchange(Fact::Known(version("15.2.922.7")), "edge-transport"));
    assert_eq!(told(&edge), "no: the role edge-transport is not affected");
}

#[test]
fn what_could_not_be_read_is_never_a_no() {
    let torn = Fact::Unknown(stopgap_model::Reasons::text("ExSetup.exe is cut off"));
    assert!(matches!(answer(exchange(torn, "mailbox")), Affects::Unknown(_)));
    assert!(matches!(
        answer(Fact::Unknown(stopgap_model::Reasons::text("a link"))),
        Affects::Unknown(_)
    ));
    assert!(matches!(answer(Fact::Absent), Affects::No(_)));
    let other = Affected { product: "acme/thing".into(), ..m1() };
    let answer = by(&other, &facts(Fact::Absent));
    assert!(matches!(answer, Affects::CannotIdentify(_)), "{answer:?}");
    let why = told(&answer);
    assert!(why.ends_with("[[product]] id = \"acme/thing\", version = \"…\""), "{why}");
}

fn php(programs: &[(&str, Fact<Version>)]) -> HostFacts {
    let programs = programs.iter().map(|(program, version)| PhpCgi {
        program: ServerPath::new(*program),
        version: version.clone(),
    });
    HostFacts { php: Fact::Known(programs.collect()), ..facts(Fact::Absent) }
}

fn at(text: &str) -> Fact<Version> {
    Fact::Known(version(text))
}

fn php_ranges() -> Affected {
    let range =
        |introduced, fixed| VersionRange { introduced: version(introduced), fixed: version(fixed) };
    Affected {
        product: PHP.into(),
        roles: vec![CGI.into()],
        ranges: vec![range("5.0", "8.1.29"), range("8.2", "8.2.20"), range("8.3", "8.3.8")],
    }
}

const OLD: &str = r"C:\PHP81\php-cgi.exe";
const NEW: &str = r"C:\PHP83\php-cgi.exe";

#[test]
fn a_vulnerable_php_beside_a_fixed_one_and_a_torn_one_is_enough() {
    let torn = Fact::Unknown(stopgap_model::Reasons::text("it is cut off"));
    let programs = [(NEW, at("8.3.8.0")), (r"D:\php.exe", torn), (OLD, at("8.1.28.0"))];
    let expected = format!("PHP 8.1.28.0 in {OLD} is affected");
    assert_eq!(told(&by(&php_ranges(), &php(&programs))), format!("yes: {expected}"));
}

#[test]
fn a_php_that_cannot_be_read_beside_fixed_ones_is_a_doubt() {
    let missing =
        Fact::Unknown(stopgap_model::Reasons::text(format!("IIS names {OLD}, which is not there")));
    let answer = by(&php_ranges(), &php(&[(NEW, at("8.3.8")), (OLD, missing)]));
    assert!(matches!(answer, Affects::Unknown(_)), "{answer:?}");
    let why = told(&answer);
    assert!(why.contains(OLD) && why.contains("not there"), "{why}");
    let unknown =
        HostFacts { php: Fact::Unknown(stopgap_model::Reasons::text("a link")), ..php(&[]) };
    assert!(matches!(by(&php_ranges(), &unknown), Affects::Unknown(_)));
}

#[test]
fn fixed_phps_are_not_affected_and_each_fix_is_named() {
    let answer = by(&php_ranges(), &php(&[(OLD, at("8.1.29.0")), (NEW, at("8.4.1"))]));
    let expected = format!(
        "PHP 8.1.29.0 in {OLD} has the fix, which came with 8.1.29; \
         PHP 8.4.1 in {NEW} has the fix, which came with 8.3.8"
    );
    assert_eq!(told(&answer), format!("no: {expected}"));
    let many: Vec<(&str, Fact<Version>)> = (0..100).map(|_| (NEW, at("8.4.1"))).collect();
    let answer = by(&php_ranges(), &php(&many));
    assert!(matches!(answer, Affects::No(_)), "{answer:?}");
    let why = told(&answer);
    assert!(why.ends_with("; and 97 more"), "{why}");
}

#[test]
fn a_server_without_php_and_another_role_than_cgi_are_not_affected() {
    let no = |affected: &Affected, facts: &HostFacts| matches!(by(affected, facts), Affects::No(_));
    assert!(no(&php_ranges(), &facts(Fact::Absent)));
    assert!(no(&php_ranges(), &php(&[])));
    let module = Affected { roles: vec!["apache-module".into()], ..php_ranges() };
    assert!(no(&module, &php(&[(OLD, at("8.1.28"))])));
    let any = Affected { roles: Vec::new(), ranges: Vec::new(), ..php_ranges() };
    assert!(matches!(by(&any, &php(&[(OLD, at("9.0"))])), Affects::Yes(_)));
}

#[test]
fn an_action_for_older_phps_asks_for_the_version_of_php_not_of_exchange() {
    let action = |limit: &str| Action {
        id: "X.1".parse().unwrap(),
        only_below: Some(version(limit)),
        kind: stopgap_model::ActionKind::DoNothing,
    };
    let mitigation = Mitigation {
        id: "X".parse().unwrap(),
        revision: 1,
        hash: stopgap_model::Digest::of(b""),
        title: String::new(),
        cves: Vec::new(),
        severity: stopgap_model::Severity::Low,
        impact: String::new(),
        references: Vec::new(),
        affected: vec![php_ranges()],
        actions: Vec::new(),
        probes: Vec::new(),
        no_live_probe: None,
        withdrawn: None,
    };
    let mut server = php(&[(OLD, at("8.2.3"))]);
    server.exchange = exchange(at("15.2.922.7"), "mailbox");
    let answer = |limit| {
        action_affects(&mitigation, &action(limit), &server, &affects(&mitigation, &server))
    };
    assert!(matches!(answer("8.2.4"), Affects::Yes(_)));
    assert!(matches!(answer("8.2.3"), Affects::No(_)));
    assert!(matches!(answer("4.0"), Affects::No(_)));
    assert!(matches!(answer("16.0"), Affects::Yes(_)));
}

fn of(product: &str, introduced: &str, fixed: &str) -> Affected {
    let read = |text| Version::read(text, Scheme::of(product)).unwrap();
    let range = VersionRange { introduced: read(introduced), fixed: read(fixed) };
    Affected { product: product.into(), roles: Vec::new(), ranges: vec![range] }
}

fn declared(product: &str, versions: &[&str]) -> HostFacts {
    let one = |text: &&str| Declared {
        product: product.into(),
        version: Version::read(text, Scheme::of(product)).unwrap(),
        source: "policy.toml".into(),
    };
    HostFacts { declared: versions.iter().map(one).collect(), ..HostFacts::nothing() }
}

#[test]
fn what_an_administrator_declares_is_taken_at_his_word() {
    let next = of("pkg:npm/next", "14.0.0", "14.2.25");
    let answer = by(&next, &declared("pkg:npm/next", &["14.2.25", "14.2.20"]));
    let word = "pkg:npm/next 14.2.20, declared in policy.toml, is affected";
    assert_eq!(told(&answer), format!("yes: {word}"));
    let answer = by(&next, &declared("pkg:npm/next", &["14.2.25"]));
    assert!(matches!(answer, Affects::No(_)), "{answer:?}");
    let why = told(&answer);
    assert!(why.contains("declared in policy.toml, has the fix"), "{why}");
}

#[test]
fn a_library_that_nobody_declared_alarms_nobody_and_is_told_how_to_declare() {
    let next = of("pkg:npm/next", "14.0.0", "14.2.25");
    let answer = by(&next, &declared("pkg:npm/vue", &["14.2.20"]));
    assert!(matches!(answer, Affects::Undeclared(_)), "{answer:?}");
    let why = told(&answer);
    assert!(
        why.ends_with(
            "declare it in policy.toml: [[product]] id = \"pkg:npm/next\", version = \"…\""
        ),
        "{why}"
    );
}

#[test]
fn a_declared_product_counts_beside_one_that_is_found_and_fixed() {
    let mut server = php(&[(NEW, at("8.3.8"))]);
    server.declared = declared(PHP, &["8.1.2"]).declared;
    let answer = by(&php_ranges(), &server);
    assert_eq!(told(&answer), "yes: php/php 8.1.2, declared in policy.toml, is affected");
    server.declared = declared(PHP, &["8.3.9"]).declared;
    assert!(matches!(by(&php_ranges(), &server), Affects::No(_)));
    server.php = php(&[(OLD, at("8.1.2"))]).php;
    assert!(matches!(by(&php_ranges(), &server), Affects::Yes(_)));
}

fn debian(packages: &[(&str, &str)]) -> HostFacts {
    let versions = packages.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let packages = Packages {
        prefix: "pkg:deb/debian/".into(),
        source: "/var/lib/dpkg/status".into(),
        versions,
    };
    HostFacts { packages: Fact::Known(packages), ..HostFacts::nothing() }
}

#[test]
fn a_fix_that_debian_took_into_an_old_version_counts() {
    let bash = of("pkg:deb/debian/bash", "4.2", "4.2+dfsg-0.1+deb7u3");
    let answer = by(&bash, &debian(&[("bash", "4.2+dfsg-0.1")]));
    let affected = "the package bash 4.2+dfsg-0.1 is affected";
    assert_eq!(told(&answer), format!("yes: {affected}"));
    let answer = by(&bash, &debian(&[("bash", "4.2+dfsg-0.1+deb7u3")]));
    assert!(matches!(answer, Affects::No(_)), "{answer:?}");
    let plus = of("pkg:deb/debian/g%2B%2B", "1", "9");
    assert!(matches!(by(&plus, &debian(&[("g++", "4:8.1")])), Affects::No(_)));
    assert!(matches!(by(&plus, &debian(&[("g++", "8.1")])), Affects::Yes(_)));
}

#[test]
fn another_distribution_and_a_package_that_is_not_there_are_not_affected() {
    let bash = of("pkg:deb/debian/bash", "4.2", "4.3");
    assert!(matches!(by(&bash, &debian(&[("dash", "4.2")])), Affects::No(_)));
    assert!(matches!(by(&bash, &HostFacts::nothing()), Affects::No(_)));
    let ubuntu = of("pkg:deb/ubuntu/bash", "4.2", "4.3");
    assert!(matches!(by(&ubuntu, &debian(&[("bash", "4.2")])), Affects::No(_)));
    let nobody = of("pkg:deb/debain/bash", "4.2", "4.3");
    assert!(matches!(by(&nobody, &debian(&[("bash", "4.2")])), Affects::CannotIdentify(_)));
}

#[test]
fn packages_that_cannot_be_read_are_a_doubt() {
    let bash = of("pkg:deb/debian/bash", "4.2", "4.3");
    let torn = HostFacts {
        packages: Fact::Unknown(stopgap_model::Reasons::text("torn")),
        ..HostFacts::nothing()
    };
    assert!(matches!(by(&bash, &torn), Affects::Unknown(_)));
    assert!(matches!(by(&bash, &debian(&[("bash", "")])), Affects::Unknown(_)));
    let role = Affected { roles: vec!["login".into()], ..bash };
    assert!(matches!(by(&role, &debian(&[("bash", "4.2")])), Affects::Unknown(_)));
}

fn servers(list: &[(WebKind, &str, Fact<Version>)]) -> HostFacts {
    let one = |(kind, config, version): &(WebKind, &str, Fact<Version>)| WebFacts {
        server: WebServer {
            kind: *kind,
            program: ServerPath::new("/usr/sbin/server"),
            config: vec![ServerPath::new(*config)],
            base: ServerPath::new("/"),
            variables: std::collections::BTreeMap::new(),
            defines: Vec::new(),
            account: Account::root(),
            version: version.clone(),
            modules: Fact::Absent,
            running: Fact::Known(true),
            source: "policy.toml".into(),
            doubt: None,
            dormant: None,
            identity: String::new(),
        },
        sites: Fact::Absent,
        modules: Vec::new(),
    };
    HostFacts { web: list.iter().map(one).collect(), ..HostFacts::nothing() }
}

#[test]
fn one_affected_apache_of_several_servers_decides() {
    use WebKind::{Apache, Nginx};
    let httpd = of("apache/httpd", "2.4.49", "2.4.51");
    let old = (Apache, "/srv/a/httpd.conf", at("2.4.49"));
    let new = (Apache, "/srv/b/httpd.conf", at("2.4.51"));
    let dark = (
        Apache,
        "/srv/c/httpd.conf",
        Fact::Unknown(stopgap_model::Reasons::text("it does not run")),
    );
    let nginx = (Nginx, "/etc/nginx/nginx.conf", at("2.4.49"));
    let answer = by(&httpd, &servers(&[new.clone(), dark.clone(), nginx.clone(), old]));
    let affected = "Apache httpd 2.4.49 with /srv/a/httpd.conf is affected";
    assert_eq!(told(&answer), format!("yes: {affected}"));
    let doubt = by(&httpd, &servers(&[new.clone(), dark]));
    assert!(matches!(doubt, Affects::Unknown(_)), "{doubt:?}");
    assert!(matches!(by(&httpd, &servers(&[new, nginx.clone()])), Affects::No(_)));
    let none = by(&httpd, &servers(&[nginx]));
    assert_eq!(told(&none), "no: Apache httpd is not installed here");
}
