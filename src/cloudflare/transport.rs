//! One request out, one answer in, and the class of whatever went wrong between.
//!
//! **Invariant:** only an error from before there was a connection is called not sent; everything
//! after that is no answer, unless Cloudflare answered with a 4xx.

use reqwest::header::{DATE, HeaderMap};
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiResult, ErrorClass, Obstacle, Silence};
use super::request::{Operation, Request};
use super::wire::{self, Complaint, Single};
use super::{budget::Priority, client::CloudflareClient};
use crate::text::in_full;
use crate::time::{SignedDuration, Stopwatch, Timestamp, after};

/// Largest body taken from an answer, unpacked. A page of 100 devices has some 200 KiB; the
/// unpaged list of profiles is the largest answer there is.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Longest wait of a routine request for budget, in the daemon's time: twice the pause after a
/// 429 that names none.
const MAX_BUDGET_WAIT: SignedDuration = SignedDuration::from_mins(10);

/// What came with an answer, beside its body.
struct AnswerHead {
    status: StatusCode,
    ray: Option<String>,
    content_type: Option<String>,
    retry_after: Option<SignedDuration>,
    /// The end of the silence that the answer asked for.
    silent_until: Option<Timestamp>,
}

/// The longest `Retry-After` that is obeyed: Cloudflare's own limit passes in five minutes, and
/// silence on the word of a broken proxy would hide a fleet for years.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_hours(1);

impl CloudflareClient {
    /// Sends one request and reads the answer's body as `T`.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        request: &Request,
        priority: Priority,
    ) -> ApiResult<T> {
        let operation = request.operation;
        let Some(url) = self.api.join(&request.path, &request.query) else {
            let detail = format!("an ID in the path {} would lead to another path", request.path);
            return Err(self.not_sent(operation, Obstacle::Unsendable, &detail));
        };
        self.permit(operation, priority).await?;
        let stopwatch = Stopwatch::start();
        let (code, outcome) = match self.exchange(request, url).await {
            Ok((status, answer)) => (status.as_str().to_owned(), Ok(answer)),
            Err(error) => (error.metric_code(), Err(error)),
        };
        let seconds = stopwatch.seconds();
        self.observer.finished(operation.as_str(), &code, seconds);
        tracing::debug!(operation = operation.as_str(), code, seconds, "Cloudflare request");
        outcome
    }

    /// [`CloudflareClient::call`] for an answer with one result.
    pub(super) async fn one<T: DeserializeOwned>(
        &self,
        request: &Request,
        priority: Priority,
    ) -> ApiResult<T> {
        self.call(request, priority).await.map(|answer: Single<T>| answer.result)
    }

    /// Takes one request from the budget. Routine requests wait for it, within bounds; a write
    /// does not, because what it was decided on grows old.
    async fn permit(&self, operation: Operation, priority: Priority) -> ApiResult<()> {
        let deadline = after(self.clock.now(), MAX_BUDGET_WAIT);
        loop {
            let Err(until) = self.budget().take(self.clock.now(), priority) else {
                return Ok(());
            };
            if priority == Priority::Write || until > deadline {
                let detail = "the request budget is spent, or Cloudflare asked for silence";
                return Err(self.not_sent(operation, Obstacle::Budget { until }, detail));
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "a page in the middle of a sweep waits here, at most MAX_BUDGET_WAIT; no decision hangs on it"
            )]
            tokio::time::sleep(self.clock.wall_until(until)).await;
        }
    }

    async fn exchange<T: DeserializeOwned>(&self, request: &Request, url: Url) -> ApiResult<(StatusCode, T)> {
        let operation = request.operation;
        let own_connection = self.comparison().needs_own_connection();
        let http = if own_connection { &self.unpooled } else { &self.http };
        let mut call = http.request(request.method.clone(), url);
        if let Some(body) = &request.body {
            call = call.json(body);
        }
        let sent = Stopwatch::start();
        let response = call.send().await.map_err(|error| self.broken(operation, None, error))?;
        self.compare(date_of(response.headers()), sent.passed(), own_connection);
        let head = self.heed(response.status(), response.headers());
        let body = self.read(operation, &head, response).await;
        if !head.status.is_success() {
            // The status has decided; a body that cannot be read only costs the message.
            return Err(self.refusal(operation, head, &body.unwrap_or_default()));
        }
        let body = body?;
        if let Some(found) = head.content_type.as_deref().filter(|found| !is_json(found)) {
            let detail = format!("it is {found}, not JSON ({} bytes)", body.len());
            return Err(self.silent(operation, Silence::Unreadable, Some(&head), &detail));
        }
        let status = head.status;
        let decoded = wire::decode(&body).map(|answer| (status, answer));
        decoded.map_err(|(silence, detail)| self.silent(operation, silence, Some(&head), &detail))
    }

    /// Reads the headers, and tells the budget what they ask for.
    fn heed(&self, status: StatusCode, headers: &HeaderMap) -> AnswerHead {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let retry_after = text("retry-after")
            .and_then(|value| value.trim().parse::<u32>().ok())
            .map(|seconds| SignedDuration::from_secs(seconds.into()).min(LONGEST_SILENCE));
        let limited = status == StatusCode::TOO_MANY_REQUESTS;
        let now = self.clock.now();
        let mut budget = self.budget();
        if let Some(limits) = text("ratelimit") {
            budget.told(now, limits);
        }
        // The edge sends Retry-After with some 5xx too (cloudflare.md#edge-errors).
        let asked = limited || (!status.is_success() && retry_after.is_some());
        let silent_until = asked.then(|| budget.back_off(now, retry_after));
        AnswerHead {
            status,
            ray: text("cf-ray").map(|ray| self.redactor.clean(ray)),
            content_type: text("content-type").map(|kind| self.redactor.clean(kind)),
            retry_after,
            silent_until,
        }
    }

    /// Reads the body chunk by chunk, so that its size is bounded after unpacking.
    async fn read(
        &self,
        operation: Operation,
        head: &AnswerHead,
        mut response: reqwest::Response,
    ) -> ApiResult<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY_BYTES => {
                    let detail = format!("its body is larger than {} MiB", MAX_BODY_BYTES >> 20);
                    return Err(self.silent(operation, Silence::Unreadable, Some(head), &detail));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) => return Err(self.broken(operation, Some(head), error)),
            }
        }
    }

    /// The class of an answer that is not a 2xx.
    fn refusal(&self, operation: Operation, head: AnswerHead, body: &[u8]) -> ApiError {
        let complaint = Complaint::read(body);
        let status = head.status.as_u16();
        let class = match (head.status, head.silent_until) {
            (StatusCode::TOO_MANY_REQUESTS, Some(until)) => ErrorClass::RateLimited {
                retry_after: head.retry_after,
                until,
                message: self.redactor.clean(&complaint.to_string()),
            },
            (code, _) if code.is_client_error() => ErrorClass::Refused {
                status,
                code: complaint.code,
                message: self.redactor.clean(complaint.message.as_deref().unwrap_or("no reason given")),
            },
            (code, _) => {
                let silence = if code.is_server_error() { Silence::ServerError } else { Silence::Unexpected };
                return self.silent(operation, silence, Some(&head), &complaint.to_string());
            }
        };
        self.error(operation, class, head.ray)
    }

    /// The class of a failure below HTTP. `head` is there once the answer had begun.
    fn broken(&self, operation: Operation, head: Option<&AnswerHead>, error: reqwest::Error) -> ApiError {
        let (connect, timeout, builder) = (error.is_connect(), error.is_timeout(), error.is_builder());
        // The URL would repeat the query; the operation says enough.
        let detail = in_full(&error.without_url());
        match head {
            None if connect => self.not_sent(operation, Obstacle::Connection, &detail),
            None if builder => self.not_sent(operation, Obstacle::Unsendable, &detail),
            _ if timeout => self.silent(operation, Silence::Timeout, head, &detail),
            _ => self.silent(operation, Silence::Broken, head, &detail),
        }
    }

    /// A 2xx that contradicts the request or the pages before it.
    pub(crate) fn inconsistent(&self, operation: Operation, detail: &str) -> ApiError {
        self.silent(operation, Silence::Inconsistent, None, detail)
    }

    fn silent(
        &self,
        operation: Operation,
        silence: Silence,
        head: Option<&AnswerHead>,
        detail: &str,
    ) -> ApiError {
        let status = head.map(|head| head.status.as_u16());
        let ray = head.and_then(|head| head.ray.clone());
        let detail = self.redactor.clean(detail);
        self.error(operation, ErrorClass::NoAnswer { silence, status, detail }, ray)
    }

    pub(super) fn not_sent(&self, operation: Operation, obstacle: Obstacle, detail: &str) -> ApiError {
        let detail = self.redactor.clean(detail);
        self.error(operation, ErrorClass::NotSent { obstacle, detail }, None)
    }

    fn error(&self, operation: Operation, class: ErrorClass, ray: Option<String>) -> ApiError {
        ApiError { operation, class, ray, budget_left: self.budget_remaining() }
    }
}

/// What an answer says of the time; nothing where it says it twice.
fn date_of(headers: &HeaderMap) -> Option<&str> {
    let mut told = headers.get_all(DATE).iter();
    let first = told.next().filter(|_| told.next().is_none());
    first.and_then(|value| value.to_str().ok())
}

/// Whether a content type is JSON; Cloudflare's has a `charset` behind it at times.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}
