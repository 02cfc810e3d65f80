//! An Apache for Windows as a service of the real service manager.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use windows_service::service::{
    Service as Handle, ServiceAccess, ServiceErrorControl, ServiceInfo, ServiceStartType, ServiceState,
    ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use winreg::RegKey;
use winreg::enums::HKEY_LOCAL_MACHINE;

/// Longer than the slowest takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What they are called.
const PREFIX: &str = "esync-ssl-test-";

/// An installed service; stopped and removed when dropped.
pub struct Service {
    name: String,
    /// How people know it.
    pub display_name: String,
}

impl Service {
    /// Of a program and a server root with `conf/httpd.conf`, under a name that no other test has. Starts nothing.
    pub fn install(program: &Path, root: &Path) -> Self {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let display_name = format!("Apache of the test {name}");
        let info = ServiceInfo {
            name: name.clone().into(),
            display_name: display_name.clone().into(),
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
        // As `httpd -k install -d ROOT -f conf\\httpd.conf` leaves it.
        let path = format!(r"SYSTEM\CurrentControlSet\Services\{name}\Parameters");
        let (key, _) = RegKey::predef(HKEY_LOCAL_MACHINE)
            .create_subkey(path)
            .expect("a key of the registry");
        let root = root.to_str().expect("a printable path");
        let arguments = ["-d", root, "-f", r"conf\httpd.conf"].map(String::from).to_vec();
        key.set_value("ConfigArgs", &arguments)
            .expect("a value of the registry");
        Service { name, display_name }
    }

    fn handle(&self) -> Option<Handle> {
        let all =
            ServiceAccess::QUERY_STATUS | ServiceAccess::START | ServiceAccess::STOP | ServiceAccess::DELETE;
        manager(ServiceManagerAccess::CONNECT)
            .open_service(&self.name, all)
            .ok()
    }

    /// What it does now.
    pub fn state(&self) -> Option<ServiceState> {
        Some(self.handle()?.query_status().ok()?.current_state)
    }

    /// Starts it; it says itself when it runs.
    #[track_caller]
    pub fn start(&self) {
        let handle = self.handle().expect("the service");
        handle.start::<&OsStr>(&[]).expect("a service that starts");
        let start = Instant::now();
        while self.state() != Some(ServiceState::Running) && self.runs() && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it and waits until it is stopped.
    pub fn stop(&self) {
        let start = Instant::now();
        // One that is starting does not hear it.
        while self.runs() && start.elapsed() < PATIENCE {
            if let Some(handle) = self.handle() {
                let _ = handle.stop();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether it runs, or is about to.
    pub fn runs(&self) -> bool {
        self.state().is_some_and(|state| state != ServiceState::Stopped)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
        if let Some(handle) = self.handle() {
            let _ = handle.delete();
        }
    }
}

/// Removes what a run that was ended left behind.
fn sweep() {
    let all = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(r"SYSTEM\CurrentControlSet\Services");
    let names: Vec<String> = all.map_or(Vec::new(), |key| key.enum_keys().flatten().collect());
    for name in names.iter().filter(|name| name.starts_with(PREFIX)) {
        let service = manager(ServiceManagerAccess::CONNECT).open_service(name, ServiceAccess::DELETE);
        let _ = service.map(|service| service.delete());
    }
}

fn manager(access: ServiceManagerAccess) -> ServiceManager {
    ServiceManager::local_computer(None::<&str>, access).expect("the service manager")
}
