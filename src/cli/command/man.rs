//! `esync-ssl man`.

use crate::cli::arguments::Man;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, NewFiles, Reported};

/// Runs the command.
pub fn run(arguments: &Man, printer: &Printer) -> Result<ExitStatus, Failure> {
    let mut files = NewFiles::default();
    for page in render::man::pages(std::env::var_os("SOURCE_DATE_EPOCH").as_deref())? {
        let path = arguments.folder.join(page.file);
        let told = Reported {
            file: path.to_string(),
            reason: page.about,
        };
        files.add(path.as_std_path(), &page.text, told)?;
    }
    render::new_files::tell(&files.finish(false, Vec::new())?, printer);
    Ok(ExitStatus::Done)
}
