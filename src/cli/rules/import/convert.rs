//! A Gitleaks rule to one of ours, and what of it got lost on the way.

use regex_syntax::escape;

use crate::cli::rules::import::anchors::anchors;
use crate::cli::rules::import::source::Allowlist;
use crate::cli::rules::import::source::Rule;
use crate::scrub::re2;

/// A rule that can be written down.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli::rules::import) struct Imported {
    pub(in crate::cli::rules::import) id: String,
    pub(in crate::cli::rules::import) description: String,
    pub(in crate::cli::rules::import) pattern: String,
    pub(in crate::cli::rules::import) anchors: Vec<String>,
    /// Words that must stand close by.
    pub(in crate::cli::rules::import) near: Vec<String>,
    pub(in crate::cli::rules::import) entropy_min: Option<f64>,
    pub(in crate::cli::rules::import) allow: Vec<Entry>,
}

/// An allow entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::rules::import) struct Entry {
    pub(in crate::cli::rules::import) pattern: String,
    pub(in crate::cli::rules::import) rules: Vec<String>,
    pub(in crate::cli::rules::import) reason: String,
}

/// Keys of a rule that say nothing about what is found.
const SILENT: [&str; 2] = ["tags", "title"];

/// Converts a rule. Adds to `lost` what could not be carried over.
///
/// # Errors
///
/// Why the rule cannot be had at all.
pub(in crate::cli::rules::import) fn rule(
    rule: &Rule,
    id: String,
    lost: &mut Vec<String>,
) -> Result<Imported, String> {
    let Some(regex) = &rule.regex else {
        return Err("it looks at the names of files only, and telemetry has none".to_owned());
    };
    let translated = re2::to_rust(regex).map_err(|fault| format!("its regex: {fault}"))?;
    let pattern = with_secret(&translated, rule.secret_group, lost);
    let anchors = anchors(&pattern).unwrap_or_default();
    let folded = pattern.to_lowercase();
    let keywords = rule.keywords.iter().map(|keyword| keyword.to_lowercase());
    let outside: Vec<String> = keywords.filter(|word| !holds(&folded, &anchors, word)).collect();
    let near = match outside.len() == rule.keywords.len() && !outside.is_empty() {
        true => outside,
        false => Vec::new(),
    };
    if !near.is_empty() {
        lost.push(
            "`keywords` that the regex does not hold became `near`, whose words stand apart from \
             others"
                .to_owned(),
        );
    }
    if rule.path.is_some() {
        lost.push("`path`: telemetry has no files, so that the rule applies everywhere".to_owned());
    }
    for key in rule.rest.keys().filter(|key| !SILENT.contains(&key.as_str())) {
        lost.push(format!("`{key}` has no counterpart"));
    }
    let allow = rule.allowlists().flat_map(|list| entries(list, lost)).collect();
    Ok(Imported {
        id,
        description: rule.description.clone(),
        pattern,
        anchors,
        near,
        entropy_min: rule.entropy.filter(|bits| 0.0 < *bits),
        allow,
    })
}

/// Whether a keyword stands in what the pattern looks for.
fn holds(pattern: &str, anchors: &[String], keyword: &str) -> bool {
    let plain = pattern.replace('\\', "");
    plain.contains(keyword)
        || anchors.iter().any(|anchor| {
            let anchor = anchor.to_lowercase();
            anchor.contains(keyword) || keyword.contains(&anchor)
        })
}

/// Names the group that is the secret.
fn with_secret(pattern: &str, wanted: usize, lost: &mut Vec<String>) -> String {
    let groups = groups(pattern);
    let number = match (wanted, groups.len()) {
        (0, 0) => return pattern.to_owned(),
        (0, 1) => 1,
        // Gitleaks takes the first group that took part; which one that is, a pattern
        // cannot say. All of the match is more than the secret, not less.
        (0, _) => {
            lost.push("several groups and no `secretGroup`: all of the match is masked".to_owned());
            return named(pattern, &groups, None);
        }
        (number, _) => number,
    };
    let secret = number.checked_sub(1).filter(|number| *number < groups.len());
    if secret.is_none() {
        lost.push(format!("`secretGroup` {number} is none of its groups: all is masked"));
    }
    named(pattern, &groups, secret)
}

/// The pattern with one of its groups named `secret`, and no other name.
fn named(pattern: &str, groups: &[(usize, usize)], secret: Option<usize>) -> String {
    let mut named = String::new();
    let mut done = 0;
    for (number, (at, len)) in groups.iter().enumerate() {
        named.push_str(pattern.get(done..*at).unwrap_or_default());
        named.push_str(if secret == Some(number) { "(?<secret>" } else { "(" });
        done = at + len;
    }
    named.push_str(pattern.get(done..).unwrap_or_default());
    named
}

/// Where the groups of a translated pattern open, and how long their openings are. In
/// what the translation writes, each parenthesis that is not escaped is a group's.
fn groups(pattern: &str) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let mut is_escaped = false;
    for (at, char) in pattern.char_indices() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        let rest = pattern.get(at + 1..).unwrap_or_default();
        match char {
            '\\' => is_escaped = true,
            '(' if rest.starts_with("?P<") => {
                let len = rest.find('>').map_or(1, |end| end + 2);
                groups.push((at, len));
            }
            '(' if !rest.starts_with('?') => groups.push((at, 1)),
            _ => {}
        }
    }
    groups
}

/// What an allowlist becomes. Adds to `lost` what it cannot.
pub(in crate::cli::rules::import) fn entries(
    list: &Allowlist,
    lost: &mut Vec<String>,
) -> Vec<Entry> {
    if !list.paths.is_empty() || !list.commits.is_empty() {
        lost.push("`allowlist.paths` and `commits`: telemetry has no files".to_owned());
    }
    let both = ["and", "&&"].contains(&list.condition.to_lowercase().as_str());
    let criteria = [&list.paths, &list.commits, &list.regexes, &list.stopwords];
    if both && 1 < criteria.iter().filter(|list| !list.is_empty()).count() {
        lost.push("an allowlist whose criteria must all hold was left out".to_owned());
        return Vec::new();
    }
    let reason = match list.description.as_str() {
        "" => "allowlist of the imported configuration".to_owned(),
        description => description.to_owned(),
    };
    let entry = |pattern| Entry {
        pattern,
        rules: list.target_rules.iter().map(|id| kebab(id)).collect(),
        reason: reason.clone(),
    };
    let mut entries = Vec::new();
    let of_secret = matches!(list.regex_target.as_str(), "" | "secret");
    if !of_secret && !list.regexes.is_empty() {
        let target = &list.regex_target;
        lost.push(format!(
            "`allowlist.regexes` of the {target}: an allow entry speaks of the value alone"
        ));
    }
    for regex in list.regexes.iter().filter(|_| of_secret) {
        match re2::to_rust(regex) {
            // Theirs is found anywhere in the secret, ours is all of it.
            Ok(pattern) => entries.push(entry(format!("(?s:.*)(?:{pattern})(?s:.*)"))),
            Err(fault) => lost.push(format!("a regex of an allowlist: {fault}")),
        }
    }
    if !list.stopwords.is_empty() {
        let words: Vec<String> = list.stopwords.iter().map(|word| escape(word)).collect();
        entries.push(entry(format!("(?i)(?s:.*)(?:{})(?s:.*)", words.join("|"))));
    }
    entries
}

/// An id as rules here have them.
pub(in crate::cli::rules::import) fn kebab(id: &str) -> String {
    let mut kebab = String::new();
    for char in id.chars() {
        match char.to_ascii_lowercase() {
            char if char.is_ascii_lowercase() || char.is_ascii_digit() => kebab.push(char),
            _ if kebab.ends_with('-') || kebab.is_empty() => {}
            _ => kebab.push('-'),
        }
    }
    kebab.truncate(ID_LEN_MAX);
    kebab.trim_end_matches('-').to_owned()
}

/// As the reader has it, less what tells an imported rule from others of its name.
const ID_LEN_MAX: usize = 56;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_that_is_the_secret_gets_its_name() {
        for (pattern, wanted, expected, notes) in [
            ("key=([a-z]+)", 0, "key=(?<secret>[a-z]+)", 0),
            ("key=(?:x)[a-z]+", 0, "key=(?:x)[a-z]+", 0),
            (r"\((a)(b)", 2, r"\((a)(?<secret>b)", 0),
            ("(?P<name>a)b", 1, "(?<secret>a)b", 0),
            ("(?P<name>a)(b)(?P<c>d)", 2, "(a)(?<secret>b)(d)", 0),
            ("(?P<name>a)|(b)", 0, "(a)|(b)", 1),
            ("(a)|(b)", 0, "(a)|(b)", 1),
            ("(a)", 3, "(a)", 1),
        ] {
            let mut lost = Vec::new();
            assert_eq!(with_secret(pattern, wanted, &mut lost), expected);
            assert_eq!(lost.len(), notes, "{pattern}");
        }
    }

    #[test]
    fn ids_are_made_fit() {
        for (id, expected) in
            [("AWS Access_Token", "aws-access-token"), ("__x--y__", "x-y"), ("", "")]
        {
            assert_eq!(kebab(id), expected);
        }
    }
}
