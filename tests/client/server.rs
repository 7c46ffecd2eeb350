//! A loopback HTTP server that answers from a script, one connection per request, and remembers
//! what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A whole HTTP answer.
    Http { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// A TCP reset once the request has been read.
    Reset,
    /// Nothing, until the client hangs up.
    Nothing,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self::Http { status, headers, body: body.to_string().into_bytes() }
    }

    /// A successful envelope around `result`.
    pub(crate) fn ok(result: &Value) -> Self {
        Self::json(200, &json!({"success": true, "errors": null, "messages": null, "result": result}))
    }

    /// A page in a successful envelope.
    pub(crate) fn page(result: &Value, info: &Value) -> Self {
        let body =
            json!({"success": true, "errors": [], "messages": [], "result": result, "result_info": info});
        Self::json(200, &body)
    }

    /// A failed envelope.
    pub(crate) fn failure(status: u16, code: i64, message: &str) -> Self {
        let errors = json!([{"code": code, "message": message}]);
        Self::json(status, &json!({"success": false, "errors": errors, "messages": [], "result": null}))
    }

    pub(crate) fn html(status: u16, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "text/html; charset=UTF-8".to_owned())];
        Self::Http { status, headers, body: body.as_bytes().to_vec() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.retain(|(known, _)| known != name);
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// The running server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the requests that come in with `script`, in its order.
    pub(crate) async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/client/v4", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let journal = Arc::clone(&seen);
        tokio::spawn(async move {
            let over = Answer::failure(418, 0, "the script has no further answer");
            let mut script = script.into_iter();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = script.next().unwrap_or_else(|| over.clone());
                // Each on its own, so that an answer that never comes does not hold up the next.
                tokio::spawn(serve(stream, answer, Arc::clone(&journal)));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `GET /path?query` of each request, without the base path.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.seen().into_iter();
        lines.map(|seen| format!("{} {}", seen.method, seen.target.replace("/client/v4", ""))).collect()
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, journal: Arc<Mutex<Vec<Seen>>>) {
    let Some(seen) = read_request(&mut stream).await else {
        // A TLS greeting or a connection that was dropped: no HTTP, no answer.
        return;
    };
    journal.lock().unwrap().push(seen);
    match answer {
        Answer::Http { status, headers, body } => {
            let mut head =
                format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            // The client may hang up in the middle of a body that is too large.
            if stream.write_all(head.as_bytes()).await.is_ok() {
                let _ = stream.write_all(&body).await;
            }
        }
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Answer::Reset => stream.set_zero_linger().unwrap(),
        Answer::Nothing => {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    }
}

/// Reads head and body; `None` when it is not HTTP.
async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes: Vec<u8> = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if bytes.first().is_some_and(|byte| !byte.is_ascii_uppercase()) {
            return None;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { method, target, headers, body: String::from_utf8(body).ok()? })
}
