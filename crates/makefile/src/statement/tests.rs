use super::*;

/// One line for each statement: its number, its kind, and its parts between bars.
fn shown(text: &str) -> Vec<String> {
    let test = |test: Test<'_>| match test {
        Test::Equal(true, Some((left, right))) => format!("eq|{left}|{right}"),
        Test::Equal(false, Some((left, right))) => format!("ne|{left}|{right}"),
        Test::Equal(_, None) => "?".to_owned(),
        Test::Defined(true, name) => format!("def|{name}"),
        Test::Defined(false, name) => format!("undef|{name}"),
    };
    let one = |line: &Line<'_>| {
        let what = match line.statement() {
            Statement::Assignment(Assignment { name, operator, value }) => {
                let sign = match operator {
                    Operator::Set => "=",
                    Operator::Append => "+=",
                    Operator::SetIfUnset => "?=",
                    Operator::Shell => "!=",
                };
                format!("{name}|{sign}|{value}")
            }
            Statement::Conditional(Conditional::If(found)) => format!("if {}", test(found)),
            Statement::Conditional(Conditional::Else(found)) => {
                format!("else{}", found.map(|found| format!(" {}", test(found))).unwrap_or_default())
            }
            Statement::Conditional(Conditional::EndIf) => "endif".to_owned(),
            Statement::Include(words) => format!("include|{words}"),
            Statement::Rule { targets, prerequisites } => format!("rule|{targets}|{prerequisites}"),
            Statement::Recipe => format!("recipe|{}", line.text.trim()),
            Statement::Define => "define".to_owned(),
            Statement::Other => "other".to_owned(),
        };
        format!("{} {what}", line.number)
    };
    lines(text).iter().map(one).collect()
}

/// The syntax of make's language, as far as the readers of make text need it.
const CASES: &[(&str, &[&str])] = &[
    // Lines.
    ("", &[]),
    ("\n \n\t\n", &[]),
    ("a := b", &["1 a|=|b"]),
    ("a := b \\\n\tc \\\n  d\ne := f\n", &["1 a|=|b c d", "4 e|=|f"]),
    ("a := b \\", &["1 a|=|b"]),
    ("a := b\\\\\nc := d\n", &["1 a|=|b\\\\", "2 c|=|d"]),
    ("a := b\\\\\\\nc\n", &["1 a|=|b\\\\ c"]),
    ("a := b \\ \nc := d\n", &["1 a|=|b \\", "2 c|=|d"]),
    ("a := b\r\nc := d\r\n", &["1 a|=|b", "2 c|=|d"]),
    // Comments.
    ("# a := b\na := b # c\n", &["2 a|=|b"]),
    ("# a \\\nb := c\nd := e\n", &["3 d|=|e"]),
    ("a := b \\\n# c \\\nd\ne := f\n", &["1 a|=|b", "4 e|=|f"]),
    ("a := \\#b\nc := \\\\#d\n", &["1 a|=|#b", "2 c|=|\\"]),
    ("a := $(subst #,x,$(b)) ${c#} $(pound) # d\n", &["1 a|=|$(subst #,x,$(b)) ${c#} $(pound)"]),
    // Assignments.
    ("a=b\na =b\na= b\n", &["1 a|=|b", "2 a|=|b", "3 a|=|b"]),
    (
        "a := b\na ::= b\na :::= b\na += b\na ?= b\na != b\n",
        &["1 a|=|b", "2 a|=|b", "3 a|=|b", "4 a|+=|b", "5 a|?=|b", "6 a|!=|b"],
    ),
    ("a:=b\na+=b\na?=b\n", &["1 a|=|b", "2 a|+=|b", "3 a|?=|b"]),
    ("obj-$(CONFIG_A) += a.o\n", &["1 obj-$(CONFIG_A)|+=|a.o"]),
    ("obj-$(subst m,y,$(CONFIG_A)) += a.o\n", &["1 obj-$(subst m,y,$(CONFIG_A))|+=|a.o"]),
    ("obj-${CONFIG_A}:=${b:.c=.o}\n", &["1 obj-${CONFIG_A}|=|${b:.c=.o}"]),
    ("CFLAGS_a++.o := -Db=c\n", &["1 CFLAGS_a++.o|=|-Db=c"]),
    ("a =\n= b\n", &["1 a|=|", "2 other"]),
    ("export a := b\noverride export a = b\nprivate a = b\n", &["1 a|=|b", "2 a|=|b", "3 a|=|b"]),
    ("export a b\nexport\nexport = a\n", &["1 other", "2 other", "3 export|=|a"]),
    ("  obj-y += a.o\n\tobj-y += b.o\n", &["1 obj-y|+=|a.o", "2 obj-y|+=|b.o"]),
    ("ifdef := a\ninclude = b\nendif += c\n", &["1 ifdef|=|a", "2 include|=|b", "3 endif|+=|c"]),
    ("a = $(b\n", &["1 a|=|$(b"]),
    // Conditionals.
    (
        "ifeq ($(A),y)\nelse ifneq ($(B), $(subst a,b,c) )\nelse\nendif\n",
        &["1 if eq|$(A)|y", "2 else ne|$(B)|$(subst a,b,c)", "3 else", "4 endif"],
    ),
    ("ifeq \"$(A)\" \"y\"\nifneq 'a' 'b'\n", &["1 if eq|$(A)|y", "2 if ne|a|b"]),
    ("ifeq($(A),)\nifeq ($(A)\nifeq\n", &["1 if eq|$(A)|", "2 if ?", "3 if ?"]),
    (
        "\tifdef CONFIG_A # b\n  ifndef CONFIG_B\nelse ifdef CONFIG_C\n",
        &["1 if def|CONFIG_A", "2 if undef|CONFIG_B", "3 else def|CONFIG_C"],
    ),
    // Files.
    (
        "include a $(b)/c\n-include d\nsinclude e # f\nincludes\n",
        &["1 include|a $(b)/c", "2 include|d", "3 include|e", "4 other"],
    ),
    // Rules.
    ("a.o: b.c c.h\na.o b.o::c\na : b\na:\n", &["1 rule|a.o|b.c c.h", "2 rule|a.o b.o|c", "3 rule|a|b", "4 rule|a|"]),
    ("$(obj)/%.o: $(src)/%.c FORCE ; $(cmd)\n", &["1 rule|$(obj)/%.o|$(src)/%.c FORCE"]),
    ("$(a:.c=.o): %.o: %.c | dir\n", &["1 rule|$(a:.c=.o)|%.o: %.c | dir"]),
    ("a: $(b:.c=.o)\n", &["1 rule|a|$(b:.c=.o)"]),
    ("a.o: CFLAGS := b\na.o: private CFLAGS += b\n\tc := d\n", &["1 other", "2 other", "3 c|=|d"]),
    // Recipes.
    (
        "a:\n\tb := c # d\n\n# e\n\tf \\\n\tg\nh := i\n\tj := k\n",
        &["1 rule|a|", "2 recipe|b := c # d", "5 recipe|f g", "7 h|=|i", "8 j|=|k"],
    ),
    (
        "a:\nifdef B\n\tc\nelse\n\td\nendif\n\te\n",
        &["1 rule|a|", "2 if def|B", "3 recipe|c", "4 else", "5 recipe|d", "6 endif", "7 recipe|e"],
    ),
    (
        "ifdef B\na:\n\tb\nelse\n\tc := d\nendif\n\te\n",
        &["1 if def|B", "2 rule|a|", "3 recipe|b", "4 else", "5 c|=|d", "6 endif", "7 recipe|e"],
    ),
    // Definitions.
    (
        "define a\nobj-y += b.o # c\ndefine d\nendef\nendif\nendef\ne := f\n",
        &["1 define", "2 define", "3 define", "4 define", "5 define", "6 define", "7 e|=|f"],
    ),
    ("define a =\nendef\noverride define b\nendef\n", &["1 define", "2 define", "3 define", "4 define"]),
    // Lines that are statements only after expansion.
    ("$(eval $(call a,b := c))\n$(foreach a,b,c: d)\nfoo bar = baz\n", &["1 other", "2 other", "3 other"]),
];

#[test]
fn make_text() {
    for (text, expected) in CASES {
        assert_eq!(shown(text), *expected, "{text}");
    }
}

#[test]
fn any_text_is_read() {
    let texts = CASES.iter().map(|(text, _)| *text);
    for text in texts {
        for (end, _) in text.char_indices() {
            let (front, back) = text.split_at(end);
            for part in [front, back, &format!("{back}$("), &format!("ä{front}\\#")] {
                let n_lines = part.lines().count() as u32;
                assert!(lines(part).iter().all(|line| (1..=n_lines).contains(&line.number)), "{part}");
            }
        }
    }
}
