//! A redacted copy is whole: no mail address and no name of a person is in any byte of any format or of the mail, in
//! whatever case; and it is still good for its purpose.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "artifacts/simulated.rs"]
mod simulated;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;
use recert::analyze::Policy;
use recert::history::{Before, History};
use recert::model::{Confidence, MatchedBy, Person, RosterMatch, Snapshot};
use recert::render::{Attached, Format, MailContext, MailKind, Templates, artifacts, report_mail};
use recert::report::{Redaction, Report};
use recert::review::{self, Occasion};
use recert::simulator::{self, Estate, EstateOptions, Simulator};
use recert::waiver::Waiver;
use sha2::{Digest, Sha256};

use simulated::source;

/// Names for users, in this order again and again; addresses likewise.
#[derive(Debug, Clone)]
struct Persons {
    names: Vec<String>,
    addresses: Vec<String>,
}

impl Persons {
    fn name(&self, at: usize) -> String {
        self.names[at % self.names.len()].clone()
    }

    fn address(&self, at: usize) -> String {
        self.addresses[at % self.addresses.len()].clone()
    }
}

/// What people are called: several words, one word, with signs, in other scripts, longer than a summary shows.
fn persons() -> impl Strategy<Value = Persons> {
    let name = "zq[a-zéß]{1,8}( [A-Z][a-zø]{2,8}){0,2}|Zq[a-z]{2,5}, [A-Z][a-z]{2}-[a-z]{3}|=zq[a-z]{4}|山田太[一-九]{1,3}\
                |zq[a-z]{130,150}|ZQ[A-Z]{3}( [a-z]{4}){30}";
    let address = "zq[a-z0-9.+]{0,8}[a-z]@[a-z]{2,5}-corp\\.example|ZQ[A-Z]{3}@CORP|zq[a-z]{4} at home";
    (proptest::collection::vec(name, 5..12), proptest::collection::vec(address, 5..12))
        .prop_map(|(names, addresses)| Persons { names, addresses })
}

static COLLECTED: LazyLock<Snapshot> = LazyLock::new(|| {
    // A thread of its own: a test may have a runtime already.
    std::thread::spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(collected())).join().unwrap()
});

async fn collected() -> Snapshot {
    let options = EstateOptions { users: 40, sites: 4, asset_groups: 4, ..EstateOptions::default() };
    let simulator =
        Simulator::start(Estate::generate(&options), simulator::Options::default()).await.unwrap();
    let source = source("hq", &simulator);
    let clock = || DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let snapshot = review::collect(&[source], clock).await.unwrap().remove(0);
    simulator.stop().await;
    snapshot
}

/// A report on persons that stand in every place where one can stand.
fn report(persons: &Persons) -> Report {
    let (now, then) = (peopled(persons, 0), peopled(persons, 3));
    let finished = then.finished;
    let before = Before {
        run: "0123456789abcdef".into(),
        slot: None,
        finished,
        snapshots: vec![then],
        findings: Vec::new(),
        rules: Vec::new(),
    };
    let waiver = |rule: &str, approved_by: String| Waiver {
        rule: rule.into(),
        console: None,
        subject: Some("*".into()),
        finding: None,
        reason: format!("agreed with {}, see mail of {}", persons.name(1), persons.address(2)),
        approved_by,
        expires: NaiveDate::from_ymd_opt(2026, 10, 1).unwrap(),
        ticket: Some(format!("mail to <{}>", persons.address(0).to_uppercase())),
        place: String::new(),
    };
    let waivers =
        vec![waiver("dormant_account", persons.name(4)), waiver("orphan_account", persons.address(1))];
    let policy = Policy { waivers, ..Policy::default() };
    let history = History { kept: true, before: Some(before), ..History::default() };
    review::report(vec![now], &policy, Occasion::default(), &history)
}

/// The snapshot with other people; `moved` is how far everyone's name and address are from what they are in the other.
fn peopled(persons: &Persons, moved: usize) -> Snapshot {
    let mut snapshot = COLLECTED.clone();
    for (at, user) in snapshot.users.iter_mut().enumerate() {
        user.name = persons.name(at + moved).into();
        user.email = Some(persons.address(at + moved).into());
        match at % 4 {
            // Logins that are addresses or names.
            0 => user.login = persons.address(at).to_uppercase().into(),
            1 => user.login = format!("CORP\\{}", persons.name(at)).into(),
            _ => {}
        }
        user.person = match at % 3 {
            0 => RosterMatch::Nobody,
            _ => RosterMatch::Person {
                person: Arc::new(Person {
                    id: format!("E{at}").into(),
                    name: Some(persons.name(at + 1).into()),
                    email: Some(persons.address(at + 1).into()),
                    manager: Some(
                        if at % 2 == 0 { persons.name(at + 2) } else { persons.address(at + 2) }.into(),
                    ),
                    department: Some(format!("Team of {}", persons.name(at)).into()),
                    employed: Some(at % 5 != 1),
                    kind: None,
                    temporary: None,
                    start: None,
                    end: None,
                }),
                by: MatchedBy::Email,
                confidence: Confidence::High,
            },
        };
    }
    for (at, site) in snapshot.sites.iter_mut().enumerate() {
        site.name = format!("Lab of {}", persons.name(at));
        site.description = Some(format!("ask {}", persons.address(at)));
    }
    for (at, group) in snapshot.asset_groups.iter_mut().enumerate() {
        group.name = format!("{} owns it", persons.name(at));
    }
    for (at, role) in snapshot.roles.iter_mut().enumerate().filter(|(_, role)| !role.is_builtin()) {
        role.name = format!("{} asked", persons.name(at));
        role.description = Some(persons.address(at));
    }
    snapshot
}

/// Every text that leaves the host: the files, what lies in the workbook, and the mail.
fn rendered(report: &Report) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    // What Parquet writes is compressed; it reads the same rows.
    let formats = Format::ALL.into_iter().filter(|format| *format != Format::Parquet).collect::<Vec<_>>();
    let templates = Templates::builtin();
    for artifact in artifacts(report, &templates, &formats) {
        let mut bytes = Vec::new();
        artifact.render(&mut bytes).unwrap();
        if bytes.starts_with(b"PK") {
            let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
            for index in 0..archive.len() {
                let mut part = archive.by_index(index).unwrap();
                let mut text = Vec::new();
                part.read_to_end(&mut text).unwrap();
                texts.insert(format!("{}/{}", artifact.name, part.name().unwrap()), text);
            }
        }
        texts.insert(artifact.name.to_string(), bytes);
    }
    let context = MailContext {
        kind: MailKind::Report,
        attached: Attached::Nothing,
        lies_at: None,
        head: None,
        host: "host",
    };
    let mail = report_mail(report, &context, &Templates::builtin()).unwrap();
    texts.extend(
        [("subject", mail.subject), ("mail.html", mail.html), ("mail.txt", mail.text)]
            .map(|(name, text)| (name.to_owned(), text.into_bytes())),
    );
    texts.into_iter().map(|(name, text)| (name, String::from_utf8_lossy(&text).to_lowercase())).collect()
}

/// How a text of a person can stand in a file: cut as a summary cuts it, and as a mark-up writes it.
fn traces(text: &str) -> Vec<String> {
    let text: String = text.to_lowercase().chars().take(60).collect();
    vec![text.replace('=', "&#x3d;"), text]
}

fn assert_hidden(texts: &BTreeMap<String, String>, persons: &[String]) {
    for (trace, (name, text)) in persons
        .iter()
        .flat_map(|own| traces(own))
        .flat_map(|trace| texts.iter().map(move |file| (trace.clone(), file)))
    {
        if let Some(at) = text.find(&trace) {
            let around: String =
                text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
            let behind: String = text[at..].chars().take(160).collect();
            panic!("{trace:?} stands in {name}: {around}⟦{behind}⟧");
        }
    }
}

fn both() -> BTreeSet<Redaction> {
    BTreeSet::from([Redaction::Email, Redaction::Name])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_person_is_in_any_byte_of_a_redacted_copy(persons in persons()) {
        let whole = report(&persons);
        let all = [persons.names.clone(), persons.addresses.clone()].concat();
        assert_hidden(&rendered(&whole.redacted(&both())), &all);
    }

    #[test]
    fn one_of_the_two_is_hidden_whole_as_well(persons in persons()) {
        let whole = report(&persons);
        let without = |what| rendered(&whole.redacted(&BTreeSet::from([what])));
        assert_hidden(&without(Redaction::Name), &persons.names);
        assert_hidden(&without(Redaction::Email), &persons.addresses);
    }
}

#[test]
fn what_is_not_to_be_hidden_stays() {
    let whole = report(&ordinary());
    for (what, name, address) in [(Redaction::Name, false, true), (Redaction::Email, true, false)] {
        let text = &rendered(&whole.redacted(&BTreeSet::from([what])))["report.json"];
        assert_eq!(
            (text.contains("chen wei"), text.contains("chen@corp.example")),
            (name, address),
            "{what:?}"
        );
    }
}

fn ordinary() -> Persons {
    let names = ["Ana Silva", "Ben Okoye", "Chen Wei", "Dora Novak", "Eli Stein", "Al"];
    let addresses =
        ["ana@corp.example", "ben@corp.example", "chen@corp.example", "dora@corp.example", "al@x.example"];
    Persons { names: names.map(str::to_owned).into(), addresses: addresses.map(str::to_owned).into() }
}

#[test]
fn the_whole_report_does_name_them_everywhere() {
    let texts = rendered(&report(&ordinary()));
    for (file, person) in [
        ("report.json", "ana silva"),
        ("users.csv", "ben@corp.example"),
        ("grants.csv", "lab of chen wei"),
        ("findings.csv", "dora novak"),
        ("roles.csv", "dora@corp.example"),
        ("report.html", "chen wei"),
        ("report.xlsx/xl/worksheets/sheet3.xml", "ana silva"),
        ("mail.txt", "ana@corp.example"),
    ] {
        assert!(texts[file].contains(person), "{person} is not in {file}: the test looks in the wrong place");
    }
}

#[test]
fn equal_persons_have_equal_pseudonyms_that_the_whole_report_can_prove() {
    let whole = report(&ordinary());
    let copy = whole.redacted(&both());
    let key = whole.redaction_key.clone().unwrap();
    let expected = |text: &str| {
        let hash = hex::encode(Sha256::digest(format!("{key}{}", text.trim().to_lowercase())));
        format!("redacted-{}", &hash[..12])
    };
    for (whole, copy) in whole.users.iter().zip(&copy.users) {
        assert_eq!(
            (&copy.name, copy.email.as_ref()),
            (&expected(&whole.name), whole.email.as_deref().map(expected).as_ref())
        );
        assert_eq!((copy.id, &copy.sites, copy.findings), (whole.id, &whole.sites, whole.findings));
    }
    assert_eq!(copy.redacted, [Redaction::Email, Redaction::Name]);
    assert!(copy.redaction_key.is_none() && !rendered(&copy).values().any(|text| text.contains(&key)));
    assert_eq!(
        rendered(&copy),
        rendered(&report(&ordinary()).redacted(&both())),
        "the same run gives the same copy"
    );
}

#[test]
fn every_copy_says_that_it_is_one() {
    let copy = report(&ordinary()).redacted(&both());
    let texts = rendered(&copy);
    for file in ["report.html", "mail.html", "mail.txt", "report.xlsx/xl/worksheets/sheet1.xml"] {
        let said = texts[file].replace('\n', " ");
        let note = "redacted copy: pseudonyms stand for mail addresses and names of persons.";
        let shared = &texts["report.xlsx/xl/sharedStrings.xml"];
        assert!(said.contains(note) || (file.starts_with("report.xlsx") && shared.contains(note)), "{file}");
    }
    assert!(
        texts["report.json"].contains("\"redacted\":[\n\"email\",\n\"name\"\n],\n\"redaction_key\":null\n")
    );
    assert!(copy.redacted(&both()).redaction_note().is_some());
}

#[test]
fn a_short_name_does_not_destroy_texts() {
    let copy = report(&ordinary()).redacted(&both());
    let summaries: Vec<_> = copy.findings.iter().map(|finding| &*finding.summary).collect();
    assert!(summaries.iter().any(|summary| summary.contains("all ")), "a word that begins like a name stays");
    assert!(summaries.iter().all(|summary| !summary.split(' ').any(|word| word == "Al")));
}

#[test]
fn an_account_called_after_a_role_of_the_product_does_not_hide_the_role() {
    let mut persons = ordinary();
    persons.names[0] = "Administrator".into();
    let copy = report(&persons).redacted(&both());
    let roles: Vec<_> = copy.roles.iter().map(|role| &*role.name).collect();
    assert!(roles.contains(&"Global Administrator"), "{roles:?}");
    assert!(copy.users.iter().all(|user| user.name != "Administrator"), "the account's own name is hidden");
}
