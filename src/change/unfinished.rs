//! A virtual host for TLS that nobody has finished: without a name, and with certificate files that are not there, as a fresh
//! `ssl.conf` of Red Hat's has it. Apache does not start with it, so that it is nobody's site. Edits nothing.

use crate::httpd::{Configuration, Entry, Kind, VirtualHost, resolve};
use crate::mod_ssl::speaks_tls;

use super::existing::{is_nameless, own_settings};

/// Has the virtual host for TLS no name, and names files that do not exist?
pub(super) fn is_unfinished(configuration: &Configuration, host: &VirtualHost) -> bool {
    let own = |name| own_settings(configuration, host.section, name);
    let is_missing = |entry: &&Entry| missing_file(configuration, entry).is_some();
    is_nameless(configuration, host)
        && speaks_tls(configuration, host)
        && ["SSLCertificateFile", "SSLCertificateKeyFile"]
            .iter()
            .any(|name| own(name).iter().any(is_missing))
}

/// Does it show what the main server shows?
pub(super) fn shows_main_server(configuration: &Configuration, host: &VirtualHost) -> bool {
    const SHOWING: [&str; 6] = [
        "DocumentRoot",
        "VirtualDocumentRoot",
        "ProxyPass",
        "ProxyPassMatch",
        "WSGIScriptAlias",
        "JkMount",
    ];
    SHOWING
        .iter()
        .all(|name| own_settings(configuration, host.section, name).is_empty())
}

/// The file that a directive names, if it is not there.
pub(super) fn missing_file(configuration: &Configuration, entry: &Entry) -> Option<String> {
    let argument = configuration.arguments(entry).into_iter().next()?;
    let source = configuration.source();
    let full = resolve(configuration.server_root(), &argument, source.platform);
    let there = source.is_foreign(&full) || source.kind(&full) != Kind::Missing;
    (!there).then(|| String::from_utf8_lossy(&full).into_owned())
}
