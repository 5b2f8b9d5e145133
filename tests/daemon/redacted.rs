//! A recipient who may not see persons gets files and a mail without them, beside those who get everything.

use std::fs;
use std::path::Path;

use mail_parser::{MessageParser, MimeHeaders};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::commands::prints;
use crate::service::Machine;

const OUTSIDE: &str = "outside@elsewhere.example";

fn manifest(directory: &Path) -> (Value, String) {
    let bytes = fs::read(directory.join("manifest.json")).unwrap();
    (serde_json::from_slice(&bytes).unwrap(), hex::encode(Sha256::digest(bytes)))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_see_persons_gets_a_redacted_copy() {
    let machine = Machine::new().await;
    let shared = machine.path("shared");
    fs::create_dir(&shared).unwrap();
    machine.configure(&format!(
        "[[job.directory]]\npath = \"{}\"\nredact = [\"name\", \"email\"]\n\
         [[job.email]]\nto = [\"{OUTSIDE}\"]\nformats = [\"csv\"]\nredact = [\"name\", \"email\"]\n",
        shared.display()
    ));
    prints(&machine, &["review", "--job", "weekly", "--deliver"]).await;

    let run = fs::read_dir(&shared).unwrap().next().unwrap().unwrap().file_name();
    let (whole, hash) = manifest(&machine.path("reports").join(&run));
    let (copy, _) = manifest(&shared.join(&run));
    assert_eq!((&whole["redacted"], &whole["whole"]), (&json!([]), &Value::Null));
    assert_eq!((&copy["redacted"], &copy["whole"]), (&json!(["email", "name"]), &json!(hash)));
    assert_eq!(copy["counts"], whole["counts"]);
    // What the whole files name is in none of the others.
    let estate = machine.simulator.estate();
    let named = estate.users.values().flat_map(|user| [Some(&user.name), user.email.as_ref()]).flatten();
    // The program's own account bears the title of every report as its name.
    let named =
        named.map(|text| text.to_lowercase()).filter(|text| text.len() > 3 && text != "access review");
    let named: Vec<String> = named.collect();
    let hides = |text: &str| {
        let text = text.to_lowercase();
        named.iter().find(|person| text.contains(*person)).cloned()
    };
    let report = fs::read_to_string(machine.path("reports").join(&run).join("report.json")).unwrap();
    assert!(named.len() > 10 && hides(&report).is_some());
    for file in copy["files"].as_array().unwrap() {
        let bytes = fs::read(shared.join(&run).join(file["name"].as_str().unwrap())).unwrap();
        assert_eq!(file["sha256"], hex::encode(Sha256::digest(&bytes)));
        assert_eq!(hides(&String::from_utf8_lossy(&bytes)), None, "{file}");
    }
    let mails = machine.relay.messages();
    let mail = mails.iter().find(|mail| mail.to == [OUTSIDE]).unwrap();
    let mail = MessageParser::default().parse(&mail.body).unwrap();
    let bodies = [
        mail.subject().unwrap().to_owned(),
        mail.body_text(0).unwrap().into(),
        mail.body_html(0).unwrap().into(),
    ];
    assert!(bodies[1].replace('\n', " ").contains("Redacted copy: pseudonyms stand for"), "{}", bodies[1]);
    let attached = mail.attachments().map(|file| String::from_utf8_lossy(file.contents()).into_owned());
    let texts: Vec<String> = bodies.into_iter().chain(attached).collect();
    assert_eq!(texts.len(), 3 + 5, "five tables are attached");
    assert!(mail.attachments().all(|file| file.attachment_name().is_some()));
    assert!(texts.iter().all(|text| hides(text).is_none()), "{texts:?}");
}
