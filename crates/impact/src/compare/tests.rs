use super::*;
use crate::record::Product;

fn record(products: &[(&str, ProductKind, u8)]) -> BuildRecord {
    let product = |&(path, kind, digest): &(&str, ProductKind, u8)| Product {
        path: path.to_owned(),
        kind,
        digest: Some([digest; 16]),
        symbols: Vec::new(),
        reads: Vec::new(),
    };
    BuildRecord::new("6.12", products.iter().map(product).collect())
}

#[test]
fn what_differs_and_what_that_means() {
    use ProductKind::{BuiltIn, Link, Module};
    let one = record(&[("a.o", BuiltIn, 1), ("m.o", Module, 1), ("m.ko", Module, 1), ("vmlinux", Link, 1)]);
    let exports = "0x1\ta\tvmlinux\tEXPORT_SYMBOL\t\n0x2\tm\tm\tEXPORT_SYMBOL\t\n";
    assert_eq!(compare(&one, &one, [exports, exports]).verdict(), Verdict::Nothing);

    let more = record(&[
        ("a.o", BuiltIn, 1),
        ("m.o", Module, 2),
        ("m.ko", Module, 2),
        ("n.ko", Module, 1),
        ("vmlinux", Link, 1),
    ]);
    let found = compare(&one, &more, [exports, exports]);
    assert_eq!(
        (found.changed_modules.as_slice(), found.added_modules.as_slice()),
        (&["m.ko".to_owned()][..], &["n.ko".to_owned()][..])
    );
    assert_eq!(found.verdict(), Verdict::SameBytes);

    let other = record(&[("a.o", BuiltIn, 2), ("vmlinux", Link, 2)]);
    let found =
        compare(&one, &other, [exports, "0x1\ta\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x1\tb\tvmlinux\tEXPORT_SYMBOL\t\n"]);
    assert_eq!((found.changed.as_slice(), found.verdict()), (&["a.o".to_owned()][..], Verdict::NewKernel));
    assert_eq!(found.exports, [ExportChange::Changed("a".to_owned()), ExportChange::Added("b".to_owned())]);

    let relinked = record(&[("a.o", BuiltIn, 1), ("m.o", Module, 1), ("m.ko", Module, 1), ("vmlinux", Link, 2)]);
    assert_eq!(compare(&one, &relinked, [exports, exports]).verdict(), Verdict::NewKernel);
}

#[test]
fn a_copy_of_the_config_does_not_count() {
    use ProductKind::{BuiltIn, Link};
    let of = |digest| record(&[("kernel/configs.o", BuiltIn, digest), ("vmlinux", Link, digest)]);
    let found = compare(&of(1), &of(2), ["", ""]);
    assert_eq!((found.copies.len(), found.verdict()), (1, Verdict::SameBytes));
}
