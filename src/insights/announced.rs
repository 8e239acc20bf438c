//! The header of a result, as its address announces it.
//!
//! Recorded addresses carry `q`: base64 in lines (percent-encoded) of zlib of JSON with a title and the names of the
//! attributes and metrics, in the order of the CSV's columns. It comes before or after `c`, its checksum, or not at all:
//! the documentation's own sample has no query. Nothing of this is documented, so whatever is unlike what was recorded
//! counts as absent.

use std::io::Read as _;

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use flate2::read::ZlibDecoder;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::execute::Execution;

/// The most that is inflated: forty columns with names of 255 characters are a sixth of it.
const CAP: u64 = 64 << 10;

/// Padded or not: the recorded ones are, and nothing is lost by reading the others.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The columns of a result, by their titles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// The columns that come first.
    pub attributes: Vec<String>,
    /// Those behind them.
    pub metrics: Vec<String>,
}

#[derive(Deserialize)]
struct Packed {
    attributes: Vec<Named>,
    metrics: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Execution {
    /// What the address of the result says of its columns, if it says anything that can be read.
    pub fn announced(&self) -> Option<Announced> {
        read(self.result.as_str())
    }
}

fn read(address: &str) -> Option<Announced> {
    let (_, query) = address.split_once('?')?;
    let q = query.split('&').find_map(|pair| pair.strip_prefix("q="))?;
    let text: Vec<u8> = percent_decode_str(q).filter(|byte| !byte.is_ascii_whitespace()).collect();
    let packed = BASE64.decode(text).ok()?;
    let mut json = Vec::new();
    // One byte more than is allowed tells that there would be more.
    ZlibDecoder::new(&packed[..]).take(CAP + 1).read_to_end(&mut json).ok()?;
    if json.len() as u64 > CAP {
        return None;
    }
    let Packed { attributes, metrics } = serde_json::from_slice(&json).ok()?;
    let names = |list: Vec<Named>| list.into_iter().map(|named| named.name).collect();
    Some(Announced { attributes: names(attributes), metrics: names(metrics) })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::prelude::BASE64_STANDARD;
    use flate2::{Compression, write::ZlibEncoder};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// As it was recorded: lines of 76 characters, each ended.
    fn lines(packed: &[u8]) -> String {
        let base64 = BASE64_STANDARD.encode(packed);
        base64.as_bytes().chunks(76).map(|line| format!("{}\n", std::str::from_utf8(line).unwrap())).collect()
    }

    fn encoded(text: &str) -> String {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }

    const JSON: &str = r#"{"title":"Report to export","metrics":[{"name":"sum of Lines Changed","id":10},{"name":"Ø","id":"11"}],"attributes":[{"name":"Queue, or \"line\"","id":1}]}"#;

    #[test]
    fn the_three_forms_of_an_address_are_read() {
        let expected = Announced {
            attributes: vec!["Queue, or \"line\"".into()],
            metrics: vec!["sum of Lines Changed".into(), "Ø".into()],
        };
        let path = "/gdc/projects/w/execute/raw/0af3";
        let q = encoded(&lines(&packed(JSON.as_bytes())));
        for address in [
            format!("{path}?q={q}&c=00ff"),
            format!("{path}?c=00ff&q={q}"),
            format!("{path}?q={q}"),
            // As a proxy may rewrite it: what needn't be escaped isn't.
            format!("{path}?c=00ff&q={}", q.replace("%2F", "/").replace("%3D", "=")),
            // Without line ends and padding.
            format!("{path}?q={}", encoded(BASE64_STANDARD.encode(packed(JSON.as_bytes())).trim_end_matches('='))),
        ] {
            assert_eq!(read(&address), Some(expected.clone()), "{address}");
        }
        assert_eq!(read(path), None);
    }

    #[test]
    fn whatever_is_unlike_what_was_recorded_counts_as_absent() {
        let of = |packed: &[u8]| read(&format!("/x?q={}", encoded(&lines(packed))));
        assert!(of(&packed(br#"{"attributes":[],"metrics":[]}"#)).is_some());
        let good = packed(JSON.as_bytes());
        for (bytes, what) in [
            (&b""[..], "nothing"),
            (b"not zlib at all", "other bytes"),
            (&good[..good.len() / 2], "half of it"),
            (&packed(b"{\"attributes\":["), "no JSON"),
            (&packed(b"[]"), "a list"),
            (&packed(br#"{"attributes":[],"metrics":{}}"#), "an object of metrics"),
            (&packed(br#"{"attributes":[{"id":1}],"metrics":[]}"#), "no name"),
            (&packed(br#"{"attributes":["a"],"metrics":[]}"#), "bare names"),
            (&packed(&vec![b'['; 60 << 10]), "nested too deeply"),
            (&packed(&vec![b' '; 10 << 20]), "a bomb"),
        ] {
            assert_eq!(of(bytes), None, "{what}");
        }
        for address in ["/x?q=", "/x?q=%", "/x?q=%F0%9F", "/x?q=!!!!", "/x?Q=eA", "/x?c=1"] {
            assert_eq!(read(address), None, "{address}");
        }
    }
}
