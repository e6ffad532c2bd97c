//! A web server that misbehaves on purpose.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The behaviour of a server.
#[derive(Clone, Default)]
pub(crate) struct Manners {
    /// The served bytes.
    pub(crate) body: Vec<u8>,
    /// Closes the connection after this many bytes of each body.
    pub(crate) cut_after: Option<usize>,
    /// Whether it can resume in the middle.
    pub(crate) resumes: bool,
    /// Answers with this status and nothing else, this many times at most.
    pub(crate) refuses: Option<(u16, usize)>,
    /// Redirects every request first.
    pub(crate) redirects: bool,
}

/// A server on this machine until the test's process ends.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(manners: Manners) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/linux.tar", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Some tests are about clients that close the connection.
                let _ = answer(stream.unwrap(), &manners, &log);
            }
        });
        Server { url, requests }
    }

    /// Returns, for every request so far, its path and the value of `Range`, or `CONNECT` and the host.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, manners: &Manners, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut stream = stream;
    let (mut method, mut path, mut range) = read_request(&mut lines)?;
    if method == "CONNECT" {
        log.lock().unwrap().push(format!("CONNECT {path}"));
        write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
        (method, path, range) = read_request(&mut lines)?;
    }
    assert_eq!(method, "GET");
    let n_before = log.lock().unwrap().len();
    log.lock().unwrap().push(format!("{path} {range}").trim().to_owned());
    if let Some((status, times)) = manners.refuses
        && n_before < times
    {
        return write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    if manners.redirects && path != "/elsewhere" {
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let whole = manners.body.len();
    let start: usize =
        range.strip_prefix("bytes=").and_then(|from| from.trim_end_matches('-').parse().ok()).unwrap_or(0);
    let start = if manners.resumes { start } else { 0 };
    if start > 0 && start >= whole {
        return write!(stream, "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let body = &manners.body[start..];
    if start > 0 {
        write!(stream, "HTTP/1.1 206 Partial\r\nContent-Range: bytes {start}-{}/{whole}\r\n", whole - 1)?;
    } else {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
    }
    write!(stream, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body[..manners.cut_after.unwrap_or(usize::MAX).min(body.len())])
}

/// Returns the method, the path and the value of `Range`.
fn read_request(lines: &mut Lines<BufReader<TcpStream>>) -> std::io::Result<(String, String, String)> {
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut words = request.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut range = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("range")
        {
            range = value.trim().to_owned();
        }
    }
    Ok((method, path, range))
}
