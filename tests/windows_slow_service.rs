//! Commands before a service of the real service manager that takes too long to start or to stop. This program is that
//! service as well: under the name httpd.exe it answers questions through the real one, and serves a page.

#[cfg(windows)]
mod support;

#[cfg(not(windows))]
fn main() {}

#[cfg(windows)]
fn main() {
    let name = std::env::current_exe().expect("this program");
    if name.file_name().is_some_and(|name| name == "httpd.exe") {
        stand_in::main();
    } else {
        tests::main();
    }
}

/// Lines of the main file that make the service slow when it does something: to start, to start once mod_ssl is loaded, to stop.
#[cfg(windows)]
const SLOW: [&str; 3] = ["# starts slowly", "# slow with TLS", "# stops slowly"];

#[cfg(windows)]
mod stand_in {
    use std::ffi::OsString;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::Duration;

    use windows_service::service::{
        ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
    };
    use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
    use windows_service::{define_windows_service, service_dispatcher};

    use super::support::process;

    define_windows_service!(entry, serve);

    /// As the service, with `-k runservice`; everything else is for the real httpd beside it.
    pub fn main() {
        let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
        if arguments.first().is_some_and(|first| first == "-k") {
            service_dispatcher::start("", entry).expect("a service manager");
            return;
        }
        let real = std::env::current_exe()
            .expect("this program")
            .with_file_name("real.exe");
        let status = process::status(Command::new(real).args(arguments)).expect("the real httpd");
        std::process::exit(status.code().unwrap_or(1));
    }

    fn serve(_arguments: Vec<OsString>) {
        let (sender, receiver) = mpsc::channel();
        let handle = service_control_handler::register("", move |control| match control {
            ServiceControl::Stop => {
                let _ = sender.send(());
                ServiceControlHandlerResult::NoError
            }
            ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
            _ => ServiceControlHandlerResult::NotImplemented,
        })
        .expect("a handle");
        let text = main_file();
        let is = |slow: &str| text.contains(slow);
        if is(super::SLOW[0]) || is(super::SLOW[1]) && !is("#LoadModule ssl_module") {
            // Longer than anybody waits for it, and never there.
            show(&handle, ServiceState::StartPending, Duration::from_secs(45));
            std::thread::sleep(Duration::from_secs(26));
            show(&handle, ServiceState::Stopped, Duration::ZERO);
            return;
        }
        let listen = text.lines().find_map(|line| line.strip_prefix("Listen "));
        let listener = TcpListener::bind(listen.expect("an address")).expect("the port");
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let _ = client.read(&mut [0; 4096]);
                    let _ = client.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello");
                });
            }
        });
        show(&handle, ServiceState::Running, Duration::ZERO);
        let _ = receiver.recv();
        if main_file().contains(super::SLOW[2]) {
            show(&handle, ServiceState::StopPending, Duration::from_secs(90));
            std::thread::sleep(Duration::from_secs(63));
        }
        show(&handle, ServiceState::Stopped, Duration::ZERO);
    }

    /// That of the server root in which this program is.
    fn main_file() -> String {
        let program = std::env::current_exe().expect("this program");
        let root = program.ancestors().nth(2).expect("a server root");
        std::fs::read_to_string(root.join("conf/httpd.conf")).unwrap_or_default()
    }

    fn show(handle: &ServiceStatusHandle, state: ServiceState, hint: Duration) {
        let accepted = if state == ServiceState::Running {
            ServiceControlAccept::STOP
        } else {
            ServiceControlAccept::empty()
        };
        let status = ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: accepted,
            exit_code: ServiceExitCode::Win32(0),
            checkpoint: 0,
            wait_hint: hint,
            process_id: None,
        };
        handle.set_service_status(status).expect("a state that is taken");
    }
}

#[cfg(windows)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::time::{Duration, Instant};

    use serde_json::Value;
    use windows_service::service::ServiceState;

    use super::SLOW;
    use super::support::apache::Httpd;
    use super::support::certificates::{Authority, pem};
    use super::support::client::http_get;
    use super::support::files::{self, forward};
    use super::support::network::Network;
    use super::support::plain::{self, Turns};
    use super::support::process::Outcome;
    use super::support::program::{Program, esync_ssl};
    use super::support::scripted_ca::ScriptedCa;
    use super::support::service::Service;

    const NAME: &str = "machines.example.com";

    pub fn main() {
        let all: [(&str, Test); 4] = [
            ("a_restart_that_takes_too_long", a_restart_that_takes_too_long),
            (
                "a_change_with_which_it_does_not_start_in_time",
                a_change_with_which_it_does_not_start_in_time,
            ),
            (
                "a_service_that_does_not_stop_in_time",
                a_service_that_does_not_stop_in_time,
            ),
            (
                "a_hand_over_of_a_service_that_does_not_stop_in_time",
                a_hand_over_of_a_service_that_does_not_stop_in_time,
            ),
        ];
        plain::run(&all, Turns::AtOnce, |test| {
            if let Some(site) = Site::new() {
                test(&site);
            }
        });
    }

    type Test = fn(&Site);

    /// The installed service, which runs; uninstalled when dropped.
    struct Site {
        service: Service,
        authority: Authority,
        folder: tempfile::TempDir,
        network: Network,
    }

    impl Site {
        fn new() -> Option<Site> {
            let built = Httpd::find()?;
            let folder = files::folder();
            let root = folder.path().join("Apache24");
            files::copy_tree(built.installation(), &root);
            let program = root.join(r"bin\httpd.exe");
            std::fs::rename(&program, program.with_file_name("real.exe")).expect("the real httpd");
            std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("the stand-in");
            std::fs::create_dir_all(root.join("logs")).expect("a folder");
            files::write(&root.join("htdocs/index.html"), "hello");
            let load: String = ["authz_core", "dir", "alias", "rewrite", "socache_shmcb"]
                .iter()
                .map(|module| format!("LoadModule {module}_module modules/mod_{module}.so\r\n"))
                .collect();
            let network = Network::enter();
            let text = format!(
                "ServerRoot \"{place}\"\r\n{load}#LoadModule ssl_module modules/mod_ssl.so\r\nServerName {NAME}\r\n\
                 Listen 127.0.0.1:{port}\r\nDocumentRoot \"{place}/htdocs\"\r\n",
                place = forward(&root),
                port = network.http,
            );
            files::write(&root.join("conf/httpd.conf"), text);
            let site = Site {
                service: Service::install(&program, &root),
                authority: Authority::new(&folder.path().join("certificates")),
                folder,
                network,
            };
            site.run("restart").run().expect_code(0);
            Some(site)
        }

        fn root(&self) -> PathBuf {
            self.folder.path().join("Apache24")
        }

        fn main_file(&self) -> PathBuf {
            self.root().join("conf/httpd.conf")
        }

        /// A command about it.
        fn run(&self, words: &str) -> Program {
            let program = esync_ssl().args(words.split(' ')).arg("--root").arg(self.root());
            let httpd = self.root().join(r"bin\httpd.exe");
            program.arg("--httpd").arg(httpd).limit(Duration::from_secs(300))
        }

        /// `enable` with a certificate of its own and `--restart`.
        fn enable(&self) -> Outcome {
            let leaf = self.authority.leaf_without_chain("site", &[NAME]);
            let port = self.network.https;
            let words = format!("enable --yes --restart --http keep --port {port} --no-rehearsal --json");
            let program = self.run(&words).args(["--domain", NAME]);
            program
                .arg("--cert")
                .arg(&leaf.certificate)
                .arg("--key")
                .arg(&leaf.key)
                .run()
        }

        /// Appends a line to the main file.
        fn append(&self, line: &str) {
            let text = std::fs::read_to_string(self.main_file()).expect("the main file");
            files::write(&self.main_file(), format!("{text}{line}\r\n"));
        }

        /// Takes it out again.
        fn remove(&self, line: &str) {
            let text = std::fs::read_to_string(self.main_file()).expect("the main file");
            files::write(&self.main_file(), text.replace(line, ""));
        }

        /// Everything of the configuration but backups.
        fn configuration(&self) -> BTreeMap<String, Vec<u8>> {
            let all = files::snapshot(&self.root().join("conf")).into_iter();
            all.filter(|(name, _)| !name.starts_with("esync-ssl-backup"))
                .collect()
        }

        /// What the server answers. A connection may still meet the socket of the process that just ended, and is reset.
        fn hello(&self) -> String {
            const PATIENCE: Duration = Duration::from_secs(10);
            let start = Instant::now();
            loop {
                match http_get(self.network.http, NAME, "/") {
                    Ok(answer) => return String::from_utf8_lossy(&answer.body).into_owned(),
                    Err(failure) if start.elapsed() > PATIENCE => return failure.to_string(),
                    Err(_) => std::thread::sleep(Duration::from_millis(200)),
                }
            }
        }
    }

    fn json(outcome: &Outcome) -> Value {
        outcome.data()
    }

    fn a_restart_that_takes_too_long(site: &Site) {
        site.append(SLOW[0]);
        let before = site.configuration();
        let failed = site.run("restart").run().expect_code(11);
        let said = failed.stderr_text();
        for words in [
            &*site.service.display_name,
            "Starting",
            " 5 s: it is not there yet",
            "The configuration was not changed",
        ] {
            assert!(said.contains(words), "{words}: {}", failed.report());
        }
        assert_eq!(site.configuration(), before);
        // Asked again at once, it waits until the service can hear it.
        assert_eq!(site.service.state(), Some(ServiceState::StartPending));
        site.remove(SLOW[0]);
        site.run("restart").run().expect_code(0);
        assert_eq!(site.hello(), "hello");
    }

    fn a_change_with_which_it_does_not_start_in_time(site: &Site) {
        site.append(SLOW[1]);
        let before = site.configuration();
        let failed = site.enable().expect_code(6);
        let told = json(&failed)["error"]["message"]
            .as_str()
            .expect("an error")
            .to_owned();
        for words in [
            &*site.service.display_name,
            "it is not there yet",
            "Every file is as it was, and Apache runs as it did before",
        ] {
            assert!(told.contains(words), "{words}: {}", failed.report());
        }
        assert_eq!(site.configuration(), before);
        assert_eq!(site.hello(), "hello");
    }

    fn a_service_that_does_not_stop_in_time(site: &Site) {
        site.append(SLOW[2]);
        let before = site.configuration();
        let failed = site.enable().expect_code(6);
        let told = json(&failed)["error"]["message"]
            .as_str()
            .expect("an error")
            .to_owned();
        for words in [
            "has not stopped after 60 seconds",
            "Every file is as it was, and Apache runs as it did before",
        ] {
            assert!(told.contains(words), "{words}: {}", failed.report());
        }
        assert!(failed.stderr_text().contains("… 30 s"), "{}", failed.report());
        assert_eq!(site.configuration(), before);
        assert_eq!(site.hello(), "hello");
        // It is not waited for once more at its end.
        site.remove(SLOW[2]);
    }

    /// The authority was not told to look, and the service is started as soon as it can hear it.
    fn a_hand_over_of_a_service_that_does_not_stop_in_time(site: &Site) {
        let leaf = site.authority.leaf_without_chain("site", &[NAME]);
        // The stand-in has the port of the first line.
        let text = std::fs::read_to_string(site.main_file()).expect("the main file");
        let text = text.replace(
            &format!("Listen 127.0.0.1:{}", site.network.http),
            "Listen 127.0.0.1:443",
        );
        let host = format!(
            "<VirtualHost 127.0.0.1:443>\r\nServerName {NAME}\r\nSSLEngine on\r\nSSLCertificateFile \"{}\"\r\n\
             SSLCertificateKeyFile \"{}\"\r\n</VirtualHost>",
            forward(&leaf.certificate),
            forward(&leaf.key)
        );
        files::write(
            &site.main_file(),
            text.replace("#LoadModule ssl", "LoadModule ssl"),
        );
        site.append(&host);
        site.service.stop();
        site.service.start();
        site.append(SLOW[2]);
        let before = site.configuration();
        let ca = ScriptedCa::start();
        ca.state().pending = true;
        let root = site.folder.path().join("ca.pem");
        files::write(&root, pem("CERTIFICATE", &ca.root));
        let words =
            "enable --acme --yes --restart --agree-terms --http keep --answer handover --no-rehearsal --json";
        let enable = site.run(words).args(["--domain", NAME, "--ca", &ca.directory]);
        let failed = enable.arg("--ca-root").arg(&root).run().expect_code(1);
        let told = json(&failed)["error"]["message"]
            .as_str()
            .expect("an error")
            .to_owned();
        assert!(
            told.contains("has not stopped after 60 seconds"),
            "{}",
            failed.report()
        );
        assert_eq!(
            site.service.state(),
            Some(ServiceState::Running),
            "{}",
            failed.report()
        );
        let note = site.root().join("conf/esync-ssl-backup/server-stopped");
        assert!(!note.exists() && ca.made() == 0, "{}", failed.report());
        let is_kept = |(name, _): &(String, Vec<u8>)| !name.starts_with("esync-ssl-acme");
        let after = site.configuration().into_iter().filter(is_kept);
        assert_eq!(after.collect::<BTreeMap<_, _>>(), before);
        site.remove(SLOW[2]);
    }
}
