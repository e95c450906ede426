//! An explanation as JSON: what `explain --json` prints and the live tail shows.

use serde_json::Value;
use serde_json::json;

use crate::scrub::explain::Candidate;
use crate::scrub::explain::Explanation;
use crate::scrub::explain::Mask;
use crate::scrub::explain::Outcome;

/// The explanation of one text.
pub fn explanation(explanation: &Explanation) -> Value {
    let masks: Vec<Value> = explanation
        .masks
        .iter()
        .map(|mask| {
            let Mask { rule, start, len, shown } = mask;
            json!({"rule": rule, "start": start, "len": len, "shown": shown})
        })
        .collect();
    json!({
        "place": explanation.place,
        "path": explanation.path,
        "dry_run": explanation.dry_run,
        "masks": masks,
        "candidates": explanation.candidates.iter().map(candidate).collect::<Vec<_>>(),
    })
}

fn candidate(candidate: &Candidate) -> Value {
    let mut value = json!({
        "rule": candidate.rule,
        "decoded": candidate.decoded,
        "start": candidate.start,
        "len": candidate.len,
        "class": candidate.class,
        "fingerprint": candidate.fingerprint,
    });
    let outcome = match &candidate.outcome {
        Outcome::Matched { by, confidence, verdicts, action, named_by } => {
            json!({"match": true, "by": by, "confidence": confidence, "verdicts": verdicts,
                "action": action, "named_by": named_by})
        }
        Outcome::Left { why } => json!({"match": false, "left": true, "why": why}),
        Outcome::Stopped { why } => json!({"match": false, "why": why}),
    };
    if let (Some(value), Some(outcome)) = (value.as_object_mut(), outcome.as_object()) {
        value.extend(outcome.clone());
    }
    value
}
