//! Forks: what belongs to the process that made it, and must be left alone in a child.
//!
//! A forked child has the memory of its parent, but only the thread that forked. Runtimes, sockets and sessions that it
//! finds there are its parent's: using them hangs or does the parent harm, and so may dropping them. The child leaks
//! them and makes its own.

use std::sync::{
    Once,
    atomic::{AtomicPtr, AtomicU64, Ordering},
};

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Counts the forks that this process is away from the first.
fn generation() -> u64 {
    GENERATION.load(Ordering::SeqCst)
}

/// Installs the hook that tells a forked child that it is one.
pub(super) fn notice_forks() {
    #[cfg(unix)]
    {
        extern "C" fn child() {
            GENERATION.fetch_add(1, Ordering::SeqCst);
        }
        static HOOK: Once = Once::new();
        // SAFETY: the hook adds to an atomic, which is allowed between fork and exec.
        HOOK.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(child));
        });
    }
}

/// A value of the process that made it. A child can't get at it, and doesn't drop it either.
pub(super) struct Local<T> {
    generation: u64,
    value: Option<T>,
}

impl<T> Local<T> {
    pub(super) fn new(value: T) -> Self {
        Self { generation: generation(), value: Some(value) }
    }

    fn is_here(&self) -> bool {
        self.generation == generation()
    }

    /// The value; `None` in a child.
    pub(super) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.is_here())
    }

    /// The value, to change; `None` in a child.
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        let here = self.is_here();
        self.value.as_mut().filter(|_| here)
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        if !self.is_here() {
            #[expect(clippy::mem_forget, reason = "dropping it may wait for one of the parent's threads")]
            std::mem::forget(self.value.take());
        }
    }
}

/// A value that every process has one of, made when it is first asked for.
pub(super) struct PerProcess<T>(AtomicPtr<Local<T>>);

impl<T: Send + Sync> PerProcess<T> {
    pub(super) const fn new() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// The value of this process, if it has been made.
    pub(super) fn made(&self) -> Option<&T> {
        // SAFETY: a pointer that was published stays valid: `get` frees none, and dropping `self` needs it unborrowed.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }.and_then(Local::get)
    }

    /// The value of this process. Threads that ask at the same time for the first time may each make one; all of them
    /// get the same, and the others are dropped.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let found = self.0.load(Ordering::Acquire);
        // SAFETY: a pointer that was published stays valid: nothing frees it before `self` is dropped.
        if let Some(value) = unsafe { found.as_ref() }.and_then(Local::get) {
            return Ok(value);
        }
        let fresh = Box::new(Local { generation: generation(), value: Some(make()?) });
        let fresh = Box::into_raw(fresh);
        // What stood there before was a parent's, and is leaked.
        let mine = self.0.compare_exchange(found, fresh, Ordering::AcqRel, Ordering::Acquire);
        if mine.is_err() {
            // SAFETY: the pointer was made above and has been given to nobody.
            drop(unsafe { Box::from_raw(fresh) });
        }
        Ok(self.made().expect("what stands there now was made in this process, here or by a faster thread"))
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let last = std::mem::replace(self.0.get_mut(), std::ptr::null_mut());
        if !last.is_null() {
            // SAFETY: it was made by `get`, and nobody can borrow it any more; `Local` knows whether to drop the value.
            drop(unsafe { Box::from_raw(last) });
        }
    }
}
