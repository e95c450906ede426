//! Which canary is planted where, how it is written and over which protocol it goes.
//!
//! All products would be millions; what is covered is each canary in each writing, each
//! canary in each place, and each place with each writing over each protocol. What is
//! left open in a pair goes round, from where the seed says.

use crate::cli::selftest::canary::Canary;
use crate::cli::selftest::disguise;
use crate::cli::selftest::disguise::Disguise;
use crate::cli::selftest::disguise::How;
use crate::cli::selftest::judge::Sent;
use crate::cli::selftest::place::PLACES;
use crate::cli::selftest::place::Place;
use crate::cli::selftest::send::Protocol;

/// One canary in one place.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::selftest) struct Case<'c> {
    /// What.
    pub(in crate::cli::selftest) canary: &'c Canary,
    /// Written how.
    pub(in crate::cli::selftest) disguise: &'static Disguise,
    /// Where.
    pub(in crate::cli::selftest) place: &'static Place,
    /// Over which protocol.
    pub(in crate::cli::selftest) protocol: Protocol,
}

impl<'c> Case<'c> {
    /// The request of this case, marked with `number`.
    pub(in crate::cli::selftest) fn sent(&self, number: usize) -> Sent<'c> {
        let written = disguise::write(self.disguise.how, self.canary, self.place.is_keyed());
        let (request, leaf) = self.place.request(number, written.key.as_deref(), &written.bytes);
        Sent { canary: self.canary, frame: written.frame, request, leaf }
    }

    /// Whether there can be such a case.
    fn is_possible(&self) -> bool {
        // A key is a name: what a name says about its value cannot be said about it.
        let fits_key = !self.place.is_key() || self.canary.key.is_none();
        fits_key
            && match self.disguise.how {
                How::Token(_) => self.canary.is_token(),
                How::Bytes(_) => self.place.takes_bytes(),
                How::Plain | How::Json(_) | How::Whole(_) => true,
            }
    }
}

/// What goes round.
struct Round {
    at: usize,
    protocols: Vec<Protocol>,
    places: Vec<&'static Place>,
}

/// What a run covers.
#[derive(Debug)]
pub(in crate::cli::selftest) struct Scope {
    /// Where canaries are planted.
    pub(in crate::cli::selftest) places: Vec<&'static Place>,
    /// How they are written.
    pub(in crate::cli::selftest) disguises: Vec<&'static Disguise>,
    /// How they are sent.
    pub(in crate::cli::selftest) protocols: Vec<Protocol>,
    /// Every canary a few times instead of in every writing and place.
    pub(in crate::cli::selftest) quick: bool,
    /// Where what goes round begins.
    pub(in crate::cli::selftest) seed: u64,
}

/// Plans a run.
pub(in crate::cli::selftest) fn plan<'c>(canaries: &'c [Canary], scope: Scope) -> Vec<Case<'c>> {
    let Scope { places, disguises, protocols, quick, seed } = scope;
    let start = usize::try_from(seed % 1009).unwrap_or_default();
    let mut round = Round { at: start, protocols: protocols.clone(), places };
    let mut cases = Vec::new();
    for (at, canary) in canaries.iter().enumerate() {
        let chosen = |of: usize, number: usize| !quick || (at + start + number) % of < 2;
        for (number, disguise) in disguises.iter().enumerate() {
            if chosen(disguises.len(), number) {
                cases.extend(round.case(Some(canary), disguise, None, None));
            }
        }
        for (number, place) in round.places.clone().into_iter().enumerate() {
            if let (Some(plain), true) = (disguises.first(), chosen(PLACES.len(), number)) {
                cases.extend(round.case(Some(canary), plain, Some(place), None));
            }
        }
    }
    for place in round.places.clone() {
        for protocol in &protocols {
            for disguise in disguises.iter().step_by(if quick { 9 } else { 1 }) {
                let canary = canaries.get(round.turn() % canaries.len().max(1));
                cases.extend(round.case(canary, disguise, Some(place), Some(*protocol)));
            }
        }
    }
    cases
}

impl Round {
    /// The next number. Steps by a prime, so that two rounds do not keep step.
    fn turn(&mut self) -> usize {
        self.at = self.at.wrapping_add(7919);
        self.at
    }

    /// A case of what is given; the rest is what comes next and is possible.
    fn case<'c>(
        &mut self,
        canary: Option<&'c Canary>,
        disguise: &'static Disguise,
        place: Option<&'static Place>,
        protocol: Option<Protocol>,
    ) -> Option<Case<'c>> {
        for _ in 0..self.places.len().max(1) {
            let turn = self.turn();
            let case = Case {
                canary: canary?,
                disguise,
                place: match place {
                    Some(place) => place,
                    None => self.places.get(turn % self.places.len().max(1))?,
                },
                protocol: match protocol {
                    Some(protocol) => protocol,
                    None => *self.protocols.get(turn % self.protocols.len().max(1))?,
                },
            };
            if case.is_possible() {
                return Some(case);
            }
            if place.is_some() {
                break;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::selftest::canary;
    use crate::cli::selftest::disguise::DISGUISES;
    use crate::cli::selftest::judge::Labels;
    use crate::cli::selftest::judge::judge;
    use crate::cli::selftest::message;
    use crate::scrub::Encoding;
    use crate::scrub::rule::RuleFile;
    use crate::scrub::rule::pack;
    use crate::scrub::yaml;
    use serde_json::Value;

    /// The canaries of every twelfth rule.
    fn canaries() -> Vec<Canary> {
        let mut canaries = Vec::new();
        for (_, text) in pack::packs() {
            for rule in yaml::read::<RuleFile>(text).expect("sound").rules.iter().step_by(12) {
                canaries.extend(canary::of(rule, 1).expect("sound"));
            }
        }
        canaries
    }

    fn scope(places: &[&'static Place]) -> Scope {
        let disguises = DISGUISES.iter().collect();
        let protocols = Protocol::ALL.to_vec();
        Scope { places: places.to_vec(), disguises, protocols, quick: false, seed: 1 }
    }

    /// What a gateway makes of a request that changes nothing.
    fn passed(case: &Case<'_>, tree: Value) -> Value {
        let bytes = message::encode(case.place.signal, Encoding::Protobuf, tree).expect("sound");
        message::decode(case.place.signal, Encoding::Protobuf, &bytes).expect("sound")
    }

    #[test]
    fn a_gateway_that_changes_nothing_is_caught_in_every_case() {
        let (canaries, places) = (canaries(), PLACES.iter().collect::<Vec<_>>());
        let cases = plan(&canaries, scope(&places));
        assert!(places.len() * DISGUISES.len() < cases.len(), "{}", cases.len());
        for (number, case) in cases.iter().enumerate() {
            let mut sent = case.sent(number);
            sent.request = passed(case, sent.request);
            let verdict = judge(&sent, &sent.request, &Labels::default());
            assert!(verdict.leaked, "{case:?}");
            assert_eq!(verdict.damage, None, "{case:?}");
            let cases = message::cases(case.place.signal, sent.request);
            assert_eq!(cases.len(), 1, "{case:?}");
            assert_eq!(cases[0].0, number);
        }
    }

    #[test]
    fn a_value_that_is_taken_out_is_no_leak_but_damage() {
        let canaries = canaries();
        let places = PLACES.iter().collect::<Vec<_>>();
        for (number, case) in plan(&canaries, scope(&places)).iter().enumerate().step_by(17) {
            let mut sent = case.sent(number);
            sent.request = passed(case, sent.request);
            let mut arrived = sent.request.clone();
            *arrived.pointer_mut(&sent.leaf).expect("planted") = Value::Null;
            let verdict = judge(&sent, &arrived, &Labels::default());
            assert!(!verdict.leaked && verdict.damage.is_some(), "{case:?}");
        }
    }
}
