//! The source of a FIT.

use expect_test::expect;
use kiln_assembly::outputs::{FitParts, fit_source};
use kiln_plan::evaluate::Located;
use kiln_plan::outputs::{Addresses, Compression, Fit, Payload};

fn located(text: &str) -> Located<String> {
    Located { value: text.to_owned(), origin: None }
}

/// A FIT of an uncompressed `Image` with these outputs in it.
fn fit(dtbs: &[&str], initramfs: Option<&str>) -> Fit {
    Fit {
        payload: Payload { image: located("Image"), appended_dtb: None },
        compression: Compression::None,
        addresses: Addresses::default(),
        title: None,
        dtbs: dtbs.iter().map(|name| located(name)).collect(),
        initramfs: initramfs.map(located),
    }
}

#[test]
fn a_fit_has_a_configuration_for_each_device_tree() {
    let dtbs = [("board".to_owned(), "a".to_owned()), ("other".to_owned(), "b".to_owned())];
    let parts = FitParts {
        arch: "arm",
        release: "6.12.1",
        load: 0x8000_8000,
        entry: 0x1_8000_8040,
        kernel: "kernel",
        dtbs: &dtbs,
        initramfs: Some("ramdisk"),
    };
    expect![[r#"
        /dts-v1/;

        / {
        	description = "Linux 6.12.1";
        	#address-cells = <1>;

        	images {
        		kernel-1 {
        			description = "Linux 6.12.1";
        			data = /incbin/("kernel");
        			type = "kernel";
        			os = "linux";
        			load = <0x80008000>;
        			entry = <0x1 0x80008040>;
        			arch = "arm";
        			compression = "none";
        			hash-1 {
        				algo = "crc32";
        			};
        			hash-2 {
        				algo = "sha256";
        			};
        		};
        		fdt-board {
        			description = "board";
        			data = /incbin/("a");
        			type = "flat_dt";
        			arch = "arm";
        			compression = "none";
        			hash-1 {
        				algo = "crc32";
        			};
        			hash-2 {
        				algo = "sha256";
        			};
        		};
        		fdt-other {
        			description = "other";
        			data = /incbin/("b");
        			type = "flat_dt";
        			arch = "arm";
        			compression = "none";
        			hash-1 {
        				algo = "crc32";
        			};
        			hash-2 {
        				algo = "sha256";
        			};
        		};
        		ramdisk-1 {
        			description = "initramfs";
        			data = /incbin/("ramdisk");
        			type = "ramdisk";
        			os = "linux";
        			arch = "arm";
        			compression = "none";
        			hash-1 {
        				algo = "crc32";
        			};
        			hash-2 {
        				algo = "sha256";
        			};
        		};
        	};

        	configurations {
        		default = "conf-board";
        		conf-board {
        			description = "board";
        			kernel = "kernel-1";
        			fdt = "fdt-board";
        			ramdisk = "ramdisk-1";
        		};
        		conf-other {
        			description = "other";
        			kernel = "kernel-1";
        			fdt = "fdt-other";
        			ramdisk = "ramdisk-1";
        		};
        	};
        };
    "#]]
    .assert_eq(&fit_source(&fit(&["board", "other"], Some("rescue.cpio")), &parts));
    let parts = FitParts { load: 0, entry: 0, dtbs: &[], initramfs: None, ..parts };
    let source = fit_source(&Fit { title: Some("a \"b\"".to_owned()), ..fit(&[], None) }, &parts);
    assert!(source.contains("default = \"conf-1\"") && !source.contains("ramdisk"), "{source}");
    assert!(source.contains(r#"description = "a \"b\"";"#), "{source}");
}
