//! The account's request limit: 1,200 per 5 minutes, then every call is refused for 5 minutes
//! (cloudflare.md#rate-limit).
//!
//! **Invariant:** it runs on the virtual clock, and only requests with the right token count.

use crate::time::{SignedDuration, Timestamp, after, since};

/// Requests that a token has in one window.
pub(super) const QUOTA: u32 = 1_200;
/// The window, and the punishment for overrunning it.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Counts requests.
#[derive(Debug, Default)]
pub(super) struct RateLimit {
    window: Option<(Timestamp, u32)>,
    blocked_until: Option<Timestamp>,
}

impl RateLimit {
    /// Counts a request at `now`; the error is for how many seconds there will be no answer.
    pub(super) fn count(&mut self, now: Timestamp) -> Result<(), i64> {
        if let Some(until) = self.blocked_until {
            if now < until {
                return Err(whole_seconds(now, until));
            }
            self.blocked_until = None;
            self.window = None;
        }
        let known = self.window.filter(|(began, _)| now < after(*began, WINDOW));
        let (began, used) = known.unwrap_or((now, 0));
        if used >= QUOTA {
            let until = after(now, WINDOW);
            self.blocked_until = Some(until);
            return Err(whole_seconds(now, until));
        }
        self.window = Some((began, used + 1));
        Ok(())
    }

    /// The headers that say how much is left.
    pub(super) fn headers(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let (left, seconds) = match (self.blocked_until, self.window) {
            (Some(until), _) => (0, whole_seconds(now, until)),
            (None, Some((began, used))) => {
                (QUOTA - used.min(QUOTA), whole_seconds(now, after(began, WINDOW)))
            }
            (None, None) => (QUOTA, WINDOW.as_secs()),
        };
        headers(left, seconds)
    }
}

/// `left` requests until the window ends in `seconds`.
pub(super) fn headers(left: u32, seconds: i64) -> Vec<(&'static str, String)> {
    vec![
        ("ratelimit", format!("\"default\";r={left};t={seconds}")),
        ("ratelimit-policy", format!("\"default\";q={QUOTA};w={}", WINDOW.as_secs())),
    ]
}

/// Seconds from `now` to `until`, rounded up, as `Retry-After` has them.
fn whole_seconds(now: Timestamp, until: Timestamp) -> i64 {
    let left = since(now, until).as_millis().max(0);
    i64::try_from((left + 999) / 1_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_opens_again_and_an_overrun_is_punished() {
        let start: Timestamp = "2026-10-12T06:00:00Z".parse().unwrap();
        let at = |seconds| after(start, SignedDuration::from_secs(seconds));
        let mut limit = RateLimit::default();
        for n in 0..QUOTA {
            assert_eq!(limit.count(at(0)), Ok(()), "{n}");
        }
        assert!(limit.headers(at(10))[0].1.ends_with("r=0;t=290"));
        assert_eq!(limit.count(at(300)), Ok(()), "a new window");
        for _ in 1..QUOTA {
            assert_eq!(limit.count(at(301)), Ok(()));
        }
        assert_eq!(limit.count(at(310)), Err(300));
        assert_eq!(limit.count(at(600)), Err(10), "the punishment runs on past the window");
        assert_eq!(limit.count(at(610)), Ok(()));
        assert!(limit.headers(at(610))[0].1.contains("r=1199"));
    }
}
