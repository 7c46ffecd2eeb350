//! A scripted daemon: one answer for each connection, in order.
//!
//! **Invariant:** it never answers anything that the script does not say.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// What one connection gets.
pub(crate) enum Reply {
    /// An HTTP answer with this status and body.
    Http(u16, String),
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// An HTTP answer without an end: this text over and over.
    Endless(&'static str),
    /// Nothing, and the connection stays open.
    Silence,
}

pub(crate) struct Server {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) database: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
    lock: Option<File>,
}

impl Server {
    /// A daemon beside a database file, which is there but empty, and which it owns.
    pub(crate) fn start(script: Vec<Reply>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("ringward.db");
        std::fs::write(&database, "").unwrap();
        let listener = UnixListener::bind(socket(&database)).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, script, requests.clone()));
        let lock = File::create(database.with_extension("db.lock")).unwrap();
        lock.try_lock().unwrap();
        Self { dir, database, requests, task, lock: Some(lock) }
    }

    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::start(vec![Reply::Http(200, value.to_string())])
    }

    /// Ends it, as a crash does: its files stay.
    pub(crate) fn die(&mut self) {
        self.task.abort();
        self.lock = None;
    }

    /// Each request so far: method, path, body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn socket(database: &Path) -> PathBuf {
    database.with_extension("db.sock")
}

async fn serve(listener: UnixListener, script: Vec<Reply>, requests: Arc<Mutex<Vec<String>>>) {
    let mut open = Vec::new();
    for reply in script {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read(&mut stream).await;
        requests.lock().unwrap().push(request);
        // A client that has seen enough goes away in the middle of an answer.
        match reply {
            Reply::Http(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            }
            Reply::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).await;
            }
            Reply::Endless(text) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                let block = text.repeat(4096);
                while stream.write_all(block.as_bytes()).await.is_ok() {}
            }
            Reply::Silence => open.push(stream),
        }
    }
    // The script is over: whoever still connects, or waits, waits for ever.
    std::future::pending::<()>().await;
}

async fn read(stream: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                let line = head.lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
                return format!("{line} {body}").trim_end().to_owned();
            }
        }
        let mut block = [0; 1024];
        match stream.read(&mut block).await.unwrap() {
            0 => return text,
            count => bytes.extend_from_slice(&block[..count]),
        }
    }
}
