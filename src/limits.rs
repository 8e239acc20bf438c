//! The numbers a caller may change: retries, polling and sizes. Defaults are argued beside each field.

use std::time::Duration;

/// How requests are repeated after a failure that may pass.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Sends of one request at most, the first included; default 3.
    pub attempts: u32,
    /// The longest wait before the second send; each further one doubles it. Default 500 ms, drawn at random below.
    pub base: Duration,
    /// No wait is longer, a wait that the service asks for excepted; default 20 s.
    pub cap: Duration,
    /// The longest wait that the service may ask for and get; default 2 minutes. Asked for more, a call ends with the
    /// error instead, which tells how long: hours of silence help nobody.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            patience: Duration::from_secs(120),
        }
    }
}

/// How the result of an execution is waited for.
#[derive(Clone, Debug)]
pub struct Polling {
    /// The wait after the first look that found nothing; default 500 ms. The first look is at once.
    pub initial: Duration,
    /// Each wait is this much longer than the one before; default 1.5.
    pub factor: f64,
    /// The longest wait between two looks; default 15 s.
    pub max: Duration,
    /// How long an export may take when the call doesn't say; default 1 hour.
    pub timeout: Duration,
}

impl Default for Polling {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            factor: 1.5,
            max: Duration::from_secs(15),
            timeout: Duration::from_secs(3600),
        }
    }
}

/// What an answer may cost before it is given up.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a JSON answer, inflated; default 1 MiB.
    pub json_bytes: u64,
    /// Bytes of an answer that is an error; the rest is not read. Default 4 KiB. Of Flow XO and Flex Instances 64 KiB are
    /// read at least, because an envelope that is cut can't be read at all.
    pub error_bytes: u64,
    /// Bytes of an exported CSV, inflated; default 4 GiB, four times what the service documents for a raw export.
    pub csv_bytes: u64,
    /// Bytes of one CSV record; default 128 MiB.
    pub record_bytes: u64,
    /// Time to connect, the TLS handshake included; default 10 s.
    pub connect: Duration,
    /// Silence of the peer that counts as a stall; default 60 s.
    pub idle: Duration,
    /// A body slower than `slow_bytes` a second over this time counts as stalled; default 30 s.
    pub slow_window: Duration,
    /// Bytes a second below which a body counts as stalled; default 1024, 0 switches the check off.
    pub slow_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 1 << 20,
            error_bytes: 4 << 10,
            csv_bytes: 4 << 30,
            record_bytes: 128 << 20,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            slow_window: Duration::from_secs(30),
            slow_bytes: 1024,
        }
    }
}
