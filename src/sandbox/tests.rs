//! The sandbox over real sockets: exact bytes of the recorded exchanges, and what the switches and faults change.

mod account;
mod client;
mod exchanges;
mod exports;
mod faults;
mod lifecycle;
mod metadata;
