//! A world behind a real listener on loopback, and clients that write their own bytes.

use std::net::SocketAddr;

use ringward::web::json::ProblemAnswer;
use ringward::web::{ConnectionLimits, TcpRules, bind, serve_within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::world::World;

/// A listener. Dropping it ends it.
pub(super) struct Listening {
    pub(super) world: World,
    pub(super) address: SocketAddr,
    token: CancellationToken,
    serving: JoinHandle<()>,
}

impl Listening {
    pub(super) async fn within(limits: ConnectionLimits) -> Self {
        Self::under(TcpRules::default(), limits).await
    }

    pub(super) async fn under(rules: TcpRules, limits: ConnectionLimits) -> Self {
        let world = World::usual();
        let bound = bind("127.0.0.1:0".parse().unwrap()).await.unwrap().under(rules);
        let (address, token) = (bound.address(), CancellationToken::new());
        let serving = tokio::spawn(serve_within(bound, world.services.clone(), limits, token.clone()));
        Self { world, address, token, serving }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the other side closes. `<host>` stands for the listener's address and
    /// `<port>` for its port.
    pub(super) async fn exchange(&self, request: &str) -> Raw {
        let mut stream = self.connect().await;
        let request = request
            .replace("<host>", &self.address.to_string())
            .replace("<port>", &self.address.port().to_string());
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        Raw(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn arrived(&self) -> usize {
        self.world.arrived.lock().unwrap().len()
    }

    pub(super) async fn end(self) {
        self.token.cancel();
        self.serving.await.unwrap();
    }
}

/// An answer as it came.
pub(super) struct Raw(pub(super) String);

impl Raw {
    /// The status; 0 where the connection was closed without an answer.
    pub(super) fn status(&self) -> u16 {
        self.0.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let head = self.0.split("\r\n\r\n").next().unwrap();
        let fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or("")
    }

    pub(super) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// The problem, which must be whole and speak of `word`.
    pub(super) fn problem(&self, row: &str, status: u16, word: &str) -> ProblemAnswer {
        assert_eq!(self.status(), status, "{row}: {}", self.0);
        assert_eq!(self.header("content-type"), "application/problem+json", "{row}: {}", self.0);
        let problem: ProblemAnswer = serde_json::from_str(self.body()).unwrap();
        assert_eq!(problem.status, status, "{row}");
        assert!(problem.detail.contains(word), "{row}: `{word}` is missing in: {}", problem.detail);
        problem
    }
}
