//! Requests tried on a web server other than IIS: on the rules that Stopgap recorded there. Whether they
//! are still installed says `stopgap status`.

use stopgap_model::problem::one_line;
use stopgap_model::{Mitigation, Request, Response, WebKind};
use stopgap_plan::{InstalledRule, Order};
use stopgap_terminal::{Actions, Answer};

use crate::args::Common;
use crate::error::CliError;
use stopgap_agent::Session;

/// The rules of ours on one web server, by their meaning.
pub(super) struct OnServer {
    kind: WebKind,
    actions: Vec<Actions>,
    notes: Vec<String>,
}

impl OnServer {
    /// The rules on the server that has a site `site`, or is called so itself.
    pub(super) fn find(common: &Common, site: &str) -> Result<Self, CliError> {
        let session = Session::open_read_only(common.setup("try")?)?;
        let facts = session.engine().look(&Order::default())?.facts;
        let is_it = |facts: &&stopgap_model::web::WebFacts| {
            let server = &facts.server;
            let id = server.id();
            let sites = facts.sites.known().map(Vec::as_slice).unwrap_or_default();
            [id.as_str(), server.kind.as_str()].contains(&site)
                || sites.iter().any(|known| known.name.eq_ignore_ascii_case(site))
        };
        let Some(found) = facts.web.iter().find(is_it) else {
            let names: Vec<String> =
                facts.web.iter().map(|facts| one_line(facts.server.id().as_str())).collect();
            return Err(CliError::usage(
                format!("there is no site and no web server `{}` here", one_line(site)),
                format!("the web servers here are: {}", names.join(", ")),
            ));
        };
        let id = found.server.id();
        let (installed, _) = session.store.installed()?;
        let rules = installed.web.get(&id).map(|own| own.rules.as_slice()).unwrap_or_default();
        let mut server = Self {
            kind: found.server.kind,
            actions: Vec::new(),
            notes: vec![format!(
                "tried on the rules that Stopgap installed on {id}; what its own configuration \
                 does is not evaluated"
            )],
        };
        for placed in rules {
            server.add(&session, placed)?;
        }
        Ok(server)
    }

    fn add(&mut self, session: &Session, placed: &InstalledRule) -> Result<(), CliError> {
        let offer = session.sources.catalog.get(&placed.mitigation);
        let same = offer.map(|offer| &offer.mitigation).filter(|it| it.hash == placed.hash);
        // Another revision under the same id may do something else: it is not evaluated for it.
        let Some(mitigation) = same else {
            let (action, revision) = (&placed.action, placed.revision);
            self.notes.push(format!(
                "{action} is installed in revision {revision}, which this catalog does not have: it \
                 is not evaluated"
            ));
            return Ok(());
        };
        // Only the action that is installed: others of the mitigation may not fit this server.
        let mut alone = Mitigation { actions: Vec::new(), ..mitigation.clone() };
        alone.actions.extend(mitigation.actions.iter().filter(|a| a.id == placed.action).cloned());
        self.actions
            .push(Actions::of(&alone).map_err(|error| CliError::Machine(error.to_string()))?);
        Ok(())
    }

    /// Returns what the rules do to a request: what the first one does that changes anything of it.
    pub(super) fn answer(&self, request: &Request, response: Option<&Response>) -> Answer {
        let mut answers = self.actions.iter().map(|actions| actions.answer(request, response));
        let blocked = answers.find(|answer| answer.verdict == "blocked");
        let mut answer = blocked.unwrap_or_else(|| {
            let mut answers = self.actions.iter().map(|actions| actions.answer(request, response));
            let changed = answers.find(|answer| answer.request_headers.is_some());
            let plain = || Answer { verdict: "allowed", ..Answer::default() };
            changed.unwrap_or_else(plain)
        });
        // Apache cannot close a connection: it answers what is blocked.
        if answer.verdict == "blocked" && self.kind == WebKind::Apache {
            answer.status = answer.status.or(Some(403));
        }
        answer.notes.extend(self.notes.iter().cloned());
        answer
    }
}
