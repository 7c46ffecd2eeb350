//! A credential in the headers of a request, whichever kind it is.
//!
//! **Invariant:** of one that does not verify its sender learns nothing but that.

use axum::http::HeaderMap;

use crate::telemetry::WhyRefused;
use crate::web::problem::{Failure, Kind};

/// All that is said of a credential that does not verify, whatever is wrong with it: the rest would
/// only help somebody who tries.
const NOT_KNOWN: &str = "the credentials of this request are not valid here; sign in again, or ask whoever runs \
                         ringward for a token";

/// The one answer to every credential that does not verify; which rule it broke is told to the log alone.
pub(super) fn not_known(why: WhyRefused) -> Failure {
    Failure { why: Some(why), ..Failure::new(Kind::Unauthorized, NOT_KNOWN) }
}

/// The only value of a header; `None`: there is none.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, WhyRefused> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| WhyRefused::CredentialNoText),
        (Some(_), Some(_)) => Err(WhyRefused::CredentialTwice),
    }
}
