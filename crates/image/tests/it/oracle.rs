//! Comparison with the kernel's own writer.

use std::fs;
use std::path::{Path, PathBuf};

use kiln_image::{Contents, DeviceClass, FileTree, NodeKind, write};
use kiln_testkit::assert_has;

use crate::sh;

/// The text of `usr/gen_init_cpio.c`, from Debian's kernel source.
fn source() -> PathBuf {
    let home = || Path::new(&std::env::var_os("HOME").unwrap()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("kiln-tests");
    let there = cache.join("gen_init_cpio.c");
    if !there.exists() {
        fs::create_dir_all(&cache).unwrap();
        let scratch = tempfile::tempdir_in(&cache).unwrap();
        let script = "apt-get download $(apt-cache depends linux-source | sed -n 's/.*Depends: //p') >&2
            dpkg-deb --fsys-tarfile ./*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
                xz -dc | tar -xO --wildcards --occurrence=1 'linux-source-*/usr/gen_init_cpio.c' >gen_init_cpio.c
            test -s gen_init_cpio.c";
        sh(scratch.path(), script, None);
        fs::rename(scratch.path().join("gen_init_cpio.c"), &there).unwrap();
    }
    there
}

#[test]
#[ignore = "slow: downloads a kernel's source"]
fn gen_init_cpio_gives_the_same_bytes() {
    assert_has(&["apt-cache", "apt-get", "cc", "dpkg-deb", "tar", "xz"]);
    let folder = tempfile::tempdir().unwrap();
    let mut tree = FileTree::new();
    tree.device("dev/console", 0o600, DeviceClass::Char, 5, 1).unwrap();
    tree.device("dev/vda", 0o660, DeviceClass::Block, 254, 1_048_575).unwrap();
    tree.symlink("bin", "usr/bin").unwrap();
    tree.dir("tmp", 0o1777).unwrap();
    // Every residue of name and contents modulo 4.
    for length in 0..9 {
        let name = format!("lib/{}", "n".repeat(length + 1));
        tree.file(&name, 0o644, Contents::bytes(vec![b'x'; length * 1237])).unwrap();
        tree.symlink(&format!("links/{length}"), &"t".repeat(length + 1)).unwrap();
    }
    let mut list = String::new();
    for (path, node) in tree.iter() {
        let mode = node.mode;
        list.push_str(&match &node.kind {
            NodeKind::Directory => format!("dir /{path} {mode:o} 0 0\n"),
            NodeKind::Symlink(target) => format!("slink /{path} {target} {mode:o} 0 0\n"),
            NodeKind::Device { class, major, minor } => {
                let class = if *class == DeviceClass::Char { 'c' } else { 'b' };
                format!("nod /{path} {mode:o} 0 0 {class} {major} {minor}\n")
            }
            NodeKind::File(contents) => {
                let file = folder.path().join(path.replace('/', "_"));
                std::io::copy(&mut contents.open().unwrap(), &mut fs::File::create(&file).unwrap()).unwrap();
                format!("file /{path} {} {mode:o} 0 0\n", file.display())
            }
        });
    }
    fs::write(folder.path().join("list"), list).unwrap();
    sh(folder.path(), &format!("cc -O1 -w -o gen_init_cpio {}", source().display()), None);
    let theirs = sh(folder.path(), "touch -d @0 lib_*; ./gen_init_cpio -t 0 list", None);
    let mut ours = Vec::new();
    write(&tree, &mut ours).unwrap();
    assert!(ours == theirs, "{} and {} bytes differ", ours.len(), theirs.len());
}
