//! The core of a client without a session, one for each process.

use super::process::PerProcess;
use crate::error::Result;

/// What is made again, in the same way, in a forked child.
pub(super) struct Remade<T> {
    made: PerProcess<T>,
    make: Box<dyn Fn() -> Result<T> + Send + Sync>,
}

impl<T: Clone + Send + Sync> Remade<T> {
    /// Makes the one of this process now, so that what can't be made is known at once.
    pub(super) fn new(make: impl Fn() -> Result<T> + Send + Sync + 'static) -> Result<Self> {
        let remade = Self { made: PerProcess::new(), make: Box::new(make) };
        remade.get()?;
        Ok(remade)
    }

    /// The one of this process.
    pub(super) fn get(&self) -> Result<T> {
        self.made.get(|| (self.make)()).cloned()
    }
}
