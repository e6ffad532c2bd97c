//! Every kind of source, from servers that behave and servers that do not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use kiln_exec::Exec;
use kiln_fetch::{DownloadError, Fetch, Origin, SourceError};
use kiln_plan::SourceSpec;
use kiln_store::digest::Sha256;
use kiln_testkit::chain;

use crate::ground::{Ground, MAKEFILE, kernel_tar, makefile};
use crate::server::{Manners, Server};

fn tarball(ground: &Ground) -> (std::path::PathBuf, String) {
    let path = ground.path("linux.tar");
    fs::write(&path, kernel_tar(10)).unwrap();
    let sha256 = Sha256::of_file(&path).unwrap().to_string();
    (path, sha256)
}

fn url(url: &str, sha256: &str) -> SourceSpec {
    SourceSpec::Url { url: url.to_owned(), sha256: sha256.to_owned() }
}

#[test]
fn a_tarball_is_unpacked_once_whatever_its_name() {
    let ground = Ground::new();
    let (path, sha256) = tarball(&ground);
    let source = ground.get(&SourceSpec::Path(path.clone())).unwrap();
    assert_eq!(makefile(&source), MAKEFILE);
    assert!(matches!(&source.origin, Origin::Tarball { sha256: found, .. } if found.to_string() == sha256));
    assert_eq!(ground.said(), ["unpack linux.tar"]);
    let moved = ground.path("other.tar");
    fs::rename(&path, &moved).unwrap();
    let again = ground.get(&SourceSpec::Path(moved.clone())).unwrap();
    assert_eq!((again.key, again.tree), (source.key, source.tree));
    let by_url = ground.get(&url(&format!("file://{}", moved.display()), &sha256)).unwrap();
    assert_eq!(by_url.key, source.key);
    assert_eq!(ground.said(), <[String; 0]>::default());
}

#[test]
fn a_tree_is_used_where_it_is_and_named_by_its_content() {
    let ground = Ground::new();
    ground.write("t/Makefile", "VERSION = 6\nPATCHLEVEL = 1\n");
    ground.write("t/Kconfig", "");
    let get = || ground.get(&SourceSpec::Path(ground.path("t")));
    let first = get().unwrap();
    assert_eq!(first.tree, fs::canonicalize(ground.path("t")).unwrap());
    assert_eq!(get().unwrap().key, first.key);
    ground.write("t/Kconfig", "config X\n");
    assert_ne!(get().unwrap().key, first.key);
    ground.write("t/include/config/auto.conf", "");
    let error = get().unwrap_err();
    assert!(error.to_string().contains("(there is include/config): run `make mrproper` in it"), "{error}");
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let ground = Ground::new();
    let error = ground.get(&SourceSpec::Path(ground.path("nowhere"))).unwrap_err();
    assert!(error.to_string().contains("/nowhere"), "{error}");
}

#[test]
fn a_download_is_checked_and_kept() {
    let ground = Ground::new();
    let (path, sha256) = tarball(&ground);
    let server = Server::start(Manners { body: fs::read(path).unwrap(), redirects: true, ..Manners::default() });
    let source = ground.get(&url(&server.url, &sha256)).unwrap();
    assert_eq!(makefile(&source), MAKEFILE);
    ground.get(&url(&server.url, &sha256)).unwrap();
    assert_eq!(server.requests(), ["/linux.tar", "/elsewhere"]);
}

#[test]
fn a_wrong_hash_shows_both_and_unpacks_nothing() {
    let ground = Ground::new();
    let (path, right) = tarball(&ground);
    let wrong = "0".repeat(64);
    let server = Server::start(Manners { body: fs::read(&path).unwrap(), ..Manners::default() });
    for address in [server.url.clone(), format!("file://{}", path.display())] {
        let error = ground.get(&url(&address, &wrong)).unwrap_err();
        let expected =
            format!("{address} does not match the recipe:\n  expected sha256 {wrong}\n  found    sha256 {right}");
        assert_eq!(error.to_string(), expected);
    }
    assert!(path.exists(), "the user's file stays");
    assert!(ground.is_clean() && !ground.said().iter().any(|line| line.starts_with("unpack")));
    let error = ground.get(&url(&server.url, "abc")).unwrap_err();
    assert_eq!(error.to_string(), "`abc` is not a SHA-256: that has 64 hexadecimal digits");
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_stopped() {
    let ground = Ground::new();
    let (path, sha256) = tarball(&ground);
    let body = fs::read(path).unwrap();
    let manners = Manners { cut_after: Some(body.len() / 3), body, resumes: true, ..Manners::default() };
    let third = manners.cut_after.unwrap();
    let server = Server::start(manners);
    ground.get(&url(&server.url, &sha256)).unwrap();
    let requests = server.requests();
    assert_eq!(
        requests[..3],
        ["/linux.tar".to_owned(), format!("/linux.tar bytes={third}-"), format!("/linux.tar bytes={}-", 2 * third)]
    );
}

#[test]
fn a_server_that_cannot_resume_is_asked_for_all_of_it() {
    let ground = Ground::new();
    let (path, sha256) = tarball(&ground);
    let body = fs::read(path).unwrap();
    let part = ground.store.download(&sha256).unwrap().join("linux.tar.part");
    fs::write(&part, &body[..1000]).unwrap();
    let server = Server::start(Manners { body, ..Manners::default() });
    ground.get(&url(&server.url, &sha256)).unwrap();
    assert_eq!(server.requests(), ["/linux.tar bytes=1000-"]);
}

#[test]
fn the_first_part_of_another_file_is_given_up() {
    for n_bytes in [1000, 10_000_000] {
        let ground = Ground::new();
        let (path, sha256) = tarball(&ground);
        let body = fs::read(path).unwrap();
        let part = ground.store.download(&sha256).unwrap().join("linux.tar.part");
        fs::write(&part, vec![b'z'; n_bytes]).unwrap();
        let server = Server::start(Manners { body, resumes: true, ..Manners::default() });
        ground.get(&url(&server.url, &sha256)).unwrap();
        assert_eq!(server.requests().last().unwrap(), "/linux.tar");
    }
}

#[test]
fn a_server_that_only_cuts_is_given_up_in_the_end() {
    let ground = Ground::new();
    let (path, sha256) = tarball(&ground);
    let server = Server::start(Manners { body: fs::read(path).unwrap(), cut_after: Some(0), ..Manners::default() });
    let error = ground.get(&url(&server.url, &sha256)).unwrap_err();
    assert!(matches!(error, SourceError::Download(DownloadError::Broken { n_bytes: 0, .. })), "{}", chain(&error));
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_one_that_says_no_is_not() {
    let ground = Ground::new();
    let (path, sha256) = tarball(&ground);
    let body = fs::read(path).unwrap();
    let no = Server::start(Manners { body: body.clone(), refuses: Some((404, 100)), ..Manners::default() });
    let error = ground.get(&url(&no.url, &sha256)).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot fetch {}: the server answered 404", no.url));
    assert_eq!(no.requests().len(), 1);
    let busy = Server::start(Manners { body, refuses: Some((503, 2)), ..Manners::default() });
    ground.get(&url(&busy.url, &sha256)).unwrap();
    assert_eq!(busy.requests().len(), 3);
}

#[test]
fn a_proxy_of_the_environment_is_used_unless_the_host_is_exempt() {
    let mut ground = Ground::new();
    let (path, sha256) = tarball(&ground);
    let proxy = Server::start(Manners { body: fs::read(path).unwrap(), ..Manners::default() });
    let proxy_address = proxy.url.trim_end_matches("/linux.tar").to_owned();
    ground.env.insert("http_proxy".into(), proxy_address.into());
    ground.get(&url("http://kernel.invalid/linux.tar", &sha256)).unwrap();
    assert_eq!(proxy.requests(), ["CONNECT kernel.invalid:80", "/linux.tar"]);
    ground.env.insert("no_proxy".into(), ".invalid".into());
    let other = "1".repeat(64);
    assert!(ground.get(&url("http://kernel.invalid/linux.tar", &other)).is_err());
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn an_address_of_another_kind_is_refused() {
    let ground = Ground::new();
    let error = ground.get(&url("ftp://h/x.tar", &"0".repeat(64))).unwrap_err();
    assert_eq!(error.to_string(), "cannot fetch ftp://h/x.tar: only http, https and file addresses are known");
}

fn git(dir: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main"];
    let git = Exec::new("git").dir(dir).env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", dir);
    git.args(identity).args(args).text().unwrap().trim().to_owned()
}

/// Makes a repository with two commits and tags of both kinds; returns the hashes of the commits.
fn repository(ground: &Ground) -> (String, [String; 2]) {
    let dir = ground.path("repo");
    fs::create_dir(&dir).unwrap();
    git(&dir, &["init", "-q"]);
    ground.write("repo/Makefile", "VERSION = 5\nPATCHLEVEL = 4\n");
    ground.write("repo/Kconfig", "");
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-qm", "one"]);
    let one = git(&dir, &["rev-parse", "HEAD"]);
    git(&dir, &["tag", "-a", "v5.4", "-m", "annotated"]);
    git(&dir, &["tag", "blob", "HEAD:Makefile"]);
    ground.write("repo/Makefile", "VERSION = 5\nPATCHLEVEL = 5\n");
    git(&dir, &["commit", "-qam", "two"]);
    let two = git(&dir, &["rev-parse", "HEAD"]);
    (dir.display().to_string(), [one, two])
}

#[test]
fn a_commit_is_checked_out_by_hash_tag_or_branch() {
    let ground = Ground::new();
    let (repo, [one, two]) = repository(&ground);
    let get = |rev: &str| ground.get(&SourceSpec::Git { url: repo.clone(), rev: rev.to_owned() });
    for (rev, commit, level) in [(one.as_str(), &one, 4), ("v5.4", &one, 4), ("main", &two, 5), ("HEAD", &two, 5)] {
        let source = get(rev).unwrap();
        assert_eq!(makefile(&source), format!("VERSION = 5\nPATCHLEVEL = {level}\n"), "{rev}");
        assert!(matches!(&source.origin, Origin::Git { commit: found, .. } if found == commit), "{rev}");
        assert!(!source.tree.join(".git").exists());
    }
    fs::remove_dir_all(&repo).unwrap();
    get(&one).unwrap();
    assert!(ground.is_clean());
}

#[test]
fn what_is_no_commit_is_told_so() {
    let ground = Ground::new();
    let (repo, [one, _]) = repository(&ground);
    let get = |rev: &str| chain(&ground.get(&SourceSpec::Git { url: repo.clone(), rev: rev.to_owned() }).unwrap_err());
    assert_eq!(get("nope"), format!("{repo} has no branch, tag or commit `nope`"));
    let short = &one[..10];
    assert_eq!(
        get(short),
        format!("{repo} has no branch, tag or commit `{short}`: a commit must be given by its whole hash")
    );
    assert_eq!(get("blob"), format!("`blob` of {repo} is not a commit"));
    let absent = "1".repeat(40);
    assert_eq!(get(&absent), format!("{repo} has no branch, tag or commit `{absent}`"));
    let nowhere = chain(&ground.get(&SourceSpec::Git { url: "/nowhere".into(), rev: absent.clone() }).unwrap_err());
    assert!(nowhere.starts_with(&format!("cannot get {absent} from /nowhere")), "{nowhere}");
    assert!(nowhere.contains("'/nowhere' does not appear to be a git repository"), "{nowhere}");
    assert!(ground.is_clean());
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let ground = Ground::new();
    let empty = ground.path("empty");
    fs::create_dir(&empty).unwrap();
    let env = [("PATH".into(), empty.into())].into();
    let fetch = Fetch { env: &env, ..ground.fetch() };
    let get = |spec| chain(&kiln_fetch::fetch(&fetch, &spec).unwrap_err());
    assert_eq!(
        get(SourceSpec::Git { url: "/r".into(), rev: "main".into() }),
        "cannot get main from /r: run `apt-get install git`, or `kiln doctor --install`\nprogram `git` not found"
    );
    assert_eq!(
        get(SourceSpec::Apt { package: "linux-source-6.12".into(), version: None }),
        "cannot get linux-source-6.12 from apt: this machine has no apt; give the source as { url, sha256 } or \
         { git, rev }\nprogram `apt-get` not found"
    );
}
