//! A pipe in memory: bounded, without helper tasks, and nothing is lost when the writer ends.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

/// Bytes that a pipe holds before its writer waits. Against a producer that nobody reads.
pub(super) const CAPACITY: usize = 64 << 10;

/// Writes below this are joined, so that a writer of lines does not make an allocation a line.
const SMALL: usize = 1 << 10;

/// What small writes are joined into.
const JOINED: usize = 16 << 10;

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Bytes>,
    /// Small writes that are not in the queue yet; they come after it.
    tail: Vec<u8>,
    length: usize,
    reader_gone: bool,
    writer_gone: bool,
    readers: Vec<Waker>,
    writers: Vec<Waker>,
}

impl Inner {
    fn flush_tail(&mut self) {
        if !self.tail.is_empty() {
            self.queue.push_back(std::mem::take(&mut self.tail).into());
        }
    }
}

/// Wakes whoever waits, after the lock is given back: a task that wakes on another processor at
/// once asks for it.
fn wake(inner: MutexGuard<'_, Inner>, wakers: Vec<Waker>) {
    drop(inner);
    wakers.into_iter().for_each(Waker::wake);
}

fn park(wakers: &mut Vec<Waker>, context: &Context<'_>) {
    if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
        wakers.push(context.waker().clone());
    }
}

/// The end to read. Dropping it tells the writer.
#[derive(Debug)]
pub(super) struct Reader(Arc<Mutex<Inner>>);

/// The end to write. Dropping it ends the stream.
#[derive(Debug)]
pub(super) struct Writer(Arc<Mutex<Inner>>);

/// The reader is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

pub(super) fn pipe() -> (Reader, Writer) {
    let inner = Arc::<Mutex<Inner>>::default();
    (Reader(inner.clone()), Writer(inner))
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.reader_gone = true;
        inner.queue.clear();
        inner.tail = Vec::new();
        inner.length = 0;
        let wakers = std::mem::take(&mut inner.writers);
        wake(inner, wakers);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.writer_gone = true;
        let wakers = std::mem::take(&mut inner.readers);
        wake(inner, wakers);
    }
}

impl Reader {
    /// What is there, up to `most` bytes and not past the first `delimiter`. `None` when it would
    /// have to wait; empty at the end.
    pub(super) fn try_read(&self, most: usize, delimiter: Option<u8>) -> Option<Bytes> {
        let mut inner = self.0.lock();
        if inner.queue.is_empty() {
            inner.flush_tail();
        }
        let Some(mut front) = inner.queue.pop_front() else {
            return inner.writer_gone.then(Bytes::new);
        };
        let mut length = front.len().min(most);
        if let Some(delimiter) = delimiter
            && let Some(at) = memchr::memchr(delimiter, &front[..length])
        {
            length = at + 1;
        }
        let data = front.split_to(length);
        if !front.is_empty() {
            inner.queue.push_front(front);
        }
        inner.length -= length;
        let wakers = std::mem::take(&mut inner.writers);
        wake(inner, wakers);
        Some(data)
    }

    pub(super) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.0.lock();
        if inner.length > 0 || inner.writer_gone {
            return Poll::Ready(());
        }
        park(&mut inner.readers, context);
        Poll::Pending
    }

    pub(super) async fn ready(&self) {
        poll_fn(|context| self.poll_ready(context)).await;
    }
}

impl Writer {
    /// Bytes that can be written without waiting.
    pub(super) fn room(&self) -> Result<usize, Broken> {
        let inner = self.0.lock();
        if inner.reader_gone {
            return Err(Broken);
        }
        Ok(CAPACITY.saturating_sub(inner.length))
    }

    /// Takes all of `data`; the caller has asked whether there is room.
    pub(super) fn push(&self, data: Bytes) -> Result<(), Broken> {
        let mut inner = self.0.lock();
        if inner.reader_gone {
            return Err(Broken);
        }
        if data.is_empty() {
            return Ok(());
        }
        inner.length += data.len();
        if data.len() < SMALL && inner.tail.len() + data.len() <= JOINED {
            inner.tail.extend_from_slice(&data);
        } else {
            inner.flush_tail();
            inner.queue.push_back(data);
        }
        let wakers = std::mem::take(&mut inner.readers);
        wake(inner, wakers);
        Ok(())
    }

    pub(super) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.0.lock();
        if inner.length < CAPACITY || inner.reader_gone {
            return Poll::Ready(());
        }
        park(&mut inner.writers, context);
        Poll::Pending
    }

    pub(super) async fn ready(&self) {
        poll_fn(|context| self.poll_ready(context)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_writer_waits_and_nothing_is_lost() {
        let (reader, writer) = pipe();
        writer.push(vec![1; CAPACITY].into()).unwrap();
        assert_eq!(writer.room(), Ok(0));
        let waiting = tokio::spawn(async move {
            writer.ready().await;
            writer.push(Bytes::from_static(b"line\nrest")).unwrap();
        });
        assert_eq!(reader.try_read(CAPACITY, None).unwrap().len(), CAPACITY);
        waiting.await.unwrap();
        assert_eq!(&reader.try_read(100, Some(b'\n')).unwrap()[..], b"line\n");
        assert_eq!(&reader.try_read(100, None).unwrap()[..], b"rest");
        assert!(reader.try_read(100, None).unwrap().is_empty());
    }

    #[test]
    fn a_reader_that_is_gone_breaks_the_pipe() {
        let (reader, writer) = pipe();
        assert_eq!(reader.try_read(1, None), None);
        drop(reader);
        assert_eq!(writer.push(Bytes::from_static(b"x")), Err(Broken));
    }
}
