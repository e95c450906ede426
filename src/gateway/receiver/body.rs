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

/// A body that is being read.
pub struct Reader {
    body: Incoming,
    /// Read and not yet taken.
    held: Pieces,
    limit: Duration,
    deadline: Instant,
}

impl Reader {
    /// A reader that gives up when `limit` has passed.
    pub fn new(body: Incoming, limit: Duration) -> Self {
        Self { body, held: Pieces::default(), limit, deadline: Instant::now() + limit }
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

    /// What is left, of at most `bytes_max` bytes. `grant` grows with it beyond the
    /// `granted` bytes that it stands for already.
    ///
    /// # Errors
    ///
    /// When there is more, there is no room, or the sender is too slow or goes away.
    pub async fn rest(
        &mut self,
        bytes_max: usize,
        mut granted: usize,
        grant: &mut Grant,
    ) -> Result<Bytes, Refusal> {
        let hint = granted.min(bytes_max);
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
            let frame = timeout_at(self.deadline, self.body.frame())
                .await
                .map_err(|_| Refusal::TooSlow { limit: self.limit })?;
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(Refusal::Unreadable { what: "body ends too early" }),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => return Ok(Some(piece)),
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
