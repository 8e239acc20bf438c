//! The words of an answer that is an error, made fit for a person: one line, no tags, no secret.

use crate::secret::Secret;

/// Words from the service in one line, without control characters: what it sends into a terminal or a log is its words,
/// neither escape sequences nor lines that look like ours.
pub fn line(text: &str) -> String {
    let visible: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text that is no JSON, in one line: tags of HTML and runs of white space are dropped; at most 300 characters.
pub fn plain(text: &str) -> String {
    let mut inside = false;
    let visible: String = text
        .chars()
        .map(|char| match char {
            '<' => {
                inside = true;
                ' '
            }
            '>' if inside => {
                inside = false;
                ' '
            }
            _ if inside => ' ',
            char => char,
        })
        .collect();
    line(&visible).chars().take(300).collect()
}

/// The same text without these secrets: a service (or a proxy before it) may repeat what it was sent, as it is or as
/// JSON writes it.
pub fn mask(mut text: String, secrets: &[&Secret]) -> String {
    for secret in secrets {
        let json = serde_json::Value::from(secret.expose()).to_string();
        for form in [secret.expose(), &json[1..json.len() - 1]] {
            if !form.is_empty() && text.contains(form) {
                text = text.replace(form, "***");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_a_line() {
        for (text, expected) in [
            ("<html><body><h1>503</h1>\n<p>Try  later</p></body></html>", "503 Try later"),
            ("garbage\u{0}", "garbage"),
            ("a > b", "a > b"),
            ("", ""),
        ] {
            assert_eq!(plain(text), expected);
        }
        assert_eq!(plain(&"x".repeat(1000)).len(), 300);
    }

    #[test]
    fn an_echoed_token_is_masked() {
        let (token, password) = (Secret::new("canary-token"), Secret::new("a\"b"));
        assert_eq!(mask(r#"{"p":"a\"b"} a"b"#.into(), &[&password]), r#"{"p":"***"} ***"#);
        assert_eq!(mask("you sent canary-token!".into(), &[&token]), "you sent ***!");
        assert_eq!(mask("nothing".into(), &[&Secret::new("")]), "nothing");
    }
}
