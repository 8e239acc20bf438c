//! A described report, as `print` shows it.

use unicode_width::UnicodeWidthStr as _;

use super::{
    render::{STYLE, escaped, visible},
    table::type_name,
};
use crate::{
    csv::ColumnType,
    insights::{Report, describe::Column},
};

/// The report on a line, and a line for each column: name, kind, type, identifier, format.
pub fn text(report: &Report) -> String {
    let identifier = report.identifier.as_ref().map(|identifier| format!(", {identifier}")).unwrap_or_default();
    let mut text = format!("Report `{}` ({}{identifier})", report.title, report.uri.number);
    let lines: Vec<_> = report.columns.iter().map(line).collect();
    let width = |index: usize| lines.iter().map(|line| line[index].width()).max().unwrap_or_default();
    let widths: [usize; 5] = std::array::from_fn(width);
    for line in &lines {
        let mut row = String::from("\n ");
        for (word, width) in line.iter().zip(widths).filter(|(_, width)| *width > 0) {
            row += &format!(" {word}{} ", " ".repeat(width - word.width()));
        }
        text += row.trim_end();
    }
    if report.pivoted {
        text += "\n  and metrics spread over the values of an attribute, so that their columns depend on the data";
    }
    text
}

/// The same as a card for a notebook: light or dark as the page is, every text escaped.
pub fn html(report: &Report) -> String {
    let identifier = report.identifier.as_ref().map(|identifier| format!(" · {identifier}")).unwrap_or_default();
    let about = format!("report {}{identifier} · workspace {}", report.uri.number, report.uri.workspace);
    let shown = |text: &str| escaped(&visible(text));
    let mut html = format!("{STYLE}<b>{}</b>\n<p>{}</p>\n", shown(&report.title), shown(&about));
    html += "<table>\n<thead>\n<tr><th>column</th><th>shows</th><th>type</th><th>identifier</th><th>format</th></tr>\n\
             </thead>\n<tbody>\n";
    for column in &report.columns {
        let cells: String = line(column).iter().map(|word| format!("<td>{}</td>", shown(word))).collect();
        html += &format!("<tr>{cells}</tr>\n");
    }
    html += "</tbody>\n</table>\n";
    if report.pivoted {
        html += "<p>and metrics spread over the values of an attribute, so that their columns depend on the data</p>\n";
    }
    html + "</div>"
}

/// A column in words; those that aren't known are empty.
pub fn line(column: &Column) -> [String; 5] {
    let name = type_name(&column.column_type.arrow());
    let kind = match column.column_type {
        ColumnType::Date(format) => format!("{name} ({format})"),
        _ => name,
    };
    [
        column.name.clone(),
        column.kind.as_str().to_owned(),
        kind,
        column.identifier.clone().unwrap_or_default(),
        column.format.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{csv::DateFormat, ids::ObjectUri, insights::describe::ColumnKind, origin::Origin};

    #[test]
    fn a_report_is_shown_as_a_person_reads_it() {
        let origin = Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap();
        let uri =
            |number: u64| ObjectUri::parse(&format!("/gdc/md/abcdefghij0123456789abcdefghij01/obj/{number}"), &origin);
        let column = |name: &str, kind, column_type, identifier: Option<&str>, format: Option<&str>| Column {
            name: name.into(),
            kind,
            column_type,
            source: uri(1).unwrap(),
            identifier: identifier.map(Into::into),
            format: format.map(Into::into),
        };
        let date = ColumnType::Date(DateFormat::MmDdYyyy);
        let mut report = Report {
            title: "Überblick – 日本".into(),
            uri: uri(255).unwrap(),
            identifier: Some("aaosExgHgF8r".into()),
            definition: uri(254).unwrap(),
            pivoted: false,
            columns: vec![
                column("Date", ColumnKind::Attribute, date, Some("date.date.mmddyyyy"), None),
                column("キュー", ColumnKind::Attribute, ColumnType::Utf8, None, None),
                column("Offered", ColumnKind::Metric, ColumnType::Int64, Some("aaY3Qz"), Some("#,##0")),
            ],
        };
        insta::assert_snapshot!(text(&report), @r"
        Report `Überblick – 日本` (255, aaosExgHgF8r)
          Date     attribute  date32 (mm/dd/yyyy)  date.date.mmddyyyy
          キュー   attribute  utf8
          Offered  metric     int64                aaY3Qz              #,##0
        ");
        insta::assert_snapshot!(html(&report).strip_prefix(STYLE).unwrap(), @r##"
        <b>Überblick – 日本</b>
        <p>report 255 · aaosExgHgF8r · workspace abcdefghij0123456789abcdefghij01</p>
        <table>
        <thead>
        <tr><th>column</th><th>shows</th><th>type</th><th>identifier</th><th>format</th></tr>
        </thead>
        <tbody>
        <tr><td>Date</td><td>attribute</td><td>date32 (mm/dd/yyyy)</td><td>date.date.mmddyyyy</td><td></td></tr>
        <tr><td>キュー</td><td>attribute</td><td>utf8</td><td></td><td></td></tr>
        <tr><td>Offered</td><td>metric</td><td>int64</td><td>aaY3Qz</td><td>#,##0</td></tr>
        </tbody>
        </table>
        </div>
        "##);
        (report.pivoted, report.identifier) = (true, None);
        report.columns.truncate(1);
        insta::assert_snapshot!(text(&report), @r"
        Report `Überblick – 日本` (255)
          Date  attribute  date32 (mm/dd/yyyy)  date.date.mmddyyyy
          and metrics spread over the values of an attribute, so that their columns depend on the data
        ");
    }
}
