//! Arguments, one command, an exit status.

/// That of musl takes a lock for each piece.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    #[cfg(unix)]
    esync_ssl::inherited::mend();
    esync_ssl::cli::run().into()
}
