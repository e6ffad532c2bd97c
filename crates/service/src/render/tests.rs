use expect_test::{Expect, expect};
use kiln_diag::Diagnostics;

use super::{RenderedFile, render};
use crate::{Dependency, LoadStep, LoaderName, LoaderSpec, ServiceName, graph};

fn step(module: &str, parameters: &str) -> LoadStep {
    LoadStep {
        module: module.to_owned(),
        path: format!("/lib/modules/6.12.0/kernel/{module}.ko"),
        parameters: parameters.to_owned(),
        stays_loaded: false,
        soft: false,
    }
}

fn loader(name: &str, modules: Vec<LoadStep>) -> LoaderSpec {
    LoaderSpec {
        name: LoaderName::new(name).unwrap(),
        description: String::new(),
        dependencies: Vec::new(),
        modules,
        modular: true,
        blacklist: Vec::new(),
        origin: None,
    }
}

fn firewall() -> Vec<LoaderSpec> {
    let mut firewall =
        loader("firewall", vec![step("nfnetlink", ""), step("nf-conntrack", "hashsize=4096 x=\"it's $x\"")]);
    firewall.modules[1].soft = true;
    firewall.description = "Packet filter: 100 % of $it".to_owned();
    firewall.dependencies = vec![
        Dependency::Service(ServiceName::new("wlan-calibration.service").unwrap()),
        Dependency::Loader(LoaderName::new("base").unwrap()),
    ];
    firewall.blacklist = vec!["pcspkr".to_owned()];
    let mut base = loader("base", vec![step("phylink", "")]);
    base.modules[0].stays_loaded = true;
    vec![firewall, base]
}

fn rendered(specs: Vec<LoaderSpec>) -> Vec<RenderedFile> {
    let (graph, diagnostics) = graph(specs);
    assert_eq!(diagnostics, Diagnostics::new());
    render(&graph, "/lib/kmodloader")
}

fn check(specs: Vec<LoaderSpec>, path: &str, want: Expect) {
    let files = rendered(specs);
    let file = files.iter().find(|file| file.path == path).unwrap();
    // The protocol is the same in all scripts and would hide the rest.
    want.assert_eq(&file.contents.replace(include_str!("../protocol.sh"), "(protocol)\n"));
}

#[test]
fn files_and_modes() {
    let list: String = rendered(firewall()).iter().map(|file| format!("{:o} {}\n", file.mode, file.path)).collect();
    expect![[r#"
        644 lib/modprobe.d/kmodloader-firewall.conf
        755 services/openrc/kmodloader-base
        755 services/openrc/kmodloader-firewall
        644 services/s6-rc/kmodloader-base/down
        644 services/s6-rc/kmodloader-base/timeout-down
        644 services/s6-rc/kmodloader-base/timeout-up
        644 services/s6-rc/kmodloader-base/type
        644 services/s6-rc/kmodloader-base/up
        644 services/s6-rc/kmodloader-firewall/dependencies.d/kmodloader-base
        644 services/s6-rc/kmodloader-firewall/dependencies.d/wlan-calibration
        644 services/s6-rc/kmodloader-firewall/down
        644 services/s6-rc/kmodloader-firewall/timeout-down
        644 services/s6-rc/kmodloader-firewall/timeout-up
        644 services/s6-rc/kmodloader-firewall/type
        644 services/s6-rc/kmodloader-firewall/up
        755 services/sh/base
        755 services/sh/firewall
        644 services/systemd/kmodloader-base.service
        644 services/systemd/kmodloader-firewall.service
    "#]]
    .assert_eq(&list);
}

#[test]
fn script() {
    check(
        firewall(),
        "services/sh/firewall",
        expect![[r##"
        #!/bin/sh
        # Packet filter: 100 % of $it.
        # Loads and unloads kernel modules; written by kiln from the recipe's kmodloader.firewall.
        # Start the loader base first.
        # Start the service wlan-calibration.service first.

        loader=firewall
        modular=yes
        # In load order.
        modules='
        	nfnetlink
        	nf_conntrack
        '
        # Wanted, but not needed.
        optional='nf_conntrack'
        # Without an exit function.
        permanent=''

        run_insmod() {
        	case $1 in
        	nfnetlink) insmod '/lib/modules/6.12.0/kernel/nfnetlink.ko' ;;
        	nf_conntrack) insmod '/lib/modules/6.12.0/kernel/nf-conntrack.ko' 'hashsize=4096' 'x="it'\''s $x"' ;;
        	esac
        }

        (protocol)
    "##]],
    );
}

#[test]
fn systemd() {
    check(
        firewall(),
        "services/systemd/kmodloader-firewall.service",
        expect![[r#"
            # Written by kiln from the recipe's kmodloader.firewall.

            [Unit]
            Description=Packet filter: 100 %% of $it
            # Early services may need these modules, so this waits for no target. It has no place before sysinit.target either:
            # a dependency may be a service that comes after it.
            DefaultDependencies=no
            Conflicts=shutdown.target
            Before=multi-user.target shutdown.target
            # What is listed for every boot is there before, and so is not this loader's to remove.
            After=systemd-modules-load.service
            RequiresMountsFor=/lib/kmodloader/firewall /lib/modules/6.12.0/kernel
            ConditionVirtualization=!container
            Requires=kmodloader-base.service wlan-calibration.service
            After=kmodloader-base.service wlan-calibration.service

            [Service]
            Type=oneshot
            RemainAfterExit=yes
            ExecStart=/lib/kmodloader/firewall start
            ExecStop=/lib/kmodloader/firewall stop
            # The process that loads a module must live to report the outcome, even if the script has to be killed.
            KillMode=process
            TimeoutStartSec=300
            TimeoutStopSec=300

            [Install]
            WantedBy=multi-user.target
        "#]],
    );
}

#[test]
fn openrc() {
    check(
        firewall(),
        "services/openrc/kmodloader-firewall",
        expect![[r##"
        #!/sbin/openrc-run
        # Written by kiln from the recipe's kmodloader.firewall.

        description='Packet filter: 100 % of $it'

        depend() {
        	need kmodloader-base wlan-calibration
        	# What /etc/modules lists is there before, and so is not this loader's to remove.
        	after modules
        	# A container shares its host's kernel.
        	keyword -docker -lxc -openvz -prefix -systemd-nspawn -vserver
        }

        start() {
        	ebegin "Loading the kernel modules of firewall"
        	'/lib/kmodloader/firewall' start
        	eend $?
        }

        stop() {
        	ebegin "Unloading the kernel modules of firewall"
        	'/lib/kmodloader/firewall' stop
        	eend $?
        }
    "##]],
    );
}

#[test]
fn s6() {
    check(
        firewall(),
        "services/s6-rc/kmodloader-firewall/up",
        expect![[r#"
        "/lib/kmodloader/firewall" start
    "#]],
    );
    check(
        firewall(),
        "services/s6-rc/kmodloader-firewall/down",
        expect![[r#"
        "/lib/kmodloader/firewall" stop
    "#]],
    );
    check(
        firewall(),
        "services/s6-rc/kmodloader-firewall/type",
        expect![[r#"
        oneshot
    "#]],
    );
    check(
        firewall(),
        "services/s6-rc/kmodloader-firewall/timeout-up",
        expect![[r#"
        300000
    "#]],
    );
}

#[test]
fn modprobe() {
    check(
        firewall(),
        "lib/modprobe.d/kmodloader-firewall.conf",
        expect![[r##"
        # Written by kiln from the recipe's kmodloader.firewall.
        options nf_conntrack hashsize=4096 x="it's $x"
        blacklist pcspkr
    "##]],
    );
}
