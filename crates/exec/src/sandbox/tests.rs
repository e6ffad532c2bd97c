//! Real programs inside their limits; each test asks for what the host says that it gives.

use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::{Exec, Output};

/// Directories: a home with a secret, a source, a place to write.
struct World {
    dir: tempfile::TempDir,
    sandbox: Sandbox,
}

impl World {
    fn new(permissions: Permissions) -> World {
        let dir = tempfile::tempdir().unwrap();
        for name in ["home/own", "home/tool/bin", "home/tool/lib", "home/bin", "source", "build"] {
            std::fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        for name in ["home/secret", "source/file", "home/tool/lib/part", "home/own/file"] {
            std::fs::write(dir.path().join(name), "content\n").unwrap();
        }
        let (tool, link) = (dir.path().join("home/tool/bin/run"), dir.path().join("home/bin/run"));
        std::fs::write(&tool, "#!/bin/sh\nread -r line <\"${0%/*}/../tool/lib/part\"; echo \"$line\"\n").unwrap();
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(&tool, &link).unwrap();
        let path = std::env::join_paths([&dir.path().join("home/bin"), Path::new("/usr/bin")]).unwrap();
        let sandbox = Sandbox::new(Some(&dir.path().join("home")), &path, permissions);
        World { dir, sandbox }
    }

    fn run(&self, script: &str) -> Output {
        let at = |name: &str| self.dir.path().join(name);
        Exec::new("/bin/sh")
            .args(["-c", script])
            .dir(at("build"))
            .env("PATH", "/usr/bin:/bin")
            .confined(&self.sandbox, &[&at("source")], &[&at("build")])
            .capture()
            .unwrap()
    }

    fn works(&self, script: &str) -> bool {
        self.run(script).status.success()
    }

    fn has_files(&self) -> bool {
        self.sandbox.support().is_some_and(|support| support.files)
    }
}

#[test]
fn files_are_read_and_written_where_they_may_be() {
    let world = World::new(Permissions::default());
    assert!(world.works(
        "cat ../source/file && echo x >new && mv new newer && mkdir -p a/b && cat /proc/self/status >/dev/null"
    ));
    assert!(world.works("cp /usr/bin/env . && ./env true"), "a program that was built runs");
    for refused in [
        "echo x >../source/file",
        "echo x >../source/new",
        "rm ../source/file",
        "echo x >../new",
        "echo x >>../home/secret",
        "cat ../home/secret",
        "ls ../home",
        "ln ../home/secret here && cat here",
        "mv ../source/file .",
        "echo 0 >/proc/sys/kernel/printk",
    ] {
        assert_eq!(world.works(refused), !world.has_files(), "{refused}");
    }
    assert_eq!(std::fs::read_to_string(world.dir.path().join("source/file")).unwrap(), "content\n");
    // The limits are those of the child alone.
    std::fs::write(world.dir.path().join("source/new"), "x").unwrap();
}

#[test]
fn tools_in_the_home_are_found_through_links() {
    let world = World::new(Permissions::default());
    let out = world.run("../home/bin/run");
    assert_eq!(String::from_utf8_lossy(&out.stdout), "content\n", "{out:?}");
}

/// A link in a directory of the system's may lead into the home.
#[test]
fn links_from_outside_lead_into_the_home() {
    let mut world = World::new(Permissions::default());
    let at = |name: &str| world.dir.path().join(name);
    std::fs::create_dir_all(at("local/bin")).unwrap();
    std::fs::create_dir_all(at("home/manager/shims")).unwrap();
    std::os::unix::fs::symlink(at("home/tool/bin/run"), at("local/bin/run")).unwrap();
    std::fs::write(at("home/manager/file"), "managed\n").unwrap();
    std::fs::write(at("home/manager/shims/proxy"), "").unwrap();
    std::os::unix::fs::symlink(at("home/manager/shims/proxy"), at("local/bin/proxy")).unwrap();
    // A program in the home itself, and proxies beside it, open nothing else of it.
    std::fs::create_dir(at("home/shims")).unwrap();
    for name in ["home/alone", "home/shims/other"] {
        std::fs::write(at(name), "").unwrap();
        std::os::unix::fs::symlink(at(name), at("local/bin").join(at(name).file_name().unwrap())).unwrap();
    }
    let path = std::env::join_paths([at("local/bin"), at("home/shims"), at("home"), "/usr/bin".into()]).unwrap();
    world.sandbox = Sandbox::new(Some(&at("home")), &path, Permissions::default());
    assert!(world.works("../local/bin/run && cat ../home/manager/file"));
    assert_eq!(world.works("cat ../home/secret"), !world.has_files());
}

#[test]
fn permissions_open_what_they_name() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().to_path_buf();
    let permissions = Permissions { write: vec![own.clone()], ..Permissions::default() };
    let world = World::new(permissions);
    assert!(world.works(&format!("echo x >{}/new", own.display())));
    assert!(own.join("new").exists());
}

#[test]
fn there_is_no_network() {
    let world = World::new(Permissions::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let tcp = format!("exec 3<>/dev/tcp/127.0.0.1/{}", listener.local_addr().unwrap().port());
    let udp = format!("echo x >/dev/udp/127.0.0.1/{}", socket.local_addr().unwrap().port());
    let network = world.sandbox.support().unwrap().network;
    let bash = |script: &str| world.works(&format!("exec bash -c '{script}'"));
    assert_eq!(bash(&tcp), network == NetworkSupport::Nothing, "{network:?}");
    assert_eq!(listener.accept().is_ok(), network == NetworkSupport::Nothing);
    let _ = bash(&udp);
    let came = socket.recv(&mut [0; 8]).is_ok();
    assert_eq!(came, matches!(network, NetworkSupport::OnlyTcp | NetworkSupport::Nothing), "{network:?}");
    // This process has it still.
    assert!(std::net::TcpStream::connect(listener.local_addr().unwrap()).is_ok());
}

#[test]
fn with_permission_there_is_a_network() {
    let world = World::new(Permissions { network: true, ..Permissions::default() });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = format!("exec bash -c 'echo hello >/dev/tcp/127.0.0.1/{}'", listener.local_addr().unwrap().port());
    assert!(world.works(&tcp));
    let mut said = String::new();
    listener.accept().unwrap().0.read_to_string(&mut said).unwrap();
    assert_eq!(said, "hello\n");
}

#[test]
fn without_a_sandbox_nothing_is_limited() {
    let mut world = World::new(Permissions::default());
    world.sandbox = Sandbox::off();
    assert_eq!(world.sandbox.support(), None);
    assert!(world.works("cat ../home/secret && echo x >../source/new"));
}
