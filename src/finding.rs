//! The one shape of everything that is told about a server: what is wrong, how badly, where, why, and what to do. The
//! reader of a configuration, `lint` and `check` make findings; whoever goes on with one adds what it knows.
//!
//! Codes are part of the interface: scripts match them and `--force` names them. They never change.

use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::codes::codes;
pub use crate::place::Place;
pub use crate::severity::{Level, Phase, Severity};

/// Something to tell about a server, its configuration or its files. `P` says where: in a configuration that was read
/// ([`Spot`](crate::httpd::Spot)), or in a file as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<P = Option<Place>> {
    /// What kind of fault it is.
    pub code: Code,
    /// How bad it is, if `uncertain` does not hold.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// Where.
    pub place: P,
    /// Why it is wrong, with the facts that show it; empty where the summary says it.
    pub cause: String,
    /// What to do: a command or an exact edit; empty where the summary says it.
    pub fix: String,
    /// What Apache writes into its error log about it, e.g. `AH02565`, as far as it writes anything.
    pub apache_codes: Vec<&'static str>,
    /// What `lint` calls the rule, e.g. `no-listen`; empty for rules about anything but directives.
    pub rule: &'static str,
    /// When Apache notices, where that is known; of what it accepts, when we noticed.
    pub phase: Option<Phase>,
    /// It stands inside a condition that we could not decide, and matters only if that holds.
    pub uncertain: bool,
    /// Apache's own message, where it has one; without the help text that Apache puts behind a comma.
    pub apache: Option<String>,
    /// How it comes that Apache reads the place at all.
    pub origin: Origin,
    /// Where the code only says that a rule of the text is broken: which fault that is. For who compares; it is not told.
    pub fault: Option<Code>,
    /// The module that is not there, such as `mod_ssl.c`. For who compares; it is not told.
    pub module: Option<&'static str>,
}

/// How it comes that Apache reads a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The `Include` lines that lead to the file, innermost first.
    pub included_from: Vec<Place>,
    /// The line of a macro that the text came out of.
    pub macro_line: Option<MacroLine>,
}

/// A line of a macro that is used at the place told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MacroLine {
    /// Apache's name for the place, such as `macro 'n' (defined on line 3 of "httpd.conf") used on line 9 of "httpd.conf"`.
    pub name: String,
    /// The line in the macro, counted from 1.
    pub line: usize,
}

/// The same for programs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(
    test,
    schemars(
        rename = "Finding",
        description = "Something to tell about a server, its configuration or its files."
    )
)]
struct Told<'a> {
    /// What kind of fault it is. All codes: `src/finding.rs`. `--force` takes them.
    code: Code,
    /// What `lint` calls the rule, such as `no-listen`; null for rules about anything but directives. New ones may come
    /// with any version.
    rule: Option<&'static str>,
    /// What comes of it.
    severity: Severity,
    /// The same as error, warning or note.
    level: Level,
    /// What is wrong, in one sentence.
    summary: &'a str,
    /// Where; null where it is no place in a file.
    place: &'a Option<Place>,
    /// Why it is wrong, with the facts that show it; empty where the summary says it.
    cause: &'a str,
    /// What to do: a command or an exact edit; empty where the summary says it.
    fix: &'a str,
    /// What Apache writes into its error log about it, such as `AH02565`.
    apache_codes: &'a [&'static str],
    /// Apache's message, or its fixed part; null where it says nothing or that is not known.
    apache_message: Option<&'a str>,
    /// When Apache notices; null where that is not known.
    phase: Option<Phase>,
    /// It depends on a condition in the configuration that could not be decided.
    uncertain: bool,
    /// The `Include` lines that lead to the file, innermost first.
    included_from: &'a [Place],
    /// The line of the macro that the text came out of; null where it came out of none.
    macro_line: &'a Option<MacroLine>,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = Told {
            code: self.code,
            rule: Some(self.rule).filter(|rule| !rule.is_empty()),
            severity: self.severity,
            level: self.level(),
            summary: &self.summary,
            place: &self.place,
            cause: &self.cause,
            fix: &self.fix,
            apache_codes: &self.apache_codes,
            apache_message: self.apache.as_deref(),
            phase: self.phase,
            uncertain: self.uncertain,
            included_from: &self.origin.included_from,
            macro_line: &self.origin.macro_line,
        };
        told.serialize(serializer)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Finding {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Told::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        Told::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Told::json_schema(generator)
    }
}

codes! {
    /// The stable name of a rule. Of each: what is the case, and what to do, as docs/troubleshooting.md has them.
    pub enum Code {
        /// A certificate, key or other file that the configuration names is not there.
        ///
        /// Correct the path in the line that is named, or put the file there.
        FileMissing = "FILE-MISSING",
        /// The file is there and holds nothing.
        ///
        /// Copy the file again from where it came.
        FileEmpty = "FILE-EMPTY",
        /// A folder, a pipe or a device has the name of the file.
        ///
        /// Name the file itself.
        FileNotRegular = "FILE-NOT-REGULAR",
        /// The account that starts Apache may not read the file.
        ///
        /// Give that account the right to read it; the finding has the command.
        FileUnreadable = "FILE-UNREADABLE",
        /// Others than their owner may read the private key.
        ///
        /// Take that right away: `chmod 600 KEY`, or the `icacls` line of the finding.
        KeyExposed = "KEY-EXPOSED",
        /// The file holds something else than a certificate: a request, a key, a web page.
        ///
        /// Name the certificate file; `esync-ssl cert inspect FILE` says what each file is.
        CertNotACertificate = "CERT-NOT-A-CERTIFICATE",
        /// The certificate cannot be read: it was cut off, or lines are lost.
        ///
        /// Copy the file again, as the authority gave it.
        CertDamaged = "CERT-DAMAGED",
        /// The file is text in UTF-16, as Windows' Notepad saves it on demand.
        ///
        /// `esync-ssl cert import FILE` writes it as Apache reads it.
        CertUtf16 = "CERT-UTF16",
        /// Three unseen bytes come before the first line.
        ///
        /// `esync-ssl cert import FILE` writes it without.
        CertByteOrderMark = "CERT-BYTE-ORDER-MARK",
        /// The certificate is in another form than the text (PEM) that this Apache reads.
        ///
        /// `esync-ssl cert import FILE` converts it.
        CertNotPem = "CERT-NOT-PEM",
        /// Blanks come before `-----BEGIN`, so OpenSSL does not see the certificate.
        ///
        /// Remove them, or `esync-ssl cert import FILE`.
        CertNotAtLineStart = "CERT-NOT-AT-LINE-START",
        /// Two certificates share a line: the end of the first has no line end.
        ///
        /// Put a line end between them, or `esync-ssl cert import FILE`.
        CertGlued = "CERT-GLUED",
        /// The certificate is labelled `TRUSTED CERTIFICATE`, which Apache does not take.
        ///
        /// `esync-ssl cert import FILE` writes it with the usual label.
        CertTrustedLabel = "CERT-TRUSTED-LABEL",
        /// The key file holds something else than a private key that Apache reads.
        ///
        /// Name the key file; `esync-ssl cert inspect FILE` says what each file is.
        KeyNotAKey = "KEY-NOT-A-KEY",
        /// The private key cannot be read: it was cut off, or lines are lost.
        ///
        /// Copy the file again from where the key was made.
        KeyDamaged = "KEY-DAMAGED",
        /// The key file is text in UTF-16.
        ///
        /// `esync-ssl cert import FILE` writes it as Apache reads it.
        KeyUtf16 = "KEY-UTF16",
        /// The private key is under a pass-phrase, and nobody can type it when Apache starts.
        ///
        /// `esync-ssl cert decrypt-key KEY OUT` writes a copy without.
        KeyPassPhrase = "KEY-PASSPHRASE",
        /// The key is under a pass-phrase by a method that the server's OpenSSL does not have.
        ///
        /// `esync-ssl cert decrypt-key KEY OUT` writes a copy without pass-phrase.
        KeyCipherUnknown = "KEY-CIPHER-UNKNOWN",
        /// The file holds several private keys, and Apache takes the first, which is the wrong one.
        ///
        /// Leave only the key of the certificate in the file.
        KeySeveral = "KEY-SEVERAL",
        /// This Apache or its OpenSSL is too old for this kind of key.
        ///
        /// Have a certificate made for an RSA key: `esync-ssl cert request`.
        KeyTypeTooNew = "KEY-TYPE-TOO-NEW",
        /// The key is of a kind or curve that TLS clients do not take.
        ///
        /// Make a key of a usual kind: `esync-ssl cert request`.
        KeyUnusable = "KEY-UNUSABLE",
        /// The key is shorter than servers and clients accept today.
        ///
        /// Make a new one: `esync-ssl cert request`.
        KeyWeak = "KEY-WEAK",
        /// The private key does not belong to the certificate.
        ///
        /// Name the key with which the certificate was requested; without it, have the certificate made again: `esync-ssl cert request`.
        KeyMismatch = "KEY-MISMATCH",
        /// The certificate is signed by a method that servers and clients refuse today.
        ///
        /// Have it made again: `esync-ssl cert request`.
        SignatureWeak = "SIGNATURE-WEAK",
        /// The certificate is over.
        ///
        /// `esync-ssl renew` where an authority is asked by ACME; else get a new one and give it to `esync-ssl enable`.
        CertExpired = "CERT-EXPIRED",
        /// The certificate begins to be valid later than now.
        ///
        /// Check the clock of this machine, or wait.
        CertNotYetValid = "CERT-NOT-YET-VALID",
        /// The certificate ends soon.
        ///
        /// `esync-ssl renew` where an authority is asked by ACME; else get a new one and give it to `esync-ssl enable`.
        CertExpiresSoon = "CERT-EXPIRES-SOON",
        /// The certificate does not have the name that clients use.
        ///
        /// Correct `ServerName`, or have a certificate made for that name.
        NameNotCovered = "NAME-NOT-COVERED",
        /// The name is only in the common name, where today's clients do not look.
        ///
        /// Have a certificate made with the name as an alternative name: `esync-ssl cert request`.
        NameOnlyCommonName = "NAME-ONLY-COMMON-NAME",
        /// The name has letters beyond ASCII, and certificates and `Host` have it in another form.
        ///
        /// Write the `xn--` form that the finding tells.
        NameUnicode = "NAME-UNICODE",
        /// The name cannot be a host name.
        ///
        /// Correct `ServerName`.
        NameInvalid = "NAME-INVALID",
        /// Apache warns at each start that the certificate does not have `ServerName`.
        ///
        /// Correct `ServerName`, or leave it, where an alias covers the clients.
        NameApacheWarns = "NAME-APACHE-WARNS",
        /// The certificate is that of an authority and not of a server.
        ///
        /// Name the server's own certificate; this one may belong to the chain.
        CertIsCa = "CERT-IS-CA",
        /// The certificate may not be used for servers.
        ///
        /// Have one made for servers: `esync-ssl cert request`.
        CertNoServerAuth = "CERT-NO-SERVER-AUTH",
        /// The certificate does not allow its key what TLS needs.
        ///
        /// Have it made again for a TLS server.
        CertKeyUsage = "CERT-KEY-USAGE",
        /// The certificate has a critical extension that clients do not know, so they refuse it.
        ///
        /// Have it made again without.
        CertCriticalExtension = "CERT-CRITICAL-EXTENSION",
        /// The certificate demands stapling, which is off.
        ///
        /// `esync-ssl enable --ocsp-stapling`
        CertMustStaple = "CERT-MUST-STAPLE",
        /// No authority signed the certificate, so clients do not trust it.
        ///
        /// Install it as trusted on each client, or get one from an authority: `esync-ssl enable --acme` or `esync-ssl cert request`.
        CertSelfSigned = "CERT-SELF-SIGNED",
        /// Stapling is on, and the certificate names no server that could be asked.
        ///
        /// Turn stapling off, or leave it: clients do not notice.
        CertNoResponder = "CERT-NO-RESPONDER",
        /// The intermediate certificate is not sent, so many clients do not trust the certificate.
        ///
        /// Give the file of the authority: `esync-ssl enable --chain FILE`.
        ChainMissing = "CHAIN-MISSING",
        /// The chain file holds certificates of another authority.
        ///
        /// Give the one that came with this certificate: `esync-ssl enable --chain FILE`.
        ChainWrong = "CHAIN-WRONG",
        /// The certificate names this issuer, and is not signed by it.
        ///
        /// Get the issuer's current certificate from the authority.
        ChainSignature = "CHAIN-SIGNATURE",
        /// The server's own certificate is not the first of its file, so the key does not fit.
        ///
        /// Put it first, or `esync-ssl cert import FILE`.
        ChainLeafNotFirst = "CHAIN-LEAF-NOT-FIRST",
        /// The intermediates are in another order than each signed the one before.
        ///
        /// Put them in order, or `esync-ssl cert import FILE`.
        ChainOrder = "CHAIN-ORDER",
        /// The server's own certificate is in the chain as well.
        ///
        /// Leave it out there; most clients do not mind it.
        ChainLeafRepeated = "CHAIN-LEAF-REPEATED",
        /// The root is sent, which clients have or do not trust.
        ///
        /// Leave it out.
        ChainRootIncluded = "CHAIN-ROOT-INCLUDED",
        /// Certificates are sent that do not belong to the chain.
        ///
        /// Leave them out.
        ChainSpare = "CHAIN-SPARE",
        /// An intermediate certificate is over.
        ///
        /// Get the current one from the authority.
        ChainExpired = "CHAIN-EXPIRED",
        /// An intermediate is signed by a method that clients refuse today.
        ///
        /// Get the current one from the authority.
        ChainWeakSignature = "CHAIN-WEAK-SIGNATURE",
        /// The chain file holds no certificate.
        ///
        /// Name the file with the intermediates.
        ChainFileNoCertificate = "CHAIN-FILE-NO-CERTIFICATE",
        /// A certificate of the chain file cannot be read.
        ///
        /// Copy the file again, as the authority gave it.
        ChainFileDamaged = "CHAIN-FILE-DAMAGED",
        /// This Apache is older than 2.4.8 and sends only the first certificate of the file.
        ///
        /// Name the intermediates with `SSLCertificateChainFile`: `esync-ssl enable --chain FILE`.
        ChainNotSent = "CHAIN-NOT-SENT",
        /// TLS is on, and no certificate is named.
        ///
        /// Add `SSLCertificateFile` and `SSLCertificateKeyFile`: `esync-ssl enable`.
        CertNotNamed = "CERT-NOT-NAMED",
        /// A short run of the server's own httpd with these TLS settings did not succeed.
        ///
        /// The finding has httpd's own words; correct what they name.
        RehearsalFailed = "REHEARSAL-FAILED",
        /// The program that tells the pass-phrase tells a wrong one, or none.
        ///
        /// Correct the program, or write the key without: `esync-ssl cert decrypt-key KEY OUT`.
        PassPhraseWrong = "PASSPHRASE-WRONG",
        /// The program that is to tell the pass-phrase cannot be run.
        ///
        /// Correct `SSLPassPhraseDialog`, or write the key without: `esync-ssl cert decrypt-key KEY OUT`.
        PassPhraseDialog = "PASSPHRASE-DIALOG",
        /// Two certificates for one kind of key are named; Apache uses only the last.
        ///
        /// Keep one of each kind.
        CertTypeTwice = "CERT-TYPE-TWICE",
        /// The file of authorities for client certificates holds none that can be read.
        ///
        /// Correct the file that `SSLCACertificateFile` names.
        ClientCaUnreadable = "CLIENT-CA-UNREADABLE",
        /// `SSLProtocol` names what this server does not have, or leaves nothing over.
        ///
        /// `SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1`
        TlsProtocols = "TLS-PROTOCOLS",
        /// `SSLCipherSuite` leaves no cipher that fits.
        ///
        /// `esync-ssl enable --profile intermediate` writes a list that fits.
        TlsCiphers = "TLS-CIPHERS",
        /// TLS is meant and off.
        ///
        /// Add `SSLEngine on`: `esync-ssl enable --domain NAME`.
        TlsOff = "TLS-OFF",
        /// A port that is meant for HTTPS speaks plain HTTP, or the other way round.
        ///
        /// Give both sites ports of their own; the finding names the line.
        TlsOnHttpPort = "TLS-ON-HTTP-PORT",
        /// `SSLEngine on` outside of virtual hosts turns TLS on for every port.
        ///
        /// Move it into a virtual host for 443.
        TlsInMainServer = "TLS-IN-MAIN-SERVER",
        /// Stapling is on without the cache that it needs.
        ///
        /// Add `SSLStaplingCache shmcb:logs/ssl_stapling(32768)`.
        Stapling = "STAPLING",
        /// The cache for TLS sessions needs a module or folder that is not there.
        ///
        /// Load `socache_shmcb_module`, or correct `SSLSessionCache`.
        SessionCache = "SESSION-CACHE",
        /// The directive belongs to a module that is not loaded.
        ///
        /// Load the module, or remove the line.
        ModuleNotLoaded = "MODULE-NOT-LOADED",
        /// The file of a module is not there or cannot be loaded.
        ///
        /// Correct the path in `LoadModule`, or install the module.
        ModuleMissing = "MODULE-MISSING",
        /// A module is loaded twice.
        ///
        /// Remove one of both lines.
        ModuleTwice = "MODULE-TWICE",
        /// Neither Apache nor a loaded module knows this word.
        ///
        /// Correct it, load its module, or remove the line.
        DirectiveUnknown = "DIRECTIVE-UNKNOWN",
        /// The directive does not take this value.
        ///
        /// Correct the line; the finding has Apache's own words.
        DirectiveValue = "DIRECTIVE-VALUE",
        /// The directive may not be where it is.
        ///
        /// Move it where the finding says.
        DirectivePlace = "DIRECTIVE-PLACE",
        /// The configuration is not plain text: UTF-16, or a byte order mark.
        ///
        /// Save it as UTF-8 without a mark, or as ANSI.
        ConfigEncoding = "CONFIG-ENCODING",
        /// A file of the configuration cannot be read.
        ///
        /// Correct its permissions, or the `Include` line.
        ConfigUnreadable = "CONFIG-UNREADABLE",
        /// Apache refuses a line, or accepts what is probably a mistake.
        ///
        /// `esync-ssl lint` shows the line, the reason and what to write.
        ConfigProblem = "CONFIG-PROBLEM",
        /// A variable `${NAME}` is used that nobody defines.
        ///
        /// Add `Define NAME value` before it; on Debian, start Apache by `apache2ctl`, which reads `envvars`.
        VariableUndefined = "VARIABLE-UNDEFINED",
        /// A section such as `<VirtualHost>` does not end.
        ///
        /// Add the closing line.
        SectionNotClosed = "SECTION-NOT-CLOSED",
        /// The folder of `ServerRoot` is not there.
        ///
        /// Correct `ServerRoot`, or `Define SRVROOT`.
        ServerRoot = "SERVER-ROOT",
        /// The folder of a log is not there, or its name cannot be a file.
        ///
        /// Make the folder, or correct the path.
        LogFolder = "LOG-FOLDER",
        /// Apache says the reason in another log.
        ///
        /// Read that log: `esync-ssl explain FILE`.
        LogElsewhere = "LOG-ELSEWHERE",
        /// The folder of pages is not there.
        ///
        /// Correct `DocumentRoot`, or make the folder.
        DocumentRoot = "DOCUMENT-ROOT",
        /// Apache may not use a port, file or folder that it needs.
        ///
        /// Start it with more rights, or correct those of the file.
        AccessDenied = "ACCESS-DENIED",
        /// Nothing names the server, so Apache takes the name of the machine.
        ///
        /// Add `ServerName`.
        ServerNameMissing = "SERVER-NAME-MISSING",
        /// The address of a virtual host cannot be resolved, or is not one.
        ///
        /// Write `<VirtualHost *:443>`.
        VhostAddress = "VHOST-ADDRESS",
        /// Another virtual host answers instead of this one.
        ///
        /// Rename, move or remove one of both; `esync-ssl status` shows who answers.
        VhostShadowed = "VHOST-SHADOWED",
        /// Virtual hosts with a nearer address answer instead of this one.
        ///
        /// Give all of them the same address.
        VhostNotReached = "VHOST-NOT-REACHED",
        /// A client asked for another name than it had said in the handshake.
        ///
        /// Nothing, where few do; else correct names of virtual hosts.
        SniMismatch = "SNI-MISMATCH",
        /// Another program listens on the port.
        ///
        /// End it, or use another port: `esync-ssl enable --port N`. `esync-ssl ports` names the program.
        PortTaken = "PORT-TAKEN",
        /// The system does not let Apache listen on the port.
        ///
        /// Start it as root or Administrator; on Windows the port may be reserved: `netsh interface ipv4 show excludedportrange protocol=tcp`.
        PortForbidden = "PORT-FORBIDDEN",
        /// A `Listen` names an address that this machine does not have.
        ///
        /// Correct the line, or give the machine the address.
        AddressNotHere = "ADDRESS-NOT-HERE",
        /// Nothing listens for a virtual host, or for the server at all.
        ///
        /// Add `Listen 443`.
        ListenMissing = "LISTEN-MISSING",
        /// Two `Listen` lines want one port, so the second cannot have it.
        ///
        /// Keep one of both.
        ListenTwice = "LISTEN-TWICE",
        /// Apache runs already, so a second one cannot start.
        ///
        /// Restart the one that runs: `esync-ssl restart`.
        AlreadyRunning = "ALREADY-RUNNING",
        /// Apache did not start, and says no more.
        ///
        /// `esync-ssl explain` reads what the logs say before that.
        StartFailed = "START-FAILED",
        /// A process of Apache crashed or ended.
        ///
        /// Look at what the log says before that; a module may be at fault.
        ChildEnded = "CHILD-ENDED",
        /// Apache runs with another OpenSSL than it was built for.
        ///
        /// Put the libraries that came with Apache into its `bin` folder.
        OpenSslVersion = "OPENSSL-VERSION",
        /// The Windows service was made with arguments that Apache does not take.
        ///
        /// Make the service again: `httpd.exe -k uninstall`, then `httpd.exe -k install`.
        ServiceArguments = "SERVICE-ARGUMENTS",
        /// Windows' fast way to take connections fails on this machine.
        ///
        /// Add `AcceptFilter http none` and `AcceptFilter https none`.
        AcceptFilter = "ACCEPT-FILTER",
        /// The log has an entry, worse than an error, that is not known here.
        ///
        /// Look up what Apache or the module means by it: `esync-ssl explain` shows it.
        LogEntryUnknown = "LOG-ENTRY-UNKNOWN",
        /// No server answers where clients connect.
        ///
        /// Start Apache: `esync-ssl restart`; `esync-ssl ports` shows who listens.
        NotListening = "NOT-LISTENING",
        /// The port for HTTPS speaks plain HTTP.
        ///
        /// `esync-ssl check` names the virtual host; then `esync-ssl restart`.
        PlainHttp = "PLAIN-HTTP",
        /// Server and client agree on no protocol or cipher.
        ///
        /// Allow TLS 1.2 and usual ciphers: `esync-ssl enable --profile intermediate`.
        HandshakeFailed = "HANDSHAKE-FAILED",
        /// Clients do not trust the certificate that is sent.
        ///
        /// Send the intermediates, or get a certificate of a public authority; for one of your own, `--ca FILE` looks as your clients do.
        ServedUntrusted = "SERVED-UNTRUSTED",
        /// Apache shows another certificate than the file holds now.
        ///
        /// `esync-ssl restart`
        ServedOtherThanDisk = "SERVED-OTHER-THAN-DISK",
        /// The name leads to no address that the Internet can reach.
        ///
        /// Make a public record in DNS for the name.
        NameNotPublic = "NAME-NOT-PUBLIC",
        /// The site is on another port than 443, which gateways may not take.
        ///
        /// Use port 443, if nothing speaks against it.
        PortUnusual = "PORT-UNUSUAL",
        /// The server refuses TLS 1.2, which gateways speak.
        ///
        /// Allow it: `esync-ssl enable --profile intermediate`.
        Tls12Refused = "TLS12-REFUSED",
        /// HTTP/2 is configured and not spoken.
        ///
        /// `esync-ssl enable --http2` loads what it needs; then `esync-ssl restart`.
        Http2NotAgreed = "HTTP2-NOT-AGREED",
        /// The site answers with an error over HTTPS where it did not over HTTP.
        ///
        /// Look at what the finding names of the site's own settings.
        HttpsFails = "HTTPS-FAILS",
        /// Over HTTPS the site redirects to itself without end.
        ///
        /// Correct the redirect that the finding names.
        HttpsLoops = "HTTPS-LOOPS",
        /// Over HTTPS another site answers than over HTTP.
        ///
        /// Look at which virtual host answers: `esync-ssl status`.
        HttpsOtherContent = "HTTPS-OTHER-CONTENT",
        /// Over HTTPS the site answers otherwise than over HTTP.
        ///
        /// Look at what the finding names.
        HttpsDiffers = "HTTPS-DIFFERS",
        /// The path does not take the data that devices post.
        ///
        /// Correct path or application; a POST must be answered without a redirect.
        PostRefused = "POST-REFUSED",
        /// Apache waits for somebody to type a pass-phrase.
        ///
        /// `esync-ssl cert decrypt-key KEY OUT` writes the key without.
        PassPhraseAsked = "PASSPHRASE-ASKED",
        /// Others than administrators may write what Apache reads or runs with all rights.
        ///
        /// Take that right away; the finding has the command.
        OthersWrite = "OTHERS-WRITE",
        /// Folders of a Windows service may be written by ordinary users.
        ///
        /// Take that right away; the finding has the command.
        ServerWritable = "SERVER-WRITABLE",
        /// A rule keeps requests of the certificate authority from being answered.
        ///
        /// Except `/.well-known/acme-challenge/` from it.
        AcmePathShadowed = "ACME-PATH-SHADOWED",
        /// The answer for the certificate authority cannot be fetched from here.
        ///
        /// Look at what the finding says of the way there.
        AcmeNotAnswered = "ACME-NOT-ANSWERED",
        /// No public authority makes certificates for this name.
        ///
        /// Use a public name, or the authority of your company: `--ca`.
        AcmeNameUnusable = "ACME-NAME-UNUSABLE",
        /// The name leads to another machine.
        ///
        /// Correct the record in DNS, or prove the name by DNS: `--dns-hook`.
        AcmeNameElsewhere = "ACME-NAME-ELSEWHERE",
        /// Nobody can answer the authority, as others have ports 80 and 443.
        ///
        /// Answer by Apache, by DNS or by `--answer handover`.
        AcmePortsTaken = "ACME-PORTS-TAKEN",
        /// The certificate authority cannot be reached from here.
        ///
        /// Let HTTPS out of this machine, or give `--proxy`.
        AcmeNotReached = "ACME-NOT-REACHED",
        /// The clock of this machine is wrong.
        ///
        /// Set it, and have it kept right.
        AcmeClock = "ACME-CLOCK",
        /// A CAA record forbids the authority to make certificates for the name.
        ///
        /// Add the authority to the record, or use another.
        AcmeForbidden = "ACME-FORBIDDEN",
        /// Renewing a certificate failed the last times.
        ///
        /// The finding has the reason; `esync-ssl renew` tries again.
        RenewalFails = "RENEWAL-FAILS",
        /// Nothing renews the certificates that were ordered here.
        ///
        /// `esync-ssl schedule on`
        RenewalNotScheduled = "RENEWAL-NOT-SCHEDULED",
        /// The scheduled renewal does not work.
        ///
        /// `esync-ssl schedule show` says why.
        ScheduleBroken = "SCHEDULE-BROKEN",
        /// Two programs renew the same certificate.
        ///
        /// Let one of them do it: `esync-ssl enable --acme --adopt` takes it over.
        AcmeTwoClients = "ACME-TWO-CLIENTS",
        /// Apache does not run with this configuration.
        ///
        /// `esync-ssl restart` starts it, and says what keeps it from starting.
        ServerStopped = "SERVER-STOPPED",
        /// Apache runs with what it read before the last change.
        ///
        /// `esync-ssl restart`
        ConfigNotRead = "CONFIG-NOT-READ",
        /// A run of esync-ssl was killed while it changed files.
        ///
        /// `esync-ssl restore --recover` puts back what was there before it.
        RunUnfinished = "RUN-UNFINISHED",
    }
}

impl FromStr for Code {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::named(word).ok_or_else(|| format!("there is no rule {word:?}"))
    }
}

impl<P> Finding<P> {
    /// Whether it certainly keeps the server from starting or clients from being served.
    pub fn is_error(&self) -> bool {
        self.level() == Level::Error
    }

    /// Error, warning or note.
    pub fn level(&self) -> Level {
        self.severity.level(self.uncertain)
    }

    /// Puts the worst first; of the same severity, as they were found. Here alone, as sorting is compiled for each caller.
    pub fn worst_first(findings: &mut [Self]) {
        findings.sort_by_key(|finding| finding.severity);
    }

    /// The same, somewhere else or told in another way.
    pub fn placed<Q>(self, place: impl FnOnce(P) -> Q) -> Finding<Q> {
        Finding {
            place: place(self.place),
            code: self.code,
            severity: self.severity,
            summary: self.summary,
            cause: self.cause,
            fix: self.fix,
            apache_codes: self.apache_codes,
            rule: self.rule,
            phase: self.phase,
            uncertain: self.uncertain,
            apache: self.apache,
            origin: self.origin,
            fault: self.fault,
            module: self.module,
        }
    }
}

impl Finding {
    /// Somebody goes on in spite of this error.
    pub fn is_forced(&self, forced: &[Code]) -> bool {
        self.severity.is_error() && forced.contains(&self.code)
    }

    /// An error that nobody overrode.
    pub fn is_open(&self, forced: &[Code]) -> bool {
        self.severity.is_error() && !self.is_forced(forced)
    }

    /// A finding without place and without codes of Apache; see [`Finding::at`] and [`Finding::logged`].
    pub fn new(
        code: Code,
        severity: Severity,
        summary: impl Into<String>,
        cause: impl Into<String>,
        fix: impl Into<String>,
    ) -> Finding {
        Finding {
            code,
            severity,
            summary: summary.into(),
            place: None,
            cause: cause.into(),
            fix: fix.into(),
            apache_codes: Vec::new(),
            rule: "",
            phase: None,
            uncertain: false,
            apache: None,
            origin: Origin::default(),
            fault: None,
            module: None,
        }
    }

    /// The same, in this file and line.
    pub fn at(mut self, file: &str, line: Option<usize>) -> Finding {
        self.place = Some(Place::new(file, line));
        self
    }

    /// The same, with what Apache writes into its log.
    pub fn logged(mut self, codes: &[&'static str]) -> Finding {
        self.apache_codes = codes.to_vec();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_word_and_is_read_back() {
        let mut words: Vec<&str> = Code::ALL.iter().map(|(_, word)| *word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        for (at, (code, word)) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, at, "{word} stands out of order");
            assert_eq!(word.parse(), Ok(code));
        }
        assert!("NO-SUCH".parse::<Code>().is_err());
    }

    #[test]
    fn no_refusal_has_the_word_of_a_finding() {
        for (_, word) in crate::refusal::RefusalCode::ALL {
            assert!(word.parse::<Code>().is_err(), "{word}");
        }
    }

    #[test]
    fn json_carries_words() {
        let finding =
            Finding::new(Code::KeyMismatch, Severity::StopsStart, "a", "b", "c").at("x.key", Some(3));
        let json = serde_json::to_value(finding).unwrap();
        assert_eq!(json["code"], "KEY-MISMATCH");
        assert_eq!(json["severity"], "stops-start");
        assert_eq!(json["level"], "error");
        assert_eq!(json["place"]["line"], 3);
    }
}
