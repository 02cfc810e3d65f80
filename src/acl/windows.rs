//! What Windows knows of access lists, asked and told through its own functions.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use windows_permissions::constants::{SeObjectType, SecurityInformation};
use windows_permissions::wrappers::{ConvertSecurityDescriptorToStringSecurityDescriptor, GetSecurityInfo};
use windows_permissions::{LocalBox, SecurityDescriptor};
use winsafe::{
    ConvertSidToStringSid, CreateDirectory, HFILE, HPROCESS, InitializeSecurityDescriptor,
    SECURITY_ATTRIBUTES, SysResult, TokenInfo, co,
};

use super::account::Sid;
use super::descriptor::{Descriptor, Scope};

/// READ_CONTROL: to look at owner and access list and at nothing else.
const READ_CONTROL: u32 = 0x2_0000;
/// FILE_FLAG_BACKUP_SEMANTICS: folders can be opened as well.
const FOLDERS_TOO: u32 = 0x0200_0000;
/// FILE_FLAG_OPEN_REPARSE_POINT: a symbolic link or a junction itself, and not what it leads to.
const LINKS_THEMSELVES: u32 = 0x0020_0000;

/// Owner and access list of a file or folder, links followed.
///
/// # Errors
/// What the system says; `InvalidData` when its words are not understood.
pub fn descriptor(path: &Path) -> io::Result<Descriptor> {
    read(path, FOLDERS_TOO)
}

/// Owner and access list of a file, a folder or a link itself: who may write a link leads elsewhere.
///
/// # Errors
/// As [`descriptor`].
pub fn own_descriptor(path: &Path) -> io::Result<Descriptor> {
    read(path, FOLDERS_TOO | LINKS_THEMSELVES)
}

fn read(path: &Path, flags: u32) -> io::Result<Descriptor> {
    let mut options = OpenOptions::new();
    let file = options.access_mode(READ_CONTROL).custom_flags(flags).open(path)?;
    let what = SecurityInformation::Owner | SecurityInformation::Dacl;
    let found = GetSecurityInfo(&file, SeObjectType::SE_FILE_OBJECT, what)?;
    let text = ConvertSecurityDescriptorToStringSecurityDescriptor(&found, what)?;
    let text = text.to_string_lossy();
    Descriptor::parse(&text).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("its access list cannot be understood: {text}"),
        )
    })
}

/// Who, other than the system, its administrators, what installs Windows, and we, owns an existing file or folder or may
/// write it, links followed: the end of a sentence.
///
/// # Errors
/// As [`descriptor`].
pub fn objection(path: &Path) -> io::Result<Option<String>> {
    let scope = scope(path, &std::fs::metadata(path)?);
    Ok(descriptor(path)?.objection(scope, us().as_ref()))
}

/// The same of a file, a folder or a link itself, of which the metadata are known.
///
/// # Errors
/// As [`descriptor`].
pub fn own_objection(path: &Path, metadata: &Metadata) -> io::Result<Option<String>> {
    Ok(own_descriptor(path)?.objection(scope(path, metadata), us().as_ref()))
}

/// The commands after which [`own_objection`] has none, as far as they are known.
pub fn remedy_at(path: &Path) -> Option<String> {
    let scope = scope(path, &std::fs::symlink_metadata(path).ok()?);
    let descriptor = own_descriptor(path).ok()?;
    let commands = super::remedy(&path.display().to_string(), &descriptor, scope, us().as_ref());
    (!commands.is_empty()).then_some(commands)
}

fn scope(path: &Path, metadata: &Metadata) -> Scope {
    match path.parent() {
        _ if metadata.is_symlink() => Scope::Link,
        _ if !metadata.is_dir() => Scope::File,
        None => Scope::Drive,
        Some(_) => Scope::Folder,
    }
}

/// The account that we run as.
pub fn us() -> Option<Sid> {
    user_of(&HPROCESS::GetCurrentProcess())
}

/// Whether a process is the system's, a service's or ours. Those of others we may not even ask, as a rule.
pub fn is_run_by_system_or_us(pid: u32) -> bool {
    let process = HPROCESS::OpenProcess(co::PROCESS::QUERY_LIMITED_INFORMATION, false, pid);
    let user = process.ok().and_then(|process| user_of(&process));
    user.is_some_and(|user| {
        user.is_administrative() || user.groups_of_service().is_some() || Some(user) == us()
    })
}

fn user_of(process: &HPROCESS) -> Option<Sid> {
    let token = process.OpenProcessToken(co::TOKEN::QUERY).ok()?;
    match token
        .GetTokenInformation(co::TOKEN_INFORMATION_CLASS::User)
        .ok()?
    {
        TokenInfo::User(user) => Sid::parse(&ConvertSidToStringSid(user.User.Sid()?).ok()?),
        _ => None,
    }
}

/// Makes a file that is closed to all but its owner, the system, the administrators and `readers` from its first instant,
/// and opens it for writing.
///
/// # Errors
/// `AlreadyExists`, or what the system says.
pub fn create_file(path: &Path, readers: &[Sid]) -> io::Result<File> {
    let name = for_system(path)?;
    // Until it is open once more nobody may delete or rename it, so that the name means this very file.
    let share = co::FILE_SHARE::READ | co::FILE_SHARE::WRITE;
    let (held, _) = closed(readers, false, |security| {
        HFILE::CreateFile(
            &name,
            co::GENERIC::READ | co::GENERIC::WRITE,
            Some(share),
            Some(security),
            co::DISPOSITION::CREATE_NEW,
            co::FILE_ATTRIBUTE::NORMAL,
            None,
            None,
            None,
        )
    })?;
    let file = OpenOptions::new().read(true).write(true).open(path);
    drop(held);
    file.inspect_err(|_| {
        let _ = std::fs::remove_file(path);
    })
}

/// Makes a folder that is closed in the same way, with everything in it.
///
/// # Errors
/// `AlreadyExists`, or what the system says.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let name = for_system(path)?;
    closed(&[], true, |security| CreateDirectory(&name, Some(security)))
}

/// Makes something with the descriptor of what is private.
fn closed<T>(
    readers: &[Sid],
    is_folder: bool,
    make: impl FnOnce(&SECURITY_ATTRIBUTES<'_>) -> SysResult<T>,
) -> io::Result<T> {
    let wanted: LocalBox<SecurityDescriptor> = super::private(readers, is_folder).parse()?;
    let list = wanted.dacl().ok_or(io::ErrorKind::InvalidData)?;
    let mut descriptor = InitializeSecurityDescriptor().map_err(error)?;
    descriptor.Control |= co::SE::DACL_PRESENT | co::SE::DACL_PROTECTED;
    // `wanted` holds the list until the end of this function.
    descriptor.Dacl = std::ptr::from_ref(list).cast_mut().cast();
    let mut security = SECURITY_ATTRIBUTES::default();
    security.set_lpSecurityDescriptor(Some(&mut descriptor));
    make(&security).map_err(error)
}

fn error(error: co::ERROR) -> io::Error {
    io::Error::from_raw_os_error(error.raw() as i32)
}

/// A path as functions of Windows take it: without this one of more than 260 characters is too long for those that make
/// folders and replace files. The standard library does the same with those that it calls.
///
/// # Errors
/// When it is not text, or the current folder is not known.
pub fn for_system(path: &Path) -> io::Result<String> {
    let text = path.to_str().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "its path is not valid text; choose a folder with an ordinary name",
        )
    })?;
    // Folders have to leave room for a short name.
    if text.encode_utf16().count() < 248 || text.starts_with(r"\\?\") {
        return Ok(text.to_owned());
    }
    let absolute = std::path::absolute(path)?.display().to_string();
    Ok(match absolute.strip_prefix(r"\\") {
        Some(share) => format!(r"\\?\UNC\{share}"),
        None => format!(r"\\?\{absolute}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_marked_as_such() {
        let long = "a".repeat(250);
        let folder = std::env::current_dir().unwrap().display().to_string();
        for (path, expected) in [
            (r"C:\eSync\a".to_owned(), r"C:\eSync\a".to_owned()),
            (format!("C:/eSync/{long}"), format!(r"\\?\C:\eSync\{long}")),
            (
                format!(r"\\server\share\{long}"),
                format!(r"\\?\UNC\server\share\{long}"),
            ),
            (format!(r"\\?\C:\{long}"), format!(r"\\?\C:\{long}")),
            (long.clone(), format!(r"\\?\{folder}\{long}")),
        ] {
            assert_eq!(for_system(Path::new(&path)).unwrap(), expected);
        }
    }
}
