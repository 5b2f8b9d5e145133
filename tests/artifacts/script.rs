//! What the script of the page does, in a browser: a driver at the end of a copy of the page acts as a reader would and
//! writes down what it then sees. And what axe-core has to say about it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::demo;
use super::page::visited;
use super::programs::{Trap, program, skip};
use super::review::HOSTILE;

/// What every driver can use. `told` holds what the page shows at the end.
const PRELUDE: &str = r##"
const told = {};
const $ = (selector) => document.querySelector(selector);
const $$ = (selector) => [...document.querySelectorAll(selector)];
const shown = (element) => element.checkVisibility({ contentVisibilityAuto: false });
const findings = () => $$("#by-rule tbody tr").filter((row) => !row.classList.contains("off"));
const type = (input, text) => { input.value = text; input.dispatchEvent(new Event("input")); };
const choose = (select, value) => { select.value = value; select.dispatchEvent(new Event("change")); };
const rest = () => new Promise((resolve) => setTimeout(resolve, 50));
"##;

/// Drives a page: the statements run after the page's own script. Only what the policy says of scripts is another one
/// in the copy; that the page asks for nothing is tested on the page itself.
fn driven(browser: &Path, page: &str, place: &str, switches: &[&str], statements: &str) -> Value {
    let (start, rest) = page.split_once("script-src '").unwrap();
    let (_, rest) = rest.split_once('\'').unwrap();
    let driver = format!(
        "<script>{PRELUDE}(async () => {{ try {{ {statements} }} catch (error) {{ told.error = String(error); }}\n\
         document.body.append(Object.assign(document.createElement('pre'), \
         {{ id: 'told', textContent: JSON.stringify(told) }})); }})();</script></body>"
    );
    let copy = format!("{start}script-src 'unsafe-inline'{rest}").replace("</body>", &driver);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    std::fs::write(&path, copy).unwrap();
    let switches = [&["--virtual-time-budget=60000", "--window-size=1280,900"], switches].concat();
    let dom = visited(browser, &format!("file://{}{place}", path.display()), &switches, &Trap::set());
    let (_, told) = dom.split_once("<pre id=\"told\">").expect("the driver came to its end");
    let told = told.split_once("</pre>").unwrap().0;
    let told =
        told.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["error"], Value::Null);
    told
}

fn demo_page() -> String {
    std::fs::read_to_string(demo::file("report.html")).unwrap()
}

#[test]
fn a_script_that_is_not_the_page_s_own_does_not_run() {
    let Some(browser) = program("chromium") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    std::fs::write(&path, demo_page().replace("\"use strict\";", "\"use strict\"; ")).unwrap();
    let dom = super::page::dom(&browser, &path, &Trap::set());
    assert!(dom.contains("<html lang=\"en\">") && dom.contains(">COMPLETE<"), "the page is whole without it");
}

#[test]
fn search_and_filters_narrow_and_the_address_keeps_them() {
    let Some(browser) = program("chromium") else { return };
    let page = demo_page();
    let told = driven(
        &browser,
        &page,
        "",
        &[],
        r##"
        told.all = findings().length;
        told.critical = $$("#by-rule tbody tr[data-severity=critical]").length;
        $(".chip[data-severity=critical]").click();
        told.chosen = findings().length;
        told.worst = findings().every((row) => row.dataset.severity === "critical");
        choose($("#finding-console"), "lab");
        told.lab = findings().every((row) => row.dataset.console === "lab") && findings().length;
        $("#finding-clear").click();
        told.cleared = findings().length;
        choose($("#finding-state"), "new");
        told.fresh = findings().every((row) => ["new", "reopened"].includes(row.dataset.change)) && findings().length;
        $("#finding-clear").click();
        type($("#finding-search"), "approved EXCEPTION");
        told.found = findings().length;
        told.words = findings().every((row) => row.textContent.toLowerCase().includes("approved"));
        told.rules = $$(".rule").filter(shown).length;
        told.says = $("#finding-told").textContent;
        told.place = location.hash;
        type($("#finding-search"), "\u{1F937} nothing has this");
        told.none = findings().length;
    "##,
    );
    let number = |key: &str| told[key].as_u64().unwrap_or_else(|| panic!("{key}: {told}"));
    assert!(number("all") > 100 && number("critical") > 5 && number("chosen") == number("critical"));
    assert!(told["worst"] == true && told["words"] == true, "{told}");
    assert!(number("lab") < number("critical") && number("cleared") == number("all") && number("fresh") > 0);
    assert!(
        number("found") > 0 && number("found") < 20 && number("rules") < 5 && number("none") == 0,
        "{told}"
    );
    assert_eq!(told["says"], format!("{} of {} findings on this page", number("found"), number("all")));
    assert_eq!(told["place"], "#findings?q=approved+EXCEPTION");
    let again =
        driven(&browser, &page, "#findings?q=approved+EXCEPTION", &[], "told.found = findings().length;");
    assert_eq!(again["found"], told["found"]);
}

#[test]
fn a_click_on_a_heading_sorts_and_the_third_restores() {
    let Some(browser) = program("chromium") else { return };
    let told = driven(
        &browser,
        &demo_page(),
        "",
        &[],
        r##"
        const head = $$("#sites-table thead th").find((head) => head.textContent.startsWith("Assets"));
        const assets = () => $$("#sites-table tbody tr").map((row) => row.cells[head.cellIndex].textContent);
        told.before = assets();
        for (const step of ["up", "down", "back"]) {
          head.querySelector("button").click();
          told[step] = assets();
          told[step + "_said"] = head.getAttribute("aria-sort");
        }
        const worst = $("#users-table thead .worst button");
        worst.click();
        told.worst = $("#users-table tbody tr .worst").textContent.trim();
        worst.click();
        told.last = $("#users-table tbody tr .worst").textContent.trim();
    "##,
    );
    let numbers = |key: &str| -> Vec<i64> {
        let cells = told[key].as_array().unwrap().iter();
        cells.map(|cell| cell.as_str().unwrap().replace(',', "").parse().unwrap()).collect()
    };
    assert!(numbers("up").is_sorted() && numbers("down").is_sorted_by(|a, b| a >= b));
    assert!(told["back"] == told["before"] && told["before"] != told["up"]);
    assert_eq!(
        [&told["up_said"], &told["down_said"], &told["back_said"]],
        [&json!("ascending"), &json!("descending"), &Value::Null,]
    );
    assert!(
        told["worst"].as_str().unwrap().starts_with("Critical"),
        "by rank, not by letter: {}",
        told["worst"]
    );
    assert!(
        told["last"].as_str().unwrap().starts_with("Info")
            || told["last"].as_str().unwrap().starts_with("Low")
    );
}

#[test]
fn findings_are_grouped_by_user_and_by_control_and_none_is_lost() {
    let Some(browser) = program("chromium") else { return };
    let told = driven(
        &browser,
        &demo_page(),
        "",
        &[],
        r##"
        told.all = findings().length;
        choose($("#finding-group"), "user");
        const groups = () => $$("#groups .group");
        told.groups = groups().length;
        told.rules = $$(".rule").filter(shown).length;
        $("#finding-fold").click();
        await rest();
        told.rows = $$("#groups tbody tr").length;
        told.alike = groups().every((group) =>
          new Set([...group.querySelectorAll("tbody tr")].map((row) => row.dataset.subject)).size === 1);
        choose($("#finding-group"), "control");
        told.controls = groups().map((group) => group.querySelector("h3").textContent);
        choose($("#finding-group"), "rule");
        told.back = $$(".rule").filter(shown).length;
        told.ids = $$("[id]").length - new Set($$("[id]").map((element) => element.id)).size;
    "##,
    );
    assert_eq!((&told["rows"], &told["alike"], &told["rules"]), (&told["all"], &json!(true), &json!(0)));
    assert!(told["groups"].as_u64() < told["all"].as_u64() && told["groups"].as_u64() > Some(50));
    let controls = told["controls"].as_array().unwrap();
    assert!(
        controls.len() > 20 && controls.iter().any(|control| control.as_str().unwrap().contains("PCI DSS"))
    );
    assert!(told["back"].as_u64() > Some(20) && told["ids"] == 0, "{told}");
}

#[test]
fn a_deep_link_opens_its_finding_whatever_the_filter_and_the_grouping() {
    let Some(browser) = program("chromium") else { return };
    let page = demo_page();
    // The last rule of the page, which is closed at first.
    let id = page.rsplit_once("<tr id=\"finding-").unwrap().1.split_once('"').unwrap().0;
    let look = r##"
        await rest();
        const here = $("tr.here");
        told.marked = here && here.querySelector(".id").textContent;
        told.shown = here && shown(here);
        told.focused = document.activeElement === here;
        const { top, bottom } = here.getBoundingClientRect();
        told.seen = top >= 0 && bottom <= innerHeight;
        told.others = $$("#by-rule tbody tr:not(.off):not(.here)").filter((row) => row.dataset.severity !== "critical").length;
    "##;
    for (place, filtered) in [
        (format!("#finding-{id}"), false),
        (format!("#finding-{id}?severity=critical"), true),
        (format!("#finding-{id}?group=user"), false),
        (format!("#finding-{id}?severity=critical&group=user"), true),
    ] {
        let told = driven(&browser, &page, &place, &[], look);
        assert_eq!(told["marked"], id, "{place}: {told}");
        assert!(told["shown"] == true && told["focused"] == true && told["seen"] == true, "{place}: {told}");
        assert_eq!(told["others"] == 0, filtered, "{place}: {told}");
    }
}

#[test]
fn remediation_is_copied_with_and_without_a_clipboard_and_told() {
    let Some(browser) = program("chromium") else { return };
    let told = driven(
        &browser,
        &demo_page(),
        "",
        &[],
        r##"
        Object.defineProperty(navigator, "clipboard", { configurable: true, value: {
          writeText: async (text) => { told.copied = text; },
        } });
        const button = $(".rule .ref .copy");
        button.click();
        await rest();
        told.said = $("#announcer").textContent;
        told.label = button.firstChild.data;
        told.finding = button.closest("tr").querySelector(".id").textContent;
        Object.defineProperty(navigator, "clipboard", { configurable: true, value: undefined });
        document.execCommand = () => { told.selected = document.activeElement.value; return true; };
        $(".rule .about .copy").click();
        await rest();
        told.left = $$("textarea").length;
    "##,
    );
    let copied = told["copied"].as_str().unwrap();
    assert!(copied.ends_with(&format!("Finding {}", told["finding"].as_str().unwrap())), "{copied}");
    assert!(copied.contains("\nIn the console: ") && copied.contains("\nThrough the API: "), "{copied}");
    assert!(!copied.contains("Copy"), "{copied}");
    assert_eq!((&told["said"], &told["label"]), (&json!("Remediation copied."), &json!("Copied")));
    assert!(told["selected"].as_str().unwrap().contains("In the console: ") && told["left"] == 0);
}

#[test]
fn the_script_leaves_hostile_text_text() {
    let Some(browser) = program("chromium") else { return };
    let told = driven(
        &browser,
        HOSTILE.text("report.html"),
        "#findings?q=%3Cscript&group=user",
        &[],
        r##"
        $("#finding-fold").click();
        await rest();
        told.groups = $$("#groups .group").length;
        told.foreign = $$("main script, main img, main iframe, main link, main base, main style").length;
        told.effect = document.documentElement.id;
        told.titles = $$("#groups h3").some((title) => title.textContent.includes("<script>"));
    "##,
    );
    assert!(told["groups"].as_u64() > Some(0) && told["titles"] == true, "{told}");
    assert_eq!((&told["foreign"], &told["effect"]), (&json!(0), &json!("")));
}

/// The script of axe-core, where it was fetched to: `.ci/run` does.
fn axe() -> Option<String> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe-core/package/axe.min.js");
    let script = std::fs::read_to_string(path).ok();
    if script.is_none() {
        skip("axe-core", "is not in target/axe-core");
    }
    script
}

#[test]
fn axe_finds_no_serious_violation_in_any_state() {
    let Some(browser) = program("chromium") else { return };
    let Some(axe) = axe() else { return };
    let demo = demo_page();
    let dark = ["--blink-settings=preferredColorScheme=0"];
    // The narrowest window that there is; the page stacks its columns from 640 pixels on.
    let narrow = ["--window-size=500,900"];
    let whole = "$$('details').forEach((details) => { details.open = true; }); await rest();";
    for (page, place, switches, before) in [
        (&*demo, "", &[][..], ""),
        (&*demo, "", &dark[..], whole),
        (&*demo, "#findings?group=user&severity=high", &[][..], whole),
        (&*demo, "#findings?group=control&severity=critical", &dark[..], whole),
        (&*demo, "#findings?group=user", &narrow[..], whole),
        (HOSTILE.text("report.html"), "", &narrow[..], ""),
    ] {
        let statements = format!(
            "{before}\n{axe}\nconst result = await axe.run(document, {{ resultTypes: ['violations'] }});
             told.passes = result.passes.length;
             told.dark = matchMedia('(prefers-color-scheme: dark)').matches;
             told.narrow = innerWidth <= 500;
             told.violations = result.violations.map(({{ id, impact, nodes }}) =>
                 [id, impact, nodes.length, nodes[0].html.slice(0, 300), nodes[0].failureSummary]);"
        );
        let told = driven(&browser, page, place, switches, &statements);
        assert!(told["passes"].as_u64() > Some(20), "{place}: axe looked at nothing");
        assert_eq!(
            (&told["dark"], &told["narrow"]),
            (&json!(switches == dark), &json!(switches == narrow)),
            "{place}"
        );
        assert_eq!(told["violations"], json!([]), "{place}");
    }
}
