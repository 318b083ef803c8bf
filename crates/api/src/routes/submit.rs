//! `POST /voice/ctc/1/send`, `/tts/3/single`, `/tts/3/multi` and `/tts/3/advanced`: calls to be
//! made, durable before they are answered.
//!
//! Nothing is half accepted: a request is read whole, each of its messages is admitted or refused
//! with a status, and then all of them go to the ledger in one step, which knows what was sent
//! before.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::{MethodRouter, post};
use http::{HeaderMap, Request, header};
use model::Role;
use model::catalogue::status;
use store::{Submission, Submitted};
use uuid::Uuid;

use super::{
    Answer, Edged, answer, body_format, caller, format_like_body, ok, read_body, with_allow,
};
use crate::admission::{self, Admission, Refusal};
use crate::edge::Edge;
use crate::error::ApiError;
use crate::idempotency::replay_key;
use crate::metrics::ResultLabels;
use crate::negotiate::{self, Format};
use crate::wire::submit::{self, Refused, Submit, Terms};

/// Which request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A is called, and joined to B.
    ClickToCall,
    /// One message for one destination.
    Single,
    /// Messages for many destinations.
    Multi,
    /// The same with everything that can be asked for.
    Advanced,
}

/// What the body is.
#[derive(Clone, Copy, Debug)]
enum Media {
    Document(Format),
    Form,
}

pub(super) fn route(kind: Kind, ending: Option<Format>) -> MethodRouter<Arc<Edge>> {
    let submit = move |State(edge): Edged, request: Request<Body>| async move {
        let format = format_like_body(ending, request.headers());
        answer(format, |format| submit(edge, request, kind, format)).await
    };
    with_allow(post(submit), "POST, OPTIONS")
}

async fn submit(edge: Arc<Edge>, request: Request<Body>, kind: Kind, format: Format) -> Answer {
    let (head, body) = request.into_parts();
    let caller = caller(&edge, &head).await?;
    caller.may(Role::Send)?;
    let media = kind.media(&head.headers)?;
    let now = edge.clock.now();
    edge.submits_throttle.take(caller.account, now).map_err(ApiError::too_many_requests)?;
    let body = read_body(body, &edge.settings).await?;
    let same = format!("{kind:?} {media:?} ");
    let key = replay_key(&head.headers, &[same.as_bytes(), &body])?;
    let admission = Admission::of(&edge, caller.account, now).await?;
    let waiting_max = admission.waiting_max;
    let telephony = Arc::clone(&edge.telephony);
    let account = caller.account;
    // The largest request takes a while of a core; other requests do not wait for it.
    let reading = tokio::task::spawn_blocking(move || {
        let mut terms = Terms {
            account,
            now,
            machine_detection: telephony.detects_machines(),
            speaks: &|language| telephony.speaks(language),
            fresh_id: &mut || Uuid::new_v4().to_string(),
        };
        let submit = kind.read(media, &body, &mut terms)?;
        let refusals = admission.refusals(&submit.messages);
        Ok::<(Submit, Vec<Refusal>), Refused>((submit, refusals))
    });
    let (mut submit, refusals) = reading.await.map_err(|_| ApiError::internal())??;
    admission::refuse(&*edge.ledger, account, &mut submit.messages, refusals).await?;
    let Submit { bulk_id, messages: drafts } = submit;
    let submitted = edge.ledger.submit(account, Submission { bulk_id, drafts, key, waiting_max });
    let submitted = submitted.await?;
    count(&edge, &submitted);
    Ok(ok(format, submit::reply(format, &submitted.bulk_id, &submitted.answers)))
}

impl Kind {
    fn media(self, headers: &HeaderMap) -> Result<Media, ApiError> {
        let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
        if self == Self::Single && negotiate::is_form(content_type) {
            return Ok(Media::Form);
        }
        body_format(headers).map(Media::Document)
    }

    fn read(self, media: Media, body: &[u8], terms: &mut Terms<'_>) -> Result<Submit, Refused> {
        let Media::Document(format) = media else { return submit::single_form(body, terms) };
        match self {
            Self::ClickToCall => submit::click_to_call(format, body, terms),
            Self::Single => submit::single(format, body, terms),
            Self::Multi => submit::multi(format, body, terms),
            Self::Advanced => submit::advanced(format, body, terms),
        }
    }
}

fn count(edge: &Edge, submitted: &Submitted) {
    if submitted.replayed {
        edge.metrics.submits_replayed.inc();
        return;
    }
    let is_accepted = |answer: &&store::Answer| answer.status.id == status::PENDING_ACCEPTED.id;
    let accepted = submitted.answers.iter().filter(is_accepted).count();
    let refused = submitted.answers.len() - accepted;
    for (result, messages) in [("accepted", accepted), ("refused", refused)] {
        let labels = ResultLabels { result };
        edge.metrics.messages_submitted.get_or_create(&labels).inc_by(messages as u64);
    }
}
