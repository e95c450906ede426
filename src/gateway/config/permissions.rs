//! Permissions of files and directories, in octal.

use serde::Deserialize;

/// Permissions of a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Permissions(u32);

impl Permissions {
    /// `rwxr-x---`
    pub const OWN_AND_GROUP: Self = Self(0o750);

    /// `rwxr-xr-x`
    pub const ALL_MAY_READ: Self = Self(0o755);

    /// As the system has them.
    pub fn mode(self) -> u32 {
        self.0
    }
}

impl TryFrom<String> for Permissions {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o7777 => Ok(Self(mode)),
            Ok(_) | Err(_) => Err("expected permissions in octal, such as '0750'"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_octal_digits_are_permissions() {
        let read = |text: &str| Permissions::try_from(text.to_owned()).map(Permissions::mode);
        assert_eq!(read("0750"), Ok(0o750));
        assert_eq!(read("7777"), Ok(0o7777));
        for text in ["", "rwx", "0780", "10000", "-1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
