//! Patterns and conditions of rules, made ready.

use stopgap_model::rule::Case;

use stopgap_model::problem::one_line;

use super::question::{Question, Trouble};
use super::rule::{Condition, Grouping, MatchType, PatternSyntax};
use super::template::{Groups, Scope, Template, TemplateError};
use super::variables::View;
use super::wildcard::Wildcard;
use stopgap_pattern::{Captures, Pattern, PatternError, braces_without_count};

/// A rule that cannot be evaluated at all.
#[derive(Debug, Clone)]
pub(super) enum Broken {
    /// IIS answers 500 to every request that comes to it.
    Invalid(String),
    /// It is beyond this evaluator.
    Beyond(String),
}

impl Broken {
    fn of(pattern: &str, error: PatternError) -> Self {
        let pattern = one_line(pattern);
        match error {
            PatternError::Invalid(why) => {
                Self::Invalid(format!("the pattern `{pattern}` is not valid ECMAScript: {why}"))
            }
            PatternError::NotLinear(why) => Self::Beyond(format!("the pattern `{pattern}`: {why}")),
        }
    }
}

/// A pattern of any of the syntaxes.
#[derive(Debug)]
pub(super) enum Matcher {
    Regex(Pattern),
    Wildcard(Wildcard),
    Exact { text: String, ignore_case: bool },
}

impl Matcher {
    pub(super) fn new(
        source: &str,
        syntax: PatternSyntax,
        ignore_case: bool,
    ) -> Result<Self, Broken> {
        let case = if ignore_case { Case::Ignore } else { Case::Exact };
        let broken = |error| Broken::of(source, error);
        Ok(match syntax {
            PatternSyntax::EcmaScript if !braces_without_count(source).is_empty() => {
                let why = "a `{` that begins no count is written `\\{`";
                return Err(broken(PatternError::Invalid(why.into())));
            }
            PatternSyntax::EcmaScript => Self::Regex(Pattern::new(source, case).map_err(broken)?),
            PatternSyntax::Wildcard => {
                Self::Wildcard(Wildcard::new(source, ignore_case).map_err(broken)?)
            }
            PatternSyntax::ExactMatch => Self::Exact { text: source.to_owned(), ignore_case },
        })
    }

    /// The captures of a match of which nothing is known but which groups there are.
    fn unclear(&self) -> Captures {
        match self {
            Self::Regex(pattern) => pattern.unclear(),
            Self::Wildcard(wildcard) => wildcard.unclear(),
            Self::Exact { .. } => Captures::unclear_of(1),
        }
    }

    pub(super) fn captures(&self, input: &[u8]) -> Option<Captures> {
        match self {
            Self::Regex(pattern) => pattern.captures(input),
            Self::Wildcard(wildcard) => wildcard.captures(input),
            Self::Exact { text, ignore_case } => {
                let text = text.as_bytes();
                let same = input == text || *ignore_case && input.eq_ignore_ascii_case(text);
                same.then(|| Captures::of(vec![input.to_vec()]))
            }
        }
    }
}

/// A pattern of a rule: as it is written, and ready to be asked, or why it is beyond this evaluator.
/// That is no reason not to look at the rest of its rule.
#[derive(Debug)]
struct Asked {
    source: String,
    matcher: Ready,
    /// Whether it matches every text.
    anything: bool,
}

/// What became of a pattern when it was made ready.
#[derive(Debug)]
enum Ready {
    Yes(Matcher),
    /// It is beyond this evaluator: why.
    Beyond(String),
}

/// What a pattern found, if it matched.
type Found = Option<Captures>;

impl Asked {
    fn new(source: &str, syntax: PatternSyntax, ignore_case: bool) -> Result<Self, Broken> {
        let matcher = match Matcher::new(source, syntax, ignore_case) {
            Ok(matcher) => Ready::Yes(matcher),
            Err(Broken::Beyond(why)) => Ready::Beyond(why),
            Err(invalid @ Broken::Invalid(_)) => return Err(invalid),
        };
        let anything = match syntax {
            // With `$` behind it `.*` does not match a line break.
            PatternSyntax::EcmaScript => matches!(source, "" | "(.*)" | ".*" | "^(.*)" | "^.*"),
            PatternSyntax::Wildcard => source == "*",
            PatternSyntax::ExactMatch => false,
        };
        Ok(Self { source: source.to_owned(), matcher, anything })
    }

    /// What is found in `input`, which is called `what`.
    fn find(&self, view: &View<'_>, input: &[u8], what: &str) -> Result<Found, Trouble> {
        match &self.matcher {
            Ready::Yes(matcher) => Ok(matcher.captures(input)),
            Ready::Beyond(why) => {
                let input = one_line(&String::from_utf8_lossy(input));
                self.suppose(view, &format!("{what} `{input}`"), why)
            }
        }
    }

    /// The captures of a match of which nothing is known but which groups there are.
    fn unclear(&self) -> Captures {
        match &self.matcher {
            Ready::Yes(matcher) => matcher.unclear(),
            Ready::Beyond(_) => Captures::unclear(),
        }
    }

    /// What is found in what is called `what`, if the pattern matches: that is asked, for `why`.
    fn suppose(&self, view: &View<'_>, what: &str, why: &str) -> Result<Found, Trouble> {
        let pattern = one_line(&self.source);
        let question = Question::Other {
            yes: format!("{what} matches `{pattern}`"),
            no: format!("{what} does not match `{pattern}`"),
            why: why.to_owned(),
        };
        Ok(view.ask(question)?.then(|| self.unclear()))
    }
}

/// When a rule applies: the pattern of its `match` element, and its conditions.
#[derive(Debug)]
pub(super) struct Applies {
    pattern: Asked,
    negate: bool,
    conditions: Conditions,
}

/// What a rule that applies may refer to: what its own pattern captured, and its conditions.
#[derive(Debug)]
pub(super) struct Kept {
    rule: Option<Captures>,
    condition: Condensed,
}

/// What is left of the conditions that held.
#[derive(Debug)]
pub(super) enum Condensed {
    /// There was none.
    Nothing,
    /// None of them kept anything.
    Negated,
    Of(Captures),
}

impl Condensed {
    fn groups(&self) -> Groups<'_> {
        match self {
            Self::Nothing => Groups::Missing,
            Self::Negated => Groups::Negated,
            Self::Of(captures) => Groups::Of(captures),
        }
    }
}

impl Kept {
    /// What a template of the rule can refer to.
    pub(super) fn scope<'s>(&'s self, view: &'s View<'s>) -> Scope<'s> {
        Scope { view, rule: Groups::of(self.rule.as_ref()), condition: self.condition.groups() }
    }
}

/// What a rule's own pattern is asked about.
pub(super) enum Input<'a> {
    Text(&'a [u8]),
    /// It is not known: why.
    Unknown(&'a str),
}

impl Applies {
    pub(super) fn new(
        (source, syntax, ignore_case): (&str, PatternSyntax, bool),
        negate: bool,
        conditions: Conditions,
    ) -> Result<Self, Broken> {
        Ok(Self { pattern: Asked::new(source, syntax, ignore_case)?, negate, conditions })
    }

    /// Whether a condition refers back to what a pattern captured, which IIS may refuse.
    pub(super) fn refers_back(&self) -> bool {
        let inputs = self.conditions.members.iter().map(|member| &member.input);
        inputs.flatten().any(Template::refers_back)
    }

    /// Whether the rule applies where its pattern is asked about `input`, which is called `what`.
    ///
    /// # Errors
    /// It cannot be told, or IIS refuses to: why.
    pub(super) fn to(
        &self,
        input: &Input<'_>,
        what: &str,
        view: &View<'_>,
    ) -> Result<Option<Kept>, Trouble> {
        let found = match input {
            Input::Text(input) => self.pattern.find(view, input, what),
            Input::Unknown(_) if self.pattern.anything => Ok(Some(self.pattern.unclear())),
            Input::Unknown(why) => self.pattern.suppose(view, what, why),
        };
        let (found, pending) = match found {
            Ok(found) if found.is_some() == self.negate => return Ok(None),
            Ok(found) => (found, None),
            // Its conditions can still exclude the rule.
            Err(trouble) => ((!self.negate).then(|| self.pattern.unclear()), Some(trouble)),
        };
        let held = self.conditions.hold(view, Groups::of(found.as_ref()));
        match (held, pending) {
            (Ok(None), _) => Ok(None),
            (_, Some(trouble)) => Err(trouble),
            (Ok(Some(condition)), None) => Ok(Some(Kept { rule: found, condition })),
            (Err(trouble), None) => Err(trouble),
        }
    }
}

/// The conditions of a rule, or of a precondition.
#[derive(Debug)]
pub(super) struct Conditions {
    grouping: Grouping,
    track_all: bool,
    members: Vec<Member>,
}

impl Conditions {
    pub(super) fn new(
        conditions: &[Condition],
        grouping: Grouping,
        track_all: bool,
        syntax: PatternSyntax,
    ) -> Result<Self, Broken> {
        let members =
            conditions.iter().map(|c| Member::new(c, syntax)).collect::<Result<_, _>>()?;
        Ok(Self { grouping, track_all, members })
    }

    /// What a rule may refer to if the conditions hold; `None` if they do not. `rule` are the groups
    /// of the rule's own pattern.
    ///
    /// # Errors
    /// It cannot be told whether they hold, or IIS refuses to: why.
    pub(super) fn hold(
        &self,
        view: &View<'_>,
        rule: Groups<'_>,
    ) -> Result<Option<Condensed>, Trouble> {
        let any = self.members.is_empty();
        let mut asked = Answers { kept: Vec::new(), pending: None, any };
        for (at, member) in self.members.iter().enumerate() {
            // A condition can refer back to the last one before it that kept something.
            let condition = match asked.kept.last() {
                Some(last) => Groups::Of(last),
                None if at == 0 => Groups::Missing,
                None => Groups::Negated,
            };
            let held = member.holds(&Scope { view, rule, condition });
            match asked.take(held, self.grouping, member.negate)? {
                Next::Ask => {}
                Next::Stop => break,
                Next::Fails => return Ok(None),
            }
        }
        let Answers { kept, pending, any } = asked;
        let holds = any || self.grouping == Grouping::MatchAll;
        match pending {
            // One condition that holds is enough for `any`; for `all` every one must be known.
            Some(trouble) if self.grouping == Grouping::MatchAll || !any => Err(trouble),
            // It holds either way, but not with the same captures.
            Some(_) => Ok(Some(Condensed::Of(Captures::unclear()))),
            None if !holds => Ok(None),
            None => Ok(Some(self.condensed(kept))),
        }
    }

    fn condensed(&self, mut kept: Vec<Captures>) -> Condensed {
        let last = if self.track_all && !kept.is_empty() {
            Some(Captures::joined(&kept))
        } else {
            kept.pop()
        };
        match last {
            Some(captures) => Condensed::Of(captures),
            None if self.members.is_empty() => Condensed::Nothing,
            None => Condensed::Negated,
        }
    }
}

/// What has come of asking conditions one after the other.
struct Answers {
    /// What the conditions captured that held.
    kept: Vec<Captures>,
    /// The first of them of which it cannot be told whether it holds: why.
    pending: Option<Trouble>,
    /// Whether one is known to hold.
    any: bool,
}

/// What follows from the answer to a condition.
enum Next {
    /// The condition behind it is asked.
    Ask,
    /// No other one matters.
    Stop,
    /// The conditions do not hold.
    Fails,
}

impl Answers {
    fn take(
        &mut self,
        held: Result<Option<Option<Captures>>, Trouble>,
        grouping: Grouping,
        negate: bool,
    ) -> Result<Next, Trouble> {
        match (held, grouping) {
            // What comes first decides whether this is reached.
            (Err(Trouble::Presumed(_)), _) if self.pending.is_some() => Ok(Next::Stop),
            (Err(refused @ Trouble::Presumed(_)), _) => Err(refused),
            (Err(trouble), _) => {
                self.pending.get_or_insert(trouble);
                // A later condition, if it is asked, may see this one's captures. With `MatchAny` it is
                // asked only if this one did not hold.
                if grouping == Grouping::MatchAll && !negate {
                    self.kept.push(Captures::unclear());
                }
                Ok(Next::Ask)
            }
            (Ok(None), Grouping::MatchAll) => Ok(Next::Fails),
            (Ok(None), Grouping::MatchAny) => Ok(Next::Ask),
            (Ok(Some(captures)), _) => {
                self.any = true;
                self.kept.extend(captures);
                Ok(if grouping == Grouping::MatchAny { Next::Stop } else { Next::Ask })
            }
        }
    }
}

/// One condition.
#[derive(Debug)]
struct Member {
    /// What its input is made of, or why that cannot be read.
    input: Result<Template, TemplateError>,
    /// The input, for a person.
    what: String,
    test: MemberTest,
    negate: bool,
}

#[derive(Debug)]
enum MemberTest {
    Pattern(Asked),
    File,
    Folder,
}

impl Member {
    fn new(condition: &Condition, syntax: PatternSyntax) -> Result<Self, Broken> {
        let test = match condition.match_type {
            MatchType::Pattern => {
                let pattern = Asked::new(&condition.pattern, syntax, condition.ignore_case)?;
                MemberTest::Pattern(pattern)
            }
            MatchType::IsFile => MemberTest::File,
            MatchType::IsDirectory => MemberTest::Folder,
        };
        let asks_the_disk = !matches!(test, MemberTest::Pattern(_));
        let written = match condition.input.as_str() {
            "" if asks_the_disk => "{REQUEST_FILENAME}",
            input => input,
        };
        let mut input = Template::new(written);
        if asks_the_disk {
            input = input.map(Template::of_files);
        }
        let what = format!("`{}`", one_line(written));
        Ok(Self { input, what, test, negate: condition.negate })
    }

    /// What its pattern captured if it holds; `None` if it does not.
    fn holds(&self, scope: &Scope<'_>) -> Result<Option<Option<Captures>>, Trouble> {
        let (is_so, captures) = self.look(scope)?;
        Ok((is_so != self.negate).then_some(captures))
    }

    /// Whether it is so, not counting `negate`, and what its pattern captured. A file leaves nothing to
    /// refer back to.
    fn look(&self, scope: &Scope<'_>) -> Result<(bool, Option<Captures>), Trouble> {
        let view = scope.view;
        let input = match &self.input {
            Ok(template) => template.expand(scope),
            Err(why) => Err(why.clone().into()),
        };
        let found = |found: Found| (found.is_some(), found);
        let there = |is_there: bool| (is_there, None);
        match (&self.test, input) {
            (MemberTest::Pattern(pattern), Ok(input)) => {
                pattern.find(view, &input, &self.what).map(found)
            }
            (MemberTest::Pattern(pattern), Err(Trouble::Unknown(why))) => {
                pattern.suppose(view, &self.what, &why).map(found)
            }
            (_, Err(Trouble::Unknown(why))) => {
                let kind = if matches!(self.test, MemberTest::File) { "file" } else { "folder" };
                let what = &self.what;
                let yes = format!("{what} leads to a {kind}");
                let no = format!("{what} does not lead to a {kind}");
                view.ask(Question::Other { yes, no, why }).map(there)
            }
            // What ends with a separator is no file, whatever is there.
            (MemberTest::File, Ok(path)) if path.ends_with(b"\\") || path.ends_with(b"/") => {
                Ok(there(false))
            }
            (MemberTest::File, Ok(path)) => view.ask(Question::File(resolved(&path))).map(there),
            (MemberTest::Folder, Ok(path)) => {
                view.ask(Question::Folder(resolved(&path))).map(there)
            }
            (_, Err(trouble)) => Err(trouble),
        }
    }
}

/// A path of a file in one spelling: with one `\` between its parts, and none that is `.` or `..`.
fn resolved(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let is_share = text.starts_with(r"\\") || text.starts_with("//");
    let (drive, rest) = match text.split_once(':') {
        Some((drive, rest)) if !drive.contains(['\\', '/']) => (format!("{drive}:"), rest),
        _ => (String::new(), text.as_ref()),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split(['\\', '/']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let head = match (is_share, rest.starts_with(['\\', '/'])) {
        (true, _) => r"\\",
        (false, true) => r"\",
        (false, false) => "",
    };
    format!("{drive}{head}{}", parts.join(r"\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_file_has_one_spelling() {
        for (path, one) in [
            (r"C:\inetpub\wwwroot\/a/b.png", r"C:\inetpub\wwwroot\a\b.png"),
            (r"C:\inetpub\..\..\x", r"C:\x"),
            ("site:/a/./b", r"site:\a\b"),
            (r"\\server\share\x", r"\\server\share\x"),
            (r"a\b", r"a\b"),
            (r"\a\x:y", r"\a\x:y"),
        ] {
            assert_eq!(resolved(path.as_bytes()), one, "{path}");
        }
    }
}
