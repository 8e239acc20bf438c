//! Runs the core's futures for Python: interruptible, cancellable, and alive after a fork.
//!
//! The runtime stands behind an atomic pointer. A forked child has only the thread that forked, so the runtime it
//! inherits is dead: a hook forgets it (leaking is all that can safely be done) and the next call builds another.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Once, PoisonError,
        atomic::{AtomicPtr, AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    task::{Context, Poll},
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use super::errors::raise;
use crate::error::Result;

/// How often a waiting call looks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

static RUNTIME: AtomicPtr<Runtime> = AtomicPtr::new(std::ptr::null_mut());
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Counts the forks that this process is away from the first: what was made in another generation is not to be used.
pub(super) fn generation() -> u64 {
    GENERATION.load(Ordering::SeqCst)
}

/// Installs the hook that a forked child runs.
pub(super) fn survive_forks() {
    #[cfg(unix)]
    {
        extern "C" fn child() {
            RUNTIME.store(std::ptr::null_mut(), Ordering::SeqCst);
            GENERATION.fetch_add(1, Ordering::SeqCst);
        }
        static HOOK: Once = Once::new();
        // SAFETY: the hook stores to two atomics, which is all that is allowed between fork and exec.
        HOOK.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(child));
        });
    }
}

/// The runtime of this process.
pub(super) fn runtime() -> PyResult<&'static Runtime> {
    static BUILDING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let load = || RUNTIME.load(Ordering::Acquire);
    if load().is_null() {
        // A child that was forked while another thread was building finds the lock taken for ever, and builds anyway.
        let guard = BUILDING.try_lock();
        if load().is_null() {
            let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
            let built = Builder::new_multi_thread()
                .worker_threads(threads)
                .thread_name("insightframe")
                .enable_all()
                .build()
                .map_err(|error| PyRuntimeError::new_err(format!("no threads can be started: {error}")))?;
            let built = Box::into_raw(Box::new(built));
            if RUNTIME.compare_exchange(std::ptr::null_mut(), built, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // SAFETY: the pointer was made above and has been given to nobody.
                drop(unsafe { Box::from_raw(built) });
            }
        }
        drop(guard.map_err(PoisonError::new));
    }
    // SAFETY: a runtime that was published is never freed; after a fork it is leaked.
    unsafe { load().as_ref() }.ok_or_else(|| PyRuntimeError::new_err("no threads can be started"))
}

/// Waits for `work` without the GIL. Ctrl-C ends it, closes its connection and is raised.
pub(super) fn wait<T: Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    let runtime = runtime()?;
    py.detach(|| {
        let (sender, done) = sync_channel(1);
        let task = Abort(runtime.spawn(async move {
            // The receiver is gone only when nobody wants the result any more.
            let _ = sender.send(work.await);
        }));
        loop {
            match done.recv_timeout(TICK) {
                Ok(result) => {
                    drop(task);
                    return result.map_err(|error| Python::attach(|py| raise(py, &error)));
                }
                Err(RecvTimeoutError::Timeout) => Python::attach(|py| py.check_signals())?,
                Err(RecvTimeoutError::Disconnected) => return Err(broken()),
            }
        }
    })
}

/// Awaits `work` in an event loop. Cancelling the awaiting task ends it and closes its connection.
pub(super) async fn run<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> PyResult<T> {
    match Abort(runtime()?.spawn(work)).await {
        Ok(result) => result.map_err(|error| Python::attach(|py| raise(py, &error))),
        Err(_) => Err(broken()),
    }
}

fn broken() -> PyErr {
    PyRuntimeError::new_err("insightframe broke: its task panicked; please report this with the traceback on stderr")
}

/// A task that ends when nobody waits for it any more.
struct Abort<T>(JoinHandle<T>);

impl<T> Future for Abort<T> {
    type Output = std::result::Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
