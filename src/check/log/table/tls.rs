//! What mod_ssl says: certificates, keys, chains, settings.

use super::{Known, row};
use crate::check::Code;
use crate::check::Severity::{Advice, BreaksClients, StopsStart, WorksButWrong};

/// OpenSSL could not open a file: 3.x, 1.x.
const FOPEN_DENIED: &[&str] = &["8000000D", "0200100D"];
/// `no start line`.
const NO_START: &[&str] = &["0480006C", "0909006C", "0906D06C"];
/// Certificates, keys, chains, and the settings of mod_ssl.
pub const TLS: &[Known] = &[
    row(&["AH02565", "AH02238", "AH02237"], Code::KeyMismatch, StopsStart, [
        "the private key does not belong to the certificate",
        "The public key in the certificate (the first one in its file) is not that of the private key: after a \
         renewal with a new key, with two requests, or because the intermediate comes before the server's \
         certificate.",
        "esync-ssl cert inspect KEY CERTIFICATE shows it; use the key that the request was made with, put the \
         server's certificate first, or get a new certificate.",
    ]),
    row(&["AH02577", "AH02245"], Code::KeyPassPhrase, StopsStart, [
        "the private key is protected by a pass-phrase, and Apache on Windows cannot ask for it",
        "The dialog in which Apache asks for a pass-phrase does not exist on Windows.",
        "Run esync-ssl enable again with --copy-certs: it asks for the pass-phrase and writes a copy of the key \
         without it.",
    ]),
    row(&["AH02578", "AH02246"], Code::KeyPassPhrase, StopsStart, [
        "the private key is protected by a pass-phrase that nobody can type",
        "A service has no terminal on which Apache could ask for it.",
        "Run esync-ssl enable again with --copy-certs: it asks for the pass-phrase and writes a copy of the key \
         without it.",
    ]),
    row(&["AH02579", "AH02203"], Code::KeyPassPhrase, StopsStart, [
        "the private key is protected by a pass-phrase, in binary form",
        "For a key in DER form, Apache never asks for a pass-phrase, not even with a configured program.",
        "Run esync-ssl enable again with --copy-certs: it asks for the pass-phrase and writes a copy of the key \
         without it.",
    ])
    .openssl(&["1C80009F", "0607B09F", "2306A075"]),
    row(&["AH02580", "AH02204"], Code::KeyCipherUnknown, StopsStart, [
        "this server's OpenSSL cannot open the protected key, even with the right pass-phrase",
        "Old ciphers (DES, RC2) need OpenSSL 3's legacy provider, which Apache does not load; it reports a wrong \
         pass-phrase.",
        "Run esync-ssl enable again with --copy-certs: it asks for the pass-phrase and writes a copy of the key \
         without it.",
    ])
    .words(&["(No supported data to decode. Input type: PEM"]),
    row(&["AH02580", "AH02204"], Code::PassPhraseWrong, StopsStart, [
        "the program of SSLPassPhraseDialog gave no pass-phrase that opens the key",
        "The pass-phrase is wrong, or the program printed nothing or could not be run: Apache reports all of these \
         in the same way.",
        "Run the program by hand with the arguments HOST:PORT RSA: it must print the pass-phrase on one line. Or \
         run esync-ssl enable again with --copy-certs: it asks for the pass-phrase once and writes a copy of the \
         key without it.",
    ]),
    row(&["AH02574", "AH02243"], Code::FileUnreadable, StopsStart, [
        "the private key file cannot be opened",
        "The account that starts Apache may not read it, although httpd -t reports no error.",
        "Windows: icacls FILE /grant \"NT AUTHORITY\\SYSTEM:R\". Unix: chown root FILE && chmod 600 FILE, and start \
         Apache as root.",
    ]),
    row(&["AH02201"], Code::FileUnreadable, StopsStart, [
        "the certificate file cannot be opened",
        "The account that starts Apache may not read it, although httpd -t reports no error.",
        "Windows: icacls FILE /grant \"NT AUTHORITY\\SYSTEM:R\". Unix: chmod 644 FILE, and the folders above it too.",
    ]),
    row(&["AH02562", "AH02561"], Code::FileUnreadable, StopsStart, [
        "the certificate file cannot be opened",
        "The account that starts Apache may not read it, although httpd -t reports no error.",
        "Windows: icacls FILE /grant \"NT AUTHORITY\\SYSTEM:R\". Unix: chmod 644 FILE, and the folders above it too.",
    ])
    .openssl(FOPEN_DENIED),
    row(&["AH02562", "AH02561"], Code::KeyWeak, StopsStart, [
        "the key of the certificate is too short for this OpenSSL",
        "At its security level, OpenSSL refuses RSA keys below 2048 bits.",
        "Make a new key and request, and get a certificate for it: esync-ssl cert request --domain NAME.",
    ])
    .openssl(&["0A00018F", "140AB18F", "140B218F"]),
    row(&["AH02562", "AH02561"], Code::SignatureWeak, StopsStart, [
        "the certificate is signed with MD5 or SHA-1",
        "At its security level, OpenSSL refuses them. The message says \"ca md\" but means the server's \
         certificate.",
        "Get a new certificate, signed with SHA-256.",
    ])
    .openssl(&["0A00018E", "140AB18E", "140B218E", "0A00018D"]),
    row(&["AH02562", "AH02561"], Code::CertNotACertificate, StopsStart, [
        "the certificate file holds no certificate that Apache can see",
        "There is no line BEGIN CERTIFICATE in the first column: the file may hold a key, a request, a PKCS#7 or \
         PFX archive, DER, UTF-16 or indented text.",
        "esync-ssl cert inspect FILE says what it is; esync-ssl cert import unpacks archives.",
    ])
    .openssl(NO_START),
    row(&["AH02562", "AH02561"], Code::CertDamaged, StopsStart, [
        "a certificate in the file is damaged",
        "A part is missing or was changed: cut off, a line lost, or two files joined without a line break.",
        "Copy the file again from where it came from, or export it again as PEM.",
    ]),
    row(&["AH02241"], Code::CertNotACertificate, StopsStart, [
        "the certificate file holds no certificate that this Apache can read",
        "A key, a request, an archive, UTF-16 text or a damaged certificate; Apache up to 2.4.7 reports all of \
         these in the same way.",
        "esync-ssl cert inspect FILE says what it is; esync-ssl cert import unpacks archives.",
    ]),
    row(&["AH02579", "AH02203", "AH02564"], Code::KeyNotAKey, StopsStart, [
        "the key file holds no private key that Apache can read",
        "It may be a certificate (if the two paths are swapped), a key in the format of another program, UTF-16 \
         text or a damaged key. Apache calls it encrypted whenever it cannot read a key; that means nothing.",
        "esync-ssl cert inspect FILE says what it is; name the private key that the request was made with.",
    ]),
    row(&["AH02572", "AH02240", "AH01910"], Code::CertNotNamed, StopsStart, [
        "TLS is on, but no certificate is named",
        "The virtual host has no SSLCertificateFile.",
        "Add SSLCertificateFile and SSLCertificateKeyFile: esync-ssl enable --domain NAME --cert FILE --key FILE.",
    ]),
    row(&["AH02242"], Code::CertTypeTwice, StopsStart, [
        "two certificates of the same key type in a virtual host",
        "Apache up to 2.4.7 takes only one certificate of each type.",
        "Keep one SSLCertificateFile for RSA and one for EC.",
    ]),
    row(&["AH01903", "AH01904"], Code::ChainFileDamaged, StopsStart, [
        "the file of SSLCertificateChainFile is damaged",
        "A certificate in it cannot be read; Apache does not say which file or why.",
        "esync-ssl check names the file; copy it again from the certificate authority.",
    ]),
    row(&["AH01895"], Code::ClientCaUnreadable, StopsStart, [
        "the file or folder for verifying clients holds no certificate",
        "SSLCACertificateFile or SSLCACertificatePath. The server's own chain does not belong there.",
        "Correct the path, or remove the directive when clients have no certificates.",
    ]),
    row(&["AH02231"], Code::TlsProtocols, StopsStart, [
        "SSLProtocol leaves no protocol",
        "Every protocol is switched off.",
        "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1",
    ]),
    row(&["AH02407"], Code::TlsCiphers, StopsStart, [
        "SSLOpenSSLConfCmd asks for something that this OpenSSL does not know",
        "Its first word is known, the second is not: a group, cipher, signature or protocol is misspelled, or \
         belongs to another version of OpenSSL.",
        "Correct it, or remove the line: the defaults are good.",
    ]),
    row(&["AH02287", "AH02286", "AH02288"], Code::DirectiveValue, StopsStart, [
        "the file of SSLSessionTicketKeyFile is not a key for tickets",
        "It must hold at least 48 random bytes.",
        "Remove SSLSessionTicketKeyFile, and Apache makes its own key; or put 48 random bytes into the file.",
    ]),
    row(&["AH02310", "AH02308", "AH02309"], Code::DirectiveValue, StopsStart, [
        "the file of SSLSRPVerifierFile holds no SRP passwords",
        "OpenSSL cannot read it. Hardly any client knows SRP.",
        "Remove SSLSRPVerifierFile, or correct its path.",
    ]),
    row(&["AH01899", "AH01901"], Code::ClientCaUnreadable, StopsStart, [
        "there is no readable list of revoked client certificates",
        "SSLCARevocationCheck needs SSLCARevocationFile or SSLCARevocationPath, with lists in PEM.",
        "Name a list, or SSLCARevocationCheck none.",
    ]),
    row(&[], Code::TlsCiphers, StopsStart, [
        "OpenSSL has no ciphers at all",
        "SSLFIPS is on, and this OpenSSL has no FIPS module.",
        "SSLFIPS off, or install and configure the FIPS module of OpenSSL.",
    ])
    .words(&["library has no ciphers"]),
    row(&["AH01898"], Code::SignatureWeak, StopsStart, [
        "the certificate or its key is too weak for the list of ciphers",
        "The security level in SSLCipherSuite refuses keys or signatures of this kind.",
        "Get a new certificate, with 2048 bits and SHA-256.",
    ])
    .openssl(&["0A00018F", "0A00018E"]),
    row(&["AH01898", "AH10127"], Code::TlsCiphers, StopsStart, [
        "SSLCipherSuite names no cipher that this OpenSSL knows",
        "It may be an old list (RC4, 3DES), or use words such as @SECLEVEL that an old OpenSSL does not know.",
        "SSLCipherSuite HIGH:!aNULL",
    ]),
    row(&["AH01958"], Code::Stapling, StopsStart, [
        "SSLUseStapling is on without a cache",
        "There is no SSLStaplingCache.",
        "Outside all virtual hosts: SSLStaplingCache \"shmcb:logs/ssl_stapling(32768)\"; or SSLUseStapling off.",
    ]),
    row(&["AH02217", "AH02604", "AH02235"], Code::ChainMissing, BreaksClients, [
        "the intermediate certificate is missing",
        "Apache looks for the issuer of its certificate to set up stapling and does not find it, so clients do not \
         receive it either.",
        "Append the intermediate to SSLCertificateFile; up to 2.4.7 name it in SSLCertificateChainFile.",
    ]),
    row(&["AH01974", "AH01941", "AH01980"], Code::Stapling, WorksButWrong, [
        "the OCSP responder of the certificate authority does not answer",
        "A firewall or proxy blocks the way, or it is down. Clients get \"try later\".",
        "Open the way to the responder, or SSLStaplingReturnResponderErrors off and SSLStaplingFakeTryLater off, or \
         SSLUseStapling off.",
    ]),
    row(&["AH01906", "AH01907"], Code::CertIsCa, BreaksClients, [
        "the server's certificate is that of a certificate authority",
        "Many clients refuse it. The intermediate may come before the server's certificate.",
        "Put the server's own certificate first.",
    ]),
    row(&["AH01909"], Code::NameNotCovered, BreaksClients, [
        "the certificate is not made for the ServerName",
        "Apache compares ServerName (or, without one, the name of the machine) with the names in the certificate. \
         It serves the site anyway; clients that use this name refuse it. It does not look at addresses and \
         ServerAlias.",
        "Write the name in the certificate, which clients use, into ServerName of the virtual host; or get a \
         certificate for the name that clients use.",
    ]),
    row(&["AH01914", "AH01915"], Code::TlsOnHttpPort, WorksButWrong, [
        "HTTP and HTTPS are on each other's usual port",
        "The port in ServerName and SSLEngine contradict each other.",
        "Remove the port from ServerName, or move SSLEngine on to the virtual host for port 443.",
    ]),
    row(&["AH01892"], Code::TlsInMainServer, StopsStart, [
        "SSLEngine on is outside the virtual hosts",
        "Up to 2.4.7 the main server and a virtual host cannot both have it.",
        "Move the SSL lines into <VirtualHost *:443>.",
    ]),
    row(&["AH10510"], Code::TlsOff, BreaksClients, [
        "SSLEngine optional means off",
        "This Apache no longer knows \"optional\"; the port speaks plain HTTP.",
        "SSLEngine on",
    ]),
    row(&["AH01873"], Code::SessionCache, Advice, [
        "there is no cache of TLS sessions",
        "It works, but clients that connect again take longer.",
        "SSLSessionCache \"shmcb:logs/ssl_scache(512000)\", with socache_shmcb_module loaded.",
    ]),
    row(&["AH01882"], Code::OpenSslVersion, Advice, [
        "mod_ssl was built for another OpenSSL than the one it has loaded",
        "Harmless within one series; otherwise libraries of another program are found first.",
        "Keep the libraries of the same build next to httpd.",
    ]),
    row(&["AH02292"], Code::VhostShadowed, WorksButWrong, [
        "several TLS virtual hosts share an address and port",
        "Clients that send no server name get the first one's certificate. Of two with one name the second is never used.",
        "esync-ssl status shows which one answers; remove or rename the other one.",
    ]),
    row(&["AH02032"], Code::SniMismatch, WorksButWrong, [
        "a client named one virtual host while it connected and another one in its request",
        "Apache refuses such requests when the two have different TLS settings: proxies and gateways do this.",
        "Give both the same SSL settings, or make them one virtual host with ServerAlias.",
    ]),
    row(&["AH02311"], Code::LogElsewhere, Advice, [
        "the reason is in another log",
        "The virtual host has its own ErrorLog, which is named here.",
        "esync-ssl explain reads every log of the configuration; or name that file.",
    ]),
    row(&["AH01996", "AH02005"], Code::PlainHttp, WorksButWrong, [
        "a client spoke plain HTTP to the TLS port",
        "Its URL has http:// with the port of HTTPS.",
        "Change the URL in the client to https://.",
    ]),
    // Alone, without anything that told more.
    row(&["AH02312"], Code::StartFailed, StopsStart, [
        "mod_ssl gave up",
        "The lines before give the reason. If there are none, look at the ErrorLog of each virtual host.",
        "esync-ssl check looks at every certificate and key.",
    ]),
];
