//! Every kind of failure that is no refusal, by its word. What failed is said by whoever noticed.

use crate::codes::codes;

codes! {
    /// The stable name of why a run did not do what was asked, where that has no reason of its own among the refusals. No
    /// refusal and no finding has the same word. The list may grow.
    pub enum FailureCode {
        /// Something failed that has no word of its own.
        Failed = "FAILED",
        /// The system could not read or write something.
        Io = "IO",
        /// The command line was not understood.
        Usage = "USAGE",
        /// A mistake of this program.
        Panic = "PANIC",
        /// There is no server to be found.
        NoServer = "NO-SERVER",
        /// The system does not permit it.
        NotPermitted = "NOT-PERMITTED",
        /// Another run holds the lock.
        Locked = "LOCKED",
        /// What had been read was changed meanwhile.
        ChangedMeanwhile = "CHANGED-MEANWHILE",
        /// Another program has a file open, so that Windows lets nobody read or replace it.
        InUse = "IN-USE",
        /// Ctrl-C or a signal came.
        Interrupted = "INTERRUPTED",
        /// Apache rejected what was written.
        TestFailed = "TEST-FAILED",
        /// The restarted server did not do what was asked.
        ProofFailed = "PROOF-FAILED",
        /// Not everything could be put back.
        NotRestored = "NOT-RESTORED",
        /// The server does not serve what is configured.
        NotServing = "NOT-SERVING",
        /// A certificate authority refused.
        AuthorityRefused = "CA-REFUSED",
        /// A certificate authority cannot be reached.
        AuthorityUnreachable = "CA-UNREACHABLE",
    }
}
