//! The summary's charts, each beside the table that it draws.

use rust_xlsxwriter::{
    Chart, ChartAxis, ChartDataLabel, ChartFont, ChartFormat, ChartLine, ChartPoint, ChartSolidFill,
    XlsxError,
};

use super::{Drawn, Page, Palette};
use crate::finding::Severity;

/// Where charts begin, and how wide they are in pixels: from there to the last column.
const COLUMN: u16 = 5;
const WIDTH: u32 = 690;
/// A row of twenty points.
const ROW: u32 = 27;

pub(super) fn severities(page: &mut Page<'_>, sheet: &str, drawn: Drawn) -> Result<(), XlsxError> {
    let points = Severity::WORST_FIRST.map(point);
    let chart = bars(sheet, drawn, 1, 2, &points, "Open findings by severity");
    insert(page, drawn, chart)
}

/// Each bar in the colour of the worst severity that its rule found.
pub(super) fn rules(
    page: &mut Page<'_>,
    sheet: &str,
    drawn: Drawn,
    worst: &[Severity],
) -> Result<(), XlsxError> {
    let points: Vec<ChartPoint> = worst.iter().copied().map(point).collect();
    let chart = bars(sheet, drawn, 2, 3, &points, "Open findings by rule, in the colour of the worst");
    insert(page, drawn, chart)
}

/// Bars from the top down, with their values at the end and nothing else to look at.
fn bars(
    sheet: &str,
    Drawn { first, last }: Drawn,
    names: u16,
    values: u16,
    points: &[ChartPoint],
    about: &str,
) -> Chart {
    let mut chart = Chart::new_bar();
    let mut font = ChartFont::new();
    font.set_size(9).set_color(Palette::INK);
    chart
        .add_series()
        .set_categories((sheet, first, names, last, names))
        .set_values((sheet, first, values, last, values))
        .set_points(points)
        .set_gap(45)
        .set_data_label(ChartDataLabel::new().show_value().set_font(&font));
    chart.title().set_hidden();
    chart.legend().set_hidden();
    chart.chart_area().set_format(ChartFormat::new().set_no_border().set_no_fill());
    // A bar chart's categories are its vertical axis, counted from below unless reversed.
    chart.y_axis().set_reverse().set_font(&font).set_format(&mut line());
    quiet(chart.x_axis());
    chart.set_alt_text(about);
    chart
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

fn line() -> ChartFormat {
    let mut format = ChartFormat::new();
    format.set_line(ChartLine::new().set_color(Palette::LINE));
    format
}

fn insert(page: &mut Page<'_>, Drawn { first, last }: Drawn, mut chart: Chart) -> Result<(), XlsxError> {
    chart.set_width(WIDTH).set_height((last - first + 2) * ROW);
    page.sheet.insert_chart_with_offset(first - 1, COLUMN, &chart, 0, 0)?;
    Ok(())
}
