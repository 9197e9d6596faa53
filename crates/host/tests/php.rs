//! What is known of PHP, on servers that run it in every way.
#![allow(clippy::panic, reason = "helpers of tests may say plainly what they expect")]

use stopgap_host::php_facts;
use stopgap_model::host::{Iis, NamedProgram, PhpCgi};
use stopgap_model::reason::InstalledReason;
use stopgap_model::{Fact, ServerPath, Version};
use stopgap_sandbox::APPLICATION_HOST;
use stopgap_sandbox::pe::executable_with_version;
use stopgap_testkit::Tree;

fn iis() -> Fact<Iis> {
    let config = ServerPath::new(APPLICATION_HOST);
    Fact::Known(Iis { config, sites: Vec::new(), pools: Vec::new(), modules: Vec::new() })
}

fn named(path: &str) -> NamedProgram {
    NamedProgram { path: ServerPath::new(path), doubt: None }
}

fn version(parts: &[u32]) -> Fact<Version> {
    Fact::Known(Version::from_parts(parts))
}

/// The versions that are known of these programs.
fn versions(tree: &Tree, paths: &[&str]) -> Vec<Fact<Version>> {
    let programs: Vec<NamedProgram> = paths.iter().map(|path| named(path)).collect();
    let facts = php_facts(&tree.host(), &iis(), &programs);
    let Fact::Known(found) = facts else { panic!("{facts:?}") };
    assert_eq!(found.len(), paths.len());
    found.into_iter().map(|php: PhpCgi| php.version).collect()
}

fn why(fact: &Fact<Version>) -> String {
    let Fact::Unknown(why) = fact else { panic!("{fact:?}") };
    why.to_string()
}

#[test]
fn several_versions_side_by_side_are_told_apart() {
    let tree = Tree::empty();
    let programs =
        [(r"C:\PHP81\php-cgi.exe", [8, 1, 28, 0]), (r"D:\php\8.3\php-cgi.exe", [8, 3, 8, 0])];
    for (path, version) in programs {
        tree.write(&ServerPath::new(path), &executable_with_version(version, "8"));
    }
    let found = versions(&tree, &[r"c:\php81\PHP-CGI.exe", r"D:\php\8.3\php-cgi.exe"]);
    assert_eq!(found, [version(&[8, 1, 28]), version(&[8, 3, 8])]);
}

#[cfg(unix)]
#[test]
fn a_program_that_is_torn_a_link_or_not_there_is_unknown_with_the_reason() {
    let tree = Tree::empty();
    let good = executable_with_version([8, 1, 28, 0], "8.1.28");
    tree.write(&ServerPath::new(r"C:\torn\php-cgi.exe"), &good[..0x180]);
    tree.write(&ServerPath::new(r"C:\text\php-cgi.exe"), b"see D:");
    tree.write(&ServerPath::new(r"C:\good\php-cgi.exe"), &good);
    std::os::unix::fs::symlink("good", tree.root().join("C/link")).expect("linked");
    let found = versions(
        &tree,
        &[
            r"C:\torn\php-cgi.exe",
            r"C:\text\php-cgi.exe",
            r"C:\link\php-cgi.exe",
            r"C:\PHP\php-cgi.exe",
            r"Z:\PHP\php-cgi.exe",
            r"php-cgi.exe",
        ],
    );
    assert!(why(&found[0]).starts_with(r"C:\torn\php-cgi.exe has no version"), "{:?}", found[0]);
    assert!(why(&found[1]).contains("not a Windows program"), "{:?}", found[1]);
    assert!(why(&found[2]).contains("symbolic link"), "{:?}", found[2]);
    assert_eq!(why(&found[3]), r"IIS names C:\PHP\php-cgi.exe, which is not there");
    assert_eq!(why(&found[4]), r"IIS names Z:\PHP\php-cgi.exe, which is not there");
    assert!(why(&found[5]).contains("drive"), "{:?}", found[5]);
}

#[test]
fn a_doubt_about_a_program_is_passed_on_and_nothing_is_read() {
    let path = ServerPath::new(r"%PHPROOT%\php-cgi.exe");
    let doubt = Some(stopgap_model::Reasons::text("%PHPROOT% is not known"));
    let named = NamedProgram { path: path.clone(), doubt };
    let facts = php_facts(&Tree::empty().host(), &iis(), &[named]);
    let version = Fact::Unknown(stopgap_model::Reasons::text("%PHPROOT% is not known"));
    assert_eq!(facts, Fact::Known(vec![PhpCgi { program: path, version }]));
}

#[test]
fn without_iis_or_without_a_program_there_is_no_php_and_an_unknown_iis_is_a_doubt() {
    let host = Tree::empty().host();
    assert_eq!(php_facts(&host, &iis(), &[]), Fact::Absent);
    assert_eq!(php_facts(&host, &Fact::Absent, &[]), Fact::Absent);
    let torn = stopgap_model::Reasons::text("it is torn");
    let facts = php_facts(&host, &Fact::Unknown(torn.clone()), &[named(r"C:\php-cgi.exe")]);
    let expected = InstalledReason::ProgramsUnknown { why: torn };
    assert_eq!(facts, Fact::unknown(expected));
}
