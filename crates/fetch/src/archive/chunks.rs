//! Bytes from one thread to another.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes per message: large enough that passing them costs nothing.
const CHUNK: usize = 256 << 10;
/// The greatest number of messages in transit, so that a fast sender waits for a slow receiver.
const DEPTH: usize = 16;

pub(crate) type Sender = SyncSender<io::Result<Vec<u8>>>;

/// The receiving end, a reader.
pub(crate) struct Chunks {
    receiver: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
}

/// Returns both ends.
pub(crate) fn channel() -> (Sender, Chunks) {
    let (sender, receiver) = sync_channel(DEPTH);
    (sender, Chunks { receiver, current: Vec::new(), at: 0 })
}

/// Sends all of `reader`, an error included; returns the number of bytes sent, or `None` when the receiver is gone.
pub(crate) fn pump(mut reader: impl Read, sender: &Sender) -> Option<u64> {
    let mut n_sent = 0;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = reader.by_ref().take(CHUNK as u64).read_to_end(&mut chunk);
        // Bytes before an error are valid.
        n_sent += chunk.len() as u64;
        let is_end = chunk.is_empty();
        sender.send(Ok(chunk)).ok()?;
        match read {
            Ok(_) if is_end => return Some(n_sent),
            Ok(_) => {}
            Err(error) => {
                sender.send(Err(error)).ok()?;
                return Some(n_sent);
            }
        }
    }
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.current.len() {
            match self.receiver.recv() {
                Ok(chunk) => {
                    self.current = chunk?;
                    self.at = 0;
                }
                Err(_) => return Ok(&[]),
            }
        }
        Ok(&self.current[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.fill_buf()?.read(buffer)?;
        self.consume(n_read);
        Ok(n_read)
    }
}
