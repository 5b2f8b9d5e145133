//! The stream that lettre speaks over: ours, so that we know what was handed to it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A relay says no more than this in one conversation; lettre would keep a line of any length.
const HEARD: usize = 1 << 20;
/// What ends a message; lettre writes it by itself. In a body it cannot stand: dots at the start of a line are doubled.
const END: &[u8] = b"\r\n.\r\n";

/// Whether the end of the message was handed to the connection, even in part.
#[derive(Debug, Clone, Default)]
pub(super) struct HandedOver {
    expected: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
}

impl HandedOver {
    /// From here on, the body is written.
    pub(super) fn expect_end(&self) {
        self.expected.store(true, Ordering::SeqCst);
    }

    /// Whether the relay may have the end.
    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    fn saw(&self, bytes: &[u8]) {
        if self.expected.load(Ordering::SeqCst) && bytes == END {
            self.ended.store(true, Ordering::SeqCst);
        }
    }
}

/// A connection that is watched. After STARTTLS, a relay does not greet again, but lettre waits for a greeting: `greeting`
/// is read before anything else.
pub(super) struct Watched<S> {
    pub(super) inner: S,
    pub(super) peer: SocketAddr,
    pub(super) greeting: &'static [u8],
    pub(super) handed_over: HandedOver,
    /// Bytes that were read so far.
    pub(super) heard: usize,
}

impl<S> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Watched<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, later) = self.greeting.split_at(self.greeting.len().min(out.remaining()));
            out.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        let before = out.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, out);
        self.heard += out.filled().len() - before;
        if self.heard > HEARD {
            return Poll::Ready(Err(io::Error::other("the relay does not stop talking")));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Ok(count)) if count > 0) {
            self.handed_over.saw(bytes);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
