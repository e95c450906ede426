//! Traps of the wire format, each by hand.
