//! Arguments, one command, an exit status.

fn main() -> std::process::ExitCode {
    esync_ssl::interrupt::listen();
    esync_ssl::cli::run().into()
}
