//! A faithful local copy of the services.
