//! The workbook's looks: one palette, and every cell format made of it once.

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, FormatUnderline};

use crate::finding::{Severity, Verdict};
use crate::report::{ControlState, WaiverState};

/// The colours.
pub(super) struct Palette;

impl Palette {
    pub(super) const INK: u32 = 0x1F_2A37;
    pub(super) const MUTED: u32 = 0x6B_7785;
    pub(super) const LINE: u32 = 0xD5_DAE0;
    pub(super) const PAPER: u32 = 0xF3_F5F8;
    pub(super) const WHITE: u32 = 0xFF_FFFF;
    pub(super) const GOOD: u32 = 0x1E_7B4F;
    pub(super) const GOOD_PALE: u32 = 0xE3_F2EA;
    pub(super) const BAD: u32 = 0xB3_261E;
    pub(super) const BAD_PALE: u32 = 0xFB_E6E4;
    pub(super) const DOUBT: u32 = 0x8A_6100;
    pub(super) const DOUBT_PALE: u32 = 0xFC_F0D2;
    pub(super) const LINK: u32 = 0x2F_5D8A;
    pub(super) const LINK_PALE: u32 = 0xE1_EBF5;

    pub(super) const fn severity(severity: Severity) -> u32 {
        match severity {
            Severity::Critical => 0x8B_1A1A,
            Severity::High => 0xC8_501E,
            Severity::Medium => 0xE0_A82E,
            Severity::Low => 0x4A_81AE,
            Severity::Info => 0x8A_95A1,
        }
    }
}

/// Every cell format of the workbook.
pub(super) struct Style {
    pub(super) title: Format,
    pub(super) band: Format,
    pub(super) complete: Format,
    pub(super) incomplete: Format,
    pub(super) heading: Format,
    pub(super) header: Format,
    pub(super) header_centred: Format,
    pub(super) header_indented: Format,
    pub(super) header_upright: Format,
    pub(super) text: Format,
    pub(super) wrapped: Format,
    pub(super) id: Format,
    pub(super) count: Format,
    pub(super) at_least: Format,
    pub(super) time: Format,
    pub(super) mark: Format,
    pub(super) link: Format,
    pub(super) direct: Format,
    pub(super) all_flag: Format,
    pub(super) superuser: Format,
    pub(super) good: Format,
    pub(super) bad: Format,
    pub(super) doubt: Format,
    pub(super) muted: Format,
    severities: [Format; 5],
}

impl Style {
    pub(super) fn new() -> Self {
        let text = Format::new().set_font_size(10).set_font_color(Palette::INK).set_align(FormatAlign::Top);
        let centred = text.clone().set_align(FormatAlign::Center);
        let strong = text.clone().set_bold();
        let header = Format::new()
            .set_font_size(10)
            .set_bold()
            .set_font_color(Palette::WHITE)
            .set_background_color(Palette::INK)
            .set_align(FormatAlign::VerticalCenter)
            .set_text_wrap();
        // Hanging from above, so that the filter's button hides no letter.
        let header_upright = header
            .clone()
            .set_rotation(90)
            .unset_text_wrap()
            .set_align(FormatAlign::Top)
            .set_align(FormatAlign::Center);
        let tinted = |ink: u32, paper: u32| centred.clone().set_font_color(ink).set_background_color(paper);
        Self {
            title: strong.clone().set_font_size(16).set_align(FormatAlign::VerticalCenter),
            band: strong.clone().set_font_color(Palette::MUTED).set_align(FormatAlign::Bottom),
            complete: text.clone().set_font_color(Palette::MUTED),
            incomplete: strong.clone().set_font_color(Palette::BAD),
            heading: strong.clone().set_font_size(12),
            header_centred: header.clone().set_align(FormatAlign::Center),
            header_indented: header.clone().set_align(FormatAlign::Left).set_indent(1),
            header_upright,
            header,
            wrapped: text.clone().set_text_wrap().set_align(FormatAlign::Left).set_indent(1),
            id: text.clone().set_num_format("0").set_align(FormatAlign::Left),
            count: centred.clone().set_num_format("#,##0"),
            at_least: centred.clone().set_num_format("\"≥ \"#,##0"),
            time: text.clone().set_num_format("yyyy-mm-dd hh:mm").set_align(FormatAlign::Left),
            link: text
                .clone()
                .set_align(FormatAlign::Left)
                .set_font_color(Palette::LINK)
                .set_underline(FormatUnderline::Single),
            direct: tinted(Palette::LINK, Palette::LINK_PALE),
            all_flag: tinted(Palette::DOUBT, Palette::DOUBT_PALE),
            superuser: tinted(Palette::BAD, Palette::BAD_PALE),
            good: tinted(Palette::GOOD, Palette::GOOD_PALE),
            bad: tinted(Palette::BAD, Palette::BAD_PALE).set_bold(),
            doubt: tinted(Palette::DOUBT, Palette::DOUBT_PALE),
            muted: centred.clone().set_font_color(Palette::MUTED),
            mark: centred.clone(),
            severities: Severity::WORST_FIRST.map(|severity| {
                let dark_ink = severity == Severity::Medium;
                tinted(if dark_ink { Palette::INK } else { Palette::WHITE }, Palette::severity(severity))
                    .set_bold()
            }),
            text,
        }
    }

    pub(super) fn severity(&self, severity: Severity) -> &Format {
        let [critical, high, medium, low, info] = &self.severities;
        match severity {
            Severity::Critical => critical,
            Severity::High => high,
            Severity::Medium => medium,
            Severity::Low => low,
            Severity::Info => info,
        }
    }

    pub(super) fn waiver(&self, state: WaiverState) -> &Format {
        match state {
            WaiverState::Active => &self.good,
            WaiverState::Unused => &self.doubt,
            WaiverState::Expired => &self.bad,
            WaiverState::Elsewhere => &self.muted,
        }
    }

    pub(super) fn control(&self, state: ControlState) -> &Format {
        match state {
            ControlState::Fail => &self.bad,
            ControlState::NotProven | ControlState::Waived => &self.doubt,
            ControlState::Pass => &self.good,
            ControlState::NotApplicable => &self.muted,
        }
    }

    pub(super) fn verdict(&self, verdict: Verdict) -> &Format {
        match verdict {
            Verdict::Pass => &self.good,
            Verdict::Fail | Verdict::Error => &self.bad,
            Verdict::Unknown | Verdict::Waived => &self.doubt,
            Verdict::NotApplicable => &self.muted,
        }
    }

    /// A format with a hairline under it, for the tables of the summary, which shows no gridlines.
    pub(super) fn ruled(format: &Format) -> Format {
        format
            .clone()
            .set_align(FormatAlign::VerticalCenter)
            .set_border_bottom(FormatBorder::Thin)
            .set_border_bottom_color(Palette::LINE)
    }
}
