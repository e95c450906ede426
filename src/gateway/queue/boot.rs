//! Which start of the machine this is.
//!
//! What a process has written is there after its end, however that came, as long as the
//! machine runs: it is in the memory of the system. Where the machine was started anew, of
//! what was not synced nothing is known.

/// Names a start of the machine: no two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot(pub u128);

impl Boot {
    /// The start that this process runs in, where the system names it (random(4),
    /// "/proc interfaces": `boot_id`).
    pub fn current() -> Option<Self> {
        Self::read(&std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?)
    }

    /// Reads a UUID.
    fn read(text: &str) -> Option<Self> {
        let digits: String = text.trim().chars().filter(|sign| *sign != '-').collect();
        let is_whole = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_whole.then(|| u128::from_str_radix(&digits, 16).ok().map(Self))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_named_by_a_whole_uuid_only() {
        let named = Some(Boot(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        assert_eq!(Boot::read("01234567-89ab-cdef-0123-456789abcdef\n"), named);
        for other in ["", "01234567", "+1234567-89ab-cdef-0123-456789abcdef", "unknown"] {
            assert_eq!(Boot::read(other), None, "{other}");
        }
        assert_eq!(Boot::current(), Boot::current());
    }
}
