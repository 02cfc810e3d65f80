//! Whether clients of other machines get through the firewall of Windows, told beside the answer.

use super::find::Loaded;
use super::progress::Progress;
use super::running;
use crate::note_code::NoteCode;
use crate::server::firewall::{Gate, gate};

/// Tells what keeps clients from ports that this server listens on, or will, and the command that changes it. Ports of this
/// machine alone need none.
pub fn tell(loaded: &Loaded, ports: &[u16], progress: &dyn Progress) {
    if running::is_elsewhere(loaded) {
        return;
    }
    let ends = running::ends(loaded, None);
    let is_for_us_alone = |port: u16| {
        let mut of_port = ends.iter().filter(|end| end.1 == port).peekable();
        of_port.peek().is_some() && of_port.all(|(ip, _)| ip.is_some_and(|ip| ip.is_loopback()))
    };
    let binary = loaded.binary.as_ref().ok().and_then(Option::as_ref);
    let mut closed: Vec<u16> = Vec::new();
    for port in ports.iter().copied().filter(|port| !is_for_us_alone(*port)) {
        match gate(binary.map(|binary| binary.path()), port) {
            Some(Gate::Closed) if !closed.contains(&port) => closed.push(port),
            Some(Gate::Barred(rule)) => {
                progress.note(NoteCode::Firewall, &barred(&rule));
                return;
            }
            _ => {}
        }
    }
    if !closed.is_empty() {
        progress.note(NoteCode::Firewall, &no_rule(&closed));
    }
}

fn no_rule(ports: &[u16]) -> String {
    let list: Vec<String> = ports.iter().map(u16::to_string).collect();
    let (named, name) = match ports {
        [443] => ("port 443".to_owned(), "Apache HTTPS"),
        [80] => ("port 80".to_owned(), "Apache HTTP"),
        [one] => (format!("port {one}"), "Apache"),
        _ => (format!("ports {}", list.join(" and ")), "Apache"),
    };
    format!(
        "note: no rule of Windows Firewall lets other machines connect to {named}. This command, given as Administrator, \
         adds one: netsh advfirewall firewall add rule name=\"{name}\" dir=in action=allow protocol=TCP localport={}",
        list.join(",")
    )
}

fn barred(rule: &str) -> String {
    let command = match rule.is_empty() || rule.contains(['@', '"', '%']) {
        true => "wf.msc shows it".to_owned(),
        false => format!(
            "this command, given as Administrator, removes it: netsh advfirewall firewall delete rule name=\"{rule}\""
        ),
    };
    format!("note: the rule \"{rule}\" of Windows Firewall keeps other machines from Apache; {command}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_opens_the_ports() {
        for (ports, end) in [
            (
                &[443][..],
                r#"name="Apache HTTPS" dir=in action=allow protocol=TCP localport=443"#,
            ),
            (
                &[80, 443],
                r#"name="Apache" dir=in action=allow protocol=TCP localport=80,443"#,
            ),
        ] {
            let told = no_rule(ports);
            assert!(told.ends_with(end), "{told}");
        }
        assert!(barred("Apache HTTP Server").ends_with(r#"delete rule name="Apache HTTP Server""#));
        assert!(barred("@FirewallAPI.dll,-1").ends_with("wf.msc shows it"));
    }
}
