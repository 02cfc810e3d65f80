//! What the program knows of its own making, and what Windows knows of it: version resource, icon, manifest.
//!
//! Nothing here is needed to build: without a commit the program says none, without windres it has no resource.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What Windows is to know of the program, beside its version.
const MANIFEST: &str = "packaging/windows/esync-ssl.manifest";
const ICON: &str = "packaging/windows/esync-ssl.ico";

fn main() {
    for file in ["build.rs", MANIFEST, ICON] {
        println!("cargo:rerun-if-changed={file}");
    }
    told_of_its_making();
    if variable("CARGO_CFG_TARGET_OS") == "windows" {
        match resource() {
            Ok(object) => println!("cargo:rustc-link-arg-bins={}", object.display()),
            Err(reason) => println!(
                "cargo:warning=esync-ssl.exe gets no version, icon and manifest: {reason}; \
                 install binutils-mingw-w64-x86-64, or name windres in WINDRES"
            ),
        }
    }
}

fn variable(name: &str) -> String {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name).unwrap_or_default()
}

/// The commit and its date are those of `packaging/build`: to look for them in `.git` would compile everything again after
/// each commit. The crate on a registry has its commit in a file.
fn told_of_its_making() {
    println!("cargo:rustc-env=ESYNC_BUILD_TARGET={}", variable("TARGET"));
    let packed = fs::read_to_string(".cargo_vcs_info.json").unwrap_or_default();
    let packed = packed
        .split_once("\"sha1\":")
        .and_then(|(_, rest)| rest.split('"').nth(1));
    let commit = match variable("ESYNC_BUILD_COMMIT") {
        given if given.is_empty() => packed.unwrap_or_default().to_owned(),
        given => given,
    };
    println!("cargo:rustc-env=ESYNC_BUILD_COMMIT={commit}");
    println!(
        "cargo:rustc-env=ESYNC_BUILD_EPOCH={}",
        variable("SOURCE_DATE_EPOCH")
    );
}

/// The object file with the resource, or why there is none.
fn resource() -> Result<PathBuf, String> {
    let cpu = variable("CARGO_CFG_TARGET_ARCH");
    if variable("CARGO_CFG_TARGET_ENV") != "gnu" {
        return Err("it is made by windres, for the targets *-windows-gnu only".into());
    }
    let folder = PathBuf::from(variable("OUT_DIR"));
    // windres finds what is in its own folder, whatever blanks the path has.
    let of = |error: std::io::Error| error.to_string();
    fs::write(folder.join("resource.rc"), script()).map_err(of)?;
    let manifest = fs::read_to_string(MANIFEST).map_err(of)?;
    let manifest = manifest.replace("@VERSION@", &four_numbers("."));
    fs::write(folder.join("esync-ssl.manifest"), manifest).map_err(of)?;
    fs::copy(ICON, folder.join("esync-ssl.ico")).map_err(of)?;
    let prefixed = format!("{cpu}-w64-mingw32-windres");
    let given = variable("WINDRES");
    let names = [given.as_str(), prefixed.as_str(), "windres"];
    let mut reason = "there is no windres".to_owned();
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        match run(name, &folder) {
            Ok(()) => return Ok(folder.join("resource.o")),
            Err(Some(said)) => reason = format!("{name} failed: {said}"),
            Err(None) => {}
        }
    }
    Err(reason)
}

/// Nothing where there is no such program, else what it said.
fn run(windres: &str, folder: &Path) -> Result<(), Option<String>> {
    let ran = Command::new(windres)
        .current_dir(folder)
        .args([
            "--input=resource.rc",
            "--output=resource.o",
            "--output-format=coff",
        ])
        .output()
        .map_err(|_| None)?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(Some(said.lines().next().unwrap_or_default().to_owned()))
}

/// The version as Windows wants it.
fn four_numbers(between: &str) -> String {
    let parts = ["MAJOR", "MINOR", "PATCH"].map(|part| variable(&format!("CARGO_PKG_VERSION_{part}")));
    format!("{}{between}0", parts.join(between))
}

fn script() -> String {
    let (numbers, version) = (four_numbers(","), variable("CARGO_PKG_VERSION"));
    // A neutral language, in UTF-16.
    format!(
        r#"1 ICON "esync-ssl.ico"
1 24 "esync-ssl.manifest"
1 VERSIONINFO
FILEVERSION {numbers}
PRODUCTVERSION {numbers}
FILEFLAGSMASK 0x3f
FILEOS 0x40004
FILETYPE 1
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "000004b0"
    BEGIN
      VALUE "CompanyName", "The esync-ssl authors"
      VALUE "FileDescription", "esync-ssl: HTTPS for Apache httpd"
      VALUE "FileVersion", "{version}"
      VALUE "InternalName", "esync-ssl"
      VALUE "LegalCopyright", "Copyright (c) 2026 The esync-ssl authors. MIT License."
      VALUE "OriginalFilename", "esync-ssl.exe"
      VALUE "ProductName", "esync-ssl"
      VALUE "ProductVersion", "{version}"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x0, 1200
  END
END
"#
    )
}
