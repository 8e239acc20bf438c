//! What is asked of a report: its days, its filters and its types.

use clap::{Args, ValueEnum};

use crate::{
    error::{Error, Result},
    export::{Base, Export, Types},
    ids::{Identifier, ReportName},
    insights::{
        filter::{Filter, Interval},
        window::Every,
    },
    origin::Origin,
};

/// The options of every command that exports.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rows")]
pub(super) struct ReportOptions {
    /// The first day, such as 2023-12-01
    #[arg(long, value_name = "DAY")]
    start: Option<jiff::civil::Date>,
    /// The last day, itself included
    #[arg(long, value_name = "DAY")]
    end: Option<jiff::civil::Date>,
    /// Identifier of the date label that --start and --end are about [default: date.date.mmddyyyy]
    #[arg(long, value_name = "LABEL")]
    date: Option<String>,
    /// Only rows with this value of a label, such as label.agents.team_name=Billing; may be repeated, also for one label
    #[arg(long = "where", value_name = "LABEL=VALUE")]
    filters: Vec<String>,
    /// Where the types come from
    #[arg(long, value_enum, default_value = "report")]
    schema: Schema,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Schema {
    /// The report's definition
    Report,
    /// The data
    Infer,
    /// Text, all of it
    Text,
}

/// The windows that days are cut into.
pub(super) fn every(text: &str) -> Result<Every> {
    Every::parse(text)
}

impl ReportOptions {
    /// The types that cells get.
    pub(super) fn types(&self) -> Types {
        let base = match self.schema {
            Schema::Report => Base::Report,
            Schema::Infer => Base::Infer,
            Schema::Text => Base::Text,
        };
        Types { base, given: Vec::new() }
    }

    /// The export of a report, whole and without a deadline of its own.
    ///
    /// # Errors
    /// `Config` for what can't be used.
    pub(super) fn export(&self, report: &str, origin: &Origin) -> Result<Export> {
        let label = self.date.as_deref().map(Identifier::parse).transpose()?;
        Ok(Export {
            interval: Interval::new(self.start, self.end, label)?,
            filters: self.filters(origin)?,
            types: self.types(),
            ..Export::new(ReportName::parse(report, origin)?)
        })
    }

    /// The filters: values of the same label are alternatives, those of different labels hold together.
    fn filters(&self, origin: &Origin) -> Result<Vec<Filter>> {
        let mut lists: Vec<(&str, Vec<String>)> = Vec::new();
        for filter in &self.filters {
            let (label, value) = filter.split_once('=').ok_or_else(|| {
                Error::config(format!("`--where {filter}` is not of the form LABEL=VALUE"))
                    .hint("for instance `--where label.agents.team_name=Billing`")
            })?;
            match lists.iter_mut().find(|(known, _)| *known == label) {
                Some((_, values)) => values.push(value.to_owned()),
                None => lists.push((label, vec![value.to_owned()])),
            }
        }
        lists
            .into_iter()
            .map(|(label, values)| Filter::among(ReportName::parse_label(label, origin)?, values))
            .collect()
    }
}
