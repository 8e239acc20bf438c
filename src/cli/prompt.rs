//! Questions on a terminal, the secret ones without an echo.

use std::io::{IsTerminal, Write};

use crate::{
    error::{Error, Result},
    handoff::format::blocking,
    secret::Secret,
};

/// Whether there is somebody to ask: both ends must be a terminal, since the question goes to stderr.
pub(super) fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line.
///
/// # Errors
/// `Config` for an empty answer or the end of the input.
pub(super) async fn ask(question: &'static str) -> Result<String> {
    let line = blocking(move || {
        write_question(question)?;
        console::Term::stderr().read_line()
    });
    answer(question, line.await)
}

/// Asks for a secret. When it is stopped in the middle, the terminal shows again what is typed.
///
/// # Errors
/// As [`ask`].
pub(super) async fn ask_secret(question: &'static str) -> Result<Secret> {
    let _as_it_was = Echo::remember();
    let line = blocking(move || {
        write_question(question)?;
        console::Term::stderr().read_secure_line()
    });
    answer(question, line.await).map(Secret::new)
}

fn write_question(question: &str) -> std::io::Result<()> {
    let mut stderr = std::io::stderr();
    write!(stderr, "{question}: ")?;
    stderr.flush()
}

fn answer(question: &str, line: std::io::Result<String>) -> Result<String> {
    match line {
        Ok(line) if !line.is_empty() => Ok(line),
        Ok(_) => Err(Error::config(format!("no answer to `{question}`"))),
        Err(error) => Err(Error::config(format!("no answer to `{question}`: {error}"))),
    }
}

/// The modes of the terminal, put back when this is dropped: a thread that waits for a line can't be stopped, so
/// whoever leaves it waiting has to.
struct Echo {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl Echo {
    #[cfg(unix)]
    fn remember() -> Self {
        Self { modes: rustix::termios::tcgetattr(std::io::stdin()).ok() }
    }

    #[cfg(not(unix))]
    fn remember() -> Self {
        Self {}
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(modes) = &self.modes {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, modes);
        }
    }
}
