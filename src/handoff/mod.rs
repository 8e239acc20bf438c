//! Tables, streams and files.
