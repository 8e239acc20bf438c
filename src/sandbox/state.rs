//! The world of one sandbox: what all its connections share.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::{
    data::model::Model,
    execution::Executions,
    faults::{Fault, Faults, When},
    flowxo::FlowXo,
    instances::Instances,
    ledger::Ledger,
    metadata::{catalog::Catalog, elements::Redirected},
    options::Options,
    random::Random,
    tokens::Tokens,
};
use crate::clock::{Clock as _, VirtualClock};

/// What all connections share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Options,
    pub(super) clock: VirtualClock,
    pub(super) random: Random,
    pub(super) model: Arc<Model>,
    pub(super) catalog: Catalog,
    /// The ids of the user's workspaces.
    pub(super) workspaces: Vec<String>,
    /// The id that the user's profile and login share.
    pub(super) profile: String,
    pub(super) tokens: Mutex<Tokens>,
    pub(super) executions: Mutex<Executions>,
    pub(super) redirected: Mutex<Redirected>,
    pub(super) flowxo: FlowXo,
    pub(super) instances: Instances,
    pub(super) ledger: Ledger,
    pub(super) faults: Faults,
    /// Changes with every [`Fault::ChangedResult`]; the values of all reports depend on it.
    edition: AtomicU64,
}

impl World {
    pub(super) fn new(options: Options) -> Self {
        let random = Random::new(options.seed);
        let profile = random.hex(32);
        let clock = VirtualClock::new();
        let others = (1..options.workspace_count).map(|_| random.text(32, b"abcdefghijklmnopqrstuvwxyz0123456789"));
        let workspaces = std::iter::once(options.workspace.clone()).chain(others).collect();
        Self {
            model: Arc::new(Model::new(&options)),
            catalog: Catalog::new(options.report_count as usize),
            workspaces,
            profile,
            flowxo: FlowXo::new(&options),
            instances: Instances::new(&options, &clock),
            clock,
            random,
            tokens: Mutex::default(),
            executions: Mutex::default(),
            redirected: Mutex::default(),
            ledger: Ledger::default(),
            faults: Faults::default(),
            edition: AtomicU64::new(0),
            options,
        }
    }

    /// Lets the faults happen that change the world instead of one exchange.
    pub(super) fn suffer(&self, hits: &[(When, Fault)]) {
        for (_, fault) in hits {
            match fault {
                Fault::ExpireTt => locked(&self.tokens).expire_temporary(),
                Fault::ExpireSst => locked(&self.tokens).expire_secured(),
                Fault::EditedReport => self.catalog.edit(),
                Fault::ChangedResult => drop(self.edition.fetch_add(1, Ordering::Relaxed)),
                _ => {}
            }
        }
    }

    /// A workspace's title.
    pub(super) fn workspace_title(&self, ws: &str) -> String {
        match self.workspaces.iter().position(|own| own == ws) {
            Some(0) => "Contact Centre".to_owned(),
            Some(number @ 2..) => format!("Contact Centre {number}"),
            _ => "Contact Centre (Staging)".to_owned(),
        }
    }

    /// Which edition of the values is current.
    pub(super) fn edition(&self) -> u64 {
        self.edition.load(Ordering::Relaxed)
    }

    /// Today, on the virtual clock, in UTC.
    pub(super) fn today(&self) -> jiff::civil::Date {
        self.clock.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

/// What the mutex guards. A handler that panicked elsewhere leaves nothing half-changed that a test would trip over.
pub(super) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
