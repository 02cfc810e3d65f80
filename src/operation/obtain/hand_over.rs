//! Port 443 for some seconds: Apache is stopped, this program answers the authority there, and Apache is started again. Only
//! where that was asked for. It is noted before Apache is stopped, and a guard starts it should this program be killed.

use std::time::{Duration, Instant};

use super::super::failure::Failure;
use super::super::find::Loaded;
use super::super::job::Job;
use super::super::preflight::{Preflight, reader};
use super::super::service_orders;
use super::super::stopped;
use super::super::{plan_report, running};
use crate::acme::ChallengeCertificate;
use crate::answer::{ListenError, Listener};
use crate::apply::Store;
use crate::exit_status::ExitStatus;
use crate::interrupt::Hold;
use crate::note_code::NoteCode;
#[cfg(unix)]
use crate::server::guard::Guard;
use crate::server::service::Service;

/// So long the authority may take to look, while Apache is stopped. A request under way then is still waited for.
pub const LONGEST: Duration = Duration::from_secs(45);
/// So long the port may take to become free.
const FREED: Duration = Duration::from_secs(5);

/// Apache is stopped, and this program answers, as long as this lives.
pub struct HandOver<'a> {
    service: Box<dyn Service>,
    listener: Option<Listener>,
    store: Store<'a>,
    job: Job<'a>,
    #[cfg(unix)]
    guard: Option<Guard>,
    is_over: bool,
    // Last: before the program may end, Apache runs.
    _hold: Hold,
}

/// Refuses to stop an Apache that would not start again, before anybody is asked anything.
///
/// # Errors
/// Refused, with what keeps it from starting.
pub fn refuse_no_return(loaded: &Loaded, job: Job) -> Result<(), Failure> {
    let service = (job.world.service)(running::to_be_told(loaded));
    service.may_be_told().map_err(service_orders::refused)?;
    let reader = reader(loaded, "not stopped")?;
    let left = "It was not stopped, and the certificate authority was not asked";
    let preflight = Preflight::of(loaded, &[], left, job.voice).without_codes();
    preflight.refuse_no_start()?;
    preflight.refuse_rejected(reader, "not stopped")?;
    match job.writing.no_rehearsal {
        true => Ok(()),
        false => preflight.refuse_failed_rehearsal(),
    }
}

impl<'a> HandOver<'a> {
    /// Takes the port. Whoever calls holds the lock.
    ///
    /// # Errors
    /// When Apache does not stop, or the port is not free then: Apache runs again.
    pub fn take(
        made: &[ChallengeCertificate],
        port: u16,
        loaded: &Loaded,
        job: Job<'a>,
    ) -> Result<HandOver<'a>, Failure> {
        let _hold = Hold::new();
        let service = (job.world.service)(running::to_be_told(loaded));
        let store = plan_report::store(loaded, job.world.disk)?;
        if !service_orders::is_running(&*service)? {
            let fix = "run again: what has the port now is looked at then";
            return Err(Failure::with_advice("Apache does not run anymore", fix));
        }
        store.note_stopped(&format!(
            "{} is stopped for some seconds, while a certificate authority is answered on its port",
            service.name()
        ))?;
        #[cfg(unix)]
        let guard = guard(&*service, &store, job);
        let mut taken = HandOver {
            service,
            listener: None,
            store,
            job,
            #[cfg(unix)]
            guard,
            is_over: false,
            _hold,
        };
        let listener = service_orders::stop(&*taken.service, job.voice).and_then(|()| {
            let listener = listener(made, port);
            listener.map_err(|error| {
                let fix = "run again when nobody else has the port";
                Failure::with_advice(format!("Apache was stopped, and {error}"), fix)
            })
        });
        match listener {
            Ok(listener) => taken.listener = Some(listener),
            Err(failure) => {
                taken.end()?;
                return Err(failure);
            }
        }
        Ok(taken)
    }

    /// Gives the port back.
    ///
    /// # Errors
    /// When Apache does not start; the next run tries again.
    pub fn end(mut self) -> Result<(), Failure> {
        self.give_back()
    }

    fn give_back(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(());
        }
        self.listener = None;
        let (service, voice) = (&*self.service, self.job.voice);
        if let Err(why) = stopped::start_again(service, self.job.world.pace, voice) {
            return Err(Failure {
                status: ExitStatus::NotRestored,
                ..Failure::with_advice(
                    format!(
                        "{} was stopped so that this program could answer the certificate authority, and does not start again: \
                         {why}",
                        service.name()
                    ),
                    "run esync-ssl explain to see what its logs say, then esync-ssl restart",
                )
            });
        }
        #[cfg(unix)]
        if let Some(guard) = self.guard.take() {
            guard.dismiss();
        }
        Ok(self.store.forget_stopped()?)
    }
}

impl Drop for HandOver<'_> {
    fn drop(&mut self) {
        if let Err(failure) = self.give_back() {
            let words = format!("warning: {:#}", failure.error);
            self.job.voice.note(NoteCode::ServerMayDiffer, &words);
        }
    }
}

/// Who starts Apache should we be killed; that nobody does is told.
#[cfg(unix)]
fn guard(service: &dyn Service, store: &Store, job: Job) -> Option<Guard> {
    let guard = match service.starter() {
        // Armed right before the stop: there is nothing between.
        Some(starter) => Guard::over(&starter, &store.stopped_note()).and_then(|mut guard| {
            guard.arm()?;
            Ok(guard)
        }),
        None => Err("it is not known how".to_owned()),
    };
    guard
        .inspect_err(|why| {
            let words = format!(
                "note: should this program be killed now, only its next run starts Apache again: nobody else could be asked to \
                 ({why})"
            );
            job.voice.note(NoteCode::NotTried, &words);
        })
        .ok()
}

/// Its port may take a moment to become free.
fn listener(made: &[ChallengeCertificate], port: u16) -> Result<Listener, ListenError> {
    let start = Instant::now();
    loop {
        match Listener::of_certificates(made, port) {
            Err(ListenError::Port { .. }) if start.elapsed() < FREED => {
                std::thread::sleep(Duration::from_millis(50));
            }
            listener => return listener,
        }
    }
}
