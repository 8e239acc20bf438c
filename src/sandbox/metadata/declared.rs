//! The declarations: data sets, attributes with their display forms, facts, metrics and reports. Ids never change.

use super::{
    super::data::{conversations::DURATIONS, export::Rows, labels::Label, model::Domain},
    catalog::Column,
};

/// A display form; without an identifier it gets a generated one.
pub(super) struct Form {
    pub(super) identifier: &'static str,
    pub(super) title: &'static str,
    /// Its `GDC.time` type.
    pub(super) time: &'static str,
    pub(super) label: Label,
}

/// An attribute; its display forms have the ids after its own.
pub(super) struct Attribute {
    pub(super) id: u32,
    pub(super) identifier: &'static str,
    pub(super) title: &'static str,
    /// Its `GDC.time` type.
    pub(super) time: &'static str,
    pub(super) dataset: u32,
    pub(super) forms: &'static [Form],
}

/// A report; its definitions have the two ids before its own.
pub(super) struct Report {
    pub(super) id: u32,
    pub(super) identifier: &'static str,
    pub(super) title: String,
    pub(super) format: &'static str,
    pub(super) rows: Rows,
    pub(super) columns: Vec<Column>,
}

const DATES: u32 = 21;
pub(super) const CONVERSATIONS: u32 = 22;
const AGENTS: u32 = 23;
const CUSTOMERS: u32 = 24;

pub(super) const DATASETS: [(u32, &str, &str); 4] = [
    (DATES, "date.dataset.dt", "Date"),
    (CONVERSATIONS, "dataset.conversations", "Conversations"),
    (AGENTS, "dataset.agents", "Agents"),
    (CUSTOMERS, "dataset.customers", "Customers"),
];

const fn form(identifier: &'static str, title: &'static str, time: &'static str, label: Label) -> Form {
    Form { identifier, title, time, label }
}

const fn calendar(
    id: u32,
    identifier: &'static str,
    title: &'static str,
    time: &'static str,
    forms: &'static [Form],
) -> Attribute {
    Attribute { id, identifier, title, time, dataset: DATES, forms }
}

const fn plain(
    id: u32,
    dataset: u32,
    identifier: &'static str,
    title: &'static str,
    forms: &'static [Form],
) -> Attribute {
    Attribute { id, identifier, title, time: "", dataset, forms }
}

macro_rules! one_label {
    ($id:literal, $name:literal, $title:literal, $domain:ident) => {
        plain(
            $id,
            CONVERSATIONS,
            concat!("attr.conversations.", $name),
            $title,
            &[form(concat!("label.conversations.", $name), $title, "", Label::Only(Domain::$domain))],
        )
    };
}

pub(super) const ATTRIBUTES: [Attribute; 26] = [
    calendar(
        1000,
        "date.date",
        "Date",
        "GDC.time.date",
        &[
            form("date.date.mmddyyyy", "mm/dd/yyyy (Date)", "GDC.time.day_us", Label::DayUs),
            form("date.date.yyyymmdd", "yyyy-mm-dd (Date)", "GDC.time.day", Label::Day),
            form(
                "date.date.mdyy",
                "m/d/yy (no leading zeroes) (Date)",
                "GDC.time.day_us_noleading",
                Label::DayUsNoLeading,
            ),
            form("date.date.long", "Long (Mon, Jan 1, 2010) (Date)", "GDC.time.day_us_long", Label::DayUsLong),
            form("date.date.ddmmyyyy", "dd/mm/yyyy (Date)", "GDC.time.day_eu", Label::DayEu),
            form("date.date.eddmmyyyy", "dd-mm-yyyy (Date)", "GDC.time.day_iso", Label::DayIso),
        ],
    ),
    calendar(
        1010,
        "date.year",
        "Year (Date)",
        "GDC.time.year",
        &[form("date.aag81lMifn6q", "Year (Date)", "", Label::Year)],
    ),
    calendar(
        1020,
        "date.quarter",
        "Quarter/Year (Date)",
        "GDC.time.quarter",
        &[form("", "US Short (Date)", "", Label::Quarter)],
    ),
    calendar(
        1030,
        "date.month",
        "Month/Year (Date)",
        "GDC.time.month",
        &[
            form("", "Short (Jan 2010) (Date)", "", Label::MonthShort),
            form("", "Long (January 2010) (Date)", "", Label::MonthLong),
            form("", "Number (1/2010) (Date)", "", Label::MonthNumber),
        ],
    ),
    calendar(
        1040,
        "date.week",
        "Week (Sun-Sat)/Year (Date)",
        "GDC.time.week_us",
        &[
            form("", "Week #/Year (W1/2010) (Date)", "", Label::WeekNumber(Domain::Week)),
            form("", "Week Starting (Date)", "", Label::WeekStart(Domain::Week)),
            form("", "From - To (Date)", "", Label::WeekSpan(Domain::Week)),
        ],
    ),
    calendar(
        1050,
        "date.euweek",
        "Week (Mon-Sun)/Year (Date)",
        "GDC.time.week",
        &[
            form("", "Week #/Year (W1/2010) (Date)", "", Label::WeekNumber(Domain::EuWeek)),
            form("", "Week Starting (Date)", "", Label::WeekStart(Domain::EuWeek)),
            form("", "From - To (Date)", "", Label::WeekSpan(Domain::EuWeek)),
        ],
    ),
    calendar(
        1060,
        "date.day.in.week",
        "Day of Week (Sun-Sat) (Date)",
        "GDC.time.day_in_week",
        &[
            form("", "Short (Sun) (Date)", "", Label::WeekdayShort),
            form("", "Long (Sunday) (Date)", "", Label::WeekdayLong),
            form("", "Number (1=Sunday) (Date)", "", Label::WeekdayNumber),
        ],
    ),
    plain(
        1100,
        CONVERSATIONS,
        "attr.conversations.conversation",
        "Conversation",
        &[form("label.conversations.conversation_id", "Conversation ID", "", Label::ConversationId)],
    ),
    plain(
        1110,
        CONVERSATIONS,
        "attr.conversations.segment",
        "Segment",
        &[
            form("label.conversations.segment", "Segment", "", Label::Only(Domain::Segment)),
            form("label.conversations.external_id", "External ID", "", Label::ExternalId),
        ],
    ),
    one_label!(1120, "time", "Time", Time),
    one_label!(1130, "interval_15", "Interval 15 Minutes", Interval),
    one_label!(1140, "queue", "Queue", Queue),
    one_label!(1150, "channel", "Channel", Channel),
    one_label!(1160, "direction", "Direction", Direction),
    one_label!(1170, "kind", "Kind", Kind),
    one_label!(1180, "abandoned", "Abandoned", Abandoned),
    one_label!(1190, "abandoned_phase", "Abandoned Phase", Phase),
    plain(
        1200,
        CONVERSATIONS,
        "attr.conversations.handling_team",
        "Handling Team",
        &[
            form("label.conversations.handling_team_name", "Handling Team Name", "", Label::TeamName),
            form(
                "label.conversations.handling_team_name_in_hierarchy",
                "Handling Team Name in Hierarchy",
                "",
                Label::TeamPath,
            ),
        ],
    ),
    one_label!(1210, "content", "Content", Content),
    one_label!(1220, "conversation_attribute_1", "Conversation Attribute 1", FirstAttribute),
    one_label!(1230, "conversation_attribute_2", "Conversation Attribute 2", SecondAttribute),
    one_label!(1240, "conversation_label_1", "Conversation Label 1", FirstLabel),
    plain(
        1300,
        AGENTS,
        "attr.agents.agent",
        "Agent",
        &[
            form("label.agents.full_name", "Full Name", "", Label::AgentName),
            form("label.agents.agent_id", "Agent ID", "", Label::AgentId),
            form("label.agents.email", "Email", "", Label::AgentEmail),
        ],
    ),
    plain(
        1310,
        AGENTS,
        "attr.agents.agent_attribute_1",
        "Team Code",
        &[form("label.agents.agent_attribute_1", "Team Code", "", Label::Only(Domain::TeamCode))],
    ),
    plain(
        1320,
        AGENTS,
        "attr.agents.agent_attribute_2",
        "Remark",
        &[form("label.agents.agent_attribute_2", "Remark", "", Label::Only(Domain::Remark))],
    ),
    plain(
        1400,
        CUSTOMERS,
        "attr.customers.customer",
        "Customer",
        &[
            form("label.customers.name", "Name", "", Label::CustomerName),
            form("label.customers.phone", "Phone", "", Label::CustomerPhone),
            form("label.customers.email", "Email", "", Label::CustomerEmail),
        ],
    ),
];

/// Facts, all in seconds but the last two; ids from 2001.
pub(super) const FACTS: [(&str, &str); 21] = [
    ("talk_time", "Talk Time"),
    ("agent_talk_time", "Agent Talk Time"),
    ("customer_talk_time", "Customer Talk Time"),
    ("crosstalk_time", "Crosstalk Time"),
    ("silence_time", "Silence Time"),
    ("hold_time", "Hold Time"),
    ("queue_time", "Queue Time"),
    ("ring_time", "Ring Time"),
    ("ivr_time", "IVR Time"),
    ("wrap_up_time", "Wrap Up Time"),
    ("focus_time", "Focus Time"),
    ("activity_time", "Activity Time"),
    ("abandon_time", "Abandon Time"),
    ("average_response_time", "Average Response Time"),
    ("first_response_time", "First Response Time"),
    ("longest_talk_by_agent", "Longest Talk by Agent"),
    ("longest_talk_by_customer", "Longest Talk by Customer"),
    ("longest_silence_before_agent", "Longest Silence before Agent"),
    ("longest_silence_before_customer", "Longest Silence before Customer"),
    ("answered_in_time", "Answered in Time"),
    ("occupancy", "Occupancy"),
];

/// Id, title, expression and number format.
pub(super) const METRICS: [(u32, &str, &str, &str); 31] = [
    (3001, "Offered Contacts", "SELECT COUNT([{attr.conversations.segment}])", "#,##0"),
    (3002, "Average Handle Time", "SELECT AVG([{fact.conversations.activity_time}])", "#,##0.00"),
    (
        3003,
        "Abandons",
        "SELECT COUNT([{attr.conversations.segment}]) WHERE [{attr.conversations.abandoned}] = \
         [{attr.conversations.abandoned}/elements?id=1]",
        "#,##0",
    ),
    (3004, "Service Level", "SELECT AVG([{fact.conversations.answered_in_time}])", "#,##0.00%"),
    (3005, "Average Speed of Answer", "SELECT AVG([{fact.conversations.queue_time}])", "#,##0.00"),
    (
        3006,
        "Volume Handled",
        "SELECT COUNT([{attr.conversations.segment}]) WHERE [{attr.conversations.abandoned}] = \
         [{attr.conversations.abandoned}/elements?id=2]",
        "#,##0",
    ),
    (3007, "Total Talk Time", "SELECT SUM([{fact.conversations.talk_time}])", "#,##0.00"),
    (3008, "Handled Conversations", "SELECT COUNT([{attr.conversations.conversation}])", "#,##0"),
    (3009, "Average Occupancy", "SELECT AVG([{fact.conversations.occupancy}])", "#,##0.00"),
    (3010, "Segments", "SELECT COUNT([{attr.conversations.segment}])", "#,##0"),
    (3021, "Talk Time", "SELECT SUM([{fact.conversations.talk_time}])", "#,##0.00"),
    (3022, "Agent Talk Time", "SELECT SUM([{fact.conversations.agent_talk_time}])", "#,##0.00"),
    (3023, "Customer Talk Time", "SELECT SUM([{fact.conversations.customer_talk_time}])", "#,##0.00"),
    (3024, "Crosstalk Time", "SELECT SUM([{fact.conversations.crosstalk_time}])", "#,##0.00"),
    (3025, "Silence Time", "SELECT SUM([{fact.conversations.silence_time}])", "#,##0.00"),
    (3026, "Hold Time", "SELECT SUM([{fact.conversations.hold_time}])", "#,##0.00"),
    (3027, "Queue Time", "SELECT SUM([{fact.conversations.queue_time}])", "#,##0.00"),
    (3028, "Ring Time", "SELECT SUM([{fact.conversations.ring_time}])", "#,##0.00"),
    (3029, "IVR Time", "SELECT SUM([{fact.conversations.ivr_time}])", "#,##0.00"),
    (3030, "Wrap Up Time", "SELECT SUM([{fact.conversations.wrap_up_time}])", "#,##0.00"),
    (3031, "Focus Time", "SELECT SUM([{fact.conversations.focus_time}])", "#,##0.00"),
    (3032, "Activity Time", "SELECT SUM([{fact.conversations.activity_time}])", "#,##0.00"),
    (3033, "Abandon Time", "SELECT SUM([{fact.conversations.abandon_time}])", "#,##0.00"),
    (3034, "Average Response Time", "SELECT AVG([{fact.conversations.average_response_time}])", "#,##0.00"),
    (3035, "First Response Time", "SELECT AVG([{fact.conversations.first_response_time}])", "#,##0.00"),
    (3036, "Longest Talk by Agent", "SELECT MAX([{fact.conversations.longest_talk_by_agent}])", "#,##0.00"),
    (3037, "Longest Talk by Customer", "SELECT MAX([{fact.conversations.longest_talk_by_customer}])", "#,##0.00"),
    (3038, "Silence before Agent", "SELECT MAX([{fact.conversations.longest_silence_before_agent}])", "#,##0.00"),
    (3039, "Silence before Customer", "SELECT MAX([{fact.conversations.longest_silence_before_customer}])", "#,##0.00"),
    (3040, "Average Talk Time", "SELECT AVG([{fact.conversations.talk_time}])", "#,##0.00"),
    (3041, "Average Wrap Up Time", "SELECT AVG([{fact.conversations.wrap_up_time}])", "#,##0.00"),
];

/// The reports of the workspace.
pub(super) fn reports() -> Vec<Report> {
    let columns = |list: &[u32]| list.iter().map(|object| Column { object: *object, alias: "" }).collect::<Vec<_>>();
    let renamed = |list: &[(u32, &'static str)]| {
        list.iter().map(|(object, alias)| Column { object: *object, alias }).collect::<Vec<_>>()
    };
    let report = |id, title: &str, rows, columns| Report {
        id,
        identifier: "",
        title: title.to_owned(),
        format: "grid",
        rows,
        columns,
    };
    let places = [1141, 1001, 1131, 1151, 1161];

    let mut conversations = renamed(&[
        (1101, "Conversation ID"),
        (1111, ""),
        (1112, "External ID"),
        (1001, ""),
        (1121, ""),
        (1301, "Agent"),
        (1302, "Agent ID"),
        (1402, "Customer Phone"),
        (1403, "Customer Email"),
        (1141, ""),
        (1151, ""),
        (1161, ""),
        (1171, ""),
        (1181, ""),
        (1191, ""),
        (1202, ""),
        (1211, ""),
        (1221, ""),
        (1231, ""),
        (1241, ""),
    ]);
    conversations.extend(columns(&(3021..3021 + DURATIONS as u32).collect::<Vec<_>>()));
    conversations.extend(columns(&[3010]));

    vec![
        Report {
            identifier: "aaosExgHgF8r",
            ..report(
                3_035_643,
                "Queue Performance by Interval",
                Rows::QueuePerformance,
                columns(&[&places[..], &[3001, 3002, 3003, 3004, 3005, 3006]].concat()),
            )
        },
        report(3_035_653, "Conversations", Rows::Conversations, conversations),
        report(
            3_035_663,
            "Agents by Day (EU)",
            Rows::AgentsByDay,
            renamed(&[
                (1302, "Agent ID"),
                (1301, "Agent"),
                (1005, ""),
                (1311, ""),
                (1321, ""),
                (3008, ""),
                (3021, ""),
                (3009, "Occupancy"),
            ]),
        ),
        Report { format: "oneNumber", ..report(3_035_673, "Total Talk Time", Rows::TalkTime, columns(&[3007])) },
        report(3_035_683, "Nothing Ever Happens", Rows::Nothing, columns(&[1141, 1001, 3001])),
        report(
            3_035_693,
            "Duplicate Titles",
            Rows::Contacts,
            [columns(&places), renamed(&[(3001, "Contacts"), (3006, "Contacts")])].concat(),
        ),
        report(
            3_035_703,
            "Date Labels",
            Rows::DateLabels,
            renamed(&[
                (1001, "mm/dd/yyyy"),
                (1002, "yyyy-mm-dd"),
                (1003, "m/d/yy"),
                (1004, "Long"),
                (1005, "dd/mm/yyyy"),
                (1006, "dd-mm-yyyy"),
                (1041, "Week"),
                (1042, "Week Starting"),
                (1043, "From - To"),
                (1051, "EU Week"),
                (1031, "Month"),
                (1032, "Month (Long)"),
                (1021, "Quarter"),
                (1011, "Year"),
                (1061, "Day of Week"),
                (1063, "Day of Week Number"),
                (3010, ""),
            ]),
        ),
        report(
            3_035_713,
            "Überblick \"Größe\" – 日本",
            Rows::Waits,
            renamed(&[
                (1141, ""),
                (1002, ""),
                (1131, ""),
                (1151, ""),
                (1161, ""),
                (3001, ""),
                (3005, "Ø Wartezeit (s)"),
            ]),
        ),
    ]
}
