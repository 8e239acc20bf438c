//! From a url to its store: which one, with whose credentials.

use std::{
    str::FromStr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, memory::InMemory,
};
use url::Url;

use super::fault;
use crate::{
    error::{Error, Result},
    http::wire::StoreConnector,
    ids::shown,
    secret::Secret,
};

/// How long one request to a store may take unless `timeout` says otherwise: a part of 8 MiB over a slow line.
const TIMEOUT: Duration = Duration::from_secs(120);

/// What can be set about the connections; other settings of the client aren't ours to give.
const CONNECTION: [ClientConfigKey; 4] =
    [ClientConfigKey::AllowHttp, ClientConfigKey::ConnectTimeout, ClientConfigKey::ProxyUrl, ClientConfigKey::Timeout];

/// What the caller says about a store, by the names that the `object_store` crate, polars and delta-rs have for it:
/// `aws_access_key_id`, `google_service_account`, `azure_storage_account_key` … They go before the environment.
///
/// Their values are never shown: not in an error, a log or a `Debug`.
#[derive(Clone, Debug, Default)]
pub struct StorageOptions(Vec<(String, Secret)>);

impl StorageOptions {
    /// Takes the names and values as they were given.
    pub fn new(options: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(options.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), Secret::new(value))).collect())
    }

    /// The text without any of the values: an error of a store may quote what it was given.
    fn mask(&self, text: String) -> String {
        let values = self.0.iter().map(|(_, value)| value.expose()).filter(|value| value.len() > 3);
        values.fold(text, |text, value| text.replace(value, "***"))
    }

    /// Gives every option to a store's builder.
    fn apply<B, K: FromStr>(&self, url: &Url, mut builder: B, set: impl Fn(B, K, String) -> B) -> Result<B> {
        for (name, value) in &self.0 {
            let bare = name.split_once('_').map_or(name.as_str(), |(_, bare)| bare);
            let unknown = || {
                Error::config(format!("`storage_options`: `{}` means nothing to `{}://`", shown(name), url.scheme()))
                    .hint("the names are those of the `object_store` crate, as in polars and delta-rs")
            };
            for name in [name.as_str(), bare] {
                if name.parse().is_ok_and(|key| !CONNECTION.contains(&key)) {
                    return Err(unknown());
                }
            }
            let key = name.parse::<K>().map_err(|_| unknown())?;
            builder = set(builder, key, value.expose().to_owned());
        }
        Ok(builder)
    }
}

/// The store that a url names. Nothing is sent yet.
///
/// # Errors
/// `Config` for a scheme that isn't known, and for options that don't fit together.
pub(super) fn connect(url: &Url, options: &StorageOptions) -> Result<Arc<dyn ObjectStore>> {
    let client = ClientOptions::new().with_timeout(TIMEOUT);
    // Few and soon: what stays broken is for the caller to know.
    let retry = RetryConfig {
        backoff: BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() },
        max_retries: 4,
        retry_timeout: Duration::from_secs(60),
    };
    let place = url.as_str();
    let built: object_store::Result<Arc<dyn ObjectStore>> = match url.scheme() {
        "s3" | "s3a" => {
            // The client's options first: what the environment says about them counts.
            let environment =
                environment("AWS_", AmazonS3Builder::new().with_client_options(client), |builder, key, value| {
                    builder.with_config(key, value)
                });
            options
                .apply(url, environment, |builder, key, value| builder.with_config(key, value))?
                .with_url(place)
                .with_retry(retry)
                .with_http_connector(StoreConnector)
                .build()
                .map(|store| Arc::new(store) as _)
        }
        "gs" => {
            let environment = environment(
                "GOOGLE_",
                GoogleCloudStorageBuilder::new().with_client_options(client),
                |builder, key, value| builder.with_config(key, value),
            );
            options
                .apply(url, environment, |builder, key, value| builder.with_config(key, value))?
                .with_url(place)
                .with_retry(retry)
                .with_http_connector(StoreConnector)
                .build()
                .map(|store| Arc::new(store) as _)
        }
        "az" | "azure" | "adl" | "abfs" | "abfss" => {
            let environment = environment(
                "AZURE_",
                MicrosoftAzureBuilder::new().with_client_options(client),
                |builder, key, value| builder.with_config(key, value),
            );
            options
                .apply(url, environment, |builder, key, value| builder.with_config(key, value))?
                .with_url(place)
                .with_retry(retry)
                .with_http_connector(StoreConnector)
                .build()
                .map(|store| Arc::new(store) as _)
        }
        "memory" => {
            static MEMORY: OnceLock<Arc<InMemory>> = OnceLock::new();
            Ok(Arc::clone(MEMORY.get_or_init(Arc::default)) as _)
        }
        scheme => {
            return Err(Error::config(format!("`{scheme}://` can't be written to")).hint(
                "a path of this machine can, and urls that begin with s3://, gs://, az://, abfss:// or file://",
            ));
        }
    };
    built.map_err(|error| {
        let words = options.mask(fault::words(&error));
        Error::config(format!("the store of `{place}` can't be set up: {words}"))
    })
}

/// What the environment says, by the store's usual variables; those that mean nothing to it are somebody else's.
fn environment<B, K: FromStr>(prefix: &str, builder: B, set: impl Fn(B, K, String) -> B) -> B {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value.into_string().ok()?)));
    let ours = variables.filter(|(name, value)| name.starts_with(prefix) && !value.is_empty());
    ours.fold(builder, |builder, (name, value)| match name.to_ascii_lowercase().parse() {
        Ok(key) => set(builder, key, value),
        Err(_) => builder,
    })
}
