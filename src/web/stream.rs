//! `GET /api/v1/events`: the log as it grows, and a word whenever the snapshot changes
//! (server-sent events).
//!
//! Each record is `event: record` with its number as `id`, so a client that comes back names the
//! last one it has and goes on from there. Records are read from the log and only as fast as the
//! client takes them: nothing is queued for a slow one, and nothing can be lost. `event: view` says
//! that the snapshot changed; a client that is slow is told once instead of each time.
//!
//! **Invariant:** the `id`s of one stream are the numbers of the log without a gap, beginning after
//! the one that the client named, and a `view` comes after every record that it rests on.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::daemon::view::View;
use crate::rollout::record::Eras;
use crate::store::{Record, Seq};
use crate::web::guard::Peer;
use crate::web::openapi::OfARead;
use crate::web::present;
use crate::web::problem::{Failure, Kind};
use crate::web::reads::read_log;
use crate::web::services::Services;

/// Streams at once on one listener; each holds a connection.
const MAX_STREAMS: usize = 64;
/// Records read from the log at once.
const PORTION: u32 = 100;
/// Wall time without a message after which a comment keeps proxies and browsers from giving up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Wall time between two words about the snapshot: a fast clock changes it hundreds of times a
/// second.
const VIEWS_APART: Duration = Duration::from_millis(250);
/// Wall time after which a stream ends by itself, before its connection would be cut. Clients come
/// back by themselves and name what they have.
const LONGEST_STREAM: Duration = Duration::from_secs(240);
/// Wall time after which a client comes back.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Ends streams when the server ends: one that is waited for would hold up the end.
#[derive(Debug, Clone)]
pub(super) struct Ending(pub(super) CancellationToken);

/// How many more streams may begin.
#[derive(Debug, Clone)]
struct StreamRoom(Arc<Semaphore>);

/// The path of the stream.
pub(super) fn routes() -> OpenApiRouter<Services> {
    let room = StreamRoom(Arc::new(Semaphore::new(MAX_STREAMS)));
    OpenApiRouter::new().routes(routes!(events)).layer(Extension(room))
}

/// Where to begin.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// Begin after this record; without it, with what happens from now on.
    #[param(maximum = 9_007_199_254_740_991_u64)]
    after: Option<u64>,
}

/// The log as it grows, and a word whenever the snapshot changes: server-sent events, without end.
///
/// `record`: one record of the log, as `…/events` has it; its `id` is its place, so a client that
/// comes back gets all that it missed. `view`: the snapshot changed; `at` is its instant and `head`
/// the last record that it rests on, which was sent before. `resync`: the log ends before the record
/// that the client named, so it is another log; what follows is from its end on. At most 64 clients
/// on one listener; a stream ends after four minutes, with the daemon, and with the credential that it
/// was asked with.
#[utoipa::path(get, path = "/api/v1/events", tag = "rollouts", operation_id = "follow_events",
    params(StreamQuery, ("Last-Event-ID" = Option<u64>, Header, description = "Counts before `after`")),
    responses((status = 200, description = "Messages", body = String, content_type = "text/event-stream"),
        OfARead))]
async fn events(
    State(services): State<Services>,
    Extension(room): Extension<StreamRoom>,
    ending: Option<Extension<Ending>>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let after = begin_after(query, &headers)?;
    let permit = room.0.try_acquire_owned().map_err(|_| {
        let detail =
            format!("{MAX_STREAMS} clients follow the log already; ask again when one of them has ended");
        Failure::new(Kind::Unavailable, detail)
    })?;
    let over = async move {
        match ending {
            Some(Extension(Ending(token))) => {
                // Whichever is first.
                let _ = tokio::time::timeout(LONGEST_STREAM, token.cancelled_owned()).await;
            }
            None => pause(LONGEST_STREAM).await,
        }
    };
    let stream = follow(services, (peer, headers), after, permit).take_until(Box::pin(over));
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// The record after which to begin; a browser that comes back says so in a header, and its address
/// stays what it was at first.
fn begin_after(
    query: Result<Query<StreamQuery>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Option<Seq>, Failure> {
    let malformed = |detail: String| Failure::new(Kind::Malformed, detail);
    let Query(StreamQuery { after }) = query.map_err(|error| malformed(error.body_text()))?;
    let Some(value) = headers.get(&LAST_EVENT_ID) else { return Ok(after.map(Seq::new)) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    let why = "`Last-Event-ID` must be the number of a record, as in `id` of a message";
    Ok(Some(Seq::new(number.ok_or_else(|| malformed(why.to_owned()))?)))
}

/// One client's place in the log.
struct Feed {
    services: Services,
    /// The last record that was sent, or that the client has.
    sent: Seq,
    /// The snapshot that it was told about last.
    told: Option<Arc<View>>,
    ready: VecDeque<Event>,
    /// Who asked, and with what.
    asker: (Peer, HeaderMap),
    _room: OwnedSemaphorePermit,
}

fn follow(
    services: Services,
    asker: (Peer, HeaderMap),
    after: Option<Seq>,
    room: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let head = services.handle.view().head.seq;
    let mut ready = VecDeque::new();
    if after.is_some_and(|after| after > head) {
        // Another log, such as a copy from before: what the client has is not of this one.
        ready.extend(message("resync", &json!({"head": head.get()})));
    }
    let sent = after.unwrap_or(head).min(head);
    let feed = Feed { services, sent, told: None, ready, asker, _room: room };
    stream::unfold(feed, |mut feed| async move {
        let event = feed.next().await?;
        Some((Ok(event), feed))
    })
}

impl Feed {
    /// The next message; `None`: the daemon has ended, the log cannot be read, or whoever follows may no more.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if !self.may_go_on().await {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let view = self.services.handle.view();
            if view.head.seq > self.sent {
                let records = self.portion().await?;
                self.sent = records.last()?.seq;
                self.ready = records.iter().map(|one| record(one, &view.eras)).collect::<Option<_>>()?;
            } else if !self.told.as_ref().is_some_and(|told| Arc::ptr_eq(told, &view)) {
                if self.told.is_some() {
                    pause(VIEWS_APART).await;
                }
                // The newest one: there may be another after the pause.
                let view = self.services.handle.view();
                if view.head.seq == self.sent {
                    self.ready.extend(snapshot(&view));
                    self.told = Some(view);
                }
            } else {
                // What expires changes nothing that would wake us.
                tokio::select! {
                    goes_on = self.services.handle.changed() => if !goes_on { return None },
                    () = pause(KEEP_ALIVE) => {}
                }
            }
        }
    }

    /// Whether what was shown at the beginning is good still: a token may be revoked, or have expired.
    async fn may_go_on(&self) -> bool {
        let (peer, headers) = &self.asker;
        let (tokens, now) = {
            let view = self.services.handle.view();
            (view.tokens.clone(), view.clock.now())
        };
        match self.services.identities.identify(peer, headers, &tokens, now).await {
            Ok(identity) => identity.reads(),
            Err(_) => false,
        }
    }

    async fn portion(&self) -> Option<Vec<Record>> {
        let from = self.sent.next();
        let read = read_log(&self.services, move |reader| reader.view().read_from(from, PORTION)).await;
        // The client comes back, and is told what is wrong by then on the page.
        read.inspect_err(|failure| tracing::warn!(why = failure.detail, "a stream ends")).ok()
    }
}

fn record(record: &Record, eras: &Eras) -> Option<Event> {
    let event = Event::default().event("record").id(record.seq.get().to_string());
    event.json_data(present::event(record, eras)).ok()
}

fn snapshot(view: &View) -> Option<Event> {
    let event = message("view", &json!({"at": view.at, "head": view.head.seq.get()}))?;
    Some(event.retry(COME_BACK_AFTER))
}

fn message(name: &str, data: &Value) -> Option<Event> {
    Event::default().event(name).json_data(data).ok()
}

#[expect(clippy::disallowed_methods, reason = "paces and ends connections and streams; decides nothing")]
pub(super) async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}
