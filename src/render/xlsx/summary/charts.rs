//! The summary's charts. They draw the tables under the first screen.

use rust_xlsxwriter::{
    Chart, ChartAxis, ChartDataLabel, ChartFont, ChartFormat, ChartLine, ChartPoint, ChartSolidFill,
    ChartType, XlsxError,
};

use super::numbers::{Drawn, DrawnRules};
use super::{CHART_ROW, CHART_ROWS, COLUMN, FONT, PANELS, Page, Palette, cell, heading};
use crate::finding::Severity;
use crate::report::Completeness;

pub(super) fn write(page: &mut Page<'_>, sheet: &str, drawn: &Drawn) -> Result<(), XlsxError> {
    page.height(24)?;
    let incomplete = page.report.trend.iter().any(|row| row.verdict == Completeness::Incomplete);
    let runs = match (page.report.trend.len(), incomplete) {
        (1, _) => "Open findings in this first run".to_owned(),
        (runs, true) => format!("Open findings in the last {runs} runs (* incomplete)"),
        (runs, false) => format!("Open findings in the last {runs} runs"),
    };
    let titles = ["Open findings by severity", "Open findings by rule, the worst first", runs.as_str()];
    for (title, panel) in titles.into_iter().zip(PANELS) {
        page.put(panel, title, &heading())?;
    }
    page.row += 1;
    let points = Severity::WORST_FIRST.map(point);
    let about = "Open findings by severity";
    insert(page, 0, bars(sheet, drawn.severities, &points, about))?;
    match &drawn.rules {
        Some(DrawnRules { rows, worst }) => {
            let points: Vec<ChartPoint> = worst.iter().copied().map(point).collect();
            let about = "Open findings by rule, in the colour of the worst";
            insert(page, 1, bars(sheet, *rows, &points, about))?;
        }
        None => page.put(PANELS[1], "No rule has an open finding.", &cell(9))?,
    }
    insert(page, 2, columns(sheet, drawn.trend))
}

/// Bars from the top down, with their values at the end and nothing else to look at.
fn bars(sheet: &str, (first, last): (u32, u32), points: &[ChartPoint], about: &str) -> Chart {
    let mut chart = Chart::new_bar();
    let font = font();
    chart
        .add_series()
        .set_categories((sheet, first, Drawn::NAMES, last, Drawn::NAMES))
        .set_values((sheet, first, Drawn::column(0), last, Drawn::column(0)))
        .set_points(points)
        .set_gap(40)
        .set_data_label(ChartDataLabel::new().show_value().set_font(&font));
    // A bar chart's categories are its vertical axis, counted from below unless reversed.
    chart.y_axis().set_reverse().set_font(&font).set_format(&mut line(Palette::LINE));
    quiet(chart.x_axis());
    plain(&mut chart, about);
    chart
}

/// A column for every run, the worst at its foot.
fn columns(sheet: &str, (first, last): (u32, u32)) -> Chart {
    let mut chart = Chart::new(ChartType::ColumnStacked);
    let font = font();
    for (severity, slot) in Severity::WORST_FIRST.into_iter().zip(0..) {
        chart
            .add_series()
            .set_name(severity.as_str())
            .set_categories((sheet, first, Drawn::NAMES, last, Drawn::NAMES))
            .set_values((sheet, first, Drawn::column(slot), last, Drawn::column(slot)))
            .set_format(&mut fill(Palette::severity(severity)))
            .set_gap(45);
    }
    chart.x_axis().set_font(&font).set_format(&mut line(Palette::LINE));
    let mut grid = ChartLine::new();
    grid.set_color(Palette::LINE).set_width(0.5);
    chart.y_axis().set_font(&font).set_major_gridlines(true).set_major_gridlines_line(&grid).set_min(0);
    let mut none = ChartFormat::new();
    none.set_no_line();
    chart.y_axis().set_format(&mut none);
    plain(&mut chart, "Open findings of the last runs, by severity");
    chart
}

fn plain(chart: &mut Chart, about: &str) {
    chart.title().set_hidden();
    chart.legend().set_hidden();
    chart.chart_area().set_format(ChartFormat::new().set_no_border().set_no_fill());
    chart.set_alt_text(about);
}

fn font() -> ChartFont {
    let mut font = ChartFont::new();
    font.set_name(FONT).set_size(8).set_color(Palette::INK);
    font
}

fn point(severity: Severity) -> ChartPoint {
    ChartPoint::new().set_format(&mut fill(Palette::severity(severity)))
}

fn quiet(axis: &mut ChartAxis) {
    axis.set_major_gridlines(false).set_hidden(true).set_min(0);
}

fn fill(colour: u32) -> ChartFormat {
    let mut format = ChartFormat::new();
    format.set_solid_fill(ChartSolidFill::new().set_color(colour));
    format
}

fn line(colour: u32) -> ChartFormat {
    let mut format = ChartFormat::new();
    format.set_line(ChartLine::new().set_color(colour));
    format
}

/// As wide as its panel.
fn insert(page: &mut Page<'_>, panel: usize, mut chart: Chart) -> Result<(), XlsxError> {
    let (first, last) = PANELS[panel];
    chart.set_width(u32::from(last + 1 - first) * u32::from(COLUMN)).set_height(CHART_ROWS * CHART_ROW);
    page.sheet.insert_chart_with_offset(page.row, first, &chart, 0, 0)?;
    Ok(())
}
