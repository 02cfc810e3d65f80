//! One file in `/etc/cron.d`.

use std::time::Duration;

use super::marked::marked;
use super::{Error, Task};
use crate::quoted::for_shell;
use crate::server::binary::Binary;

/// When and what. cron does not catch up what it missed; the next time is half a day later.
pub(super) fn file(task: &Task) -> String {
    let [(first, minute), (second, _)] = task.times();
    // To cron, `%` ends the command.
    let command = command(task).replace('%', "\\%");
    marked(&format!(
        "# {}\nSHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
         {minute} {first},{second} * * * root {command}\n",
        task.purpose
    ))
}

/// For a shell.
fn command(task: &Task) -> String {
    let words = [&task.program].into_iter().chain(&task.arguments);
    let words: Vec<String> = words.map(|word| for_shell(word)).collect();
    words.join(" ")
}

/// Nobody can tell cron to run it now, so we do as it does.
pub(super) fn run(task: &Task, patience: Duration) -> Result<Option<i64>, Error> {
    let shell = Binary::of_system("sh")?;
    let said = shell.run_for(&["-c", &command(task)], patience)?;
    Ok(said.status.code().map(i64::from))
}
