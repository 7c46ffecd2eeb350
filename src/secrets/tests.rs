//! Secrets of these tests are registered for the whole test process, so they look like nothing else.

use super::*;

const TOKEN: &str = "cfat_Xk2vQ9rLw7ZpB4nT6yHd8sJfGm1cVaEe";
const ODD: &str = "p\"w<9&Zq\\x'7Ka vT%u3";

fn registered() {
    for secret in [TOKEN, ODD, "Short-9z"] {
        register(&SecretString::from(secret)).unwrap();
    }
}

/// What is shown of a text that comes in these parts.
fn in_parts(parts: &[&[u8]]) -> String {
    let mut flow = Flow::default();
    let mut shown: Vec<u8> = parts.iter().flat_map(|part| flow.pass(part)).collect();
    shown.extend(flow.end());
    String::from_utf8(shown).unwrap()
}

#[test]
fn a_secret_is_covered_in_each_way_to_write_it() {
    registered();
    let stars = |length: usize| "*".repeat(length);
    let json = serde_json::json!({"reason": ODD}).to_string();
    let url = "p%22w%3C9%26Zq%5Cx%277Ka%20vT%25u3";
    let html = "p&#34;w&#60;9&#38;Zq\\x&#39;7Ka vT%u3";
    let cut = &TOKEN[..20];
    let end = &TOKEN[TOKEN.len() - PIECE..];
    let rows = [
        ("nothing", "a text".to_owned(), "a text".to_owned()),
        ("alone", TOKEN.to_owned(), stars(TOKEN.len())),
        ("in words", format!("é {TOKEN}, twice {TOKEN}!"), {
            let covered = stars(TOKEN.len());
            format!("é {covered}, twice {covered}!")
        }),
        ("in a header", format!("Bearer {TOKEN}\r\n"), format!("Bearer {}\r\n", stars(TOKEN.len()))),
        ("its beginning, as a cut text has it", format!("{cut}…"), format!("{}…", stars(20))),
        ("its end", format!("…{end}"), format!("…{}", stars(PIECE))),
        ("less than a piece", TOKEN[..PIECE - 1].to_owned(), TOKEN[..PIECE - 1].to_owned()),
        ("one beside another", format!("{TOKEN}{ODD}"), stars(TOKEN.len() + ODD.len())),
        ("odd, bare", ODD.to_owned(), stars(ODD.len())),
        ("odd, in JSON", json.clone(), format!("{{\"reason\":\"{}\"}}", stars(json.len() - 13))),
        ("odd, in a URL", format!("/plans/{url}"), format!("/plans/{}", stars(url.len()))),
        ("odd, on the page", format!("<p>{html}</p>"), format!("<p>{}</p>", stars(html.len()))),
        ("a short one", "a Short-9z b".to_owned(), "a ******** b".to_owned()),
        ("a part of a short one", "a Short-9 b".to_owned(), "a Short-9 b".to_owned()),
    ];
    for (row, text, expected) in rows {
        assert_eq!(redact(&text), expected, "{row}");
        assert_eq!(is_in(text.as_bytes()), text != expected, "{row}");
        assert_eq!(redact(&text).len(), text.len(), "{row}: lengths hold");
    }
}

#[test]
fn a_secret_is_covered_wherever_it_is_split() {
    registered();
    let text = format!("token={TOKEN}; {}… Short-9z.", &TOKEN[..18]);
    let expected = redact(&text).into_owned();
    assert!(!is_in(expected.as_bytes()));
    for first in 0..=text.len() {
        for second in first..=text.len() {
            let (begin, rest) = text.as_bytes().split_at(first);
            let (middle, end) = rest.split_at(second - first);
            assert_eq!(in_parts(&[begin, middle, end]), expected, "{first} {second}");
        }
    }
}

#[test]
fn nothing_that_ends_a_message_is_held_back() {
    registered();
    for text in ["event: view\ndata: {}\n\n", "a line\n", "{\"a\": 1}", "…"] {
        let mut flow = Flow::default();
        assert_eq!(flow.pass(text.as_bytes()), text.as_bytes());
        assert_eq!(flow.held(), 0, "{text:?}");
    }
}

#[test]
fn a_writer_covers_what_it_is_given_by_pieces() {
    registered();
    let mut out = Vec::new();
    {
        let mut covered = Covered::new(&mut out);
        write!(covered, "Continue with c").unwrap();
        covered.flush().unwrap();
        write!(covered, "? {}", &TOKEN[..10]).unwrap();
        covered.flush().unwrap();
        writeln!(covered, "{}", &TOKEN[10..]).unwrap();
        write!(covered, "end c").unwrap();
    }
    let stars = "*".repeat(TOKEN.len());
    assert_eq!(String::from_utf8(out).unwrap(), format!("Continue with c? {stars}\nend c"));
}

#[test]
fn a_secret_that_looks_like_a_word_is_refused() {
    for text in ["", "a", "1234567"] {
        assert_eq!(register(&SecretString::from(text)), Err(TooShort), "{text:?}");
    }
    assert!(TooShort.to_string().contains("fewer than 8 characters"));
    assert_eq!(redact("1234567"), "1234567");
}
