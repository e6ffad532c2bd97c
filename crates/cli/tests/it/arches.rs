//! The shipped modules of every architecture, on the trees that kiln is tested with: none of their requests is unmet.

use crate::sandbox::Sandbox;

/// The shipped modules of architectures; `mips` alone is not a machine.
const ARCHES: [&str; 6] = ["aarch64", "arm", "mipseb", "mipsel", "riscv64", "x86_64"];
const PACKAGES: [&str; 2] = ["linux-source-6.1", "linux-source-6.12"];

/// Checks a recipe that is only imports, over Kconfig's defaults and over nothing.
fn check(imports: &str) {
    let sandbox = Sandbox::with_shared_store();
    for package in PACKAGES {
        for arch in ARCHES {
            for base in ["alldefconfig", "allnoconfig"] {
                sandbox.file(
                    "kiln.toml",
                    format!(
                        "imports = [\"kiln:arch/{arch}\", {imports}]\n\n[kernel]\nsrc = {{ apt = \"{package}\" }}\n\
                         baseConfig = \"{base}\"\n"
                    ),
                );
                let ran = sandbox.kiln(&["--quiet", "check"]);
                assert_eq!(ran.code, Some(0), "{package}, {arch}, {base}:\n{}", ran.block());
            }
        }
    }
}

#[test]
#[ignore = "slow: downloads two kernels' sources"]
fn the_base_set_is_met_on_every_architecture() {
    check("\"kiln:base\"");
}

#[test]
#[ignore = "slow: downloads two kernels' sources"]
fn a_guest_with_a_firewall_is_met_on_every_architecture() {
    check("\"kiln:base\", \"kiln:firewall\", \"kiln:qemu\"");
}
