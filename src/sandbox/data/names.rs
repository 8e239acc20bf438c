//! The words of the contact centre. All invented; e-mail addresses are at domains reserved for examples.

use std::io::Write as _;

use super::cells::digits;
use crate::sandbox::random::scatter;

pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) const QUEUES: [&str; 7] =
    ["Support EN", "Support DE", "Sales, New Business", "Billing", "Kündigungen", "Technical Tier 2", "Callback"];
pub(super) const CHANNELS: [&str; 3] = ["Call", "Chat", "SMS"];
pub(super) const DIRECTIONS: [&str; 2] = ["Inbound", "Outbound"];
/// Channel and direction of the five combinations that occur.
pub(super) const COMBINATIONS: [(u64, u64); 5] = [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)];
pub(super) const KINDS: [&str; 5] =
    ["Conversation", "Queue", "Agent Status", "Missed Conversation", "Rejected Conversation"];
pub(super) const ABANDONED: [&str; 3] = ["Yes", "No", "Follow-Up"];
pub(super) const PHASES: [&str; 5] = ["Short Queue", "Queue", "Ringing", "Voicemail", "Callback Request"];
/// Name and place in the hierarchy.
pub(super) const TEAMS: [(&str, &str); 6] = [
    ("Billing", "EMEA ▸ Support ▸ Billing"),
    ("Technical", "EMEA ▸ Support ▸ Technical"),
    ("Outbound", "EMEA ▸ Sales ▸ Outbound"),
    ("Zürich", "EMEA ▸ DACH ▸ Zürich"),
    ("Night \"Owls\"", "Americas ▸ Support ▸ Night \"Owls\""),
    ("Tokyo 東京", "APAC ▸ Sales ▸ Tokyo 東京"),
];
pub(super) const CAMPAIGNS: [&str; 4] =
    ["Outbound Dialer - England", "Spring 2024", "Win-back, 2nd wave", "Umfrage Süd"];
pub(super) const CASES: [&str; 4] = ["0004711", "0815", "1E5", "00012"];
pub(super) const TAGS: [&str; 4] = ["vip", "escalated", "\"quoted\"", "follow up"];
/// Codes that look like numbers and are none.
pub(super) const CODES: [&str; 6] = ["1e5", "2E10", "0x1F", "007", "1_000", "1e400"];
/// Texts that look like missing or odd numbers and are none.
pub(super) const REMARKS: [&str; 7] = ["NaN", "N/A", "null", "inf", "-", "None", "ok"];

/// What was said: every character that a reader of CSV can stumble over.
pub(super) const CONTENTS: [&str; 16] = [
    "The customer asks for a copy of the March invoice and wants it sent to the address on file.",
    "Called back, nobody answered, left a message; will try again tomorrow morning.",
    "Said \"this is the third time I call\" and asked for a supervisor, calmly.",
    "Line one of the note\r\nline two, with a comma\r\nline three with \"quotes\"",
    "A note with a bare line feed\nin the middle of it, typed on another system",
    "Kündigung zum Quartalsende, Bestätigung per E-Mail gewünscht. Grüße, Zoë",
    "Very happy 🎉👍 – will recommend us, mentioned the new app ❤️ twice",
    "お客様は請求書の再送を希望しています。折り返し不要。",
    "Password reset done; identity checked by phone; ticket closed as solved at first contact.",
    "\"",
    ", ",
    "Refund of 49,90 € promised within 5 days, reference 00012345, see case 0x1F",
    "Le client demande un dédommagement ; à rappeler avant midi, « urgent »",
    "Transferred to Tier 2 after 12 min, reason: \"VPN, again\"; the log is attached,\nsee the link",
    "The caller hung up while the agent was looking up the order. No further action is needed for now.",
    "  leading and trailing blanks are kept  ",
];

const FIRST: [&str; 16] = [
    "Ana", "Zoë", "Jürgen", "Mehmet", "Åsa", "Siobhán", "José", "Li", "Priya", "Tomasz", "Noor", "Ike", "Renée",
    "Olga", "Sven", "Amara",
];
const LAST: [&str; 16] = [
    "Müller",
    "O'Brien",
    "García",
    "Nguyễn",
    "Smith",
    "Kowalski",
    "Öztürk",
    "Jones",
    "Dubois",
    "Andersson",
    "Rossi",
    "Patel",
    "Yamada",
    "de Vries",
    "St. John",
    "Łukasik",
];

/// The element of a list, from the beginning again after its end.
pub(super) fn pick<T: Copy>(list: &[T], element: u64) -> T {
    list[(element % list.len() as u64) as usize]
}

/// A queue: the first few have names, further ones numbers.
pub(super) fn queue(element: u64, out: &mut Vec<u8>) {
    match QUEUES.get(element as usize) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => drop(write!(out, "Queue {}", element + 1)),
    }
}

/// First and last name; a number tells namesakes apart.
pub(super) fn person(element: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(pick(&FIRST, element).as_bytes());
    out.push(b' ');
    out.extend_from_slice(pick(&LAST, element / 16).as_bytes());
    if element >= 256 {
        let _ = write!(out, " {}", element / 256 + 1);
    }
}

/// Which name a customer has: other ones than the agents.
pub(super) fn customer_name(element: u64) -> u64 {
    element + 117
}

/// Eight digits with leading zeros.
pub(super) fn agent_id(element: u64, out: &mut Vec<u8>) {
    digits(element * 7 + 4711, 8, out);
}

/// A number in international form, British or American.
pub(super) fn phone(element: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(if element.is_multiple_of(2) { b"+4477009" } else { b"+155501" });
    digits(element, 5, out);
}

/// An address at a domain that is reserved for examples.
pub(super) fn email(name: &str, element: u64, domain: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    digits(element, 1, out);
    out.extend_from_slice(domain.as_bytes());
}

/// Two letters and 32 hexadecimal digits, as Twilio's identifiers have.
pub(super) fn sid(prefix: &[u8; 2], hash: u64, out: &mut Vec<u8>) {
    let mut text = [0; 34];
    text[..2].copy_from_slice(prefix);
    let words = (u128::from(hash) << 64) | u128::from(scatter(hash ^ 0x51d));
    for (digit, byte) in text[2..].iter_mut().enumerate() {
        *byte = b"0123456789abcdef"[(words >> (4 * digit)) as usize & 15];
    }
    out.extend_from_slice(&text);
}

/// Twenty digits: more than any integer of 64 bits holds.
pub(super) fn twenty_digits(hash: u64, out: &mut Vec<u8>) {
    out.push(b'2');
    digits(hash % 10_000_000_000_000_000_000, 19, out);
}
