//! Who reads a page, and what they see.
//!
//! **Invariant:** who may act is decided by [`Identity::may`], the rule that the verbs themselves keep.

use std::sync::Arc;

use axum::extract::rejection::ExtensionRejection;
use axum::extract::{Extension, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use crate::daemon::view::View;
use crate::ids::{PlanName, RingName};
use crate::rollout::record::Actor;
use crate::rollout::tell::report::Report;
use crate::rollout::tell::ring_report::RingReport;
use crate::web::guard::Peer;
use crate::web::identity::{Denied, Identity, Right};
use crate::web::services::Services;

/// Who reads the page, and what they see.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    identity: Identity,
    peer: Peer,
    head: Parts,
    pub(super) view: Arc<View>,
}

impl Viewer {
    /// Whoever asks for a page, as if they sent a form on it.
    pub(super) fn new(identity: Identity, peer: Peer, head: &Parts, view: Arc<View>) -> Self {
        // These tell where the reader comes from, such as a link in a chat; the form comes from here.
        let mut head = head.clone();
        head.headers.remove("sec-fetch-site");
        head.headers.remove(header::ORIGIN);
        Self { identity, peer, head, view }
    }

    fn may(&self, right: Right) -> Result<Option<Actor>, Denied> {
        self.identity.may(right, &self.peer, &self.head)
    }

    /// The rule that keeps them from what needs this; `None`: they may.
    pub(super) fn refused(&self, right: Right) -> Option<String> {
        self.may(right).err().map(|denied| denied.why())
    }

    /// Whom the log names for what needs this; `None`: they may not.
    pub(super) fn actor(&self, right: Right) -> Option<Actor> {
        self.may(right).ok().flatten()
    }

    /// The rollout of a plan.
    pub(super) fn report(&self, plan: &PlanName) -> Option<&Report> {
        self.view.reports.iter().find(|report| report.id.plan == *plan)
    }

    /// A ring of it.
    pub(super) fn ring(&self, plan: &PlanName, ring: &RingName) -> Option<&RingReport> {
        self.report(plan)?.rings.iter().find(|one| one.name == *ring)
    }
}

impl FromRequestParts<Services> for Viewer {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(head: &mut Parts, services: &Services) -> Result<Self, ExtensionRejection> {
        let Extension(identity) = Extension::from_request_parts(head, services).await?;
        let Extension(peer) = Extension::from_request_parts(head, services).await?;
        Ok(Self::new(identity, peer, head, services.handle.view()))
    }
}
