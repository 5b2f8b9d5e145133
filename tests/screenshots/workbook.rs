//! The workbook of the demo, as an office suite prints it: `workbook-01.png` and so on, the summary first.

use std::process::Command;

use super::programs::{finished, program};
use super::{demo, picture};

#[test]
fn the_workbook_prints_as_pages_in_landscape() {
    let (Some(office), Some(pages)) = (program("soffice"), program("pdftoppm")) else { return };
    let directory = tempfile::tempdir().unwrap();
    let profile = format!("-env:UserInstallation=file://{}", directory.path().join("profile").display());
    finished(
        Command::new(office)
            .args([&profile, "--headless", "--norestore", "--convert-to", "pdf", "--outdir"])
            .arg(directory.path())
            .arg(demo::file("report.xlsx"))
            .env("HOME", directory.path()),
    );
    let pictures = picture::directory("workbook");
    finished(
        Command::new(pages)
            .args(["-r", "100", "-png"])
            .arg(directory.path().join("report.pdf"))
            .arg(pictures.join("workbook")),
    );
    let sizes: Vec<(u32, u32)> =
        picture::of(&pictures, "workbook").iter().map(|page| picture::size(page)).collect();
    // One page at least for each sheet, and no sheet that falls apart into columns.
    assert!((18..90).contains(&sizes.len()), "{} pages", sizes.len());
    assert!(sizes.iter().all(|(width, height)| width > height), "{sizes:?}");
    // A4 at this resolution, and A3 for the wide ones.
    assert!(sizes[0].0.abs_diff(1_169) < 5, "the summary is on A4: {sizes:?}");
    assert!(sizes.iter().all(|(width, _)| [1_169, 1_654].iter().any(|paper| width.abs_diff(*paper) < 5)));
}
