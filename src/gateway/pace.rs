//! A socket that doesn't wait for ever for a client to read.
//!
//! A client that reads slowly sets the pace of the service too, which is right; one that doesn't read at all, or a byte
//! now and then, holds a place and a connection that others need, so its connection is closed.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::clock::{Clock, Moment, Wait};

/// How slow is too slow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// No byte taken for so long.
    pub(super) stall: Duration,
    /// Fewer bytes a second than this, over a whole `stall` of waiting.
    pub(super) bytes_per_second: u64,
}

/// A socket with patience.
pub(super) struct Paced<S> {
    socket: S,
    patience: Patience,
    clock: Arc<dyn Clock>,
    /// Since when the client has taken nothing, and the end of that.
    stalled: Option<(Moment, Wait)>,
    /// Time waited and bytes taken since the pace was last looked at.
    waited: Duration,
    taken: u64,
}

impl<S> Paced<S> {
    pub(super) fn new(socket: S, patience: Patience, clock: Arc<dyn Clock>) -> Self {
        Self { socket, patience, clock, stalled: None, waited: Duration::ZERO, taken: 0 }
    }

    /// Looks at the pace after a write.
    fn judge(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let now = self.clock.now();
        match written {
            Poll::Pending => {
                let end = now.plus(self.patience.stall);
                let (_, stalled) = self.stalled.get_or_insert_with(|| (now, self.clock.reach(end)));
                ready!(stalled.as_mut().poll(context));
                Poll::Ready(Err(too_slow()))
            }
            Poll::Ready(Ok(bytes)) => {
                if let Some((since, _)) = self.stalled.take() {
                    self.waited += now.since(since);
                }
                self.taken += bytes as u64;
                if self.waited < self.patience.stall {
                    return Poll::Ready(Ok(bytes));
                }
                let needed = self.patience.bytes_per_second as f64 * self.waited.as_secs_f64();
                if (self.taken as f64) < needed {
                    return Poll::Ready(Err(too_slow()));
                }
                (self.waited, self.taken) = (Duration::ZERO, 0);
                Poll::Ready(Ok(bytes))
            }
            failed => failed,
        }
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly")
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let paced = self.get_mut();
        let written = Pin::new(&mut paced.socket).poll_write(context, bytes);
        paced.judge(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let paced = self.get_mut();
        let written = Pin::new(&mut paced.socket).poll_write_vectored(context, pieces);
        paced.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::clock::VirtualClock;

    const PATIENCE: Patience = Patience { stall: Duration::from_secs(60), bytes_per_second: 1024 };

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (near, mut far) = tokio::io::duplex(1000);
        let clock = VirtualClock::new();
        let mut paced = Paced::new(near, PATIENCE, Arc::new(clock.clone()));
        paced.write_all(&[0; 1000]).await.unwrap();
        // As long as it takes something in time, and enough in all, it is waited for.
        let mut taken = [0; 1000];
        for _ in 0..5 {
            let reading = async {
                clock.advance(Duration::from_millis(500));
                far.read_exact(&mut taken).await
            };
            let (written, _) = tokio::join!(paced.write_all(&[0; 1000]), reading);
            written.unwrap();
        }
        let ageing = async {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(61));
            std::future::pending::<()>().await;
        };
        let error = tokio::select! { written = paced.write_all(&[0; 1]) => written.unwrap_err(), () = ageing => unreachable!() };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_takes_a_byte_now_and_then_is_given_up_too() {
        let (near, mut far) = tokio::io::duplex(10);
        let clock = VirtualClock::new();
        let mut paced = Paced::new(near, PATIENCE, Arc::new(clock.clone()));
        let trickle = async {
            for _ in 0..20 {
                tokio::task::yield_now().await;
                clock.advance(Duration::from_secs(6));
                if far.read_u8().await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        let error = tokio::select! { written = paced.write_all(&[0; 100]) => written.unwrap_err(), () = trickle => unreachable!() };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
