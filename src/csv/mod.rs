//! Bytes in, Arrow record batches out.
