//! The promises, each proved over real HTTP against the sandbox. A file is a promise and bears its number; `PROMISES.md`
//! says in which words and figures it is given.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod stage;

mod account;
mod catalogue;
mod datasets;
mod elements;
mod exports;
mod filters;
mod layers;
mod meaning;
mod p01_one_refresh;
mod p01_to_p04_model;
mod p02_failing_refresh;
mod p03_late_challenge;
mod p04_cancelled_leader;
mod p05_refresh_ahead;
mod p06_one_reauthentication;
mod p07_wrong_password;
mod p08_logout;
mod p10_deadlines;
mod p11_retry_after;
mod p12_retry_storms;
mod p13_polling;
mod p14_tokens_stay;
mod p15_caps;
mod p16_gzip;
mod p17_stalls;
mod p18_broken_downloads;
mod p19_untrue_answers;
mod p20_absent_or_complete;
mod p24_no_secret_shown;
mod p25_injection;
mod p26_ids;
mod p27_plain_http;
mod p28_tls;
mod p32_supply_chain;
mod resume;
mod session_life;
mod sweep;
mod windows;
