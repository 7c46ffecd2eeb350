//! Real connections on loopback and on the Unix socket.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};

use ringward::rollout::record::Actor;
use ringward::web::{BindError, SocketError, bind, bind_socket, serve, serve_socket, socket_path};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::world::World;

/// Sends `head` and `body` as one request and reads until the other side closes.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str, body: &str) -> String {
    let length = body.len();
    let request = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_verb_over_tcp_has_nobodys_name_and_needs_our_port() {
    let world = World::usual();
    let bound = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = bound.address();
    let token = CancellationToken::new();
    let serving = tokio::spawn(serve(bound, world.services.clone(), token.clone()));
    let verb = |host: String| {
        format!("POST /api/v1/stop HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json")
    };
    let body = r#"{"reason": "look"}"#;
    let connect = || async { TcpStream::connect(address).await.unwrap() };
    let rebound = exchange(connect().await, &verb("evil.test".to_owned()), body).await;
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    let other_port = exchange(connect().await, &verb("127.0.0.1:1".to_owned()), body).await;
    assert!(other_port.starts_with("HTTP/1.1 403"), "{other_port}");
    assert!(world.arrived.lock().unwrap().is_empty());
    let ours = exchange(connect().await, &verb(address.to_string()), body).await;
    assert!(ours.starts_with("HTTP/1.1 200"), "{ours}");
    assert_eq!(world.arrived.lock().unwrap()[0].0, Actor::Loopback);
    let read = exchange(connect().await, "GET /healthz HTTP/1.1\r\nHost: anything", "").await;
    assert!(read.ends_with("alive\n"), "{read}");
    token.cancel();
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens after the end");
}

#[tokio::test]
async fn a_port_in_use_is_told_with_its_remedy() {
    let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let error = bind(first.address()).await.unwrap_err();
    assert!(matches!(error, BindError::InUse(address) if address == first.address()), "{error}");
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
    assert!(error.to_string().contains("--listen"), "{error}");
    let foreign = bind("192.0.2.1:8787".parse().unwrap()).await.unwrap_err();
    assert!(matches!(foreign, BindError::Failed { .. }), "{foreign}");
}

/// The end does not wait for clients that say nothing.
#[tokio::test]
async fn idle_and_half_sent_connections_do_not_hold_up_the_end() {
    let world = World::usual();
    let bound = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = bound.address();
    let token = CancellationToken::new();
    let serving = tokio::spawn(serve(bound, world.services.clone(), token.clone()));
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut begun = [0; 12];
    idle.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"GET /healthz HT").await.unwrap();
    token.cancel();
    serving.await.unwrap();
    // Both were closed by the server, whichever way.
    let mut rest = Vec::new();
    let closed =
        |read: io::Result<usize>| read.is_ok() || read.unwrap_err().kind() == io::ErrorKind::ConnectionReset;
    assert!(closed(idle.read_to_end(&mut rest).await));
    assert!(closed(half.read_to_end(&mut rest).await));
}

#[tokio::test]
async fn the_socket_knows_its_user() {
    let world = World::usual();
    let path = socket_path(&world.database());
    let token = CancellationToken::new();
    let bound = bind_socket(&world.database()).unwrap();
    let file = std::fs::symlink_metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let serving = tokio::spawn(serve_socket(bound, world.services.clone(), token.clone()));
    let head =
        "POST /api/v1/rollouts/client/pause HTTP/1.1\r\nHost: ringward\r\nContent-Type: application/json";
    let stream = UnixStream::connect(&path).await.unwrap();
    let answer = exchange(stream, head, r#"{"reason": "look"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let id = format!("{}", file.uid());
    let named = passwd.lines().find(|line| line.split(':').nth(2) == Some(id.as_str()));
    let user = named.and_then(|line| line.split(':').next()).map_or(format!("uid {id}"), str::to_owned);
    assert_eq!(world.arrived.lock().unwrap()[0].0, Actor::Local { user });
    token.cancel();
    serving.await.unwrap();
    assert!(!path.exists(), "the socket file is removed at the end");
}

#[tokio::test]
async fn a_socket_file_of_a_dead_daemon_is_replaced_and_nothing_else_is() {
    let world = World::usual();
    let path = socket_path(&world.database());
    drop(UnixListener::bind(&path).unwrap());
    assert!(UnixStream::connect(&path).await.is_err(), "nobody is behind it");
    let bound = bind_socket(&world.database()).unwrap();
    assert!(UnixStream::connect(&path).await.is_ok());
    drop(bound);
    assert!(!path.exists());
    std::fs::write(&path, "notes").unwrap();
    let error = bind_socket(&world.database()).unwrap_err();
    assert!(matches!(error, SocketError::InTheWay(_)), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
    let deep = world.directory.path().join("d".repeat(120)).join("ringward.db");
    std::fs::create_dir(deep.parent().unwrap()).unwrap();
    let error = bind_socket(&deep).unwrap_err();
    assert!(error.to_string().contains("108"), "{error}");
}
