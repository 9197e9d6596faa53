//! What of several sources becomes the catalog.

use stopgap_model::document::any_pattern;

use super::*;

struct Nothing;

impl Known for Nothing {
    fn reused(&self, _: &Mitigation) -> Option<OfferReason> {
        None
    }
    fn in_force(&self, _: &Mitigation) -> bool {
        false
    }
    fn in_place(&self, _: &MitigationId) -> Option<u32> {
        None
    }
}

fn document(id: &str, revision: u32, action: &str, title: &str) -> Vec<u8> {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"{title}\"\n\
             severity = \"high\"\nimpact = \"None.\"\nno_live_probe = \"a test\"\n\
             [[action]]\nid = \"{action}\"\nkind = \"do-nothing\"\n"
    )
    .into_bytes()
}

fn shipped(id: &str) -> Vec<Mitigation> {
    let bytes = document(id, 5, &format!("{id}.1"), "t");
    vec![parse(&bytes, &any_pattern).unwrap()]
}

fn feed(name: &str, ids: &[&str], hold: Option<&str>) -> Source {
    let ids: Vec<_> = ids.iter().map(|id| id.parse().unwrap()).collect();
    let permissions = Some(Permissions::given(&ids, &[], &[], &[]));
    let hold = hold.map(Reasons::text);
    Source { name: name.into(), permissions, given_to_others: Vec::new(), hold }
}

/// The source and revision of the only offer, and the reasons of what is refused.
fn outcome(catalog: &Catalog) -> (String, u32, Vec<String>) {
    let [offer] = catalog.offers.as_slice() else { panic!("{catalog:?}") };
    let reasons = catalog.refused.iter().map(|refused| refused.reason.to_string()).collect();
    (offer.source.clone(), offer.mitigation.revision, reasons)
}

#[test]
fn a_feed_revises_a_shipped_mitigation_only_if_it_was_given_it() {
    let newer = document("M1", 6, "M1.1", "t");
    for (ids, source, revision) in [(&[][..], "built in", 5), (&["M1"][..], "feed a", 6)] {
        let mut assembly = Assembly::new(&Nothing, shipped("M1"), true);
        assert!(assembly.document(&feed("feed a", ids, None), "M1.toml", &newer));
        let (by, which, refused) = outcome(&assembly.finish());
        assert_eq!((by.as_str(), which), (source, revision), "{ids:?}: {refused:?}");
        assert_eq!(refused.is_empty(), !ids.is_empty(), "{refused:?}");
    }
}

#[test]
fn where_the_shipped_catalog_is_off_its_ids_are_still_not_everybodys() {
    let mut assembly = Assembly::new(&Nothing, shipped("M1"), false);
    assembly.document(&feed("feed a", &[], None), "M1.toml", &document("M1", 6, "M1.1", "t"));
    let catalog = assembly.finish();
    assert!(catalog.offers.is_empty() && catalog.refused.len() == 1, "{catalog:?}");
}

#[test]
fn an_expired_feed_does_not_take_a_shipped_protection_away() {
    let mut assembly = Assembly::new(&Nothing, shipped("M1"), true);
    let expired = feed("feed a", &["M1"], Some("it expired"));
    assembly.document(&expired, "M1.toml", &document("M1", 6, "M1.1", "t"));
    assert_eq!(outcome(&assembly.finish()).1, 5);
}

#[test]
fn one_revision_with_two_contents_is_refused_and_the_first_stands() {
    let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
    let other = document("A", 1, "A.1", "another");
    assembly.document(&feed("feed a", &[], None), "A.toml", &document("A", 1, "A.1", "t"));
    assembly.document(&feed("feed b", &[], None), "A.toml", &other);
    let (by, _, refused) = outcome(&assembly.finish());
    assert_eq!(by, "feed a");
    assert!(refused[0].contains("never names two contents"), "{refused:?}");
}

#[test]
fn a_document_is_taken_only_under_its_own_name_and_uses_only_its_own_actions() {
    let source = feed("feed a", &[], None);
    let mut assembly = Assembly::new(&Nothing, shipped("M1"), true);
    assembly.document(&source, "B.toml", &document("A", 1, "A.1", "t"));
    assembly.document(&source, "C.toml", &document("C", 1, "m1.1", "t"));
    assembly.document(&source, "D.toml", b"schema = 7\n");
    assert!(!assembly.document(&source, "readme.txt", b"x"));
    let (_, _, refused) = outcome(&assembly.finish());
    assert!(refused[0].contains("is of A, not of B"), "{refused:?}");
    assert!(refused[1].contains("schema 7"), "{refused:?}");
    assert!(refused[2].contains("M1 has an action m1.1"), "{refused:?}");
}

#[test]
fn a_kind_that_was_not_given_is_denied_for_its_action_alone() {
    let text = format!(
        "{}[[action]]\nid = \"A.2\"\nkind = \"disable-service\"\nservices = [\"Spooler\"]\n",
        String::from_utf8(document("A", 1, "A.1", "t")).unwrap()
    );
    let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
    assembly.document(&feed("feed a", &[], None), "A.toml", text.as_bytes());
    let catalog = assembly.finish();
    let denied: Vec<_> = catalog.offers[0].denied.keys().map(|id| id.as_str()).collect();
    assert_eq!(denied, ["A.2"]);
}

#[test]
fn a_feed_does_not_push_others_out_by_the_names_of_their_actions() {
    let mut shipped = shipped("M2");
    let bytes = document("CVE-1", 1, "PL.1", "t");
    shipped.push(parse(&bytes, &any_pattern).unwrap());
    let mut assembly = Assembly::new(&Nothing, shipped, true);
    let thief = feed("feed a", &["PL", "EVIL-*"], None);
    assembly.document(&thief, "PL.toml", &document("PL", 1, "PL.1", "t"));
    assembly.document(&thief, "EVIL-1.toml", &document("EVIL-1", 1, "acme-1.1", "t"));
    assembly.document(&thief, "EVIL-2.toml", &document("EVIL-2", 1, "M2.1", "t"));
    let acme = feed("feed b", &[], None);
    assembly.document(&acme, "ACME-1.toml", &document("ACME-1", 1, "ACME-1.1", "t"));
    let catalog = assembly.finish();
    let ids: Vec<_> = catalog.mitigations().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["M2", "CVE-1", "ACME-1"], "{catalog:?}");
}

#[test]
fn a_feed_that_was_given_no_ids_does_not_offer_those_that_another_was_given() {
    let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
    let given_to_others = vec!["ACME-*".parse().unwrap()];
    let other = Source { given_to_others, ..feed("feed b", &[], None) };
    assembly.document(&other, "ACME-1.toml", &document("ACME-1", 9, "ACME-1.1", "t"));
    let acme = feed("feed a", &["ACME-*"], None);
    assembly.document(&acme, "ACME-1.toml", &document("ACME-1", 1, "ACME-1.1", "t"));
    let (by, _, refused) = outcome(&assembly.finish());
    assert_eq!(by, "feed a");
    assert!(refused[0].contains("another feed was given"), "{refused:?}");
}

/// A document of `tests` tests and as many probes.
fn heavy(id: &str, test: &str, tests: usize, probe: &str, probes: usize) -> Vec<u8> {
    let test = format!("{test}, ").repeat(tests);
    let action = format!(
        "[[action]]\nid = \"{id}.1\"\nkind = \"block-request\"\ndeny = \"abort\"\nwhen = [{test}]\n"
    );
    let probe = |n| {
        format!("[[probe]]\nname = \"p{n}\"\nrequest = \"GET /{probe}\"\nexpect = \"allowed\"\n")
    };
    let probes: String = (0..probes).map(probe).collect();
    let head = String::from_utf8(document(id, 1, &format!("{id}.0"), "t")).unwrap();
    format!("{head}{action}{probes}").into_bytes()
}

#[test]
fn a_feed_that_asks_for_work_without_end_is_cut_off_and_others_are_not() {
    let long = "a".repeat(4000);
    let contains = format!("{{ field = \"uri\", contains = \"{long}b\" }}");
    let many = "{ field = \"uri\", matches = \"(a|b|c|d){900}x\" }";
    // One document that would take minutes; and many that take some time each.
    for (test, tests, probe, probes) in
        [(contains.as_str(), 30, long.as_str(), 25), (many, 60, "b", 200)]
    {
        let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
        let (greedy, modest) = (feed("feed a", &[], None), feed("feed b", &[], None));
        assembly.next_feed(2);
        for n in 0..40 {
            let id = format!("N{n}");
            let bytes = heavy(&id, test, tests, probe, probes);
            assembly.document(&greedy, &format!("{id}.toml"), &bytes);
        }
        assembly.next_feed(1);
        assembly.document(&modest, "A.toml", &document("A", 1, "A.1", "t"));
        let catalog = assembly.finish();
        let cut =
            catalog.refused.iter().filter(|it| it.reason.to_string().contains("more work")).count();
        assert!(cut >= 30, "{cut}: {:?}", catalog.refused.first());
        assert!(catalog.mitigations().any(|mitigation| mitigation.id.as_str() == "A"));
    }
}

#[test]
fn what_ten_thousand_mitigations_cost_is_paid_and_what_a_thousand_with_patterns_do() {
    let contains = "{ field = \"uri\", decode = [\"url\"], contains = \"/owa/auth/logon\" }";
    let matches = "{ field = \"uri\", matches = \"/owa/[a-z0-9]{1,32}/auth.(js|css)\" }";
    for (test, count) in [(contains, 10_000), (matches, 1_000)] {
        let bytes = heavy("A", test, 3, "owa/x/logon.aspx?replaceCurrent=1", 5);
        let work = Cell::new(Work::new());
        spend(&work, work::of_reading(bytes.len() as u64)).unwrap();
        read(&"A".parse().unwrap(), &bytes, &work).unwrap();
        let price = Work::new().all() - work.get().all();
        assert!(price * count < Work::new().all(), "{test}: {price}");
    }
}

#[test]
fn what_is_announced_is_defined_by_whatever_source_comes_later() {
    let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
    let microsoft = feed("feed a", &[], None);
    for _ in 0..2 {
        assembly.announce(&microsoft, "A", "t");
    }
    let other = feed("feed b", &[], None);
    assembly.document(&other, "A.toml", &document("A", 1, "A.1", "t"));
    let (by, _, refused) = outcome(&assembly.finish());
    assert_eq!((by.as_str(), refused.len()), ("feed b, announced by feed a", 0), "{refused:?}");
}
