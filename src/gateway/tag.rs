//! What the gateway calls a credential: a keyed hash of it, with a key that this process drew and never shows.
//!
//! Nothing else of a password stays here beside the client that is logged in with it. The key makes a tag useless to
//! whoever finds one, and to whoever would choose passwords so that their tags collide.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use ring::{
    hmac::{self, HMAC_SHA256},
    rand::SystemRandom,
};
use subtle::ConstantTimeEq;

use crate::{
    error::{Error, Result},
    secret::Credentials,
};

/// Makes tags.
pub(super) struct Sealer(hmac::Key);

/// A tag. Equality takes the same time whatever is compared.
#[derive(Clone, Copy)]
pub(super) struct Tag([u8; 32]);

impl Sealer {
    /// With a key of its own.
    ///
    /// # Errors
    /// `Config` when the operating system has no randomness to give.
    pub(super) fn new() -> Result<Self> {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new());
        key.map(Self).map_err(|_| Error::config("the operating system gives no random numbers"))
    }

    /// The tag of a user name and a password together.
    pub(super) fn credential(&self, credentials: &Credentials) -> Tag {
        // With the length in front, no two pairs are the same bytes.
        let length = (credentials.username.len() as u64).to_le_bytes();
        self.seal(&[b"credential", &length, credentials.username.as_bytes(), credentials.password.expose().as_bytes()])
    }

    /// The tag of a user name alone, however it is spelt.
    pub(super) fn name(&self, username: &str) -> Tag {
        self.seal(&[b"name", username.trim().to_lowercase().as_bytes()])
    }

    fn seal(&self, parts: &[&[u8]]) -> Tag {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        Tag(tag)
    }
}

impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Tag {}

impl Hash for Tag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0[..8]);
    }
}

/// Enough of it to tell sessions apart in a log.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[24..28].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn of(username: &str, password: &str) -> Credentials {
        Credentials { username: username.into(), password: Secret::new(password) }
    }

    #[test]
    fn a_tag_is_of_one_credential_in_one_process() {
        let sealer = Sealer::new().unwrap();
        let tag = sealer.credential(&of("u@example.com", "a:b"));
        assert_eq!(tag, sealer.credential(&of("u@example.com", "a:b")));
        for (username, password) in [("u@example.com", "a:c"), ("u@example.coma", ":b"), ("v@example.com", "a:b")] {
            assert_ne!(tag, sealer.credential(&of(username, password)), "{username} {password}");
        }
        assert_ne!(tag, Sealer::new().unwrap().credential(&of("u@example.com", "a:b")));
        assert_eq!(sealer.name("U@example.com "), sealer.name("u@example.com"));
    }
}
