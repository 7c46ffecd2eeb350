//! The outermost layer: no answer holds a secret of the process.
//!
//! **Invariant:** an answer passes this layer as a whole, headers and each part of its body, and is as
//! long as it was.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::secrets::{self, Flow};

/// Covers an answer.
pub(super) async fn cover(request: Request, next: Next) -> Response {
    let (mut head, inner) = next.run(request).await.into_parts();
    for value in head.headers.values_mut().filter(|value| secrets::is_in(value.as_bytes())) {
        let covered = secrets::redact(&String::from_utf8_lossy(value.as_bytes())).into_owned();
        *value = HeaderValue::from_str(&covered).unwrap_or(HeaderValue::from_static(""));
    }
    Response::from_parts(head, Body::new(CoveredBody { inner, flow: Flow::default() }))
}

/// A body, of which no part shows a secret, or a piece of one that the next part ends.
struct CoveredBody {
    inner: Body,
    flow: Flow,
}

impl HttpBody for CoveredBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let last = self.flow.end();
                    let last = (!last.is_empty()).then(|| Ok(Frame::data(last.into())));
                    return Poll::Ready(last);
                }
            };
            match frame.into_data() {
                Ok(data) => {
                    let shown = self.flow.pass(&data);
                    // All of it may be the beginning of a secret.
                    if !shown.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(shown.into()))));
                    }
                }
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.flow.held() == 0 && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = u64::try_from(self.flow.held()).unwrap_or(u64::MAX);
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint.set_lower(inner.lower().saturating_add(held));
        hint
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use axum::{Router, middleware};
    use futures_util::stream;
    use secrecy::SecretString;
    use tower::util::ServiceExt as _;

    use super::*;

    const TOKEN: &str = "cfat_Wq8zN3kXc5vB7mL1pR9tY2uJ6hGfDsAe";

    async fn answered(parts: Vec<String>, header: &str) -> (Response, u64) {
        let header = header.to_owned();
        let app = Router::new().route(
            "/",
            get(async move || {
                let parts = parts.into_iter().map(Ok::<_, std::convert::Infallible>);
                ([("x-echo", header)], Body::from_stream(stream::iter(parts)))
            }),
        );
        let app = app.layer(middleware::from_fn(cover));
        let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
        let lower = response.body().size_hint().lower();
        (response, lower)
    }

    #[tokio::test]
    async fn no_part_of_an_answer_shows_a_secret() {
        secrets::register(&SecretString::from(TOKEN)).unwrap();
        let stars = "*".repeat(TOKEN.len());
        let (begin, end) = TOKEN.split_at(11);
        let rows = [
            ("nothing", vec!["a text".to_owned()], "a text".to_owned()),
            ("whole", vec![format!("a {TOKEN}.")], format!("a {stars}.")),
            ("over two frames", vec![format!("a {begin}"), format!("{end}.")], format!("a {stars}.")),
            ("frames of one byte", TOKEN.chars().map(String::from).collect(), stars.clone()),
            (
                "events",
                vec![format!("data: {TOKEN}\n\n"), ":\n\n".to_owned()],
                format!("data: {stars}\n\n:\n\n"),
            ),
            ("a beginning at the end", vec!["a cfat_".to_owned()], "a cfat_".to_owned()),
        ];
        for (row, parts, expected) in rows {
            let (response, _) = answered(parts, &format!("Bearer {TOKEN}")).await;
            assert_eq!(response.headers()["x-echo"], format!("Bearer {stars}"), "{row}");
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert_eq!(String::from_utf8(body.to_vec()).unwrap(), expected, "{row}");
        }
    }

    #[tokio::test]
    async fn a_length_that_is_known_holds() {
        secrets::register(&SecretString::from(TOKEN)).unwrap();
        let text = format!("a {TOKEN} b");
        let mut body = CoveredBody { inner: Body::from(text.clone()), flow: Flow::default() };
        let length = u64::try_from(text.len()).unwrap();
        assert_eq!(body.size_hint().exact(), Some(length));
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let data = frame.unwrap().unwrap().into_data().unwrap();
        let left = u64::try_from(data.len()).unwrap();
        assert_eq!(left + body.size_hint().exact().unwrap(), length);
    }
}
