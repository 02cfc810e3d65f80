//! What commands say to people who type none: without the options that would have been typed, which are answers here.

use crate::operation::Failure;
use crate::refusal::Refusal;

/// Why something was not done, and what helps, where that is no option. The guide has its own ways on.
pub fn failure(failure: &Failure) -> String {
    let halves = match failure.error.downcast_ref::<Refusal>() {
        Some(refusal) => Some((refusal.cause.to_string(), refusal.fix.to_string())),
        None => failure
            .halves()
            .map(|advised| (advised.cause.clone(), advised.fix.clone())),
    };
    match halves {
        Some((cause, fix)) if names_option(&fix) => cause,
        _ => format!("{:#}", failure.error),
    }
}

/// Does a text tell somebody to type an option? One within a command of ours, which is typed as a whole, is none.
fn names_option(text: &str) -> bool {
    let before = text.split("--").next().filter(|before| before.len() < text.len());
    before.is_some_and(|before| !before.contains("esync-ssl "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::RefusalCode;

    #[test]
    fn options_are_left_out_and_commands_stay() {
        for (fix, is_said) in [
            ("Correct them, or continue anyway with --force CERT-IS-CA", false),
            ("--root names it", false),
            ("choose another port", true),
            ("esync-ssl restore --recover puts it back", true),
            ("a - b", true),
            ("", true),
        ] {
            let refused = Failure::refused(Refusal::new(RefusalCode::NoName, "the cause", "; ", fix));
            let said = failure(&refused);
            assert_eq!(said.len() > "the cause".len(), is_said, "{said}");
            assert!(said.starts_with("the cause"), "{said}");
        }
        let plain = Failure::error(anyhow::anyhow!("it broke"));
        assert_eq!(failure(&plain), "it broke");
    }
}
