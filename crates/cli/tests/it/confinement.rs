//! What the programs of recipes and kernel trees can reach: each line of docs/concepts/security.md about them.

use std::fs;
use std::net::TcpListener;

use crate::sandbox::{Ran, Sandbox};
use crate::small_tree;

const RECIPE: &str = "[kernel]\nsrc = \"./linux\"\narch = \"x86_64\"\n";

/// A recipe beside a home with a secret.
struct Victim {
    sandbox: Sandbox,
    listener: TcpListener,
    /// Whether this host limits files and network.
    limits: bool,
}

impl Victim {
    fn new() -> Victim {
        let sandbox = Sandbox::new();
        sandbox.file("home/secret", "open sesame\n").file("kiln.toml", RECIPE);
        small_tree::write(&sandbox);
        let said = sandbox.kiln(&["doctor", "--no-boot", "--json"]).stdout;
        let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let limits = said["sandbox"]["files"] == true && said["sandbox"]["network"] != "all";
        Victim { sandbox, listener: TcpListener::bind("127.0.0.1:0").expect("a port"), limits }
    }

    fn kiln(&self, more: &[(&str, &str)], args: &[&str]) -> Ran {
        let home = self.sandbox.path().join("home").display().to_string();
        let variables: Vec<(&str, &str)> = [("HOME", home.as_str())].into_iter().chain(more.iter().copied()).collect();
        self.sandbox.kiln_where(&variables, args)
    }

    /// Returns lines of shell; each tries to do harm, and ends with status 0 where it could.
    fn attacks(&self) -> Vec<String> {
        let at = |name: &str| self.sandbox.path().join(name).display().to_string();
        let port = self.listener.local_addr().expect("a port").port();
        vec![
            format!("cat {}", at("home/secret")),
            format!("echo stolen > {}", at("home/planted")),
            format!("echo stolen > {}", at("planted")),
            format!("echo stolen >> {}", at("linux/Kconfig")),
            format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'"),
        ]
    }

    fn is_unharmed(&self) -> bool {
        let is_there = |name: &str| self.sandbox.path().join(name).exists();
        let kconfig = fs::read_to_string(self.sandbox.path().join("linux/Kconfig")).expect("a file");
        !is_there("home/planted") && !is_there("planted") && !kconfig.contains("stolen")
    }
}

#[test]
fn the_phase_of_a_recipe_is_limited() {
    let victim = Victim::new();
    for attack in victim.attacks() {
        let phase = format!("{RECIPE}extraPatchPhase = '''\n{attack}\n'''\n");
        victim.sandbox.file("kiln.toml", phase);
        let ran = victim.kiln(&[], &["check"]);
        assert_eq!(ran.code == Some(0), !victim.limits, "{attack}\n{}", ran.stderr);
        if victim.limits {
            ran.says("extraPatchPhase failed").says("--no-sandbox");
        }
    }
    assert_eq!(victim.is_unharmed(), victim.limits);
    // It works on the tree, and on temporary files.
    let phase = "echo '# added' >> Kconfig; f=$(mktemp); echo x > $f; cat $f >/dev/null";
    victim.sandbox.file("kiln.toml", format!("{RECIPE}extraPatchPhase = \"{phase}\"\n"));
    victim.kiln(&[], &["check"]).expect(0);
}

#[test]
fn questions_of_kconfig_are_limited() {
    let victim = Victim::new();
    for (number, attack) in victim.attacks().into_iter().enumerate() {
        let text = format!(
            "config MODULES\n\tbool \"Loadable modules\"\n\tmodules\n\tdefault y\n\
             config GOT{number}\n\tdef_bool $(shell,if {attack} >/dev/null 2>&1; then echo y; else echo n; fi)\n"
        );
        victim.sandbox.file("linux/Kconfig", text);
        let said = victim.kiln(&[], &["resolve"]).expect(0).stdout;
        let got = said.contains(&format!("CONFIG_GOT{number}=y"));
        assert_eq!(got, !victim.limits, "{attack}");
    }
    assert_eq!(victim.is_unharmed(), victim.limits);
}

#[test]
fn makefiles_are_limited() {
    let victim = Victim::new();
    let makefile = fs::read_to_string(victim.sandbox.path().join("linux/Makefile")).expect("a makefile");
    for attack in victim.attacks() {
        let attack = attack.replace('$', "$$");
        let attacking = makefile.replace("vmlinux:\n", &format!("vmlinux:\n\t{attack}\n"));
        assert_ne!(attacking, makefile);
        victim.sandbox.file("linux/Makefile", attacking);
        let ran = victim.kiln(&[], &["build"]);
        assert_eq!(ran.code == Some(0), !victim.limits, "{attack}\n{}", ran.stderr);
    }
    assert_eq!(victim.is_unharmed(), victim.limits);
}

#[test]
fn the_user_may_allow_more() {
    let victim = Victim::new();
    let secret = victim.sandbox.path().join("home/secret").display().to_string();
    victim.sandbox.file("kiln.toml", format!("{RECIPE}extraPatchPhase = \"cat {secret}\"\n"));
    assert_eq!(victim.kiln(&[], &["check"]).code == Some(0), !victim.limits);
    victim.kiln(&[("KILN_SANDBOX", &format!("read={secret}"))], &["check"]).expect(0);
    // A result in the store is not made again, so each way has a script of its own.
    let attacks = victim.attacks();
    for (number, allow) in [("--no-sandbox", None), ("", Some("off"))].into_iter().enumerate() {
        let phase = format!("# {number}\n{}\n{}", attacks[0], attacks[4]);
        victim.sandbox.file("kiln.toml", format!("{RECIPE}extraPatchPhase = '''\n{phase}\n'''\n"));
        let args: Vec<&str> = [allow.0, "check"].into_iter().filter(|word| !word.is_empty()).collect();
        let setting: Vec<(&str, &str)> = allow.1.into_iter().map(|value| ("KILN_SANDBOX", value)).collect();
        victim.kiln(&setting, &args).expect(0);
    }
    victim.kiln(&[("KILN_SANDBOX", "on")], &["check"]).expect(1).says("`on` in KILN_SANDBOX is not known");
}

/// A recipe that lies in the home directory itself does not open it.
#[test]
fn a_recipe_in_the_home_opens_none_of_it() {
    let victim = Victim::new();
    let own = victim.sandbox.path().join("kiln.toml");
    let phase = format!("cat {}", own.display());
    victim.sandbox.file("kiln.toml", format!("{RECIPE}extraPatchPhase = \"{phase}\"\n"));
    victim.kiln(&[], &["check"]).expect(0);
    victim.sandbox.file("kiln.toml", format!("{RECIPE}extraPatchPhase = \"{phase} # again\"\n"));
    let home = victim.sandbox.path().display().to_string();
    let ran = victim.sandbox.kiln_where(&[("HOME", &home)], &["check"]);
    assert_eq!(ran.code == Some(0), !victim.limits, "{}", ran.stderr);
}
