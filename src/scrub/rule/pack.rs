//! The rule files that ship inside the binary.
//!
//! `build.rs` lists `config/rules/`; a file that is put there is in the pack.
//! The tests below hold every rule to its proof.

include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// The file names and texts of `config/rules/`, in the order of their names.
pub fn packs() -> &'static [(&'static str, &'static str)] {
    PACKS
}
