//! Style sheet, script and icon: named by their content, so that browsers keep them for ever and a
//! new ringward is never shown in the clothes of an old one.
//!
//! **Invariant:** an asset's name changes with its content, and no other file is served.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::web::problem::{Failure, Kind};

/// What the page loads.
struct Asset {
    stem: &'static str,
    extension: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const STYLE: Asset = Asset {
    stem: "page",
    extension: "css",
    content_type: "text/css; charset=utf-8",
    text: include_str!("../../../templates/page.css"),
};
const SCRIPT: Asset = Asset {
    stem: "live",
    extension: "js",
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("../../../templates/live.js"),
};
const ICON: Asset = Asset {
    stem: "icon",
    extension: "svg",
    content_type: "image/svg+xml",
    text: include_str!("../../../templates/icon.svg"),
};

/// The assets' names, as templates link to them.
#[derive(Debug)]
pub(super) struct AssetNames {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
}

pub(super) static NAMES: LazyLock<AssetNames> =
    LazyLock::new(|| AssetNames { style: STYLE.name(), script: SCRIPT.name(), icon: ICON.name() });

impl Asset {
    fn name(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.text.as_bytes());
        let hash: String = digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{hash}.{}", self.stem, self.extension)
    }
}

/// `GET /assets/{name}`.
pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Failure> {
    let names = &*NAMES;
    let known = [(&names.style, STYLE), (&names.script, SCRIPT), (&names.icon, ICON)];
    let asset = known.into_iter().find_map(|(of, asset)| (*of == name).then_some(asset));
    let asset = asset.ok_or_else(|| {
        Failure::new(Kind::NoSuchPath, "no page of this ringward loads that; reload the page")
    })?;
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.text).into_response())
}
