//! What the rest of the server says: listeners, modules, files, syntax.

use super::{Known, row};
use crate::check::Code;
use crate::check::Severity::{Advice, BreaksClients, StopsStart, WorksButWrong};

/// Errors of the operating system: access denied on Unix and Windows.
const DENIED: &[u32] = &[13, 1, 5, 10013];
/// The address is in use: Linux, the BSDs and macOS, Windows.
const IN_USE: &[u32] = &[98, 48, 10048];
/// The machine does not have that address.
const NOT_HERE: &[u32] = &[99, 49, 10049];

/// Says no more than that it failed.
const START_FAILED: &[&str] = &[
    "AH00013", "AH00014", "AH00015", "AH00016", "AH00017", "AH00018", "AH00019", "AH00020", "AH00451",
];

/// Listeners, modules, files, syntax: what does not belong to mod_ssl alone.
pub const SERVER: &[Known] = &[
    row(&["AH00072"], Code::PortTaken, StopsStart, [
        "the port is taken by another program",
        "Only one program can listen on an address and port. Two overlapping Listen lines block each other.",
        "esync-ssl ports shows which program has it; stop that program, use another port, or remove the second \
         Listen.",
    ])
    .os(IN_USE),
    row(&["AH00072"], Code::AddressNotHere, StopsStart, [
        "this machine does not have the address of a Listen",
        "The address in Listen does not belong to any network interface.",
        "Listen 443, without an address.",
    ])
    .os(NOT_HERE),
    row(&["AH00072"], Code::PortForbidden, StopsStart, [
        "Apache may not listen on this port",
        "On Unix ports below 1024 need root. On Windows another program (often http.sys) has the port for itself \
         alone, or the port is in a reserved range.",
        "Unix: Start Apache as root. Windows: esync-ssl ports shows which program has it; netsh int ipv4 show \
         excludedportrange protocol=tcp lists the ranges.",
    ])
    .os(DENIED),
    row(&["AH00072"], Code::PortTaken, StopsStart, [
        "Apache cannot listen on this port",
        "The number at the start of the message is the system's reason.",
        "esync-ssl ports shows which program has it.",
    ]),
    row(&["AH00543"], Code::DirectiveValue, StopsStart, [
        "User names an account that this machine does not have",
        "Apache gives its child processes that account, and looks for it at every start.",
        "Correct the name, or create the account.",
    ]),
    row(&["AH00544"], Code::DirectiveValue, StopsStart, [
        "Group names a group that this machine does not have",
        "Apache gives its child processes that group, and looks for it at every start.",
        "Correct the name, or create the group.",
    ]),
    row(&[], Code::ListenMissing, StopsStart, [
        "no port could be opened",
        "There is no active Listen, or each of them failed.",
        "esync-ssl check shows which; without any, add Listen 443",
    ])
    .words(&["no listening sockets available"]),
    row(&[], Code::ConfigEncoding, StopsStart, [
        "the file is not saved as plain text",
        "It starts with a UTF-8 byte order mark or is UTF-16, or a blank or quotation mark comes from a word \
         processor.",
        "Save it as UTF-8 without a byte order mark; retype the blanks and quotation marks on that line.",
    ])
    .words(&["Invalid command '\\xef\\xbb\\xbf", "Invalid command '\\xff\\xfe", "\\xc2\\xa0", "\\xe2\\x80\\x9", "No MPM loaded"]),
    row(&[], Code::ModuleNotLoaded, StopsStart, [
        "mod_ssl is not loaded",
        "Without it, Apache does not know directives that begin with SSL.",
        "Remove the # before LoadModule ssl_module modules/mod_ssl.so",
    ])
    .words(&["Invalid command 'SSLEngine'", "Invalid command 'SSLCertificateFile'", "Invalid command 'SSLProtocol'", "Invalid command 'SSLCertificateKeyFile'", "Invalid command 'SSLSessionCache'", "Invalid command 'SSLCipherSuite'"])
    .without("mod_ssl.c"),
    row(&[], Code::ModuleNotLoaded, StopsStart, [
        "the module of a directive is not loaded",
        "Header belongs to mod_headers, Rewrite… to mod_rewrite, shmcb to mod_socache_shmcb.",
        "Remove the # before its LoadModule line: headers_module, rewrite_module, socache_shmcb_module.",
    ])
    .words(&["Invalid command 'Header'", "Invalid command 'Rewrite", "session cache not supported"]),
    row(&[], Code::DirectiveUnknown, StopsStart, [
        "Apache does not know a directive",
        "It is misspelled, or its module is not loaded.",
        "esync-ssl lint shows the line and what was probably meant.",
    ])
    .words(&["Invalid command '"]),
    row(
        &["AH00526"],
        Code::VariableUndefined,
        StopsStart,
        [
            "a variable is not defined where it is used",
            "Define comes later, or the name is misspelled; the text ${…} stays in the path unchanged.",
            "Put Define NAME VALUE above the first use.",
        ],
    )
    .words(&["${"]),
    row(&[], Code::FileMissing, StopsStart, [
        "a file that the configuration names does not exist or is empty",
        "The path in the message is how Apache understood it: relative paths start at ServerRoot, a double \
         backslash counts as one, and a service does not see the drive letters of users.",
        "Correct the path, with forward slashes and quotation marks around blanks; or put the file there.",
    ])
    .words(&["does not exist or is empty", "does not exist, or is empty", "source path '"]),
    row(&[], Code::PassPhraseDialog, StopsStart, [
        "SSLPassPhraseDialog has a wrong argument",
        "It takes builtin, exec:PROGRAM or |PROGRAM.",
        "Write exec: and an absolute path.",
    ])
    .words(&["SSLPassPhraseDialog: "]),
    row(&[], Code::TlsProtocols, StopsStart, [
        "SSLProtocol names a protocol that this Apache or its OpenSSL does not know",
        "TLSv1.3 needs httpd 2.4.37 and OpenSSL 1.1.1; SSLv3 is gone.",
        "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1",
    ])
    .words(&["Illegal protocol", "not supported by this version of OpenSSL", "SSLv2 is no longer supported", "protocol '"]),
    row(&[], Code::DirectiveValue, StopsStart, [
        "SSLOpenSSLConfCmd has a command that this OpenSSL does not know",
        "It is misspelled, or belongs to another version of OpenSSL.",
        "Correct it, or remove the line: the defaults are good.",
    ])
    .words(&["invalid OpenSSL configuration command"]),
    row(&[], Code::DirectiveValue, StopsStart, [
        "TLS compression is not available",
        "It lets attackers guess encrypted content (CRIME), and was removed from OpenSSL.",
        "Remove SSLCompression, or SSLCompression off.",
    ])
    .words(&["does not have any compression methods"]),
    row(&[], Code::ListenTwice, StopsStart, [
        "two Listen lines name the same address and port",
        "Often one in httpd.conf and one in an included ssl.conf.",
        "Keep one of them.",
    ])
    .words(&["multiple Listeners on the same IP:port"]),
    row(&[], Code::DirectivePlace, StopsStart, [
        "a directive is in a place where it is not allowed",
        "Some are for the whole server, others for a virtual host or folder.",
        "Move it to where the message says, outside of <VirtualHost> or <Directory>.",
    ])
    .words(&["cannot occur within", "not allowed in"]),
    row(&[], Code::SectionNotClosed, StopsStart, [
        "a section is not closed",
        "Its closing line is missing, or is in another file.",
        "Add it: </VirtualHost>.",
    ])
    .words(&["was not closed"]),
    row(&[], Code::ModuleMissing, StopsStart, [
        "a module file cannot be loaded",
        "The file or a library it needs is missing, or comes from another build (32 and 64 bit, another version).",
        "Correct the path in LoadModule, or install the module and its libraries from the same build as httpd.",
    ])
    .words(&["Cannot load "]),
    row(&[], Code::ServerRoot, StopsStart, [
        "ServerRoot is not a folder",
        "The installation was moved, or the path is misspelled.",
        "Correct ServerRoot, or Define SRVROOT, to the folder that holds conf and modules.",
    ])
    .words(&["ServerRoot must be a valid directory"]),
    row(&[], Code::ConfigUnreadable, StopsStart, [
        "a configuration file cannot be opened",
        "It does not exist, or the account may not read it.",
        "Correct the path: the flag -f of the service, or Include.",
    ])
    .words(&[
        "Could not open configuration file",
        "could not open document config file",
        "Could not open config directory",
    ]),
    row(&[], Code::AlreadyRunning, WorksButWrong, [
        "Apache is already running and has not read the new configuration",
        "It was started instead of restarted.",
        "esync-ssl restart",
    ])
    .words(&[") already running"]),
    row(&[], Code::PassPhraseWrong, StopsStart, [
        "the pass-phrase does not open the key",
        "Apache asks a few times and gives up.",
        "Type the right one. Or run esync-ssl enable again with --copy-certs: it asks for the pass-phrase once and \
         writes a copy of the key without it.",
    ])
    .words(&["Pass phrase incorrect"]),
    row(&["AH00526"], Code::DirectiveValue, StopsStart, [
        "a directive has a wrong argument",
        "Apache gives the reason after file and line. Paths with blanks need quotation marks, a comment needs its \
         own line, and a backslash at the end of a line or before a quotation mark joins it with what follows.",
        "esync-ssl lint shows the line.",
    ]),
    row(&["AH00111"], Code::VariableUndefined, WorksButWrong, [
        "a variable is not defined where it is used",
        "Define comes later, or the name is misspelled; the text ${…} stays unchanged.",
        "Put Define NAME VALUE above the first use.",
    ]),
    row(&["AH02291", "AH02297", "AH00091", "AH00649"], Code::LogFolder, StopsStart, [
        "the folder of a log does not exist or may not be written",
        "Apache does not create folders for its logs.",
        "Create the folder. Windows: icacls FOLDER /grant \"NT AUTHORITY\\SYSTEM:(OI)(CI)M\".",
    ]),
    row(&["AH01574"], Code::ModuleTwice, Advice, [
        "a module is loaded twice",
        "The second LoadModule is ignored.",
        "Remove one of the two.",
    ]),
    row(&["AH00547"], Code::VhostAddress, BreaksClients, [
        "the address of a virtual host is a name that does not resolve",
        "Apache skips the virtual host and continues.",
        "<VirtualHost *:443>",
    ]),
    row(&["AH00112"], Code::DocumentRoot, WorksButWrong, [
        "a DocumentRoot does not exist",
        "Requests get 404.",
        "Correct the path, or create the folder.",
    ]),
    row(&["AH01630", "AH00035"], Code::AccessDenied, WorksButWrong, [
        "a request was refused by the configuration",
        "No <Directory> section allows access to the folder, often because DocumentRoot was changed.",
        "<Directory \"FOLDER\"> Require all granted </Directory>",
    ]),
    row(&["AH00558", "AH00557"], Code::ServerNameMissing, Advice, [
        "there is no ServerName",
        "Apache takes the machine's own name and compares it with the certificate.",
        "Write ServerName, with the name that clients use, above the first <VirtualHost>.",
    ]),
    row(&["AH00427", "AH00428"], Code::ChildEnded, StopsStart, [
        "the child process of Apache keeps ending",
        "It reads the configuration, certificates and keys again, and the account may not read one of them.",
        "Give the account of the service access to certificate and key.",
    ]),
    row(&["AH00435"], Code::ServiceArguments, WorksButWrong, [
        "the service has no arguments",
        "It uses the configuration next to its binary, which may not be the one that was changed.",
        "httpd -k config -n SERVICE -f FILE",
    ]),
    row(&["AH00340", "AH00341"], Code::AcceptFilter, WorksButWrong, [
        "connections fail while they are accepted",
        "A firewall, VPN or virus scanner disturbs AcceptEx of Windows.",
        "AcceptFilter http none, and AcceptFilter https none",
    ]),
    row(START_FAILED, Code::StartFailed, StopsStart, [
        "Apache did not start",
        "The lines before give the reason. If there are none, look at the ErrorLog of each virtual host and, on \
         Windows, at the event log.",
        "esync-ssl check looks for causes in the configuration, the certificates and the ports.",
    ]),
];
