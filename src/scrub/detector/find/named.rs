//! What a name says: by itself, or by a part of what stands around the telling word, or by more.

use std::ops::Range;

use crate::scrub::detector::assign;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::key::Class;

impl<'d> Search<'d, '_> {
    /// What a name says, and as much around it as belongs to it.
    pub(super) fn classified(
        &self,
        text: &[u8],
        word: &Range<usize>,
        name: Range<usize>,
    ) -> (Class<'d>, Range<usize>) {
        let detector = self.detector;
        let classify = |name: &Range<usize>| {
            detector.keys.classify(text.get(name.clone()).unwrap_or_default())
        };
        let longer = assign::longer_name(text, &name).map(|name| (classify(&name), name));
        let (class, name) = match longer {
            Some(longer @ (Class::Secret(_), _)) => longer,
            _ => (classify(&name), name),
        };
        let glued = assign::glued_name(text, &name).map(|name| (classify(&name), name));
        match (class, glued) {
            (Class::Unknown, Some(glued))
            | (Class::Secret(_), Some(glued @ (Class::Secret(_), _))) => glued,
            (Class::Unknown, None) => self.named_otherwise(text, word, name),
            (class, _) => (class, name),
        }
    }

    /// What a name says that is not known as it stands, around the telling `word`: that word may
    /// be its second (`Chave secreta`), or one of another script behind Latin letters
    /// (`WiFi密码`).
    fn named_otherwise(
        &self,
        text: &[u8],
        word: &Range<usize>,
        name: Range<usize>,
    ) -> (Class<'d>, Range<usize>) {
        let classify = |name: &Range<usize>| {
            self.detector.keys.classify(text.get(name.clone()).unwrap_or_default())
        };
        if let Some(longer) = assign::word_before(text, &name)
            && let class @ Class::Secret(_) = classify(&longer)
        {
            return (class, longer);
        }
        let is_foreign = text.get(word.clone()).is_some_and(|word| !word.is_ascii());
        if is_foreign
            && word.end == name.end
            && let class @ Class::Secret(_) = classify(word)
        {
            return (class, word.clone());
        }
        (Class::Unknown, name)
    }
}
