//! Running programs of Windows that are an Apache, whether a service started them or somebody in a console.

use std::path::PathBuf;

use winsafe::{HPROCESS, HPROCESSLIST, co};

use crate::acl;

/// A running httpd, the parent of its like.
pub struct Running {
    /// Its number.
    pub pid: u32,
    /// Its program.
    pub binary: PathBuf,
}

/// The program that started this one, by its name, if it still runs.
pub fn started_by() -> Option<String> {
    let mut list = HPROCESSLIST::CreateToolhelp32Snapshot(co::TH32CS::SNAPPROCESS, None).ok()?;
    let all: Vec<(u32, u32, String)> = list
        .iter_processes()
        .map_while(Result::ok)
        .map(|process| {
            let name = process.szExeFile();
            (process.th32ProcessID, process.th32ParentProcessID, name)
        })
        .collect();
    let own = all.iter().find(|(pid, ..)| *pid == std::process::id())?;
    let parent = all.iter().find(|(pid, ..)| *pid == own.1)?;
    Some(parent.2.clone())
}

/// Those that the system, a service or we run; of others nothing is taken. What they were started with Windows shows to
/// nobody without a debugger's rights.
pub fn apaches() -> Vec<Running> {
    let Ok(mut list) = HPROCESSLIST::CreateToolhelp32Snapshot(co::TH32CS::SNAPPROCESS, None) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, u32)> = Vec::new();
    for process in list.iter_processes() {
        let Ok(process) = process else { break };
        if process.szExeFile().eq_ignore_ascii_case("httpd.exe") {
            found.push((process.th32ProcessID, process.th32ParentProcessID));
        }
    }
    let is_httpd = |pid: u32| found.iter().any(|(other, _)| *other == pid);
    let parents = found
        .iter()
        .filter(|(pid, parent)| pid == parent || !is_httpd(*parent));
    parents
        .filter(|(pid, _)| acl::is_run_by_system_or_us(*pid))
        .filter_map(|(pid, _)| {
            let process = HPROCESS::OpenProcess(co::PROCESS::QUERY_LIMITED_INFORMATION, false, *pid).ok()?;
            let binary = process
                .QueryFullProcessImageName(co::PROCESS_NAME::default())
                .ok()?;
            Some(Running {
                pid: *pid,
                binary: binary.into(),
            })
        })
        .collect()
}
