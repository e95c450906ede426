//! Sends the cases and judges what arrives, as it arrives.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cli::selftest::SelftestArgs;
use crate::cli::selftest::SelftestError;
use crate::cli::selftest::canary::Canary;
use crate::cli::selftest::disguise::DISGUISES;
use crate::cli::selftest::judge;
use crate::cli::selftest::judge::Labels;
use crate::cli::selftest::message;
use crate::cli::selftest::place::PLACES;
use crate::cli::selftest::plan;
use crate::cli::selftest::plan::Case;
use crate::cli::selftest::plan::Scope;
use crate::cli::selftest::report::Fate;
use crate::cli::selftest::report::Outcome;
use crate::cli::selftest::send::Protocol;
use crate::cli::selftest::send::Sender;
use crate::cli::selftest::sink::Arrived;
use crate::cli::selftest::target::Target;
use crate::gateway::config::Config;
use crate::scrub::Encoding;
use crate::scrub::Signal;
use crate::scrub::rule::glob;

/// How many cases go in one request; profiles go alone.
const CASES_PER_REQUEST: usize = 50;

/// How many requests are under way.
const REQUESTS_UNDER_WAY: usize = 8;

/// How long nothing may arrive before what is missing is given up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs every case.
///
/// # Errors
///
/// When the gateway does not start, or refuses a request.
pub(in crate::cli::selftest) async fn run<'c>(
    config: &Config,
    args: &SelftestArgs,
    canaries: &'c [Canary],
    seed: u64,
) -> Result<Vec<Outcome<'c>>, SelftestError> {
    let mut target = Target::new(config, args).await?;
    let places = PLACES.iter().filter(|place| target.signals.contains(&place.signal)).collect();
    let is_wanted = |name: &str| {
        args.written.is_empty()
            || args.written.iter().any(|glob| glob::matches(glob.as_bytes(), name.as_bytes()))
    };
    let disguises: Vec<_> = DISGUISES.iter().filter(|one| is_wanted(one.name)).collect();
    if disguises.is_empty() {
        return Err(SelftestError::NoWriting);
    }
    let protocols = target.sender.protocols();
    let scope = Scope { places, disguises, protocols, quick: args.quick, seed };
    let cases = plan::plan(canaries, scope);
    let mut labels: Vec<&str> = canaries.iter().map(|canary| canary.rule.as_str()).collect();
    labels.dedup();
    let labels = Labels::new(&labels);
    let mut fates = vec![Fate::Lost; cases.len()];
    let under_way = Arc::new(Semaphore::new(REQUESTS_UNDER_WAY));
    let mut sending = JoinSet::new();
    let mut kept = HashMap::new();
    for ((protocol, signal), numbers) in requests(&cases) {
        let trees = numbers
            .iter()
            .filter_map(|number| cases.get(*number).map(|case| case.sent(*number).request));
        let tree = message::joined(signal, trees.collect());
        let body = message::encode(signal, protocol.encoding(), tree)
            .map_err(|reason| SelftestError::Request { signal: signal.name(), reason })?;
        // The semaphore is never closed.
        let permit = Arc::clone(&under_way).acquire_owned().await.ok();
        sending.spawn(deliver(target.sender.clone(), protocol, signal, body, permit));
        while let Ok(arrived) = target.arrived.try_recv() {
            take(arrived, &cases, &labels, &mut fates, &mut kept, args.show);
        }
        while let Some(sent) = sending.try_join_next() {
            sent.unwrap_or(Ok(()))?;
        }
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap_or(Ok(()))?;
    }
    while fates.contains(&Fate::Lost) {
        match next(&mut target.arrived).await {
            Some(arrived) => take(arrived, &cases, &labels, &mut fates, &mut kept, args.show),
            None => break,
        }
    }
    target.end().await;
    let outcome = |(number, (case, fate))| Outcome { case, fate, shown: kept.remove(&number) };
    Ok(cases.into_iter().zip(fates).enumerate().map(outcome).collect())
}

async fn deliver(
    sender: Sender,
    protocol: Protocol,
    signal: Signal,
    body: Vec<u8>,
    permit: Option<tokio::sync::OwnedSemaphorePermit>,
) -> Result<(), SelftestError> {
    let sent = sender.send(protocol, signal, body).await;
    drop(permit);
    sent
}

async fn next(arrived: &mut mpsc::UnboundedReceiver<Arrived>) -> Option<Arrived> {
    tokio::time::timeout(PATIENCE, arrived.recv()).await.ok().flatten()
}

/// Which cases go together.
fn requests(cases: &[Case<'_>]) -> Vec<((Protocol, Signal), Vec<usize>)> {
    let mut together: BTreeMap<(Protocol, Signal), Vec<usize>> = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        together.entry((case.protocol, case.place.signal)).or_default().push(number);
    }
    let mut requests = Vec::new();
    for ((protocol, signal), numbers) in together {
        let len = if signal == Signal::Profiles { 1 } else { CASES_PER_REQUEST };
        requests.extend(numbers.chunks(len).map(|numbers| ((protocol, signal), numbers.to_vec())));
    }
    requests
}

/// Judges the cases in a request that arrived.
fn take(
    arrived: Arrived,
    cases: &[Case<'_>],
    labels: &Labels,
    fates: &mut [Fate],
    kept: &mut HashMap<usize, (String, String)>,
    show: usize,
) {
    let Arrived { signal, encoding, bytes } = arrived;
    let tree = message::decode(signal, encoding, &bytes);
    for (number, own) in message::cases(signal, tree.unwrap_or_default()) {
        let (Some(case), Some(fate)) = (cases.get(number), fates.get_mut(number)) else {
            continue;
        };
        let mut sent = case.sent(number);
        // Spelled as what arrived is.
        let spelled = message::encode(signal, Encoding::Protobuf, sent.request);
        let spelled = spelled.ok().and_then(|it| message::decode(signal, Encoding::Protobuf, &it));
        sent.request = spelled.unwrap_or(Value::Null);
        let verdict = judge::judge(&sent, &own, labels);
        let failed = verdict.leaked || verdict.damage.is_some();
        if failed && kept.len() < show {
            let text = |tree: &Value| {
                tree.pointer(&sent.leaf).map_or_else(
                    || tree.to_string(),
                    |leaf| leaf.as_str().unwrap_or_default().to_owned(),
                )
            };
            kept.insert(number, (text(&sent.request), text(&own)));
        }
        *fate = Fate::Arrived(verdict);
    }
}
