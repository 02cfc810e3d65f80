//! What every note is about, by its word. The sentence is made by whoever knows it.

use crate::codes::codes;

codes! {
    /// The stable name of something that is told beside the answer: on stderr to people, in `notes` to programs. The list
    /// may grow.
    pub enum NoteCode {
        /// Which server root was taken, and how it was found.
        ServerRoot = "SERVER-ROOT",
        /// Which main configuration file was taken.
        MainFile = "MAIN-FILE",
        /// The folder that the command was given in is another server root.
        OtherServerRoot = "OTHER-SERVER-ROOT",
        /// The configuration names a server root that is not there; files are taken from another.
        Relocated = "RELOCATED",
        /// A program was found and not run, as others might have put it there.
        ProgramPassedOver = "PROGRAM-PASSED-OVER",
        /// Another run is at work here right now.
        RunAtWork = "RUN-AT-WORK",
        /// An earlier run was interrupted and left its changes half done.
        RunInterrupted = "RUN-INTERRUPTED",
        /// What follows is as it will be once that is undone.
        AsOnceUndone = "AS-ONCE-UNDONE",
        /// What an interrupted run had changed is as before again.
        RunUndone = "RUN-UNDONE",
        /// An interrupted run had told the server, which may serve what was undone.
        ServerMayDiffer = "SERVER-MAY-DIFFER",
        /// A run had stopped the server for some seconds and was killed; it was started again.
        ServerStarted = "SERVER-STARTED",
        /// What a killed rehearsal left was removed.
        RehearsalSwept = "REHEARSAL-SWEPT",
        /// Files changed meanwhile, and the plan was made again.
        PlannedAgain = "PLANNED-AGAIN",
        /// No plan was saved, as there is nothing to do.
        NoPlan = "NO-PLAN-SAVED",
        /// A step that is taken now.
        Progress = "PROGRESS",
        /// With `--verbose`: what was read, which program was asked, what was decided.
        Detail = "DETAIL",
        /// What a run would have done that failed, as people were shown it: the lines that go begin with `-`.
        Preview = "PREVIEW",
        /// Nothing needs to change, and why.
        NothingToDo = "NOTHING-TO-DO",
        /// Something to know about what is planned.
        Plan = "PLAN",
        /// Where the private key of a certificate was found that was named without one.
        KeyFound = "KEY-FOUND",
        /// Something to know about files that were made, or would be.
        NewFiles = "NEW-FILES",
        /// Others than root may write where something goes.
        OthersMayWrite = "OTHERS-MAY-WRITE",
        /// What was not tried: by a dry run, which wrote nothing, or because the system does not let us.
        NotTried = "NOT-TRIED",
        /// When a certificate that was ordered is renewed, and for how long the authority may be gone then.
        Renewal = "RENEWAL",
        /// Nobody renews by itself what was ordered, and why.
        NotScheduled = "NOT-SCHEDULED",
        /// A record in DNS that a program made was not taken out again.
        RecordLeft = "RECORD-LEFT",
        /// A certificate ends soon, or is not renewed.
        CertificateEnds = "CERTIFICATE-ENDS",
        /// Somebody who was to be told of a failed renewal was not.
        NotTold = "NOT-TOLD",
        /// The firewall of Windows keeps clients of other machines out.
        Firewall = "FIREWALL",
        /// Apache is not asked whether it accepts the result.
        NotTested = "NOT-TESTED",
        /// The TLS settings were not tried on a short run of the server's own httpd, or not all of them.
        NotRehearsed = "NOT-REHEARSED",
        /// What `httpd -t` said, and which change it means.
        HttpdSays = "HTTPD-SAYS",
        /// What the service said while it was told to start.
        ServiceSays = "SERVICE-SAYS",
        /// How a restart went on.
        Restart = "RESTART",
        /// HTTPS answers a request otherwise than HTTP did.
        HttpsDiffers = "HTTPS-DIFFERS",
        /// The server serves what is configured, and something is still to be known.
        Warning = "WARNING",
        /// What a log of the server says.
        Log = "LOG",
        /// There is no log yet, and what that means.
        NoLog = "NO-LOG",
        /// A file could not be looked at.
        FileNotRead = "FILE-NOT-READ",
        /// What is inside a report.
        ReportContents = "REPORT-CONTENTS",
    }
}
