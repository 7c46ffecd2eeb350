//! The Cloudflare client against a scripted server on loopback: what it sends, how it reads pages,
//! and the class of everything that can go wrong.

#[cfg(test)]
#[path = "client/failures.rs"]
mod failures;
#[cfg(test)]
#[path = "client/listings.rs"]
mod listings;
#[cfg(test)]
#[path = "client/operations.rs"]
mod operations;
#[cfg(test)]
#[path = "client/people.rs"]
mod people;
#[cfg(test)]
#[path = "client/secrets.rs"]
mod secrets;
#[cfg(test)]
#[path = "client/server.rs"]
mod server;

/// What the tests share.
#[cfg(test)]
mod common {
    use std::io;
    use std::sync::{Mutex, Once};
    use std::time::Duration;

    use ringward::cloudflare::{ApiError, CloudflareClient, ErrorClass, Settings, Silence, Timeouts};
    use ringward::ids::{AccountId, GroupId};
    use ringward::time::Clock;
    use secrecy::SecretString;
    use serde_json::{Value, json};

    use crate::server::Answer;

    pub(crate) const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
    pub(crate) const TOKEN: &str = "cfat_SECRETSECRETSECRETSECRETSECRETSECRET0123";

    static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static LOGGING: Once = Once::new();

    /// Takes log lines of every level.
    struct Lines;

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            LOG.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// All that this process has logged. The subscriber is global and set before the first client:
    /// one of a single thread can miss lines, because tracing caches who is interested.
    pub(crate) fn log_lines() -> String {
        LOGGING.call_once(|| {
            let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Lines);
            tracing::subscriber::set_global_default(lines.finish()).unwrap();
        });
        String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned()
    }

    /// Settings for a server, on a clock so fast that waiting for budget takes no time.
    pub(crate) fn settings(url: &str) -> Settings {
        log_lines();
        let clock = Clock::fast_from("2026-10-08T09:00:00Z".parse().unwrap(), 1_000_000.0);
        let account = AccountId::new(ACCOUNT).unwrap();
        Settings::new(url.parse().unwrap(), account, SecretString::from(TOKEN), clock)
    }

    pub(crate) fn client(url: &str) -> CloudflareClient {
        CloudflareClient::new(settings(url)).unwrap()
    }

    /// A client that gives up soon, for the server that never answers.
    pub(crate) fn impatient(url: &str) -> CloudflareClient {
        let timeouts = Timeouts { connect: Duration::from_secs(5), total: Duration::from_secs(1) };
        CloudflareClient::new(Settings { timeouts, ..settings(url) }).unwrap()
    }

    pub(crate) fn group_id(id: &str) -> GroupId {
        GroupId::new(id).unwrap()
    }

    pub(crate) fn group(id: &str) -> Value {
        json!({
            "id": id, "name": format!("Ring {id}"), "policy_ids": ["p1"],
            "version_config": [{"target_environment": "windows", "version": "2026.8.2100.0"}],
            "created_at": "2026-02-14T13:17:00Z", "updated_at": "2026-10-08T09:00:00.000000001Z",
        })
    }

    pub(crate) fn device(id: &str, policy: &str) -> Value {
        json!({
            "id": id, "name": format!("host {id}"), "active_registrations": 1, "tags": {},
            "client_version": "2026.8.2100.0", "device_type": "windows",
            "created_at": "2026-02-14T13:17:00Z", "updated_at": "2026-02-14T13:17:00Z",
            "last_seen_at": "2026-10-08T09:20:00Z",
            "last_seen_registration": {"policy": {
                "id": policy, "name": "n", "default": false, "deleted": false,
                "updated_at": "2026-02-14T13:17:00Z",
            }},
        })
    }

    pub(crate) fn group_page(ids: &[&str], page: u64, total: usize) -> Answer {
        let groups: Vec<Value> = ids.iter().map(|id| group(id)).collect();
        let info = json!({"page": page, "per_page": 100, "count": ids.len(), "total_count": total});
        Answer::page(&json!(groups), &info)
    }

    pub(crate) fn silence(error: &ApiError) -> Option<Silence> {
        match error.class {
            ErrorClass::NoAnswer { silence, .. } => Some(silence),
            _ => None,
        }
    }
}
