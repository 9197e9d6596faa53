//! A machine in memory: its files, what stands on it by the records, and what is asked of it.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::{APPLICATION_HOST, Need as IisNeed, Read as IisRead, Snapshot};
use stopgap_model::host::Packages;
use stopgap_model::policy::{Block, Policy};
use stopgap_model::service::{
    Activity, Service, ServiceFacts, ServicesByName, StartMode, StartSetup, StopsToo,
};
use stopgap_model::web::{WebFacts, WebServer};
use stopgap_model::{
    Catalog, Digest, Fact, FileEdit, HostFacts, Reasons, ServerId, ServerPath, WebKind,
};
use stopgap_plan::{
    Failures, Input, InstalledRules, InstalledService, InstalledServices, InstalledState,
    ManagedFile, Order, Original, Plan, ServicesStep, Step, WebConfig, plan,
};
use stopgap_webserver::{Files, Need, Read};

use super::documents::{catalog, shop};
use super::target::Target;

/// A machine, and all that a cycle is asked.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) servers: Vec<WebServer>,
    /// What is known but IIS and the web servers, which are read from the files.
    pub(crate) facts: HostFacts,
    pub(crate) catalog: Catalog,
    pub(crate) policy: Policy,
    pub(crate) installed: InstalledState,
    pub(crate) failures: Failures,
    pub(crate) order: Order,
    pub(crate) gone: BTreeSet<ServerId>,
    /// Why IIS's configuration is not known, if so.
    pub(crate) iis_unknown: Option<String>,
    /// Why the configuration of web servers is not known to the end.
    pub(crate) incomplete: BTreeMap<ServerId, String>,
    /// Why web servers refuse their configuration as it is.
    pub(crate) refused: BTreeMap<ServerId, String>,
    /// The files of web servers that cannot be changed.
    pub(crate) fixed: Vec<String>,
}

impl Machine {
    /// A machine with these targets, where the package `shop` is vulnerable.
    pub(crate) fn with(targets: &[Target]) -> Self {
        let own_bytes = |(path, text): (&str, &str)| (path.to_owned(), text.as_bytes().to_vec());
        let files = targets.iter().flat_map(|target| target.files());
        let mut machine = Self {
            files: files.map(own_bytes).collect(),
            servers: targets.iter().filter_map(|target| target.server()).collect(),
            facts: HostFacts { services: services(targets), ..HostFacts::nothing() },
            catalog: Catalog::default(),
            policy: Policy::everything_on(),
            installed: InstalledState::default(),
            failures: Failures::default(),
            order: Order::default(),
            gone: BTreeSet::new(),
            iis_unknown: None,
            incomplete: BTreeMap::new(),
            refused: BTreeMap::new(),
            fixed: Vec::new(),
        };
        machine.shop_is("1.5");
        machine
    }

    /// A machine with one target, and the mitigation `W` in its catalog.
    pub(crate) fn affected(target: Target) -> Self {
        let mut machine = Self::with(&[target]);
        machine.catalog = catalog(&[shop(target, "W", 1)]);
        machine
    }

    /// The same after the first cycle.
    pub(crate) fn protected(target: Target) -> Self {
        let mut machine = Self::affected(target);
        let plan = machine.cycle();
        assert!(!machine.is_bare(), "{target:?}: something is in place: {:#?}", plan.report);
        machine
    }

    /// The packages of the system have the shop in this version.
    pub(crate) fn shop_is(&mut self, version: &str) {
        self.packages(&[("shop", version)]);
    }

    pub(crate) fn packages(&mut self, versions: &[(&str, &str)]) {
        let versions = versions.iter().map(|(name, version)| ((*name).into(), (*version).into()));
        self.facts.packages = Fact::Known(Packages {
            prefix: "pkg:deb/debian/".into(),
            source: "/var/lib/dpkg/status".into(),
            versions: versions.collect(),
        });
    }

    pub(crate) fn block(&mut self, id: &str, take_back: bool) {
        let block = Block { by: "anna".into(), take_back };
        self.policy.blocked.insert(id.parse().unwrap(), block);
    }

    /// Everything that is offered is of a source that is in trouble.
    pub(crate) fn freeze(&mut self) {
        for offer in &mut self.catalog.offers {
            offer.hold =
                Some(stopgap_model::Reasons::text("the feed acme is older than it may be"));
        }
    }

    /// Whether nothing is in place by the records.
    pub(crate) fn is_bare(&self) -> bool {
        let InstalledState { actions, web, services, .. } = &self.installed;
        actions.is_empty() && web.is_empty() && services.is_empty()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.files[path].clone()).unwrap()
    }

    /// Somebody replaces a text that is there once.
    pub(crate) fn edit(&mut self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {path}:\n{text}");
        self.files.insert(path.to_owned(), text.replace(from, to).into_bytes());
    }

    /// Plans a cycle.
    pub(crate) fn plan(&self) -> Plan {
        let snapshot = self.snapshot();
        let iis = match &self.iis_unknown {
            Some(why) => Fact::Unknown(Reasons::text(why.as_str())),
            None => snapshot.iis(),
        };
        let web: Vec<WebConfig> = self.servers.iter().map(|server| self.web(server)).collect();
        let of_web = web.iter().map(|config| config.facts.clone()).collect();
        let facts = HostFacts { iis, web: of_web, ..self.facts.clone() };
        plan(&Input {
            catalog: &self.catalog,
            facts: &facts,
            snapshot: &snapshot,
            web: &web,
            gone: &self.gone,
            policy: &self.policy,
            installed: &self.installed,
            failures: &self.failures,
            order: &self.order,
        })
    }

    /// Plans a cycle and carries it out.
    pub(crate) fn cycle(&mut self) -> Plan {
        let plan = self.plan();
        self.carry_out(&plan);
        plan
    }

    /// Writes the files of a plan and what the records would tell of it.
    pub(crate) fn carry_out(&mut self, plan: &Plan) {
        self.write(&plan.edits);
        self.record_iis(&plan.edits, &plan.steps);
        for change in &plan.web {
            self.write(&change.edits);
            self.record_web(&change.step);
        }
        for step in &plan.services {
            self.carry_out_services(step);
        }
    }

    /// A service, to be changed as somebody else would.
    pub(crate) fn service(&mut self, name: &str) -> &mut Service {
        &mut self.service_facts(name).service
    }

    /// Somebody else disables and stops a service.
    pub(crate) fn service_off(&mut self, name: &str) {
        let service = self.service(name);
        (service.start_mode, service.activity) = (StartMode::Disabled, Activity::Stopped);
    }

    pub(crate) fn service_facts(&mut self, name: &str) -> &mut ServiceFacts {
        let Fact::Known(services) = &mut self.facts.services else { panic!("no services here") };
        match services.get_mut(name) {
            Some(Fact::Known(facts)) => facts,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Disables the services of a step and gives others back, and records it.
    fn carry_out_services(&mut self, step: &Step) {
        let Step::Services(step) = step else { panic!("{step:?}") };
        for it in &step.disables {
            let facts = self.service_facts(&it.service.name);
            facts.service.start_mode = StartMode::Disabled;
            facts.service.setup = StartSetup("disabled".into());
            facts.service.activity = Activity::Stopped;
            facts.stops_too.clear();
        }
        // What another action holds by then stays as it is.
        let own = &step.action;
        let others = self.installed.services.values().filter(|it| it.action != *own).cloned();
        let held: Vec<_> = others.flat_map(|it| it.services).map(|it| it.name).collect();
        let back = step.gives_back.iter().filter(|it| !held.contains(&it.name));
        for InstalledService { name, original } in back {
            let facts = self.service_facts(name);
            facts.service.start_mode = StartMode::Automatic;
            facts.service.setup = original.setup.clone();
            facts.service.activity =
                if original.ran { Activity::Running } else { Activity::Stopped };
            facts.stops_too = original.stops_too.clone();
        }
        let ServicesStep { mitigation, revision, hash, action, disables, removed, .. } = &**step;
        let services = disables.iter().map(|it| it.service.clone()).collect();
        let (mitigation, action) = (mitigation.clone(), action.clone());
        let installed =
            InstalledServices { mitigation, revision: *revision, hash: *hash, action, services };
        match removed {
            Some(_) => self.installed.services.remove(&step.action),
            None => self.installed.services.insert(step.action.clone(), installed),
        };
    }

    fn write(&mut self, edits: &[FileEdit]) {
        for edit in edits {
            let path = edit.path.to_string();
            assert_eq!(self.files.get(&path), edit.before.as_ref(), "{path} is as it was read");
            match &edit.after {
                Some(bytes) => self.files.insert(path, bytes.clone()),
                None => self.files.remove(&path),
            };
        }
    }

    fn record_iis(&mut self, edits: &[FileEdit], steps: &[Step]) {
        let files = &mut self.installed.files;
        for FileEdit { path, before, after } in edits {
            let before = before.clone().unwrap_or_default();
            let tip = Digest::of(&after.clone().unwrap_or_default());
            let first = match files.get(&path.key()) {
                None => Some(before),
                Some(ManagedFile { original: Some(known), .. })
                    if known.tip == Digest::of(&before) =>
                {
                    Some(known.bytes.clone())
                }
                Some(_) => None,
            };
            own(files, path).original = first.map(|bytes| Original { bytes, tip });
        }
        for step in steps {
            match step {
                Step::Insert(placed) => {
                    for part in &placed.entries {
                        own(files, &part.file).wrappers.extend(part.undo.wrappers().to_vec());
                    }
                    self.installed.actions.insert(placed.action.clone(), (**placed).clone());
                }
                Step::Remove { action, .. } => {
                    self.installed.actions.remove(action);
                }
                Step::Rules { .. } | Step::Services(_) => panic!("{step:?} among the steps of IIS"),
            }
        }
        let parts = self.installed.actions.values().flat_map(|placed| &placed.entries);
        let carried: BTreeSet<String> = parts.map(|part| part.file.key()).collect();
        files.retain(|key, _| carried.contains(key));
    }

    fn record_web(&mut self, step: &Step) {
        let Step::Rules { server, rules, text, left, .. } = step else { panic!("{step:?}") };
        self.installed.web.remove(server);
        if !(rules.is_empty() && left.is_empty()) {
            let own = InstalledRules { rules: rules.clone(), text: *text, left: left.clone() };
            self.installed.web.insert(server.clone(), own);
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        snapshot.provide(ServerPath::new(APPLICATION_HOST), self.found(APPLICATION_HOST)).unwrap();
        while !snapshot.closed() {
            for need in snapshot.needs() {
                match need {
                    IisNeed::File(path) => {
                        let found = self.found(path.as_str());
                        snapshot.provide(path, found).unwrap();
                    }
                    IisNeed::Folder(folder) => snapshot.provide_folder(folder, Vec::new(), None),
                }
            }
        }
        snapshot
    }

    fn found(&self, path: &str) -> IisRead {
        self.files.get(path).map_or(IisRead::Absent, |bytes| IisRead::Found(bytes.clone()))
    }

    fn web(&self, server: &WebServer) -> WebConfig {
        // Of nginx and HAProxy all that they are built with is there unless they say otherwise.
        let is_apache = server.kind == WebKind::Apache;
        let modules = is_apache.then(|| "headers_module".to_owned()).into_iter().collect();
        let facts = WebFacts { server: server.clone(), sites: Fact::Absent, modules };
        let mut files = Files::new(server);
        for path in &self.fixed {
            files.fix(ServerPath::new(path), Reasons::text("it is held fast"));
        }
        while let Some(need) = files.needs().into_iter().next() {
            match need {
                Need::File(path) => {
                    let bytes = self.files.get(path.as_str()).cloned();
                    let found = bytes.map(|bytes| Read::Found { real: path.clone(), bytes });
                    files.provide(path, found.unwrap_or(Read::Absent)).unwrap();
                }
                Need::Glob(pattern) => {
                    let found = self.files.keys().filter(|path| fits(&pattern, path));
                    let found = found.map(ServerPath::new).collect();
                    files.provide_glob(pattern, Ok(found)).unwrap();
                }
            }
        }
        let id = server.id();
        let why = |of: &BTreeMap<ServerId, String>| Some(Reasons::text(of.get(&id)?.as_str()));
        let (incomplete, refused) = (why(&self.incomplete), why(&self.refused));
        WebConfig { facts, files, incomplete, refused }
    }
}

/// The services of a machine where they are a target: a spooler that runs with its socket and a service that
/// needs it, and a fax that does not run.
fn services(targets: &[Target]) -> Fact<ServicesByName> {
    if !targets.contains(&Target::Service) {
        return Fact::Absent;
    }
    let service = |name: &str, activity, start_mode, setup: &str| Service {
        name: name.to_owned(),
        activity,
        start_mode,
        setup: StartSetup(setup.to_owned()),
        dependents: Vec::new(),
        activators: Vec::new(),
        obstacle: None,
    };
    let too = |name: &str, activates| StopsToo { name: name.to_owned(), activates };
    let spooler = ServiceFacts {
        service: service("Spooler", Activity::Running, StartMode::Automatic, "automatic"),
        stops_too: vec![too("spooler.socket", true), too("Report", false)],
    };
    let fax = service("Fax", Activity::Stopped, StartMode::OnDemand, "on demand");
    let fax = ServiceFacts { service: fax, stops_too: Vec::new() };
    let all = [spooler, fax].map(|it| (it.service.name.clone(), Fact::Known(it)));
    Fact::Known(all.into_iter().collect())
}

fn own<'f>(files: &'f mut BTreeMap<String, ManagedFile>, path: &ServerPath) -> &'f mut ManagedFile {
    let empty = || ManagedFile { wrappers: Vec::new(), original: None };
    files.entry(path.key()).or_insert_with(empty)
}

/// Whether a path is matched by a pattern that has one `*`, in its last part.
fn fits(pattern: &str, path: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == path };
    let name = path.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
    name.is_some_and(|name| !name.contains('/') && !name.starts_with('.'))
}
