//! The detector: text and key in, matches out.
