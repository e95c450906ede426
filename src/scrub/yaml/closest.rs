//! The accepted words that are closest to one that was not accepted.

/// How many accepted words are listed in full; of more, only the closest.
const LISTED_MAX: usize = 15;

/// How many words are listed where there are too many.
const CLOSEST_LISTED: usize = 3;

/// The longest word that is compared: the comparison takes time of length squared.
const WORD_CHARS_MAX: usize = 64;

/// What to write instead of `word`, and what else there is:
/// ``did you mean `endpoint`? accepted: endpoint, transport``.
///
/// A word that is also accepted in capitals is listed once.
pub fn advice(word: &str, accepted: &[&str]) -> String {
    let is_small = |word: &&&str| {
        let small = word.to_lowercase();
        small == **word || !accepted.contains(&small.as_str())
    };
    let accepted: Vec<&str> = accepted.iter().filter(is_small).copied().collect();
    let mut by_distance: Vec<(usize, &str)> =
        accepted.iter().map(|other| (distance(word, other), *other)).collect();
    by_distance.sort_by_key(|(distance, _)| *distance);
    let mut advice = String::new();
    if let Some((distance, other)) = by_distance.first()
        && *distance <= near(word)
    {
        advice.push_str(&format!("did you mean `{other}`? "));
    }
    if accepted.is_empty() {
        advice.push_str("accepted: none");
    } else if accepted.len() <= LISTED_MAX {
        advice.push_str(&format!("accepted: {}", accepted.join(", ")));
    } else {
        let near: Vec<&str> =
            by_distance.iter().take(CLOSEST_LISTED).map(|(_, other)| *other).collect();
        advice.push_str(&format!("closest: {}", near.join(", ")));
    }
    advice
}

/// Whether `word` is nearly one of the accepted ones, so that this one is offered.
pub fn is_close(word: &str, accepted: &[&str]) -> bool {
    accepted.iter().any(|other| distance(word, other) <= near(word))
}

/// How far the word that is offered is from `word` at most.
fn near(word: &str) -> usize {
    (word.chars().count() / 3).max(1)
}

/// How many insertions, deletions, changes and swaps of neighbours make `a` into
/// `b`; case does not count.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        text.chars().take(WORD_CHARS_MAX).flat_map(char::to_lowercase).collect()
    };
    let (a, b) = (fold(a), fold(b));
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let change = cell(&last, j) + usize::from(from != to);
            let mut best = change.min(cell(&last, j + 1) + 1).min(cell(&row, j) + 1);
            let swapped = 0 < i && 0 < j && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(cell(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    cell(&last, b.len())
}

fn cell(row: &[usize], at: usize) -> usize {
    row.get(at).copied().unwrap_or(usize::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_edits_and_swaps() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("endpont", "endpoint", 1),
            ("endpiont", "endpoint", 1),
            ("Endpoint", "endpoint", 0),
            ("otlphttp", "otlp_http", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn far_words_are_not_offered() {
        assert_eq!(advice("kafka", &["otlp", "nop"]), "accepted: otlp, nop");
        assert_eq!(advice("otpl", &["otlp"]), "did you mean `otlp`? accepted: otlp");
    }

    #[test]
    fn of_many_words_only_the_closest_are_listed() {
        let words: Vec<String> = (10..30).map(|n| format!("word{n}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(
            advice("word1", &words),
            "did you mean `word10`? closest: word10, word11, word12"
        );
    }
}
