//! Which windows are fetched, given those that are done. Pure.

use crate::{
    error::{Error, Result},
    handoff::{journal::Row, store::Place},
    insights::window::Window,
};

/// What there is to do.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// In order.
    pub(super) fetched: Vec<Window>,
    /// Those that are done, in order.
    pub(super) skipped: Vec<Window>,
}

/// Compares the windows that are asked for with those that are done; both are disjoint and in order.
///
/// What lies within a window that is done is done with it, and restated with it. A window that begins with a done one
/// and ends later takes its place: a month that isn't over grows from day to day. Anything else would have days twice.
///
/// # Errors
/// `Config` for windows that cut through those that are done.
pub(super) fn plan(root: &Place, asked: Vec<Window>, done: &[Row], restate: usize) -> Result<Plan> {
    let mut plan = Plan::default();
    let settled = asked.len().saturating_sub(restate);
    for (index, window) in asked.into_iter().enumerate() {
        let first = done.partition_point(|row| row.end < window.start);
        let met = &done[first..first + done[first..].partition_point(|row| row.start <= window.end)];
        let (list, window) = match met {
            [] => (&mut plan.fetched, window),
            [row] if row.start <= window.start && window.end <= row.end => {
                let list = if index < settled { &mut plan.skipped } else { &mut plan.fetched };
                (list, Window { start: row.start, end: row.end })
            }
            [row] if row.start == window.start => (&mut plan.fetched, window),
            [row, ..] => {
                return Err(Error::config(format!(
                    "the window {window} cuts through {}..{}, which `{root}` has: some days would be there twice",
                    row.start, row.end
                ))
                .hint(
                    "go on with the `every` that the dataset was begun with, or give the other one a place of its own",
                ));
            }
        };
        if list.last() != Some(&window) {
            list.push(window);
        }
    }
    // A window that is asked for in pieces is fetched whole when one of them is.
    let Plan { fetched, skipped } = &mut plan;
    skipped.retain(|window| !fetched.contains(window));
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::insights::window::{Every, cut};

    fn window(text: &str) -> Window {
        let (start, end) = text.split_once("..").unwrap_or((text, text));
        let day = |text: &str| format!("2024-{text}").parse().unwrap();
        Window { start: day(start), end: day(end) }
    }

    fn rows(windows: &[Window]) -> Vec<Row> {
        let row = |window: &Window| Row {
            start: window.start,
            end: window.end,
            file: None,
            rows: 0,
            bytes: 0,
            sha256: None,
            written: Timestamp::UNIX_EPOCH,
        };
        windows.iter().map(row).collect()
    }

    fn planned(asked: &[&str], done: &[&str], restate: usize) -> Result<(String, String)> {
        let windows = |texts: &[&str]| texts.iter().map(|text| window(text)).collect::<Vec<_>>();
        let text = |windows: &[Window]| {
            windows.iter().map(Window::to_string).collect::<Vec<_>>().join(" ").replace("2024-", "")
        };
        let plan = plan(&Place::local("root"), windows(asked), &rows(&windows(done)), restate)?;
        Ok((text(&plan.fetched), text(&plan.skipped)))
    }

    #[test]
    fn what_is_done_is_skipped_and_the_newest_are_restated() {
        type Case<'a> = (&'a [&'a str], &'a [&'a str], usize, &'a str, &'a str);
        let table: [Case; 9] = [
            (&["05-01", "05-02"], &[], 0, "05-01..05-01 05-02..05-02", ""),
            (&["05-01", "05-02"], &["05-01"], 0, "05-02..05-02", "05-01..05-01"),
            (&["05-01", "05-02"], &["05-01", "05-02"], 1, "05-02..05-02", "05-01..05-01"),
            (&["05-01", "05-02"], &["05-01", "05-02"], 9, "05-01..05-01 05-02..05-02", ""),
            (&["05-03"], &["05-01", "05-02"], 0, "05-03..05-03", ""),
            // A month that grows.
            (&["05-01..05-16"], &["05-01..05-15"], 0, "05-01..05-16", ""),
            // A range that begins or ends within a month that is done.
            (&["05-14..05-31", "06-01..06-09"], &["05-01..05-31"], 0, "06-01..06-09", "05-01..05-31"),
            (&["05-14..05-31"], &["05-01..05-31"], 1, "05-01..05-31", ""),
            // Days of a month that is done, the last of them restated.
            (&["05-30", "05-31", "06-01"], &["05-01..05-31"], 2, "05-01..05-31 06-01..06-01", ""),
        ];
        for (asked, done, restate, fetched, skipped) in table {
            let found = planned(asked, done, restate).unwrap();
            assert_eq!(found, (fetched.to_owned(), skipped.to_owned()), "{asked:?} {done:?} {restate}");
        }
    }

    #[test]
    fn windows_that_cut_through_others_are_refused() {
        insta::assert_snapshot!(planned(&["05-01..05-31"], &["05-01", "05-02"], 0).unwrap_err(), @r"
        the window 2024-05-01..2024-05-31 cuts through 2024-05-01..2024-05-01, which `root` has: some days would be there twice
        hint: go on with the `every` that the dataset was begun with, or give the other one a place of its own
        ");
        assert!(planned(&["05-01..05-31"], &["05-10..05-31"], 0).is_err());
        assert!(planned(&["05-10..06-10"], &["05-01..05-31"], 0).is_err());
    }

    proptest! {
        /// Whatever was asked for before, no day is ever there twice and none is missing.
        #[test]
        fn a_dataset_has_each_day_once(
            calls in prop::collection::vec((0_i64..200, 0_i64..60, 0_usize..3, 0_usize..4), 1..6),
        ) {
            let first = jiff::civil::date(2024, 1, 1);
            let mut done: std::collections::BTreeMap<_, Window> = Default::default();
            for (start, days, every, restate) in calls {
                let start = first + jiff::Span::new().days(start);
                let end = start + jiff::Span::new().days(days);
                let every = [Every::Day, Every::Week, Every::Month][every];
                let held: Vec<Window> = done.values().copied().collect();
                let Ok(plan) = plan(&Place::local("root"), cut(start, end, Some(every)), &rows(&held), restate) else { continue };
                done.extend(plan.fetched.iter().map(|window| (window.start, *window)));
                let held: Vec<Window> = done.values().copied().collect();
                prop_assert!(held.windows(2).all(|pair| pair[0].end < pair[1].start), "{held:?}");
                let mut day = start;
                while day <= end {
                    prop_assert!(held.iter().any(|window| window.start <= day && day <= window.end), "{day} in {held:?}");
                    day = day.tomorrow().unwrap();
                }
            }
        }
    }
}
