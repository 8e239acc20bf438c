//! The contact centre: what happened in it, made from a seed as it is asked for, and never held.
//!
//! Every row has an address (day and number on that day), and everything in it follows from seed and address. So a
//! window of days holds exactly the rows that the whole report has for those days, in the same order.

mod agents_by_day;
pub(super) mod cells;
pub(super) mod conversations;
pub(super) mod date_labels;
pub(super) mod dates;
pub(super) mod export;
pub(super) mod labels;
pub(super) mod model;
mod names;
mod queue_performance;
mod talk_time;
