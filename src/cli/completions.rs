//! `insightframe completions`: what a shell needs to complete a command.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, context::End, output::print};
use crate::error::Result;

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe completions bash > ~/.local/share/bash-completion/completions/insightframe
  insightframe completions zsh > ~/.zfunc/_insightframe
  insightframe completions fish > ~/.config/fish/completions/insightframe.fish")]
pub(super) struct CompletionsCommand {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsCommand {
    pub(super) fn run(self) -> Result<End> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "insightframe", &mut script);
        print(String::from_utf8_lossy(&script).trim_end())?;
        Ok(End::Done)
    }
}
