//! The workbook: cells of text, nothing that computes, nothing that points outside; an office suite prints it.

use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;

use calamine::{Data, Reader, Xlsx};

use super::corpus::corpus;
use super::demo;
use super::programs::{finished, program};
use super::review::HOSTILE;

/// What a cell holds, in UTF-16 units.
const LONGEST: usize = 32_767;

fn opened() -> Xlsx<Cursor<&'static [u8]>> {
    Xlsx::new(Cursor::new(HOSTILE.files["report.xlsx"].as_slice())).expect("a workbook")
}

/// Every part of the package: name and text.
fn parts() -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(&HOSTILE.files["report.xlsx"])).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).unwrap();
            let mut text = String::new();
            part.read_to_string(&mut text).expect("UTF-8");
            (part.name().unwrap().into_owned(), text)
        })
        .collect()
}

#[test]
fn text_stays_text_and_fits_its_cell() {
    let mut book = opened();
    let mut texts = 0;
    for name in book.sheet_names() {
        assert!(book.worksheet_formula(&name).unwrap().is_empty(), "{name} computes");
        for (row, column, cell) in book.worksheet_range(&name).unwrap().used_cells() {
            let Data::String(text) = cell else {
                let number = matches!(cell, Data::Float(_) | Data::Int(_) | Data::DateTime(_));
                assert!(number, "{name} {row},{column}: {cell:?}");
                continue;
            };
            texts += 1;
            assert!(text.encode_utf16().count() <= LONGEST, "{name} {row},{column} is too long");
            let control = |c: char| c.is_control() && !"\n\t".contains(c);
            let reorders = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(!text.chars().any(|c| control(c) || reorders(c)), "{name} {row},{column}: {text:.80?}");
        }
    }
    assert!(texts > 10 * HOSTILE.estate.users.len());
}

#[test]
fn every_login_stands_in_its_cell() {
    let range = opened().worksheet_range("Users").unwrap();
    let logins: Vec<String> = range.rows().map(|row| row[0].to_string()).collect();
    let visible = |text: &String| !text.contains(|c: char| c.is_control() || !c.is_ascii());
    let short = corpus().into_iter().filter(|text| text.len() < LONGEST && visible(text));
    assert!(short.clone().count() > 60);
    for text in short {
        assert!(logins.contains(&text), "{text:?} is not there");
    }
    assert!(logins.iter().any(|login| login.ends_with("(cut)")));
    for shown in ["nimda⟨U+202E⟩txt.exe", "␛[31mred␛[0m", "over␍written", "a␀b"] {
        assert!(logins.iter().any(|login| login == shown), "{shown} is not shown");
    }
}

#[test]
fn no_part_computes_or_points_outside() {
    for (name, text) in parts() {
        let sheet = name.starts_with("xl/worksheets/");
        assert!(!(sheet && (text.contains("<f>") || text.contains("<f "))), "{name} computes");
        assert!(!text.contains("TargetMode=\"External\""), "{name} points outside");
        assert!(!text.contains("<!DOCTYPE") && !text.contains("<!ENTITY"), "{name} declares entities");
        assert!(!text.contains(|c: char| c.is_ascii_control() && !"\t\r\n".contains(c)), "{name} is not XML");
        let active = ["externalLink", "vbaProject", "embeddings", "activeX", "connections", "ddeLink"];
        assert!(!active.iter().any(|part| name.contains(part)), "{name}");
    }
}

#[test]
fn every_part_is_well_formed_xml() {
    for (name, text) in parts() {
        let mut reader = quick_xml::Reader::from_str(&text);
        reader.config_mut().check_comments = true;
        let (mut depth, mut roots) = (0_usize, 0);
        loop {
            use quick_xml::events::Event;
            match reader.read_event().unwrap_or_else(|error| panic!("{name}: {error}")) {
                Event::Start(element) => {
                    element.attributes().for_each(|attribute| assert_value(&name, attribute));
                    roots += usize::from(depth == 0);
                    depth += 1;
                }
                Event::Empty(element) => {
                    element.attributes().for_each(|attribute| assert_value(&name, attribute));
                }
                Event::End(_) => depth -= 1,
                Event::GeneralRef(reference) => {
                    let predefined = ["lt", "gt", "amp", "quot", "apos"].contains(&&*reference);
                    assert!(predefined || reference.is_char_ref(), "{name}: {reference:?}");
                }
                Event::Text(text) => {
                    assert!(depth > 0 || text.trim().is_empty(), "{name}: text outside of the root");
                    assert!(!text.contains("]]>"), "{name}");
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!((depth, roots), (0, 1), "{name}");
    }
}

/// An attribute is there once, and its value holds no markup and no unknown entity.
fn assert_value(
    part: &str,
    attribute: Result<quick_xml::events::attributes::Attribute<'_>, quick_xml::events::attributes::AttrError>,
) {
    let attribute = attribute.unwrap_or_else(|error| panic!("{part}: {error}"));
    let raw = &*attribute.value;
    assert!(!raw.contains('<') && quick_xml::escape::unescape(raw).is_ok(), "{part}: {raw}");
}

/// Prints a workbook as somebody without Excel does.
fn assert_prints(workbook: &Path) {
    let Some(office) = program("soffice") else { return };
    let directory = tempfile::tempdir().unwrap();
    let profile = format!("-env:UserInstallation=file://{}", directory.path().join("profile").display());
    finished(
        Command::new(office)
            .args([&profile, "--headless", "--norestore", "--convert-to", "pdf", "--outdir"])
            .arg(directory.path())
            .arg(workbook)
            .env("HOME", directory.path()),
    );
    let pdf = std::fs::read(directory.path().join("report.pdf")).expect("a PDF");
    assert!(pdf.starts_with(b"%PDF") && pdf.len() > 10_000, "{} bytes", pdf.len());
}

#[test]
fn an_office_suite_prints_the_hostile_workbook() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.xlsx");
    std::fs::write(&path, &HOSTILE.files["report.xlsx"]).unwrap();
    assert_prints(&path);
}

#[test]
fn an_office_suite_prints_the_demo_s_workbook() {
    assert_prints(&demo::file("report.xlsx"));
}
