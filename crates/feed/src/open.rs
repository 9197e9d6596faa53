//! From a URL to the transport that gets its files.

use std::path::Path;
use std::sync::Arc;

use crate::dir::DirTransport;
use crate::http::HttpTransport;
use crate::transport::{ConnectStep, Network, Transport, TransportError};

/// The transport for a URL: `https://…`, `http://…`, or `file:///absolute/folder`.
///
/// # Errors
/// It is no such URL, or the proxy's is none.
pub fn open_transport(url: &str, network: &Network) -> Result<Arc<dyn Transport>, TransportError> {
    match url.strip_prefix("file://") {
        Some(path) if path.starts_with('/') && !path.contains(['%', '?', '#', '\0']) => {
            Ok(Arc::new(DirTransport::new(Path::new(path))))
        }
        Some(_) => Err(TransportError::new(
            ConnectStep::Name,
            format!("`{url}` does not name a folder as `file:///absolute/folder`"),
        )),
        None => Ok(Arc::new(HttpTransport::new(url, network)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_kind_is_refused() {
        let network = Network::default();
        for url in [
            "ftp://a/b",
            "file://host/x",
            "file:x",
            "x",
            "",
            "file:///a%20b",
            "https://",
            "http://a/?b",
        ] {
            assert_eq!(
                open_transport(url, &network).map_err(|error| error.step).err(),
                Some(ConnectStep::Name),
                "{url}"
            );
        }
        for url in ["https://a", "http://a:8080/b/", "file:///srv/feed"] {
            assert!(open_transport(url, &network).is_ok(), "{url}");
        }
    }
}
