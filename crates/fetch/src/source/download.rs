//! A file from a server, by its hash.
//!
//! A download that was cut off resumes where it stopped when the server can do that, in this run or the next; else it
//! starts again. No file has its final name before its hash was verified.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use kiln_exec::interrupted;
use kiln_store::digest::Sha256;
use kiln_store::{StoreError, make_way};
use ureq::http::{Response, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy};

use super::SourceError;
use crate::context::Fetch;

/// Why a file could not be downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The address is not one that kiln can fetch.
    #[error("cannot fetch {url}: only http, https and file addresses are known")]
    Scheme {
        /// The address.
        url: String,
    },
    /// The proxy of the environment is invalid.
    #[error("cannot use the proxy {proxy}")]
    Proxy {
        /// As it was given.
        proxy: String,
        /// What is wrong with it.
        source: Box<ureq::Error>,
    },
    /// The server answered with an error.
    #[error("cannot fetch {url}: the server answered {status}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server could not be reached, or the connection broke again and again.
    #[error("cannot fetch {url}{}", after(*n_bytes))]
    Broken {
        /// The address.
        url: String,
        /// The number of bytes received.
        n_bytes: u64,
        /// The error of the last attempt.
        source: io::Error,
    },
}

/// How many attempts in a row may bring nothing new.
const MAX_IDLE_ATTEMPTS: u32 = 4;
/// The longest time without an answer from a server.
const PATIENCE: Duration = Duration::from_secs(60);
const CHUNK: usize = 128 << 10;
const TICK: Duration = Duration::from_millis(100);
/// The file in which Debian and others keep the certificates that this machine trusts.
const HOST_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Returns the path of a file whose hash is `sha256`: the user's own for a `file` address, else one in the store.
pub(super) fn get(fetch: &Fetch<'_>, url: &str, sha256: Sha256) -> Result<PathBuf, SourceError> {
    if let Some(path) = url.strip_prefix("file://") {
        let path = PathBuf::from(percent_decoded(path.strip_prefix("localhost").unwrap_or(path)));
        compare(&path, url, sha256)?;
        return Ok(path);
    }
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(DownloadError::Scheme { url: url.to_owned() }.into());
    }
    let whole = fetch.store.download(&sha256.to_string())?.join(file_name(url));
    let _lock = fetch.store.lock(&format!("download-{sha256}"), "download", fetch.progress)?;
    let mut is_damaged = make_way(&whole).map_err(|source| stored(&whole, source))?;
    if whole.exists() {
        match compare(&whole, url, sha256) {
            Ok(()) => return Ok(whole),
            Err(SourceError::Mismatch { .. }) => is_damaged = true,
            Err(error) => return Err(error),
        }
    }
    if is_damaged {
        fetch.progress.note(&format!("{} in the store is damaged; it is fetched again", whole.display()));
    }
    let mut part = whole.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    make_way(&part).map_err(|source| stored(&part, source))?;
    let had_part = part.exists();
    complete(fetch, url, &part)?;
    let mut compared = compare(&part, url, sha256);
    if had_part && matches!(compared, Err(SourceError::Mismatch { .. })) {
        // The first part may come from another file of that address.
        fs::remove_file(&part).map_err(|source| stored(&part, source))?;
        complete(fetch, url, &part)?;
        compared = compare(&part, url, sha256);
    }
    if let Err(error) = compared {
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    fs::rename(&part, &whole).map_err(|source| stored(&whole, source))?;
    Ok(whole)
}

fn compare(path: &Path, url: &str, expected: Sha256) -> Result<(), SourceError> {
    let found = Sha256::of_file(path);
    interrupted()?;
    let found = found.map_err(|source| SourceError::Path { path: path.to_owned(), source })?;
    if found == expected { Ok(()) } else { Err(SourceError::Mismatch { what: url.to_owned(), expected, found }) }
}

/// Sends requests until all bytes are in `part`.
fn complete(fetch: &Fetch<'_>, url: &str, part: &Path) -> Result<(), SourceError> {
    let agent = agent(fetch, url)?;
    let name = file_name(url);
    let mut n_idle = 0;
    loop {
        let before = size_of(part);
        let error = match attempt(fetch, &agent, url, &name, part) {
            Ok(()) => return Ok(()),
            Err(Attempt::Final(error)) => return Err(error),
            Err(Attempt::Again(error)) => error,
        };
        n_idle = if size_of(part) > before { 0 } else { n_idle + 1 };
        if n_idle == MAX_IDLE_ATTEMPTS {
            let n_bytes = size_of(part);
            return Err(DownloadError::Broken { url: url.to_owned(), n_bytes, source: error }.into());
        }
        fetch.progress.note(&format!("the download of {name} was interrupted ({error}): trying again"));
        pause(Duration::from_secs(1 << n_idle) / 2)?;
    }
}

/// How one attempt ended.
enum Attempt {
    Again(io::Error),
    Final(SourceError),
}

impl<E: Into<SourceError>> From<E> for Attempt {
    fn from(error: E) -> Attempt {
        Attempt::Final(error.into())
    }
}

fn attempt(fetch: &Fetch<'_>, agent: &Agent, url: &str, name: &str, part: &Path) -> Result<(), Attempt> {
    let have = size_of(part);
    let response = request(agent, url, have)?;
    let status = response.status().as_u16();
    let start = match status {
        206 if resumes_at(&response) == Some(have) => have,
        200 => 0,
        // The file on the server is no longer than the part here, or the range is another: download all of it then.
        206 | 416 if have > 0 => {
            truncate(part, 0)?;
            return Err(Attempt::Again(io::Error::other("the server cannot resume")));
        }
        408 | 429 | 500.. => return Err(Attempt::Again(io::Error::other(format!("the server answered {status}")))),
        status => return Err(DownloadError::Status { url: url.to_owned(), status }.into()),
    };
    truncate(part, start)?;
    let length = response.body().content_length();
    fetch.progress.begin_bytes(&format!("download {name}"), length.map(|length| start + length));
    let received = receive(fetch, response.into_body(), part, start);
    fetch.progress.end();
    let n_received = received?;
    match length {
        Some(length) if n_received < length => {
            Err(Attempt::Again(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed")))
        }
        _ => Ok(()),
    }
}

/// Sends the request from a thread, so that an interrupt need not wait for the server.
fn request(agent: &Agent, url: &str, have: u64) -> Result<Response<Body>, Attempt> {
    let (sender, receiver) = sync_channel(1);
    let (agent, address) = (agent.clone(), url.to_owned());
    std::thread::spawn(move || {
        let mut request = agent.get(&address).header("Accept-Encoding", "identity");
        if have > 0 {
            request = request.header("Range", format!("bytes={have}-"));
        }
        let _ = sender.send(request.call());
    });
    match wait(&receiver, PATIENCE * 2)? {
        Some(Ok(response)) => Ok(response),
        Some(Err(ureq::Error::BadUri(_) | ureq::Error::Http(_))) => {
            Err(DownloadError::Scheme { url: url.to_owned() }.into())
        }
        Some(Err(error)) => Err(Attempt::Again(error.into_io())),
        None => Err(Attempt::Again(io::Error::new(io::ErrorKind::TimedOut, "the server does not answer"))),
    }
}

/// Appends the body to `part`; returns the number of bytes it added.
fn receive(fetch: &Fetch<'_>, body: Body, part: &Path, start: u64) -> Result<u64, Attempt> {
    let (sender, receiver) = sync_channel::<io::Result<Vec<u8>>>(4);
    std::thread::spawn(move || {
        let mut reader = body.into_reader();
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = io::Read::read(&mut reader, &mut chunk).map(|n_read| {
                chunk.truncate(n_read);
                chunk
            });
            let is_last = !matches!(&read, Ok(chunk) if !chunk.is_empty());
            if sender.send(read).is_err() || is_last {
                return;
            }
        }
    });
    let mut file = File::options().append(true).open(part).map_err(|source| stored(part, source))?;
    let mut n_received = 0;
    loop {
        match wait(&receiver, PATIENCE)? {
            Some(Ok(chunk)) if chunk.is_empty() => return Ok(n_received),
            Some(Ok(chunk)) => {
                file.write_all(&chunk).map_err(|source| stored(part, source))?;
                n_received += chunk.len() as u64;
                fetch.progress.advance(start + n_received, "");
            }
            Some(Err(error)) => return Err(Attempt::Again(error)),
            None => {
                return Err(Attempt::Again(io::Error::new(io::ErrorKind::TimedOut, "the server stopped sending data")));
            }
        }
    }
}

/// Waits for a message, or for an interrupt; returns `None` when the time is up or the sender is gone.
fn wait<T>(receiver: &Receiver<T>, patience: Duration) -> Result<Option<T>, SourceError> {
    let started = Instant::now();
    loop {
        interrupted()?;
        match receiver.recv_timeout(TICK) {
            Ok(message) => return Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) if started.elapsed() < patience => {}
            Err(_) => return Ok(None),
        }
    }
}

fn pause(time: Duration) -> Result<(), SourceError> {
    let started = Instant::now();
    while started.elapsed() < time {
        interrupted()?;
        std::thread::sleep(TICK.min(time));
    }
    Ok(())
}

/// Returns the start of a partial answer: `Content-Range: bytes START-END/SIZE`.
fn resumes_at(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

fn agent(fetch: &Fetch<'_>, url: &str) -> Result<Agent, SourceError> {
    let config = Agent::config_builder()
        .proxy(proxy(fetch, url)?)
        .tls_config(TlsConfig::builder().root_certs(certificates(fetch)).build())
        .http_status_as_error(false)
        .user_agent("kiln")
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_per_read(Some(PATIENCE))
        .build();
    Ok(config.new_agent())
}

/// Returns the proxy of the environment for `url`. An upper-case `HTTP_PROXY` is ignored: a CGI server sets it.
fn proxy(fetch: &Fetch<'_>, url: &str) -> Result<Option<Proxy>, SourceError> {
    let names: &[&str] = if url.starts_with("https:") {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["http_proxy", "all_proxy", "ALL_PROXY"]
    };
    let Some(proxy) = names.iter().find_map(|name| fetch.text_of(name)) else { return Ok(None) };
    let exempt = fetch.text_of("no_proxy").or_else(|| fetch.text_of("NO_PROXY")).unwrap_or_default();
    if host_of(url).is_some_and(|host| is_exempt(host, exempt)) {
        return Ok(None);
    }
    let parsed = Proxy::new(proxy);
    let parsed = parsed.map_err(|source| DownloadError::Proxy { proxy: proxy.to_owned(), source: Box::new(source) })?;
    Ok(Some(parsed))
}

fn host_of(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    // The colons of an IPv6 address are within brackets.
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    }
}

/// Whether `host` is in the list `exempt` (`host,.domain,*`), as curl reads it: a name includes its subdomains.
fn is_exempt(host: &str, exempt: &str) -> bool {
    let host = host.to_ascii_lowercase();
    exempt.split([',', ' ']).map(|name| name.trim().to_ascii_lowercase()).any(|name| {
        let name = name.strip_prefix("*.").unwrap_or(&name).trim_start_matches('.');
        name == "*" || (!name.is_empty() && (host == name || host.ends_with(&format!(".{name}"))))
    })
}

/// Returns the certificates that this machine trusts; those that the web trusts when it has none.
fn certificates(fetch: &Fetch<'_>) -> RootCerts {
    let own = fetch.text_of("SSL_CERT_FILE").unwrap_or(HOST_CERTIFICATES);
    let pem = kiln_file::read(own).unwrap_or_default();
    let found = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let found: Vec<Certificate<'static>> = found.collect();
    if found.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&found) }
}

/// Returns the file name of a download from `url`.
fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._+-".contains(c) { c } else { '_' };
    let name: String = name.chars().map(plain).take(100).collect();
    // Neither empty nor the name of a directory itself.
    if name.trim_matches('.').is_empty() { "download".to_owned() } else { name }
}

fn percent_decoded(text: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    std::ffi::OsString::from_vec(decoded)
}

fn size_of(part: &Path) -> u64 {
    fs::metadata(part).map_or(0, |meta| meta.len())
}

fn truncate(part: &Path, length: u64) -> Result<(), SourceError> {
    let file = File::options().create(true).truncate(false).write(true).open(part);
    file.and_then(|file| file.set_len(length)).map_err(|source| stored(part, source))
}

fn stored(path: &Path, source: io::Error) -> SourceError {
    StoreError::Io { path: path.to_owned(), source }.into()
}

fn after(n_bytes: u64) -> String {
    if n_bytes == 0 {
        String::new()
    } else {
        format!(" (it was interrupted after {n_bytes} bytes; the next run resumes there)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exempts_hosts_as_curl_does() {
        for (host, list, exempt) in [
            ("localhost", "localhost,127.0.0.1", true),
            ("kernel.org", ".kernel.org", true),
            ("cdn.kernel.org", "kernel.org", true),
            ("notkernel.org", "kernel.org", false),
            ("a.b", "*", true),
            ("a.b", "", false),
            ("A.b", "*.B", true),
        ] {
            assert_eq!(is_exempt(host, list), exempt, "{host} in {list}");
        }
    }

    #[test]
    fn finds_the_host() {
        for (url, host) in
            [("https://u:p@h.org:8/x", "h.org"), ("http://[::1]:80/", "::1"), ("http://h", "h"), ("http://h?x", "h")]
        {
            assert_eq!(host_of(url), Some(host));
        }
    }

    #[test]
    fn names_files() {
        for (url, name) in [
            ("http://h/a/b-1.tar.xz?x=/y", "b-1.tar.xz"),
            ("http://h/a/..", "download"),
            ("http://h/", "download"),
            ("http://h/a%20b", "a_20b"),
        ] {
            assert_eq!(file_name(url), name);
        }
    }

    #[test]
    fn decodes_paths() {
        assert_eq!(percent_decoded("/a%20b%zz%4"), "/a b%zz%4");
    }
}
