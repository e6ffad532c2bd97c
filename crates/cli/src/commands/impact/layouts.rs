//! The output for layouts of structures.

use std::fmt::Write as _;

use kiln_impact::{MemberChange, Slot, StructureChange};
use kiln_modgraph::read::StructureKind;
use kiln_pipeline::LayoutReport;
use serde_json::{Value, json};

use super::{N_LINES, N_SHOWN, count, more, names};

pub(super) fn text(text: &mut String, report: &LayoutReport, all: bool) {
    if let Some(fault) = &report.fault {
        let _ = writeln!(text, "  layouts of structures are not known: {fault}");
        return;
    }
    if report.objects.is_empty() && report.unread.is_empty() {
        return;
    }
    let n = report.changes.len();
    let (have, compiled) = (if n == 1 { "has" } else { "have" }, count(report.objects.len(), "object"));
    let structures = count(n, "structure");
    let _ = writeln!(text, "  {structures} {have} a different layout ({compiled} compiled under both configs)");
    let n_shown = if all { n } else { N_LINES };
    for change in report.changes.iter().take(n_shown) {
        let _ = writeln!(text, "    {}", line(change, all));
    }
    more(text, n, n_shown);
    for unread in &report.unread {
        let _ = writeln!(text, "  structures of {} are not known: {}", unread.object, unread.why);
    }
    if !report.left_out.is_empty() {
        let files = names(&report.left_out, all);
        let n = count(report.left_out.len(), "file");
        let _ = writeln!(text, "  {n} whose structures were not compared: {files}");
    }
}

/// `struct net: 2304 -> 2368 bytes; +ct at 128; loopback_dev at 128 -> 192 (NF_CONNTRACK: include/net/…h:127)`
fn line(change: &StructureChange, all: bool) -> String {
    let mut line = match change.old_size == change.new_size {
        true => format!("{}: {} bytes as before", change.title, change.new_size),
        false => format!("{}: {} -> {} bytes", change.title, change.old_size, change.new_size),
    };
    let mut members: Vec<&MemberChange> = change.members.iter().collect();
    // Members that are merely moved make room for others.
    members.sort_by_key(|member| (member.is_moved(), member.is_resized()));
    let n_shown = if all { members.len() } else { N_SHOWN };
    for change in members.iter().take(n_shown) {
        let _ = write!(line, "; {}", member(change));
    }
    if members.len() > n_shown {
        let _ = write!(line, "; and {} more", members.len() - n_shown);
    }
    if let Some(cause) = &change.cause {
        let through = match cause.through.is_empty() {
            true => String::new(),
            false => format!(", through {}", cause.through.join(", ")),
        };
        let (at, _) = cause.symbols.first().cloned().unwrap_or_default();
        let symbols: Vec<String> = cause.symbols.iter().map(|(_, symbol)| symbol.clone()).collect();
        let _ = write!(line, " ({}: {}:{at}{through})", names(&symbols, all), cause.file);
    }
    line
}

fn member(change: &MemberChange) -> String {
    let name = &change.name;
    match (change.old, change.new) {
        (None, Some(new)) => format!("+{name} at {}", place(new)),
        (Some(old), None) => format!("-{name} at {}", place(old)),
        (Some(old), Some(new)) => {
            let at = match old.offset == new.offset {
                true => format!("at {}", place(new)),
                false => format!("at {} -> {}", place(old), place(new)),
            };
            match old.size == new.size {
                true => format!("{name} {at}"),
                false => format!("{name} {at}, {} -> {} bytes", old.size.div_ceil(8), new.size.div_ceil(8)),
            }
        }
        (None, None) => name.clone(),
    }
}

/// Formats bytes, and bits after a dot where a member does not start with a byte.
fn place(slot: Slot) -> String {
    match slot.offset % 8 {
        0 => (slot.offset / 8).to_string(),
        bits => format!("{}.{bits}", slot.offset / 8),
    }
}

pub(super) fn as_json(report: &LayoutReport) -> Value {
    let changes = report.changes.iter().map(|change| {
        let slot = |slot: Option<Slot>| {
            slot.map(|slot| match slot.is_bit_field {
                false => json!({ "offset": slot.offset / 8, "size": slot.size / 8 }),
                true => json!({ "offset": slot.offset / 8, "bit": slot.offset % 8, "bits": slot.size }),
            })
        };
        let members: Vec<Value> = (change.members.iter())
            .map(|member| json!({ "name": member.name, "old": slot(member.old), "new": slot(member.new) }))
            .collect();
        let cause = change.cause.as_ref();
        let first = cause.and_then(|cause| cause.symbols.first());
        json!({
            "name": change.name,
            "kind": match change.kind { StructureKind::Struct => "struct", StructureKind::Union => "union" },
            "title": change.title,
            "definedIn": { "file": change.file, "line": change.line },
            "oldSize": change.old_size, "newSize": change.new_size, "members": members,
            "file": cause.map(|cause| &cause.file), "line": first.map(|(line, _)| line),
            "symbol": first.map(|(_, symbol)| symbol),
            "symbols": cause.map(|cause| cause.symbols.iter().map(|(_, symbol)| symbol).collect::<Vec<_>>()),
            "through": cause.map(|cause| &cause.through),
        })
    });
    Value::Array(changes.collect())
}

/// Returns the JSON of what was compiled for it, and what is missing.
pub(super) fn coverage(report: &LayoutReport) -> Value {
    let unread = report.unread.iter().map(|unread| json!({ "object": unread.object, "why": unread.why }));
    json!({
        "objects": report.objects, "unread": unread.collect::<Vec<_>>(), "leftOut": report.left_out,
        "fault": report.fault,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use kiln_impact::Layouts;
    use kiln_modgraph::read::{Member, Structure};
    use kiln_pipeline::Unread;

    use super::*;

    fn report() -> LayoutReport {
        let member = |name: &str, offset, size, is_bit_field| Member {
            name: name.to_owned(),
            offset,
            size,
            is_bit_field,
            of: None,
        };
        let of = |size, members| Structure {
            kind: StructureKind::Struct,
            name: "net".to_owned(),
            is_typedef: false,
            size,
            members,
            file: "net.h".to_owned(),
            line: 1,
        };
        let old = vec![member("flag", 3, 1, true), member("gone", 32, 32, false), member("last", 64, 64, false)];
        let new = vec![member("flag", 12, 1, true), member("new", 64, 128, false), member("last", 192, 128, false)];
        let mut layouts = Layouts::default();
        layouts.add([vec![of(16, old)], vec![of(40, new)]]);
        let text = "struct net {\n#ifdef CONFIG_A\n};\n".to_owned();
        LayoutReport {
            changes: layouts.changes(&["A"].into(), &[("net.h", text)].into()),
            objects: vec!["a.o".to_owned()],
            unread: vec![Unread { object: "b.o".to_owned(), why: "no note".to_owned() }],
            left_out: vec!["c.h".to_owned()],
            fault: None,
        }
    }

    #[test]
    fn for_people() {
        let mut shown = "compared:\n".to_owned();
        text(&mut shown, &report(), false);
        expect![[r#"
            compared:
              1 structure has a different layout (1 object compiled under both configs)
                struct net: 16 -> 40 bytes; -gone at 4; +new at 8; last at 8 -> 24, 8 -> 16 bytes; flag at 0.3 -> 1.4 (A: net.h:2)
              structures of b.o are not known: no note
              1 file whose structures were not compared: c.h
        "#]]
        .assert_eq(&shown);
    }

    #[test]
    fn for_programs() {
        expect![[r#"[{"name":"net","kind":"struct","title":"struct net","definedIn":{"file":"net.h","line":1},"oldSize":16,"newSize":40,"members":[{"name":"flag","old":{"offset":0,"bit":3,"bits":1},"new":{"offset":1,"bit":4,"bits":1}},{"name":"gone","old":{"offset":4,"size":4},"new":null},{"name":"new","old":null,"new":{"offset":8,"size":16}},{"name":"last","old":{"offset":8,"size":8},"new":{"offset":24,"size":16}}],"file":"net.h","line":2,"symbol":"A","symbols":["A"],"through":[]}]"#]]
        .assert_eq(&as_json(&report()).to_string());
        expect![[r#"{"objects":["a.o"],"unread":[{"object":"b.o","why":"no note"}],"leftOut":["c.h"],"fault":null}"#]]
            .assert_eq(&coverage(&report()).to_string());
    }
}
