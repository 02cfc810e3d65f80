//! systemd, as far as a test needs it: a `systemctl` that controls the server of the test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::process::Outcome;
use super::program::esync_ssl;
use super::running::Site;
use super::{files, mounts};

/// A mount namespace of its own, where there is a `systemctl` in whose place another can be put.
pub fn isolate() -> bool {
    if !Path::new("/usr/bin/systemctl").exists() {
        super::skip("no systemctl in whose place another could be put; tests/run installs it");
        return false;
    }
    mounts::isolate()
}

/// A `systemctl` that controls the server of a test, in the place of this machine's.
pub fn stand_in(site: &Site, refuses: bool) {
    let script = format!(
        "#!/bin/sh\nroot='{root}'\nword=$1\neval unit=\\${{$#}}\n[ \"$unit\" = apache2.service ] || [ \"$unit\" = httpd.service ] || exit 5\n\
         httpd() {{ '{binary}' -d \"$root\" -f \"$root/conf/httpd.conf\" -k $1; }}\n\
         case $word in\n\
         show) pid=$(cat \"$root/logs/httpd.pid\" 2>/dev/null)\n\
         if [ \"$unit\" = httpd.service ]; then echo LoadState=not-found; echo ActiveState=inactive; exit 0; fi\n\
         echo LoadState=loaded; if [ -n \"$pid\" ]; then echo ActiveState=active; else echo ActiveState=inactive; fi\n\
         echo MainPID=${{pid:-0}}; echo \"ExecStart={{ argv[]=httpd -f $root/conf/httpd.conf }}\";;\n\
         start|stop) {refusal} echo $word >> \"$root/told\"; httpd $word;;\n\
         reload) {refusal} echo $word >> \"$root/told\"; httpd graceful;;\n\
         *) exit 1;;\nesac\n",
        root = site.root().display(),
        binary = site.httpd.binary.display(),
        refusal = if refuses {
            "echo 'Interaktive Anmeldung erforderlich' >&2; exit 4;"
        } else {
            ""
        },
    );
    let path = site.folder.path().join("bin/systemctl");
    files::write(&path, script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    mounts::lay(&path, Path::new("/usr/bin/systemctl"));
}

/// A command about a site with the program of that.
pub fn with_systemd(site: &Site, words: &[&str]) -> Outcome {
    esync_ssl()
        .args(words)
        .args([
            "--root",
            site.root().to_str().unwrap(),
            "--httpd",
            site.httpd.binary.to_str().unwrap(),
        ])
        // What lies about there is nobody's business.
        .env("PATH", site.folder.path())
        .run()
}
