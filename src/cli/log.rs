//! `-v`: what happens, as a log on stderr.

use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Begins to log, if `verbose` is 1 or more. What libraries below say stays out but for warnings: they know nothing of
/// secrets.
pub(super) fn begin(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    let ours = Targets::new().with_default(Level::WARN).with_target(env!("CARGO_PKG_NAME"), level);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_timer(fmt::time::uptime());
    // Within one process a log can be begun once; a second command goes on with the first one's.
    let _ = tracing_subscriber::registry().with(lines.with_filter(ours)).try_init();
}
