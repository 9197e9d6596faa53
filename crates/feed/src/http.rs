//! A feed on a web server.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::net::ToSocketAddrs as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, Error, Proxy, ProxyProtocol, Timeout};

use crate::transport::{Answer, ConnectStep, Limits, Network, Transport, TransportError, parts};

/// The longest validator that is kept, in bytes; usual ones have some 40.
const MAX_VALIDATOR: usize = 256;
/// How much of an answer that is not wanted is read, in bytes, so that its connection can be used
/// again. Beyond it a new connection costs less.
const MAX_UNWANTED: u64 = 16 * 1024;
/// How often it is looked, while nothing is done, whether the program is to end.
const TICK: Duration = Duration::from_millis(50);
/// The most bytes of an answer's headers: servers themselves take no more.
const MAX_HEADERS: usize = 16 * 1024;

/// One visit to a feed on a web server: connections are kept, and the time for all files together
/// runs from the first one.
///
/// Redirects are not followed: what a feed's address is, its administrator says.
pub struct HttpTransport {
    base: String,
    agent: Agent,
    limits: Limits,
    proxied: bool,
    stop: Option<&'static AtomicBool>,
    until: Option<Instant>,
    started: OnceLock<Instant>,
}

/// What went wrong, and whether it may go well the next time.
struct Failure {
    error: TransportError,
    passes: bool,
}

impl HttpTransport {
    /// The feed below `url`, which begins with `https://` or `http://`.
    ///
    /// # Errors
    /// It is no such URL, or the proxy's is none.
    pub fn new(url: &str, network: &Network) -> Result<Self, TransportError> {
        let base = base(url)?;
        let limits = network.limits;
        let proxy = proxy(network.proxy.as_deref())?;
        let proxied = match (&proxy, base.parse::<Uri>()) {
            (Some(proxy), Ok(uri)) => !proxy.is_no_proxy(&uri),
            _ => false,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            // A status is an answer here: 404 means that a file is not there.
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEADERS)
            .user_agent(concat!("stopgap/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(limits.connect))
            .timeout_resolve(Some(limits.connect))
            .timeout_per_read(Some(limits.read))
            .timeout_global(Some(limits.file))
            .build();
        let (agent, stop, started) = (config.into(), network.stop, OnceLock::new());
        Ok(Self { base, agent, limits, proxied, stop, until: network.until, started })
    }

    fn once(&self, url: &str, max: u64, validator: Option<&str>) -> Result<Answer, Failure> {
        let left = self.left();
        let limits = &self.limits;
        let mut request = self
            .agent
            .get(url)
            .config()
            .timeout_connect(Some(limits.connect.min(left)))
            .timeout_resolve(Some(limits.connect.min(left)))
            .timeout_per_read(Some(limits.read.min(left)))
            .timeout_global(Some(limits.file.min(left)))
            .build();
        if let Some(validator) = validator {
            let name =
                if is_tag(validator) { header::IF_NONE_MATCH } else { header::IF_MODIFIED_SINCE };
            request = request.header(name, validator);
        }
        let mut response = request.call().map_err(|error| self.failure(&error))?;
        match response.status() {
            StatusCode::OK => self.found(&mut response, max),
            status if is_absent(status, url) => {
                // What is left unread would cost the connection.
                skip(&mut response);
                Ok(Answer::Absent)
            }
            StatusCode::NOT_MODIFIED if validator.is_some() => Ok(Answer::Unchanged),
            status => {
                // A server in trouble may be out of it soon; one that refuses will do so again.
                let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                let error = status_error(status, response.headers());
                skip(&mut response);
                Err(Failure { error, passes })
            }
        }
    }

    fn found(&self, response: &mut Response<Body>, max: u64) -> Result<Answer, Failure> {
        let validator = validator(response.headers());
        let too_large = || Failure { error: TransportError::too_large(max), passes: false };
        if response.body().content_length().is_some_and(|length| length > max) {
            return Err(too_large());
        }
        match response.body_mut().with_config().limit(max).read_to_vec() {
            Ok(bytes) => Ok(Answer::Found { bytes, validator }),
            Err(Error::BodyExceedsLimit(_)) => Err(too_large()),
            Err(error @ Error::Timeout(_)) => Err(self.failure(&error)),
            Err(error) => {
                let why = format!("the answer broke off: {error}");
                Err(Failure { error: TransportError::new(ConnectStep::Length, why), passes: true })
            }
        }
    }

    /// Names the step at which a request failed.
    fn failure(&self, error: &Error) -> Failure {
        let (step, passes) = match error {
            Error::HostNotFound | Error::Timeout(Timeout::Resolve) => (ConnectStep::Name, false),
            Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => (ConnectStep::Proxy, false),
            Error::Timeout(Timeout::Connect) => (ConnectStep::Connect, true),
            Error::Timeout(_) => (ConnectStep::Time, true),
            Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) | Error::TlsRequired => {
                (ConnectStep::Tls, false)
            }
            Error::Io(error) => self.io_failure(error),
            Error::ConnectionFailed => (ConnectStep::Connect, true),
            Error::BadUri(_) | Error::Http(_) => (ConnectStep::Name, false),
            _ => (ConnectStep::Status, false),
        };
        let step = match step {
            ConnectStep::Name | ConnectStep::Connect if self.proxied => ConnectStep::Proxy,
            step => step,
        };
        Failure { error: TransportError::new(step, self.words(error)), passes }
    }

    fn io_failure(&self, error: &io::Error) -> (ConnectStep, bool) {
        if is_tls(error) {
            return (ConnectStep::Tls, false);
        }
        let is_closed = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
        );
        match is_closed {
            // There was a connection, and the other side ended it before it said anything.
            true if self.base.starts_with("https:") => (ConnectStep::Tls, true),
            true => (ConnectStep::Connect, true),
            // The system does not say which it was.
            false if !self.proxied && !self.is_known() => (ConnectStep::Name, false),
            false => (ConnectStep::Connect, true),
        }
    }

    /// Whether the server's name has an address.
    fn is_known(&self) -> bool {
        let uri: Option<Uri> = self.base.parse().ok();
        let host = uri.as_ref().and_then(Uri::host).map(|host| host.trim_matches(['[', ']']));
        host.is_some_and(|host| (host, 0).to_socket_addrs().is_ok())
    }

    fn words(&self, error: &Error) -> String {
        let seconds = |time: Duration| time.as_secs_f32();
        match error {
            Error::Timeout(_) if self.left().is_zero() => self.over(),
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                format!("no connection within {} s", seconds(self.limits.connect))
            }
            Error::Timeout(Timeout::PerRead | Timeout::RecvResponse) => {
                format!("no answer within {} s", seconds(self.limits.read))
            }
            Error::Timeout(_) => format!("not done within {} s", seconds(self.limits.file)),
            error => error.to_string(),
        }
    }

    /// How long may still be waited for all files together.
    fn left(&self) -> Duration {
        let visit =
            self.limits.visit.saturating_sub(self.started.get_or_init(Instant::now).elapsed());
        let all = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        all.map_or(visit, |all| all.min(visit))
    }

    /// That the time is over, in words.
    fn over(&self) -> String {
        match self.until {
            Some(until) if until <= Instant::now() => "not done in the time for all feeds".into(),
            _ => format!("not done with all files within {} s", self.limits.visit.as_secs_f32()),
        }
    }

    /// Waits a little before the next try; not beyond the time that is left, and not for a program that
    /// is to end.
    fn rest(&self, pause: Duration) {
        let end = Instant::now() + pause.min(self.left());
        while Instant::now() < end && !self.is_to_stop() {
            std::thread::sleep(end.saturating_duration_since(Instant::now()).min(TICK));
        }
    }

    fn is_to_stop(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

impl Transport for HttpTransport {
    fn get(&self, path: &str, max: u64, validator: Option<&str>) -> Result<Answer, TransportError> {
        parts(path)?;
        let url = format!("{}/{path}", self.base);
        let mut pause = self.limits.pause;
        let mut tries = 1;
        while !self.left().is_zero() {
            if self.is_to_stop() {
                return Err(TransportError::new(
                    ConnectStep::Time,
                    "the program was asked to stop",
                ));
            }
            match self.once(&url, max, validator) {
                Ok(answer) => return Ok(answer),
                Err(failure) if !failure.passes || tries >= self.limits.tries => {
                    return Err(failure.error);
                }
                Err(_) => self.rest(pause.mul_f64(jitter())),
            }
            pause *= 2;
            tries += 1;
        }
        Err(TransportError::new(ConnectStep::Time, self.over()))
    }
}

/// A factor from 0.5 to 1.5, so that many servers do not ask again at the same moment.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    0.5 + f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

/// The URL without a slash at the end.
fn base(url: &str) -> Result<String, TransportError> {
    let wrong = || {
        let why = format!("`{url}` is not a URL such as `https://server/folder`");
        TransportError::new(ConnectStep::Name, why)
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let is_web = matches!(uri.scheme_str(), Some("https" | "http"));
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    if !is_web || !has_host || url.contains(['?', '#', '@']) {
        return Err(wrong());
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn proxy(explicit: Option<&str>) -> Result<Option<Proxy>, TransportError> {
    let proxy = match explicit {
        Some("direct") => None,
        Some(url) => Some(Proxy::new(url).map_err(|_| {
            TransportError::new(
                ConnectStep::Proxy,
                format!("`{url}` is not a URL such as `http://proxy:8080`"),
            )
        })?),
        None => Proxy::try_from_env(),
    };
    let is_known =
        |proxy: &Proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
    if proxy.as_ref().is_none_or(is_known) {
        return Ok(proxy);
    }
    Err(TransportError::new(ConnectStep::Proxy, "only `http://` and `https://` proxies are used"))
}

/// Whether the error is the encryption's, which is found inside of one of the connection.
fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| {
        inner.is::<rustls::Error>()
            || inner.source().is_some_and(<dyn std::error::Error>::is::<rustls::Error>)
    })
}

/// Some stores say "forbidden" for what is not there. That is taken for an answer only where most
/// often nothing is there; else whoever may not read would be told that a file is missing.
fn is_absent(status: StatusCode, url: &str) -> bool {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => true,
        StatusCode::FORBIDDEN => url.ends_with(".root.json"),
        _ => false,
    }
}

fn status_error(status: StatusCode, headers: &HeaderMap) -> TransportError {
    let to = headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
    let why = match to.filter(|_| status.is_redirection()) {
        Some(to) => {
            format!(
                "the server answers {} and points to {to}, which is not followed",
                status.as_u16()
            )
        }
        None => format!("the server answers {status}"),
    };
    TransportError::new(ConnectStep::Status, why)
}

/// Reads what is left, if it is little: a connection with an answer on it cannot be used again.
fn skip(response: &mut Response<Body>) {
    let _ = response.body_mut().with_config().limit(MAX_UNWANTED).read_to_vec();
}

fn validator(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name)?.to_str().ok().filter(|text| text.len() <= MAX_VALIDATOR);
    let tag = text(header::ETAG).filter(|tag| is_tag(tag));
    tag.or_else(|| text(header::LAST_MODIFIED).filter(|date| !is_tag(date))).map(str::to_owned)
}

/// Whether a validator is an entity tag; else it is a date.
fn is_tag(validator: &str) -> bool {
    validator.starts_with('"') || validator.starts_with("W/\"")
}
