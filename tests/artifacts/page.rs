//! The page: only the elements of the template, no script but its own, no request; a browser confirms it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::corpus::EFFECT;
use super::demo;
use super::programs::{Trap, finished, program};
use super::review::HOSTILE;

/// Elements that show text or ask for it; none of them loads or runs anything.
const INERT: &[&str] = &[
    "a", "article", "b", "bdi", "body", "button", "caption", "code", "dd", "desc", "details", "div", "dl",
    "dt", "em", "fieldset", "footer", "g", "h1", "h2", "h3", "head", "header", "html", "input", "label",
    "legend", "li", "line", "main", "meta", "nav", "ol", "option", "p", "rect", "section", "select", "small",
    "span", "strong", "style", "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "title",
    "tr", "ul",
];

/// The start tags of a page, without their brackets.
pub(crate) fn tags(page: &str) -> impl Iterator<Item = &str> {
    page.split('<')
        .skip(1)
        .filter(|tag| !tag.starts_with(['/', '!']))
        .map(|tag| tag.split('>').next().unwrap())
}

#[test]
fn text_adds_no_element_and_no_attribute() {
    let page = HOSTILE.text("report.html");
    let (mut elements, mut links) = (BTreeSet::new(), 0);
    let (body, foot) = page.split_once("<script>").unwrap();
    let foot = foot.split_once("</script>").unwrap().1;
    for tag in tags(body).chain(tags(foot)) {
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        elements.insert(name);
        for attribute in attributes.split("\" ").filter(|attribute| !attribute.is_empty()) {
            let (key, value) = attribute.split_once("=\"").unwrap_or((attribute, ""));
            assert!(
                !key.starts_with("on") && !["src", "srcset", "style", "action"].contains(&key),
                "<{tag}>"
            );
            if key == "href" {
                assert!(value.starts_with('#'), "<{tag}> leads away");
                links += 1;
            }
        }
    }
    let foreign: Vec<_> = elements.iter().filter(|name| !INERT.contains(name)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(links > 10);
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    assert!(!style.contains("url(") && !style.contains("@import"));
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"));
}

/// Whether a reader cannot see a character, or sees others in another order for it.
pub(crate) fn hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{e000}' | '\u{e0000}'..='\u{e007f}')
}

#[test]
fn nothing_on_it_is_invisible_or_reordered() {
    let page = HOSTILE.text("report.html");
    assert_eq!(page.chars().find(|c| hidden(*c)), None);
    for shown in [r"nimda\u{202e}txt.exe", r"\u{1b}[31mred", "{{7*7}}", "{% raw %}", "{{ run.id|safe }}"] {
        assert!(page.contains(shown), "{shown} is not shown");
    }
    assert!(page.len() < 20_000_000, "{} bytes: long text is cut", page.len());
}

/// A browser with nothing of its own to ask for, whose every request goes to the trap.
pub(crate) fn dom(browser: &Path, page: &Path, trap: &Trap) -> String {
    visited(browser, &format!("file://{}", page.display()), &["--timeout=20000"], trap)
}

/// What the browser has at an address after it has done all that the page wants.
pub(crate) fn visited(browser: &Path, address: &str, switches: &[&str], trap: &Trap) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = finished(
        Command::new(browser)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-default-apps",
                "--disable-dev-shm-usage",
                "--dump-dom",
                // Every request goes to the trap, those to the loopback too. Only the browser's own errands, which no
                // switch ends, go past it, into a world without names.
                "--proxy-bypass-list=<-loopback>;accounts.google.com;clients2.google.com;update.googleapis.com",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ])
            .arg(format!("--proxy-server=http://127.0.0.1:{}", trap.port()))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(switches)
            .arg(address)
            .env("HOME", profile.path()),
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn assert_loads_alone(browser: &Path, page: &Path) -> String {
    let trap = Trap::set();
    let dom = dom(browser, page, &trap);
    assert_eq!(trap.caught(), 0, "{} asks for something", page.display());
    assert!(dom.contains("<title>Access review of "), "{dom:.2000}");
    assert!(dom.contains(">COMPLETE<"), "the verdict is not there");
    assert!(dom.contains("<html lang=\"en\" class=\"js\">"), "its own script did not run");
    assert!(dom.matches("<script").count() == 1 && !dom.contains("<img") && !dom.contains("<iframe"));
    assert!(!dom.contains(&format!("id=\"{EFFECT}\"")), "a script ran");
    dom
}

#[test]
fn a_browser_shows_the_hostile_page_and_asks_for_nothing() {
    let Some(browser) = program("chromium") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    std::fs::write(&path, &HOSTILE.files["report.html"]).unwrap();
    let dom = assert_loads_alone(&browser, &path);
    assert!(dom.contains("&lt;script&gt;") && dom.contains("{{7*7}}"), "the names are not there");
}

#[test]
fn a_browser_shows_the_demo_s_page_and_asks_for_nothing() {
    let Some(browser) = program("chromium") else { return };
    assert_loads_alone(&browser, &demo::file("report.html"));
}

/// What the two tests above rest on: another page would be caught.
#[test]
fn the_trap_catches_a_page_that_asks_and_the_dom_shows_a_script_that_ran() {
    let Some(browser) = program("chromium") else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("report.html");
    let page = format!(
        "<!doctype html><title>x</title><img src=http://evil.example/x>\
         <script>document.documentElement.id='{EFFECT}'</script>"
    );
    std::fs::write(&path, page).unwrap();
    let trap = Trap::set();
    let dom = dom(&browser, &path, &trap);
    assert!(trap.caught() > 0, "the page's request did not come");
    assert!(dom.contains(&format!("id=\"{EFFECT}\"")), "{dom}");
}
