//! `report.md`: text of a console is text in it, for a reader with every extension switched on.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::page::hidden;
use super::review::HOSTILE;

#[test]
fn text_is_no_markup() {
    let page = HOSTILE.text("report.md");
    let (mut in_code, mut bare) = (0, String::new());
    for event in Parser::new_ext(page, Options::all()) {
        match event {
            Event::Start(
                Tag::Heading { .. }
                | Tag::Paragraph
                | Tag::List(None)
                | Tag::Item
                | Tag::Strong
                | Tag::Table(_)
                | Tag::TableHead
                | Tag::TableRow
                | Tag::TableCell,
            )
            | Event::End(_)
            | Event::SoftBreak => {}
            Event::Code(_) => in_code += 1,
            Event::Text(text) => bare.push_str(&text),
            other => panic!("{other:?}"),
        }
        bare.push(' ');
    }
    assert!(in_code > 100, "{in_code}");
    // What readers make something of that this one does not know: mentions, issues, addresses, hosts, HTML, emoji.
    for sign in
        ["@", "#", "://", "www.", "<", ">", "&", "$", "[", "]", "~", "*", "\\", "!", "{", "|", "=", "+"]
    {
        assert!(
            !bare.contains(sign),
            "{sign} is bare: {:?}",
            bare.find(sign).map(|at| bare.get(at.saturating_sub(40)..at + 40))
        );
    }
}

#[test]
fn every_row_has_the_cells_of_its_table() {
    let page = HOSTILE.text("report.md");
    let mut cells = 0;
    for line in page.lines() {
        let found = line.matches('|').count();
        if line.starts_with("|--") {
            assert_eq!(found, cells, "{line}");
        }
        if line.starts_with('|') && cells > 0 {
            assert_eq!(found, cells, "{line:.200}");
        }
        cells = found;
    }
    let rows =
        Parser::new_ext(page, Options::ENABLE_TABLES).filter(|event| *event == Event::End(TagEnd::TableRow));
    assert!(rows.count() > 60);
}

#[test]
fn it_fits_a_ticket_and_shows_what_is_invisible() {
    let page = HOSTILE.text("report.md");
    assert_eq!(page.chars().find(|c| hidden(*c)), None);
    assert!(page.len() < 60_000, "{} bytes", page.len());
    assert!(page.starts_with("# Access review: COMPLETE\n"));
    let demo = std::fs::read_to_string(super::demo::file("report.md")).unwrap();
    assert!(demo.len() < 60_000, "{} bytes", demo.len());
}
