//! What a roster may look like, and what is read from it.

use recert::model::Person;
use recert::people::{Columns, Field, Format, Layout, parse};

fn layout(format: Format, columns: &[(Field, &str)]) -> Layout {
    let columns = columns.iter().map(|(field, name)| (*field, (*name).to_owned())).collect();
    Layout { columns: Columns(columns), ..Layout::new(format) }
}

fn people(text: &str, layout: &Layout) -> Vec<Person> {
    let roster = parse(text.as_bytes(), layout, 10).unwrap();
    roster.people().map(|person| (**person).clone()).collect()
}

fn ana() -> Person {
    Person {
        id: "0042".into(),
        name: Some("Silva, Ana".into()),
        email: Some("ana@corp.example".into()),
        manager: Some("7".into()),
        department: Some("R&D".into()),
        employed: Some(false),
        kind: Some("Contractor".into()),
        temporary: Some(true),
        start: "2020-01-31".parse().ok(),
        end: "2026-11-24".parse().ok(),
    }
}

#[test]
fn reads_every_column() {
    let csv = "id,email,login,aliases,name,manager,department,status,start,end,type\n\
               0042, ana@corp.example ,ana,a;b,\"Silva, Ana\",7,R&D,Left,2020-01-31,2026-11-24T18:00:00Z,Contractor\n";
    assert_eq!(people(csv, &Layout::new(Format::Csv)), [ana()]);
    let json = r#"[{"id": "0042", "email": "ana@corp.example", "login": "ana", "aliases": ["a", 7], "name": "Silva, Ana",
        "manager": 7, "department": "R&D", "status": "LEFT", "start": "2020-01-31", "end": "2026-11-24 18:00",
        "type": "Contractor", "photo": {"url": [1, null]}}]"#;
    assert_eq!(people(json, &Layout::new(Format::Json)), [ana()]);
}

#[test]
fn what_is_left_out_is_not_known() {
    let bare = |person: &Person| {
        (person.name.is_none(), person.employed, person.temporary, person.end, person.kind.is_none())
    };
    for (text, format) in [
        ("id\n1\n", Format::Csv),
        ("id,name,status,type,end\n1,, ,,\n", Format::Csv),
        (r#"[{"id": 1}]"#, Format::Json),
        (r#"[{"id": "1", "name": null, "status": "", "end": " "}]"#, Format::Json),
    ] {
        let people = people(text, &Layout::new(format));
        assert_eq!(
            (people[0].id.as_str(), bare(&people[0])),
            ("1", (true, None, None, None, true)),
            "{text}"
        );
    }
}

#[test]
fn words_mean_what_the_layout_says() {
    let mut layout = Layout::new(Format::Csv);
    let told = |layout: &Layout| {
        let csv = "id,status,type\n1,ACTIVE,Employee\n2,Departed,intern\n3,on leave,\n";
        people(csv, layout).iter().map(|person| (person.employed, person.temporary)).collect::<Vec<_>>()
    };
    assert_eq!(told(&layout), [(Some(true), Some(false)), (Some(false), Some(true)), (None, None)]);
    layout.words.employed = vec!["On Leave".into()];
    layout.words.temporary = vec!["EMPLOYEE".into()];
    assert_eq!(told(&layout), [(None, Some(true)), (Some(false), Some(false)), (Some(true), None)]);
}

#[test]
fn columns_have_the_names_that_they_are_given() {
    let mapped =
        layout(Format::Csv, &[(Field::Id, "Employee No."), (Field::Email, "Mail"), (Field::Login, "Mail")]);
    let people = people("Mail, employee no. ,id\nana@corp.example,7,other\n", &mapped);
    assert_eq!((people[0].id.as_str(), people[0].email.as_deref()), ("7", Some("ana@corp.example")));
    let mapped = layout(Format::Json, &[(Field::Id, "employeeNumber"), (Field::Status, "active")]);
    let json = r#"{"total": 1, "next": null, "items": [{"employeeNumber": 7, "active": true}], "links": {"a": [1]}}"#;
    assert_eq!(super::well_formed::people(json, &mapped)[0].id, "7");
}

#[test]
fn the_usual_oddities_of_exports_are_no_mistakes() {
    let mut layout = Layout::new(Format::Csv);
    for text in [
        "id,name\n1,Ana\n2,Bo\n",
        "id,name\r\n1,Ana\r\n2,Bo",
        "\u{feff}id,name\n1,Ana\n2,Bo\n",
        "\u{feff}\"id\",\"name\"\n\"1\",\"Ana\"\n\"2\",\"Bo\"\n\n\n",
        "\nID,Name,Note\n\n1,Ana,\"two\nlines, \"\"quoted\"\"\"\n2,Bo,5\" pipe\n",
    ] {
        let names: Vec<_> = people(text, &layout).into_iter().filter_map(|person| person.name).collect();
        assert_eq!(names, ["Ana", "Bo"], "{text:?}");
    }
    layout.delimiter = b';';
    assert_eq!(people("id;name\n1;Silva, Ana\n", &layout)[0].name.as_deref(), Some("Silva, Ana"));
    layout.delimiter = b'\t';
    assert_eq!(people("id\tname\n1\tAna\n", &layout)[0].name.as_deref(), Some("Ana"));
}
