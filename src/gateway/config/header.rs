//! Headers that a configuration adds to requests or answers.
//!
//! They are checked where they are read, so that a fault names their line: HTTP
//! allows no control characters in a value, and a line feed in one would be a
//! header of its own.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use serde::Deserialize;

use crate::gateway::config::secret::Secret;

/// Names and values. Values are secret: they print as `Sensitive`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<Name, Value>")]
pub struct Headers(HeaderMap);

impl Headers {
    /// Names with their values.
    ///
    /// # Errors
    ///
    /// What was expected of the first that HTTP does not allow.
    pub fn of<'h>(
        headers: impl Iterator<Item = (&'h str, &'h Secret)>,
    ) -> Result<Self, &'static str> {
        let mut map = BTreeMap::new();
        for (name, value) in headers {
            map.insert(Name::try_from(name.to_owned())?, Value::try_from(value.clone())?);
        }
        Ok(Self::from(map))
    }

    /// As they are sent.
    pub fn as_map(&self) -> &HeaderMap {
        &self.0
    }
}

impl From<BTreeMap<Name, Value>> for Headers {
    fn from(headers: BTreeMap<Name, Value>) -> Self {
        let mut map = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            map.insert(name.to_http(), value.0);
        }
        Self(map)
    }
}

/// The name of a header (RFC 9110, 5.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl Name {
    /// As it is sent.
    pub fn to_http(&self) -> HeaderName {
        HeaderName::try_from(self.0.as_str()).expect("checked when it was made")
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        HeaderName::try_from(text.as_str())
            .map(|name| Self(name.as_str().to_owned()))
            .map_err(|_| "expected the name of a header: letters, digits and hyphens")
    }
}

/// The value of a header (RFC 9110, 5.5).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Secret")]
pub struct Value(HeaderValue);

impl Value {
    /// As it is sent.
    pub fn as_header(&self) -> &HeaderValue {
        &self.0
    }
}

impl TryFrom<Secret> for Value {
    type Error = &'static str;

    fn try_from(text: Secret) -> Result<Self, Self::Error> {
        let mut value = HeaderValue::from_str(text.expose()).map_err(
            |_| "expected the value of a header: no line feeds or other control characters",
        )?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}
