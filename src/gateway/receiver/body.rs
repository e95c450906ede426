//! Reads the body of a request: under a limit, in time, without a copy where it
//! arrives in one piece.

use std::time::Duration;

use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::gateway::admission::Grant;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::Slowness;
use crate::gateway::receiver::limits::Limits;

/// A body that is being read.
pub struct Reader {
    body: Incoming,
    /// Read and not yet taken.
    held: Pieces,
    limit: Duration,
    deadline: Instant,
    speed: Speed,
    /// Bytes that arrived so far.
    arrived: usize,
}

/// How fast a body must arrive.
#[derive(Clone, Copy)]
struct Speed {
    /// When it begins to count.
    from: Instant,
    bytes_per_second_min: u32,
}

impl Speed {
    /// Until when the next byte must be there after `arrived` bytes.
    fn due(self, arrived: usize) -> Option<Instant> {
        let rate = f64::from(self.bytes_per_second_min);
        let seconds = Duration::try_from_secs_f64(arrived as f64 / rate).ok()?;
        self.from.checked_add(seconds)
    }
}

impl Reader {
    /// A reader that gives up when `limit` has passed, or the body comes more slowly
    /// than `limits` allow.
    pub fn new(body: Incoming, limit: Duration, limits: &Limits) -> Self {
        let now = Instant::now();
        let speed = Speed {
            from: now + limits.body_grace.0,
            bytes_per_second_min: limits.body_bytes_per_second_min,
        };
        let held = Pieces::default();
        Self { body, held, limit, deadline: now + limit, speed, arrived: 0 }
    }

    /// Exactly `len` bytes; `None` when the body ends before.
    ///
    /// # Errors
    ///
    /// When the sender is too slow or goes away.
    pub async fn take(&mut self, len: usize) -> Result<Option<Bytes>, Refusal> {
        while self.held.len() < len {
            let Some(piece) = self.next().await? else { return Ok(None) };
            self.held.push(piece, len);
        }
        Ok(Some(self.held.take(len)))
    }

    /// Exactly `len` bytes; `None` when the body ends before. `grant` grows with what
    /// arrives beyond the `granted` bytes that it stands for already.
    ///
    /// # Errors
    ///
    /// When there is no room, or the sender is too slow or goes away.
    pub async fn admitted(
        &mut self,
        len: usize,
        mut granted: usize,
        grant: &mut Grant,
    ) -> Result<Option<Bytes>, Refusal> {
        while self.held.len() < len {
            let Some(piece) = self.next().await? else { return Ok(None) };
            let arrived = (self.held.len() + piece.len()).min(len);
            if granted < arrived {
                grant.grow_by(arrived - granted)?;
                granted = arrived;
            }
            self.held.push(piece, len);
        }
        Ok(Some(self.held.take(len)))
    }

    /// What is left, of at most `bytes_max` bytes; the sender said that it is
    /// `announced`. `grant` grows with it beyond the
    /// `granted` bytes that it stands for already.
    ///
    /// # Errors
    ///
    /// When there is more, there is no room, or the sender is too slow or goes away.
    pub async fn rest(
        &mut self,
        bytes_max: usize,
        announced: usize,
        mut granted: usize,
        grant: &mut Grant,
    ) -> Result<Bytes, Refusal> {
        let hint = announced.min(bytes_max);
        while let Some(piece) = self.next().await? {
            let len = self.held.len() + piece.len();
            if bytes_max < len {
                return Err(Refusal::TooLarge { max: bytes_max });
            }
            if granted < len {
                grant.grow_by(len - granted)?;
                granted = len;
            }
            self.held.push(piece, hint);
        }
        Ok(self.held.take(self.held.len()))
    }

    /// Whether nothing is left.
    ///
    /// # Errors
    ///
    /// When the sender is too slow or goes away.
    pub async fn is_at_end(&mut self) -> Result<bool, Refusal> {
        Ok(self.held.len() == 0 && self.next().await?.is_none())
    }

    /// Reads and throws away what is left, up to `bytes_max` and for at most
    /// `time_max`.
    pub async fn discard(&mut self, bytes_max: usize, time_max: Duration) {
        self.deadline = self.deadline.min(Instant::now() + time_max);
        let mut read = 0;
        while let Ok(Some(piece)) = self.next().await {
            read += piece.len();
            if bytes_max < read {
                break;
            }
        }
    }

    /// The next piece that is not empty.
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let due = self.speed.due(self.arrived).filter(|due| *due < self.deadline);
            let limit = match due {
                Some(_) => Slowness::Rate(self.speed.bytes_per_second_min),
                None => Slowness::Whole(self.limit),
            };
            let frame = timeout_at(due.unwrap_or(self.deadline), self.body.frame())
                .await
                .map_err(|_| Refusal::TooSlow { limit })?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(Refusal::Unreadable { what: "body ends too early" }),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => {
                        self.arrived = self.arrived.saturating_add(piece.len());
                        return Ok(Some(piece));
                    }
                    Ok(_) | Err(_) => {}
                },
            }
        }
    }
}

/// Bytes in the order in which they arrived: one piece as it came, or several
/// that were put together.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    joined: Option<BytesMut>,
}

impl Pieces {
    fn len(&self) -> usize {
        self.joined.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    /// `hint`: how many bytes there will be at least.
    fn push(&mut self, piece: Bytes, hint: usize) {
        if let Some(joined) = &mut self.joined {
            joined.extend_from_slice(&piece);
        } else if self.first.is_empty() {
            self.first = piece;
        } else {
            let len = self.first.len() + piece.len();
            let mut joined = BytesMut::with_capacity(len.max(hint));
            joined.extend_from_slice(&self.first);
            joined.extend_from_slice(&piece);
            self.first.clear();
            self.joined = Some(joined);
        }
    }

    fn take(&mut self, len: usize) -> Bytes {
        match &mut self.joined {
            None => self.first.split_to(len.min(self.first.len())),
            Some(joined) => {
                let taken = joined.split_to(len.min(joined.len())).freeze();
                if !joined.has_remaining() {
                    self.joined = None;
                }
                taken
            }
        }
    }
}
