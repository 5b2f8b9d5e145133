//! The page of the demo: light, dark, narrow, grouped and as printed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use super::programs::{finished, program};

static DEMO: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = assert_cmd::Command::cargo_bin("recert").unwrap();
    demo.args(["demo", "--out", "files"]).current_dir(directory.path()).assert().success();
    directory
});

/// Where a picture goes.
fn picture(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    drop(std::fs::remove_file(&path));
    path
}

/// Width and height as the file says; a picture of one colour is much smaller than this allows.
fn assert_shows_something(path: &Path, width: u32) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[1..4], b"PNG");
    assert_eq!(u32::from_be_bytes(bytes[16..20].try_into().unwrap()), width, "{}", path.display());
    assert!(bytes.len() > 25_000, "{}: {} bytes, blank?", path.display(), bytes.len());
}

fn browse(browser: &Path, switches: &[String], address: &str) {
    let profile = tempfile::tempdir().unwrap();
    finished(
        Command::new(browser)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--disable-dev-shm-usage",
            ])
            .args(["--no-first-run", "--disable-background-networking", "--virtual-time-budget=5000"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(switches)
            .arg(address)
            .env("HOME", profile.path()),
    );
}

#[test]
fn the_page_on_screens() {
    let Some(browser) = program("chromium") else { return };
    let page = DEMO.path().join("files/report.html");
    // A browser's window has a least width: the narrow page stands in a frame of its own.
    let frame = DEMO.path().join("narrow.html");
    let source = "<!doctype html><body style='margin:0;background:#888'>\
         <iframe src='files/report.html' style='border:0;width:360px;height:2400px'></iframe>";
    std::fs::write(&frame, source).unwrap();
    for (name, file, place, size, dark) in [
        ("page-light.png", &page, "", (1360, 1700), false),
        ("page-dark.png", &page, "", (1360, 1700), true),
        ("page-narrow.png", &frame, "", (500, 2400), false),
        ("page-all.png", &page, "?severity=critical", (1360, 9000), false),
        ("page-grouped-dark.png", &page, "?severity=critical&group=user", (1360, 9000), true),
    ] {
        let path = picture(name);
        let mut switches =
            vec![format!("--screenshot={}", path.display()), format!("--window-size={},{}", size.0, size.1)];
        if dark {
            switches.push("--blink-settings=preferredColorScheme=0".into());
        }
        let place = if place.is_empty() { String::new() } else { format!("#{place}") };
        browse(&browser, &switches, &format!("file://{}{place}", file.display()));
        assert_shows_something(&path, size.0);
    }
}

#[test]
fn the_page_on_paper() {
    let (Some(browser), Some(pages)) = (program("chromium"), program("pdftoppm")) else { return };
    let pdf = picture("page-print.pdf");
    let switches = [format!("--print-to-pdf={}", pdf.display()), "--no-pdf-header-footer".into()];
    browse(&browser, &switches, &format!("file://{}", DEMO.path().join("files/report.html").display()));
    let start = picture("page-print");
    finished(Command::new(pages).args(["-png", "-r", "110", "-singlefile", "-f", "5"]).arg(&pdf).arg(&start));
    // A4 landscape: 11.69 inches.
    assert_shows_something(&start.with_extension("png"), 1287);
    let first = picture("page-print-first");
    finished(Command::new("pdftoppm").args(["-png", "-r", "110", "-singlefile"]).arg(&pdf).arg(&first));
    assert_shows_something(&first.with_extension("png"), 1287);
}
