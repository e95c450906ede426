//! The windows by which a needle is known: its rarest bytes in a row.

use std::collections::HashMap;

use crate::scrub::detector::prefilter::CASE;
use crate::scrub::detector::prefilter::Needle;

/// A window of a needle.
pub(super) struct Window {
    pub(super) bytes: [u8; 4],
    /// Four, or three (then the fourth byte is any).
    pub(super) len: usize,
    /// Where it stands in the needle.
    pub(super) offset: usize,
    /// The number of the needle.
    pub(super) needle: usize,
    /// Whether ASCII letters match in either case.
    pub(super) caseless: bool,
}

impl Window {
    /// The two neighbouring windows of a long needle that are rarest together.
    pub(super) fn rarest_pair(number: usize, needle: &Needle, sample: &Sample) -> Vec<Self> {
        let pair = needle.bytes.windows(5).enumerate();
        let offset = pair
            .min_by(|a, b| sample.commonness(a.1).total_cmp(&sample.commonness(b.1)))
            .map_or(0, |pair| pair.0);
        [offset, offset + 1].into_iter().filter_map(|at| Self::new(number, needle, at, 4)).collect()
    }

    /// A window of `len` bytes of a needle.
    pub(super) fn new(number: usize, needle: &Needle, offset: usize, len: usize) -> Option<Self> {
        let mut bytes = [0; 4];
        bytes.get_mut(..len)?.copy_from_slice(needle.bytes.get(offset..offset + len)?);
        Some(Self { bytes, len, offset, needle: number, caseless: needle.caseless })
    }

    /// The window as a number, without regard to case.
    pub(super) fn folded(&self) -> u32 {
        u32::from_le_bytes(self.bytes) | CASE
    }

    /// Every way to write the window: one, or each mix of cases.
    pub(super) fn spelled(&self) -> Vec<(u32, &Self)> {
        let mut spellings = vec![[0_u8; 4]];
        for position in 0..self.len {
            let byte = self.bytes.get(position).copied().unwrap_or_default();
            let mut next = Vec::new();
            for spelling in &spellings {
                for case in cases(byte, self.caseless) {
                    let mut longer = *spelling;
                    if let Some(slot) = longer.get_mut(position) {
                        *slot = case;
                    }
                    next.push(longer);
                }
            }
            spellings = next;
        }
        spellings.into_iter().map(|bytes| (u32::from_le_bytes(bytes), self)).collect()
    }
}

/// The ways to write a byte.
pub(super) fn cases(byte: u8, caseless: bool) -> Vec<u8> {
    match caseless && byte.is_ascii_alphabetic() {
        true => vec![byte.to_ascii_lowercase(), byte.to_ascii_uppercase()],
        false => vec![byte],
    }
}

/// About how often a byte stands in telemetry; only the order of magnitude counts.
pub(super) fn frequency(byte: u8) -> f32 {
    match byte {
        b' ' => 0.09,
        b'e' => 0.08,
        b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 0.05,
        b'c' | b'd' | b'l' | b'u' | b'p' | b'm' | b'h' => 0.025,
        b'"' => 0.04,
        b'f' | b'g' | b'y' | b'w' | b'b' | b'v' | b'.' | b':' | b'\\' | b'/' => 0.014,
        b'_' | b'-' | b'0'..=b'9' | b',' => 0.011,
        b'k' | b'x' | b'q' | b'j' | b'z' => 0.004,
        b'A'..=b'Z' | b'=' | b'{' | b'}' | b'(' | b')' | 0..0x20 => 0.003,
        _ => 0.001,
    }
}

/// Words that telemetry is full of. Bytes do not come one by one: `tion` and ` key` are
/// made of rare letters and stand everywhere.
const COMMON: &str = r#"
    account action address agent answer api application array attribute author authority auto base
    batch body bool bucket build bytes cache call catalog cell channel chunk client cloud cluster
    code collection color column command commit config connection container content context cookie
    copper count counter courier create credential currency cursor customer data database date
    default delete deploy description detail digest document domain driver duration end endpoint
    environment error event exception exec export feature field file filter float flow form format
    framework frame function gateway graph group handler hash head header health host http https id
    image index info input instance int integer interface invoice ip item java job json kernel key
    keyboard keys label lambda language latency ledger level library limit line link list load
    local location log logger login machine main manager map master memory message metadata method
    metric middleware model modules monitor name network node_modules npm number object offset
    openapi operation option order organization output owner package page parameter parcel parent
    password path payload payment peer pending period plan platform pod point policy pool port
    postgres postgresql prefix price priority process product profile project prompt property
    protocol provider proxy public python query queue rate reader record redirect redis ref refresh
    region register replica replication report repository request reset resource response result
    retry return role root route router rows rpc runtime sample schema scope script search secret
    secretary section select sequence server service session set severity shard sign signature size
    socket source span spring sql stack stacktrace stage start state statement static status step
    storage store stream string subject success summary support system table tag target task
    telemetry template tenant text thread threshold time timeout timestamp title token tokens tool
    topic total trace traffic transaction transport type unit update upload uri url usage user
    username utils value vendor version view virtual volume wait warning web webhook window word
    worker workflow workspace write writer x-request-id zone
    {"role":"assistant","content":"the ","tool_calls":[{"id":"call_","function":{"name":"get_",
    \"arguments\": \"{\\"query\\": \\"\\n"}, "usage": {"input_tokens": 12, "output_tokens": 5}}
    http.request.method http.response.status_code url.full url.path server.address server.port
    user_agent.original network.peer.address db.system db.statement db.query.text gen_ai.system
    exception.type exception.message exception.stacktrace telemetry.sdk.name service.name host.name
    File "/usr/lib/python3/site-packages/", line 10, in at org.springframework.web.servlet.
    com.example. java.base/java.lang. io.opentelemetry. github.com/ https://www. http://localhost:
    token count password field api key access key private key session key secret key public key
    primary key foreign key the key a key of key is key for key in key and key user key cache key
"#;

/// How often runs of four bytes stand in [`COMMON`].
pub(super) struct Sample(HashMap<u32, u32>);

impl Sample {
    /// Counts.
    pub(super) fn new() -> Self {
        let mut counts = HashMap::new();
        for bytes in COMMON.as_bytes().windows(4) {
            if let Some(window) = bytes.first_chunk::<4>() {
                *counts.entry(u32::from_le_bytes(*window) | CASE).or_default() += 1;
            }
        }
        Self(counts)
    }

    /// How common the two windows in five bytes are: as often as they were counted,
    /// then as their bytes are.
    fn commonness(&self, five: &[u8]) -> f32 {
        five.windows(4)
            .filter_map(|bytes| bytes.first_chunk::<4>())
            .map(|bytes| {
                let counted = self.0.get(&(u32::from_le_bytes(*bytes) | CASE)).copied();
                let alike: f32 = bytes.iter().map(|&byte| frequency(byte)).product();
                counted.unwrap_or(0) as f32 + alike
            })
            .sum()
    }
}
