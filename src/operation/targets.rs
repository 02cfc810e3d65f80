//! Where clients connect to: virtual hosts that speak TLS, or whatever answers a name at an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Failure;
use super::certificate_files;
use super::find::Loaded;
use crate::check::Place;
use crate::check::tls_host::TlsHost;
use crate::httpd::{Configuration, Host, Listen, SERVER, Truth, VirtualHost};
use crate::mod_ssl::tls_hosts;
use crate::server::deadline::resolve;
use crate::tls::certificate::{Certificate, colon_hex};

/// Where to connect, calling the server what, expecting which certificate.
pub struct Target {
    /// What the server is called.
    pub name: Option<String>,
    /// Where.
    pub address: SocketAddr,
    /// Its virtual host.
    pub place: Option<Place>,
    /// Certificates that it may show, each with its file.
    pub on_disk: Vec<(Certificate, String)>,
    /// Ports that speak plain HTTP, to see whether they redirect.
    pub plain: Vec<SocketAddr>,
    /// Its configuration offers HTTP/2.
    pub offers_http2: bool,
}

impl Target {
    /// A name at an address, whatever is configured.
    pub fn bare(name: String, address: SocketAddr) -> Target {
        Target {
            name: Some(name),
            address,
            place: None,
            on_disk: Vec::new(),
            plain: Vec::new(),
            offers_http2: false,
        }
    }

    /// Whether one of its certificates has this fingerprint, SHA-256 in hexadecimal with colons.
    pub fn has(&self, sha256: &str) -> bool {
        let mut all = self.on_disk.iter();
        all.any(|(certificate, _)| colon_hex(&certificate.sha256()) == sha256)
    }

    /// Whether it may show the certificate of one of these files, as people know them.
    pub fn shows(&self, files: &[String]) -> bool {
        self.on_disk.iter().any(|(_, file)| files.contains(file))
    }
}

/// Where to look: virtual hosts of the configuration, or whatever answers the name at an address. `port` is that of a
/// name which no virtual host has.
pub fn targets(
    loaded: Option<&Loaded>,
    name: Option<String>,
    address: Option<SocketAddr>,
    port: Option<u16>,
) -> Result<Vec<Target>, Failure> {
    let mut targets = match loaded {
        Some(loaded) => of_configuration(loaded, name.as_deref(), address),
        None => Vec::new(),
    };
    if let (Some(port), None) = (port, address) {
        targets.retain(|target| target.address.port() == port);
    }
    if !targets.is_empty() {
        return Ok(targets);
    }
    let Some(name) = name else {
        return Err(Failure::with_advice(
            "nothing speaks TLS in this configuration",
            "give --domain and --address, or turn TLS on: esync-ssl enable",
        ));
    };
    let found = address.or_else(|| resolve(&name, port.unwrap_or(443)).into_iter().next());
    let address = found.ok_or_else(|| {
        Failure::with_advice(
            format!("no virtual host answers {name} over TLS, and the name does not resolve"),
            "give --address IP:PORT",
        )
    })?;
    Ok(vec![Target::bare(name, address)])
}

/// Every virtual host that speaks TLS, or those that have the name, at an address of this machine.
pub fn of_configuration(loaded: &Loaded, name: Option<&str>, given: Option<SocketAddr>) -> Vec<Target> {
    let configuration = &loaded.configuration;
    let active: Vec<&Listen> = configuration.active_listens().collect();
    let tls: Vec<&VirtualHost> = tls_hosts(configuration).collect();
    let plain = plain(&active, &tls);
    let wanted = tls
        .into_iter()
        .filter(|host| name.is_none_or(|name| host.has_name(name)));
    let of_host = |host: &VirtualHost| {
        let entry = configuration.entry(host.entry);
        let target = |address| Target {
            name: name.or(host.client_name()).map(str::to_owned),
            address,
            place: Some(loaded.place_of(entry)),
            on_disk: on_disk(loaded, host),
            plain: plain.clone(),
            offers_http2: offers_http2(configuration, host),
        };
        let ends = given.map_or_else(|| ends(host, &active), |given| vec![given]);
        ends.into_iter().map(target).collect::<Vec<Target>>()
    };
    wanted.flat_map(of_host).collect()
}

/// Does `Protocols` name HTTP/2? Lines add up, and those of a virtual host stand in place of the main server's.
fn offers_http2(configuration: &Configuration, host: &VirtualHost) -> bool {
    let words = |section| -> Vec<Vec<u8>> {
        let lines = configuration.named_in(section, "Protocols");
        let lines = lines.filter(|(_, entry)| entry.truth == Truth::True);
        lines
            .flat_map(|(_, entry)| configuration.arguments(entry))
            .collect()
    };
    let own = words(host.section);
    let said = if own.is_empty() { words(SERVER) } else { own };
    said.iter().any(|word| word.eq_ignore_ascii_case(b"h2"))
}

/// Where plain HTTP is spoken.
fn plain(active: &[&Listen], tls: &[&VirtualHost]) -> Vec<SocketAddr> {
    let addresses = tls.iter().flat_map(|host| &host.addresses);
    let tls_ports: Vec<u16> = addresses.filter_map(|address| address.port).collect();
    active
        .iter()
        .filter(|listen| !tls_ports.contains(&listen.port) && listen.effective_protocol() != "https")
        .map(|listen| SocketAddr::new(local(listen.ip(), listen), listen.port))
        .collect()
}

/// The certificates of a virtual host, each with its file.
fn on_disk(loaded: &Loaded, host: &VirtualHost) -> Vec<(Certificate, String)> {
    let configuration = &loaded.configuration;
    let settings = TlsHost::of(configuration, host.section);
    let read = settings.pairs.iter().filter_map(|pair| {
        let path = configuration.source().host_path(&pair.certificate);
        Some((certificate_files::leaf(&path)?, loaded.show(&path)))
    });
    read.collect()
}

/// Where a virtual host is reached.
fn ends(host: &VirtualHost, active: &[&Listen]) -> Vec<SocketAddr> {
    let mut ends: Vec<SocketAddr> = Vec::new();
    for address in &host.addresses {
        for listen in active
            .iter()
            .filter(|listen| address.port.is_none_or(|port| port == listen.port))
        {
            let ip = match &address.host {
                Host::Ip(ip) => local(Some(*ip), listen),
                Host::Any | Host::Name(_) => local(listen.ip(), listen),
            };
            // A virtual host on every port is looked at where TLS is meant.
            if address.port.is_some() || listen.effective_protocol() == "https" {
                ends.push(SocketAddr::new(ip, listen.port));
            }
        }
        if let (Some(port), true) = (address.port, ends.is_empty()) {
            // Nothing listens: that is what there is to see.
            ends.push(SocketAddr::new(
                address.ip().unwrap_or(Ipv4Addr::LOCALHOST.into()),
                port,
            ));
        }
    }
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// An address to connect to from this machine.
pub fn local(ip: Option<IpAddr>, listen: &Listen) -> IpAddr {
    match ip {
        Some(ip) => ip,
        None if listen.address.as_deref() == Some("[::]") => Ipv6Addr::LOCALHOST.into(),
        None => Ipv4Addr::LOCALHOST.into(),
    }
}
