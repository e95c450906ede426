//! Has the frames of a request leave together.
//!
//! HTTP/2 writes frame by frame, of 16 KiB where the upstream did not ask for more (RFC 9113,
//! section 4.2), and each write goes through the system's network stack as a packet of its
//! own. So the system is told of each long write that more will follow (`MSG_MORE`, tcp(7)),
//! and joins them. What it still holds when the connection's task has nothing more to write
//! is sent at once: no byte waits for one that may not come.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;

use hyper::rt::Executor;
use rustix::net::SendAncillaryBuffer;
use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// From which length on a write is one of many, mostly: that of the longest frame that every
/// peer takes.
const LEN_MIN: usize = 16 * 1024;

/// What is said of every write, and of one behind which more follows, where there are such
/// flags.
#[cfg(target_os = "linux")]
const FLAGS: [SendFlags; 2] = [SendFlags::NOSIGNAL, SendFlags::NOSIGNAL.union(SendFlags::MORE)];
#[cfg(not(target_os = "linux"))]
const FLAGS: [SendFlags; 2] = [SendFlags::empty(); 2];

thread_local! {
    /// The connections on which the task at hand wrote something that the system may hold.
    static HELD: RefCell<Vec<Arc<Held>>> = const { RefCell::new(Vec::new()) };
}

/// A connection whose long writes are joined.
pub(in crate::gateway::connect) struct Held {
    /// A second descriptor of the socket.
    socket: OwnedFd,
    is_held: AtomicBool,
}

impl Held {
    /// `None` where the system has no descriptor left: nothing is joined then.
    pub(in crate::gateway::connect) fn new(stream: &TcpStream) -> Option<Arc<Self>> {
        let socket = stream.as_fd().try_clone_to_owned().ok()?;
        Some(Arc::new(Self { socket, is_held: AtomicBool::new(false) }))
    }

    /// Writes, and says of a long write that more follows.
    pub(in crate::gateway::connect) fn poll_write(
        self: &Arc<Self>,
        stream: &TcpStream,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let is_long = LEN_MIN <= bufs.iter().map(|buf| buf.len()).sum();
        let [usual, more] = FLAGS;
        let flags = if is_long { more } else { usual };
        loop {
            std::task::ready!(stream.poll_write_ready(cx))?;
            let written = stream.try_io(Interest::WRITABLE, || {
                let mut nothing = SendAncillaryBuffer::default();
                Ok(rustix::net::sendmsg(&self.socket, bufs, &mut nothing, flags)?)
            });
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => {
                    self.hold(is_long);
                    return Poll::Ready(written);
                }
            }
        }
    }

    /// Takes note of whether the system may hold what was written. What is written without
    /// that flag sends what was held before.
    fn hold(self: &Arc<Self>, is_held: bool) {
        if !self.is_held.swap(is_held, Ordering::Relaxed) && is_held {
            HELD.with_borrow_mut(|held| held.push(Arc::clone(self)));
        }
    }

    /// Has the system send what it holds.
    fn send(&self) {
        if self.is_held.swap(false, Ordering::Relaxed) {
            // Setting it sends, even where it was set (tcp(7)). It fails where the connection
            // is gone.
            let _ = rustix::net::sockopt::set_tcp_nodelay(&self.socket, true);
        }
    }
}

/// Runs tasks, and sends what their connections hold whenever they wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendingExecutor;

impl<F> Executor<F> for SendingExecutor
where
    F: Future<Output = ()> + Send + Unpin + 'static,
{
    fn execute(&self, task: F) {
        tokio::spawn(Sending(task));
    }
}

struct Sending<F>(F);

impl<F: Future + Unpin> Future for Sending<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let polled = Pin::new(&mut self.0).poll(cx);
        HELD.with_borrow_mut(|held| held.drain(..).for_each(|held| held.send()));
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn what_is_written_arrives_whole_and_nothing_is_held_when_a_task_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        let held = Held::new(&near).unwrap();
        let (lens, seen) = ([LEN_MIN, 9 + LEN_MIN, 5, LEN_MIN], Arc::clone(&held));
        let task = Sending(Box::pin(async move {
            for (number, len) in lens.into_iter().enumerate() {
                let bytes = vec![number as u8; len];
                let (head, body) = bytes.split_at(len / 3);
                let bufs = [io::IoSlice::new(head), io::IoSlice::new(body)];
                let written = std::future::poll_fn(|cx| held.poll_write(&near, cx, &bufs)).await;
                assert_eq!(written.unwrap(), len);
                assert_eq!(held.is_held.load(Ordering::Relaxed), LEN_MIN <= len);
            }
            near
        }));
        let _near = task.await;
        assert!(!seen.is_held.load(Ordering::Relaxed));
        let mut arrived = vec![0; lens.into_iter().sum()];
        far.read_exact(&mut arrived).await.unwrap();
        let expected: Vec<u8> =
            lens.into_iter().enumerate().flat_map(|(n, len)| vec![n as u8; len]).collect();
        assert!(arrived == expected);
    }
}
