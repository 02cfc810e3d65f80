//! The program of `--hook`, which is told of what failed: the document of the run is what it reads. What `schedule on` was
//! given is kept for the runs of the scheduler.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::failure::Failure;
use super::super::hooked;
use super::super::obtain::State;
use crate::apply::Name;
use crate::server::program::Program;

/// How long it may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where it is kept.
const FILE: &str = "hook.json";

#[derive(Serialize, Deserialize)]
struct Kept {
    schema: u32,
    program: Name,
}

/// The program that scheduled runs tell.
///
/// # Errors
/// When it cannot be read which.
pub fn kept(state: &State) -> Result<Option<PathBuf>, Failure> {
    let bytes = state.kept(FILE)?;
    let kept = bytes.map(|bytes| serde_json::from_slice::<Kept>(&bytes));
    match kept.transpose() {
        Ok(kept) => Ok(kept.map(|kept| kept.program.path())),
        Err(_) => Err(Failure::with_advice(
            format!(
                "{} cannot be understood",
                crate::shown::shown(&state.folder().join(FILE))
            ),
            "give it again: esync-ssl schedule on --hook PROGRAM",
        )),
    }
}

/// Keeps it, or that there is none.
///
/// # Errors
/// When that cannot be written.
pub fn keep(state: &State, program: Option<&Path>) -> Result<(), Failure> {
    let Some(program) = program else {
        return state.forget(FILE);
    };
    let kept = Kept {
        schema: 1,
        program: Name::from(program),
    };
    let text = serde_json::to_vec_pretty(&kept).map_err(Failure::error)?;
    state.keep(FILE, &text)
}

/// Tells it.
///
/// # Errors
/// Why it was not told, in words.
pub fn tell(program: &Path, document: String) -> Result<(), String> {
    let program = Program::at(program).map_err(|distrust| {
        format!(
            "the program of --hook is not run: {distrust}; {}",
            distrust.advice()
        )
    })?;
    hooked::run(&program, &[], Some(document.into_bytes()), PATIENCE)
        .map_err(|failed| format!("the program of --hook failed: {}", failed.why()))
}
