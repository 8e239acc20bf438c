use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, UploadPart, memory::InMemory,
};

use super::*;
use crate::handoff::{Format, format::blocking, output::sha256};

fn refused(place: &str, options: &[(&str, &str)]) -> Error {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Place::parse(place, &StorageOptions::new(options)).unwrap_err()
}

fn memory() -> Place {
    Place::within(Arc::new(InMemory::new()), "root")
}

async fn put(place: &Place, bytes: Vec<u8>) -> Result<u64> {
    let output = place.begin()?;
    blocking(move || {
        let mut output = output;
        output.write_all(&bytes).map_err(|error| output.fault(&error))?;
        output.commit()
    })
    .await
}

#[test]
fn what_is_no_place_is_refused_without_repeating_a_secret() {
    insta::assert_snapshot!(refused("ftp://host/report.csv", &[]), @r"
    `ftp://` can't be written to
    hint: a path of this machine can, and urls that begin with s3://, gs://, az://, abfss:// or file://
    ");
    insta::assert_snapshot!(refused("s3://key:canary@bucket/report.csv", &[]), @r"
    the `s3://` url carries more than a place
    hint: credentials belong in `storage_options` or in the environment
    ");
    insta::assert_snapshot!(refused("az://container/report.csv?sig=canary", &[]), @r"
    the `az://` url carries more than a place
    hint: credentials belong in `storage_options` or in the environment
    ");
    insta::assert_snapshot!(refused("s3:/bucket/report.csv", &[]), @r"
    `s3:/bucket/report.csv` was a url before it became a path
    hint: give it as a string: a `pathlib.Path` merges its slashes
    ");
    insta::assert_snapshot!(refused("s3://bucket/report.csv", &[("aws_secret", "canary")]), @r"
    `storage_options`: `aws_secret` means nothing to `s3://`
    hint: the names are those of the `object_store` crate, as in polars and delta-rs
    ");
    insta::assert_snapshot!(refused("s3://bucket/report.csv", &[("aws_allow_invalid_certificates", "true")]), @r"
    `storage_options`: `aws_allow_invalid_certificates` means nothing to `s3://`
    hint: the names are those of the `object_store` crate, as in polars and delta-rs
    ");
    insta::assert_snapshot!(refused("gs://bucket/report.csv", &[("google_service_account_key", "canary")]), @"the store of `gs://bucket/report.csv` can't be set up: expected value at line 1 column 1");
    insta::assert_snapshot!(refused("az://container/report.csv", &[("azure_storage_account_name", "a"), ("azure_storage_account_key", "!canary!")]), @"the store of `az://container/report.csv` can't be set up: Invalid symbol 33, offset 0.");
}

#[test]
fn options_show_themselves_to_nobody() {
    let options = StorageOptions::new([("AWS_SECRET_ACCESS_KEY".to_owned(), "canary".to_owned())]);
    assert_eq!(format!("{options:?}"), r#"StorageOptions([("aws_secret_access_key", ***)])"#);
    let place = Place::parse(
        "s3://bucket/a/b",
        &StorageOptions::new([
            ("aws_secret_access_key".to_owned(), "canary".to_owned()),
            ("aws_access_key_id".to_owned(), "id".to_owned()),
            ("aws_region".to_owned(), "eu-west-1".to_owned()),
        ]),
    );
    assert_eq!(format!("{:?}", place.unwrap()), "Place(s3://bucket/a/b)");
}

#[test]
fn a_path_is_a_path_and_a_file_url_too() {
    let path = |text: &str| Place::parse(text, &StorageOptions::default()).unwrap().path().unwrap().to_owned();
    assert_eq!(path("data/report.csv"), Path::new("data/report.csv"));
    assert_eq!(path("./odd://name"), Path::new("./odd://name"));
    assert_eq!(path("C:/data"), Path::new("C:/data"));
    assert_eq!(path("file:///data/a%20b.csv"), Path::new("/data/a b.csv"));
    assert_eq!(Place::local("data").below("day=1/part.csv").to_string(), "data/day=1/part.csv");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_places_do_the_same() {
    let room = tempfile::tempdir().unwrap();
    for root in [Place::local(room.path()), memory()] {
        let place = root.below("window_start=2024-05-01/part 0.csv");
        assert!(place.read().await.unwrap().is_none() && root.files().await.unwrap().is_empty());
        let done = place.begin_in(&root.below("drafts")).unwrap().hashed();
        let done = blocking(move || {
            let mut output = done;
            output.write_all(b"first").unwrap();
            assert_eq!(output.sha256().unwrap(), sha256(b"first"));
            output
        })
        .await;
        // Complete, but not in its place yet.
        assert!(place.read().await.unwrap().is_none());
        assert_eq!(blocking(|| done.commit()).await.unwrap(), 5);
        let (bytes, version) = place.read().await.unwrap().unwrap();
        assert_eq!(&bytes[..], b"first");
        assert!(place.replace(b"second".to_vec(), &version).await.unwrap().is_some());
        let names: Vec<_> = root.files().await.unwrap().into_iter().collect();
        assert_eq!(names, [("window_start=2024-05-01/part 0.csv".to_owned(), 6)], "{root}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_replaced_only_if_it_still_is_what_it_was() {
    let place = memory().below("manifest.json");
    let first = place.replace(b"1".to_vec(), &Version::Absent).await.unwrap().unwrap();
    assert!(place.replace(b"2".to_vec(), &Version::Absent).await.unwrap().is_none(), "it is not absent any more");
    let second = place.replace(b"2".to_vec(), &first).await.unwrap().unwrap();
    assert!(place.replace(b"3".to_vec(), &first).await.unwrap().is_none(), "somebody was faster");
    assert!(place.replace(b"3".to_vec(), &second).await.unwrap().is_some());
    // A try whose answer was lost has succeeded all the same.
    assert!(place.replace(b"3".to_vec(), &second).await.unwrap().is_some());
}

/// A store in memory that counts uploads in parts, and refuses the parts after some.
#[derive(Debug, Default)]
struct Counting {
    store: InMemory,
    begun: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    parts: Arc<AtomicUsize>,
    refused_after: Option<usize>,
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counting")
    }
}

#[derive(Debug)]
struct CountingUpload {
    upload: Box<dyn MultipartUpload>,
    open: Arc<AtomicUsize>,
    parts: Arc<AtomicUsize>,
    refused_after: Option<usize>,
}

#[async_trait]
impl MultipartUpload for CountingUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let number = self.parts.fetch_add(1, Ordering::SeqCst);
        if self.refused_after.is_some_and(|after| number >= after) {
            let refused = object_store::Error::Generic { store: "memory", source: "the line is down".into() };
            return Box::pin(async move { Err(refused) });
        }
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        let done = self.upload.complete().await?;
        self.open.fetch_sub(1, Ordering::SeqCst);
        Ok(done)
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.upload.abort().await
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, at: &Key, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.store.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Key,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.open.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(CountingUpload {
            upload: self.store.put_multipart_opts(at, options).await?,
            open: Arc::clone(&self.open),
            parts: Arc::clone(&self.parts),
            refused_after: self.refused_after,
        }))
    }

    async fn get_opts(&self, at: &Key, options: GetOptions) -> object_store::Result<GetResult> {
        self.store.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        places: BoxStream<'static, object_store::Result<Key>>,
    ) -> BoxStream<'static, object_store::Result<Key>> {
        self.store.delete_stream(places)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> object_store::Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> object_store::Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

const LARGE: usize = 20 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_large_travels_in_parts_and_what_is_small_in_one() {
    let store = Arc::new(Counting::default());
    let place = Place::within(Arc::clone(&store) as _, "report.csv");
    assert_eq!(put(&place, vec![7; 1000]).await.unwrap(), 1000);
    assert_eq!((store.begun.load(Ordering::SeqCst), store.parts.load(Ordering::SeqCst)), (0, 0));
    let bytes: Vec<u8> = (0..LARGE).map(|at| (at / 3) as u8).collect();
    assert_eq!(put(&place, bytes.clone()).await.unwrap(), LARGE as u64);
    assert_eq!((store.begun.load(Ordering::SeqCst), store.parts.load(Ordering::SeqCst)), (1, 3));
    assert!(place.read().await.unwrap().unwrap().0 == bytes);
    assert_eq!(store.open.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_upload_is_forgotten_and_what_was_there_stays() {
    for refused_after in [0, 1, 2] {
        let store = Arc::new(Counting { refused_after: Some(refused_after), ..Counting::default() });
        let place = Place::within(Arc::clone(&store) as _, "report.csv");
        put(&place, b"old".to_vec()).await.unwrap();
        let error = put(&place, vec![7; LARGE]).await.unwrap_err();
        assert_eq!(error.to_string(), "`report.csv`: the line is down");
        super::super::tests::until(|| store.open.load(Ordering::SeqCst) == 0).await;
        assert_eq!(&place.read().await.unwrap().unwrap().0[..], b"old");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_break_off_leave_nothing_in_a_store() {
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
    let mut random = fastrand::Rng::with_seed(7);
    let noise: ArrayRef = Arc::new(Int64Array::from_iter_values((0..1_500_000).map(|_| random.i64(..))));
    let batch = RecordBatch::try_from_iter([("n", noise)]).unwrap();
    let store = Arc::new(Counting::default());
    let place = Place::within(Arc::clone(&store) as _, "report");

    // Every file is larger than a part, so that one is on its way when the error comes.
    for format in [Format::Csv, Format::Ipc, Format::Parquet] {
        let batches = stream::iter([Ok(batch.clone()), Ok(batch.clone()), Err(Error::config("the line is down"))]);
        let failed = format.write(batches, place.begin().unwrap(), batch.schema()).await.unwrap_err();
        assert_eq!(failed.to_string(), "the line is down");
        // Waited for: the process may end right afterwards.
        assert_eq!(store.open.load(Ordering::SeqCst), 0, "{format:?}");
    }
    let begun = store.begun.load(Ordering::SeqCst);
    assert!(begun >= 2, "{begun}");

    // Nobody waits any more.
    let batches = stream::iter([Ok(batch.clone()), Ok(batch.clone())]).chain(stream::pending());
    let writing = tokio::spawn(Format::Csv.write(batches, place.begin().unwrap(), batch.schema()));
    super::super::tests::until(|| store.begun.load(Ordering::SeqCst) > begun).await;
    writing.abort();
    super::super::tests::until(|| store.open.load(Ordering::SeqCst) == 0).await;
    assert!(place.read().await.unwrap().is_none());
}
