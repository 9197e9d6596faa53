//! A host in memory that fails when told to.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use stopgap_fs::OsError;
use stopgap_host::{
    Answer, Files, Found, FsError, Host, ProbeEvent, ProbeRequest, Prober, Read, ReloadError,
    ReplaceError, ReplaceMethod, ServerControl, Services, Stop, TestError, WebServers,
};
use stopgap_model::reason::{FileReason, ReloadReason};
use stopgap_model::web::{LeftOut, WebServer};
use stopgap_model::{Digest, Reasons, ServerPath};

use crate::services::SimulatedServices;
use crate::simulated::{NGINX_CONF, Pace, SimulatedServer};

/// What goes wrong, and when. Operations are reads, searches, replacements and removals of
/// leftovers, counted together from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The operation of this number fails, and does nothing.
    FailAt(usize),
    /// From the operation of this number on every one fails, as if the program had been killed in
    /// it: a replacement leaves its new file lying about.
    DieAt(usize),
    /// The operation of this number, if it is a replacement, is carried out and then fails: the
    /// folder did not get to the disk.
    NotDurableAt(usize),
    /// Just before the operation of this number, somebody else writes these bytes to the file.
    ChangeBefore(usize, ServerPath, Vec<u8>),
    /// The operation of this number, of those on what is in this folder, fails, and does nothing.
    FailIn(ServerPath, usize),
    /// From the operation of this number on every one on what is in this folder fails.
    FailsFrom(ServerPath, usize),
    /// Before every replacement of this file somebody else adds a line to it.
    Restless(ServerPath),
    /// This file cannot be changed, and that is seen without trying.
    Fixed(ServerPath),
    /// This file cannot be changed, and that is seen by trying only.
    Refuses(ServerPath),
}

/// What somebody else does before each operation, given its number.
#[derive(Default)]
struct Meanwhile(Option<Box<dyn Fn(usize)>>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Meanwhile(something)" } else { "Meanwhile(nothing)" })
    }
}

/// A server in memory. Paths are found as Windows finds them.
#[derive(Debug, Default)]
pub struct FailingHost {
    files: RefCell<BTreeMap<String, Vec<u8>>>,
    leftovers: RefCell<BTreeSet<String>>,
    faults: Vec<Fault>,
    done: Cell<usize>,
    meanwhile: Meanwhile,
    /// What the operations were on, in their order.
    on: RefCell<Vec<String>>,
    web: Vec<SimulatedServer>,
    services: Option<SimulatedServices>,
}

/// What an operation is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Go,
    Fail,
    Die,
    NotDurable,
}

impl FailingHost {
    /// A server with these files that never fails.
    #[must_use]
    pub fn new(files: Vec<(ServerPath, Vec<u8>)>) -> Self {
        let files = files.into_iter().map(|(path, bytes)| (path.key(), bytes)).collect();
        Self { files: RefCell::new(files), ..Self::default() }
    }

    /// The same server with an nginx that runs with these files.
    #[must_use]
    pub fn with_nginx(self) -> Self {
        self.with_nginx_at(&ServerPath::new(NGINX_CONF))
    }

    /// The same server with one more nginx, which runs with the files in the folder of this main one.
    #[must_use]
    pub fn with_nginx_at(mut self, main: &ServerPath) -> Self {
        let server = SimulatedServer::new(main, &self.files.borrow());
        self.web.push(server);
        self
    }

    /// The same server with a service manager.
    #[must_use]
    pub fn with_services(self, services: SimulatedServices) -> Self {
        Self { services: Some(services), ..self }
    }

    /// The service manager.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn service_manager(&self) -> &SimulatedServices {
        self.services.as_ref().expect("no service manager is here")
    }

    /// The first web server that runs on it.
    ///
    /// # Panics
    /// None does.
    #[must_use]
    pub fn web(&self) -> &SimulatedServer {
        self.web.first().expect("no web server runs here")
    }

    /// The web server of this main file.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn web_of(&self, main: &ServerPath) -> &SimulatedServer {
        self.web.iter().find(|server| server.main() == main).expect("no such server runs here")
    }

    /// The same server with one more fault.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The same server, on which this is called before each operation with its number.
    #[must_use]
    pub fn meanwhile(mut self, act: impl Fn(usize) + 'static) -> Self {
        self.meanwhile = Meanwhile(Some(Box::new(act)));
        self
    }

    /// The server after a restart: the same files, no faults, nothing done yet.
    #[must_use]
    pub fn restarted(self) -> Self {
        let (faults, meanwhile) = (Vec::new(), Meanwhile::default());
        Self { faults, meanwhile, done: Cell::new(0), on: RefCell::default(), ..self }
    }

    /// How many operations were on what is in this folder.
    #[must_use]
    pub fn operations_in(&self, folder: &ServerPath) -> usize {
        let within = format!("{}/", folder.key());
        self.on.borrow().iter().filter(|path| path.starts_with(&within)).count()
    }

    /// How many operations were asked for.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.done.get()
    }

    /// Every file, by [`ServerPath::key`], with its bytes.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        self.files.borrow().clone()
    }

    /// Writes a file, as somebody else would.
    pub fn write(&self, path: &ServerPath, bytes: &[u8]) {
        self.files.borrow_mut().insert(path.key(), bytes.to_vec());
    }

    /// Deletes a file, as somebody else would.
    pub fn delete(&self, path: &ServerPath) {
        self.files.borrow_mut().remove(&path.key());
    }

    /// Puts a leftover beside a file, as a killed replacement would.
    pub fn leave(&self, path: &ServerPath) {
        self.leftovers.borrow_mut().insert(path.key());
    }

    fn next(&self, on: &ServerPath) -> Course {
        let now = self.done.get() + 1;
        self.done.set(now);
        if let Some(act) = &self.meanwhile.0 {
            act(now);
        }
        self.on.borrow_mut().push(on.key());
        let mut course = Course::Go;
        for fault in &self.faults {
            match fault {
                Fault::FailAt(at) if *at == now => course = Course::Fail,
                Fault::DieAt(at) if *at == now => course = Course::Die,
                Fault::DieAt(at) if *at < now => course = Course::Fail,
                Fault::NotDurableAt(at) if *at == now => course = Course::NotDurable,
                Fault::ChangeBefore(at, path, bytes) if *at == now => self.write(path, bytes),
                Fault::FailIn(folder, at)
                    if is_in(folder, on) && self.operations_in(folder) == *at =>
                {
                    course = Course::Fail;
                }
                Fault::FailsFrom(folder, at)
                    if is_in(folder, on) && self.operations_in(folder) >= *at =>
                {
                    course = Course::Fail;
                }
                Fault::FailAt(_)
                | Fault::DieAt(_)
                | Fault::NotDurableAt(_)
                | Fault::ChangeBefore(..)
                | Fault::FailIn(..)
                | Fault::FailsFrom(..)
                | Fault::Restless(_)
                | Fault::Fixed(_)
                | Fault::Refuses(_) => {}
            }
        }
        course
    }
}

impl Course {
    fn fails(self) -> bool {
        matches!(self, Self::Fail | Self::Die)
    }
}

fn is_in(folder: &ServerPath, path: &ServerPath) -> bool {
    path.key().starts_with(&format!("{}/", folder.key()))
}

fn failure(path: &ServerPath) -> FsError {
    FsError::Io { action: "use, in this test,", path: path.as_str().into(), source: OsError::IO }
}

impl Files for FailingHost {
    fn read(&self, path: &ServerPath, max: u64) -> Read {
        if self.next(path).fails() {
            let why = Reasons::text(format!("the test fails the read of {path}"));
            return Read::Unreadable(why);
        }
        match self.files.borrow().get(&path.key()) {
            Some(bytes) if bytes.len() as u64 > max => {
                let path = path.to_string();
                Read::Unreadable(FileReason::TooLarge { path, max }.into())
            }
            Some(bytes) => Read::Found(bytes.clone()),
            None => Read::Absent,
        }
    }

    fn find(&self, folder: &ServerPath, name: &str) -> Found {
        if self.next(folder).fails() {
            let why = Reasons::text(format!("the test fails the search of {folder}"));
            return Found { files: Vec::new(), incomplete: Some(why) };
        }
        let below = format!("{}\\", folder.key());
        let files = self.files.borrow();
        let rest = files.keys().filter_map(|path| path.strip_prefix(&below));
        let files = rest
            .filter(|rest| rest.rsplit('\\').next().is_some_and(|n| n.eq_ignore_ascii_case(name)))
            .map(|rest| folder.join(rest));
        let mut files: Vec<ServerPath> = files.collect();
        // Those of a folder before those of the folders in it, as on a disk.
        files.sort_by_key(|path| {
            let (above, _) = path.as_str().rsplit_once('\\').unwrap_or_default();
            above.split('\\').map(str::to_owned).collect::<Vec<_>>()
        });
        Found { files, incomplete: None }
    }

    fn replace(&self, path: &ServerPath, expected: Digest, new: &[u8]) -> Result<(), ReplaceError> {
        let course = self.next(path);
        let shown = || path.as_str().into();
        if course == Course::Die {
            self.leave(path);
        }
        if course.fails() {
            return Err(ReplaceError::Fs(failure(path)));
        }
        if self.faults.contains(&Fault::Refuses(path.clone())) {
            return Err(ReplaceError::Fs(failure(path)));
        }
        let restless = Fault::Restless(path.clone());
        let mut files = self.files.borrow_mut();
        if let (true, Some(file)) = (self.faults.contains(&restless), files.get_mut(&path.key())) {
            file.extend_from_slice(b"# and on\n");
        }
        let file =
            files.get_mut(&path.key()).ok_or_else(|| ReplaceError::Missing { path: shown() })?;
        let found = Digest::of(file);
        if found != expected {
            return Err(ReplaceError::Changed { path: shown(), found });
        }
        *file = new.to_vec();
        self.leftovers.borrow_mut().remove(&path.key());
        match course {
            Course::NotDurable => {
                Err(ReplaceError::NotDurable { path: shown(), source: OsError::IO })
            }
            Course::Go | Course::Fail | Course::Die => Ok(()),
        }
    }

    fn replace_method(&self, path: &ServerPath) -> Result<ReplaceMethod, Reasons> {
        let fixed = |fault: &Fault| matches!(fault, Fault::Fixed(of) if of == path);
        match self.faults.iter().any(fixed) {
            true => Err(Reasons::text(format!("the test does not have {path} changed"))),
            false => Ok(ReplaceMethod::Rename),
        }
    }

    fn create(&self, path: &ServerPath, new: &[u8]) -> Result<(), ReplaceError> {
        let course = self.next(path);
        if course == Course::Die {
            self.leave(path);
        }
        if course.fails() {
            return Err(ReplaceError::Fs(failure(path)));
        }
        let mut files = self.files.borrow_mut();
        if let Some(there) = files.get(&path.key()) {
            let (path, found) = (path.as_str().into(), Digest::of(there));
            return Err(ReplaceError::Changed { path, found });
        }
        files.insert(path.key(), new.to_vec());
        Ok(())
    }

    fn remove(&self, path: &ServerPath, expected: Digest) -> Result<(), ReplaceError> {
        if self.next(path).fails() {
            return Err(ReplaceError::Fs(failure(path)));
        }
        let shown = || path.as_str().into();
        let mut files = self.files.borrow_mut();
        let found = files.get(&path.key()).map(|file| Digest::of(file));
        match found {
            None => Err(ReplaceError::Missing { path: shown() }),
            Some(found) if found != expected => Err(ReplaceError::Changed { path: shown(), found }),
            Some(_) => {
                files.remove(&path.key());
                Ok(())
            }
        }
    }

    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError> {
        if self.next(path).fails() {
            return Err(failure(path));
        }
        Ok(self.leftovers.borrow_mut().remove(&path.key()))
    }

    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, Reasons> {
        Ok(path.clone())
    }

    fn glob(&self, _: &str) -> Result<Vec<ServerPath>, Reasons> {
        Ok(Vec::new())
    }
}

impl WebServers for FailingHost {
    fn web_servers(&self) -> Vec<WebServer> {
        let found = self.web.iter().filter(|server| server.is_found());
        found.map(SimulatedServer::facts).collect()
    }

    fn left_out(&self) -> LeftOut {
        self.web.first().map(SimulatedServer::left_out).unwrap_or_default()
    }

    fn control(&self) -> Option<&dyn ServerControl> {
        (!self.web.is_empty()).then_some(self)
    }
}

impl Host for FailingHost {
    fn services(&self) -> Option<&dyn Services> {
        self.services.as_ref().map(|services| services as &dyn Services)
    }

    fn name(&self) -> String {
        "a host in memory".to_owned()
    }
}

impl FailingHost {
    fn server(&self, server: &WebServer) -> &SimulatedServer {
        self.web_of(&server.id().config())
    }
}

impl ServerControl for FailingHost {
    fn test_until(
        &self,
        web: &WebServer,
        staged: &[(ServerPath, Vec<u8>)],
        _: &Stop<'_>,
    ) -> Result<(), TestError> {
        if self.next(&web.id().config()).fails() {
            return Err(TestError::NotMade(Reasons::text("the test kills it")));
        }
        self.server(web).test(&self.files.borrow(), staged)
    }

    fn reload_until(
        &self,
        web: &WebServer,
        _: &Stop<'_>,
    ) -> Result<Option<ReloadReason>, ReloadError> {
        if self.next(&web.id().config()).fails() {
            return Err(Reasons::text("the test kills it").into());
        }
        Ok(self.server(web).reload(&self.files.borrow()).map(|()| None)?)
    }

    fn settle_time(&self) -> Duration {
        Duration::ZERO
    }

    fn start(&self, web: &WebServer) -> Result<(), Reasons> {
        if self.next(&web.id().config()).fails() {
            return Err(Reasons::text("the test kills it"));
        }
        self.server(web).start(&self.files.borrow())
    }

    fn is_running(&self, web: &WebServer) -> bool {
        self.server(web).is_alive()
    }

    fn prober(&self, _: Duration) -> Box<dyn Prober + '_> {
        let (open, late) = (VecDeque::new(), VecDeque::new());
        Box::new(Asked { host: self, put: 0, open, late, is_stuck: false })
    }
}

/// Sites in memory that are asked. Whoever is slow answers when nobody else does any more. Time passes
/// only where a site is stuck.
struct Asked<'h> {
    host: &'h FailingHost,
    put: usize,
    open: VecDeque<(usize, ProbeRequest)>,
    late: VecDeque<(usize, Answer)>,
    is_stuck: bool,
}

impl Prober for Asked<'_> {
    fn send(&mut self, request: ProbeRequest) -> usize {
        self.open.push_back((self.put, request));
        self.put += 1;
        self.put - 1
    }

    fn next_event(&mut self, patience: Duration) -> Option<ProbeEvent> {
        let Some((number, ProbeRequest { site, request, .. })) = self.open.pop_front() else {
            if self.late.is_empty() && self.is_stuck {
                std::thread::sleep(patience);
            }
            let (number, answer) = self.late.pop_front()?;
            return Some(ProbeEvent::Answered(number, answer));
        };
        let of_it = self.host.web.iter().find(|server| server.serves(&site.name));
        let server = of_it.unwrap_or_else(|| self.host.web());
        if self.host.next(server.main()).fails() {
            return Some(ProbeEvent::Answered(number, Answer::Nothing));
        }
        match server.answer(&site.name, &request.target) {
            (Pace::Quick, answer) => Some(ProbeEvent::Answered(number, answer)),
            (Pace::Slow, answer) => {
                self.late.push_back((number, answer));
                Some(ProbeEvent::Slow(number))
            }
            (Pace::Never, _) => {
                self.is_stuck = true;
                Some(ProbeEvent::Slow(number))
            }
        }
    }

    fn stop_sending(&mut self) -> Vec<usize> {
        self.open.drain(..).map(|(number, _)| number).collect()
    }
}
