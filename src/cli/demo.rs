//! `demo`.

/// Shows.
///
/// # Errors
///
/// None yet.
pub(in crate::cli) fn demo() -> Result<(), std::io::Error> {
    Ok(())
}
