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

/// Lines of the main file that make the service slow: to start, to start once mod_ssl is loaded, to stop.
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
        let text =
            std::fs::read_to_string(super::tests::root().join("conf/httpd.conf")).expect("the main file");
        let is = |slow: &str| text.contains(slow);
        if is(super::SLOW[0]) || is(super::SLOW[1]) && !is("#LoadModule ssl_module") {
            // Longer than anybody waits for it, and never there.
            show(&handle, ServiceState::StartPending, Duration::from_secs(45));
            std::thread::sleep(Duration::from_secs(26));
            show(&handle, ServiceState::Stopped, Duration::ZERO);
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:8080").expect("the port");
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
        if is(super::SLOW[2]) {
            show(&handle, ServiceState::StopPending, Duration::from_secs(90));
            std::thread::sleep(Duration::from_secs(63));
        }
        show(&handle, ServiceState::Stopped, Duration::ZERO);
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
    use std::ffi::{OsStr, OsString};
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use serde_json::Value;
    use windows_service::service::{
        ServiceAccess, ServiceErrorControl, ServiceInfo, ServiceStartType, ServiceState, ServiceType,
    };
    use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
    use winreg::RegKey;
    use winreg::enums::HKEY_LOCAL_MACHINE;

    use super::SLOW;
    use super::support::certificates::Authority;
    use super::support::client::http_get;
    use super::support::files;
    use super::support::plain;
    use super::support::process::Outcome;
    use super::support::program::esync_ssl;
    use super::support::windows_httpd::{WindowsHttpd, forward};

    const NAME: &str = "machines.example.com";
    const SERVICE: &str = "eSync slow Apache Web Server";

    /// Where eSync has its tree.
    pub fn root() -> PathBuf {
        PathBuf::from(r"C:\eSync\Apache24")
    }

    pub fn main() {
        let all: [(&str, Test); 3] = [
            ("a_restart_that_takes_too_long", a_restart_that_takes_too_long),
            (
                "a_change_with_which_it_does_not_start_in_time",
                a_change_with_which_it_does_not_start_in_time,
            ),
            (
                "a_service_that_does_not_stop_in_time",
                a_service_that_does_not_stop_in_time,
            ),
        ];
        plain::run(&all, |test| {
            if let Some(site) = Site::new() {
                test(&site);
            }
        });
    }

    type Test = fn(&Site);

    /// The installed service, which runs; uninstalled when dropped.
    struct Site {
        authority: Authority,
        _folder: tempfile::TempDir,
    }

    impl Site {
        fn new() -> Option<Site> {
            let built = WindowsHttpd::find()?;
            clear();
            files::copy_tree(&built.folder, &root());
            let program = root().join(r"bin\httpd.exe");
            std::fs::rename(&program, program.with_file_name("real.exe")).expect("the real httpd");
            std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("the stand-in");
            std::fs::create_dir_all(root().join("logs")).expect("a folder");
            files::write(&root().join("htdocs/index.html"), "hello");
            let load: String = ["authz_core", "dir", "alias", "rewrite", "socache_shmcb"]
                .iter()
                .map(|module| format!("LoadModule {module}_module modules/mod_{module}.so\r\n"))
                .collect();
            let text = format!(
                "ServerRoot \"{root}\"\r\n{load}#LoadModule ssl_module modules/mod_ssl.so\r\nServerName {NAME}\r\n\
                 Listen 127.0.0.1:8080\r\nDocumentRoot \"{root}/htdocs\"\r\n",
                root = forward(&root())
            );
            files::write(&root().join("conf/httpd.conf"), text);
            install(&program);
            let folder = files::folder();
            let site = Site {
                authority: Authority::new(folder.path()),
                _folder: folder,
            };
            esync_ssl()
                .args(["restart"])
                .limit(Duration::from_secs(100))
                .run()
                .expect_code(0);
            Some(site)
        }

        /// `enable` with a certificate of its own and `--restart`.
        fn enable(&self) -> Outcome {
            let leaf = self.authority.leaf_without_chain("site", &[NAME]);
            let words = "enable --yes --restart --http keep --port 8443 --no-rehearsal --json --domain";
            let program = esync_ssl().args(words.split(' ')).args([NAME, "--cert"]);
            let program = program.arg(&leaf.certificate).arg("--key").arg(&leaf.key);
            program.limit(Duration::from_secs(300)).run()
        }
    }

    impl Drop for Site {
        fn drop(&mut self) {
            clear();
        }
    }

    fn manager(access: ServiceManagerAccess) -> ServiceManager {
        ServiceManager::local_computer(None::<&str>, access).expect("the service manager")
    }

    fn install(program: &Path) {
        let info = ServiceInfo {
            name: "eSyncSlow".into(),
            display_name: SERVICE.into(),
            service_type: ServiceType::OWN_PROCESS,
            start_type: ServiceStartType::OnDemand,
            error_control: ServiceErrorControl::Normal,
            executable_path: program.to_owned(),
            launch_arguments: ["-k", "runservice"].map(OsString::from).to_vec(),
            dependencies: Vec::new(),
            account_name: None,
            account_password: None,
        };
        manager(ServiceManagerAccess::CREATE_SERVICE)
            .create_service(&info, ServiceAccess::QUERY_STATUS)
            .expect("a service");
        let path = r"SYSTEM\CurrentControlSet\Services\eSyncSlow\Parameters";
        let (key, _) = RegKey::predef(HKEY_LOCAL_MACHINE)
            .create_subkey(path)
            .expect("a key");
        let arguments = ["-d", r"C:\eSync\Apache24", "-f", r"conf\httpd.conf"]
            .map(String::from)
            .to_vec();
        key.set_value("ConfigArgs", &arguments).expect("a value");
    }

    /// Removes the service and its files, also those that a run that was ended left behind.
    fn clear() {
        let start = Instant::now();
        let patient = |start: Instant| start.elapsed() < Duration::from_secs(120);
        let all = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
        if let Ok(service) = manager(ServiceManagerAccess::CONNECT).open_service("eSyncSlow", all) {
            let state = || service.query_status().map(|status| status.current_state);
            while state().is_ok_and(|state| state != ServiceState::Stopped) && patient(start) {
                let _ = service.stop();
                std::thread::sleep(Duration::from_millis(200));
            }
            service.delete().expect("its end");
        }
        while root().exists() && patient(start) {
            let _ = std::fs::remove_dir_all(root().parent().expect("a folder"));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Appends a line to the main file.
    fn append(line: &str) {
        let main = root().join("conf/httpd.conf");
        let text = std::fs::read_to_string(&main).expect("the main file");
        files::write(&main, format!("{text}{line}\r\n"));
    }

    fn json(outcome: &Outcome) -> Value {
        outcome.data()
    }

    fn state() -> ServiceState {
        let manager = manager(ServiceManagerAccess::CONNECT);
        let service = manager.open_service(OsStr::new("eSyncSlow"), ServiceAccess::QUERY_STATUS);
        service
            .expect("the service")
            .query_status()
            .expect("its state")
            .current_state
    }

    /// Everything of the configuration but backups.
    fn configuration() -> std::collections::BTreeMap<String, Vec<u8>> {
        let all = files::snapshot(&root().join("conf")).into_iter();
        all.filter(|(name, _)| !name.starts_with("esync-ssl-backup"))
            .collect()
    }

    /// What the server answers. A connection may still meet the socket of the process that just ended, and is reset.
    fn hello() -> String {
        const PATIENCE: Duration = Duration::from_secs(10);
        let start = Instant::now();
        loop {
            match http_get(8080, NAME, "/") {
                Ok(answer) => return String::from_utf8_lossy(&answer.body).into_owned(),
                Err(failure) if start.elapsed() > PATIENCE => return failure.to_string(),
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }

    fn a_restart_that_takes_too_long(_: &Site) {
        append(SLOW[0]);
        let before = configuration();
        let failed = esync_ssl()
            .args(["restart"])
            .limit(Duration::from_secs(100))
            .run()
            .expect_code(11);
        let said = failed.stderr_text();
        for words in [
            SERVICE,
            "Starting",
            " 5 s: it is not there yet",
            "The configuration was not changed",
        ] {
            assert!(said.contains(words), "{words}: {}", failed.report());
        }
        assert_eq!(configuration(), before);
        // Asked again at once, it waits until the service can hear it.
        assert_eq!(state(), ServiceState::StartPending);
        std::fs::write(
            root().join("conf/httpd.conf"),
            String::from_utf8_lossy(&before["httpd.conf"]).replace(SLOW[0], ""),
        )
        .expect("the main file");
        esync_ssl()
            .args(["restart"])
            .limit(Duration::from_secs(100))
            .run()
            .expect_code(0);
        assert_eq!(hello(), "hello");
    }

    fn a_change_with_which_it_does_not_start_in_time(site: &Site) {
        append(SLOW[1]);
        let before = configuration();
        let failed = site.enable().expect_code(6);
        let told = json(&failed)["error"]["message"]
            .as_str()
            .expect("an error")
            .to_owned();
        for words in [
            SERVICE,
            "it is not there yet",
            "Every file is as it was, and Apache runs as it did before",
        ] {
            assert!(told.contains(words), "{words}: {}", failed.report());
        }
        assert_eq!(configuration(), before);
        assert_eq!(hello(), "hello");
    }

    fn a_service_that_does_not_stop_in_time(site: &Site) {
        append(SLOW[2]);
        esync_ssl()
            .args(["restart"])
            .limit(Duration::from_secs(100))
            .run()
            .expect_code(0);
        let before = configuration();
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
        assert_eq!(configuration(), before);
        assert_eq!(hello(), "hello");
    }
}
