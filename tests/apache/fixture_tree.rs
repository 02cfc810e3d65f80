//! The eSync tree under `fixtures/` is a configuration that Apache itself accepts, with all that it offers in
//! comments as well. It does not start a server.

use std::fs;

use crate::support::apache::Httpd;
use crate::support::certificates::Authority;
use crate::support::files::{self, copy_tree, fixture};

/// The eSync tree with every commented line that begins with one of `names` uncommented, before Apache.
fn check(names: &[&str]) {
    let Some(httpd) = Httpd::find() else { return };
    let folder = files::folder();
    let root = folder.path().join("Apache24");
    copy_tree(&fixture("esync/Apache24"), &root);
    for missing in ["docs/first.example.com", "docs/second.example.com", "icons"] {
        fs::create_dir_all(root.join(missing)).expect("a folder the example files name");
    }
    Authority::write_server(&root.join("conf"), "www.example.com");
    let main_file = root.join("conf/httpd.conf");
    let mut text = fs::read_to_string(&main_file).expect("httpd.conf");
    assert!(text.lines().count() > 250 && text.matches('\n').count() == text.matches("\r\n").count());
    for name in names {
        assert!(text.contains(&format!("\n#{name} ")), "nothing to uncomment");
        text = text.replace(&format!("\n#{name} "), &format!("\n{name} "));
    }
    fs::write(&main_file, text).expect("httpd.conf written");

    httpd.bring_modules(&root);
    if let Err(said) = httpd.accepts(&root) {
        panic!("Apache refuses the fixture:\n{said}");
    }
}

#[test]
fn apache_accepts_the_tree_as_it_is() {
    check(&[]);
}

#[test]
fn apache_accepts_the_tree_with_every_module() {
    check(&["LoadModule"]);
}

#[test]
fn apache_accepts_the_tree_with_every_module_and_every_file() {
    check(&["LoadModule", "Include"]);
}
