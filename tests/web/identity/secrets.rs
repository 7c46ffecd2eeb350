//! A daemon at its most talkative, with secrets right and wrong: none of them is left anywhere.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use super::credentials::{HOST, Signer, bearer, person};
use super::keys::KeyServer;

const API_TOKEN: &str = "cfat_0123456789abcdefghijklmnopqrstuvwxyzABCDEF";

/// A daemon of the real program, and all that it says.
struct Daemon {
    child: Child,
    said: JoinHandle<String>,
    address: String,
}

fn ringward() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    command.env_clear().stdin(Stdio::null());
    command
}

impl Daemon {
    /// Starts it, and waits until it says where it listens.
    fn start(directory: &Path) -> Self {
        let mut child = ringward()
            .args([
                "--log-level",
                "trace",
                "run",
                "--api-url",
                "http://127.0.0.1:9/client/v4",
                "--listen",
                "127.0.0.1:0",
            ])
            .arg("--db")
            .arg(directory.join("ringward.db"))
            .env("CLOUDFLARE_API_TOKEN", API_TOKEN)
            // On a clock that runs fast, half a minute of the wall is weeks.
            .env("RINGWARD_SETTLE_SECONDS", "0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let from = said.len();
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended: {said}");
            let line = &said[from..];
            if let Some((_, rest)) =
                line.split_once("http://127.0.0.1:").filter(|_| line.contains("ringward runs"))
            {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                break format!("127.0.0.1:{port}");
            }
        };
        let said = std::thread::spawn(move || {
            lines.read_to_string(&mut said).unwrap();
            said
        });
        Self { child, said, address }
    }

    /// One request as bytes; all that comes back.
    fn exchange(&self, line: &str, header: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // A person may paste anything.
        let said = format!(r#"{{"reason": "look: {API_TOKEN}, {}"}}"#, &API_TOKEN[..20]);
        let body = if line.starts_with("POST") { said.as_str() } else { "" };
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {HOST}\r\n{header}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn end(mut self) -> String {
        let kill = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(kill.success());
        let ended = self.child.wait().unwrap();
        let said = self.said.join().unwrap();
        assert!(ended.success(), "{ended}: {said}");
        said
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_left_nowhere() {
    let (ours, other) = (Signer::new("ours"), Signer::new("theirs"));
    let server = KeyServer::start(&[&ours]).await;
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("plans")).unwrap();
    let plan = include_str!("../../plans/good/smallest.yaml");
    fs::write(directory.path().join("plans/plan.yaml"), plan).unwrap();
    // What others may lay into the directory.
    let token_file = directory.path().join("outside/token");
    fs::create_dir(directory.path().join("outside")).unwrap();
    fs::write(&token_file, format!("{API_TOKEN}\n")).unwrap();
    let laid = |name: &str| directory.path().join("plans").join(name);
    std::os::unix::fs::symlink(&token_file, laid("link.yaml")).unwrap();
    std::os::unix::fs::symlink("../outside/token", laid("relative.yml")).unwrap();
    fs::write(laid("copy.yaml"), API_TOKEN).unwrap();
    fs::write(laid("told.yaml"), format!("description: {API_TOKEN}\n{plan}")).unwrap();
    fs::write(laid("broken.yaml"), format!("plan: broken\n{API_TOKEN}: [\n")).unwrap();
    let config = server.config("reading: open\nplans: plans\naccount: 023e105f4ecef8ad9ca31a8372d0c353\n");
    fs::write(directory.path().join("ringward.yaml"), config).unwrap();
    let daemon = Daemon::start(directory.path());

    let made = ringward()
        .args([
            "--log-level",
            "trace",
            "token",
            "new",
            "ana",
            "--email",
            "ana@example.com",
            "--role",
            "operator",
            "--db",
        ])
        .arg(directory.path().join("ringward.db"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert!(token.starts_with("rwt_") && token.len() == 85, "{token}");
    let mut kept = vec![String::from_utf8(made.stderr).unwrap()];

    let by_ana = ours.token(&person("ana@example.com"));
    let forged = other.token(&person("eva@example.com"));
    let short = token[..80].to_owned();
    let unknown = bearer(9);
    let rows = [
        ("the API token", format!("Authorization: Bearer {API_TOKEN}"), "HTTP/1.1 401", "HTTP/1.1 401"),
        ("the API token as an origin", format!("Origin: http://{API_TOKEN}"), "HTTP/1.1 403", "HTTP/1.1 401"),
        ("the token", format!("Authorization: Bearer {token}"), "HTTP/1.1 200", "HTTP/1.1 200"),
        ("an assertion", format!("Cf-Access-Jwt-Assertion: {by_ana}"), "HTTP/1.1 200", "HTTP/1.1 409"),
        ("a part of the token", format!("Authorization: Bearer {short}"), "HTTP/1.1 401", "HTTP/1.1 401"),
        ("a token of nobody", format!("Authorization: Bearer {unknown}"), "HTTP/1.1 401", "HTTP/1.1 401"),
        ("a forged assertion", format!("Cf-Access-Jwt-Assertion: {forged}"), "HTTP/1.1 401", "HTTP/1.1 401"),
        (
            "half an assertion",
            format!("Cf-Access-Jwt-Assertion: {}", &by_ana[..300]),
            "HTTP/1.1 401",
            "HTTP/1.1 401",
        ),
    ];
    for (row, header, read, act) in rows {
        for (line, status) in [
            ("GET /metrics", read),
            ("GET /", read),
            ("GET /api/v1/rollouts", read),
            (
                &format!("GET /api/v1/plans/{API_TOKEN}"),
                if read.ends_with("200") { "HTTP/1.1 404" } else { read },
            ),
            ("POST /api/v1/stop", act),
        ] {
            let answer = daemon.exchange(line, &header);
            assert!(answer.starts_with(status), "{row}: {line}: {answer}");
            kept.push(answer);
        }
    }
    for command in [&["token", "list", "--json"][..], &["status", "--json"], &["history", "--verify"]] {
        let output =
            ringward().args(command).arg("--db").arg(directory.path().join("ringward.db")).output().unwrap();
        assert!(output.status.success(), "{command:?}: {output:?}");
        kept.push(String::from_utf8(output.stdout).unwrap());
    }
    for of in ["plans", "plans/link.yaml", "plans/copy.yaml", "plans/told.yaml", "plans/broken.yaml"] {
        for format in [&[][..], &["--json"]] {
            let mut check = ringward();
            check.arg("check").args(format).arg(directory.path().join(of));
            check.env("CLOUDFLARE_API_TOKEN", API_TOKEN);
            let output = check.output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{of}: {output:?}");
            kept.push(String::from_utf8([output.stdout, output.stderr].concat()).unwrap());
        }
    }
    let all = kept.join("\n");
    for (file, why) in [
        ("link.yaml", "leads out of the plans directory"),
        ("relative.yml", "leads out of the plans directory"),
        ("told.yaml", "it holds a secret of this process"),
        ("broken.yaml", "it holds a secret of this process"),
        ("copy.yaml", "it has no `plan` key"),
    ] {
        assert!(all.contains(file) && all.contains(why), "{file}: {why}");
    }
    kept.push(daemon.end());
    let said = kept.last().unwrap();
    assert!(
        said.contains("a credential was refused") && said.contains("token_made"),
        "it said nothing: {said}"
    );
    let mut files = 0;
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files += 1;
            kept.push(String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned());
        }
    }
    assert!(files >= 2, "{files}");

    let (public, secret) = (&token[..20], &token[21..]);
    assert!(
        kept.iter().any(|text| text.contains(public.trim_start_matches("rwt_"))),
        "nothing was looked at"
    );
    let signature = |token: &str| token.rsplit_once('.').unwrap().1.to_owned();
    let secrets = [
        ("the API token", API_TOKEN.to_owned()),
        ("its beginning", API_TOKEN[..20].to_owned()),
        ("the token", secret.to_owned()),
        ("its beginning", secret[..40].to_owned()),
        ("a token of nobody", unknown[21..].to_owned()),
        ("an assertion", by_ana.clone()),
        ("its claims", by_ana.split('.').nth(1).unwrap().to_owned()),
        ("its signature", signature(&by_ana)),
        ("a forged signature", signature(&forged)),
    ];
    for (name, secret) in secrets {
        for text in &kept {
            assert!(!text.contains(&secret), "{name} is in: {}", &text[..text.len().min(300)]);
        }
    }
}
