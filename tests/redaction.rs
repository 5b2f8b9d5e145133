//! A redacted copy is whole: no mail address and no name of a person is in any byte of any format or of the mail, in
//! whatever case; and it is still good for its purpose.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "artifacts/simulated.rs"]
mod simulated;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate};
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use recert::analyze::{AccountKind, DeclaredAccount, Policy};
use recert::deliver::publish_redacted;
use recert::history::{Before, History};
use recert::model::{AuthenticationSourceId, Confidence, MatchedBy, Person, RosterMatch, Snapshot};
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
    let name = "zj[a-zéß]{6}|zq[a-zéß]{1,8}( [A-Z][a-zø]{2,8}){1,2}|Zq[a-z]{2,5}, [A-Z][a-z]{2}-[a-z]{3}|=zq[a-z]{4}|山田太[一-九]{1,3}\
                |zq[a-z]{130,150}|ZQ[A-Z]{3}( [a-z]{4}){30}";
    // An address that holds a name would show it where addresses may stay.
    let address = "qx[a-z0-9.+]{0,8}[a-z]@[a-z]{2,5}-corp\\.example|QX[A-Z]{3}@CORP|qx[a-z]{4} at home";
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
    let templates = Templates::builtin();
    for artifact in artifacts(report, &templates, &Format::ALL) {
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
        if bytes.starts_with(b"PAR1") {
            let (name, rows) = (artifact.name.split('/').nth(1).unwrap(), unpacked(bytes.clone()));
            texts.insert(format!("{name}.parquet"), rows.into_bytes());
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

/// What a Parquet file says of itself, and its rows: in the file they are compressed.
fn unpacked(bytes: Vec<u8>) -> String {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    let notes = reader.metadata().file_metadata().key_value_metadata().into_iter().flatten();
    let mut text: String =
        notes.filter_map(|note| Some(format!("{}={}\n", note.key, note.value.as_ref()?))).collect();
    for row in reader.get_row_iter(None).unwrap() {
        text.extend([row.unwrap().to_string(), "\n".to_owned()]);
    }
    text
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
        ("users.parquet", "ben@corp.example"),
        ("grants.parquet", "lab of chen wei"),
        ("findings.parquet", "dora novak"),
        ("findings.ocsf.jsonl", "dora novak"),
        ("report.sarif", "dora novak"),
        ("report.md", "ana silva"),
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
    let whole = report(&ordinary());
    let copy = whole.redacted(&both());
    let texts = rendered(&copy);
    for file in ["report.html", "mail.html", "mail.txt", "report.md", "report.xlsx/xl/worksheets/sheet1.xml"]
    {
        let said = texts[file].replace('\n', " ");
        let note = "redacted copy: pseudonyms stand for mail addresses and names of persons.";
        let shared = &texts["report.xlsx/xl/sharedStrings.xml"];
        assert!(said.contains(note) || (file.starts_with("report.xlsx") && shared.contains(note)), "{file}");
    }
    assert!(
        texts["report.json"].contains("\"redacted\":[\n\"email\",\n\"name\"\n],\n\"redaction_key\":null\n")
    );
    assert!(copy.redacted(&both()).redaction_note().is_some());
    for event in texts["findings.ocsf.jsonl"].lines() {
        assert!(event.contains("\"redacted:email\",\"redacted:name\"]"), "{event}");
    }
    let sarif = &texts["report.sarif"];
    assert!(sarif.contains("\"redacted\":[\"email\",\"name\"]"));
    assert!(sarif.contains("\"redactiontokens\":[\"redacted-\"]"));
    for table in ["users", "grants", "findings"] {
        assert!(texts[&format!("{table}.parquet")].starts_with("recert.redacted=email,name\n"), "{table}");
    }
    let said = rendered(&whole);
    for file in ["findings.ocsf.jsonl", "report.sarif", "users.parquet", "report.md", "report.html"] {
        assert!(!said[file].contains("redacted:") && !said[file].contains("redacted="), "{file}");
        assert!(!said[file].contains("redactiontokens") && !said[file].contains("redacted copy"), "{file}");
    }
    // A table in CSV has no place for it; every format is in this test or here.
    let csv =
        texts.keys().filter(|name| std::path::Path::new(name).extension().is_some_and(|end| end == "csv"));
    assert_eq!(csv.count(), 5);
    assert_eq!(Format::ALL.len(), 8, "xlsx, csv, html, json, ocsf, sarif, parquet, markdown");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("manifest.json"), "{}").unwrap();
    let name = publish_redacted(folder.path(), &copy, &[Format::Csv], &Templates::builtin()).unwrap();
    let manifest = std::fs::read(folder.path().join(name).join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["redacted"], serde_json::json!(["email", "name"]));
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

/// The report on one account more or less ordinary than the others, judged by a policy.
fn reported(policy: &Policy, change: impl FnOnce(&mut Snapshot)) -> Report {
    let mut snapshot = peopled(&ordinary(), 0);
    change(&mut snapshot);
    review::report(vec![snapshot], policy, Occasion::default(), &History::default())
}

#[test]
fn whoever_answers_for_an_account_is_hidden_where_a_waiver_names_him() {
    let account = DeclaredAccount {
        kind: AccountKind::Service,
        owner: Some("Greta Olsen".into()),
        ..DeclaredAccount::of("no such account")
    };
    let waiver = Waiver {
        rule: "dormant_account".into(),
        console: None,
        subject: Some("*".into()),
        finding: None,
        reason: "Olsen, Greta asked for it".into(),
        approved_by: "Dora Novak".into(),
        expires: NaiveDate::from_ymd_opt(2026, 10, 1).unwrap(),
        ticket: None,
        place: String::new(),
    };
    let policy = Policy { accounts: vec![account], waivers: vec![waiver], ..Policy::default() };
    let whole = reported(&policy, |_| {});
    assert_eq!(whole.waivers[0].reason, "Olsen, Greta asked for it");
    let copy = whole.redacted(&both());
    assert!(
        copy.waivers[0].reason.starts_with("redacted-") && copy.waivers[0].reason.ends_with(" asked for it")
    );
    assert_hidden(&rendered(&copy), &["Greta".to_owned(), "Olsen".to_owned()]);
}

#[test]
fn what_two_accounts_of_one_person_share_names_nobody() {
    let whole = reported(&Policy::default(), |snapshot| {
        for (at, source) in [(4, 1), (8, 2)] {
            let user = &mut snapshot.users[at];
            (user.login, user.name, user.email) = ("Greta Olsen".into(), "Greta Olsen".into(), None);
            user.authentication.as_mut().expect("a source").id = Some(AuthenticationSourceId(source));
        }
    });
    let shared = |report: &Report| -> Vec<String> {
        let twins = report.findings.iter().filter(|finding| &*finding.rule == "duplicate_identity");
        twins.map(|finding| finding.evidence.last().expect("what they share").value.clone()).collect()
    };
    assert!(shared(&whole).contains(&"the full name and the login Greta Olsen".to_owned()));
    let copy = whole.redacted(&both());
    let whole = "the full name and the login redacted-";
    assert!(shared(&copy).iter().any(|shared| shared.starts_with(whole)), "{:?}", shared(&copy));
    assert_hidden(&rendered(&copy), &["Greta".to_owned(), "Olsen".to_owned(), "greta-olsen".to_owned()]);
}

#[test]
fn a_name_that_is_an_ordinary_word_is_hidden_in_its_own_field_alone() {
    let service = DeclaredAccount {
        kind: AccountKind::Service,
        owner: Some("Dora Novak".into()),
        ..DeclaredAccount::of("svc-nightly")
    };
    let policy = Policy { accounts: vec![service], ..Policy::default() };
    let whole = reported(&policy, |snapshot| {
        let users = &mut snapshot.users;
        // The login of another account, a word in which rules speak, and a program's account.
        (users[2].login, users[2].name) = ("boss".into(), "Boss".into());
        users[6].name = "password".into();
        (users[10].login, users[10].name) = ("svc-nightly".into(), "Nightly Import".into());
        snapshot.sites[0].name = "Boss password of Nightly Import".into();
        snapshot.sites[1].name = "Ana Silva, Boss".into();
    });
    let copy = whole.redacted(&both());
    let names = ["Boss", "password", "Nightly Import"];
    for (whole, copy) in whole.users.iter().zip(&copy.users) {
        assert!(!names.contains(&&*copy.name) && copy.name.starts_with("redacted-"), "{}", whole.name);
    }
    assert_eq!(copy.sites[0].name, "Boss password of Nightly Import");
    assert!(copy.sites[1].name.starts_with("redacted-") && copy.sites[1].name.ends_with(", Boss"));
}

#[test]
fn ids_and_roles_of_the_product_stay() {
    let mut persons = ordinary();
    persons
        .names
        .extend(["Administrator", "Locked Account", "Global Admin", "Security Manager"].map(str::to_owned));
    let whole = report(&persons);
    let copy = whole.redacted(&both());
    for (whole, copy) in whole.findings.iter().zip(&copy.findings) {
        assert_eq!((&whole.id, &whole.rule), (&copy.id, &copy.rule));
    }
    for (whole, copy) in whole.roles.iter().zip(&copy.roles).filter(|(whole, _)| whole.builtin) {
        assert_eq!((&whole.id, &whole.name), (&copy.id, &copy.name));
    }
    for (whole, copy) in whole.users.iter().zip(&copy.users) {
        assert_eq!(whole.role_id, copy.role_id);
    }
    for (whole, copy) in whole.changes.iter().zip(&copy.changes) {
        assert!(whole.kind != "finding" || whole.id == copy.id);
        let rule = whole.summary.rsplit_once(", ").filter(|_| whole.kind == "finding").map(|(_, rule)| rule);
        assert!(rule.is_none_or(|rule| copy.summary.ends_with(rule)), "{}", copy.summary);
    }
}
