//! The policy file that an administrator writes, and its union with what was decided by commands.

mod declared;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use stopgap_fs::{FsError, read_obeyed};
use stopgap_model::host::Declared;
use stopgap_model::policy::{Block, Drift, Policy, Switch};
use stopgap_model::web::WebSettings;
use stopgap_model::{MitigationId, Problem};
use stopgap_store::Decisions;

use crate::blocks::{BlockedBy, Origin};
use crate::error::AgentError;
use declared::{ProductPart, WebPart};
use stopgap_terminal::render;

/// The largest policy file, in bytes.
const MAX_POLICY: u64 = 1024 * 1024;

/// The content of `policy.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyFile {
    /// The organisation's word. The stricter of it and the server's wins.
    organisation: Part,
    /// This server's word.
    server: Part,
    /// Where mitigations come from.
    catalog: CatalogPart,
    /// How the network is reached.
    network: NetworkPart,
    /// What is installed and cannot be identified.
    product: Vec<ProductPart>,
    /// Which web servers there are.
    web: WebPart,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CatalogPart {
    /// Whether the catalog that ships with the program is used.
    built_in: bool,
}

impl Default for CatalogPart {
    fn default() -> Self {
        Self { built_in: true }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NetworkPart {
    /// The proxy; `None`: that of the environment.
    proxy: Option<String>,
}

/// What the policy file says beside what is allowed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether the catalog that ships with the program is used.
    pub built_in: bool,
    /// The proxy; `None`: that of the environment.
    pub proxy: Option<String>,
    /// What the administrator says is installed.
    pub products: Vec<Declared>,
    /// What the administrator says about web servers.
    pub web: WebSettings,
    /// How long the sites of one web server are asked for one change.
    pub probe_time: Duration,
    /// The mitigations that the file blocks, in its order.
    pub blocks: Vec<BlockedBy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Part {
    /// Whether mitigations are applied and withdrawn automatically.
    enabled: bool,
    /// Mitigations that must not be applied.
    blocked: Vec<MitigationId>,
    /// What becomes of an applied mitigation that something else changed.
    drift: OnDrift,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnDrift {
    #[default]
    Reapply,
    Report,
}

impl From<OnDrift> for Drift {
    fn from(said: OnDrift) -> Self {
        match said {
            OnDrift::Reapply => Self::Reapply,
            OnDrift::Report => Self::Report,
        }
    }
}

impl Default for Part {
    fn default() -> Self {
        Self { enabled: true, blocked: Vec::new(), drift: OnDrift::Reapply }
    }
}

/// Where the policy file is.
#[derive(Debug, Clone)]
pub enum PolicyPath {
    /// Where an administrator says that it is: it must be there.
    Named(PathBuf),
    /// Where it is looked for if nobody says otherwise: it need not be there.
    Default(PathBuf),
    /// It could have been written by somebody else than root, and is left aside.
    NotObeyed,
}

/// Returns the policy from the file at `path` and from `decisions`, and what else the file says.
///
/// # Errors
/// The file is wrong, is not obeyed or cannot be read, or is not where it was said to be.
pub fn read(path: &PolicyPath, decisions: &Decisions) -> Result<(Policy, Settings), AgentError> {
    let (name, bytes) = match path {
        PolicyPath::NotObeyed => (String::new(), Vec::new()),
        PolicyPath::Named(file) | PolicyPath::Default(file) => {
            let may_be_absent = matches!(path, PolicyPath::Default(_));
            let bytes = match read_obeyed(file, MAX_POLICY) {
                Err(FsError::NotFound { .. }) if may_be_absent => Vec::new(),
                read => read.map_err(|error| AgentError::of_obeyed(file, error))?,
            };
            (file.display().to_string(), bytes)
        }
    };
    let (file, settings) = parse(&name, &bytes)?;
    Ok((policy_of(&file, decisions), settings))
}

/// Returns the union of what the file says and what was decided by commands: the stricter word wins.
fn policy_of(file: &PolicyFile, decisions: &Decisions) -> Policy {
    let switch = |enabled: bool, by: &str| {
        if enabled { Switch::On } else { Switch::Off(by.to_owned()) }
    };
    let by_command = |said: &stopgap_store::Decision| Switch::Off(said.phrase());
    let server = match &decisions.switched_off {
        Some(said) => by_command(said),
        None => switch(file.server.enabled, "the policy file"),
    };
    let mut policy = Policy {
        organisation: switch(file.organisation.enabled, "the policy file"),
        server,
        blocked: BTreeMap::new(),
        // The stricter word is the one that leaves more alone.
        drift: Drift::from(file.organisation.drift).max(file.server.drift.into()),
    };
    // Commands first: a block of theirs may also order a removal, which one of the file never does.
    for (id, said) in &decisions.blocked {
        let block = Block { by: said.phrase(), take_back: said.take_back };
        policy.blocked.insert(id.clone(), block);
    }
    for BlockedBy { id, by, .. } in blocks_of(file) {
        policy.blocked.entry(id).or_insert(Block { by, take_back: false });
    }
    policy
}

/// Returns who the file says blocks which mitigation.
fn blocks_of(file: &PolicyFile) -> Vec<BlockedBy> {
    let of = |part: &Part, origin, whose| -> Vec<BlockedBy> {
        let by = format!("the policy file, for {whose}");
        let block = |id: &MitigationId| BlockedBy { id: id.clone(), origin, by: by.clone() };
        part.blocked.iter().map(block).collect()
    };
    let mut blocks = of(&file.organisation, Origin::Organisation, "the organisation");
    blocks.extend(of(&file.server, Origin::Server, "this server"));
    blocks
}

fn parse(name: &str, bytes: &[u8]) -> Result<(PolicyFile, Settings), AgentError> {
    let refused = |problem| AgentError::Policy { rendered: render(name, bytes, &[problem]) };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        refused(Problem::new(at..at, format!("the file is not UTF-8: byte {at}")))
    })?;
    let mut file: PolicyFile = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        refused(Problem::new(span, error.message().to_owned()).expected("here"))
    })?;
    let settings = Settings {
        built_in: file.catalog.built_in,
        proxy: file.network.proxy.take(),
        products: declared::products(std::mem::take(&mut file.product)).map_err(refused)?,
        probe_time: declared::probe_time(&file.web).map_err(refused)?,
        web: declared::web(std::mem::take(&mut file.web)).map_err(refused)?,
        blocks: blocks_of(&file),
    };
    Ok((file, settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stopgap_model::ServerPath;

    #[test]
    fn a_misspelt_switch_is_an_error_and_not_an_open_door() {
        let text = b"[organisation]\nenabeld = false\n";
        let Err(AgentError::Policy { rendered }) = parse("policy.toml", text) else {
            panic!("accepted")
        };
        assert!(rendered.contains("enabeld"), "{rendered}");
        assert!(rendered.contains("policy.toml:2:1"), "{rendered}");
    }

    #[test]
    fn the_stricter_word_on_drift_wins_and_another_word_is_refused() {
        let text = b"[organisation]\ndrift = \"report\"\n[server]\ndrift = \"reapply\"\n";
        let (file, _) = parse("policy.toml", text).unwrap();
        let stricter = Drift::from(file.organisation.drift).max(file.server.drift.into());
        assert_eq!(stricter, Drift::Report);
        assert!(parse("policy.toml", b"[server]\ndrift = \"ignore\"\n").is_err());
    }

    fn refusal(text: &str) -> String {
        match parse("policy.toml", text.as_bytes()) {
            Err(AgentError::Policy { rendered }) => rendered,
            other => panic!("accepted: {other:?}"),
        }
    }

    #[test]
    fn what_is_declared_is_said_with_its_version_and_by_whom() {
        let text = "[[product]]\nid = \"pkg:npm/next\"\nversion = \"14.2.20\"\n\
                    [[product]]\nid = \"pkg:deb/debian/bash\"\nversion = \"4.3-9.1\"\n";
        let (_, settings) = parse("policy.toml", text.as_bytes()).unwrap();
        let said: Vec<String> = settings
            .products
            .iter()
            .map(|it| format!("{} {} {}", it.product, it.version, it.source))
            .collect();
        assert_eq!(
            said,
            ["pkg:npm/next 14.2.20 policy.toml", "pkg:deb/debian/bash 4.3-9.1 policy.toml"]
        );
        assert!(settings.web.find && settings.web.servers.is_empty());
    }

    #[test]
    fn a_product_without_a_version_or_with_no_version_is_refused_with_its_place() {
        let said = refusal("[[product]]\nid = \"pkg:npm/next\"\n");
        assert!(said.contains("missing field `version`") && said.contains(":1:1"), "{said}");
        let said = refusal("[[product]]\nid = \"pkg:npm/next\"\nversion = \"14-canary\"\n");
        assert!(said.contains("`14-canary` is not a version") && said.contains(":3:11"), "{said}");
        assert!(said.contains("the release before it"), "{said}");
        let said = refusal("[[product]]\nid = \"next@14\"\nversion = \"14\"\n");
        assert!(said.contains("`next@14` is not the name of a product"), "{said}");
        assert!(said.contains(":2:6"), "{said}");
        let said = refusal("[[product]]\nid = \"pkg:npm/next\"\nversoin = \"14\"\n");
        assert!(said.contains("versoin") && said.contains(":3:1"), "{said}");
    }

    #[test]
    fn the_web_servers_that_are_listed_are_read() {
        let text = "[web]\nfind = false\n[[web.server]]\nkind = \"nginx\"\n\
                    config = \"/srv/x/nginx.conf\"\nprogram = \"/opt/nginx/sbin/nginx\"\n\
                    base = \"/srv/x\"\n[[web.server]]\nkind = \"haproxy\"\n\
                    config = [\"/etc/h/a.cfg\", \"/etc/h/b.cfg\"]\n";
        let (_, Settings { web, .. }) = parse("policy.toml", text.as_bytes()).unwrap();
        assert!(!web.find);
        let paths: Vec<&str> =
            web.servers.iter().flat_map(|it| &it.config).map(ServerPath::as_str).collect();
        assert_eq!(paths, ["/srv/x/nginx.conf", "/etc/h/a.cfg", "/etc/h/b.cfg"]);
        let nginx = &web.servers[0];
        let path = |path: &Option<ServerPath>| path.clone().map(|path| path.to_string());
        assert_eq!(path(&nginx.program).as_deref(), Some("/opt/nginx/sbin/nginx"));
        assert_eq!(path(&nginx.base).as_deref(), Some("/srv/x"));
        assert!(web.servers[1].program.is_none() && web.servers[1].base.is_none());
    }

    #[test]
    fn how_a_web_server_is_started_can_be_said() {
        let text = "[[web.server]]\nkind = \"nginx\"\nconfig = \"/srv/x/nginx.conf\"\n\
                    unit = \"shop@1.service\"\nuser = \"shop\"\n\
                    arguments = [\"-g\", \"daemon on;\"]\n";
        let (_, Settings { web, .. }) = parse("policy.toml", text.as_bytes()).unwrap();
        let server = &web.servers[0];
        assert_eq!(server.unit.as_deref(), Some("shop@1.service"));
        assert_eq!(server.user.as_deref(), Some("shop"));
        assert_eq!(server.arguments.as_deref(), Some(&["-g", "daemon on;"].map(String::from)[..]));
        let said = |rest: &str| {
            refusal(&format!("[[web.server]]\nkind = \"nginx\"\nconfig = \"/x\"\n{rest}\n"))
        };
        for unit in ["nginx", "-x.service", ".service", "a b.service", "../x.service", "x.socket"] {
            let said = said(&format!("unit = \"{unit}\""));
            assert!(said.contains("is not the name of a service"), "{said}");
            assert!(said.contains(":4:8"), "{said}");
        }
        for user in ["", "-x", "a b", "a/b"] {
            assert!(said(&format!("user = \"{user}\"")).contains("is not a user"), "{user}");
        }
        assert!(said("arguments = \"-g x\"").contains("sequence"));
    }

    #[test]
    fn a_web_server_of_another_kind_or_a_relative_path_is_refused_with_its_place() {
        let server = |rest: &str| refusal(&format!("[[web.server]]\n{rest}\n"));
        let said = server("kind = \"caddy\"\nconfig = \"/x\"");
        assert!(said.contains("caddy") && said.contains("haproxy"), "{said}");
        assert!(said.contains(":2:8"), "{said}");
        for config in ["\"nginx.conf\"", "[\"/a\", \"b\"]", "\"C:\\\\x\"", "\"\"", "\"/a\\nb\""] {
            let said = server(&format!("kind = \"haproxy\"\nconfig = {config}"));
            assert!(said.contains("is not an absolute path"), "{said}");
            assert!(said.contains(":3:1"), "{said}");
        }
        let said = server("kind = \"nginx\"\nconfig = [\"/a\", \"/b\"]");
        assert!(
            said.contains("2 configuration files for nginx") && said.contains(":3:10"),
            "{said}"
        );
        assert!(server("kind = \"haproxy\"\nconfig = []").contains("0 configuration files"));
        assert!(server("kind = \"nginx\"").contains("missing field `config`"));
        assert!(server("kind = \"nginx\"\nconfig = 1").contains("a path or a list of paths"));
        let said = server("kind = \"nginx\"\nconfig = \"/a\"\nprogram = \"nginx\"");
        assert!(said.contains("is not an absolute path") && said.contains(":4:11"), "{said}");
    }

    #[test]
    fn the_time_for_the_sites_of_a_server_is_within_bounds() {
        let time = |text: &str| parse("policy.toml", text.as_bytes()).map(|(_, it)| it.probe_time);
        assert_eq!(time("").unwrap(), Duration::from_secs(20));
        assert_eq!(time("[web]\nprobe_time = 60\n").unwrap(), Duration::from_secs(60));
        for seconds in ["0", "9", "301"] {
            let said = refusal(&format!("[web]\nprobe_time = {seconds}\n"));
            assert!(said.contains("from 10 to 300") && said.contains(":2:14"), "{said}");
        }
        assert!(refusal("[web]\nprobe_time = \"20 s\"\n").contains(":2:14"));
    }

    #[test]
    fn without_a_file_everything_is_on() {
        let policy =
            read(&PolicyPath::Default("/nonexistent/policy.toml".into()), &Decisions::default())
                .unwrap()
                .0;
        assert!(policy.enabled() && policy.blocked.is_empty());
    }

    #[test]
    fn a_policy_file_that_was_named_and_is_not_there_is_no_open_door() {
        let path = PolicyPath::Named("/nonexistent/policy.toml".into());
        assert!(read(&path, &Decisions::default()).is_err());
    }
}
