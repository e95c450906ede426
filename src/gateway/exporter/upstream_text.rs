//! What an upstream says in words: it may quote the request that it refuses.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::scrub::Scrubber;

/// How much of a text is kept, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// Makes the texts of upstreams fit to be logged and passed on.
#[derive(Clone, Debug)]
pub struct UpstreamText {
    scrubbers: Arc<RwLock<Vec<Arc<Scrubber>>>>,
}

impl UpstreamText {
    /// Has each text scrubbed by all of `scrubbers`.
    pub fn new(scrubbers: impl IntoIterator<Item = Arc<Scrubber>>) -> Self {
        Self { scrubbers: Arc::new(RwLock::new(scrubbers.into_iter().collect())) }
    }

    /// From now on, has each text scrubbed by all of these; in every clone.
    pub fn replace(&self, scrubbers: impl IntoIterator<Item = Arc<Scrubber>>) {
        let scrubbers = scrubbers.into_iter().collect();
        *self.scrubbers.write().unwrap_or_else(PoisonError::into_inner) = scrubbers;
    }

    /// The text without credentials, on one line, and not too long.
    pub fn clean(&self, text: &str) -> String {
        // Scrubbed before it is cut: half a credential is not recognised.
        let mut clean = text.to_owned();
        let scrubbers = self.scrubbers.read().unwrap_or_else(PoisonError::into_inner).clone();
        for scrubber in scrubbers {
            clean = scrubber.scrub_text(&clean);
        }
        if TEXT_BYTES_MAX < clean.len() {
            let cut = clean.floor_char_boundary(TEXT_BYTES_MAX);
            clean.truncate(cut);
            clean.push('…');
        }
        clean.replace(char::is_control, " ")
    }
}
