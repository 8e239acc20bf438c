//! Who may ask: the token manager of Flex Insights, and [`standing`], the credentials of services without tokens.
//!
//! The token manager knows no HTTP: how tokens are fetched is given to it as one function.
//!
//! The service has two tokens: the super-secured token (SST) of a login, good for two weeks, and the temporary token
//! (TT), good for ten minutes, which every request carries and which an SST buys. [`desk`] decides, as a pure state
//! machine, who may use the token at hand, who waits, and who fetches; `session` runs it.

pub mod desk;
mod session;
pub mod standing;

pub use self::{
    desk::{Dead, Ticket, Tokens},
    session::{Asked, Renewal, Session},
    standing::{Credential, Refusal, Standing},
};
