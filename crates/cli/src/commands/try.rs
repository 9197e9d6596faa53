//! `stopgap try`: what a server would do with a request, and which rule says so.

mod around;
mod lines;
mod subject;
mod web;

use std::collections::BTreeMap;

use stopgap_fs::read_bounded;
use stopgap_iis::config::{MAX_FILE_BYTES, standalone_rules};
use stopgap_model::problem::one_line;
use stopgap_model::{Fact, MitigationId, Request, Response};
use stopgap_terminal::Actions;

use self::around::Around;
use self::subject::{OnSite, Rules, Subject};
use crate::args::{Common, Try};
use crate::error::CliError;
use crate::json;
use stopgap_agent::catalog::{self, built_in};
use stopgap_agent::session::identify;
use stopgap_agent::{AgentError, Session};

pub(crate) fn run(common: &Common, arguments: &Try) -> Result<u8, CliError> {
    let mut subject = subject(common, arguments)?;
    if let Some(file) = &arguments.requests {
        lines::answer_lines(&mut subject, file)?;
        return Ok(0);
    }
    let answer = subject.answer(&request(arguments)?, response(arguments)?.as_ref());
    if common.json {
        json::print(&answer.as_object());
    } else {
        print_line!("{}", answer.text());
    }
    Ok(0)
}

fn subject(common: &Common, arguments: &Try) -> Result<Subject, CliError> {
    if let Some(file) = &arguments.iis {
        let wrong = |why: String| CliError::Config { file: file.clone(), why };
        let bytes = read_bounded(file, MAX_FILE_BYTES as u64)?;
        let rules = standalone_rules(&bytes).map_err(|error| wrong(error.to_string()))?;
        let around = Around::of_file(arguments)?;
        return Ok(Subject::Rules(Box::new((Rules::of(&rules), around))));
    }
    if let Some(id) = &arguments.id {
        return mitigation(common, id);
    }
    let Some(site) = &arguments.site else {
        return Err(CliError::usage(
            "say what the request is tried on",
            "--iis WEB.CONFIG, --id ID, or --root DIR --site 'Default Web Site'",
        ));
    };
    let (_, collected) = identify(common.root.as_deref(), &common.policy_path())?;
    match &collected.facts.iis {
        Fact::Known(iis) if iis.sites.iter().any(|s| s.name.eq_ignore_ascii_case(site)) => {}
        Fact::Known(iis) => {
            let names: Vec<String> = iis.sites.iter().map(|site| one_line(&site.name)).collect();
            return Err(CliError::usage(
                format!("there is no site `{}` on this server", one_line(site)),
                format!("its sites are: {}", names.join(", ")),
            ));
        }
        Fact::Absent if !collected.facts.web.is_empty() => {
            return web::OnServer::find(common, site).map(Subject::Web);
        }
        Fact::Absent => return Err(CliError::Machine("no web server is installed here".into())),
        Fact::Unknown(why) => return Err(CliError::Machine(why.to_string())),
    }
    let around = Around::of_site(common, arguments, &collected, site)?;
    let (site, seen) = (site.clone(), BTreeMap::new());
    Ok(Subject::Site(Box::new(OnSite { collected, site, seen, around })))
}

fn mitigation(common: &Common, id: &MitigationId) -> Result<Subject, CliError> {
    let found = match common.unsigned_catalog()? {
        Some(folder) => catalog::folder(&folder)?.get(id).map(|offer| offer.mitigation.clone()),
        None => match built_in()?.into_iter().find(|mitigation| mitigation.id == *id) {
            // What ships with the program needs no state folder.
            Some(mitigation) if common.state.is_none() => Some(mitigation),
            _ => Session::open_read_only(common.setup("try")?)?
                .sources
                .catalog
                .get(id)
                .map(|o| o.mitigation.clone()),
        },
    };
    let Some(mitigation) = found else {
        return Err(AgentError::NoSuchMitigation { id: id.to_string(), near: None }.into());
    };
    let actions = Actions::of(&mitigation);
    actions.map(Subject::Mitigation).map_err(|error| CliError::Machine(error.to_string()))
}

fn wrong(error: stopgap_model::request::NotARequest) -> CliError {
    CliError::usage(error.to_string(), "see: stopgap try --help")
}

fn request(arguments: &Try) -> Result<Request, CliError> {
    let line = arguments.request.as_deref().unwrap_or_default();
    let mut request = Request::from_line(line).map_err(wrong)?;
    for header in &arguments.headers {
        request.add_header_line(header).map_err(wrong)?;
    }
    request.body = arguments.body.clone().unwrap_or_default().into_bytes();
    Ok(request.with_host())
}

/// The response that the application would give, if any of it is said.
fn response(arguments: &Try) -> Result<Option<Response>, CliError> {
    let lines = &arguments.response_headers;
    if lines.is_empty() && arguments.response_type.is_none() {
        return Ok(None);
    }
    let mut response = Response::default();
    if let Some(media_type) = &arguments.response_type {
        response.add_header_line(&format!("Content-Type: {media_type}")).map_err(wrong)?;
    }
    for line in lines {
        response.add_header_line(line).map_err(wrong)?;
    }
    Ok(Some(response))
}
