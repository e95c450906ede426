//! The bytes of a connection, between its stream and the HTTP library.
//!
//! The library keeps its buffers for as long as a connection lives: 16 KiB and more over
//! HTTP/1, 28 KiB over HTTP/2. Who says nothing needs none of them. So a connection can
//! rest: what the library has of it is dropped, the stream comes back from there, and when
//! the peer speaks again the library gets the stream anew.
//!
//! Between two requests over HTTP/1 there is nothing to remember but what came with the end
//! of the first; the library has it and gives it back. Before the first request
//! there is what the peer said so far, which is kept here while it is short, and read
//! again. Over HTTP/2 that was answered as well (settings, pings): the same bytes get the
//! same answer, of which what was said already is not said again. Once a request was made
//! over HTTP/2, a connection does not rest any more: compression tables, windows and
//! numbers of streams cannot be had back from the library.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::gateway::receiver::heads::Heads;
use crate::gateway::receiver::spoken::Served;
use crate::gateway::tls::Stream;

/// How much a peer may have said before its first request, for its connection to rest.
const HEARD_BYTES_MAX: usize = 512;

/// A connection that rests.
pub(in crate::gateway::receiver) struct Resting {
    stream: Stream,
    /// What the library is to read before the stream.
    heard: Vec<u8>,
    /// How much of it the library had read before the rest, and how many bytes it wrote
    /// when it had.
    answered: usize,
    said: usize,
}

impl Resting {
    pub(in crate::gateway::receiver) fn new(stream: Stream) -> Self {
        Self { stream, heard: Vec::new(), answered: 0, said: 0 }
    }

    /// Waits until the peer says something or goes away. Which of them, the library finds
    /// out again.
    pub(in crate::gateway::receiver) async fn wait(&mut self) {
        let mut first = [0];
        if let Ok(1) = self.stream.read(&mut first).await {
            self.heard.extend(first);
        }
    }

    /// Whether the peer has said nothing so far.
    pub(in crate::gateway::receiver) fn is_new(&self) -> bool {
        self.heard.is_empty()
    }

    /// Ends the rest: what the library reads and writes, and how to have it back. Over
    /// HTTP/2 the peer's heads are at most `head_bytes_max` long.
    pub(in crate::gateway::receiver) fn wake(
        self,
        is_h2: bool,
        head_bytes_max: u32,
    ) -> (Line, Arc<Back>) {
        let back = Arc::new(Back::default());
        let mut heads = is_h2.then(|| Heads::new(head_bytes_max));
        if let Some(heads) = &mut heads {
            // It was within the limit when it was heard.
            heads.admit(&self.heard);
        }
        let line = Line {
            stream: Some(self.stream),
            heard: self.heard,
            reread: 0,
            answered: self.answered,
            is_heard_whole: true,
            said: self.said,
            unsaid: self.said,
            reader: None,
            is_blocked: false,
            is_ending: false,
            heads,
            is_h2,
            back: Arc::clone(&back),
        };
        back.is_caught_up.store(line.unsaid == 0, Ordering::Relaxed);
        line.note();
        (line, back)
    }
}

/// When a connection may rest, as far as its bytes say so.
#[derive(Clone, Copy)]
enum May {
    Never,
    /// As long as no request was made.
    Unused,
    /// Whenever no request is under way.
    Idle,
}

/// The way back from the library.
pub(in crate::gateway::receiver) struct Back {
    may: AtomicU8,
    is_caught_up: AtomicBool,
    is_flooded: AtomicBool,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    is_wanted: bool,
    resting: Option<Resting>,
}

impl Default for Back {
    fn default() -> Self {
        Self {
            may: AtomicU8::new(May::Never as u8),
            is_caught_up: AtomicBool::new(false),
            is_flooded: AtomicBool::new(false),
            place: Mutex::default(),
        }
    }
}

impl Back {
    /// Whether the connection may rest while no request is under way; `is_used`: whether
    /// there was one.
    pub(in crate::gateway::receiver) fn may_rest(&self, is_used: bool) -> bool {
        let least = if is_used { May::Idle } else { May::Unused };
        least as u8 <= self.may.load(Ordering::Relaxed)
    }

    /// Whether the library has said again what it said before the rest. Until then it must
    /// not be told anything that makes it say more.
    pub(in crate::gateway::receiver) fn is_caught_up(&self) -> bool {
        self.is_caught_up.load(Ordering::Relaxed)
    }

    /// Whether a head of the peer went on for too long.
    pub(in crate::gateway::receiver) fn is_flooded(&self) -> bool {
        self.is_flooded.load(Ordering::Relaxed)
    }

    /// Drops what the library has of the connection, and takes the stream from it.
    pub(in crate::gateway::receiver) fn take(&self, connection: Served) -> Option<Resting> {
        self.place().is_wanted = true;
        let unread = connection.let_go();
        let resting = self.place().resting.take()?;
        Some(match unread {
            None => resting,
            // What came with the end of a request that is answered by now.
            Some(unread) => Resting { answered: unread.len(), heard: unread.into(), ..resting },
        })
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the library reads and writes.
pub(in crate::gateway::receiver) struct Line {
    /// Taken when it is dropped.
    stream: Option<Stream>,
    /// What the peer said: over HTTP/1 since the last answer, over HTTP/2 at all.
    heard: Vec<u8>,
    /// How much of it the library has read, of what was heard before a rest.
    reread: usize,
    /// How much of it was answered before a rest: what comes after is not read before that
    /// was said again, for the library may answer in another order what it reads at once.
    answered: usize,
    /// Who waits to read it.
    reader: Option<Waker>,
    /// Whether `heard` is all of it.
    is_heard_whole: bool,
    /// How many bytes were said; counted over HTTP/2 only.
    said: usize,
    /// How many of the next bytes were said already.
    unsaid: usize,
    /// Whether something that is to be written waits for the peer.
    is_blocked: bool,
    /// Whether the library ends it.
    is_ending: bool,
    /// Watches what the peer says over HTTP/2.
    heads: Option<Heads>,
    is_h2: bool,
    back: Arc<Back>,
}

impl Line {
    /// Tells the other end whether it may rest.
    fn note(&self) {
        let may = if self.is_blocked || self.is_ending || !self.is_heard_whole {
            May::Never
        } else if !self.is_h2 && self.heard.is_empty() {
            // What the library has read beyond the request that was answered, it gives back.
            May::Idle
        } else {
            May::Unused
        };
        self.back.may.store(may as u8, Ordering::Relaxed);
    }

    fn hear(&mut self, bytes: &[u8]) {
        // Over HTTP/2 there is no rest any more once there is a request.
        let is_over = self.heads.as_ref().is_some_and(Heads::has_ended);
        let fits = self.heard.len() + bytes.len() <= HEARD_BYTES_MAX;
        if self.is_heard_whole && fits && !is_over {
            self.heard.extend_from_slice(bytes);
            self.reread = self.heard.len();
        } else {
            self.is_heard_whole = false;
            self.heard = Vec::new();
            (self.reread, self.answered) = (0, 0);
        }
        self.note();
    }

    /// Takes note of `written` of what was to be written.
    fn say(&mut self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.is_blocked = true,
            Poll::Ready(Err(_)) => {}
            Poll::Ready(Ok(len)) => {
                self.is_blocked = false;
                if self.is_h2 {
                    self.said = self.said.saturating_add(*len);
                } else if self.heard.len() <= self.reread {
                    self.heard.clear();
                    (self.reread, self.answered) = (0, 0);
                    self.is_heard_whole = true;
                }
            }
        }
        self.note();
    }

    /// How many of `len` bytes are not to be said again.
    fn skip(&mut self, len: usize) -> Option<usize> {
        let skipped = len.min(self.unsaid);
        self.unsaid -= skipped;
        if self.unsaid == 0 {
            self.back.is_caught_up.store(true, Ordering::Relaxed);
            self.reader.take().into_iter().for_each(Waker::wake);
        }
        (0 < skipped).then_some(skipped)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut Stream>> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(stream))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut place = self.back.place();
        if place.is_wanted
            && let Some(stream) = self.stream.take()
        {
            let mut heard = std::mem::take(&mut self.heard);
            heard.shrink_to_fit();
            let answered = heard.len();
            place.resting = Some(Resting { stream, heard, answered, said: self.said });
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let is_new = line.answered <= line.reread;
        if is_new && 0 < line.unsaid {
            line.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let end = if is_new { line.heard.len() } else { line.answered };
        let again = line.heard.get(line.reread..end).unwrap_or_default();
        if !again.is_empty() {
            let len = again.len().min(buf.remaining());
            buf.put_slice(again.get(..len).unwrap_or_default());
            line.reread += len;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = line.stream()?.poll_read(cx, buf);
        if let Some(bytes @ [_, ..]) = buf.filled().get(before..) {
            if line.heads.as_mut().is_some_and(|heads| !heads.admit(bytes)) {
                line.back.is_flooded.store(true, Ordering::Relaxed);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            line.hear(bytes);
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        if let Some(skipped) = line.skip(bytes.len()) {
            return Poll::Ready(Ok(skipped));
        }
        let written = line.stream()?.poll_write(cx, bytes);
        line.say(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        if let Some(skipped) = line.skip(bufs.iter().map(|buf| buf.len()).sum()) {
            return Poll::Ready(Ok(skipped));
        }
        let written = line.stream()?.poll_write_vectored(cx, bufs);
        line.say(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(Stream::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let flushed = line.stream()?.poll_flush(cx);
        line.is_blocked = flushed.is_pending();
        line.note();
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        // What the peer still says belongs to what was refused, and is no request.
        line.is_ending = true;
        line.note();
        line.stream()?.poll_shutdown(cx)
    }
}
