//! All that may become of a request, where rules ask for what it does not tell.

use stopgap_model::Request;

use super::evaluate::{Asked, End, Evaluator};
use super::outcome::{Outcome, Undecided, Verdict};
use super::question::{Answers, Circumstances, Question};
use super::url::{Door, door};

/// How often a request is sent through the rules at most, to see what follows from which answer.
const MAX_WALKS: u32 = 64;

/// One of the things that may become of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possible {
    /// The answers with which this follows, in the order in which they are asked for.
    pub given: Vec<(Question, bool)>,
    /// What becomes of it; or that this is not known, and why.
    pub end: Result<Outcome, Undecided>,
}

/// All that may become of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcomes {
    /// At least one. More than one only where they differ.
    pub possible: Vec<Possible>,
    /// What they depend on, each once.
    pub asked: Vec<Asked>,
    /// What was asked on the way and is not answered, whether anything depends on it or not.
    pub open: Vec<Question>,
}

/// What follows from which answer.
enum Tree {
    Leaf(Result<Outcome, Undecided>),
    Asks { asked: Asked, yes: Box<Tree>, no: Box<Tree> },
}

impl Evaluator {
    /// All that may become of `request`, where `known` is what is known beside it.
    #[must_use]
    pub fn outcomes(&self, request: &Request, known: &Circumstances) -> Outcomes {
        let door = door(request.path());
        if let Door::Shut(why) = door {
            let end = Ok(refused(&format!("HTTP.sys answers 400 before any rule is asked: {why}")));
            let possible = vec![Possible { given: Vec::new(), end }];
            return Outcomes { possible, asked: Vec::new(), open: Vec::new() };
        }
        let mut walks = Walks { rules: self, request, known, left: MAX_WALKS, open: Vec::new() };
        let mut tree = walks.tree(&mut Answers::new());
        // Where HTTP.sys refuses the request, no rule sees it.
        if let Door::Doubtful { refuses, passes } = door {
            let yes = Box::new(Tree::Leaf(Ok(refused(&refuses))));
            let question = Question::Iis { usual: refuses, other: passes };
            let asked = Asked { rule: String::new(), question };
            tree = Tree::Asks { asked, yes, no: Box::new(tree) };
        }
        let mut outcomes = Outcomes { possible: Vec::new(), asked: Vec::new(), open: walks.open };
        tree.list(&mut Vec::new(), &mut outcomes);
        outcomes
    }
}

/// What HTTP.sys makes of a request that it does not hand on.
fn refused(note: &str) -> Outcome {
    Outcome {
        verdict: Verdict::Blocked { status: Some(400) },
        by: None,
        ended_by: None,
        undecided: Vec::new(),
        note: Some(note.to_owned()),
        headers: None,
        unknown_headers: Vec::new(),
    }
}

/// Sends a request through the rules, once for each answer to each question.
struct Walks<'a> {
    rules: &'a Evaluator,
    request: &'a Request,
    known: &'a Circumstances,
    left: u32,
    open: Vec<Question>,
}

impl Walks<'_> {
    /// What follows where `supposed` are given. Each question is one that has no answer yet, so that
    /// this is no deeper than there are walks.
    fn tree(&mut self, supposed: &mut Answers) -> Tree {
        let Some(left) = self.left.checked_sub(1) else {
            let reason = "too many things are asked for that are not known".to_owned();
            return Tree::Leaf(Err(Undecided { rule: String::new(), reason }));
        };
        self.left = left;
        let asked = match self.rules.walk(self.request, self.known, supposed) {
            End::Told(outcome) => return Tree::Leaf(Ok(*outcome)),
            End::Untold(undecided) => return Tree::Leaf(Err(undecided)),
            End::Asks(asked) => asked,
        };
        if !self.open.contains(&asked.question) {
            self.open.push(asked.question.clone());
        }
        // Both answers are followed from the start: a rule before may ask for the same.
        let mut given = |answer| {
            supposed.insert(asked.question.clone(), answer);
            let tree = Box::new(self.tree(supposed));
            supposed.remove(&asked.question);
            tree
        };
        let (yes, no) = (given(true), given(false));
        if yes.says_the_same(&no) { *yes } else { Tree::Asks { asked, yes, no } }
    }
}

impl Tree {
    /// Whether the same follows from both, in every case.
    fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Leaf(Ok(one)), Self::Leaf(Ok(other))) => is_the_same(one, other),
            (Self::Leaf(one), Self::Leaf(other)) => one == other,
            (Self::Asks { asked, yes, no }, Self::Asks { asked: other, yes: y, no: n }) => {
                asked == other && yes.says_the_same(y) && no.says_the_same(n)
            }
            _ => false,
        }
    }

    fn list(self, given: &mut Vec<(Question, bool)>, outcomes: &mut Outcomes) {
        let (asked, branches) = match self {
            Self::Leaf(end) => {
                return outcomes.possible.push(Possible { given: given.clone(), end });
            }
            Self::Asks { asked, yes, no } => (asked, [(true, yes), (false, no)]),
        };
        for (answer, branch) in branches {
            given.push((asked.question.clone(), answer));
            branch.list(given, outcomes);
            given.pop();
        }
        if !outcomes.asked.contains(&asked) {
            outcomes.asked.push(asked);
        }
    }
}

/// Whether client and application see the same.
fn is_the_same(one: &Outcome, other: &Outcome) -> bool {
    one.verdict == other.verdict
        && one.by == other.by
        && one.headers == other.headers
        && one.unknown_headers == other.unknown_headers
}
