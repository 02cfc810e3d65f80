//! Arguments, one command, an exit status.

fn main() -> std::process::ExitCode {
    #[cfg(unix)]
    esync_ssl::inherited::mend();
    esync_ssl::cli::run().into()
}
