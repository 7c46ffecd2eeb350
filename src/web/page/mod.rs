//! The page: what runs, why it does not move, and what can be done about it, as HTML.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `board` | `/` and `/plans/{plan}` |
//! | `rollout`, `blocker`, `ring`, `approval`, `event` | from the API's JSON to what their templates print |
//! | `gauge` | what the health gates measured, each share beside its limit |
//! | `confirmation` | what is shown before a verb, and its form |
//! | `effects`, `situation` | what the verb does and how it is now, in sentences |
//! | `action` | what the reader may ask for here, or the command that does the same |
//! | `cell` | what the table of verbs says of it |
//! | `act` | a verb with what it is about: its address and its command |
//! | `viewer` | who reads, and what they see |
//! | `standing`, `moment`, `tone` | parts that several of these say |
//! | `html`, `assets` | what is around every page; style sheet, script and icon |
//!
//! `/` shows all plans and the last events, `/plans/{plan}` one plan with all of its events. Both
//! are whole without a script; the script only fetches the page again when the daemon says that
//! something changed.
//!
//! **Invariant:** every text goes through askama's escaping and `html::shown`, so nothing from
//! outside is markup or turns the reading direction; no GET changes anything.

mod act;
mod action;
mod approval;
mod assets;
mod blocker;
mod board;
mod cell;
mod confirmation;
mod effects;
mod gauge;
mod html;
mod ring;
mod rollout;
mod situation;
mod standing;
mod tone;
mod viewer;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::web::identity::needs::FORM;
use crate::web::services::Services;

/// Pages load their own style sheet, script and icon, talk to their own server, and nobody frames
/// them.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The paths of the page.
pub(super) fn routes() -> Router<Services> {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route("/", get(board::front))
        .route("/plans/{plan}", get(board::of_plan))
        .route(FORM, get(confirmation::confirm).post(confirmation::submit))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        // With `no-referrer` a browser sends its own form with `Origin: null`.
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .route("/assets/{name}", get(assets::asset))
}
