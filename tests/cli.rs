//! The command line as scripts see it.

mod support;

use support::program::esync_ssl;

#[test]
fn version_is_printed() {
    let outcome = esync_ssl().arg("--version").run().expect_code(0);
    assert_eq!(
        outcome.stdout_text().trim_end(),
        concat!("esync-ssl ", env!("CARGO_PKG_VERSION"))
    );
    assert!(outcome.stderr.is_empty(), "{}", outcome.report());
}
