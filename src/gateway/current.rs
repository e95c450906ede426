//! A thing that is replaced as a whole: who holds the old one keeps it.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

/// A `T` as it is now.
#[derive(Debug)]
pub struct Current<T>(RwLock<Arc<T>>);

impl<T> Current<T> {
    /// The first one.
    pub fn new(first: Arc<T>) -> Self {
        Self(RwLock::new(first))
    }

    /// The one that was put last.
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the next one.
    pub fn put(&self, next: Arc<T>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }
}
