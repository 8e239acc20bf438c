//! Any bytes, pushed in any pieces, strictly or not: no panic, and the same batches and errors as in one piece.
#![no_main]

use bytes::Bytes;
use insightframe::csv::{Options, Reader, Schema, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, Vec<u8>, &[u8])| {
    let (flags, batch, sizes, bytes) = input;
    let schema = match flags & 3 {
        0 => Schema::Text,
        1 => Schema::Infer,
        _ => Schema::InferSample { bytes: u64::from(batch) },
    };
    let options = Options {
        schema,
        lenient: flags & 4 != 0,
        batch_bytes: usize::from(batch) + 1,
        record_bytes: 64,
        threads: 1 + usize::from(flags >> 7),
        ..Options::default()
    };
    let whole = decode(Bytes::copy_from_slice(bytes), options.clone());
    let mut reader = Reader::new(options);
    let mut rest = bytes;
    let mut result = Ok(());
    for size in sizes {
        let (piece, later) = rest.split_at(usize::from(size).min(rest.len()));
        result = result.and_then(|()| reader.push(Bytes::copy_from_slice(piece)));
        rest = later;
    }
    let result = result.and_then(|()| reader.push(Bytes::copy_from_slice(rest))).and_then(|()| reader.finish());
    match (whole, result) {
        (Ok(whole), Ok(())) => {
            let batches: Vec<_> = std::iter::from_fn(|| reader.take()).collect();
            assert_eq!(batches, whole.batches);
            assert_eq!(reader.rejects(), whole.rejects);
        }
        (Err(whole), Err(error)) => assert_eq!(whole.to_string(), error.to_string()),
        (whole, result) => panic!("{:?} but {result:?}", whole.err()),
    }
});
