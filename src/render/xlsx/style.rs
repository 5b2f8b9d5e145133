//! The workbook's looks: one palette, and every cell format made of it once.

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, FormatUnderline};

use crate::finding::{Severity, Verdict};
use crate::report::{ControlState, WaiverState};

/// The type of every cell: on every system, or there is one of its widths.
pub(super) const FONT: &str = "Arial";

/// The colours: ink and its shades, one accent, and the meanings in the colours that they have on the page.
pub(super) struct Palette;

impl Palette {
    pub(super) const INK: u32 = 0x18_202C;
    pub(super) const MUTED: u32 = 0x53_6072;
    pub(super) const LINE: u32 = 0xDD_E2EA;
    pub(super) const SHADE: u32 = 0xE6_EAF0;
    pub(super) const PAPER: u32 = 0xF3_F5F8;
    pub(super) const WHITE: u32 = 0xFF_FFFF;
    pub(super) const GOOD: u32 = 0x0F_6636;
    pub(super) const GOOD_PALE: u32 = 0xE4_F4EA;
    pub(super) const BAD: u32 = 0xA3_151D;
    pub(super) const BAD_PALE: u32 = 0xFD_EBEB;
    pub(super) const DOUBT: u32 = 0x80_590A;
    pub(super) const DOUBT_PALE: u32 = 0xFD_F2D8;
    pub(super) const LINK: u32 = 0x16_52A1;
    pub(super) const LINK_PALE: u32 = 0xE5_EFFA;

    /// What fills a bar, and what large figures are written in.
    pub(super) const fn severity(severity: Severity) -> u32 {
        match severity {
            Severity::Critical => 0x8E_1018,
            Severity::High => 0xC4_4F12,
            Severity::Medium => 0xDB_A425,
            Severity::Low => 0x3F_78B5,
            Severity::Info => 0x9A_A5B3,
        }
    }

    /// What a cell with the word is written in, and on.
    const fn chip(severity: Severity) -> (u32, u32) {
        match severity {
            Severity::Critical => (Self::WHITE, 0x8E_1018),
            Severity::High => (Self::WHITE, 0xB3_430A),
            Severity::Medium => (Self::DOUBT, Self::DOUBT_PALE),
            Severity::Low => (0x1D_5793, Self::LINK_PALE),
            Severity::Info => (Self::MUTED, 0xEC_EFF3),
        }
    }
}

/// Every cell format of the workbook.
pub(super) struct Style {
    pub(super) title: Format,
    pub(super) band: Format,
    pub(super) complete: Format,
    pub(super) incomplete: Format,
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
    pub(super) link_count: Format,
    pub(super) blank: Format,
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
        let blank = Format::new().set_font_name(FONT).set_font_size(9).set_font_color(Palette::INK);
        let plain = blank.clone().set_align(FormatAlign::Top);
        let centred = Self::ruled(&plain).set_align(FormatAlign::Center);
        // Apart from what stands before it, which may be filled with a colour.
        let text = Self::ruled(&plain).set_align(FormatAlign::Left).set_indent(1);
        let strong = plain.clone().set_bold();
        let header = strong
            .clone()
            .set_background_color(Palette::SHADE)
            .set_align(FormatAlign::VerticalCenter)
            .set_text_wrap()
            .set_border_bottom(FormatBorder::Thin)
            .set_border_bottom_color(Palette::MUTED);
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
            complete: plain.clone().set_font_color(Palette::MUTED),
            incomplete: strong.clone().set_font_color(Palette::BAD),
            header_centred: header.clone().set_align(FormatAlign::Center),
            header_indented: header.set_align(FormatAlign::Left).set_indent(1),
            header_upright,
            wrapped: text.clone().set_text_wrap(),
            id: text.clone().set_num_format("0"),
            count: centred.clone().set_num_format("#,##0"),
            at_least: centred.clone().set_num_format("\"≥ \"#,##0"),
            time: text.clone().set_num_format("yyyy-mm-dd hh:mm"),
            link: linked(&text),
            link_count: linked(&centred).set_num_format("#,##0"),
            blank,
            direct: tinted(Palette::LINK, Palette::LINK_PALE),
            all_flag: tinted(Palette::DOUBT, Palette::DOUBT_PALE),
            superuser: tinted(Palette::BAD, Palette::BAD_PALE),
            good: tinted(Palette::GOOD, Palette::GOOD_PALE),
            bad: tinted(Palette::BAD, Palette::BAD_PALE).set_bold(),
            doubt: tinted(Palette::DOUBT, Palette::DOUBT_PALE),
            muted: centred.clone().set_font_color(Palette::MUTED),
            mark: centred.clone(),
            severities: Severity::WORST_FIRST.map(|severity| {
                let (ink, paper) = Palette::chip(severity);
                tinted(ink, paper).set_bold()
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

    /// A format with a hairline under it: what rows are told apart by, on the screen and on paper.
    pub(super) fn ruled(format: &Format) -> Format {
        format.clone().set_border_bottom(FormatBorder::Thin).set_border_bottom_color(Palette::LINE)
    }
}

/// A format as what leads elsewhere has it.
pub(super) fn linked(format: &Format) -> Format {
    format.clone().set_font_color(Palette::LINK).set_underline(FormatUnderline::Single)
}
