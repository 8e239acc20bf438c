//! The gateway over real HTTP, with the sandbox behind it: a file for each side of it. What a test breaks without is said
//! in its name.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod answers;
mod bounds;
mod credentials;
mod documents;
mod endings;
mod failures;
mod requests;
mod stage;
