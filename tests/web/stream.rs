//! The stream of events: whole, resumable, bounded, and over when the server is.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::Request;
use futures_util::StreamExt as _;
use ringward::rollout::record::{Event, Role, TokenGrant};
use ringward::rollout::state::State;
use ringward::time::Timestamp;
use ringward::web::json::EventJson;
use ringward::web::{Peer, bind, serve};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::identity::credentials::{add, bearer, tokens};
use super::world::{World, ending_at, report, view, write_log};
use super::{Answer, get};

const PATH: &str = "/api/v1/events";

/// One message of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    event: String,
    id: Option<u64>,
    data: Value,
}

/// A client that reads message by message.
struct Follower {
    body: BodyDataStream,
    text: String,
}

impl Follower {
    async fn new(app: &Router, path: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
        Self::of(app, request).await
    }

    async fn of(app: &Router, request: Request<Body>) -> Self {
        let response = tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next message; `None`: the stream is over.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    message
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|text| text.trim().to_owned())
                };
                // Comments keep the connection alive.
                let Some(event) = field("event:") else { continue };
                let id = field("id:").map(|id| id.parse().unwrap());
                return Some(Message { event, id, data: serde_json::from_str(&field("data:")?).unwrap() });
            }
            let more = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&more).unwrap());
        }
    }

    async fn take(&mut self, count: usize) -> Vec<Message> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.next().await.unwrap());
        }
        all
    }
}

fn ids(messages: &[Message]) -> Vec<u64> {
    messages.iter().filter(|message| message.event == "record").map(|message| message.id.unwrap()).collect()
}

/// A daemon whose log has `count` records.
fn world(count: u64) -> World {
    let world = World::new(ending_at(count, view(vec![report("client")])), Ok("done"));
    let events: Vec<Event> = (1..count).map(|_| Event::Paused {}).collect();
    write_log(&world.database(), &events);
    world
}

#[tokio::test]
async fn a_client_gets_each_record_once_and_in_order() {
    let world = world(250);
    let rows: [(&str, Option<&str>, Vec<u64>); 5] = [
        ("/api/v1/events?after=0", None, (1..=250).collect()),
        ("/api/v1/events?after=248", None, vec![249, 250]),
        // A browser comes back by the address that it first had.
        ("/api/v1/events?after=0", Some("249"), vec![250]),
        (PATH, Some("250"), Vec::new()),
        (PATH, None, Vec::new()),
    ];
    for (path, last, expected) in rows {
        let mut follower = Follower::new(&world.app, path, last).await;
        let messages = follower.take(expected.len() + 1).await;
        assert_eq!(ids(&messages), expected, "{path} {last:?}");
        let end = messages.last().unwrap();
        assert_eq!(
            (end.event.as_str(), end.id),
            ("view", None),
            "{path}: then the snapshot that rests on them"
        );
        assert_eq!(end.data["head"], 250);
        assert_eq!(end.data["at"], "2026-10-12T10:00:00Z");
    }
    let mut follower = Follower::new(&world.app, "/api/v1/events?after=249", None).await;
    let record: EventJson = serde_json::from_value(follower.next().await.unwrap().data).unwrap();
    assert_eq!((record.seq, record.kind.as_str()), (250, "paused"));
}

#[tokio::test]
async fn what_happens_is_told_before_the_snapshot_that_shows_it() {
    let world = world(2);
    let mut follower = Follower::new(&world.app, PATH, None).await;
    assert_eq!(follower.next().await.unwrap().event, "view");
    write_log(&world.database(), &[Event::PauseLifted {}]);
    world.views.send_replace(Arc::new(ending_at(4, view(Vec::new()))));
    let messages = follower.take(3).await;
    assert_eq!(ids(&messages[..2]), [3, 4]);
    assert_eq!((messages[2].event.as_str(), &messages[2].data["head"]), ("view", &Value::from(4)));
}

/// Nothing is kept for a client that does not read: it is told of the newest snapshot.
#[tokio::test]
async fn a_slow_client_misses_snapshots_but_no_record() {
    let world = world(3);
    let mut follower = Follower::new(&world.app, "/api/v1/events?after=3", None).await;
    assert_eq!(follower.next().await.unwrap().event, "view");
    for more in 1..=100 {
        write_log(&world.database(), &[]);
        world.views.send_replace(Arc::new(ending_at(3 + more, view(Vec::new()))));
    }
    let messages = follower.take(101).await;
    assert_eq!(ids(&messages), (4..=103).collect::<Vec<u64>>());
    let views: Vec<_> = messages.iter().filter(|message| message.event == "view").collect();
    assert_eq!(views.len(), 1);
    assert_eq!(views[0].data["head"], 103);
}

#[tokio::test]
async fn a_client_of_another_log_is_told() {
    let world = world(5);
    let mut follower = Follower::new(&world.app, PATH, Some("99")).await;
    let messages = follower.take(2).await;
    assert_eq!((messages[0].event.as_str(), &messages[0].data["head"]), ("resync", &Value::from(5)));
    assert_eq!(messages[1].event, "view");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let world = world(1);
    get(&world.app, "/api/v1/events?after=x").await.problem("no number", 400, "after");
    get(&world.app, "/api/v1/events?since=1").await.problem("an unknown key", 400, "since");
    let mut request = Request::get(PATH).header("last-event-id", "-1").body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
    super::send(&world.app, request).await.problem("no number", 400, "Last-Event-ID");
}

#[tokio::test]
async fn streams_are_bounded_and_give_their_place_up() {
    let world = world(1);
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(Follower::new(&world.app, PATH, None).await);
    }
    let refused: Answer = get(&world.app, PATH).await;
    refused.problem("one too many", 503, "64 clients follow the log already");
    open.pop();
    let mut next = Follower::new(&world.app, PATH, None).await;
    assert_eq!(next.next().await.unwrap().event, "view");
}

#[tokio::test]
async fn a_stream_ends_with_the_daemon() {
    let World { app, views, directory, .. } = world(1);
    let mut follower = Follower::new(&app, PATH, None).await;
    assert_eq!(follower.next().await.unwrap().event, "view");
    drop(views);
    assert_eq!(follower.next().await, None);
    drop(directory);
}

/// A stream never ends by itself, so the server ends it: it must be whole, and not cut after a wait.
#[tokio::test]
async fn a_stream_does_not_hold_up_the_end() {
    let world = world(1);
    let bound = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = bound.address();
    let token = CancellationToken::new();
    let serving = tokio::spawn(serve(bound, world.services.clone(), token.clone()));
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut begun = vec![0; 4096];
    let mut answer = String::new();
    while !answer.contains("event: view") {
        let count = client.read(&mut begun).await.unwrap();
        assert!(count > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&begun[..count]).unwrap());
    }
    token.cancel();
    serving.await.unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "the last chunk was sent: {rest:?}");
}

/// The body of a HEAD request is dropped, and its place with it.
#[tokio::test]
async fn a_question_without_a_body_keeps_no_place() {
    let world = world(1);
    for _ in 0..70 {
        let mut request = Request::head(PATH).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
        let response = tower::ServiceExt::oneshot(world.app.clone(), request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(to_bytes(response.into_body(), 1).await.unwrap().is_empty());
    }
}

/// A stream that was opened with a token, and its daemon.
async fn by_token() -> (World, Follower, State) {
    let state = tokens(&[("ana", 1, &[Role::Viewer])]);
    let mut first = view(vec![report("client")]);
    first.tokens = state.tokens.clone();
    let world = World::new(ending_at(1, first), Ok("done"));
    write_log(&world.database(), &[]);
    let mut request = Request::get(PATH).header("authorization", format!("Bearer {}", bearer(1)));
    let peer = Peer::Tcp {
        peer: "192.0.2.1:9".parse().unwrap(),
        local: "192.0.2.2:8787".parse().unwrap(),
        rules: Arc::default(),
    };
    request = request.header("host", "192.0.2.2:8787");
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(peer);
    let mut follower = Follower::of(&world.app, request).await;
    assert_eq!(follower.next().await.unwrap().event, "view");
    (world, follower, state)
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let name = || "ana".parse().unwrap();
    let at = |text: &str| Some(text.parse().unwrap());
    // What becomes of the token, and whether the next record is told.
    let rows: [(&str, Option<Event>, Option<Timestamp>, bool); 4] = [
        ("nothing", None, None, true),
        ("it expires later", None, at("2999-01-01T00:00:00Z"), true),
        ("it is revoked", Some(Event::TokenRevoked { name: name() }), None, false),
        ("it has expired", None, at("2026-01-01T00:00:00Z"), false),
    ];
    for (row, event, expires_at, goes_on) in rows {
        let (world, mut follower, mut state) = by_token().await;
        if expires_at.is_some() {
            state = tokens_until(expires_at);
        }
        event.into_iter().for_each(|event| add(&mut state, event));
        write_log(&world.database(), &[Event::Paused {}]);
        let mut next = ending_at(2, view(vec![report("client")]));
        next.tokens = state.tokens;
        world.views.send_replace(Arc::new(next));
        let told = follower.next().await;
        assert_eq!(told.is_some(), goes_on, "{row}: {told:?}");
    }
}

/// The same token with an end.
fn tokens_until(expires_at: Option<Timestamp>) -> State {
    let before = tokens(&[("ana", 1, &[Role::Viewer])]);
    let grant = before.tokens.get(&"ana".parse().unwrap()).unwrap().grant.clone();
    let mut state = State::default();
    add(&mut state, Event::TokenMade { token: Box::new(TokenGrant { expires_at, ..grant }) });
    state
}
