//! The first rows of a table, for people: as text for a terminal and as HTML for a notebook.

use std::fmt::Write;

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    receipt::{Receipt, grouped},
    table::{Table, type_name},
};

/// The room that the text of a table may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Rows that are shown.
    pub rows: usize,
    /// Columns of a terminal.
    pub width: usize,
    /// Columns of a terminal that one cell may take.
    pub cell: usize,
}

impl Room {
    /// Room for everything.
    pub const UNLIMITED: Self = Self { rows: usize::MAX, width: usize::MAX, cell: usize::MAX };
}

impl Default for Room {
    fn default() -> Self {
        Self { rows: 10, width: 100, cell: 32 }
    }
}

/// Rows that HTML shows.
const HTML_ROWS: usize = 10;
/// Characters of a cell that HTML shows, and columns of a table.
const HTML_CELL: usize = 200;
const HTML_COLUMNS: usize = 50;
const GAP: &str = "  ";

/// A column ready to be shown: its first cells, `None` where a cell is null.
struct Column<'a> {
    name: &'a str,
    /// Its type.
    kind: String,
    /// What it shows, in the report's terms.
    shows: Option<&'static str>,
    is_number: bool,
    cells: Vec<Option<String>>,
}

/// The shape, the first rows under names and types, and what is left out; no line is wider than the room.
pub(super) fn text(table: &Table, room: Room) -> String {
    let columns = columns(table, usize::MAX, room.rows);
    let mut text = shorten(&shape(table), room.width);
    let (shown, widths) = fit(&columns, room);
    let mut line = |cell: &dyn Fn(&Column<'_>) -> String, fill: char| {
        text.push('\n');
        for (column, width) in columns[..shown].iter().zip(&widths) {
            let cell = shorten(&cell(column), *width);
            let padding = fill.to_string().repeat(width - cell.width());
            match column.is_number {
                true => _ = write!(text, "{GAP}{padding}{cell}"),
                false => _ = write!(text, "{GAP}{cell}{padding}"),
            }
        }
        // Not the line's own end: a row may be empty.
        text.truncate(text.trim_end_matches(' ').len());
    };
    if shown > 0 {
        line(&|column| visible(column.name), ' ');
        line(&|column| column.kind.clone(), ' ');
        line(&|_| String::new(), '─');
        for row in 0..columns[0].cells.len() {
            line(&|column| column.cells[row].clone().unwrap_or_else(|| "null".to_owned()), ' ');
        }
    }
    for note in notes(table, shown, room.rows) {
        _ = write!(text, "\n{GAP}{}", shorten(&note, room.width.saturating_sub(GAP.len())));
    }
    text
}

/// The same as HTML. Colours are the page's own, only fainter, so that it fits a light page and a dark one.
pub(super) fn html(table: &Table) -> String {
    let columns = columns(table, HTML_COLUMNS, HTML_ROWS);
    let mut html = String::from(STYLE);
    let row = |html: &mut String, tag: &str, content: &dyn Fn(&Column<'_>) -> Option<String>| {
        html.push_str("<tr>");
        for column in &columns {
            let content = content(column);
            let class = match (column.is_number, content.is_none()) {
                (false, false) => "",
                (true, false) => " class=\"number\"",
                (false, true) => " class=\"null\"",
                (true, true) => " class=\"number null\"",
            };
            _ = write!(html, "<{tag}{class}>{}</{tag}>", content.as_deref().unwrap_or("null"));
        }
        html.push_str("</tr>\n");
    };
    html.push_str("<table>\n<thead>\n");
    row(&mut html, "th", &|column| {
        let shows = column.shows.map(|shows| format!("{shows}, ")).unwrap_or_default();
        Some(format!("{}<br><small>{shows}{}</small>", escaped(column.name), escaped(&column.kind)))
    });
    html.push_str("</thead>\n<tbody>\n");
    for index in 0..columns.first().map_or(0, |column| column.cells.len()) {
        row(&mut html, "td", &|column| column.cells[index].as_ref().map(|cell| escaped(&shorten(cell, HTML_CELL))));
    }
    html.push_str("</tbody>\n</table>\n");
    let mut about = vec![shape(table)];
    about.extend(table.receipt().and_then(Receipt::days));
    about.extend(notes(table, columns.len(), HTML_ROWS));
    _ = writeln!(html, "<p>{}</p>", escaped(&about.join("; ")));
    if let Some(receipt) = table.receipt() {
        // Control characters of a warning are spelled out as everywhere, its lines are kept.
        let lines: Vec<_> = receipt.to_string().lines().map(|line| escaped(&visible(line))).collect();
        _ = writeln!(html, "<details><summary>receipt</summary><pre>{}</pre></details>", lines.join("\n"));
    }
    html.push_str("</div>");
    html
}

/// A class that is named twice weighs more than JupyterLab's own rule, which aligns all cells at their right.
pub(super) const STYLE: &str = "<div class=\"insightframe\">
<style>
.insightframe table { border-collapse: collapse; color: inherit; background: none; }
.insightframe.insightframe th, .insightframe.insightframe td { padding: 0.2em 0.8em; text-align: left; white-space: pre; border: none; }
.insightframe thead th { border-bottom: 1px solid; vertical-align: bottom; }
.insightframe.insightframe .number { text-align: right; font-variant-numeric: tabular-nums; }
.insightframe .null, .insightframe small, .insightframe p, .insightframe details { opacity: 0.6; font-weight: normal; }
.insightframe pre { background: none; color: inherit; margin: 0; }
</style>
";

fn columns(table: &Table, at_most: usize, rows: usize) -> Vec<Column<'_>> {
    let options = FormatOptions::new().with_display_error(true);
    let fields = table.schema().fields().iter().take(at_most).enumerate();
    fields
        .map(|(index, field)| {
            let mut cells = Vec::new();
            for batch in table.batches() {
                cells.extend(first_cells(batch, index, rows - cells.len(), &options));
            }
            let value_type = match field.data_type() {
                DataType::Dictionary(_, values) => values,
                other => other,
            };
            Column {
                name: field.name(),
                kind: type_name(value_type),
                shows: table.kind(index),
                is_number: value_type.is_numeric(),
                cells,
            }
        })
        .collect()
}

fn first_cells(batch: &RecordBatch, column: usize, at_most: usize, options: &FormatOptions<'_>) -> Vec<Option<String>> {
    let array = batch.column(column);
    let formatter = ArrayFormatter::try_new(array.as_ref(), options);
    let cell = |row| match &formatter {
        Ok(formatter) => visible(&formatter.value(row).to_string()),
        Err(_) => "?".to_owned(),
    };
    let nulls = array.logical_nulls();
    let is_null = |row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    (0..batch.num_rows().min(at_most)).map(|row| (!is_null(row)).then(|| cell(row))).collect()
}

fn shape(table: &Table) -> String {
    let plural = |count: usize, noun| format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" });
    format!("{} × {}", plural(table.num_rows(), "row"), plural(table.column_names().len(), "column"))
}

/// What is not shown.
fn notes(table: &Table, shown: usize, rows: usize) -> Vec<String> {
    let mut notes = Vec::new();
    match table.num_rows().saturating_sub(rows) {
        0 => {}
        1 => notes.push("… 1 more row".to_owned()),
        rows => notes.push(format!("… {} more rows", grouped(rows as u64))),
    }
    let names = table.column_names();
    if let hidden @ [_, ..] = &names[shown..] {
        let plural = if hidden.len() == 1 { "" } else { "s" };
        let hidden_names: Vec<_> = hidden.iter().map(|name| visible(name)).collect();
        notes.push(format!("… {} more column{plural}: {}", grouped(hidden.len() as u64), hidden_names.join(", ")));
    }
    notes
}

/// How many columns fit into the width, and how wide each of them is.
fn fit(columns: &[Column<'_>], room: Room) -> (usize, Vec<usize>) {
    let mut left = room.width;
    let mut widths = Vec::new();
    for column in columns {
        let cells = column.cells.iter().map(|cell| cell.as_ref().map_or("null".len(), |cell| cell.width()));
        let widest = cells.chain([visible(column.name).width(), column.kind.width()]).max().unwrap_or(0);
        let width = widest.clamp(1, room.cell);
        let Some(rest) = left.checked_sub(GAP.len() + width) else { break };
        widths.push(width);
        left = rest;
    }
    (widths.len(), widths)
}

/// Cut to `width` columns of a terminal, the last of them `…` when something is missing.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= width
    });
    kept.chain(['…']).collect()
}

/// Control characters spelled out: a cell is one line, and nothing in it may command the terminal.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        // Besides the control characters: the ones that turn the direction of writing around.
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => shown.extend(c.escape_unicode()),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, Date32Array, DictionaryArray, Float64Array, Int64Array, StringArray, TimestampMillisecondArray,
        types::Int32Type,
    };
    use arrow_schema::Schema;

    use super::*;

    fn table(columns: Vec<(&str, ArrayRef)>) -> Table {
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
        Table::new(batch.schema(), vec![batch])
    }

    fn report() -> Table {
        let queues: DictionaryArray<Int32Type> =
            vec![Some("Sales"), None, Some("Sales, \"EMEA\"")].into_iter().collect();
        // 2023-12-01, in days since 1970.
        let day = 19_692;
        table(vec![
            ("Queue", Arc::new(queues)),
            ("Date", Arc::new(Date32Array::from(vec![Some(day), Some(day + 1), None]))),
            ("Phone", Arc::new(StringArray::from(vec!["+442079460000", "007", "two\nlines"]))),
            ("Talk Time", Arc::new(Float64Array::from(vec![Some(11.0), Some(0.25), None]))),
            ("Conversations", Arc::new(Int64Array::from(vec![1060, -1, 0]))),
        ])
    }

    #[test]
    fn names_types_and_rows_stand_in_columns() {
        insta::assert_snapshot!(text(&report(), Room::default()), @r#"
        3 rows × 5 columns
          Queue          Date        Phone          Talk Time  Conversations
          utf8           date32      utf8             float64          int64
          ─────────────  ──────────  ─────────────  ─────────  ─────────────
          Sales          2023-12-01  +442079460000       11.0           1060
          null           2023-12-02  007                 0.25             -1
          Sales, "EMEA"  null        two\nlines          null              0
        "#);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let names: Vec<_> = (1..=12).map(|n| format!("Column number {n}")).collect();
        let cells: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1234));
        let wide = table(names.iter().map(|name| (name.as_str(), cells.clone())).collect());
        insta::assert_snapshot!(text(&wide, Room::default()), @"
        1,234 rows × 12 columns
          Column number 1  Column number 2  Column number 3  Column number 4  Column number 5
                    int64            int64            int64            int64            int64
          ───────────────  ───────────────  ───────────────  ───────────────  ───────────────
                        0                0                0                0                0
                        1                1                1                1                1
                        2                2                2                2                2
                        3                3                3                3                3
                        4                4                4                4                4
                        5                5                5                5                5
                        6                6                6                6                6
                        7                7                7                7                7
                        8                8                8                8                8
                        9                9                9                9                9
          … 1,224 more rows
          … 7 more columns: Column number 6, Column number 7, Column number 8, Column number 9, Column numb…
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_room_whatever_the_data_is() {
        let texts = ["語".repeat(60), "e\u{301}".repeat(99), "\u{1b}[31m".repeat(20), "👩‍👩‍👧".repeat(30), String::new()];
        for columns in 0..9 {
            let names: Vec<_> = (0..columns).map(|n| texts[n % texts.len()].clone() + &n.to_string()).collect();
            let cells: ArrayRef = Arc::new(StringArray::from_iter_values(&texts));
            let table = match columns {
                0 => Table::new(Arc::new(Schema::empty()), vec![]),
                _ => table(names.iter().map(|name| (name.as_str(), cells.clone())).collect()),
            };
            for width in [4, 7, 20, 80, 100, 200] {
                for line in text(&table, Room { width, ..Room::default() }).lines() {
                    assert!(line.width() <= width, "{} of {width} columns: {line}", line.width());
                    assert!(!line.contains('\u{1b}'));
                }
            }
            let all = text(&table, Room::UNLIMITED);
            assert!(
                !all.contains('…') && all.split('\n').count() == if columns == 0 { 1 } else { 4 + texts.len() },
                "{all}"
            );
        }
    }

    #[test]
    fn an_empty_table_still_shows_its_columns() {
        let full = report();
        insta::assert_snapshot!(text(&Table::new(full.schema().clone(), vec![]), Room::default()), @"
        0 rows × 5 columns
          Queue  Date    Phone  Talk Time  Conversations
          utf8   date32  utf8     float64          int64
          ─────  ──────  ─────  ─────────  ─────────────
        ");
        insta::assert_snapshot!(text(&Table::new(Arc::new(Schema::empty()), vec![]), Room::default()), @"0 rows × 0 columns");
    }

    #[test]
    fn rows_come_from_as_many_batches_as_it_takes() {
        let batch = |from: i64| {
            let cells: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 4));
            RecordBatch::try_from_iter([("n", cells)]).unwrap()
        };
        let batches = vec![batch(0), batch(4), batch(8)];
        insta::assert_snapshot!(text(&Table::new(batches[0].schema(), batches), Room::default()), @"
        12 rows × 1 column
              n
          int64
          ─────
              0
              1
              2
              3
              4
              5
              6
              7
              8
              9
          … 2 more rows
        ");
    }

    #[test]
    fn types_are_named_as_in_the_documentation() {
        let at: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_700_000_000_000]).with_timezone("UTC"));
        insta::assert_snapshot!(text(&table(vec![("at", at)]), Room::default()), @"
        1 row × 1 column
          at
          timestamp[ms, UTC]
          ────────────────────
          2023-11-14T22:13:20Z
        ");
    }

    #[test]
    fn html_escapes_names_and_cells() {
        let cells: ArrayRef =
            Arc::new(StringArray::from(vec![Some("<script>alert(1)</script>"), Some("a & 'b'"), None]));
        let html = html(&table(vec![("<b>\"x\"", cells), ("n", Arc::new(Int64Array::from(vec![1, 2, 3])))]));
        insta::assert_snapshot!(html.strip_prefix(STYLE).unwrap(), @r#"
        <table>
        <thead>
        <tr><th>&lt;b&gt;&quot;x&quot;<br><small>utf8</small></th><th class="number">n<br><small>int64</small></th></tr>
        </thead>
        <tbody>
        <tr><td>&lt;script&gt;alert(1)&lt;/script&gt;</td><td class="number">1</td></tr>
        <tr><td>a &amp; &#39;b&#39;</td><td class="number">2</td></tr>
        <tr><td class="null">null</td><td class="number">3</td></tr>
        </tbody>
        </table>
        <p>3 rows × 2 columns</p>
        </div>
        "#);
    }

    #[test]
    fn html_tells_what_columns_show_and_how_they_came() {
        let receipt = Receipt {
            report: "3035643".into(),
            windows: vec![("2023-12-01".into(), "2023-12-30".into())],
            rows: 1,
            seconds: vec![("polling".into(), 1.5)],
            warnings: vec!["a < b\u{1b}[31m".into()],
            ..Receipt::default()
        };
        let cells: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let table = table(vec![("n", cells)]).with_receipt(receipt).with_kinds(["metric"]);
        insta::assert_snapshot!(html(&table).strip_prefix(STYLE).unwrap(), @r#"
        <table>
        <thead>
        <tr><th class="number">n<br><small>metric, int64</small></th></tr>
        </thead>
        <tbody>
        <tr><td class="number">1</td></tr>
        </tbody>
        </table>
        <p>1 row × 1 column; 2023-12-01 to 2023-12-30</p>
        <details><summary>receipt</summary><pre>report    3035643
        window    2023-12-01 to 2023-12-30
        result    1 row, 0 bytes
        requests  0 polls, 0 retries, 0 token refreshes
        seconds   1.50: polling 1.50
        warning   a &lt; b\u{1b}[31m</pre></details>
        </div>
        "#);
    }
}
