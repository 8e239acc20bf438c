//! A client's core, one for each process: a forked child makes its own, because the sockets and threads that it inherits
//! are its parent's.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::runtime::generation;
use crate::error::Result;

/// What is made anew after a fork.
pub(super) struct PerProcess<T> {
    current: ArcSwap<Made<T>>,
    make: Box<dyn Fn() -> Result<T> + Send + Sync>,
}

struct Made<T> {
    generation: u64,
    core: T,
}

impl<T: Clone> PerProcess<T> {
    /// Makes the core of this process, and remembers how.
    pub(super) fn new(make: impl Fn() -> Result<T> + Send + Sync + 'static) -> Result<Self> {
        let current = ArcSwap::from_pointee(Made { generation: generation(), core: make()? });
        Ok(Self { current, make: Box::new(make) })
    }

    /// The core of this process.
    pub(super) fn get(&self) -> Result<T> {
        let made = self.current.load_full();
        if made.generation == generation() {
            return Ok(made.core.clone());
        }
        let fresh = Arc::new(Made { generation: generation(), core: (self.make)()? });
        let core = fresh.core.clone();
        let inherited = self.current.swap(fresh);
        // What it holds belongs to the parent's threads: even dropping it could wait for one of them for ever.
        #[expect(clippy::mem_forget, reason = "the parent's runtime and sockets must not be touched in a child")]
        std::mem::forget((inherited, made));
        Ok(core)
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let made = self.current.load_full();
        if made.generation != generation() {
            #[expect(clippy::mem_forget, reason = "the parent's runtime and sockets must not be touched in a child")]
            std::mem::forget((Arc::clone(&made), made));
        }
    }
}
