//! Compression of requests: undone under a limit on the way in, done again on the
//! way out.
//!
//! A decompressor here never holds more than the limit that it is given, whatever
//! the compressed bytes claim. What follows the compressed stream is an error,
//! never silently dropped or kept.

use std::io::BufRead;
use std::io::Read;
use std::io::Write;

use bytes::Bytes;

use crate::gateway::admission::Grant;
use crate::gateway::answer::Refusal;
use crate::gateway::compute;
use crate::gateway::compute::Pace;

/// A compression of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 1950; HTTP calls it `deflate`.
    Zlib,
}

/// A request as it came in, compressed.
#[derive(Clone)]
pub struct Packed {
    /// How.
    pub coding: Coding,
    /// The compressed bytes, which hold nothing but the request.
    pub bytes: Bytes,
}

/// How many bytes are decompressed between two looks at the limits.
const STEP_BYTES: usize = 256 * 1024;

/// The largest window of a zstd frame, as a power of two: 8 MiB, which RFC 8878
/// (3.1.1.1.2) says every decoder should support. A frame may claim gigabytes.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

impl std::fmt::Debug for Packed {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (coding, bytes) = (self.coding, self.bytes.len());
        f.debug_struct("Packed").field("coding", &coding).field("bytes", &bytes).finish()
    }
}

impl Coding {
    /// The name in `grpc-encoding` and `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zlib => "deflate",
        }
    }

    /// Decompresses `packed` into at most `bytes_max` bytes, and has `grant` grow
    /// with what is decompressed.
    ///
    /// # Errors
    ///
    /// When it is broken, cut, larger than `bytes_max`, or there is no room.
    pub fn decompress(
        self,
        packed: &[u8],
        bytes_max: usize,
        grant: &mut Grant,
    ) -> Result<Bytes, Refusal> {
        match self {
            // Several members are one stream (RFC 1952, 2.2).
            Self::Gzip => drain(flate2::bufread::MultiGzDecoder::new(packed), bytes_max, grant),
            Self::Zlib => {
                let mut decoder = flate2::bufread::ZlibDecoder::new(packed);
                let bytes = drain(&mut decoder, bytes_max, grant)?;
                if !decoder.into_inner().fill_buf().unwrap_or_default().is_empty() {
                    return Err(Refusal::Unreadable { what: "bytes after the compressed body" });
                }
                Ok(bytes)
            }
            Self::Zstd => {
                if packed.is_empty() {
                    return Err(BROKEN);
                }
                let mut decoder =
                    zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| BROKEN)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| BROKEN)?;
                drain(decoder, bytes_max, grant)
            }
        }
    }

    /// [`Self::decompress`], on a thread of its own where there is much to do. The
    /// compressed bytes come back where they may be sent on in place of the
    /// others.
    ///
    /// # Errors
    ///
    /// As [`Self::decompress`].
    pub async fn unpack(
        self,
        packed: Bytes,
        bytes_max: usize,
        mut grant: Grant,
    ) -> Result<(Bytes, Option<Packed>, Grant), Refusal> {
        // Decompressing costs what comes out, commonly eight times what goes in.
        let bytes = packed.len().saturating_mul(8);
        compute::run(Pace::Fast, bytes, move || {
            let bytes = self.decompress(&packed, bytes_max, &mut grant)?;
            let packed = self.is_bare(&packed).then_some(Packed { coding: self, bytes: packed });
            Ok((bytes, packed, grant))
        })
        .await?
    }

    /// Whether compressed bytes hold nothing that decompressing does not show.
    ///
    /// A gzip header can hold a file name and a comment, and zstd has frames that
    /// decoders skip: places where a credential would travel unseen.
    fn is_bare(self, packed: &[u8]) -> bool {
        match (self, packed) {
            // RFC 1952, 2.3: magic, deflate, no flags, and one member: a
            // second could have flags again.
            (Self::Gzip, [0x1f, 0x8b, 8, 0, rest @ ..]) => {
                memchr::memmem::find(rest, &[0x1f, 0x8b, 8]).is_none()
            }
            // RFC 8878, 3.1.2: a skippable frame starts with 0x184D2A5?.
            (Self::Zstd, [0x28, 0xb5, 0x2f, 0xfd, rest @ ..]) => {
                memchr::memmem::find_iter(rest, &[0x2a, 0x4d, 0x18]).next().is_none()
            }
            _ => false,
        }
    }

    /// Compresses `bytes`. `level` is the one of the coding; `None` is fast.
    pub fn compress(self, bytes: &[u8], level: Option<i32>) -> Bytes {
        // Telemetry repeats itself: the fast levels come close to the best, and
        // compression is the dearest thing that the gateway does.
        let level = level.unwrap_or(1);
        let packed = match self {
            Self::Gzip => {
                let out = Vec::with_capacity(bytes.len() / 4 + 64);
                let mut encoder = flate2::write::GzEncoder::new(out, deflate_level(level));
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Self::Zlib => {
                let out = Vec::with_capacity(bytes.len() / 4 + 64);
                let mut encoder = flate2::write::ZlibEncoder::new(out, deflate_level(level));
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Self::Zstd => zstd::bulk::compress(bytes, level),
        };
        packed.map(Bytes::from).expect("writing to memory does not fail")
    }
}

const BROKEN: Refusal = Refusal::Unreadable { what: "broken compressed body" };

fn deflate_level(level: i32) -> flate2::Compression {
    flate2::Compression::new(u32::try_from(level).unwrap_or(1).min(9))
}

fn drain(mut from: impl Read, bytes_max: usize, grant: &mut Grant) -> Result<Bytes, Refusal> {
    let mut out = Vec::new();
    loop {
        // One byte more than the limit, so that reaching it can be told from
        // passing it.
        let room = bytes_max.saturating_add(1).saturating_sub(out.len());
        let step = room.min(STEP_BYTES);
        let read = from.by_ref().take(step as u64).read_to_end(&mut out).map_err(|_| BROKEN)?;
        if bytes_max < out.len() {
            return Err(Refusal::TooLarge { max: bytes_max });
        }
        grant.grow_by(read)?;
        if read < step {
            return Ok(out.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::admission::Budget;

    const CODINGS: [Coding; 3] = [Coding::Gzip, Coding::Zstd, Coding::Zlib];

    fn grant() -> Grant {
        Budget::new(1 << 30).admit(0).expect("there is room")
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|n| (n / 7) as u8).collect();
        for coding in CODINGS {
            let packed = coding.compress(&bytes, None);
            assert_eq!(coding.decompress(&packed, 1_000_000, &mut grant()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        for coding in CODINGS {
            let packed = coding.compress(&vec![0; 8 << 20], None);
            let refusal = coding.decompress(&packed, 1 << 20, &mut grant()).unwrap_err();
            assert_eq!(refusal, Refusal::TooLarge { max: 1 << 20 }, "{coding:?}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_budget() {
        for coding in CODINGS {
            let packed = coding.compress(&vec![0; 8 << 20], None);
            let mut grant = Budget::new(1 << 20).admit(0).expect("there is room");
            let refusal = coding.decompress(&packed, 1 << 30, &mut grant).unwrap_err();
            assert_eq!(refusal, Refusal::TooLarge { max: 1 << 20 }, "{coding:?}");
        }
    }

    #[test]
    fn broken_cut_and_trailing_bytes_are_refused() {
        for coding in CODINGS {
            let packed = coding.compress(b"a request that is long enough to be cut", None);
            for len in 0..packed.len() {
                let cut = coding.decompress(&packed[..len], 1000, &mut grant());
                assert!(cut.is_err(), "{coding:?} cut at {len}");
            }
            let trailing = [&packed[..], b"junk"].concat();
            assert!(coding.decompress(&trailing, 1000, &mut grant()).is_err(), "{coding:?}");
        }
    }
}
