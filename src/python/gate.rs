//! Keeps the threads of the runtime out of Python while the process forks.
//!
//! A thread that Python didn't start gets a thread state when it enters and loses it when it leaves, both under a lock
//! of the interpreter and without the GIL. CPython 3.11 waits in a forked child for that lock before it makes it anew,
//! so a child that was forked at this very moment hangs in `os.fork()` for ever. Whoever enters from the runtime goes
//! through here, and a fork waits until nobody is inside.

use std::{
    cell::Cell,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pyo3::{prelude::*, types::IntoPyDict};

/// How long a fork waits for those who are inside: they may wait for a lock that another hook of the fork holds.
const PATIENCE: Duration = Duration::from_millis(500);

static GATE: Mutex<Gate> = Mutex::new(Gate { inside: 0, closed: false });
static MOVED: Condvar = Condvar::new();

struct Gate {
    inside: usize,
    closed: bool,
}

thread_local! {
    /// What a thread holds while it forks, so that its child finds the lock in its hands and nobody else's.
    static HELD: Cell<Option<MutexGuard<'static, Gate>>> = const { Cell::new(None) };
}

fn gate() -> MutexGuard<'static, Gate> {
    GATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `visit`, which enters Python, when nobody forks. A thread that has a thread state already is let through: it
/// makes none, and may hold the GIL that others need to get out.
pub(super) fn through<T>(visit: impl FnOnce() -> T) -> T {
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            gate().inside -= 1;
            MOVED.notify_all();
        }
    }
    // SAFETY: it reads a pointer of this thread, and needs neither the GIL nor an interpreter.
    if !unsafe { pyo3::ffi::PyGILState_GetThisThreadState() }.is_null() {
        return visit();
    }
    let mut open = MOVED.wait_while(gate(), |gate| gate.closed).unwrap_or_else(PoisonError::into_inner);
    open.inside += 1;
    drop(open);
    let _inside = Inside;
    visit()
}

/// Has the forks of this interpreter wait. To be called once, after `logging` is imported: the hook that was registered
/// last comes first, and `logging`'s takes the locks that those inside may need.
pub(super) fn close_while_forking(py: Python<'_>) -> PyResult<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let before = wrap_pyfunction!(close, py)?;
    let (parent, child) = (wrap_pyfunction!(reopen, py)?, wrap_pyfunction!(reopen_in_child, py)?);
    let hooks = [("before", before), ("after_in_parent", parent), ("after_in_child", child)].into_py_dict(py)?;
    py.import("os")?.getattr("register_at_fork")?.call((), Some(&hooks)).map(drop)
}

#[pyfunction]
fn close(py: Python<'_>) {
    // Whoever is inside needs the GIL to get out.
    py.detach(|| {
        let mut gate = gate();
        gate.closed = true;
        let waited = MOVED.wait_timeout_while(gate, PATIENCE, |gate| gate.inside > 0);
        HELD.set(Some(waited.unwrap_or_else(PoisonError::into_inner).0));
    });
}

#[pyfunction]
fn reopen() {
    if let Some(mut gate) = HELD.take() {
        gate.closed = false;
    }
    MOVED.notify_all();
}

#[pyfunction]
fn reopen_in_child() {
    if let Some(mut gate) = HELD.take() {
        // Nobody else came along.
        *gate = Gate { inside: 0, closed: false };
    }
}
