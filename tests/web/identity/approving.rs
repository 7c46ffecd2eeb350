//! Whose word on a ring's entry the page takes, and what it tells everybody else before they try.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request};
use ringward::ids::Email;
use ringward::plan::model::PlanDigest;
use ringward::rollout::people::command::Command;
use ringward::rollout::people::hearing::Hearing;
use ringward::rollout::record::Actor;
use ringward::rollout::record::Role;
use ringward::rollout::record::{Evidence, Unknown, Verdict, Waiting};
use ringward::rollout::state::{Approval, Rejection, Validity};
use ringward::rollout::tell::report::Report;
use ringward::rollout::tell::ring_report::ApprovalReport;
use ringward::web::TcpRules;

use super::super::world::{HOSTILE, at, plan, report, ring, view, waiting};
use super::super::{Answer, form_fields, send};
use super::credentials::{Guarded, HOST, Signer, bearer, over_tcp, person, request, service, tokens};
use super::keys::KeyServer;

const APPROVE: &str = "/act/approve?plan=client&ring=Everyone";
const REJECT: &str = "/act/reject?plan=client&ring=Everyone";

fn email(name: &str) -> Email {
    format!("{name}@example.com").parse().unwrap()
}

fn approval_of(report: &mut Report) -> &mut ApprovalReport {
    report.rings[1].approval.as_mut().unwrap()
}

/// Ana approved and dan refused, bo did neither, cy wrote the plan; gil's word was voided, hal's ran out.
fn spoken() -> Report {
    let mut report = report("client");
    let approval = approval_of(&mut report);
    approval.hearing = Hearing {
        groups: vec![("Keepers".parse().unwrap(), Some(["ana", "bo", "dan"].map(email).into()))],
        authors: [email("cy")].into(),
        approved: [(email("ana"), vec!["Keepers".parse().unwrap()])].into(),
        refused: [email("dan")].into(),
        ..approval.hearing.clone()
    };
    approval.judgement.verdict = Verdict::Wait(Waiting::ApprovalRefused);
    let note = HOSTILE.to_owned();
    let digest = PlanDigest::of_written("{}");
    let groups = vec!["Keepers".parse().unwrap()];
    let objection = Rejection { digest, at: at("2026-10-12T09:50:00Z"), note, groups };
    approval.words.rejections.insert(email("dan"), objection);
    approval.missing.insert(email("dan"));
    let of_ana = approval.words.approvals[&email("ana")].clone();
    let voided = Validity::Voided(at("2026-10-12T09:35:00Z"));
    let gone = at("2026-10-12T09:59:00Z");
    approval.words.approvals.extend([
        (email("gil"), Approval { standing: voided, ..of_ana.clone() }),
        (email("hal"), Approval { expires_at: gone, ..of_ana.clone() }),
        (email("ivo"), of_ana),
    ]);
    report
}

/// A daemon behind Access, with three tokens, and its key.
async fn behind_access() -> (Guarded, Signer, KeyServer) {
    let ours = Signer::new("ours");
    let server = KeyServer::start(&[&ours]).await;
    let roles: [(&str, u8, &[Role]); 3] =
        [("bo", 1, &[Role::Approver]), ("op", 2, &[Role::Operator]), ("cy", 3, &[Role::Approver])];
    let guarded = Guarded::new(&server.config("reading: open\n"), tokens(&roles).tokens);
    shows(&guarded, spoken());
    (guarded, ours, server)
}

/// The daemon's next snapshot.
fn shows(guarded: &Guarded, report: Report) {
    let tokens = guarded.world.services.handle.view().tokens.clone();
    let mut next = view(vec![report]);
    next.tokens = tokens;
    guarded.world.views.send_replace(Arc::new(next));
}

async fn seen_by(guarded: &Guarded, path: &str, credential: Option<(&str, &str)>) -> String {
    // Whoever proves nothing reads only under a name that no web page can take.
    let host = if credential.is_some() { HOST } else { "127.0.0.1:8787" };
    let headers: Vec<_> = [("host", host)].into_iter().chain(credential).collect();
    let peer = over_tcp("127.0.0.1", TcpRules::default());
    let answer = send(&guarded.app, request(peer, &Method::GET, path, &headers)).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

async fn submit(guarded: &Guarded, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(over_tcp("127.0.0.1", TcpRules::default()));
    send(&guarded.app, request).await
}

/// What a confirmation rests on, as its form sends it back.
fn rests_on(sheet: &str) -> String {
    form_fields(sheet)
}

/// Credential, whether each word is offered, and what the ring and the confirmation of `approve` say.
struct Row<'a> {
    row: &'a str,
    credential: Option<(&'a str, &'a str)>,
    offers: (bool, bool),
    ring: &'a str,
    sheet: &'a str,
}

#[tokio::test]
async fn each_reader_is_told_whether_they_have_a_say() {
    let (guarded, ours, _server) = behind_access().await;
    let assertion = |claims: serde_json::Value| ours.token(&claims);
    let people = ["ana", "bo", "cy", "dan", "eve"].map(|name| person(email(name).as_str()));
    let people: Vec<String> = people.into_iter().chain([service("nightly.access")]).map(assertion).collect();
    let bearers = [1, 2, 3].map(|seed| format!("Bearer {}", bearer(seed)));
    let access = |at: usize| Some(("cf-access-jwt-assertion", people[at].as_str()));
    let token = |at: usize| Some(("authorization", bearers[at].as_str()));
    let may = "It counts until 2026-10-17 10:00 UTC";
    let nothing = "asking for it will be refused, because";
    let own = "You wrote the plan, and nobody approves their own; ask another member of `Keepers`.";
    let rows = [
        Row { row: "a member", credential: access(1), offers: (true, true), ring: "Missing: ", sheet: may },
        Row {
            row: "who approved",
            credential: access(0),
            offers: (false, true),
            ring: "You approved ring `Everyone` already: one person counts once.",
            sheet: nothing,
        },
        Row {
            row: "who refused",
            credential: access(3),
            offers: (true, false),
            ring: "You rejected ring `Everyone` already.",
            sheet: may,
        },
        Row { row: "the author", credential: access(2), offers: (false, false), ring: own, sheet: nothing },
        Row {
            row: "no member, or one who was only invited",
            credential: access(4),
            offers: (false, false),
            ring: "You are no accepted member of `Keepers`; ask a member",
            sheet: nothing,
        },
        Row {
            row: "a program",
            credential: access(5),
            offers: (false, false),
            ring: "Service:nightly.access may not approve",
            sheet: "You cannot say this here: service:nightly.access may not approve",
        },
        Row {
            row: "a member's token",
            credential: token(0),
            offers: (true, true),
            ring: "Missing: ",
            sheet: may,
        },
        Row {
            row: "a token without the role",
            credential: token(1),
            offers: (false, false),
            ring: "that takes a token with the role approver",
            sheet: "You cannot say this here: token:op/op@example.com may not approve",
        },
        Row {
            row: "the author's token",
            credential: token(2),
            offers: (false, false),
            ring: own,
            sheet: nothing,
        },
        Row {
            row: "nobody",
            credential: None,
            offers: (false, false),
            ring: "Nobody is known by this request; sign in through Cloudflare Access",
            sheet: "You cannot say this here: nobody is known by this request",
        },
    ];
    for Row { row, credential, offers, ring, sheet } in rows {
        let page = seen_by(&guarded, "/", credential).await;
        let links = ["approve", "reject"].map(|verb| page.contains(&format!("href=\"/act/{verb}?")));
        assert_eq!((links[0], links[1]), offers, "{row}: {page}");
        assert!(page.contains(ring), "{row}: `{ring}` is missing in {page}");
        let told = seen_by(&guarded, APPROVE, credential).await;
        assert!(told.contains(sheet), "{row}: `{sheet}` is missing in {told}");
        let may_not = told.contains("You cannot say this here");
        assert_eq!(told.contains("<form"), !may_not, "{row}");
        let command = "ringward approve client --ring Everyone --reason &#39;…&#39;</code>";
        assert!(told.contains(command), "{row}: {told}");
        // Whoever is nobody here could be somebody by a token of their own.
        assert_eq!(page.contains(command), may_not, "{row}: {page}");
        assert_eq!(page.contains("By command, with a token of your own"), may_not, "{row}");
    }
    let only_approves = seen_by(&guarded, "/", token(0)).await;
    assert!(only_approves.contains("Here you can look and approve"), "{only_approves}");
    assert_eq!(guarded.arrived(), [], "a GET changes nothing");
}

/// Without Access and tokens nobody is known, from this machine neither.
#[tokio::test]
async fn bare_loopback_shows_the_command() {
    let guarded = Guarded::new("", Default::default());
    let headers = [("host", "127.0.0.1:8787")];
    let peer = || over_tcp("127.0.0.1", TcpRules::default());
    let page = send(&guarded.app, request(peer(), &Method::GET, "/", &headers)).await.body;
    for words in [
        "href=\"/act/pause?plan=client\"",
        "Loopback may not approve: only a person who is known by e-mail may; sign in through Cloudflare Access",
        "By command, with a token of your own in <code>RINGWARD_BEARER_TOKEN</code>",
        "ringward reject client --ring Everyone --reason",
    ] {
        assert!(page.contains(words), "`{words}` is missing in {page}");
    }
    assert!(!page.contains("href=\"/act/approve?"), "{page}");
    let ours = [("origin", "http://127.0.0.1:8787"), ("sec-fetch-site", "same-origin")];
    let headers: Vec<_> = headers.into_iter().chain(ours).collect();
    let answer = submit(&guarded, APPROVE, &headers, "seen=x&reason=fine").await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert!(answer.body.contains("loopback may not approve"), "{}", answer.body);
    assert_eq!(guarded.arrived(), []);
}

/// A revision that waits would make the word void: whoever is about to give it reads so.
#[tokio::test]
async fn who_approves_is_told_of_a_revision_that_waits() {
    let (guarded, ours, _server) = behind_access().await;
    let bo = ours.token(&person("bo@example.com"));
    let credential = Some(("cf-access-jwt-assertion", bo.as_str()));
    shows(&guarded, spoken());
    let void = "once it takes effect, this approval is void";
    let sheet = seen_by(&guarded, APPROVE, credential).await;
    assert!(!sheet.contains(void), "{sheet}");
    let mut next = waiting(view(vec![spoken()]));
    next.tokens = guarded.world.services.handle.view().tokens.clone();
    guarded.world.views.send_replace(Arc::new(next));
    let sheet = seen_by(&guarded, APPROVE, credential).await;
    assert!(sheet.contains(void), "{sheet}");
}

/// Members that nobody has read yet are read with the word: it can be given.
#[tokio::test]
async fn who_is_not_known_yet_may_try() {
    let (guarded, ours, _server) = behind_access().await;
    let mut report = spoken();
    approval_of(&mut report).hearing.groups[0].1 = None;
    approval_of(&mut report).judgement.verdict = Verdict::Unknown(Unknown::ApproversUnread);
    shows(&guarded, report);
    let eve = ours.token(&person("eve@example.com"));
    let credential = Some(("cf-access-jwt-assertion", eve.as_str()));
    let page = seen_by(&guarded, "/", credential).await;
    assert!(page.contains("href=\"/act/approve?plan=client&#38;ring=Everyone\""), "{page}");
    assert!(page.contains("Approvers unread"), "{page}");
    let sheet = seen_by(&guarded, APPROVE, credential).await;
    assert!(sheet.contains("Who is a member is read again when you confirm."), "{sheet}");
    assert!(!sheet.contains("will be refused"), "{sheet}");
}

#[tokio::test]
async fn a_ring_says_what_each_person_said() {
    let (guarded, _, _server) = behind_access().await;
    let page = seen_by(&guarded, "/", None).await;
    let at_the_top = page.find("1 approval waits").unwrap();
    assert!(at_the_top < page.find("class=\"card").unwrap(), "before the plans: {page}");
    let hostile = "&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;x&#39;";
    for words in [
        "href=\"#approval-client-2\"",
        "1 of 2 of `Keepers` approved, dan@example.com rejected it; asked 30m ago",
        "Rejected by dan@example.com",
        "2 of `Keepers`: 1 approved so far, of 2 who can",
        "<bdi>ana@example.com</bdi></strong> approved, which counts until 2026-10-17 09:40 UTC",
        "<bdi>dan@example.com</bdi></strong> rejected",
        "<bdi>gil@example.com</bdi></strong> approved, voided on 2026-10-12 09:35 UTC",
        "<bdi>hal@example.com</bdi></strong> approved, and it has run out",
        "<bdi>ivo@example.com</bdi></strong> approved, and is in no group that is asked",
        "Missing: <bdi>bo@example.com</bdi>",
        "<bdi>no cases</bdi>",
        hostile,
    ] {
        assert!(page.contains(words), "`{words}` is missing in {page}");
    }
    assert!(!page.contains("alert(\""), "{page}");
    let sheet = seen_by(&guarded, REJECT, None).await;
    for words in [
        "Reject Everyone in client?",
        "Ring Everyone is not entered with windows 2026.8.2100.0, whoever approves it.",
        "ana@example.com on 2026-10-12 09:40 UTC: approved, which counts until 2026-10-17 09:40 UTC. Note: no cases",
        "Missing: bo@example.com.",
        hostile,
    ] {
        assert!(sheet.contains(words), "`{words}` is missing in {sheet}");
    }
    // Nobody is waited for: nothing is listed, and the ring says so.
    for (verdict, asked_at, headline) in [
        (Verdict::Pass, Some(at("2026-10-12T09:30:00Z")), "Everybody who is needed approved"),
        (Verdict::Wait(Waiting::ApprovalMissing), None, "Will ask for approval once"),
    ] {
        let mut report = report("client");
        approval_of(&mut report).judgement.verdict = verdict;
        approval_of(&mut report).asked_at = asked_at;
        shows(&guarded, report);
        let page = seen_by(&guarded, "/", None).await;
        assert!(page.contains(headline) && !page.contains("id=\"waiting\""), "{headline}: {page}");
    }
}

/// A group can hold more people than anybody reads, and a name that would be markup.
#[tokio::test]
async fn many_members_of_a_hostile_group_stay_readable_text() {
    let (guarded, ours, _server) = behind_access().await;
    let mut report = report("client");
    let approval = approval_of(&mut report);
    approval.missing = (10..40).map(|number| email(&format!("m{number}"))).collect();
    let Evidence::Approval(approved) = &mut approval.judgement.evidence else { panic!("of people") };
    approved.tallies[0].ask.user_group = "<b>K</b>".parse().unwrap();
    approval.hearing.groups[0].0 = "<b>K</b>".parse().unwrap();
    shows(&guarded, report);
    let eve = ours.token(&person("eve@example.com"));
    let page = seen_by(&guarded, "/", Some(("cf-access-jwt-assertion", &eve))).await;
    assert!(page.contains("m21@example.com and 18 more") && !page.contains("m22@"), "{page}");
    assert!(page.contains("no accepted member of `&#60;b&#62;K&#60;/b&#62;`"), "{page}");
    assert!(!page.contains("<b>K"), "{page}");
}

#[tokio::test]
async fn a_form_goes_through_as_the_person_whom_access_knows() {
    let (guarded, ours, _server) = behind_access().await;
    let bo = ours.token(&person("Bo@Example.com"));
    let credential = ("cf-access-jwt-assertion", bo.as_str());
    let site = ("host", HOST);
    type Forged<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let forged: [Forged; 5] = [
        ("another site", &[site, credential, ("origin", "https://evil.test")], "evil.test"),
        ("another site's word", &[site, credential, ("sec-fetch-site", "cross-site")], "cross-site"),
        ("a site beside ours", &[site, credential, ("sec-fetch-site", "same-site")], "same-site"),
        ("a client that does not say", &[site, credential], "does not say"),
        ("typed by hand", &[site, credential, ("sec-fetch-site", "none")], "does not say"),
    ];
    for (path, verb) in [(APPROVE, "approve"), (REJECT, "reject")] {
        let sheet = seen_by(&guarded, path, Some(credential)).await;
        assert!(sheet.contains("<label for=\"reason\">Note "), "{sheet}");
        assert!(sheet.contains("The log will name you <code>access:bo@example.com</code>"), "{sheet}");
        let body = format!("seen={}&reason=no+%22cases%22", rests_on(&sheet));
        for (row, headers, word) in forged {
            let answer = submit(&guarded, path, headers, &body).await;
            assert_eq!(answer.status, 403, "{verb}: {row}: {}", answer.body);
            assert!(answer.body.contains(word), "{verb}: {row}: {}", answer.body);
        }
        let from_our_page = [site, credential, ("origin", "https://ringward.example.com")];
        let unsaid = submit(&guarded, path, &from_our_page, &body.replace("no+%22cases%22", "+")).await;
        assert_eq!(unsaid.status, 422, "a note is needed: {}", unsaid.body);
        let nobody = [("host", "127.0.0.1:8787"), ("origin", "http://127.0.0.1:8787")];
        let nobody = submit(&guarded, path, &nobody, &body).await;
        assert_eq!(nobody.status, 401, "{}", nobody.body);
        assert_eq!(guarded.arrived(), [], "nothing of this reached the daemon");
        let answer = submit(&guarded, path, &from_our_page, &body).await;
        assert_eq!(answer.status, 303, "{verb}: {}", answer.body);
        // The revision goes with it: the plan can change while the members are read.
        let (plan, ring) = (plan("client"), ring("Everyone"));
        let command = match verb {
            "approve" => Command::Approve { plan, ring },
            _ => Command::Reject { plan, ring },
        };
        let expected = (Actor::Access { email: email("bo") }, "no \"cases\"".to_owned(), command);
        assert_eq!(std::mem::take(&mut *guarded.world.arrived.lock().unwrap()), [expected]);
    }
    let no_ring = submit(&guarded, "/act/approve?plan=client", &[site, credential], "reason=fine").await;
    assert_eq!(no_ring.status, 400, "{}", no_ring.body);
    assert!(no_ring.body.contains("`ring` is missing"), "{}", no_ring.body);
}

/// Nobody lets in another thing than what they read; a no is never out of date.
#[tokio::test]
async fn a_word_on_what_is_not_there_any_more_is_asked_anew() {
    let (guarded, ours, _server) = behind_access().await;
    let bo = ours.token(&person("bo@example.com"));
    let credential = ("cf-access-jwt-assertion", bo.as_str());
    let headers = [("host", HOST), credential, ("sec-fetch-site", "same-origin")];
    let other = || spoken();
    let number = |mut report: Report| {
        report.id.number += 1;
        report
    };
    let digest = |mut report: Report| {
        report.digest = PlanDigest::of_written("{\"other\": 1}");
        report
    };
    let version = |mut report: Report| {
        report.rings[1].targets.values_mut().for_each(|version| *version = "2026.9.1.0".parse().unwrap());
        report
    };
    let away = |mut report: Report| {
        report.rings.truncate(1);
        report
    };
    let described = |mut report: Report| {
        report.description = Some("in other words".to_owned());
        report
    };
    let rows = [
        ("another rollout", number(other()), 409, "it is not what you have read"),
        ("another revision", digest(other()), 409, "it is not what you have read"),
        ("other versions", version(other()), 409, "it is not what you have read"),
        (
            "no such ring",
            away(other()),
            404,
            "plan `client` has no ring `Everyone`; it has Engineering Ring 0",
        ),
        ("another description", described(other()), 303, ""),
    ];
    for (row, next, status, word) in rows {
        for path in [APPROVE, REJECT] {
            let (status, word) = if path == REJECT { (303, "") } else { (status, word) };
            shows(&guarded, spoken());
            let sheet = seen_by(&guarded, path, Some(credential)).await;
            let body = format!("seen={}&reason=all+well", rests_on(&sheet));
            shows(&guarded, next.clone());
            let answer = submit(&guarded, path, &headers, &body).await;
            let arrived = std::mem::take(&mut *guarded.world.arrived.lock().unwrap());
            assert_eq!(arrived.len(), usize::from(status == 303), "{row}: {}", answer.body);
            assert_eq!(answer.status, status, "{row}: {}", answer.body);
            assert!(answer.body.contains(word), "{row}: {}", answer.body);
            let kept = answer.body.contains(">all well</textarea>");
            assert_eq!(kept, status == 409, "{row}: what was written stays");
        }
    }
}
