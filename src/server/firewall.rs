//! Whether the firewall of Windows lets clients in: its rules as the registry has them, each a line of text.

use std::path::Path;

/// What the firewall does with connections from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// A rule lets them in.
    Open,
    /// No rule is about them, so that it does not.
    Closed,
    /// The rule of this name keeps them out, whatever others say.
    Barred(String),
}

/// What it does with those to a port of a program; nothing where it is off, or does not show its rules.
#[cfg(not(windows))]
pub fn gate(_program: Option<&Path>, _port: u16) -> Option<Gate> {
    None
}

/// What it does with those to a port of a program; nothing where it is off, or does not show its rules.
#[cfg(windows)]
pub fn gate(program: Option<&Path>, port: u16) -> Option<Gate> {
    registry::is_on().then(|| {
        judge(
            &registry::rules(),
            super::windows_services::expanded,
            program,
            port,
        )
    })
}

#[cfg(windows)]
mod registry {
    use winreg::RegKey;
    use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_READ};

    const OWN: &str = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
    /// What a domain prescribes comes before what the machine says.
    const PRESCRIBED: &str = r"SOFTWARE\Policies\Microsoft\WindowsFirewall";

    fn key(path: &str) -> Option<RegKey> {
        let machine = RegKey::predef(HKEY_LOCAL_MACHINE);
        machine.open_subkey_with_flags(path, KEY_READ).ok()
    }

    /// Whether it keeps out what no rule is about, in any kind of network: which of them this one is, is not asked.
    pub fn is_on() -> bool {
        let value = |profile: &str, name: &str| -> Option<u32> {
            let of = |policy: &str| key(&format!(r"{policy}\{profile}"))?.get_value(name).ok();
            of(PRESCRIBED).or_else(|| of(OWN))
        };
        let profiles = ["DomainProfile", "StandardProfile", "PublicProfile"];
        profiles.iter().any(|profile| {
            value(profile, "EnableFirewall") == Some(1) && value(profile, "DefaultInboundAction") != Some(0)
        })
    }

    pub fn rules() -> Vec<String> {
        let lists = [OWN, PRESCRIBED].into_iter();
        let lists = lists.filter_map(|policy| key(&format!(r"{policy}\FirewallRules")));
        let mut rules = Vec::new();
        for list in lists {
            let names = list.enum_values().flatten().map(|(name, _)| name);
            rules.extend(names.filter_map(|name| list.get_value::<String, _>(name).ok()));
        }
        rules
    }
}

/// What rules do with connections to a port of a program: `v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|…`.
#[cfg(any(windows, test))]
fn judge(rules: &[String], expand: impl Fn(&str) -> String, program: Option<&Path>, port: u16) -> Gate {
    let plain = |path: &str| path.replace('/', "\\").to_lowercase();
    let program = program.map(|program| plain(&program.to_string_lossy()));
    let mut gate = Gate::Closed;
    for rule in rules.iter().map(|rule| Rule(rule)) {
        let is_ours = match rule.value("App") {
            None => true,
            Some(app) => program.as_ref() == Some(&plain(&expand(app))),
        };
        if !is_ours || !rule.is_for(port) {
            continue;
        }
        match rule.value("Action") {
            Some("Block") => return Gate::Barred(rule.value("Name").unwrap_or_default().to_owned()),
            Some("Allow") => gate = Gate::Open,
            _ => {}
        }
    }
    gate
}

#[cfg(any(windows, test))]
struct Rule<'a>(&'a str);

#[cfg(any(windows, test))]
impl<'a> Rule<'a> {
    fn fields(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.split('|').filter_map(|field| field.split_once('='))
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.fields()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Is it in force for connections that come in to a port of TCP, and not for a single service or package?
    fn is_for(&self, port: u16) -> bool {
        const TCP: &str = "6";
        let is = |name: &str, wanted: &str| self.value(name) == Some(wanted);
        let ports = self.fields().filter(|(key, _)| key.starts_with("LPort"));
        let mut ports = ports.map(|(_, value)| is_among(value, port)).peekable();
        is("Active", "TRUE")
            && is("Dir", "In")
            && self.value("Protocol").is_none_or(|protocol| protocol == TCP)
            && ["Svc", "AppPkgId"].iter().all(|name| self.value(name).is_none())
            && (ports.peek().is_none() || ports.any(|is_it| is_it))
    }
}

/// Is a port the one that is named, or in the range?
#[cfg(any(windows, test))]
fn is_among(named: &str, port: u16) -> bool {
    let (first, last) = named.split_once('-').unwrap_or((named, named));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&port),
        // `RPC` and the like.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rules_do_with_clients() {
        let judged = |rules: &[&str]| {
            let rules: Vec<String> = rules
                .iter()
                .map(|rule| format!("v2.30|{rule}|Name=a rule|"))
                .collect();
            let expand = |text: &str| text.replace("%SystemDrive%", "C:");
            judge(&rules, expand, Some(Path::new(r"C:\Apache24\bin\httpd.exe")), 443)
        };
        let allow = "Action=Allow|Active=TRUE|Dir=In";
        for open in [
            "Protocol=6|LPort=443",
            "Protocol=6|LPort=80|LPort=443|Profile=Domain",
            "Protocol=6|LPort2_10=400-500",
            "Protocol=6|App=%SystemDrive%\\apache24\\bin\\HTTPD.exe",
            "Protocol=6|LPort=443|App=c:/Apache24/bin/httpd.exe",
            "EmbedCtxt=x",
        ] {
            assert_eq!(judged(&[&format!("{allow}|{open}")]), Gate::Open, "{open}");
        }
        for closed in [
            "Protocol=17|LPort=443",
            "Protocol=6|LPort=80",
            "Protocol=6|LPort=RPC",
            "Protocol=6|LPort2_10=444-500",
            r"Protocol=6|LPort=443|App=C:\other.exe",
            "Protocol=6|LPort=443|App=System",
            "Protocol=6|LPort=443|Svc=W3SVC",
        ] {
            assert_eq!(judged(&[&format!("{allow}|{closed}")]), Gate::Closed, "{closed}");
        }
        for idle in [
            "Action=Allow|Active=FALSE|Dir=In|LPort=443",
            "Action=Allow|Active=TRUE|Dir=Out|LPort=443",
            "Action=Block|Active=FALSE|Dir=In",
        ] {
            assert_eq!(judged(&[idle]), Gate::Closed, "{idle}");
        }
        // What Windows makes when somebody refuses its question.
        let barred = r"Action=Block|Active=TRUE|Dir=In|Protocol=6|App=C:\Apache24\bin\httpd.exe";
        assert_eq!(
            judged(&[&format!("{allow}|LPort=443"), barred]),
            Gate::Barred("a rule".into())
        );
    }
}
