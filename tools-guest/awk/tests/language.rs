//! The language, against what POSIX and the AWK book say.

use std::io::{self, Read, Write};

use toolcell_awk::{Commands, run};

/// No command can be started here.
struct Nothing;

impl Commands for Nothing {
    fn write_to(&mut self, _: &str) -> io::Result<Box<dyn Write>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn read_from(&mut self, _: &str) -> io::Result<Box<dyn Read>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn wait(&mut self, _: &str) -> i32 {
        0
    }
    fn system(&mut self, _: &str) -> i32 {
        127
    }
}

/// What a program prints for this input.
fn output(program: &str, input: &[u8]) -> Vec<u8> {
    output_in("C.UTF-8", program, input)
}

/// The same in a locale.
fn output_in(locale: &str, program: &str, input: &[u8]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("input");
    std::fs::write(&path, input).unwrap();
    let words = [program.to_owned(), path.to_string_lossy().into_owned()];
    let mut out = Vec::new();
    let environment = vec![("LC_ALL".to_owned(), locale.to_owned())];
    run(&words, environment, &mut Nothing, &mut out);
    out
}

#[track_caller]
fn check(program: &str, input: &str, expected: &str) {
    let out = output(program, input.as_bytes());
    assert_eq!(String::from_utf8_lossy(&out), expected, "{program}");
}

#[track_caller]
fn begin(program: &str, expected: &str) {
    check(&format!("BEGIN {{ {program} }}"), "", expected);
}

#[test]
fn records_and_fields() {
    check("{ print $2, NF, NR }", "a b c\nd e\n", "b 3 1\ne 2 2\n");
    check("{ $2 = \"x\"; print; print NF }", "a b c\n", "a x c\n3\n");
    check("{ $5 = \"e\"; print }", "a b\n", "a b   e\n");
    check("{ NF = 2; print }", "a b c\n", "a b\n");
    check("BEGIN { FS = \",\"; OFS = \"-\" } { $1 = $1; print }", "a,b,c\n", "a-b-c\n");
    check("BEGIN { RS = \"\" } { print NR \": \" $1 }", "a\nb\n\nc\n", "1: a\n2: c\n");
    check("END { print NR, $0 }", "a\nb\n", "2 b\n");
    check("NR==2, NR==3", "1\n2\n3\n4\n", "2\n3\n");
    check("/b/ { next } { print }", "a\nb\nc\n", "a\nc\n");
    check("$1 > 9", "10\n9\nabc\n", "10\nabc\n");
}

#[test]
fn expressions() {
    begin("print 1 + 2 * 3, 2 ^ 3 ^ 2, -2 ^ 2, 7 % 3", "7 512 -4 1\n");
    begin("print 1 \" \" 2, 1 + 1 \"x\"", "1 2 2x\n");
    begin("print 1 == 1.0, \"a\" < \"b\", \"10\" < \"9\", 10 < 9", "1 1 1 0\n");
    begin("x = 5; print x++ + ++x, x, x--, x", "12 7 7 6\n");
    begin("print !0, !\"\", !\"a\", 1 ? \"y\" : \"n\"", "1 1 0 y\n");
    begin(
        "print 0.1 + 0.2, 1e6, 1e20, 100000 * 100000, 1/3",
        "0.3 1000000 100000000000000000000 10000000000 0.333333\n",
    );
    begin(
        "print length(\"grün\"), substr(\"hello\", 2, 3), substr(\"hello\", 0, 2), index(\"abc\", \"c\")",
        "4 ell h 3\n",
    );
    begin("print (1, 2) in a, 3 in a", "0 0\n");
    begin("print \"a\" > \"/dev/stdout\"", "a\n");
}

#[test]
fn functions_and_arrays() {
    begin("n = split(\"a:b:c\", p, \":\"); print n, p[1], p[3]", "3 a c\n");
    begin(
        "s = \"aaa\"; print gsub(/a/, \"b&\", s), s; print sub(/b/, \"\\\\&\", s), s",
        "3 bababa\n1 &ababa\n",
    );
    begin(
        "print match(\"foobar\", /o+/), RSTART, RLENGTH; print match(\"x\", /y/), RLENGTH",
        "2 2 2\n0 -1\n",
    );
    begin(
        "printf \"%5.2f|%-5s|%05d|%c|%x|%e\\n\", 3.14159, \"ab\", 42, 65, 255, 1234.5",
        " 3.14|ab   |00042|A|ff|1.234500e+03\n",
    );
    begin(
        "a[\"x\"] = 1; a[\"y\"]; for (k in a) print k, a[k]; delete a[\"x\"]; print length(a)",
        "x 1\ny \n1\n",
    );
    begin("a[1,2] = 3; for (k in a) { split(k, p, SUBSEP); print p[1], p[2] }", "1 2\n");
    begin("print toupper(\"ab\") tolower(\"CD\"), int(-3.7), sqrt(16)", "ABcd -3 4\n");
    begin("print gensub(/(a)(b)/, \"\\\\2\\\\1\", \"g\", \"abab\")", "baba\n");
    check(
        "function f(n) { return n < 2 ? 1 : n * f(n - 1) }\nBEGIN { print f(10) }",
        "",
        "3628800\n",
    );
    check("function g(a) { a[\"k\"] = \"v\" }\nBEGIN { g(x); print x[\"k\"] }", "", "v\n");
    check("function h(a, i) { i = 5; return i }\nBEGIN { i = 1; print h(2), i }", "", "5 1\n");
}

#[test]
fn control() {
    begin("for (i = 0; i < 5; i++) { if (i == 1) continue; if (i == 3) break; print i }", "0\n2\n");
    begin("while (i < 2) print i++; do print \"d\"; while (0)", "0\n1\nd\n");
    begin("if (1) print \"a\"; else print \"b\"", "a\n");
    check("{ while ((getline line) > 0) n++; print n + 0 }", "a\nb\nc\n", "2\n");
    check("{ c[$1]++ } END { for (k in c) print k, c[k] }", "a\nb\na\n", "a 2\nb 1\n");
    check("{ s += $1 } END { print s, s / NR }", "1\n2\n3\n", "6 2\n");
    check("BEGIN { exit 3 } END { print \"end\" }", "", "end\n");
    check("!seen[$0]++", "a\nb\na\n", "a\nb\n");
    check("{ print $NF; print $(NF-1) }", "a b c\n", "c\nb\n");
}

/// The output for input that is not all UTF-8.
#[track_caller]
fn check_bytes(program: &str, input: &[u8], expected: &[u8]) {
    assert_eq!(output(program, input), expected, "{program}");
}

#[test]
fn bytes_outside_of_utf8_stay_what_they_are() {
    let input = b"a\xffb c\n";
    check_bytes("{ print }", input, input);
    check_bytes("{ print $2, $1, length($1) }", input, b"c a\xffb 3\n");
    check_bytes("{ gsub(/b/, \"X\"); print toupper($0) }", input, b"A\xffX C\n");
    check_bytes("{ a[$1] = 1 } END { for (k in a) print k }", input, b"a\xffb\n");
    check_bytes("{ print index($0, \"b\"), substr($0, 2, 2) }", input, b"3 \xffb\n");
    check_bytes("BEGIN { FS = \"\\377\" } { print $2 }", input, b"b c\n");
    check_bytes(
        "{ printf \"%s|%3s|\\xfe\\n\", $1, \"\\303\\251\" }",
        input,
        b"a\xffb|  \xc3\xa9|\xfe\n",
    );
    check_bytes("/a\\377b/ { print \"found\" }", input, b"found\n");
    check_bytes("{ print match($0, /[^a]b/), RSTART }", b"a\xc3\xa9b\n", b"2 2\n");
}

#[test]
fn in_the_locale_c_each_byte_is_a_character() {
    let input = "gr\u{fc}n \u{c9}\n";
    for (program, expected) in [
        ("{ print length($1), index($1, \"n\"), substr($1, 3, 1) }", &b"5 5 \xc3\n"[..]),
        ("{ print toupper($1), tolower($2) }", "GR\u{fc}N \u{c9}\n".as_bytes()),
        ("{ printf \"%6s|%.3s|%c\\n\", $1, $1, 233 }", b" gr\xc3\xbcn|gr\xc3|\xe9\n"),
        ("{ print match($0, /[^a-z]/), RLENGTH }", b"3 1\n"),
        ("{ print gsub(/./, \"x\", $1), $1 }", b"5 xxxxx\n"),
        (
            "{ print gsub(/\u{fc}/, \"u\", $1), $1; print gsub(/[\u{c9}]/, \"\", $2) }",
            b"1 grun\n2\n",
        ),
        ("{ print $1 ~ /^..\\303[\\274]n?$/, gsub(/[[:alpha:]]/, \"\", $1) }", b"1 3\n"),
        ("{ print split($2, parts, \"\"), $2 ~ /^\\w/ }", b"2 0\n"),
        ("{ print gsub(/x*/, \"-\", $2) }", b"3\n"),
    ] {
        assert_eq!(output_in("C", program, input.as_bytes()), expected, "{program}");
    }
}

#[test]
fn what_gawk_has_beside_posix() {
    check(
        "BEGIN { FPAT = \"([^,]*)|(\\\"[^\\\"]+\\\")\" } { print NF, $2 }",
        "a,\"b,c\",d\n",
        "3 \"b,c\"\n",
    );
    check(
        "BEGIN { IGNORECASE = 1 } /ab/ { n++ } END { print n, (\"A\" == \"a\") }",
        "AB\nab\nx\n",
        "2 1\n",
    );
    check("BEGIN { RS = \"[;,]\" } { printf \"%s(%s)\", $0, RT }", "a;b,c", "a(;)b(,)c()");
    begin(
        "a[\"x\"] = 2; a[\"y\"] = 10; a[\"z\"] = 1; PROCINFO[\"sorted_in\"] = \"@val_num_desc\"; for (k in a) printf \"%s \", k",
        "y x z ",
    );
    begin(
        "switch (\"b2\") { case \"a\": print 1; case /^b/: print 2; case 3: print 3; break; default: print 4 }",
        "2\n3\n",
    );
    begin(
        "print mktime(\"2024 02 29 00 00 00\"), compl(0), strtonum(\"0x1F\")",
        "1709164800 9007199254740991 31\n",
    );
    begin("print match(\"foobar\", /(o+)(b)/, m), m[1], m[2], m[2, \"start\"]", "2 oo b 4\n");
    begin("n = split(\"a1b22c\", p, /[0-9]+/, s); print n, p[3], s[1], s[2]", "3 c 1 22\n");
    begin(
        "print gensub(/b/, \"X\", 2, \"abab\"), gensub(/x/, \"y\", \"g\", \"abc\")",
        "abaX abc\n",
    );
}

#[test]
fn an_index_is_evaluated_once() {
    begin("i = 1; a[i++]++; a[i++] += 2; print i, a[1], a[2]", "3 1 2\n");
    check("{ i = 1; $(i++)++; print i, $0 }", "5 7\n", "2 6 7\n");
}

#[test]
fn records_by_an_expression_take_as_long_as_they_are_many() {
    let input = "x;;".repeat(200_000);
    check("BEGIN { RS = \";+\" } END { print NR }", &input, "200000\n");
}

#[test]
fn functions_nest_deeply_and_not_for_ever() {
    let program = "function f(n) { return n ? 1 + f(n - 1) : 0 } BEGIN { print f(30) }";
    check(program, "", "30\n");
    let endless = "function f(n) { return f(n + 1) } BEGIN { print f(0) }".to_owned();
    assert_eq!(run(&[endless], Vec::new(), &mut Nothing, &mut Vec::new()), 2);
    let chain = format!("BEGIN {{ print 1{} }}", "+1".repeat(100_000));
    assert_eq!(run(&[chain], Vec::new(), &mut Nothing, &mut Vec::new()), 2);
    begin(&format!("print 1{}", "+1".repeat(300)), "301\n");
}

#[test]
fn mistakes_end_with_status_2() {
    for program in ["{ print", "BEGIN { x( }", "BEGIN { nope() }", "BEGIN { print 1 / 0 }"] {
        let status = run(&[program.to_owned()], Vec::new(), &mut Nothing, &mut Vec::new());
        assert_eq!(status, 2, "{program}");
    }
    for program in
        ["BEGIN { printf \"%s %s\", 1 }", "BEGIN { substr(\"a\") }", "BEGIN { x = 1; x[1] }"]
    {
        let status = run(&[program.to_owned()], Vec::new(), &mut Nothing, &mut Vec::new());
        assert_eq!(status, 2, "{program}");
    }
    let deep = format!("BEGIN {{ print {}1{} }}", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(run(&[deep], Vec::new(), &mut Nothing, &mut Vec::new()), 2);
}
