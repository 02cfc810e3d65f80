//! One thing that is desired, and the same as it is, in the words of Microsoft DSC (Desired State Configuration 3): property
//! names in camel case, those that DSC itself knows with a line before them. There is no secret in it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::acme::Acme;
use crate::change::{Http, Profile};
use crate::foreign;
use crate::operation::Failure;
use crate::shown::printable;

/// HTTPS of one domain in Apache.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "eSync.Apache/Https"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Instance {
    /// The domain name or IP address that clients use.
    pub domain: String,
    /// Further names of the same site; with `acme` also such as `*.example.com`, which are in the certificate only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The server root; without it the server that runs, or that of a usual place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The port for HTTPS, 443 if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What becomes of HTTP. Read back, it is what the configuration does now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// Protocols and ciphers, by Mozilla's names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Seconds for which browsers are told to use HTTPS only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hsts: Option<u32>,
    /// The server sends proofs that its certificate is not revoked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ocsp_stapling: bool,
    /// HTTP/2 beside HTTP/1.1.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub http2: bool,
    /// The certificate file (PEM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    /// Its private key file; without it, it is looked for beside the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file with the intermediate certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// These files are copied into the server's folder, the key without its pass-phrase.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copy_certs: bool,
    /// A PFX archive with certificate, key and chain, instead of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pfx: Option<String>,
    /// A file whose first line is the pass-phrase of the archive or key. The pass-phrase itself has no place here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<String>,
    /// A certificate authority makes the certificate, by ACME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acme: Option<Acme>,
    /// Certificate and key are made, to try things out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub self_signed: bool,
    /// What is overridden, by its codes: findings to turn HTTPS on, refusals to turn it off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub force: Vec<String>,
    /// A running server is restarted when something was changed, and everything is put back unless it then serves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restart: bool,
    /// Whether there is HTTPS for the domain, or is to be; yes if it is not given.
    #[serde(default, rename = "_exist", skip_serializing_if = "Option::is_none")]
    pub exist: Option<bool>,
    /// The certificate file that is configured. Only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("readOnly" = true)))]
    pub certificate_file: Option<String>,
    /// The last moment of that certificate. Only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("readOnly" = true)))]
    pub not_after: Option<String>,
    /// Whether nothing needs to change. Only read.
    #[serde(default, rename = "_inDesiredState", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("readOnly" = true)))]
    pub in_desired_state: Option<bool>,
    /// What DSC itself is told. Only read.
    #[serde(default, rename = "_metadata", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(extend("readOnly" = true)))]
    pub metadata: Option<Metadata>,
}

/// What DSC itself is told.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// What would be changed, and why.
    #[serde(default)]
    pub what_if: Vec<String>,
}

impl Instance {
    /// Reads one that DSC, or somebody who tries it out, gives as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(bytes: &[u8]) -> Result<Instance, Failure> {
        let wrong = |why: &str| {
            let fix = "esync-ssl dsc schema prints what it may have";
            let why = format!("what was given on the standard input is not a desired state: {why}");
            Err(Failure::with_advice(why, fix))
        };
        let Ok(text) = foreign::text(bytes) else {
            return wrong("it is not UTF-8");
        };
        let instance: Instance = match serde_json::from_str(&text) {
            Ok(instance) => instance,
            Err(error) => return wrong(&printable(error.to_string().as_bytes())),
        };
        let sources = [
            instance.cert.is_some(),
            instance.pfx.is_some(),
            instance.acme.is_some(),
            instance.self_signed,
        ];
        if sources.iter().filter(|is_given| **is_given).count() > 1 {
            return wrong("of cert, pfx, acme and selfSigned one can be given");
        }
        match instance.acme.as_ref().map(Acme::wanted) {
            Some(Err(why)) => wrong(&printable(why.as_bytes())),
            _ => Ok(instance),
        }
    }

    /// Is HTTPS desired for the domain?
    pub fn is_wanted(&self) -> bool {
        self.exist.unwrap_or(true)
    }

    /// The port for HTTPS.
    pub fn https(&self) -> u16 {
        self.port.unwrap_or(443)
    }

    /// What tells which one it is, and nothing of how it is to be.
    pub fn key(&self) -> Instance {
        Instance {
            domain: self.domain.clone(),
            root: self.root.clone(),
            port: self.port,
            ..Instance::default()
        }
    }

    /// The schema that DSC judges every instance by, before a call and after it.
    pub fn schema() -> Value {
        serde_json::from_str(include_str!("instance.json")).expect("it is written by a test")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &[u8]) -> String {
        format!("{:#}", Instance::read(text).expect_err("no instance").error)
    }

    #[test]
    fn what_is_desired_is_read_strictly() {
        let text = r#"{"domain":"a.test","http":"redirect","selfSigned":true,"_exist":true}"#;
        let instance = Instance::read(text.as_bytes()).expect("an instance");
        assert_eq!((instance.http, instance.https()), (Some(Http::Redirect), 443));
        assert_eq!(serde_json::to_string(&instance).unwrap(), text);
        // PowerShell 5 writes a mark before it.
        assert!(Instance::read(b"\xef\xbb\xbf{\"domain\":\"a.test\"}").is_ok());
        assert!(refused(b"").contains("not a desired state"));
        assert!(refused(b"{}").contains("domain"));
        assert!(refused(br#"{"domain":"a.test","passphrase":"x"}"#).contains("passphrase"));
        assert!(refused(br#"{"domain":"a.test","http":"never"}"#).contains("never"));
        assert!(refused(br#"{"domain":"a","cert":"a","pfx":"b"}"#).contains("one can be given"));
        assert!(refused(br#"{"domain":"a","acme":{},"selfSigned":true}"#).contains("one can be given"));
        assert!(refused(br#"{"domain":"a","acme":{"eabKid":"k"}}"#).contains("eabKeyFile"));
        assert!(refused(br#"{"domain":"a","acme":{"eabKey":"k"}}"#).contains("eabKey"));
        assert!(refused(b"[\xff]").contains("UTF-8"));
        let deep = "[".repeat(100_000);
        assert!(refused(deep.as_bytes()).contains("not a desired state"));
    }

    /// `ESYNC_SSL_UPDATE_SCHEMAS=1` writes it anew.
    #[test]
    fn the_schema_is_what_the_type_says() {
        let generator = schemars::generate::SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator();
        let made = generator.into_root_schema_for::<Instance>().to_value();
        if std::env::var_os("ESYNC_SSL_UPDATE_SCHEMAS").is_some_and(|value| value == "1") {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/operation/dsc/instance.json");
            let text = serde_json::to_string_pretty(&made).expect("JSON");
            std::fs::write(file, format!("{text}\n")).expect("the schema");
        } else {
            assert!(
                Instance::schema() == made,
                "if that is meant: ESYNC_SSL_UPDATE_SCHEMAS=1 cargo test --lib schema"
            );
        }
    }

    #[test]
    fn the_schema_takes_nothing_else() {
        let schema = Instance::schema();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], serde_json::json!(["domain"]));
        for name in [
            "_exist",
            "_inDesiredState",
            "_metadata",
            "certificateFile",
            "notAfter",
        ] {
            assert!(schema["properties"][name].is_object(), "{name}: {schema}");
        }
    }
}
