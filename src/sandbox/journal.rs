//! What the account was asked, and what became of it.
//!
//! **Invariant:** a row never holds a token; a row that had to make room is counted as dropped, never
//! forgotten.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::operation::SandboxOperation;
use super::request::{Route, SandboxRequest};
use crate::time::Timestamp;

/// Rows that are kept. A demo of three virtual weeks makes a few thousand; a row is about half a kilobyte.
pub const JOURNAL_ROWS: usize = 100_000;

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JournalRow {
    /// Counts requests from 1.
    pub seq: u64,
    /// When it arrived, on the virtual clock.
    pub at: Timestamp,
    /// The operation of the contract; null for an unknown route.
    pub operation: Option<SandboxOperation>,
    /// The method.
    pub method: String,
    /// The path, `/client/v4` included.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// The body, if it was JSON.
    pub body: Option<Value>,
    /// The status answered; null while a request is held, and where the connection was cut before an answer.
    pub status: Option<u16>,
    /// The scripted fault that it met.
    pub fault: Option<&'static str>,
    /// Whether a write took effect; null for what is no write.
    pub applied: Option<bool>,
    /// When it took effect, on the virtual clock.
    pub applied_at: Option<Timestamp>,
    /// `X-Sandbox-Actor`, if sent.
    pub actor: Option<String>,
}

/// The journal as `GET /sandbox/requests` answers it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RequestJournal {
    /// Rows that made room for newer ones.
    pub dropped: u64,
    /// The rest, oldest first.
    pub requests: VecDeque<JournalRow>,
}

impl RequestJournal {
    /// Notes a request; the number is its key for [`RequestJournal::row`].
    pub(super) fn arrived(&mut self, now: Timestamp, request: &SandboxRequest, route: Option<&Route>) -> u64 {
        let operation = route.map(|route| route.operation);
        if self.requests.len() >= JOURNAL_ROWS {
            self.requests.pop_front();
            self.dropped += 1;
        }
        let seq = self.dropped + self.requests.len() as u64 + 1;
        self.requests.push_back(JournalRow {
            seq,
            at: now,
            operation,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            body: serde_json::from_slice(&request.body).ok(),
            status: None,
            fault: None,
            applied: operation.filter(|operation| operation.writes()).map(|_| false),
            applied_at: None,
            actor: request.actor.clone(),
        });
        seq
    }

    /// The row with this number; `None` when it made room for newer ones.
    pub(super) fn row(&mut self, seq: u64) -> Option<&mut JournalRow> {
        let index = seq.checked_sub(self.dropped + 1)?;
        self.requests.get_mut(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_journal_says_what_it_dropped() {
        let mut journal = RequestJournal::default();
        let now = "2026-10-12T06:00:00Z".parse().unwrap();
        let request = SandboxRequest::new("GET", "/client/v4/x");
        for _ in 0..JOURNAL_ROWS + 3 {
            journal.arrived(now, &request, None);
        }
        assert_eq!((journal.dropped, journal.requests.len()), (3, JOURNAL_ROWS));
        assert_eq!(journal.requests.front().map(|row| row.seq), Some(4));
        assert!(journal.row(3).is_none());
        assert_eq!(journal.row(4).map(|row| row.seq), Some(4));
        let last = JOURNAL_ROWS as u64 + 3;
        assert_eq!(journal.row(last).map(|row| row.seq), Some(last));
    }
}
