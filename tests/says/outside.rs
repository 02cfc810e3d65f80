//! What stands outside of the virtual host and does something else over HTTPS: refused where clients would be sent on without
//! end, else named, by every run.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::files;
use crate::support::program::esync_ssl;
use crate::support::site::{DOMAIN, Site};

/// A site with a folder whose `.htaccess` Apache reads, and that file.
fn with_access_file(rules: &str) -> (Site, PathBuf) {
    let site = Site::new();
    let root = site.root().display().to_string().replace('\\', "/");
    let host = format!(
        "\nLoadModule rewrite_module modules/mod_rewrite.so\n<Directory \"{root}/htdocs/a\">\nAllowOverride \
         FileInfo\n</Directory>\n<VirtualHost *:80>\nServerName {DOMAIN}\nDocumentRoot \"{root}/htdocs/a\"\n</VirtualHost>\n"
    );
    files::write(&site.main(), site.text() + &host);
    for module in ["alias", "rewrite"] {
        files::write(&site.root().join(format!("modules/mod_{module}.so")), "");
    }
    let file = site.root().join("htdocs/a/.htaccess");
    files::write(&file, rules);
    (site, file)
}

const LOOP: &str = "RewriteEngine on\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R=301,L]\n";
const GUARDED: &str =
    "RewriteEngine on\nRewriteCond %{HTTPS} !=on\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R=301,L]\n";

#[test]
fn a_loop_is_refused_and_its_cure_helps() {
    let (site, file) = with_access_file(LOOP);
    for mode in ["keep", "redirect", "off"] {
        for said in ["--yes", "--dry-run"] {
            let before = files::snapshot(&site.root());
            let words = site.enable_arguments().into_iter();
            let words = words.map(|word| if word == "--yes" { said.to_owned() } else { word });
            let refused = esync_ssl().args(words).args(["--http", mode, "--json"]).run();
            let told: Value = serde_json::from_slice(&refused.stdout).expect("JSON");
            refused.expect_code(4);
            assert_eq!(told["error"]["code"], "REDIRECT-LOOP", "{told}");
            let text = told["error"].to_string();
            assert!(
                text.contains(".htaccess") && text.contains("RewriteCond %{HTTPS} !=on"),
                "{text}"
            );
            assert_eq!(before, files::snapshot(&site.root()));
        }
    }
    files::write(&file, GUARDED);
    let enabled = site.enable().args(["--http", "keep"]).run().expect_code(0);
    assert!(
        !enabled.stderr_text().contains(".htaccess"),
        "{}",
        enabled.report()
    );
}

#[test]
fn a_loop_that_came_later_is_told_where_nothing_is_to_change() {
    let (site, file) = with_access_file(GUARDED);
    let run = || site.enable().args(["--http", "keep"]).run().expect_code(0);
    run();
    files::write(&file, LOOP);
    let again = run();
    assert!(
        again.stdout_text().contains("Nothing needs to change"),
        "{}",
        again.report()
    );
    let said = again.stderr_text();
    assert!(
        said.contains(".htaccess:2: `RewriteRule") && said.contains("without end"),
        "{said}"
    );
}

#[test]
fn a_file_that_is_not_looked_at_is_named() {
    let (site, file) = with_access_file("");
    fs::File::create(&file)
        .and_then(|file| file.set_len(2 << 20))
        .expect("a long file");
    let enabled = site.enable().args(["--http", "keep"]).run().expect_code(0);
    let said = enabled.stderr_text();
    assert!(
        said.contains(".htaccess is not looked at") && said.contains("too large"),
        "{said}"
    );
}
