//! Arguments, one command, an exit status; the only place that exits.

fn main() -> std::process::ExitCode {
    esync_ssl::cli::run().into()
}
