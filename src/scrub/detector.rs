//! The detector: text and key in, matches out.

mod assign;
mod bytes;
mod key;
mod prefilter;
mod value;
