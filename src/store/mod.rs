//! The append-only log in SQLite.
