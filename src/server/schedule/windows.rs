//! A task of the Task Scheduler, as XML that `schtasks` takes. Its answers are in the language of the system, so only their
//! places count.

use super::{Ended, Error, File, MINUTES, Seen, Task, ask};

/// SYSTEM.
const ACCOUNT: &str = "S-1-5-18";
/// What the scheduler says of a task that runs, and of one that never ran.
const RUNS: i64 = 0x41301;
const NEVER_RAN: i64 = 0x41303;

/// The task: twice a day, up to an hour later by chance, soon after a start of the machine that missed it, not twice at once,
/// and not for ever.
pub(super) fn xml(task: &Task) -> String {
    let late = match task.late() {
        60 => "PT1H".to_owned(),
        minutes => format!("PT{minutes}M"),
    };
    let trigger = |(hour, minute): (u32, u32)| {
        format!(
            "    <CalendarTrigger>\r\n      <StartBoundary>2026-01-01T{hour:02}:{minute:02}:00</StartBoundary>\r\n      \
             <RandomDelay>{late}</RandomDelay>\r\n      <ScheduleByDay>\r\n        <DaysInterval>1</DaysInterval>\r\n      \
             </ScheduleByDay>\r\n    </CalendarTrigger>\r\n"
        )
    };
    let triggers: String = task.times().into_iter().map(trigger).collect();
    let settings: String = [
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("AllowHardTerminate", "true"),
        ("StartWhenAvailable", "true"),
        ("RunOnlyIfNetworkAvailable", "false"),
        ("Enabled", "true"),
        ("WakeToRun", "false"),
        ("ExecutionTimeLimit", &format!("PT{MINUTES}M")),
    ]
    .iter()
    .map(|(name, value)| format!("    <{name}>{value}</{name}>\r\n"))
    .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n  \
         <RegistrationInfo>\r\n    <Author>esync-ssl</Author>\r\n    <Description>{}</Description>\r\n  \
         </RegistrationInfo>\r\n  <Triggers>\r\n{triggers}  </Triggers>\r\n  <Principals>\r\n    \
         <Principal id=\"System\">\r\n      <UserId>{ACCOUNT}</UserId>\r\n      <RunLevel>HighestAvailable</RunLevel>\r\n    \
         </Principal>\r\n  </Principals>\r\n  <Settings>\r\n{settings}  </Settings>\r\n  <Actions Context=\"System\">\r\n    \
         <Exec>\r\n      <Command>{}</Command>\r\n      <Arguments>{}</Arguments>\r\n    </Exec>\r\n  </Actions>\r\n</Task>\r\n",
        escaped(&task.purpose),
        escaped(&task.program),
        escaped(&arguments(task))
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// As programs of Windows read their command line.
fn arguments(task: &Task) -> String {
    let words: Vec<String> = task.arguments.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// No word has a quotation mark; what is before the last one is not to escape it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./=:\\".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    let end = word.len() - word.trim_end_matches('\\').len();
    format!("\"{word}{}\"", "\\".repeat(end))
}

pub(super) fn begin(task: &Task, files: &[File]) -> Result<(), Error> {
    let path = files.first().map(|file| file.path.display().to_string());
    let path = path.unwrap_or_default();
    ask(
        "schtasks.exe",
        &["/create", "/tn", &task.name, "/xml", &path, "/f"],
    )?;
    Ok(())
}

pub(super) fn end(task: &Task) -> Result<(), Error> {
    ask("schtasks.exe", &["/delete", "/tn", &task.name, "/f"]).map(|_| ())
}

pub(super) fn start(task: &Task) -> Result<(), Error> {
    ask("schtasks.exe", &["/run", "/tn", &task.name]).map(|_| ())
}

pub(super) fn look(task: &Task) -> Result<Seen, Error> {
    let registered = match ask("schtasks.exe", &["/query", "/tn", &task.name, "/xml"]) {
        Ok(registered) => registered,
        // It is not there; its words are in the language of the system.
        Err(Error::Refused(_)) => {
            return Ok(Seen {
                is_on: Some(false),
                ..Seen::default()
            });
        }
        Err(silent) => return Err(silent),
    };
    // What answers nothing, as that of wine does, tells nothing.
    let tells = registered.contains("<Task");
    let has = |name: &str, value: &str| registered.contains(&format!("<{name}>{value}</{name}>"));
    let line = details(task)?;
    let field = |place: usize| line.as_ref().and_then(|line| line.get(place)).cloned();
    let status = field(6).and_then(|status| status.parse().ok());
    let has_run = status.is_some_and(|status: i64| status != NEVER_RAN);
    Ok(Seen {
        is_on: tells.then(|| !has("Enabled", "false")),
        is_as_written: tells
            .then(|| has("Command", &escaped(&task.program)) && has("Arguments", &escaped(&arguments(task)))),
        next: field(2),
        last: field(5).filter(|_| has_run),
        status: status.filter(|status| has_run && *status != RUNS),
    })
}

pub(super) fn ended(task: &Task) -> Result<Ended, Error> {
    let status = details(task)?.and_then(|line| line.get(6)?.parse().ok());
    Ok(match status {
        Some(RUNS | NEVER_RAN) => Ended::NotYet,
        Some(status) => Ended::With(status),
        None => Ended::NotTold,
    })
}

/// Host, name, next run, status, logon, last run, last result, and more; by place, as the words are translated.
fn details(task: &Task) -> Result<Option<Vec<String>>, Error> {
    let text = ask(
        "schtasks.exe",
        &["/query", "/tn", &task.name, "/v", "/fo", "csv", "/nh"],
    )?;
    Ok(text.lines().find(|line| line.contains(&task.name)).map(fields))
}

/// The fields of a line of comma-separated values.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut is_quoted) = (vec![String::new()], false);
    for letter in line.trim().chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            letter => fields.last_mut().into_iter().for_each(|field| field.push(letter)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_a_german_windows_is_read_by_its_places() {
        let line = r#""PC","\esync-ssl-renew-1","30.11.2026 03:17:00","Bereit","Interaktiv/Hintergrund","29.11.2026 15:41:12","17","esync-ssl","C:\p\e.exe renew, --x","N/V""#;
        let fields = fields(line);
        assert_eq!(
            (fields[2].as_str(), fields[6].as_str()),
            ("30.11.2026 03:17:00", "17")
        );
        assert_eq!(fields[8], r"C:\p\e.exe renew, --x");
    }

    #[test]
    fn words_for_programs_of_windows() {
        for (word, expected) in [
            (r"C:\eSync\Apache24", r"C:\eSync\Apache24"),
            (r"C:\Program Files\a", r#""C:\Program Files\a""#),
            (r"C:\a b\", r#""C:\a b\\""#),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
