//! How far a call is, on stderr: one line that changes on a terminal, one plain line for each phase elsewhere.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    handoff::receipt::{counted, size},
    progress::{Event, Listener, Phase},
};

/// How often the changing line moves when nothing happens.
const TICK: Duration = Duration::from_millis(120);

/// What is shown of a call. Dropped, it takes the changing line away.
pub(super) struct Progress(Option<Arc<Mutex<Shown>>>);

struct Shown {
    bar: Option<ProgressBar>,
    story: Story,
}

impl Progress {
    /// Nothing.
    pub(super) fn silent() -> Self {
        Self(None)
    }

    /// A line for each phase, when it is over.
    pub(super) fn lines() -> Self {
        Self(Some(Arc::new(Mutex::new(Shown { bar: None, story: Story::default() }))))
    }

    /// One line that changes.
    pub(super) fn bar() -> Self {
        let bar = ProgressBar::new_spinner();
        // The template is a constant that a test has seen work.
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self(Some(Arc::new(Mutex::new(Shown { bar: Some(bar), story: Story::default() }))))
    }

    /// What a call tells its events.
    pub(super) fn listener(&self) -> Option<Listener> {
        let shown = Arc::clone(self.0.as_ref()?);
        Some(Arc::new(move |event| shown.lock().unwrap_or_else(PoisonError::into_inner).hear(&event)))
    }

    /// Tells something in the middle, beside the line that changes.
    pub(super) fn say(&self, text: impl std::fmt::Display) {
        let Some(shown) = &self.0 else { return };
        let line = [text.to_string()];
        match &shown.lock().unwrap_or_else(PoisonError::into_inner).bar {
            Some(bar) => bar.suspend(|| print(&line)),
            None => print(&line),
        }
    }

    /// The call is done: says what there is left to say.
    pub(super) fn finish(&self, elapsed: Duration) {
        if let Some(shown) = &self.0 {
            shown.lock().unwrap_or_else(PoisonError::into_inner).finish(elapsed);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(shown) = &self.0
            && let Some(bar) = &shown.lock().unwrap_or_else(PoisonError::into_inner).bar
        {
            bar.finish_and_clear();
        }
    }
}

impl Shown {
    fn hear(&mut self, event: &Event) {
        let turned = self.story.phase() != Some(event.phase);
        let told = self.story.hear(event);
        match &self.bar {
            Some(bar) => {
                if turned {
                    bar.reset_elapsed();
                }
                bar.set_message(self.story.now());
            }
            None => print(&told),
        }
    }

    fn finish(&mut self, elapsed: Duration) {
        let told = self.story.finish(elapsed);
        match &self.bar {
            Some(bar) => bar.finish_and_clear(),
            None => print(&told),
        }
    }
}

fn print(lines: &[String]) {
    let mut stderr = std::io::stderr().lock();
    for line in lines {
        let _ = writeln!(stderr, "{line}");
    }
}

/// The phases in the order of the flow. Each is told once, when a later one begins: a detour, such as a login in the
/// middle, when it is over for the first time.
const ORDER: [Phase; 6] =
    [Phase::LoggingIn, Phase::Resolving, Phase::Executing, Phase::Polling, Phase::Downloading, Phase::HandingOff];

/// What has happened so far, in words.
#[derive(Default)]
struct Story {
    last: Option<Event>,
    since: Duration,
    spent: [Option<Duration>; ORDER.len()],
    told: [bool; ORDER.len()],
}

fn rank(phase: Phase) -> Option<usize> {
    ORDER.iter().position(|known| *known == phase)
}

impl Story {
    fn phase(&self) -> Option<Phase> {
        self.last.map(|event| event.phase)
    }

    /// Takes an event in, and gives the lines of what is over with it.
    fn hear(&mut self, event: &Event) -> Vec<String> {
        let turned = self.phase() != Some(event.phase);
        if turned {
            self.book(event.elapsed);
        }
        let lines = match rank(event.phase) {
            Some(rank) if turned => self.tell(rank, event.elapsed),
            _ => Vec::new(),
        };
        self.last = Some(*event);
        lines
    }

    /// The lines of all that is left.
    fn finish(&mut self, elapsed: Duration) -> Vec<String> {
        self.book(elapsed);
        self.tell(ORDER.len(), elapsed)
    }

    /// Adds the time since the last turn to the phase that it was spent in.
    fn book(&mut self, elapsed: Duration) {
        if let Some(rank) = self.phase().and_then(rank) {
            *self.spent[rank].get_or_insert_default() += elapsed.saturating_sub(self.since);
        }
        self.since = elapsed;
    }

    fn tell(&mut self, before: usize, elapsed: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        for (rank, phase) in ORDER.into_iter().enumerate().take(before) {
            if let (Some(spent), false) = (self.spent[rank], self.told[rank]) {
                self.told[rank] = true;
                lines.push(format!("{:7.2} s  {}", elapsed.as_secs_f64(), self.past(phase, spent)));
            }
        }
        lines
    }

    fn past(&self, phase: Phase, spent: Duration) -> String {
        let polls = self.last.map_or(0, |event| event.polls);
        match phase {
            Phase::Waiting | Phase::LoggingIn => "logged in".into(),
            Phase::Resolving => "looked up".into(),
            Phase::Executing => "executed".into(),
            Phase::Polling => match polls {
                0 => "ready at once".into(),
                polls => format!("waited {:.2} s, {}", spent.as_secs_f64(), counted(polls, "poll")),
            },
            Phase::Downloading => format!("received{}", self.amount(spent)),
            Phase::HandingOff => "written".into(),
        }
    }

    /// The present, for the line that changes.
    fn now(&self) -> String {
        let Some(event) = self.last else { return String::new() };
        match event.phase {
            Phase::Waiting | Phase::LoggingIn => "logging in".into(),
            Phase::Resolving => "looking up".into(),
            Phase::Executing => "executing".into(),
            Phase::Polling if event.polls == 0 => "waiting".into(),
            Phase::Polling => format!("waiting, {}", counted(event.polls, "poll")),
            Phase::Downloading => format!("receiving{}", self.amount(event.elapsed.saturating_sub(self.since))),
            Phase::HandingOff => "writing".into(),
        }
    }

    /// Bytes, their speed, and rows, as far as they are counted.
    fn amount(&self, spent: Duration) -> String {
        let Some(Event { bytes, rows, .. }) = self.last else { return String::new() };
        let mut amount = String::new();
        if bytes > 0 {
            amount = format!(" {}", size(bytes));
            let speed = bytes as f64 / spent.as_secs_f64();
            if speed.is_finite() {
                amount.push_str(&format!(" at {}/s", size(speed as u64)));
            }
        }
        if rows > 0 {
            let between = if bytes > 0 { ", " } else { " " };
            amount.push_str(&format!("{between}{}", counted(rows, "row")));
        }
        amount
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(phase: Phase, ms: u64, polls: u64, bytes: u64, rows: u64) -> Event {
        Event { phase, elapsed: Duration::from_millis(ms), polls, bytes, rows }
    }

    /// An export with a login at its beginning and a refresh in the middle.
    fn export() -> Vec<Event> {
        vec![
            event(Phase::Resolving, 0, 0, 0, 0),
            event(Phase::LoggingIn, 1, 0, 0, 0),
            event(Phase::Resolving, 120, 0, 0, 0),
            event(Phase::Executing, 150, 0, 0, 0),
            event(Phase::Polling, 200, 0, 0, 0),
            event(Phase::Polling, 210, 1, 0, 0),
            event(Phase::LoggingIn, 600_300, 1, 0, 0),
            event(Phase::Polling, 600_400, 1, 0, 0),
            event(Phase::Polling, 600_450, 2, 0, 0),
            event(Phase::Downloading, 615_000, 2, 0, 0),
            event(Phase::Downloading, 615_500, 2, 6 << 20, 0),
            event(Phase::Downloading, 616_000, 2, 12 << 20, 8192),
            event(Phase::Downloading, 617_000, 2, 25 << 20, 100_800),
            event(Phase::HandingOff, 617_010, 2, 25 << 20, 100_800),
        ]
    }

    #[test]
    fn each_phase_is_one_line_when_it_is_over() {
        let mut story = Story::default();
        let mut lines: Vec<String> = export().iter().flat_map(|event| story.hear(event)).collect();
        lines.extend(story.finish(Duration::from_millis(617_100)));
        assert_eq!(
            lines,
            [
                "   0.12 s  logged in",
                "   0.15 s  looked up",
                "   0.20 s  executed",
                " 615.00 s  waited 614.70 s, 2 polls",
                " 617.01 s  received 25.0 MiB at 12.4 MiB/s, 100,800 rows",
                " 617.10 s  written",
            ]
        );
        assert!(story.finish(Duration::from_millis(617_100)).is_empty());
    }

    #[test]
    fn the_line_that_changes_says_what_is_going_on() {
        let mut story = Story::default();
        let present = |event: &Event| {
            story.hear(event);
            story.now()
        };
        insta::assert_snapshot!(export().iter().map(present).collect::<Vec<_>>().join("\n"), @"
        looking up
        logging in
        looking up
        executing
        waiting
        waiting, 1 poll
        logging in
        waiting, 1 poll
        waiting, 2 polls
        receiving
        receiving 6.0 MiB at 12.0 MiB/s
        receiving 12.0 MiB at 12.0 MiB/s, 8,192 rows
        receiving 25.0 MiB at 12.5 MiB/s, 100,800 rows
        writing
        ");
    }

    #[test]
    fn what_counts_nothing_says_no_numbers() {
        let mut story = Story::default();
        let phases = [(Phase::Executing, 0), (Phase::Polling, 500), (Phase::Downloading, 500)];
        let mut lines: Vec<String> =
            phases.iter().flat_map(|(phase, ms)| story.hear(&event(*phase, *ms, 0, 0, 0))).collect();
        lines.extend(story.finish(Duration::from_millis(500)));
        assert_eq!(lines, ["   0.50 s  executed", "   0.50 s  ready at once", "   0.50 s  received"]);
    }
}
