use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn range(start: &str, end: &str, zone: &Zone) -> Range {
    let edge = |name, text: &str| (!text.is_empty()).then(|| Edge::parse(name, text).unwrap());
    Range::new(edge("start", start), edge("end", end), zone.clone()).unwrap()
}

/// Each piece as `start/end offset unit`.
fn shown_pieces(range: &Range, unit: Unit) -> Vec<String> {
    let pieces = pieces(range, unit, at("2022-06-15T12:30:00Z")).unwrap();
    let text = |edge: Option<Timestamp>| edge.map_or("…".into(), |edge| edge.to_string());
    pieces.iter().map(|p| format!("{}/{} {} {}", text(p.start), text(p.end), p.offset, p.unit)).collect()
}

#[test]
fn days_are_included_and_instants_are_not() {
    let zurich = Zone::named("Europe/Zurich").unwrap();
    let found = range("2021-10-01", "2021-10-02", &zurich);
    assert_eq!((found.start, found.end), (Some(at("2021-09-30T22:00:00Z")), Some(at("2021-10-02T22:00:00Z"))));
    let found = range("2021-10-01T08:00+02:00", "2021-10-01T07:00Z", &Zone::offset(-480).unwrap());
    assert_eq!((found.start, found.end), (Some(at("2021-10-01T06:00:00Z")), Some(at("2021-10-01T07:00:00Z"))));
    let day = Edge::parse("start", "2021-10-01").unwrap();
    let before = Edge::parse("end", "2021-09-30").unwrap();
    assert!(Range::new(Some(day), Some(day), zurich.clone()).is_ok());
    assert!(Range::new(Some(day), Some(before), zurich).is_err());
}

#[test]
fn an_edge_that_leaves_its_zone_open_is_refused() {
    for (text, word) in [
        ("2021-10-01T08:00", "has no time zone"),
        ("2021-10-01T08:00:00.5", "has no time zone"),
        ("2021-02-30", "is no day"),
        ("2021-10", "is neither a day nor a time"),
        ("yesterday", "is neither a day nor a time"),
        ("", "is neither a day nor a time"),
        ("2021-10-01&unit=hour", "is neither a day nor a time"),
    ] {
        let error = Edge::parse("start", text).unwrap_err();
        assert_eq!(error.code(), "ConfigError");
        assert!(error.to_string().contains(word), "{text}: {error}");
    }
    for minutes in [-841, 841, i64::MAX] {
        assert!(Zone::offset(minutes).is_err(), "{minutes}");
    }
    assert!(Zone::named("Europe/Zürich").is_err());
    assert!(Unit::parse("week").unwrap_err().to_string().contains("`week`; choose `month`, `day` or `hour`"));
}

#[test]
fn a_range_with_one_offset_is_one_request() {
    let utc = Zone::offset(0).unwrap();
    let found = range("2021-10-01", "2021-11-30", &utc);
    assert_eq!(shown_pieces(&found, Unit::Month), ["2021-10-01T00:00:00Z/2021-12-01T00:00:00Z 0 month"]);
    assert_eq!(shown_pieces(&found, Unit::Day), ["2021-10-01T00:00:00Z/2021-12-01T00:00:00Z 0 day"]);
    let pacific = range("2021-10-01", "2021-10-01", &Zone::offset(-480).unwrap());
    assert_eq!(shown_pieces(&pacific, Unit::Day), ["2021-10-01T08:00:00Z/2021-10-02T08:00:00Z -480 day"]);
    assert_eq!(shown_pieces(&pacific, Unit::Hour), ["2021-10-01T08:00:00Z/2021-10-02T08:00:00Z 0 hour"]);
    let india = range("2021-10-01", "", &Zone::offset(330).unwrap());
    assert_eq!(shown_pieces(&india, Unit::Day), ["2021-09-30T18:30:00Z/… 330 day"]);
    let open = range("", "2021-10-01", &Zone::offset(330).unwrap());
    assert_eq!(shown_pieces(&open, Unit::Hour), ["…/2021-10-01T18:30:00Z 30 hour"]);
}

#[test]
fn the_future_is_neither_asked_about_nor_filled_in() {
    let (now, zurich) = (at("2022-06-15T12:30:00Z"), Zone::named("Europe/Zurich").unwrap());
    for (start, end, requests, filled) in [
        ("2030-01-01", "", 0, 0),
        ("2030-01-01", "2030-01-02", 0, 0),
        // A day is allowed for clocks that differ.
        ("2022-06-16T12:29:59Z", "2022-06-20", 1, 0),
        ("2022-06-16T12:30:00Z", "2022-06-20", 0, 0),
        ("2022-06-14", "2022-06-17", 1, 48 - 9),
        ("2022-06-14", "2090-12-31", 1, 48 - 9),
        ("2022-06-14", "", 1, 48 - 9),
        ("2022-06-14", "2022-06-14", 1, 24),
    ] {
        let found = range(start, end, &zurich);
        let pieces = pieces(&found, Unit::Hour, now).unwrap();
        assert_eq!(pieces.len(), requests, "{start} {end}");
        assert_eq!(begins(&found, Unit::Hour, now).unwrap().len(), filled, "{start} {end}");
        assert_eq!(found.is_ahead(now), requests == 0);
    }
}

#[test]
fn long_ranges_of_hours_are_cut_on_the_hour() {
    let found = range("2021-01-01T00:20Z", "2021-03-01", &Zone::offset(0).unwrap());
    assert_eq!(
        shown_pieces(&found, Unit::Hour),
        ["2021-01-01T00:20:00Z/2021-02-02T00:00:00Z 0 hour", "2021-02-02T00:00:00Z/2021-03-02T00:00:00Z 0 hour"]
    );
    let year = range("2021-01-01", "2021-12-31", &Zone::named("Europe/Zurich").unwrap());
    let found = pieces(&year, Unit::Hour, at("2022-06-15T00:00:00Z")).unwrap();
    assert_eq!(found.len(), 12);
    assert!(found.iter().all(|piece| piece.offset == 0 && piece.unit == Unit::Hour));
    let ages = Range::new(Some(Edge::parse("start", "1800-01-01").unwrap()), None, Zone::offset(0).unwrap()).unwrap();
    assert!(pieces(&ages, Unit::Hour, at("2022-06-15T00:00:00Z")).unwrap_err().to_string().contains("1000 requests"));
}

#[test]
fn where_the_offset_changes_the_day_is_asked_for_by_the_hour() {
    let zurich = Zone::named("Europe/Zurich").unwrap();
    assert_eq!(
        shown_pieces(&range("2021-03-26", "2021-03-30", &zurich), Unit::Day),
        [
            "2021-03-25T23:00:00Z/2021-03-27T23:00:00Z 60 day",
            "2021-03-27T23:00:00Z/2021-03-28T22:00:00Z 0 hour",
            "2021-03-28T22:00:00Z/2021-03-30T22:00:00Z 120 day",
        ]
    );
    assert_eq!(
        shown_pieces(&range("2021-09-01", "2021-11-30", &zurich), Unit::Month),
        [
            "2021-08-31T22:00:00Z/2021-09-30T22:00:00Z 120 month",
            "2021-09-30T22:00:00Z/2021-10-31T23:00:00Z 0 hour",
            "2021-10-31T23:00:00Z/2021-11-30T23:00:00Z 60 month",
        ]
    );
    let open = Range::new(None, None, zurich).unwrap();
    assert!(pieces(&open, Unit::Day, at("2022-01-01T00:00:00Z")).unwrap_err().to_string().contains("needs a `start`"));
}

#[test]
fn pieces_cover_a_range_without_gap_or_overlap_in_any_zone() {
    let now = at("2022-06-15T12:30:00Z");
    for name in ["Europe/Zurich", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Beirut", "UTC"] {
        let zone = Zone::named(name).unwrap();
        for unit in [Unit::Month, Unit::Day, Unit::Hour] {
            let found = range("2019-01-15", "2022-02-20", &zone);
            let pieces = pieces(&found, unit, now).unwrap();
            assert_eq!((pieces[0].start, pieces[pieces.len() - 1].end), (found.start, found.end), "{name} {unit}");
            for pair in pieces.windows(2) {
                assert_eq!(pair[0].end, pair[1].start, "{name} {unit}");
            }
            for piece in &pieces {
                assert!(piece.start < piece.end, "{name} {unit} {piece:?}");
            }
            let begins = begins(&found, unit, now).unwrap();
            let expected = match unit {
                Unit::Month => 38,
                Unit::Day => 1133,
                Unit::Hour => begins.len(),
            };
            assert_eq!(begins.len(), expected, "{name} {unit}");
        }
    }
}

#[test]
fn a_bucket_is_read_the_same_whichever_way_its_timestamp_was_written() {
    let found = range("2021-10-01", "2021-10-03", &Zone::offset(120).unwrap());
    let piece = pieces(&found, Unit::Day, at("2022-01-01T00:00:00Z")).unwrap()[0];
    for stamp in ["2021-09-30T22:00:00Z", "2021-10-01T00:00:00Z"] {
        assert_eq!(piece.begin(at(stamp)), Some(at("2021-09-30T22:00:00Z")), "{stamp}");
    }
    // What a service sends that includes `end`.
    assert_eq!(piece.begin(at("2021-10-03T22:00:00Z")), None);
    assert_eq!(piece.begin(at("2021-10-04T00:00:00Z")), None);
    // Off every boundary: kept as it is.
    assert_eq!(piece.begin(at("2021-10-01T05:00:01Z")), Some(at("2021-10-01T05:00:01Z")));
}
