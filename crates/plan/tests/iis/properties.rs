//! What holds whatever happened before.

use proptest::prelude::*;

use super::documents::{
    SITE, header, next_word, pools, response, two_words, until_fixed, w, withdrawn,
};
use super::server::{FIXED, HOST, VULNERABLE, server};
use super::story::{Story, story};

/// Something that happens between two checks.
#[derive(Debug, Clone, Copy)]
enum Event {
    Check,
    Update,
    NoUpdate,
    NextRevision,
    FirstRevision,
    Withdrawn,
    EmptyCatalog,
    Block,
    SwitchOff,
    SwitchOn,
    Loosen,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    use Event::{
        Block, Check, EmptyCatalog, FirstRevision, Loosen, NextRevision, NoUpdate, SwitchOff,
        SwitchOn, Update, Withdrawn,
    };
    let one = prop::sample::select(vec![
        Check,
        Check,
        Check,
        Update,
        NoUpdate,
        NextRevision,
        FirstRevision,
        Withdrawn,
        EmptyCatalog,
        Block,
        SwitchOff,
        SwitchOn,
        Loosen,
    ]);
    prop::collection::vec(one, 1..10)
}

fn documents(first: String) -> Vec<String> {
    vec![until_fixed(&first), header("H", SITE), response("R", SITE), until_fixed(&pools("P"))]
}

fn after(mut story: Story, event: Event) -> Story {
    match event {
        Event::Check => story.applied(),
        Event::Update => story.build(FIXED),
        Event::NoUpdate => story.build(VULNERABLE),
        Event::NextRevision => story.catalog(&documents(next_word())),
        Event::FirstRevision => story.catalog(&documents(two_words())),
        Event::Withdrawn => story.catalog(&[withdrawn(&w()), header("H", SITE)]),
        Event::EmptyCatalog => story.catalog(&[]),
        Event::Block => story.blocked("W"),
        Event::SwitchOff => story.switched_off(),
        Event::SwitchOn => {
            story.policy = stopgap_model::policy::Policy::everything_on();
            story
        }
        Event::Loosen => {
            let text = story.server.text(HOST).replace("value=\"DENY\"", "value=\"SAMEORIGIN\"");
            story.wrote(HOST, &text)
        }
    }
}

fn told(events: &[Event]) -> Story {
    let start = story("whatever happened", server(), &documents(two_words()));
    events.iter().fold(start, |story, event| after(story, *event))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// A plan that was carried out leaves nothing to do, and the same input plans the same.
    #[test]
    fn a_check_settles(events in events()) {
        let mut story = told(&events);
        let plan = story.plan();
        prop_assert_eq!(&plan, &story.plan());
        story.carry_out(&plan);
        let next = story.plan();
        prop_assert!(next.edits.is_empty() && next.steps.is_empty(), "{:?}", next.steps);
    }

    /// What is taken back leaves the files as they were before the first change.
    #[test]
    fn all_of_it_can_be_taken_back(events in events()) {
        let mut story = told(&events);
        for id in ["W", "H", "R", "P"] {
            story = story.take_back(id);
        }
        let story = story.applied();
        prop_assert!(story.installed.actions.is_empty());
        prop_assert_eq!(story.server.bytes(), server().bytes());
    }

    /// Where it is switched off nothing is planned, and a report tells of every action once.
    #[test]
    fn switched_off_means_hands_off(events in events()) {
        let story = told(&events).switched_off();
        let plan = story.plan();
        prop_assert!(plan.edits.is_empty() && plan.steps.is_empty(), "{:?}", plan.steps);
        let mut ids: Vec<&str> = Vec::new();
        for action in plan.report.iter().flat_map(|report| &report.actions) {
            prop_assert!(!ids.contains(&action.id.as_str()), "{} is told twice", action.id);
            ids.push(action.id.as_str());
        }
        for action in story.catalog.mitigations().flat_map(|mitigation| &mitigation.actions) {
            prop_assert!(ids.contains(&action.id.as_str()), "{} is not told", action.id);
        }
        for action in story.installed.actions.keys() {
            prop_assert!(ids.contains(&action.as_str()), "{action} is in place and not told");
        }
    }

    /// An edit begins with the bytes that are there, and is of a file that is there.
    #[test]
    fn an_edit_begins_with_what_is_there(events in events()) {
        let story = told(&events);
        for edit in &story.plan().edits {
            let before = String::from_utf8(edit.before.clone().unwrap()).unwrap();
            prop_assert_eq!(edit.path.key(), stopgap_model::ServerPath::new(HOST).key());
            prop_assert_eq!(before, story.server.text(HOST));
        }
    }
}
