//! Style sheet, script and icon: named by their content, so that browsers keep them for ever and a
//! new ringward is never shown in the clothes of an old one.
//!
//! **Invariant:** an asset's name changes with its content, and no other file is served.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::rollout::record::hex;
use crate::web::problem::{Failure, Kind};

/// What the page loads.
pub(super) struct Asset {
    pub(super) name: String,
    content_type: &'static str,
    text: &'static str,
}

/// All of it, as templates link to it.
pub(super) struct Assets {
    pub(super) style: Asset,
    pub(super) script: Asset,
    pub(super) icon: Asset,
}

pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("page", "css", "text/css; charset=utf-8", include_str!("../../../templates/page.css")),
    script: Asset::new(
        "live",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../../../templates/live.js"),
    ),
    icon: Asset::new("icon", "svg", "image/svg+xml", include_str!("../../../templates/icon.svg")),
});

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, text: &'static str) -> Self {
        let digest = hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref());
        Self { name: format!("{stem}-{digest:.12}.{extension}"), content_type, text }
    }
}

/// `GET /assets/{name}`.
pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Failure> {
    let Assets { style, script, icon } = &*ASSETS;
    let asset = [style, script, icon].into_iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| {
        Failure::new(Kind::NoSuchPath, "no page of this ringward loads that; reload the page")
    })?;
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.text).into_response())
}
