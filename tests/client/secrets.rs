//! The token is in the Authorization header and nowhere else, whatever the server echoes.

use std::collections::BTreeSet;

use ringward::cloudflare::{CloudflareClient, GroupUpdate, Settings};
use serde_json::json;

use crate::common::{TOKEN, client, group, group_id, log_lines, settings};
use crate::server::{Answer, Server};

/// What must not be seen, in any part of a text.
const SECRET: &str = "SECRETSECRET";

/// Somebody else's token, which upstream might show in a message.
const FOREIGN: &str = "cfut_SECRETSECRETfromsomebodyelse";

#[tokio::test]
async fn an_echo_of_the_token_is_never_repeated() {
    let echo = format!("your token {TOKEN} and {FOREIGN}");
    let mut odd = group("g1");
    odd["updated_at"] = json!(echo);
    let mut short = group("g1");
    short["updated_at"] = json!(TOKEN);
    let rows = [
        ("message of a 400", Answer::failure(400, 1, &echo)),
        ("message of a 429", Answer::failure(429, 1, &echo)),
        ("message of a 500", Answer::failure(500, 1, &echo)),
        ("message of a 200", Answer::failure(200, 1, &echo)),
        ("a problem of the edge", Answer::json(503, &json!({"title": echo, "detail": echo}))),
        ("HTML", Answer::html(403, &echo)),
        ("a value", Answer::ok(&odd)),
        ("a value, bare", Answer::ok(&short)),
        ("cf-ray", Answer::failure(400, 1, "x").with("cf-ray", TOKEN)),
        ("content type", Answer::ok(&group("g1")).with("content-type", &format!("text/{TOKEN}"))),
        ("an ID", Answer::ok(&group(TOKEN))),
        ("a redirect", Answer::html(302, "x").with("location", &format!("https://h/{TOKEN}"))),
    ];
    for (row, answer) in rows {
        let server = Server::start(vec![answer]).await;
        let client = client(&server.url);
        let update = GroupUpdate::new(None, Some(BTreeSet::new())).unwrap();
        let error = client.update_group(&group_id("g1"), &update).await.unwrap_err();
        assert_eq!(server.seen()[0].headers["authorization"], format!("Bearer {TOKEN}"), "{row}");
        let mut texts =
            vec![error.to_string(), format!("{error:?}"), format!("{error:#?}"), format!("{client:#?}")];
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            texts.push(format!("{cause} {cause:?}"));
            source = cause.source();
        }
        for text in texts {
            assert!(!text.contains(SECRET), "{row}: {text}");
        }
        assert!(!error.to_string().contains('\n'), "{row}: {error}");
    }
    let logged = log_lines();
    assert!(logged.contains("Cloudflare request"), "the log must have been seen: {logged}");
    assert!(!logged.contains(SECRET), "{logged}");
}

#[test]
fn no_type_shows_the_token() {
    let settings = settings("http://127.0.0.1:1/client/v4");
    let debug = format!("{settings:#?}");
    assert!(debug.contains("127.0.0.1") && !debug.contains(SECRET), "{debug}");
    let debug = format!("{:#?}", CloudflareClient::new(settings.clone()).unwrap());
    assert!(debug.contains("127.0.0.1") && !debug.contains(SECRET), "{debug}");
    let spoilt = Settings { token: format!("{TOKEN}\n").into(), ..settings };
    let error = CloudflareClient::new(spoilt).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
}
