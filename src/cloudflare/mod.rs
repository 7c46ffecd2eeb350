//! The Cloudflare API client.
