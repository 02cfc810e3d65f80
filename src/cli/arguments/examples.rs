//! The examples of every help text. A test has clap read each of these lines.

pub const ALL: &str = r"
  See what would be written, with a certificate made to try things out:
    esync-ssl enable --domain esync.example.com --self-signed --dry-run
  Look at the certificates and the configuration of a server on Windows:
    esync-ssl check --root C:\eSync\Apache24
";

pub const ENABLE: &str = r"
  See what would be written, with a certificate made to try things out:
    esync-ssl enable --domain esync.example.com --self-signed --dry-run
  With a PFX archive on Windows; Apache is restarted and must prove it:
    esync-ssl enable --domain esync.example.com --pfx C:\eSync\my.pfx --restart
  With PEM files on Linux; HTTP stays and leads to HTTPS:
    esync-ssl enable --domain a.example --cert a.crt --key a.key --http redirect
";

pub const GUIDE: &str = r"
  Be asked about the server of this machine:
    esync-ssl guide
  The same about one that is not found by itself, on Windows:
    esync-ssl guide --root D:\eSync\Apache24
";

pub const DISABLE: &str = r"
  See what would go, on Windows:
    esync-ssl disable --root C:\eSync\Apache24 --dry-run
  Turn HTTPS off for one domain, and restart Apache:
    esync-ssl disable --domain www.example.com --restart
";

pub const APPLY: &str = r"
  Save a plan with enable -n --save-plan FILE, look at it, then apply it:
    esync-ssl apply esync.plan
  On Windows, without a question; Apache is restarted and must prove it:
    esync-ssl apply C:\eSync\esync.plan --yes --restart
";

pub const BACKUPS: &str = r"
  List what writing commands changed:
    esync-ssl backups
  The same of a server on Windows, for a program:
    esync-ssl backups --root C:\eSync\Apache24 --json
";

pub const RESTORE: &str = r"
  Undo the newest change, on Windows, and restart Apache:
    esync-ssl restore --root C:\eSync\Apache24 --restart
  Undo an older one, and keep what was edited by hand since:
    esync-ssl restore 20260302T064500Z-1 --merge
";

pub const DOCTOR: &str = r"
  Everything that is wrong with a server on Windows, and what to do next:
    esync-ssl doctor --root C:\eSync\Apache24
  For one name, and do what helps, one by one:
    esync-ssl doctor --domain www.example.com --fix
";

pub const CHECK: &str = r"
  Everything that keeps TLS from working, on Windows:
    esync-ssl check --root C:\eSync\Apache24
  Files, before they are used:
    esync-ssl check --domain www.example.com --cert www.crt --key www.key
";

pub const EXPLAIN: &str = r"
  Why Apache did not start the last time:
    esync-ssl explain
  One log on Windows, the last two hours of it:
    esync-ssl explain C:\eSync\Apache24\logs\error.log --since 2h
";

pub const SCHEMA: &str = r"
  What programs may rely on in the documents of one command:
    esync-ssl schema enable
  Of all commands in one schema:
    esync-ssl schema
";

pub const PORTS: &str = r"
  Who has port 80 or 443, on Windows:
    esync-ssl ports --root C:\eSync\Apache24
  The same of a server on Linux, for a program:
    esync-ssl ports --root /etc/apache2 --json
";

pub const RESTART: &str = r"
  Restart Apache on Windows, if nothing would keep it from starting:
    esync-ssl restart --root C:\eSync\Apache24
  Let requests that are under way finish first, on Linux:
    esync-ssl restart --graceful
";

pub const VERIFY: &str = r"
  What clients see of every site that speaks TLS, on Windows:
    esync-ssl verify --root C:\eSync\Apache24
  One name on another machine, with an authority of your own:
    esync-ssl verify --domain a.example --address 192.0.2.7:443 --ca ca.crt
";

pub const RENEW: &str = r"
  See what is due, of a server on Windows; nobody is asked:
    esync-ssl renew --root C:\eSync\Apache24 --dry-run
  For cron, a timer or the Task Scheduler, twice a day:
    esync-ssl renew --scheduled --root /etc/apache2
  Tell a program of yours when something fails:
    esync-ssl renew --hook /usr/local/sbin/tell-me
  From now on, from what the company's authority exports:
    esync-ssl renew www.example.com --from /srv/drop/www.example.com.pfx
";

pub const CERTIFICATES: &str = r"
  Which ends first, and who renews it, of a server on Windows:
    esync-ssl certificates --root C:\eSync\Apache24
  The same for a program:
    esync-ssl certificates --json
";

pub const DEVICES: &str = r"
  What eWON gateways need, and what to type into eCatcher:
    esync-ssl devices --domain esync.example.com --path /esync/m2u
  Send a sample once, from a machine on Windows:
    esync-ssl devices --domain a.example --path /m2u --ca C:\ca.crt --send
";

pub const REPORT: &str = r"
  List what would be inside:
    esync-ssl report --dry-run
  Write it, on Windows:
    esync-ssl report C:\eSync\report.txt --yes
  A page for people, to hand over or to print:
    esync-ssl report --html esync.html
";

pub const DSC: &str = r"
  The actual state of what a file desires, on Windows:
    Get-Content C:\eSync\https.json | esync-ssl dsc get
  What a desired state may have:
    esync-ssl dsc schema
";

pub const DSC_GET: &str = r"
  The actual state of what a file desires, on Windows:
    Get-Content C:\eSync\https.json | esync-ssl dsc get
  On Linux, in a server root:
    cat https.json | esync-ssl dsc get --root /etc/apache2
";

pub const DSC_TEST: &str = r"
  Whether it is as a file desires, on Windows:
    Get-Content C:\eSync\https.json | esync-ssl dsc test
  On Linux, in a server root:
    cat https.json | esync-ssl dsc test --root /etc/apache2
";

pub const DSC_SET: &str = r"
  What would be changed, on Windows:
    Get-Content C:\eSync\https.json | esync-ssl dsc set --what-if
  Change it, on Linux:
    cat https.json | esync-ssl dsc set
";

pub const DSC_SCHEMA: &str = r"
  Print it:
    esync-ssl dsc schema
  Keep it in a file:
    esync-ssl dsc schema > https.schema.json
";

pub const CERT: &str = r"
  What these files are, and which belong together:
    esync-ssl cert inspect server.crt server.key ca.crt
  Make PEM files of a PFX archive, on Windows:
    esync-ssl cert import C:\eSync\my.pfx --out-dir C:\eSync\pem
";

pub const CERT_INSPECT: &str = r"
  What these files are, and which belong together:
    esync-ssl cert inspect server.crt server.key ca.crt
  An archive on Windows, with its pass-phrase in a file:
    esync-ssl cert inspect C:\eSync\my.pfx --passphrase-file C:\eSync\phrase.txt
";

pub const CERT_SELF_SIGNED: &str = r"
  For two names, in this folder:
    esync-ssl cert self-signed --domain www.example.com example.com
  For 90 days, with a key of a chosen name on Windows:
    esync-ssl cert self-signed --domain a.test --days 90 --out-key C:\my.key
";

pub const CERT_REQUEST: &str = r"
  A new key and a request to send to the certificate authority, on Windows:
    esync-ssl cert request --domain esync.example.com --out-key C:\eSync\my.key
  Renew with the key that there is:
    esync-ssl cert request --domain www.example.com --key www.key
";

pub const CERT_DECRYPT_KEY: &str = r"
  On Windows; the pass-phrase is asked for:
    esync-ssl cert decrypt-key C:\eSync\locked.key C:\eSync\server.key
  With the pass-phrase in a file:
    esync-ssl cert decrypt-key locked.key my.key --passphrase-file phrase.txt
";

pub const CERT_IMPORT: &str = r"
  On Windows, into a folder:
    esync-ssl cert import C:\eSync\my.pfx --out-dir C:\eSync\pem
  As www.key, www.crt and www.chain.crt in this folder:
    esync-ssl cert import www.p12 --name www
";

pub const CERT_INSTALL: &str = r"
  See what would be written into conf\ssl, on Windows:
    esync-ssl cert install --root C:\eSync\Apache24 --pfx C:\eSync\my.pfx -n
  Install PEM files on Linux, checked for the name that clients use:
    esync-ssl cert install --cert a.crt --key a.key --domain www.example.com
";

pub const ACME: &str = r"
  Whether enable --acme would get a certificate, before anything is ordered:
    esync-ssl acme check esync.example.com
  The account of a server on Windows:
    esync-ssl acme account show --root C:\eSync\Apache24
";

pub const ACME_CHECK: &str = r"
  What would keep the authority from making a certificate, on Windows:
    esync-ssl acme check esync.example.com --root C:\eSync\Apache24
  Two names, at the authority of a company:
    esync-ssl acme check a.lan b.lan --ca https://ca.lan/dir --ca-root ca.crt
";

pub const ACME_ACCOUNT: &str = r"
  Show it:
    esync-ssl acme account show
  Take over that of certbot:
    esync-ssl acme account import /etc/letsencrypt/accounts
";

pub const ACME_ACCOUNT_SHOW: &str = r"
  At Let's Encrypt, of a server on Windows:
    esync-ssl acme account show --root C:\eSync\Apache24
  At another authority, for a program:
    esync-ssl acme account show --ca https://ca.lan/dir --json
";

pub const ACME_ACCOUNT_DEACTIVATE: &str = r"
  Of a server on Windows that is given away:
    esync-ssl acme account deactivate --root C:\eSync\Apache24
  That of trials, without a question:
    esync-ssl acme account deactivate --ca letsencrypt-staging --yes
";

pub const ACME_ACCOUNT_ROLL_KEY: &str = r"
  Others may have seen the key, on Windows:
    esync-ssl acme account roll-key --root C:\eSync\Apache24
  At another authority:
    esync-ssl acme account roll-key --ca https://ca.lan/dir
";

pub const ACME_ACCOUNT_EXPORT: &str = r"
  For another machine, on Windows:
    esync-ssl acme account export C:\eSync\account
  That at another authority:
    esync-ssl acme account export account --ca https://ca.lan/dir
";

pub const ACME_ACCOUNT_IMPORT: &str = r"
  That of certbot:
    esync-ssl acme account import /etc/letsencrypt/accounts
  What was exported on another machine, on Windows:
    esync-ssl acme account import C:\eSync\account
";

pub const ACME_REVOKE: &str = r"
  By the account that ordered it, on Windows:
    esync-ssl acme revoke C:\eSync\Apache24\conf\ssl\a.crt
  With its own key, which others may have:
    esync-ssl acme revoke a.crt --key a.key --reason key-compromise
";

pub const SCHEDULE: &str = r"
  Renew the certificates that enable --acme ordered, twice a day:
    esync-ssl schedule on
  Whether that is so, and how it went the last time, on Windows:
    esync-ssl schedule show --root C:\eSync\Apache24
";

pub const SCHEDULE_ON: &str = r"
  See the task that Windows would get:
    esync-ssl schedule on --root C:\eSync\Apache24 --dry-run
  Without a question, with a program that is told when something fails:
    esync-ssl schedule on --hook /usr/local/sbin/tell-me --yes
";

pub const SCHEDULE_OFF: &str = r"
  See what would go, on Windows:
    esync-ssl schedule off --root C:\eSync\Apache24 --dry-run
  Without a question:
    esync-ssl schedule off --yes
";

pub const SCHEDULE_SHOW: &str = r"
  Of a server on Windows:
    esync-ssl schedule show --root C:\eSync\Apache24
  For a program:
    esync-ssl schedule show --json
";

pub const STATUS: &str = r"
  What the server that runs here serves:
    esync-ssl status
  One on Windows, whether it runs or not:
    esync-ssl status --root C:\eSync\Apache24
";

pub const LINT: &str = r"
  Everything that is wrong with a configuration on Windows:
    esync-ssl lint --root C:\eSync\Apache24
  Errors only, of one main file on Linux:
    esync-ssl lint --config /etc/apache2/apache2.conf --quiet
";

pub const DUMP: &str = r"
  Every Listen that there is, on Windows:
    esync-ssl dump --root C:\eSync\Apache24 --directive Listen
  What one file of the configuration gives:
    esync-ssl dump --file sites-enabled/esync.conf
";

pub const VERSION: &str = r"
  Which build this is, for support:
    esync-ssl version
  The same for programs:
    esync-ssl version --json
";

pub const COMPLETIONS: &str = r"
  PowerShell on Windows, in this session; in $PROFILE for every one:
    esync-ssl completions powershell | Out-String | Invoke-Expression
  Bash on Linux, for everybody:
    esync-ssl completions bash > /etc/bash_completion.d/esync-ssl
";

pub const MAN: &str = r"
  For everybody on this machine; then: man esync-ssl-enable
    esync-ssl man /usr/local/share/man/man1
  For a package, reproducibly:
    SOURCE_DATE_EPOCH=1767225600 esync-ssl man build/man
";
