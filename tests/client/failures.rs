//! The class of every failure: what a caller may conclude about a write.

use std::collections::BTreeSet;

use ringward::cloudflare::{
    ApiError, CloudflareClient, ErrorClass, GroupUpdate, Obstacle, Priority, Settings, SetupError,
};
use ringward::time::Clock;
use serde_json::json;
use tokio::net::TcpListener;

use crate::common::{client, group, group_id, impatient, settings};
use crate::server::{Answer, Server};

/// A self-signed certificate, so that a client can be made on a machine without a CA bundle.
const CA: &str = "-----BEGIN CERTIFICATE-----
MIIBjDCCATOgAwIBAgIUG1I9ay85mkki2C4NLWNMO8uGBAUwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQcmluZ3dhcmQgdGVzdCBDQTAgFw0yNjExMjEyMjIxMzBaGA8y
MTI2MTAyODIyMjEzMFowGzEZMBcGA1UEAwwQcmluZ3dhcmQgdGVzdCBDQTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABOtfki2kNsoKe/MVhkIa+tXhJ1F+cZoHVURA
pEhdV24eSFyxhrdr0B5LIrVvkMg5JZIccj+uRU3LxiIIf93xwCWjUzBRMB0GA1Ud
DgQWBBTkKnbKaGrQRouTCyntZCwlsuJ82zAfBgNVHSMEGDAWgBTkKnbKaGrQRouT
CyntZCwlsuJ82zAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCICym
T7V3y+GW8YPPA55aDaAClLYjKq2a1yJUF5wa5Db5AiBz84/+Zf2KS6pxkXF7tHMd
Y2k5o9p9haBTmLOZJK08mQ==
-----END CERTIFICATE-----
";

/// The class in a few words.
fn class(error: &ApiError) -> String {
    match &error.class {
        ErrorClass::RateLimited { retry_after, .. } => {
            format!("limited {:?}", retry_after.map(|pause| pause.as_secs()))
        }
        ErrorClass::Refused { status, code, .. } => format!("refused {status} {code:?}"),
        ErrorClass::NoAnswer { silence, status, .. } => format!("{silence:?} {status:?}"),
        ErrorClass::NotSent { obstacle: Obstacle::Budget { .. }, .. } => "not sent Budget".to_owned(),
        ErrorClass::NotSent { obstacle, .. } => format!("not sent {obstacle:?}"),
    }
}

fn update() -> GroupUpdate {
    GroupUpdate::new(None, Some(BTreeSet::new())).unwrap()
}

fn without(field: &str) -> Answer {
    let mut group = group("g1");
    group.as_object_mut().unwrap().remove(field).unwrap();
    Answer::ok(&group)
}

fn rows() -> Vec<(&'static str, Answer, &'static str)> {
    let whole = json!({"success": true, "errors": [], "messages": [], "result": group("g1")}).to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let cut = format!("{head}content-length: {}\r\n\r\n{}", whole.len(), &whole[..60]);
    let unended = format!("{head}transfer-encoding: chunked\r\n\r\n20\r\n{}\r\n", &whole[..32]);
    let json = vec![("content-type".to_owned(), "application/json".to_owned())];
    let half = Answer::Http { status: 200, headers: json, body: whole.as_bytes()[..60].to_vec() };
    let huge = json!({"success": true, "result": "x".repeat(9 << 20)});
    let doubtful = json!({"success": false, "errors": [], "messages": [], "result": group("g1")});
    let no = "no";
    vec![
        ("400", Answer::failure(400, 1000, no), "refused 400 Some(1000)"),
        ("401", Answer::failure(401, 1000, no), "refused 401 Some(1000)"),
        ("403", Answer::failure(403, 10_000, no), "refused 403 Some(10000)"),
        ("403 of a proxy", Answer::html(403, "<html>blocked</html>"), "refused 403 None"),
        ("404 of a proxy", Answer::html(404, "<html>not here</html>"), "refused 404 None"),
        ("409", Answer::failure(409, 1000, no), "refused 409 Some(1000)"),
        (
            "409, cut off",
            Answer::Bytes(b"HTTP/1.1 409 x\r\ncontent-length: 9\r\n\r\n{".to_vec()),
            "refused 409 None",
        ),
        ("429 with Retry-After", Answer::failure(429, 971, no).with("retry-after", "30"), "limited Some(30)"),
        ("429 without", Answer::failure(429, 971, no), "limited None"),
        ("429 with an odd one", Answer::html(429, no).with("retry-after", "soon"), "limited None"),
        ("500 in JSON", Answer::failure(500, 1000, no), "ServerError Some(500)"),
        ("502 in HTML", Answer::html(502, "<html>bad gateway</html>"), "ServerError Some(502)"),
        (
            "503, cut off",
            Answer::Bytes(b"HTTP/1.1 503 x\r\ncontent-length: 9\r\n\r\n{".to_vec()),
            "ServerError Some(503)",
        ),
        ("520", Answer::html(520, "error code: 520"), "ServerError Some(520)"),
        ("reset before an answer", Answer::Reset, "Broken None"),
        ("hung up before an answer", Answer::Bytes(vec![]), "Broken None"),
        ("not HTTP", Answer::Bytes(b"SSH-2.0-x\r\n\r\n".to_vec()), "Broken None"),
        ("slow", Answer::Nothing, "Timeout None"),
        ("body cut off", Answer::Bytes(cut.into_bytes()), "Broken Some(200)"),
        ("chunks without an end", Answer::Bytes(unended.into_bytes()), "Broken Some(200)"),
        ("half of the JSON", half, "Unreadable Some(200)"),
        ("too large", Answer::json(200, &huge), "Unreadable Some(200)"),
        (
            "wrong content type",
            Answer::ok(&group("g1")).with("content-type", "text/plain"),
            "Unreadable Some(200)",
        ),
        ("HTML in a 200", Answer::html(200, "<html>log in here</html>"), "Unreadable Some(200)"),
        ("nothing in a 204", Answer::html(204, ""), "Unreadable Some(204)"),
        ("no updated_at", without("updated_at"), "Incomplete Some(200)"),
        ("no version_config", without("version_config"), "Incomplete Some(200)"),
        ("a null result", Answer::ok(&json!(null)), "Incomplete Some(200)"),
        ("no envelope", Answer::json(200, &group("g1")), "Incomplete Some(200)"),
        ("success: false in a 200", Answer::failure(200, 1000, no), "Incomplete Some(200)"),
        ("success: false beside a whole group", Answer::json(200, &doubtful), "Incomplete Some(200)"),
        ("about another group", Answer::ok(&group("g2")), "Inconsistent None"),
        (
            "a redirect",
            Answer::html(302, no).with("location", "/client/v4/elsewhere"),
            "Unexpected Some(302)",
        ),
        (
            "a redirect that keeps the method",
            Answer::html(307, no).with("location", "/x"),
            "Unexpected Some(307)",
        ),
    ]
}

#[tokio::test]
async fn every_failure_has_its_class_and_is_sent_once() {
    for (row, answer, expected) in rows() {
        let server = Server::start(vec![answer.clone(), answer]).await;
        // Only the slow row needs an end soon; the others must not depend on a busy machine.
        let made = if row == "slow" { impatient(&server.url) } else { client(&server.url) };
        let written = made.update_group(&group_id("g1"), &update()).await.unwrap_err();
        assert_eq!(class(&written), expected, "{row}: {written}");
        let no_answer = !["refused", "limited", "not sent"].iter().any(|word| expected.starts_with(word));
        assert_eq!(written.is_in_doubt(), no_answer, "{row}");
        assert_eq!(written.to_string().contains("must be read back"), no_answer, "{row}: {written}");
        assert_eq!(server.seen().len(), 1, "{row}: {:?}", server.lines());

        let made = if row == "slow" { impatient(&server.url) } else { client(&server.url) };
        let read = made.get_group(&group_id("g1"), Priority::Write).await.unwrap_err();
        assert_eq!(class(&read), expected, "{row}: {read}");
        assert_eq!(server.seen().len(), 2, "{row}: {:?}", server.lines());
    }
}

#[tokio::test]
async fn legal_oddities_are_no_failures() {
    let mut bare = group("g1");
    bare["policy_ids"] = json!(null);
    bare["status"] = json!({"more": ["than", "the", "contract"]});
    let rows = [
        ("null policies, more fields", Answer::ok(&bare)),
        ("charset", Answer::ok(&group("g1")).with("content-type", "Application/JSON; charset=utf-8")),
        ("201", Answer::json(201, &json!({"success": true, "result": group("g1")}))),
    ];
    for (row, answer) in rows {
        let server = Server::start(vec![answer]).await;
        let group = client(&server.url).update_group(&group_id("g1"), &update()).await;
        assert!(group.is_ok(), "{row}: {group:?}");
    }
}

#[tokio::test]
async fn what_never_left_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = client(&closed).update_group(&group_id("g1"), &update()).await.unwrap_err();
    assert_eq!(class(&refused), "not sent Connection", "{refused}");
    assert!(refused.to_string().contains("check the API URL"), "{refused}");

    // The server speaks no TLS, so the hello is all it gets.
    let server = Server::start(vec![]).await;
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, CA).unwrap();
    let secure = server.url.replace("http://", "https://");
    let settings = Settings { ca_file: Some(ca_file), ..settings(&secure) };
    let made = CloudflareClient::new(settings).unwrap();
    let refused = made.update_group(&group_id("g1"), &update()).await.unwrap_err();
    assert_eq!(class(&refused), "not sent Connection", "{refused}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn retry_after_is_obeyed_on_server_errors_too() {
    let busy = Answer::html(503, "busy").with("retry-after", "86400");
    let server = Server::start(vec![busy]).await;
    // The fast clock of the other tests would be through the silence in a few milliseconds.
    let client = CloudflareClient::new(Settings { clock: Clock::Real, ..settings(&server.url) }).unwrap();
    let first = client.update_group(&group_id("g1"), &update()).await.unwrap_err();
    assert_eq!(class(&first), "ServerError Some(503)", "{first}");
    let second = client.update_group(&group_id("g1"), &update()).await.unwrap_err();
    assert_eq!(class(&second), "not sent Budget", "{second}");
}

#[test]
fn a_client_that_cannot_be_made_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate in here\n").unwrap();
    let secure = || settings("https://api.example.test/client/v4");
    let rows = [
        (
            "missing CA file",
            Settings { ca_file: Some(folder.path().join("none.pem")), ..secure() },
            "none.pem",
        ),
        ("empty CA file", Settings { ca_file: Some(empty), ..secure() }, "PEM"),
        ("token with a line break", Settings { token: "cfat_x\n".into(), ..secure() }, "copy it again"),
        ("tiny budget", Settings { requests: 3, ..settings("http://127.0.0.1:1") }, "use 12 to 12000"),
    ];
    for (row, settings, part) in rows {
        let error = CloudflareClient::new(settings).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(part), "{row}: {error}");
    }
}

/// Set in the child process that plays a machine without CA certificates.
const WITHOUT_CA: &str = "RINGWARD_TEST_WITHOUT_CA";

/// The variables that name the CA bundle hold for a whole process, so the test runs itself again.
#[tokio::test]
async fn without_ca_certificates_loopback_works_and_the_rest_says_why() {
    if std::env::var_os(WITHOUT_CA).is_none() {
        let folder = tempfile::tempdir().unwrap();
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "failures::without_ca_certificates_loopback_works_and_the_rest_says_why"])
            .env(WITHOUT_CA, "1")
            .env("SSL_CERT_FILE", folder.path().join("none.pem"))
            .env("SSL_CERT_DIR", folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let error = CloudflareClient::new(settings("https://api.example.test/client/v4")).unwrap_err();
    assert!(matches!(error, SetupError::NoCaBundle), "{error:?}");
    for part in ["ca-certificates", "SSL_CERT_FILE", "--ca-file"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    let server = Server::start(vec![Answer::ok(&group("g1"))]).await;
    client(&server.url).get_group(&group_id("g1"), Priority::Write).await.unwrap();
}
