//! `esync-ssl guide` at a terminal, before an Apache that Debian's `a2enmod` and `a2ensite` arranged.

use std::fs;
use std::os::unix::fs::symlink;

use crate::guide::{
    APPLY, CERTIFICATE, HTTP, KEY, NAME, PHRASE, RESTART, SAVE, SERVER, SOURCE, dropped, guide,
};
use crate::support::apache::{runtime, user};
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::containers::encrypted_key;
use crate::support::conversation::ENTER;
use crate::support::daemon::Daemon;
use crate::support::files;

const ALIASES: &str = "Which further names does the site have?";

/// The same server root as Debian arranges it: modules and sites are links to what is available.
fn debian(mut site: ApacheSite) -> ApacheSite {
    let root = site.root();
    let place = root.display();
    let modules = site.httpd.modules.display();
    fs::remove_dir_all(root.join("conf")).expect("another tree");
    let loaded = site
        .httpd
        .load(&["mpm_event", "authz_core", "unixd", "dir", "alias", "log_config"]);
    let main = format!(
        "ServerRoot \"{place}\"\n{loaded}{}{}ErrorLog logs/error_log\nInclude ports.conf\n\
         IncludeOptional mods-enabled/*.load\nIncludeOptional mods-enabled/*.conf\nIncludeOptional sites-enabled/*.conf\n",
        runtime(&root),
        user()
    );
    let ports = "Listen 80\n\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n";
    let of_site =
        format!("<VirtualHost *:80>\n\tServerName {DOMAIN}\n\tDocumentRoot {place}/htdocs\n</VirtualHost>\n");
    let load = |name: &str| format!("LoadModule {name}_module {modules}/mod_{name}.so\n");
    for (file, text) in [
        ("apache2.conf", main),
        ("ports.conf", ports.to_owned()),
        (
            "mods-available/ssl.load",
            format!("# Depends: setenvif mime socache_shmcb\n{}", load("ssl")),
        ),
        (
            "mods-available/ssl.conf",
            format!("SSLSessionCache shmcb:{place}/logs/ssl_scache(512000)\n"),
        ),
        ("mods-available/socache_shmcb.load", load("socache_shmcb")),
        ("mods-available/setenvif.load", load("setenvif")),
        ("mods-available/mime.load", load("mime")),
        ("mods-available/mime.conf", "TypesConfig /dev/null\n".to_owned()),
        ("sites-available/esync.conf", of_site),
    ] {
        files::write(&root.join(file), text);
    }
    for folder in ["mods-enabled", "sites-enabled"] {
        fs::create_dir(root.join(folder)).expect("a folder");
    }
    symlink(
        "../sites-available/esync.conf",
        root.join("sites-enabled/esync.conf"),
    )
    .expect("a link");
    site.daemon = Daemon::new(&site.httpd, &root).with_main("apache2.conf");
    site
}

/// Certificate and intermediate in one file, the key under a pass-phrase, and a name that no site has yet.
#[test]
fn on_debian_with_a_key_under_a_pass_phrase() {
    let Some(site) = ApacheSite::new("").map(debian) else {
        return;
    };
    site.daemon.start();
    let further = "data.example.com";
    let leaf = site.authority.leaf("debian", &[DOMAIN, further]);
    let chain = [&leaf.certificate, &site.authority.intermediate()]
        .map(|file| fs::read(file).expect("a certificate"));
    let folder = site.folder.path().join("certificates");
    files::write(&folder.join("fullchain.pem"), chain.concat());
    files::write(&folder.join("locked.pem"), encrypted_key(&leaf.key, "secret"));
    let before = site.files();
    let mut talk = guide(&site);
    talk.answer(SERVER, ENTER);
    talk.answer(SOURCE, ENTER);
    talk.answer(CERTIFICATE, &dropped(&site, "fullchain.pem"));
    talk.answer(KEY, &dropped(&site, "locked.pem"));
    talk.answer(PHRASE, "guess\n");
    talk.answer(PHRASE, "secret\n");
    // Only the root is not in the file, so nothing is asked for.
    talk.answer(NAME, ENTER);
    talk.answer(ALIASES, "2\r");
    talk.answer(HTTP, "2\r");
    talk.answer(RESTART, ENTER);
    talk.answer(APPLY, "1\r");
    talk.answer(SAVE, ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(0), "{said}");
    for words in [
        "apache2.conf",
        "--alias data.example.com --cert ",
        "--copy-certs --http keep --restart",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert!(!said.contains("intermediate certificates:"), "{said}");
    for name in [DOMAIN, further] {
        let answer = site
            .client()
            .get(site.network.https, name, "/")
            .expect("an answer");
        assert_eq!((answer.status, &answer.body[..]), (200, &b"hello"[..]), "{name}");
        assert_eq!(answer.tls.expect("TLS").leaf, leaf.der);
    }
    assert!(site.answers()[0].starts_with("200"), "{said}");
    // As a2enmod and a2ensite have it: what is enabled are links.
    for folder in ["mods-enabled", "sites-enabled"] {
        let entries = fs::read_dir(site.root().join(folder)).expect("the folder");
        let mut entries = entries.map(|entry| entry.expect("an entry"));
        assert!(
            entries.all(|entry| entry.file_type().expect("its type").is_symlink()),
            "{folder}"
        );
    }
    assert!(site.root().join("mods-enabled/ssl.load").exists(), "{said}");
    // What it says undoes it.
    site.command(&["restore", "--yes", "--restart"])
        .run()
        .expect_code(0);
    let after = site.files();
    for (name, bytes) in &before {
        assert_eq!(after.get(name), Some(bytes), "{name}");
    }
    assert_eq!(site.answers()[1], "refused");
}
