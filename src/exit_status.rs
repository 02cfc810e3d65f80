//! Every number that the program exits with.

/// How a run ended, as scripts see it. The numbers are part of the interface and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// Done, or nothing had to be done.
    Done = 0,
    /// Something failed; nothing was changed.
    Error = 1,
    /// The command line was not understood.
    Usage = 2,
    /// `--exit-code` was given and there would be changes.
    WouldChange = 3,
    /// Refused before anything was written: the request cannot be carried out safely as it is.
    Refused = 4,
    /// Apache rejected what was written; every byte is back.
    TestFailed = 5,
    /// The restarted server did not do what was asked; every byte and the server's state are back.
    ProofFailed = 6,
    /// What was written could not be put back, or not all of it; the message says what to do.
    NotRestored = 7,
    /// The system does not permit it; nothing was changed.
    NotPermitted = 8,
    /// Another run holds the lock; nothing was changed, and trying again later helps.
    Locked = 9,
    /// Ctrl-C, a closed console or a signal came; what had been begun was undone.
    Interrupted = 10,
    /// A server that was told to start or restart does not serve what is configured, and there was nothing to put back.
    NotServing = 11,
    /// A look found errors.
    ErrorsFound = 12,
    /// Whoever was asked did not agree; nothing was changed.
    Declined = 13,
    /// There is no terminal to ask at, and `--yes` was not given; nothing was changed.
    NobodyToAsk = 14,
    /// What had been read was changed meanwhile by others; nothing was changed, and trying again helps.
    ChangedMeanwhile = 15,
    /// Another program has a file open that had to be read or replaced, on Windows; nothing was changed, and trying again
    /// later helps.
    InUse = 16,
    /// A certificate authority refused, or found that a name is not ours; the server was not changed.
    AuthorityRefused = 17,
    /// A certificate authority cannot be reached; the server was not changed, and trying again later helps.
    AuthorityUnreachable = 18,
}

impl ExitStatus {
    /// Every status with the sentence that `--help` and docs/programs.md show for it.
    pub const ALL: [(ExitStatus, &'static str); 19] = [
        (ExitStatus::Done, "done, or nothing to do"),
        (
            ExitStatus::Error,
            "error; nothing was changed, or only the answer could not be written",
        ),
        (ExitStatus::Usage, "the command line was not understood"),
        (
            ExitStatus::WouldChange,
            "there would be changes (with --exit-code)",
        ),
        (ExitStatus::Refused, "refused before anything was written"),
        (
            ExitStatus::TestFailed,
            "Apache rejected the result; everything is as it was",
        ),
        (
            ExitStatus::ProofFailed,
            "the restarted server failed its proof; everything is as it was",
        ),
        (ExitStatus::NotRestored, "not everything could be put back"),
        (
            ExitStatus::NotPermitted,
            "the system does not permit it; nothing was changed",
        ),
        (
            ExitStatus::Locked,
            "another run is active; nothing was changed: try again, or give --lock-timeout",
        ),
        (
            ExitStatus::Interrupted,
            "interrupted by Ctrl-C or a signal; everything is as it was",
        ),
        (
            ExitStatus::NotServing,
            "the server does not serve what is configured, and there was nothing to put back",
        ),
        (ExitStatus::ErrorsFound, "errors were found"),
        (ExitStatus::Declined, "you said no; nothing was changed"),
        (
            ExitStatus::NobodyToAsk,
            "no terminal to ask at, and no --yes; nothing was changed",
        ),
        (
            ExitStatus::ChangedMeanwhile,
            "the files were changed by others meanwhile; nothing was changed: try again",
        ),
        (
            ExitStatus::InUse,
            "another program has a file open (Windows); nothing was changed: try again",
        ),
        (
            ExitStatus::AuthorityRefused,
            "the certificate authority refused; the server was not changed",
        ),
        (
            ExitStatus::AuthorityUnreachable,
            "the certificate authority cannot be reached; the server was not changed: try again",
        ),
    ];

    /// What a shell says of a run that a signal ended before the program had begun to notice signals; no number of ours.
    pub const BY_SIGNAL: (&str, &str) = (
        "130",
        "ended by Ctrl-C before it began, as shells tell it (129: closed terminal, 143: SIGTERM)",
    );

    /// Of a look that found so many errors.
    pub fn of_errors(errors: usize) -> ExitStatus {
        if errors > 0 {
            ExitStatus::ErrorsFound
        } else {
            ExitStatus::Done
        }
    }

    /// The number itself.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
