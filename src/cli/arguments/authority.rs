//! The options for a certificate authority that is asked by ACME.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use super::values;
use crate::operation::obtain::{AnswerBy, Authority, DnsHook, Wanted, mail_address};

/// Which certificate authority makes the certificate, and how it is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Certificate authority")]
pub struct AuthorityOptions {
    /// Have a certificate authority make the certificate now, by ACME
    ///
    /// Of Let's Encrypt it costs nothing, and all browsers trust it. The names must lead to this server, from everywhere.
    #[arg(long, conflicts_with_all = ["cert", "key", "chain", "pfx"], help_heading = "Certificate")]
    pub acme: bool,
    /// The authority: letsencrypt, letsencrypt-staging (for --rehearse), or the address of an ACME directory
    #[arg(long, value_name = "CA", default_value = "letsencrypt", requires = "acme")]
    pub ca: Authority,
    /// Agree to the terms of the authority
    ///
    /// Without it they are named and asked about; an unattended run needs it.
    #[arg(long, requires = "acme")]
    pub agree_terms: bool,
    /// Address that the authority may write to (can be repeated)
    ///
    /// Let's Encrypt does not use it anymore.
    #[arg(long, value_name = "ADDRESS", requires = "acme", value_parser = mail_address)]
    pub email: Vec<String>,
    /// File with root certificates (PEM) that are trusted as well when the authority is asked
    ///
    /// Those of a company's own authority, or of a proxy that opens TLS.
    #[arg(long, value_name = "FILE", requires = "acme")]
    pub ca_root: Option<Utf8PathBuf>,
    /// Kind of certificate, by the authority's own word
    #[arg(long, value_name = "PROFILE", requires = "acme")]
    pub ca_profile: Option<String>,
    /// Identifier of the account that the authority knows you by (EAB)
    #[arg(long, value_name = "ID", requires = "acme", requires = "eab_key_file")]
    pub eab_kid: Option<String>,
    /// File with the key that belongs to it, as the authority gave it
    #[arg(long, value_name = "FILE", requires = "eab_kid")]
    pub eab_key_file: Option<Utf8PathBuf>,
    /// HTTP proxy on the way to the authority [default: HTTPS_PROXY of the environment]
    #[arg(long, value_name = "URL", requires = "acme")]
    pub proxy: Option<String>,
    /// Who answers when the authority looks whether the names lead here
    #[arg(long, value_enum, value_name = "WHO", default_value_t = AnswerChoice::Auto, requires = "acme")]
    pub answer: AnswerChoice,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dns: DnsOptions,
    /// Have what is due renewed twice a day as well, as `esync-ssl schedule on` does
    ///
    /// Without it, it is offered where somebody is there to answer.
    #[arg(long, requires = "acme", conflicts_with = "rehearse")]
    pub schedule: bool,
    /// Take the certificate over that certbot, acme.sh, lego or win-acme renews
    ///
    /// It is ordered on trial first, then again, and the configuration reads the new files. Those of the other program stay as they
    /// are. What turns it off is told, also by `check`, until it is off.
    #[arg(long, requires = "acme")]
    pub adopt: bool,
    /// Order, check and rehearse, then throw the certificate away; the server stays as it is
    ///
    /// At Let's Encrypt its staging is asked, which has other limits.
    #[arg(long, requires = "acme", conflicts_with_all = ["dry_run", "restart", "start"])]
    pub rehearse: bool,
}

/// The choices of `--answer`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum AnswerChoice {
    /// Whoever can, by who has the ports now
    Auto,
    /// This program, for some seconds, on port 443 or 80
    Listener,
    /// Apache, on port 80
    Apache,
    /// The program of --dns-hook, by a record in DNS
    DnsHook,
    /// This program, on port 443, for which Apache is stopped for some seconds
    Handover,
    /// Apache's mod_md, where it is loaded, on port 443 and out of its own store
    #[value(name = "mod_md")]
    ModMd,
}

impl From<AnswerChoice> for AnswerBy {
    fn from(choice: AnswerChoice) -> AnswerBy {
        match choice {
            AnswerChoice::Auto => AnswerBy::Any,
            AnswerChoice::Listener => AnswerBy::Listener,
            AnswerChoice::Apache => AnswerBy::Apache,
            AnswerChoice::DnsHook => AnswerBy::DnsHook,
            AnswerChoice::Handover => AnswerBy::Handover,
            AnswerChoice::ModMd => AnswerBy::ModMd,
        }
    }
}

/// How an authority is answered in DNS.
#[derive(Debug, Args)]
pub struct DnsOptions {
    /// Program that makes records in DNS, by which names are proven: PROGRAM present|cleanup NAME VALUE
    ///
    /// It is then the one that answers. Names of the form *.example.com (--alias) can be proven in no other way. It is given
    /// the whole name with a full stop at its end, and the value of a TXT record that stands beside any others of that name.
    #[arg(
        long,
        value_name = "PROGRAM",
        required_if_eq("answer", "dns-hook"),
        help_heading = "Certificate authority"
    )]
    pub dns_hook: Option<Utf8PathBuf>,
    /// Seconds until all name servers of the zone must show the record
    ///
    /// They are asked themselves; where they cannot be, so long is waited.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = DnsHook::USUAL_WAIT,
        value_parser = values::whole::<u32>,
        requires = "dns_hook",
        help_heading = "Certificate authority"
    )]
    pub dns_wait: u32,
}

impl DnsOptions {
    /// The program, if one is named.
    pub fn hook(&self) -> Option<DnsHook> {
        let hook = |program: &Utf8PathBuf| DnsHook {
            // Noted for the next run, which may begin elsewhere.
            program: std::path::absolute(program).unwrap_or_else(|_| program.into()),
            patience: Duration::from_secs(self.dns_wait.into()),
        };
        self.dns_hook.as_ref().map(hook)
    }
}

/// Which certificate authority is asked, where nothing is ordered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Certificate authority")]
pub struct AskedAuthority {
    /// The authority: letsencrypt, letsencrypt-staging, or the address of an ACME directory
    #[arg(long, value_name = "CA", default_value = "letsencrypt")]
    pub ca: Authority,
    /// File with root certificates (PEM) that are trusted as well when the authority is asked
    ///
    /// Those of a company's own authority, or of a proxy that opens TLS.
    #[arg(long, value_name = "FILE")]
    pub ca_root: Option<Utf8PathBuf>,
    /// HTTP proxy on the way to the authority [default: HTTPS_PROXY of the environment]
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
}

impl AskedAuthority {
    /// Whom to ask, and how.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            authority_root: self.ca_root.as_ref().map(Into::into),
            proxy: self.proxy.clone(),
            ..Wanted::of(self.ca.clone())
        }
    }
}

impl AuthorityOptions {
    /// What is to be ordered.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            authority_root: self.ca_root.as_ref().map(Into::into),
            email: self.email.clone(),
            agrees_to_terms: self.agree_terms,
            profile: self.ca_profile.clone(),
            external_account: self
                .eab_kid
                .clone()
                .zip(self.eab_key_file.as_ref().map(Into::into)),
            proxy: self.proxy.clone(),
            answer: self.answer.into(),
            dns_hook: self.dns.hook(),
            adopts: self.adopt,
            rehearses: self.rehearse,
            ..Wanted::of(self.ca.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::dsc::Answer;

    /// A desired state of DSC has the words of the command line.
    #[test]
    fn who_answers_has_one_word() {
        for choice in AnswerChoice::value_variants() {
            let word = choice.to_possible_value().expect("a word").get_name().to_owned();
            let answer: Answer = serde_json::from_value(word.clone().into()).expect("its word");
            assert_eq!(AnswerBy::from(*choice), AnswerBy::from(answer), "{word}");
        }
    }
}
