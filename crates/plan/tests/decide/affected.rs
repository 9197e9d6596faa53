//! Whether a mitigation is for a server: products, roles, ranges, distributions, declarations and `only_if`.

use stopgap_model::host::{Declared, Exchange, Packages, PhpCgi};
use stopgap_model::report::State;
use stopgap_model::{Fact, HostFacts, Reasons, Scheme, ServerPath, Version};
use stopgap_plan::{Affects, affects};

use super::documents::{block, catalog, document, mitigation};
use super::machine::Machine;
use super::seen::{action, codes, done};
use super::target::Target;

/// What is known of a server, what a mitigation is for, and the answer with its codes.
struct Row {
    story: &'static str,
    facts: fn() -> HostFacts,
    affected: &'static str,
    answer: &'static str,
    codes: &'static str,
}

const fn row(
    story: &'static str,
    facts: fn() -> HostFacts,
    affected: &'static str,
    answer: &'static str,
    codes: &'static str,
) -> Row {
    Row { story, facts, affected, answer, codes }
}

fn check(rows: &[Row]) {
    for Row { story, facts, affected, answer, codes: expected } in rows {
        let text = document("W", 1, &format!("{affected}{}", block("W.1", "jndi")));
        let found = affects(&mitigation(&text), &facts());
        let (kind, why) = in_words(&found);
        assert_eq!((kind, codes(why).as_str()), (*answer, *expected), "{story}: {why}");
    }
}

fn in_words(answer: &Affects) -> (&'static str, &Reasons) {
    match answer {
        Affects::Yes(why) => ("yes", why),
        Affects::No(why) => ("no", why),
        Affects::Unknown(why) => ("unknown", why),
        Affects::CannotIdentify(why) => ("cannot identify", why),
        Affects::Undeclared(why) => ("undeclared", why),
    }
}

fn version(text: &str) -> Fact<Version> {
    Fact::Known(text.parse().unwrap())
}

fn exchange(version: Fact<Version>, role: Fact<&str>) -> HostFacts {
    let role = match role {
        Fact::Known(role) => Fact::Known(role.to_owned()),
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::Unknown(why),
    };
    let version_source = ServerPath::new(r"C:\ExSetup.exe");
    let exchange = Fact::Known(Exchange { version, version_source, role });
    HostFacts { exchange, ..HostFacts::nothing() }
}

fn mailbox(build: &str) -> HostFacts {
    exchange(version(build), Fact::Known("mailbox"))
}

const EXCHANGE: &str = "[[affected]]\nproduct = \"microsoft/exchange-server\"\nroles = [\"mailbox\"]\n\
                        ranges = [{ introduced = \"15.2.0\", fixed = \"15.2.986.36\" },\n\
                        { introduced = \"15.2.987\", fixed = \"15.2.1118.20\" }]\n";

const ON_EXCHANGE: &[Row] = &[
    row("the first affected build", || mailbox("15.2.0"), EXCHANGE, "yes", "affected"),
    row("the last one of a branch", || mailbox("15.2.986.35"), EXCHANGE, "yes", "affected"),
    row("the fix of that branch", || mailbox("15.2.986.36"), EXCHANGE, "no", "has-fix"),
    row("the next branch, unfixed", || mailbox("15.2.1118.7"), EXCHANGE, "yes", "affected"),
    row("the fix of the next branch", || mailbox("15.2.1118.20"), EXCHANGE, "no", "has-fix"),
    row("an older product", || mailbox("15.1.2507.6"), EXCHANGE, "no", "older-than-affected"),
    row(
        "an edge server",
        || exchange(version("15.2.1118.7"), Fact::Known("edge-transport")),
        EXCHANGE,
        "no",
        "role-not-affected",
    ),
    row(
        "no role is installed",
        || exchange(version("15.2.1118.7"), Fact::Absent),
        EXCHANGE,
        "no",
        "no-affected-role",
    ),
    row(
        "the role cannot be read",
        || exchange(version("15.2.1118.7"), Fact::Unknown(stopgap_model::Reasons::text("denied"))),
        EXCHANGE,
        "unknown",
        "role-unknown",
    ),
    row(
        "the role cannot be read, and the build is fixed",
        || exchange(version("15.2.1118.20"), Fact::Unknown(stopgap_model::Reasons::text("denied"))),
        EXCHANGE,
        "no",
        "has-fix",
    ),
    row(
        "the build cannot be read",
        || exchange(Fact::Unknown(stopgap_model::Reasons::text("cut off")), Fact::Known("mailbox")),
        EXCHANGE,
        "unknown",
        "version-unknown",
    ),
    row(
        "the program has no build",
        || exchange(Fact::Absent, Fact::Known("mailbox")),
        EXCHANGE,
        "unknown",
        "no-version",
    ),
    row("there is no Exchange", HostFacts::nothing, EXCHANGE, "no", "not-installed"),
    row(
        "whether there is Exchange is not known",
        || HostFacts {
            exchange: Fact::Unknown(stopgap_model::Reasons::text("denied")),
            ..HostFacts::nothing()
        },
        EXCHANGE,
        "unknown",
        "installed-unknown",
    ),
];

#[test]
fn exchange_by_its_build_and_its_role() {
    check(ON_EXCHANGE);
}

fn php(versions: &[Option<&str>]) -> HostFacts {
    let program = |(at, found): (usize, &Option<&str>)| PhpCgi {
        program: ServerPath::new(format!(r"C:\php{at}\php-cgi.exe")),
        version: found.map_or(Fact::Unknown(stopgap_model::Reasons::text("cut off")), version),
    };
    let programs = versions.iter().enumerate().map(program).collect();
    HostFacts { php: Fact::Known(programs), ..HostFacts::nothing() }
}

const PHP: &str = "[[affected]]\nproduct = \"php/php\"\nroles = [\"cgi\"]\n\
                   ranges = [{ introduced = \"5.0\", fixed = \"8.1.29\" }]\n";

#[test]
fn php_in_each_of_its_programs() {
    check(&[
        row("one, vulnerable", || php(&[Some("8.1.28")]), PHP, "yes", "affected"),
        row("one, fixed", || php(&[Some("8.1.29")]), PHP, "no", "has-fix"),
        row("two, one vulnerable", || php(&[Some("8.1.29"), Some("7.4")]), PHP, "yes", "affected"),
        row(
            "two, both fixed",
            || php(&[Some("8.1.29"), Some("8.2")]),
            PHP,
            "no",
            "has-fix has-fix",
        ),
        row(
            "one fixed, one unread",
            || php(&[Some("8.2"), None]),
            PHP,
            "unknown",
            "version-unknown",
        ),
        row("one vulnerable, one unread", || php(&[None, Some("7.4")]), PHP, "yes", "affected"),
        row(
            "five, of which a reason names three",
            || php(&[Some("7.0"), Some("7.1"), Some("7.2"), Some("7.3"), Some("7.4")]),
            PHP,
            "yes",
            "affected affected affected and-more",
        ),
        row("none", || php(&[]), PHP, "no", "no-php-cgi"),
        row("no PHP at all", HostFacts::nothing, PHP, "no", "no-php-cgi"),
        row(
            "not known",
            || HostFacts {
                php: Fact::Unknown(stopgap_model::Reasons::text("denied")),
                ..HostFacts::nothing()
            },
            PHP,
            "unknown",
            "php-unknown",
        ),
    ]);
}

fn packages(prefix: &str, versions: &[(&str, &str)]) -> HostFacts {
    let versions = versions.iter().map(|(name, version)| ((*name).into(), (*version).into()));
    let (prefix, source) = (prefix.to_owned(), "the list".to_owned());
    let packages = Fact::Known(Packages { prefix, source, versions: versions.collect() });
    HostFacts { packages, ..HostFacts::nothing() }
}

fn debian(version: &str) -> HostFacts {
    packages("pkg:deb/debian/", &[("bash", version)])
}

const DEBIAN: &str = "[[affected]]\nproduct = \"pkg:deb/debian/bash\"\n\
                      ranges = [{ introduced = \"0\", fixed = \"4.3-9.1\" }]\n";
const FEDORA: &str = "[[affected]]\nproduct = \"pkg:rpm/fedora/bash\"\n\
                      ranges = [{ introduced = \"0\", fixed = \"1:4.3-9.fc40\" }]\n";
const DEBIAN_ROLE: &str = "[[affected]]\nproduct = \"pkg:deb/debian/bash\"\nroles = [\"cgi\"]\n\
                           ranges = [{ introduced = \"0\", fixed = \"4.3-9.1\" }]\n";
const SUSE: &str = "[[affected]]\nproduct = \"pkg:rpm/suse/bash\"\n";
const ANY_BASH: &str = "[[affected]]\nproduct = \"pkg:deb/debian/bash\"\n";

const OF_PACKAGES: &[Row] = &[
    row("older", || debian("4.3-9"), DEBIAN, "yes", "affected"),
    row("the fix", || debian("4.3-9.1"), DEBIAN, "no", "has-fix"),
    row("before the fix by a tilde", || debian("4.3-9.1~rc1"), DEBIAN, "yes", "affected"),
    row("a later epoch", || debian("1:1.0-1"), DEBIAN, "no", "has-fix"),
    row("10 is more than 9", || debian("4.10-1"), DEBIAN, "no", "has-fix"),
    row("no range is every version", || debian("5.2-1"), ANY_BASH, "yes", "affected"),
    row(
        "the package is not installed",
        || packages("pkg:deb/debian/", &[("dash", "1")]),
        DEBIAN,
        "no",
        "package-not-installed",
    ),
    row(
        "the same name on another distribution",
        || packages("pkg:deb/ubuntu/", &[("bash", "4.3-9")]),
        DEBIAN,
        "no",
        "other-distribution",
    ),
    row("an RPM, vulnerable", || fedora("4.3-9.fc40"), FEDORA, "yes", "affected"),
    row("an RPM with the epoch of the fix", || fedora("1:4.3-9.fc40"), FEDORA, "no", "has-fix"),
    row("no distribution", HostFacts::nothing, DEBIAN, "no", "no-package-manager"),
    row(
        "the list cannot be read",
        || HostFacts {
            packages: Fact::Unknown(stopgap_model::Reasons::text("denied")),
            ..HostFacts::nothing()
        },
        DEBIAN,
        "unknown",
        "packages-unknown",
    ),
    row("no version", || debian(""), DEBIAN, "unknown", "version-unknown"),
    row("a role of a package", || debian("4.3-9"), DEBIAN_ROLE, "unknown", "roles-not-told-apart"),
    row(
        "a distribution that is not known",
        || debian("4.3-9"),
        SUSE,
        "cannot identify",
        "cannot-identify",
    ),
];

#[test]
fn packages_of_distributions_in_their_order_of_versions() {
    check(OF_PACKAGES);
}

fn fedora(version: &str) -> HostFacts {
    packages("pkg:rpm/fedora/", &[("bash", version)])
}

fn web(targets: &[(Target, Option<&str>)]) -> HostFacts {
    let server = |(target, found): &(Target, Option<&str>)| {
        let mut server = target.server().unwrap();
        server.version =
            found.map_or(Fact::Unknown(stopgap_model::Reasons::text("it does not say")), version);
        stopgap_model::web::WebFacts { server, sites: Fact::Absent, modules: Vec::new() }
    };
    HostFacts { web: targets.iter().map(server).collect(), ..HostFacts::nothing() }
}

const HTTPD: &str = "[[affected]]\nproduct = \"apache/httpd\"\n\
                     ranges = [{ introduced = \"2.4.49\", fixed = \"2.4.51\" }]\n";
const HTTPD_OR_NGINX: &str = "[[affected]]\nproduct = \"apache/httpd\"\n\
                              ranges = [{ introduced = \"2.4.49\", fixed = \"2.4.51\" }]\n\
                              [[affected]]\nproduct = \"nginx/nginx\"\n\
                              ranges = [{ introduced = \"1.0\", fixed = \"1.27\" }]\n";
const HTTPD_ROLE: &str = "[[affected]]\nproduct = \"apache/httpd\"\nroles = [\"proxy\"]\n";

#[test]
fn web_servers_by_what_their_programs_say() {
    const APACHE: Target = Target::Apache;
    const NGINX: Target = Target::Nginx;
    check(&[
        row("vulnerable", || web(&[(APACHE, Some("2.4.50"))]), HTTPD, "yes", "affected"),
        row("fixed", || web(&[(APACHE, Some("2.4.51"))]), HTTPD, "no", "has-fix"),
        row("older", || web(&[(APACHE, Some("2.4.48"))]), HTTPD, "no", "older-than-affected"),
        row("silent", || web(&[(APACHE, None)]), HTTPD, "unknown", "version-unknown"),
        row("another one", || web(&[(NGINX, Some("1.26"))]), HTTPD, "no", "not-installed"),
        row(
            "the second product decides",
            || web(&[(APACHE, Some("2.4.51")), (NGINX, Some("1.26"))]),
            HTTPD_OR_NGINX,
            "yes",
            "affected",
        ),
        row(
            "a doubt weighs more than a fix",
            || web(&[(APACHE, Some("2.4.51")), (NGINX, None)]),
            HTTPD_OR_NGINX,
            "unknown",
            "version-unknown",
        ),
        row(
            "a role of a web server",
            || web(&[(APACHE, Some("2.4.50"))]),
            HTTPD_ROLE,
            "unknown",
            "roles-not-told-apart",
        ),
    ]);
}

fn declared(product: &str, versions: &[&str]) -> HostFacts {
    let one = |version: &&str| Declared {
        product: product.to_owned(),
        version: match product.starts_with("pkg:deb/") {
            true => Version::read(version, Scheme::of("pkg:deb/debian/")).unwrap(),
            false => version.parse().unwrap(),
        },
        source: "policy.toml, line 3".into(),
    };
    HostFacts { declared: versions.iter().map(one).collect(), ..HostFacts::nothing() }
}

fn next(versions: &[&str]) -> HostFacts {
    declared("pkg:npm/next", versions)
}

const NEXT: &str = "[[affected]]\nproduct = \"pkg:npm/next\"\n\
                    ranges = [{ introduced = \"14.0\", fixed = \"14.2.25\" }]\n";
const ACME: &str = "[[affected]]\nproduct = \"acme/shop\"\nroles = [\"till\"]\n\
                    ranges = [{ introduced = \"1\", fixed = \"2\" }]\n";

const DECLARED: &[Row] = &[
    row("nobody declared it", HostFacts::nothing, NEXT, "undeclared", "undeclared"),
    row("vulnerable", || next(&["14.2.20"]), NEXT, "yes", "affected"),
    row("fixed", || next(&["14.2.25"]), NEXT, "no", "has-fix"),
    row("older", || next(&["13.5"]), NEXT, "no", "older-than-affected"),
    row("there twice, once vulnerable", || next(&["14.2.25", "14.1"]), NEXT, "yes", "affected"),
    row(
        "another product is declared",
        || declared("pkg:npm/nuxt", &["14.1"]),
        NEXT,
        "undeclared",
        "undeclared",
    ),
    row(
        "no product that can be found",
        HostFacts::nothing,
        ACME,
        "cannot identify",
        "cannot-identify",
    ),
    row(
        "declared, it counts in every role",
        || declared("acme/shop", &["1.5"]),
        ACME,
        "yes",
        "affected",
    ),
    row(
        "Exchange declared beside one that cannot be read",
        || HostFacts {
            exchange: Fact::Unknown(stopgap_model::Reasons::text("denied")),
            ..declared("microsoft/exchange-server", &["15.2.1118.7"])
        },
        EXCHANGE,
        "yes",
        "affected",
    ),
    row(
        "a fixed one declared hides no vulnerable one",
        || HostFacts {
            declared: declared("microsoft/exchange-server", &["15.2.1118.20"]).declared,
            ..mailbox("15.2.1118.7")
        },
        EXCHANGE,
        "yes",
        "affected",
    ),
    row(
        "a fixed one declared is no answer for one that cannot be read",
        || HostFacts {
            exchange: Fact::Unknown(stopgap_model::Reasons::text("denied")),
            ..declared("microsoft/exchange-server", &["15.2.1118.20"])
        },
        EXCHANGE,
        "unknown",
        "installed-unknown",
    ),
    row(
        "a package declared by its whole version",
        || declared("pkg:deb/debian/bash", &["4.3-9"]),
        DEBIAN,
        "yes",
        "affected",
    ),
    row("no product at all", HostFacts::nothing, "", "yes", "for-every-server"),
];

#[test]
fn declared_products_count_like_those_that_are_found() {
    check(DECLARED);
}

/// A mitigation of two actions, of which the second is for versions below 1.4 only.
fn narrowed(affected: &str, below: &str) -> String {
    let second = block("W.2", "ldap");
    let tables = format!(
        "{affected}{}{second}only_if = {{ version_below = \"{below}\" }}\n",
        block("W.1", "jndi")
    );
    document("W", 1, &tables)
}

#[test]
fn an_action_may_narrow_the_versions_of_its_mitigation() {
    let shop = super::documents::SHOP;
    for (version, first, second) in [
        ("1.3", (State::Pending, "affected", "in"), (State::Pending, "affected", "in")),
        ("1.4", (State::Pending, "affected", "in"), (State::NotAffected, "not-below", "nothing")),
        ("1.9", (State::Pending, "affected", "in"), (State::NotAffected, "not-below", "nothing")),
        (
            "2.0",
            (State::NotAffected, "has-fix", "nothing"),
            (State::NotAffected, "has-fix", "nothing"),
        ),
        (
            "",
            (State::Unknown, "version-unknown", "nothing"),
            (State::Unknown, "version-unknown", "nothing"),
        ),
    ] {
        for target in super::target::RULES {
            let mut machine = Machine::with(&[target]);
            machine.catalog = catalog(&[narrowed(shop, "1.4")]);
            machine.shop_is(version);
            let plan = machine.plan();
            for (id, (state, expected, does)) in [("W.1", first), ("W.2", second)] {
                let report = action(&plan, id);
                let found = (report.state, codes(&report.reason), done(&plan, id));
                assert_eq!(
                    found,
                    (state, expected.to_owned(), does),
                    "{id} at {version}, {target:?}"
                );
            }
        }
    }
}

#[test]
fn an_update_past_the_limit_of_an_action_withdraws_that_action_only() {
    for target in super::target::RULES {
        let mut machine = Machine::with(&[target]);
        machine.catalog = catalog(&[narrowed(super::documents::SHOP, "1.4")]);
        machine.shop_is("1.3");
        let _ = machine.cycle();
        machine.shop_is("1.5");
        let plan = machine.cycle();
        assert_eq!((done(&plan, "W.1"), done(&plan, "W.2")), ("nothing", "out"), "{target:?}");
        let after = machine.plan();
        let states = [action(&after, "W.1").state, action(&after, "W.2").state];
        assert_eq!(states, [State::Applied, State::NotAffected], "{target:?}");
    }
}

#[test]
fn the_limit_of_a_mitigation_for_every_server_is_a_version_of_exchange() {
    for (facts, state, expected) in [
        (mailbox("15.2.986.5"), State::Pending, "for-every-server"),
        (mailbox("15.2.1118.7"), State::NotAffected, "not-below"),
        (HostFacts::nothing(), State::NotAffected, "not-installed"),
    ] {
        let mut machine = Machine::with(&[Target::Rule]);
        machine.catalog = catalog(&[narrowed("", "15.2.1000")]);
        machine.facts = facts;
        let plan = machine.plan();
        let report = action(&plan, "W.2");
        assert_eq!((report.state, codes(&report.reason).as_str()), (state, expected));
        assert_eq!(action(&plan, "W.1").state, State::Pending);
    }
}
