//! The labels of the model: what an element of an attribute is called, in each of its display forms.

use super::{
    dates,
    model::{Domain, Model},
    names,
};
use crate::sandbox::random::mix;

/// A display form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    /// 12/01/2023
    DayUs,
    /// 2023-12-01
    Day,
    /// 12/1/23
    DayUsNoLeading,
    /// Fri, Dec 1, 2023
    DayUsLong,
    /// 01/12/2023
    DayEu,
    /// 01-12-2023
    DayIso,
    /// W48/2023
    WeekNumber(Domain),
    /// 11/26/2023, the first day
    WeekStart(Domain),
    /// 11/26/2023 - 12/02/2023
    WeekSpan(Domain),
    /// Dec 2023
    MonthShort,
    /// December 2023
    MonthLong,
    /// 12/2023
    MonthNumber,
    /// Q4/2023
    Quarter,
    /// 2023
    Year,
    /// Fri
    WeekdayShort,
    /// Friday
    WeekdayLong,
    /// 6, where Sunday is 1
    WeekdayNumber,
    /// The only label of its attribute.
    Only(Domain),
    /// 00004711
    AgentId,
    /// Zoë Müller
    AgentName,
    /// agent4711@example.com
    AgentEmail,
    /// Billing
    TeamName,
    /// EMEA ▸ Support ▸ Billing
    TeamPath,
    /// Ana Schmidt
    CustomerName,
    /// +447700900123
    CustomerPhone,
    /// ana.schmidt.123@example.com
    CustomerEmail,
    /// The conversation's id.
    ConversationId,
    /// Twenty digits.
    ExternalId,
}

impl Label {
    /// The attribute that it belongs to.
    pub(crate) fn domain(self) -> Domain {
        match self {
            Self::DayUs | Self::Day | Self::DayUsNoLeading | Self::DayUsLong | Self::DayEu | Self::DayIso => {
                Domain::Day
            }
            Self::WeekNumber(domain) | Self::WeekStart(domain) | Self::WeekSpan(domain) | Self::Only(domain) => domain,
            Self::MonthShort | Self::MonthLong | Self::MonthNumber => Domain::Month,
            Self::Quarter => Domain::Quarter,
            Self::Year => Domain::Year,
            Self::WeekdayShort | Self::WeekdayLong | Self::WeekdayNumber => Domain::Weekday,
            Self::AgentId | Self::AgentName | Self::AgentEmail => Domain::Agent,
            Self::TeamName | Self::TeamPath => Domain::Team,
            Self::CustomerName | Self::CustomerPhone | Self::CustomerEmail => Domain::Customer,
            Self::ConversationId => Domain::Conversation,
            Self::ExternalId => Domain::Segment,
        }
    }
}

impl Model {
    /// Appends what this label calls the element.
    pub(crate) fn title(&self, label: Label, element: u64, out: &mut Vec<u8>) {
        let date = || self.first_day(label.domain(), element);
        match label {
            Label::DayUs => dates::us(date(), out),
            Label::Day => dates::iso(date(), out),
            Label::DayUsNoLeading => dates::put(date(), "%-m/%-d/%y", out),
            Label::DayUsLong => dates::put(date(), "%a, %b %-d, %Y", out),
            Label::DayEu => dates::eu(date(), b'/', out),
            Label::DayIso => dates::eu(date(), b'-', out),
            Label::WeekNumber(domain) => dates::week_number(date(), domain == Domain::EuWeek, out),
            Label::WeekStart(_) => dates::us(date(), out),
            Label::WeekSpan(_) => {
                dates::us(date(), out);
                out.extend_from_slice(b" - ");
                dates::us(dates::plus(date(), 6), out);
            }
            Label::MonthShort => dates::put(date(), "%b %Y", out),
            Label::MonthLong => dates::put(date(), "%B %Y", out),
            Label::MonthNumber => dates::put(date(), "%-m/%Y", out),
            Label::Quarter => out.extend(format!("Q{}/{}", dates::quarter(date()), date().year()).bytes()),
            Label::Year => dates::put(date(), "%Y", out),
            Label::WeekdayShort => out.extend_from_slice(&names::WEEKDAYS[element as usize % 7].as_bytes()[..3]),
            Label::WeekdayLong => out.extend_from_slice(names::WEEKDAYS[element as usize % 7].as_bytes()),
            Label::WeekdayNumber => out.extend((element % 7 + 1).to_string().bytes()),
            Label::AgentId => names::agent_id(element, out),
            Label::AgentName => names::person(element, out),
            Label::AgentEmail => names::email("agent", element, "@example.com", out),
            Label::TeamName => out.extend_from_slice(names::pick(&names::TEAMS, element).0.as_bytes()),
            Label::TeamPath => out.extend_from_slice(names::pick(&names::TEAMS, element).1.as_bytes()),
            Label::CustomerName => names::person(names::customer_name(element), out),
            Label::CustomerPhone => names::phone(element, out),
            Label::CustomerEmail => names::email("customer.", element, "@example.org", out),
            Label::ConversationId => names::sid(b"CH", mix(self.seed, element), out),
            Label::ExternalId => names::twenty_digits(mix(self.seed ^ 0x2020, element), out),
            Label::Only(domain) => self.only_title(domain, element, out),
        }
    }

    fn only_title(&self, domain: Domain, element: u64, out: &mut Vec<u8>) {
        let list: &[&str] = match domain {
            Domain::Segment => return names::sid(b"WT", mix(self.seed ^ 0x5e6, element), out),
            Domain::Time => return dates::time(element, self.time_format, out),
            Domain::Interval => return dates::interval(element, out),
            Domain::Queue => return names::queue(element, out),
            Domain::Channel => &names::CHANNELS,
            Domain::Direction => &names::DIRECTIONS,
            Domain::Kind => &names::KINDS,
            Domain::Abandoned => &names::ABANDONED,
            Domain::Phase => &names::PHASES,
            Domain::Content => &names::CONTENTS,
            Domain::FirstAttribute => &names::CAMPAIGNS,
            Domain::SecondAttribute => &names::CASES,
            Domain::FirstLabel => &names::TAGS,
            Domain::TeamCode => &names::CODES,
            Domain::Remark => &names::REMARKS,
            _ => &[""],
        };
        out.extend_from_slice(names::pick(list, element).as_bytes());
    }
}
