//! Every reason to refuse, by its word. What a reason comes from and what helps is said by whoever makes the refusal.

use crate::codes::codes;

codes! {
    /// The stable name of a reason to refuse. No finding has the same word.
    pub enum RefusalCode {
        // A certificate authority is to be asked.

        /// No authority makes a certificate for the name.
        NoCertificateForName = "NO-CERTIFICATE-FOR-NAME",
        /// The name has no address, so that the authority finds nobody by it.
        NameWithoutAddress = "NAME-WITHOUT-ADDRESS",
        /// Nobody here can answer the authority when it looks whether the names are ours.
        NobodyAnswers = "NOBODY-ANSWERS-CA",
        /// The program that makes records in DNS may not be run, failed, or made none.
        DnsHookFailed = "DNS-HOOK-FAILED",
        /// A wildcard can be proven in DNS only.
        WildcardNotInDns = "WILDCARD-NOT-IN-DNS",
        /// The domain says in DNS that the authority may make no certificate for it.
        CaaForbids = "CAA-FORBIDS",
        /// The terms of the authority were not agreed to.
        TermsNotAgreed = "TERMS-NOT-AGREED",
        /// The authority failed too often lately, or wants to be left alone for a while.
        TooManyFailures = "TOO-MANY-FAILURES",
        /// The clock of this machine is wrong.
        ClockWrong = "CLOCK-WRONG",
        /// The authority makes certificates for trials only.
        TrialsOnly = "TRIALS-ONLY",
        /// A plan cannot be saved where the certificate is made only when it is carried out.
        NoPlanToSave = "NO-PLAN-TO-SAVE",
        /// There is no account at the authority.
        NoAccount = "NO-ACCOUNT",
        /// Files of a certificate that was ordered were changed by somebody else, and are not overwritten.
        FilesNotOurs = "FILES-NOT-OURS",
        /// No certificate of this name was ordered here.
        NotManaged = "NOT-MANAGED",
        /// Others may write where the next certificate is to come from.
        SourceOfOthers = "SOURCE-OF-OTHERS",
        /// Others may read the file with the pass-phrase of what is put there.
        PassPhraseFileOpen = "PASSPHRASE-FILE-OPEN",
        /// What is where the next certificate is to come from cannot be used.
        SourceUnusable = "SOURCE-UNUSABLE",
        /// The files of a certificate are not of the kind that is replaced by the next one.
        NotReplaceable = "NOT-REPLACEABLE",
        /// No other program renews this certificate, so that it cannot be taken over from one.
        NothingToAdopt = "NOTHING-TO-ADOPT",
        /// There is another account at the authority already.
        AccountExists = "ACCOUNT-EXISTS",
        /// No key of an account was found, or more than one.
        AccountKeyNotFound = "ACCOUNT-KEY-NOT-FOUND",
        /// This machine has no scheduler that is known.
        NoScheduler = "NO-SCHEDULER",
        /// A file of the schedule is not as it was written.
        ScheduleEdited = "SCHEDULE-EDITED",
        /// Others may change the program that would be scheduled.
        ProgramOfOthers = "PROGRAM-OF-OTHERS",
        /// The certificate cannot be revoked with this key.
        KeyOfAnother = "KEY-OF-ANOTHER",

        // HTTPS is to be turned on, or off again.

        /// Apache does not start with the configuration as it is.
        ConfigBroken = "CONFIG-BROKEN",
        /// The configuration cannot be read to its end.
        ConfigEndless = "CONFIG-ENDLESS",
        /// Whether a module is loaded cannot be told without the server.
        ModuleUndecided = "MODULE-UNDECIDED",
        /// Whether a `Listen` is active cannot be told without the server.
        ListenUndecided = "LISTEN-UNDECIDED",
        /// A `Listen` says no address and port.
        ListenUnreadable = "LISTEN-UNREADABLE",
        /// Whether a virtual host is for the port cannot be told.
        HostUndecided = "HOST-UNDECIDED",
        /// Whether a TLS directive is active cannot be told without the server.
        DirectiveUndecided = "DIRECTIVE-UNDECIDED",
        /// The line to edit comes out of a macro.
        FromMacro = "FROM-MACRO",
        /// The line to edit holds for another part of the configuration too.
        SharedLine = "SHARED-LINE",
        /// A virtual host is not closed in its own file.
        HostUnclosed = "HOST-UNCLOSED",
        /// A section around virtual hosts is never closed.
        SectionUnclosed = "SECTION-UNCLOSED",
        /// A new virtual host would have to stand inside another section.
        InsideSection = "INSIDE-SECTION",
        /// A line takes from certificate authorities what they ask for over HTTP, whatever is written beside it.
        AcmePathTaken = "ACME-PATH-TAKEN",
        /// The file of the virtual host is read several times.
        IncludedTwice = "INCLUDED-TWICE",
        /// Several virtual hosts are as likely to be the site.
        SiteAmbiguous = "SITE-AMBIGUOUS",
        /// No virtual host stands at the place that was given.
        SiteNotThere = "SITE-NOT-THERE",
        /// The path that was given fits several files.
        SitePathAmbiguous = "SITE-PATH-AMBIGUOUS",
        /// A further name is that of another site over HTTP.
        NameOfOtherSite = "NAME-OF-OTHER-SITE",
        /// A further name is that of another TLS virtual host.
        NameOfOtherHost = "NAME-OF-OTHER-HOST",
        /// A wildcard of an earlier virtual host takes the name.
        NameTakenByWildcard = "NAME-TAKEN-BY-WILDCARD",
        /// The name of another virtual host would be answered by that of the domain.
        NameTakenOver = "NAME-TAKEN-OVER",
        /// Virtual hosts would have no listener without HTTP.
        HttpHostsLeftBare = "HTTP-HOSTS-LEFT-BARE",
        /// A listener covers only part of where HTTP is listened for.
        ListenPartial = "LISTEN-PARTIAL",
        /// The addresses of the site may be none of this machine.
        ListenNotBound = "LISTEN-NOT-BOUND",
        /// Nothing listens for IPv6.
        Ipv6NotListened = "IPV6-NOT-LISTENED",
        /// A virtual host speaks plain HTTP on the port.
        PortSpeaksHttp = "PORT-SPEAKS-HTTP",
        /// A virtual host would speak TLS where it is to speak HTTP.
        TlsAtAllAddresses = "TLS-AT-ALL-ADDRESSES",
        /// A virtual host has a certificate and leaves open whether it speaks TLS.
        EngineNotSaid = "ENGINE-NOT-SAID",
        /// There is no HTTP that could be redirected.
        NoHttpToRedirect = "NO-HTTP-TO-REDIRECT",
        /// A virtual host switches off the rewriting that a redirect needs.
        RewriteSwitchedOff = "REWRITE-SWITCHED-OFF",
        /// A virtual host for every port would lose its names to a new one.
        HostForEveryPort = "HOST-FOR-EVERY-PORT",
        /// Another virtual host would answer when no name fits.
        DefaultWouldChange = "DEFAULT-WOULD-CHANGE",
        /// The main server itself speaks TLS.
        MainServerSpeaksTls = "MAIN-SERVER-SPEAKS-TLS",
        /// Clients that ask by an address would get another certificate.
        AddressCertificateHidden = "ADDRESS-CERTIFICATE-HIDDEN",
        /// A redirect of the main server would lead in a circle.
        RedirectLoop = "REDIRECT-LOOP",
        /// There are several lines where one could be replaced.
        SeveralLines = "SEVERAL-LINES",
        /// What must not hold twice comes from another file.
        DefinedElsewhere = "DEFINED-ELSEWHERE",
        /// A module is loaded only without mod_ssl.
        LostModule = "LOST-MODULE",
        /// A listener is there only without mod_ssl.
        LostListener = "LOST-LISTENER",
        /// A virtual host is there only without mod_ssl.
        LostHost = "LOST-HOST",
        /// Apache refuses what becomes active.
        WokenError = "WOKEN-ERROR",
        /// A virtual host of others becomes active.
        WokenHost = "WOKEN-HOST",
        /// A virtual host speaks TLS from now on, and has no certificate or key.
        WokenBareHost = "WOKEN-BARE-HOST",
        /// A line that redirects or shows something else becomes active.
        WokenLine = "WOKEN-LINE",
        /// Another virtual host for the domain becomes active.
        WokenSecond = "WOKEN-SECOND",
        /// The file of a module is not there.
        ModuleFileMissing = "MODULE-FILE-MISSING",
        /// A path cannot be written in a configuration.
        PathUnwritable = "PATH-UNWRITABLE",
        /// The profile needs a later Apache.
        ProfileTooNew = "PROFILE-TOO-NEW",
        /// The certificate names nobody from whom a proof to staple could come.
        NothingToStaple = "NOTHING-TO-STAPLE",
        /// The MPM does not carry HTTP/2, or it is not known.
        Http2NotCarried = "HTTP2-NOT-CARRIED",
        /// HTTP/2 needs a later Apache.
        Http2TooNew = "HTTP2-TOO-NEW",
        /// The domain is a further name of a virtual host for another.
        DisableFurtherName = "DISABLE-FURTHER-NAME",
        /// The virtual host was changed for another domain.
        DisableChangedForOther = "DISABLE-CHANGED-FOR-OTHER",
        /// The virtual host was not written by this program.
        DisableNotOurs = "DISABLE-NOT-OURS",
        /// The virtual host cannot be cut out of its file.
        DisableNotCut = "DISABLE-NOT-CUT",
        /// Apache would not start without HTTPS.
        DisableBreaks = "DISABLE-BREAKS",
        /// A port of others would speak plain HTTP.
        DisableLeavesHttp = "DISABLE-LEAVES-HTTP",

        // Whatever is asked for.

        /// Nobody can be asked to agree.
        NobodyToAsk = "NOBODY-TO-ASK",
        /// Whoever was asked did not agree.
        Declined = "DECLINED",
        /// No name was given to serve.
        NoName = "NO-NAME",
        /// The server's own httpd does not answer.
        HttpdSilent = "HTTPD-SILENT",
        /// Others may write httpd, what it would read, or the note by which it is found.
        HttpdDistrusted = "HTTPD-DISTRUSTED",
        /// Apache does not accept the configuration.
        HttpdRejects = "HTTPD-REJECTS",
        /// There is no httpd that could be told to restart.
        NoBinaryToRestart = "NO-BINARY-TO-RESTART",
        /// Findings say that Apache would not come up again.
        PreflightFailed = "PREFLIGHT-FAILED",
        /// A short run of the server's own httpd did not do what was asked.
        RehearsalRefused = "REHEARSAL-REFUSED",
        /// Another program holds the port.
        PortNotFree = "PORT-NOT-FREE",
        /// Findings say that the certificate files would not work.
        FilesWouldNotWork = "FILES-WOULD-NOT-WORK",
        /// What stands where something is to be written cannot be replaced without harm.
        NameInTheWay = "NAME-IN-THE-WAY",
        /// A link that others may change leads to what is to be written.
        LinkOfOthers = "LINK-OF-OTHERS",
        /// A private key would go where others may write.
        KeyFolderOpen = "KEY-FOLDER-OPEN",
        /// What is in the place of the backups is none of ours.
        BackupsNotOurs = "BACKUPS-NOT-OURS",
        /// A plan is not applied, as something is not as it was when it was made.
        PlanChanged = "PLAN-CHANGED",
        /// A plan is not believed, as others could have written it.
        PlanNotOurs = "PLAN-NOT-OURS",
        /// What was named as a plan is none, or of a form that is not known.
        NoPlan = "NO-PLAN",
        /// What a killed run left cannot be undone as it is.
        LeftoversNotUndoable = "LEFTOVERS-NOT-UNDOABLE",
        /// There is no such backup.
        BackupNotThere = "BACKUP-NOT-THERE",
        /// What would be put back was edited since, in other lines.
        EditedSince = "EDITED-SINCE",
        /// What would be put back was edited since, in the same lines.
        EditedSameLines = "EDITED-SAME-LINES",
        /// A new file would take the place of another.
        FileExists = "FILE-EXISTS",
        /// Of certificate and key one is there and one is not.
        HalfAPair = "HALF-A-PAIR",
        /// A pass-phrase is needed, and nobody can be asked for it.
        PassPhraseNotAsked = "PASSPHRASE-NOT-ASKED",
        /// The pass-phrase that was given is not the right one.
        PassPhraseUnfit = "PASSPHRASE-UNFIT",
        /// The key has no pass-phrase to take off.
        KeyNotProtected = "KEY-NOT-PROTECTED",
        /// What was named as a log holds a private key.
        LogIsAKey = "LOG-IS-A-KEY",
        /// A private key is read as configuration.
        ConfigIsAKey = "CONFIG-IS-A-KEY",
        /// The main file is too large to be read.
        ConfigTooLarge = "CONFIG-TOO-LARGE",
        /// The main file is saved as UTF-16.
        ConfigUtf16 = "CONFIG-UTF16",
        /// The main file starts with a byte order mark.
        ConfigByteOrderMark = "CONFIG-BYTE-ORDER-MARK",
        /// The main file holds no directive.
        ConfigEmpty = "CONFIG-EMPTY",
        /// The main file holds no directive that Apache knows.
        NotAConfig = "NOT-A-CONFIG",
        /// The configuration names another server root than the one that was asked for.
        OtherServerRoot = "OTHER-SERVER-ROOT",
        /// The configuration is that of another machine, where the path is nothing.
        PathMeansNothing = "PATH-MEANS-NOTHING",
        /// An `Include` would read the backups.
        IncludeReadsBackups = "INCLUDE-READS-BACKUPS",
        /// An `Include` would read the certificates.
        IncludeReadsCertificates = "INCLUDE-READS-CERTIFICATES",
    }
}
