//! How a certificate authority is asked, in the words of DSC: those that `enable` has for it.

use std::path::absolute;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::operation::obtain::{AnswerBy, Authority, DnsHook, Wanted, mail_address};

/// A certificate that an authority makes by ACME. One that was ordered stays until it is due.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acme {
    /// `letsencrypt`, which is meant if it is not given, or the address of an ACME directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The terms of the authority are agreed to. The first order needs it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agree_terms: bool,
    /// Addresses that the authority may write to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub email: Vec<String>,
    /// A file with root certificates (PEM) that are trusted as well when the authority is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_root: Option<String>,
    /// The kind of certificate, by the authority's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The identifier of the account that the authority knows you by (external account binding).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eab_kid: Option<String>,
    /// The file with the key that belongs to it, as the authority gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eab_key_file: Option<String>,
    /// The HTTP proxy on the way to the authority, without a password: one with a password goes into HTTPS_PROXY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Who answers when the authority looks whether the names lead here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The program that makes records in DNS, by which names are proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_hook: Option<String>,
    /// Seconds until all name servers of the zone must show the record, 60 if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_wait: Option<u32>,
    /// The certificate is taken over that certbot, acme.sh, lego or win-acme renews.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
}

/// Who answers the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Whoever can, by who has the ports.
    Auto,
    /// esync-ssl, for some seconds, on port 443 or 80.
    Listener,
    /// Apache, on port 80.
    Apache,
    /// The program of `dnsHook`.
    DnsHook,
    /// esync-ssl, on port 443, for which Apache is stopped for some seconds.
    Handover,
    /// Apache's mod_md, where it is loaded.
    #[serde(rename = "mod_md")]
    ModMd,
}

impl From<Answer> for AnswerBy {
    fn from(answer: Answer) -> AnswerBy {
        match answer {
            Answer::Auto => AnswerBy::Any,
            Answer::Listener => AnswerBy::Listener,
            Answer::Apache => AnswerBy::Apache,
            Answer::DnsHook => AnswerBy::DnsHook,
            Answer::Handover => AnswerBy::Handover,
            Answer::ModMd => AnswerBy::ModMd,
        }
    }
}

impl Acme {
    /// What is to be ordered.
    ///
    /// # Errors
    /// What of it cannot be meant.
    pub fn wanted(&self) -> Result<Wanted, String> {
        let authority = match &self.ca {
            None => Authority::LetsEncrypt,
            Some(word) => word
                .parse::<Authority>()
                .map_err(|why| format!("acme.ca: {why}"))?,
        };
        for address in &self.email {
            mail_address(address).map_err(|why| format!("acme.email: {why}"))?;
        }
        if self.proxy.as_ref().is_some_and(|proxy| proxy.contains('@')) {
            return Err("acme.proxy: a password has no place here; put the address into HTTPS_PROXY".into());
        }
        let external_account = match (&self.eab_kid, &self.eab_key_file) {
            (Some(kid), Some(file)) => Some((kid.clone(), file.into())),
            (None, None) => None,
            _ => return Err("acme.eabKid and acme.eabKeyFile can only be given together".into()),
        };
        if self.dns_hook.is_none() && (self.answer == Some(Answer::DnsHook) || self.dns_wait.is_some()) {
            return Err("acme.dnsHook is missing, which names the program that answers in DNS".into());
        }
        let hook = |program: &String| DnsHook {
            // Noted for the next run, which may begin elsewhere.
            program: absolute(program).unwrap_or_else(|_| program.into()),
            patience: Duration::from_secs(self.dns_wait.unwrap_or(DnsHook::USUAL_WAIT).into()),
        };
        Ok(Wanted {
            authority_root: self.ca_root.as_ref().map(Into::into),
            email: self.email.clone(),
            agrees_to_terms: self.agree_terms,
            profile: self.profile.clone(),
            external_account,
            proxy: self.proxy.clone(),
            answer: self.answer.map_or(AnswerBy::Any, Into::into),
            dns_hook: self.dns_hook.as_ref().map(hook),
            adopts: self.adopt,
            ..Wanted::of(authority)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Result<Wanted, String> {
        serde_json::from_str::<Acme>(text).expect("its fields").wanted()
    }

    #[test]
    fn it_is_what_enable_would_order() {
        let order = wanted("{}").expect("an order");
        assert_eq!(
            (order.authority, order.answer),
            (Authority::LetsEncrypt, AnswerBy::Any)
        );
        assert!(!order.agrees_to_terms);
        let order = wanted(
            r#"{"ca":"https://ca.test/dir","agreeTerms":true,"email":["a@b.test"],"caRoot":"root.pem","profile":"short",
            "eabKid":"k","eabKeyFile":"f","answer":"dns-hook","dnsHook":"/bin/hook","dnsWait":5,"adopt":true}"#,
        );
        let order = order.expect("an order");
        assert_eq!(order.authority.directory(), "https://ca.test/dir");
        assert!(order.agrees_to_terms && order.adopts && !order.rehearses);
        assert_eq!(order.profile.as_deref(), Some("short"));
        assert_eq!(order.external_account, Some(("k".into(), "f".into())));
        let hook = order.dns_hook.expect("a program");
        assert_eq!(
            (order.answer, hook.patience),
            (AnswerBy::DnsHook, Duration::from_secs(5))
        );
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (text, words) in [
            (r#"{"ca":"http://ca.test/"}"#, "acme.ca: "),
            (r#"{"email":["nobody"]}"#, "acme.email: "),
            (r#"{"eabKid":"k"}"#, "acme.eabKeyFile"),
            (r#"{"answer":"dns-hook"}"#, "acme.dnsHook"),
            (r#"{"dnsWait":1}"#, "acme.dnsHook"),
            (r#"{"proxy":"http://me:secret@proxy.test"}"#, "HTTPS_PROXY"),
        ] {
            let why = wanted(text).err().unwrap_or_default();
            assert!(why.contains(words) && !why.contains("secret"), "{text}: {why}");
        }
    }
}
