//! `insightframe man`: manual pages.

use clap::{Args, CommandFactory};

use super::{Arguments, context::End, output::print};
use crate::error::{Error, Result};

#[derive(Args)]
#[command(after_help = "\
Examples:
  insightframe man | man -l -
  insightframe man flowxo metrics > insightframe-flowxo-metrics.1")]
pub(super) struct ManCommand {
    /// The command that the page is about; without it the page of insightframe itself
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl ManCommand {
    pub(super) fn run(self) -> Result<End> {
        let mut root = Arguments::command();
        // Gives every command its full name and the options that all have.
        root.build();
        let mut command = &root;
        for name in &self.command {
            command = command.find_subcommand(name).ok_or_else(|| {
                Error::config(format!("`{}` has no command `{name}`", command.get_bin_name().unwrap_or_default()))
            })?;
        }
        let mut page = Vec::new();
        let written = clap_mangen::Man::new(command.clone()).render(&mut page);
        written.map_err(|error| Error::config(format!("the page can't be made: {error}")))?;
        print(String::from_utf8_lossy(&page).trim_end())?;
        Ok(End::Done)
    }
}
