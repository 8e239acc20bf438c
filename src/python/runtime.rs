//! Runs the core's futures for Python: interruptible, cancellable, and alive after a fork.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, sync_channel},
    },
    task::{Context, Poll},
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::{JoinError, JoinHandle, block_in_place},
};

use super::process::{Local, PerProcess};

/// How often a waiting call looks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

/// How long the end of the interpreter waits for threads that are still at work.
const PATIENCE: Duration = Duration::from_millis(500);

static RUNTIME: PerProcess<Running> = PerProcess::new();

/// Whether the interpreter ends: a thread that asks it for anything from then on would abort the process.
static ENDING: AtomicBool = AtomicBool::new(false);

/// A runtime, and what ends it.
struct Running {
    handle: Handle,
    owner: Mutex<Option<Runtime>>,
}

/// The runtime of this process.
pub(super) fn runtime() -> PyResult<&'static Handle> {
    if is_ending() {
        return Err(PyRuntimeError::new_err("the interpreter is ending"));
    }
    let running = RUNTIME.get(|| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("insightframe")
            .enable_all()
            .build()
            .map_err(|error| PyRuntimeError::new_err(format!("no threads can be started: {error}")))?;
        PyResult::Ok(Running { handle: runtime.handle().clone(), owner: Mutex::new(Some(runtime)) })
    })?;
    Ok(&running.handle)
}

/// Whether threads must leave Python alone.
pub(super) fn is_ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// Ends all tasks, so that none of them logs, tells of progress or reads from a Python object when the interpreter is
/// gone.
pub(super) fn end(py: Python<'_>) {
    ENDING.store(true, Ordering::SeqCst);
    let Some(running) = RUNTIME.made() else { return };
    let runtime = running.owner.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(runtime) = runtime {
        py.detach(|| runtime.shutdown_timeout(PATIENCE));
    }
}

/// Waits for `work` without the GIL. Ctrl-C ends it, closes its connection and is raised.
pub(super) fn wait<T: Send + 'static, E: Into<PyErr> + Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> PyResult<T> {
    let runtime = runtime()?;
    py.detach(|| {
        let (sender, done) = sync_channel(1);
        let _task = Task::new(runtime.spawn(async move {
            // The receiver is gone only when nobody wants the result any more.
            let _ = sender.send(work.await);
        }));
        let waiting = || loop {
            match done.recv_timeout(TICK) {
                Ok(result) => return result.map_err(Into::into),
                Err(RecvTimeoutError::Timeout) => Python::attach(|py| py.check_signals())?,
                Err(RecvTimeoutError::Disconnected) => return Err(broken()),
            }
        };
        // A progress callable runs on a thread of the runtime. When it asks a client for something, the task stands in
        // that thread's own queue, which others must be let at while the thread waits.
        if Handle::try_current().is_ok() { block_in_place(waiting) } else { waiting() }
    })
}

/// Awaits `work` in an event loop. Cancelling the awaiting task ends it and closes its connection.
pub(super) async fn run<T: Send + 'static, E: Into<PyErr> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> PyResult<T> {
    Python::attach(heed_interrupts)?;
    match Task::new(runtime()?.spawn(work)).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(broken()),
    }
}

/// In a notebook's kernel, lets the stop button wake the loop; elsewhere Ctrl-C does by itself.
fn heed_interrupts(py: Python<'_>) -> PyResult<()> {
    if py.import("sys")?.getattr("modules")?.contains("ipykernel")? {
        py.import("insightframe._kernel")?.call_method0("heed_interrupts")?;
    }
    Ok(())
}

fn broken() -> PyErr {
    PyRuntimeError::new_err("insightframe broke: its task panicked; please report this with the traceback on stderr")
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(Local<JoinHandle<T>>);

impl<T> Task<T> {
    fn new(handle: JoinHandle<T>) -> Self {
        Self(Local::new(handle))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0.get_mut() {
            Some(handle) => Pin::new(handle).poll(context),
            // The task is running in the parent, and will never be done here.
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(handle) = self.0.get() {
            handle.abort();
        }
    }
}
