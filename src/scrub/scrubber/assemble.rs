//! The rules that run: packed ones, what the settings say of them, and their own.

use crate::scrub::MaskKind;
use crate::scrub::detector::AllowList;
use crate::scrub::detector::Detector;
use crate::scrub::detector::Policy;
use crate::scrub::detector::RuleFault;
use crate::scrub::detector::Source;
use crate::scrub::fingerprint::Fingerprints;
use crate::scrub::fingerprint::KEY_LEN_MIN;
use crate::scrub::rule::Action;
use crate::scrub::rule::Keys;
use crate::scrub::rule::Rule;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::Sensitivity;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::glob::Glob;
use crate::scrub::rule::pack;
use crate::scrub::scrubber::Settings;
use crate::scrub::yaml;
use crate::scrub::yaml::Origin;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::closest;

/// Rules in the order in which they are asked.
pub(super) struct Assembled {
    pub(super) rules: Vec<Rule>,
    pub(super) not_secret: Vec<Keys>,
}

/// The rules of the settings, and the packed ones that they leave.
pub(super) fn with_packs(settings: &Settings) -> Result<Assembled, YamlError> {
    let (mut packed, mut not_secret) = (Vec::new(), Vec::new());
    let mut names = Vec::new();
    for (file, text) in pack::packs() {
        let name = file.strip_suffix(".yaml").unwrap_or(file);
        names.push(name);
        let wanted = |globs: &Vec<Glob>| globs.iter().any(|glob| glob.matches(name.as_bytes()));
        if !settings.packs.as_ref().is_none_or(wanted) {
            continue;
        }
        let node = yaml::parse(text, Some((*file).into()))?;
        let mut pack: RuleFile = node.read("").map_err(|fault| fault.within(file))?;
        for (at, rule) in pack.rules.iter_mut().enumerate() {
            // The places of packed rules matter only to who wrote them.
            rule.origin = Origin::new(format!("packed {file}: rules[{at}]"), None);
        }
        packed.append(&mut pack.rules);
        not_secret.push(pack.not_secret_keys);
    }
    let ids: Vec<&str> = packed.iter().map(|rule| rule.id.as_str()).collect();
    known(settings.packs.as_deref().unwrap_or_default(), "packs", "pack", &names, settings)?;
    known(&settings.disable, "disable", "packed rule", &ids, settings)?;
    known(&settings.shadow_disable, "shadow.disable", "packed rule", &ids, settings)?;
    known(&settings.enable, "enable", "packed rule", &ids, settings)?;
    let own = |rule: &Rule| settings.rules.iter().any(|other| other.id == rule.id);
    let named =
        |globs: &[Glob], rule: &Rule| globs.iter().any(|glob| glob.matches(rule.id.as_bytes()));
    packed.retain(|rule| {
        !own(rule)
            && !named(&settings.disable, rule)
            && !named(&settings.shadow_disable, rule)
            && (rule.sensitivity != Sensitivity::Publishable || named(&settings.enable, rule))
    });
    // A user's rules are asked first.
    let mut rules = settings.rules.clone();
    rules.append(&mut packed);
    not_secret.push(settings.not_secret_keys.clone());
    Ok(Assembled { rules, not_secret })
}

/// The rules of the settings alone.
pub(super) fn without_packs(settings: &Settings) -> Assembled {
    let not_secret = vec![settings.not_secret_keys.clone()];
    Assembled { rules: settings.rules.clone(), not_secret }
}

/// Every glob stands for something.
fn known(
    globs: &[Glob],
    setting: &str,
    what: &str,
    names: &[&str],
    settings: &Settings,
) -> Result<(), YamlError> {
    for (at, glob) in globs.iter().enumerate() {
        if !names.iter().any(|name| glob.matches(name.as_bytes())) {
            let advice = closest::advice(glob.as_str(), names);
            let expected = format!("no {what} has this name, or one of this form");
            return Err(settings.origin.fault(&format!("{setting}[{at}]"), &expected, &advice));
        }
    }
    Ok(())
}

impl Assembled {
    /// Compiles the rules, changed as `extend` says.
    pub(super) fn compile(
        mut self,
        settings: &Settings,
    ) -> Result<(Vec<Rule>, Detector, Fingerprints), YamlError> {
        check_ids(&settings.rules)?;
        self.extend(settings)?;
        let fingerprints = self.fingerprints(settings)?;
        let counting = |entries: &[Allow]| -> Vec<(usize, Allow)> {
            let numbered = entries.iter().cloned().enumerate();
            numbered.filter(|(_, entry)| entry.counts_on(settings.today)).collect()
        };
        let allow = AllowList::new(&counting(&settings.allow), fingerprints.clone());
        let allow = allow.map_err(|fault| of_allow(settings, &fault))?;
        let policy = Policy { allow, confidence_min: settings.min_confidence.0 };
        let sources: Vec<Source<'_>> =
            self.rules.iter().map(|rule| Source { rule, allow: counting(&rule.allow) }).collect();
        let detector =
            Detector::new(&sources, &self.not_secret, &policy, settings.known_texts_mib.bytes())
                .map_err(|(number, fault)| of_rule(self.rules.get(number), number, &fault))?;
        Ok((self.rules, detector, fingerprints))
    }

    fn extend(&mut self, settings: &Settings) -> Result<(), YamlError> {
        for (number, extend) in settings.extend.iter().enumerate() {
            let mut origin = extend.origin.clone();
            if origin.path.is_empty() {
                origin.path = format!("extend[{number}]");
            }
            for (at, glob) in extend.rules.iter().enumerate() {
                let ids: Vec<&str> = self.rules.iter().map(|rule| rule.id.as_str()).collect();
                if !ids.iter().any(|id| glob.matches(id.as_bytes())) {
                    let advice = closest::advice(glob.as_str(), &ids);
                    let expected = "no rule that runs has this id, or one of this form";
                    return Err(origin.fault(&format!("rules[{at}]"), expected, &advice));
                }
            }
            for rule in self.rules.iter_mut().filter(|rule| extend.names(&rule.id)) {
                if !extend.apply(rule) {
                    let expected = format!("`{}` has no keys that more could be added to", rule.id);
                    return Err(origin.fault("keys", &expected, ""));
                }
            }
        }
        Ok(())
    }

    fn fingerprints(&self, settings: &Settings) -> Result<Fingerprints, YamlError> {
        let current = &settings.fingerprint_key;
        let expected = format!(
            "expected a key of {KEY_LEN_MIN} bytes or more, given as ${{env:NAME}} or ${{file:PATH}}"
        );
        let needs = |rule: &&Rule| {
            rule.mask == Some(MaskKind::Fingerprint) || rule.action == Action::Fingerprint
        };
        if settings.mask == MaskKind::Fingerprint && current.is_empty() {
            let expected = format!("{expected}, for `mask: fingerprint`");
            return Err(settings.origin.fault("fingerprint_key", &expected, ""));
        }
        if let Some(rule) = self.rules.iter().find(needs).filter(|_| current.is_empty()) {
            let expected = format!("{expected}, for the fingerprints of `{}`", rule.id);
            return Err(settings.origin.fault("fingerprint_key", &expected, ""));
        }
        if !current.is_empty() && current.is_short() {
            return Err(settings.origin.fault("fingerprint_key", &expected, ""));
        }
        if let Some(at) = settings.fingerprint_keys_previous.iter().position(|key| key.is_short()) {
            let setting = format!("fingerprint_keys_previous[{at}]");
            return Err(settings.origin.fault(&setting, &expected, ""));
        }
        let keys = std::iter::once(current).chain(&settings.fingerprint_keys_previous);
        Ok(Fingerprints::new(keys))
    }
}

/// No id twice, and none that a mask could not show.
fn check_ids(rules: &[Rule]) -> Result<(), YamlError> {
    for (number, rule) in rules.iter().enumerate() {
        let fault = |expected: &str| {
            let fault = RuleFault {
                setting: "id".to_owned(),
                expected: expected.to_owned(),
                advice: String::new(),
            };
            Err(of_rule(Some(rule), number, &fault))
        };
        let in_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=ID_LEN_MAX).contains(&rule.id.len()) || !rule.id.chars().all(in_id) {
            return fault("expected up to 64 lower-case letters, digits and hyphens");
        }
        if rules.iter().take(number).any(|other| other.id == rule.id) {
            return fault("expected an id that no other rule has");
        }
    }
    Ok(())
}

/// The longest id: a mask is told from a text by what may stand in it.
const ID_LEN_MAX: usize = 64;

/// A fault in a rule, with its path and line.
pub(super) fn of_rule(rule: Option<&Rule>, number: usize, fault: &RuleFault) -> YamlError {
    let mut origin = rule.map(|rule| rule.origin.clone()).unwrap_or_default();
    if origin.path.is_empty() {
        origin.path = format!("rules[{number}]");
    }
    origin.fault(&fault.setting, &fault.expected, &fault.advice)
}

/// A fault in an entry of `allow`, whose setting begins with `allow[number]`.
fn of_allow(settings: &Settings, fault: &RuleFault) -> YamlError {
    let rest = fault.setting.strip_prefix("allow[").and_then(|rest| rest.split_once(']'));
    let (number, setting) = rest.unwrap_or(("0", ""));
    let number: usize = number.parse().unwrap_or(0);
    let mut origin = settings.allow_origins.get(number).cloned().unwrap_or_default();
    if origin.path.is_empty() {
        origin.path = format!("allow[{number}]");
    }
    origin.fault(setting.trim_start_matches('.'), &fault.expected, &fault.advice)
}
