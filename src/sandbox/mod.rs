//! A simulated Cloudflare account over HTTP.
