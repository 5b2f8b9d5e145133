//! Rosters that are refused: each error names its place, and none repeats a value.

use recert::people::{Columns, Field, Format, Layout, parse};

/// Stands wherever a value could be personal.
const CANARY: &str = "CANARY";

fn mapped(format: Format, field: Field, name: &str) -> Layout {
    Layout { columns: Columns([(field, name.to_owned())].into()), ..Layout::new(format) }
}

/// The text, and what its error must say.
type Case = (&'static str, &'static [&'static str]);

fn refuse(layout: &Layout, cases: &[Case]) -> usize {
    for (text, said) in cases {
        refuse_bytes(layout, text.as_bytes(), said);
    }
    cases.len()
}

fn refuse_bytes(layout: &Layout, bytes: &[u8], said: &[&str]) {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let error = parse(bytes, layout, 3).expect_err(&shown).to_string();
    for part in said {
        assert!(error.contains(part), "{shown:?}: {error:?} does not say {part:?}");
    }
    assert!(!error.contains(CANARY), "{shown:?}: {error:?} repeats a value");
    assert!(!error.contains('\n'), "{error:?}");
}

const CSV: &[Case] = &[
    ("", &["it lists nobody"]),
    ("\n\n\n", &["it lists nobody"]),
    ("\u{feff}", &["it lists nobody"]),
    ("id\n", &["it lists nobody"]),
    ("id,name\n", &["it lists nobody"]),
    // The header.
    ("CANARY\n1\n", &["column \"id\"", "roster.columns.id", "delimiter"]),
    ("name,mail\nCANARY,CANARY\n", &["column \"id\"", "is not there"]),
    ("id;name\n1;CANARY\n", &["column \"id\"", "delimiter"]),
    ("1,CANARY\n2,CANARY\n", &["column \"id\"", "is not there"]),
    ("id,id\n1,CANARY\n", &["line 1, column \"id\"", "twice", "rename"]),
    ("id,name,Name\n1,CANARY,CANARY\n", &["line 1, column \"name\"", "twice"]),
    ("ID, id \n1,CANARY\n", &["line 1, column \"id\"", "twice"]),
    ("{\"id\": \"CANARY\"}\n", &["column \"id\""]),
    // Ids.
    ("id,name\n,CANARY\n", &["line 2, column \"id\"", "is empty"]),
    ("id,name\n  ,CANARY\n", &["line 2, column \"id\"", "is empty"]),
    ("id,name\n1,x\n\"\",CANARY\n", &["line 3, column \"id\"", "is empty"]),
    ("id,name\nCANARY,a\nCANARY,b\n", &["line 3, column \"id\"", "same as in line 2"]),
    ("id,name\nCANARY,a\n CANARY ,b\n", &["line 3, column \"id\"", "same as in line 2"]),
    ("id\nCANARY\n\n\nx\nCANARY\n", &["line 6, column \"id\"", "same as in line 2"]),
    ("id,note\nCANARY,\"a\nb\"\nCANARY,c\n", &["line 4, column \"id\"", "same as in line 2"]),
    ("id\r\nCANARY\r\nCANARY\r\n", &["line 3, column \"id\"", "same as in line 2"]),
    // Dates.
    ("id,start\n1,25.11.2026\n", &["line 2, column \"start\"", "YYYY-MM-DD"]),
    ("id,end\n1,11/25/2026\n", &["line 2, column \"end\"", "YYYY-MM-DD"]),
    ("id,end\n1,2026-11-25\n2,2026-11-31\n", &["line 3, column \"end\"", "not a date"]),
    ("id,end\n1,2026-02-29\n", &["line 2, column \"end\""]),
    ("id,end\n1,20261125\n", &["line 2, column \"end\""]),
    ("id,end\n1,2026-1-5\n", &["line 2, column \"end\""]),
    ("id,end\n1,0000-00-00\n", &["line 2, column \"end\"", "leave it empty"]),
    ("id,start\n1,CANARY\n", &["line 2, column \"start\""]),
    ("id,start\n1,2026-11-25 CANARY\n", &["line 2, column \"start\""]),
    ("id,start\n1,2026-11-25T\n", &["line 2, column \"start\""]),
    ("id,start\n1,2026-11-25T99:00\n", &["line 2, column \"start\""]),
    // Rows.
    ("id,name\n1\n", &["line 2", "1 fields", "2", "quotes"]),
    ("id,name\n1,Silva, CANARY\n", &["line 2", "3 fields", "2"]),
    ("id,name\n1,a\n\n2,b,CANARY\n", &["line 4", "3 fields"]),
    ("id,name\n1,a\n2,CANARY,\n", &["line 3", "3 fields"]),
    ("id\n1\n2\n3\n4\n", &["line 5", "more than the 3 people"]),
    // Quotes, behind which people could be lost.
    ("id,name\n1,\"CANARY\n2,b\n", &["line 2", "never closed"]),
    ("id,name\n1,a\n2,\"CANARY\n", &["line 3", "never closed"]),
    ("id,name\n1,\"CANARY\n2,\"b\"\n", &["line 3", "behind a closing quote"]),
    ("id,name\n1,\"Ana \"CANARY\" Silva\"\n", &["line 2", "behind a closing quote", "twice"]),
    ("id,name\n1,\"CANARY\" \n", &["line 2", "behind a closing quote"]),
    ("\"id,name\n1,CANARY\n", &["line 1", "never closed"]),
    // Other files.
    ("<!DOCTYPE html><title>CANARY</title>", &["it looks like an HTML or XML page"]),
    ("\n <html>CANARY", &["it looks like an HTML or XML page"]),
    ("PK\x03\x04CANARY", &["it is a workbook", "save it as CSV"]),
];

const JSON: &[Case] = &[
    ("", &["line 1", "ends early"]),
    ("  \n ", &["ends early"]),
    ("[", &["ends early"]),
    ("[{\"id\": \"CANARY\"}", &["ends early", "exported whole"]),
    ("[{\"id\": \"CANARY", &["ends early"]),
    ("[]", &["it lists nobody"]),
    ("{\"people\": []}", &["it lists nobody"]),
    // Shapes.
    ("{}", &["must be an array of objects"]),
    ("null", &["must be an array of objects"]),
    ("7", &["must be an array of objects"]),
    ("\"CANARY\"", &["must be an array of objects"]),
    ("{\"people\": {\"id\": \"CANARY\"}}", &["must be an array of objects"]),
    ("{\"people\": [{\"id\": 1}], \"CANARY\": []}", &["several arrays"]),
    ("{\"a\": [{\"id\": 1}], \"a\": [{\"id\": 2}]}", &["several arrays"]),
    ("[\"CANARY\"]", &["index 0", "not an object"]),
    ("[{\"id\": 1}, [\"CANARY\"]]", &["index 1", "not an object"]),
    ("[{\"id\": 1}, null]", &["index 1", "not an object"]),
    ("[{\"id\": 1}, 7, {\"id\": 2}]", &["index 1", "not an object"]),
    // Syntax.
    ("id,name\n1,CANARY\n", &["line 1", "not valid JSON"]),
    ("[{\"id\": 1},\n {\"id\": CANARY}]", &["line 2", "not valid JSON"]),
    ("[{\"id\": 1},\n]", &["line 2", "not valid JSON"]),
    ("[{\"id\": 1}] [{\"id\": \"CANARY\"}]", &["line 1", "not valid JSON"]),
    ("{\"id\": 1}\n{\"id\": \"CANARY\"}", &["line 2", "not valid JSON"]),
    // Ids.
    ("[{\"id\": 1}, {\"name\": \"CANARY\"}]", &["index 1, key \"id\"", "is empty"]),
    ("[{\"id\": null, \"name\": \"CANARY\"}]", &["index 0, key \"id\"", "is empty"]),
    ("[{\"id\": \" \"}]", &["index 0, key \"id\"", "is empty"]),
    ("[{\"id\": \"7\"}, {\"id\": 7}]", &["index 1, key \"id\"", "same as in index 0"]),
    (
        "[{\"id\": \"CANARY\"}, {\"id\": 2}, {\"id\": \"CANARY \"}]",
        &["index 2, key \"id\"", "same as in index 0"],
    ),
    ("[{\"id\": {\"CANARY\": 1}}]", &["index 0, key \"id\"", "is an object"]),
    ("[{\"id\": [\"CANARY\"]}]", &["index 0, key \"id\"", "is an array"]),
    ("[{\"id\": 1, \"id\": \"CANARY\"}]", &["index 0, key \"id\"", "twice"]),
    ("[{\"id\": 1, \"Name\": \"CANARY\", \"name\": \"CANARY\"}]", &["index 0, key \"name\"", "twice"]),
    // Values.
    ("[{\"id\": 1, \"name\": [\"CANARY\"]}]", &["index 0, key \"name\"", "is an array"]),
    ("[{\"id\": 1, \"name\": {\"CANARY\": 1}}]", &["index 0, key \"name\"", "is an object"]),
    ("[{\"id\": 1, \"email\": [[\"CANARY\"]]}]", &["index 0, key \"email\"", "is an array"]),
    (
        "[{\"id\": 1, \"aliases\": [{\"CANARY\": 1}]}]",
        &["index 0, key \"aliases\"", "something else than texts"],
    ),
    ("[{\"id\": 1, \"aliases\": [null]}]", &["index 0, key \"aliases\"", "something else than texts"]),
    ("[{\"id\": 1, \"aliases\": {\"CANARY\": 1}}]", &["index 0, key \"aliases\"", "is an object"]),
    ("[{\"id\": 1, \"start\": \"CANARY\"}]", &["index 0, key \"start\"", "YYYY-MM-DD"]),
    ("[{\"id\": 1}, {\"id\": 2, \"end\": 1764028800}]", &["index 1, key \"end\"", "YYYY-MM-DD"]),
    ("[{\"id\": 1, \"end\": true}]", &["index 0, key \"end\"", "YYYY-MM-DD"]),
    ("[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}]", &["index 3", "more than the 3 people"]),
    // Other files.
    ("<html>CANARY</html>", &["it looks like an HTML or XML page"]),
    ("PK\x03\x04CANARY", &["it is a workbook"]),
];

#[test]
fn refuses_a_malformed_roster_and_names_the_place() {
    let count = refuse(&Layout::new(Format::Csv), CSV) + refuse(&Layout::new(Format::Json), JSON);
    assert!(count > 85, "{count} cases");
}

#[test]
fn a_column_that_is_named_must_be_there() {
    for field in Field::ALL {
        let key = format!("roster.columns.{}", field.as_str());
        let said = ["column \"Spalte 7\"", "is not there", key.as_str()];
        let csv = mapped(Format::Csv, field, "Spalte 7");
        refuse_bytes(&csv, b"id,email,name,end\n1,CANARY,CANARY,2026-11-25\n", &said);
        if field != Field::Id {
            let json = mapped(Format::Json, field, "Spalte 7");
            refuse_bytes(&json, b"[{\"id\": 1, \"name\": \"CANARY\"}]", &said);
        }
    }
    let named = mapped(Format::Csv, Field::End, "Austritt");
    refuse_bytes(&named, b"id,Austritt\n1,CANARY\n", &["line 2, column \"Austritt\"", "YYYY-MM-DD"]);
    let named = mapped(Format::Json, Field::Id, "nr");
    refuse_bytes(&named, b"[{\"id\": \"CANARY\"}]", &["index 0, key \"nr\"", "is empty"]);
}

#[test]
fn what_is_not_utf_8_is_refused_with_its_line() {
    for format in [Format::Csv, Format::Json] {
        let layout = Layout::new(format);
        refuse_bytes(&layout, b"id,name\n1,CANARY\n2,M\xfcller\n", &["line 3", "UTF-8"]);
        refuse_bytes(&layout, b"\xff\xfei\0d\0\n\0", &["it is UTF-16", "UTF-8"]);
        refuse_bytes(&layout, b"\xfe\xff\0i\0d", &["it is UTF-16"]);
        refuse_bytes(&layout, b"\xef\xbb\xbf\xff", &["line 1", "UTF-8"]);
    }
}

#[test]
fn a_value_has_a_bound() {
    let long = CANARY.repeat(200);
    let csv = Layout::new(Format::Csv);
    refuse_bytes(
        &csv,
        format!("id,name\n1,{long}\n").as_bytes(),
        &["line 2, column \"name\"", "longer than 1000"],
    );
    refuse_bytes(&csv, format!("id\n{long}\n").as_bytes(), &["line 2, column \"id\"", "longer than 1000"]);
    let many = format!("id,aliases\n1,{}\n", "CANARY;".repeat(2_000));
    refuse_bytes(&csv, many.as_bytes(), &["line 2, column \"aliases\"", "longer than 10000"]);
    let many = format!("[{{\"id\": 1, \"aliases\": [{}\"\"]}}]", "\"CANARY\",".repeat(2_000));
    refuse_bytes(&Layout::new(Format::Json), many.as_bytes(), &["index 0, key \"aliases\"", "10000"]);
}

#[test]
fn nesting_is_an_error_and_no_overflow() {
    let json = Layout::new(Format::Json);
    let deep = |open: &str, depth: usize| open.repeat(depth);
    refuse_bytes(&json, deep("[", 200_000).as_bytes(), &["line 1"]);
    refuse_bytes(&json, deep("{\"a\":", 200_000).as_bytes(), &["line 1"]);
    let inside = format!("[{{\"id\": {}", deep("[", 200_000));
    refuse_bytes(&json, inside.as_bytes(), &["line 1"]);
}
