//! HTML: what every page has around its content, and how texts and instants get into it.
//!
//! **Invariant:** every text goes through askama's escaping and [`shown`], so nothing from outside is markup or turns
//! the reading direction. How far an instant is away is told from the snapshot, not from now: a page is of one instant.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::text::seen;
use crate::time::{Timestamp, distance, rough, short, since};
use crate::web::page::assets::{ASSETS, Assets};
use crate::web::page::tone::Tone;
use crate::web::problem::{Failure, Kind};

/// A rendered template, with the characters that nobody sees made visible: in a name they could
/// make `stop` read as something else.
pub(super) fn shown(status: StatusCode, rendered: askama::Result<String>) -> Result<Response, Failure> {
    let html = rendered
        .map_err(|error| Failure::new(Kind::Fault, format!("the page cannot be written: {error}")))?;
    let html: String =
        seen(&html).map(|(char, is_seen)| if is_seen { char } else { char::REPLACEMENT_CHARACTER }).collect();
    Ok((status, axum::response::Html(html)).into_response())
}

/// A failure of the page, which is HTML as well.
pub(super) struct FailurePage(Failure);

impl From<Failure> for FailurePage {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for FailurePage {
    fn into_response(self) -> Response {
        let Failure { kind, detail, .. } = self.0;
        let message =
            Message { frame: Frame::new(kind.title()), tone: Tone::Bad, title: kind.title(), detail };
        shown(kind.status(), message.render()).unwrap_or_else(Failure::into_response)
    }
}

/// What every page has around its content.
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) assets: &'static Assets,
}

impl Frame {
    pub(super) fn new(title: &str) -> Self {
        Self { title: format!("{title} · ringward"), assets: &ASSETS }
    }
}

/// A page that says one thing, such as a failure.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message {
    pub(super) frame: Frame,
    pub(super) tone: Tone,
    pub(super) title: &'static str,
    pub(super) detail: String,
}

/// A text as one part of a path or query.
pub(super) fn encoded(text: &str) -> String {
    match askama::filters::urlencode_strict(text) {
        Ok(encoded) => encoded.to_string(),
        Err(never) => match never {},
    }
}

/// A headline with a capital; it has no full stop.
pub(super) fn sentence_case(headline: &str) -> String {
    let mut chars = headline.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// An instant as `<time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// For machines.
    pub(super) iso: String,
    /// To the minute, in UTC.
    pub(super) text: String,
    /// How far from the snapshot: `3h 5m ago`, `in 2d`.
    pub(super) distance: String,
    /// The time between: `3h 5m`.
    pub(super) length: String,
}

impl Moment {
    pub(super) fn new(then: Timestamp, now: Timestamp) -> Self {
        let (distance, length) = (distance(then, now), rough(since(then, now).abs()));
        Self { iso: then.to_string(), text: short(then), distance, length }
    }
}
