//! `insightframe logout`: the credentials of a profile are forgotten.

use clap::Args;

use super::context::{Context, End, variable};
use crate::{
    credentials::profile,
    error::{Error, Result},
};

#[derive(Args)]
#[command(after_help = "Examples:\n  insightframe logout\n  insightframe logout --profile night-shift")]
pub(super) struct LogoutCommand {
    /// The section of the profile file
    #[arg(long, value_name = "NAME", default_value = profile::DEFAULT)]
    profile: String,
}

impl LogoutCommand {
    pub(super) fn run(self, context: &Context) -> Result<End> {
        let none = |why: &str| Error::config(format!("there is no profile `{}` to forget: {why}", self.profile));
        let path = profile::path(variable).ok_or_else(|| none("there is no home directory with a profile file"))?;
        if !profile::remove(&path, &self.profile)? {
            return Err(none(&format!("`{}` has none of this name", path.display())));
        }
        context.say(format_args!("profile `{}` is gone from `{}`", self.profile, path.display()));
        Ok(End::Done)
    }
}
