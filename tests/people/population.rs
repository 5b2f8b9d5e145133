//! Ten thousand people and ten thousand accounts that are written as people write.

use std::fmt::Write;
use std::time::{Duration, Instant};

use fastrand::Rng;
use recert::model::{Answer, RosterMatch, TwoFactor, User, UserId, UserRole};
use recert::people::{Format, Layout, Links, Roster, join, parse};

const PEOPLE: usize = 10_000;
const NOISE: f64 = 0.03;

const FIRST: [&str; 12] = ["Ana", "Bo", "Cy", "Dana", "Eli", "Fay", "Gus", "Hana", "Ivo", "Jo", "Kim", "Lea"];
const LAST: [&str; 12] =
    ["Silva", "Berg", "Cole", "Dorn", "Egger", "Falk", "Grau", "Holt", "Ilic", "Jung", "Kern", "Lang"];

struct World {
    roster: Roster,
    users: Vec<User>,
    /// Whose each account really is; `None` is nobody's.
    truth: Vec<Option<String>>,
    leavers: Vec<bool>,
}

fn user(id: usize, login: String, email: Option<String>, name: String) -> User {
    User {
        id: UserId(i64::try_from(id).unwrap()),
        login: login.into(),
        name: name.into(),
        email: email.map(Into::into),
        enabled: Some(true),
        locked: Some(false),
        authentication: None,
        role: UserRole::default().into(),
        privileges: Answer::NotAsked,
        sites: Answer::NotAsked,
        asset_groups: Answer::NotAsked,
        two_factor: TwoFactor::Delegated,
        person: RosterMatch::NotAsked,
        last_logon: None,
    }
}

/// Every kind of noise strikes each account on its own, so that several can meet. None takes the last key away.
fn world(seed: u64) -> World {
    let mut rng = Rng::with_seed(seed);
    let noisy = |rng: &mut Rng| rng.f64() < NOISE;
    let mut csv = "id,email,login,aliases,name,status\n".to_owned();
    let (mut users, mut truth, mut leavers) = (Vec::new(), Vec::new(), Vec::new());
    let mut shared: Option<String> = None;
    for number in 0..PEOPLE {
        let (first, last) = (rng.choice(FIRST).unwrap(), rng.choice(LAST).unwrap());
        let mut login = format!("{first}.{last}{number}").to_lowercase();
        let mut alias = format!("{}{last}-{number}", &first[..1]).to_lowercase();
        let own = format!("{first}.{last}.{number}@corp.example").to_lowercase();
        let left = rng.f64() < 0.05;
        // One of a pair takes the mailbox of the other.
        let email = match shared.take() {
            Some(mailbox) => mailbox,
            None if noisy(&mut rng) => shared.insert(format!("desk{number}@corp.example")).clone(),
            None => own,
        };
        if noisy(&mut rng) {
            login = format!("CORP\\{login}");
        }
        let listed = if noisy(&mut rng) { "" } else { &email };
        let status = if left { "terminated" } else { "active" };
        writeln!(csv, "E{number:05},{listed},{login},old-{number};{alias},{first} {last},{status}").unwrap();

        if rng.f64() < NOISE {
            // A stranger in the place of this person.
            let name = format!("svc-job-{number}");
            users.push(user(number, name.clone(), Some(format!("{name}@corp.example")), name));
            truth.push(None);
            leavers.push(false);
            continue;
        }
        let mut email = Some(email);
        let mut name = format!("{first} {last}");
        if noisy(&mut rng) {
            std::mem::swap(&mut login, &mut alias);
        }
        if noisy(&mut rng) {
            login = login.to_uppercase();
        }
        if noisy(&mut rng) && !login.contains('\\') {
            login = format!("CORP\\{login}");
        }
        if noisy(&mut rng) {
            email = email.map(|email| email.to_uppercase());
        }
        if noisy(&mut rng) {
            email = email.map(|email| email.replace('@', "+vm@"));
        }
        if noisy(&mut rng) {
            email = None;
        }
        if noisy(&mut rng) {
            name = format!("Zoe {}", rng.choice(["Zorn", "Zeller"]).unwrap());
        }
        users.push(user(number, login, email, name));
        truth.push(Some(format!("E{number:05}")));
        leavers.push(left);
    }
    let roster = parse(csv.as_bytes(), &Layout::new(Format::Csv), PEOPLE).unwrap();
    World { roster, users, truth, leavers }
}

#[test]
fn finds_the_people_behind_ten_thousand_accounts() {
    let World { roster, mut users, truth, leavers } = world(20_261_125);
    let began = Instant::now();
    join("hq", &mut users, &roster, &Links::default());
    let took = began.elapsed();

    let (mut right, mut wrong, mut missed, mut ambiguous) = (0_u32, 0_u32, 0_u32, 0_u32);
    let (mut gone, mut gone_found) = (0_u32, 0_u32);
    for ((user, truth), left) in users.iter().zip(&truth).zip(&leavers) {
        let found = user.person.person().map(|person| &person.id);
        match (found, truth) {
            (Some(found), Some(truth)) if found == truth => right += 1,
            (Some(_), _) => wrong += 1,
            (None, Some(_)) => missed += 1,
            (None, None) => {}
        }
        ambiguous += u32::from(matches!(user.person, RosterMatch::Ambiguous { .. }));
        if *left {
            gone += 1;
            gone_found += u32::from(found.map(compact_str::CompactString::as_str) == truth.as_deref());
            let employed = user.person.person().and_then(|person| person.employed);
            assert_eq!(employed, Some(false), "{}: the leaver is not seen", user.login);
        }
    }
    let precision = f64::from(right) / f64::from(right + wrong);
    let recall = f64::from(right) / f64::from(right + wrong + missed);
    println!(
        "precision {precision:.5}, recall {recall:.5}; {right} right, {wrong} wrong, {missed} missed, {ambiguous} \
         ambiguous; leavers {gone_found} of {gone}; {took:?}"
    );
    assert!(precision >= 0.999, "precision {precision}");
    assert!(recall >= 0.99, "recall {recall}");
    assert!(gone > 300, "{gone} leavers");
    assert_eq!(gone_found, gone, "every leaver is found");
    assert!(took < Duration::from_secs(5), "{took:?}: it has become quadratic");
}

#[test]
fn one_mailbox_for_everybody_costs_no_more() {
    let mut csv = "id,email,login\n".to_owned();
    let mut users = Vec::new();
    for number in 0..PEOPLE {
        writeln!(csv, "E{number},noreply@corp.example,u{number}").unwrap();
        users.push(user(number, format!("u{number}"), Some("noreply@corp.example".into()), String::new()));
    }
    let roster = parse(csv.as_bytes(), &Layout::new(Format::Csv), PEOPLE).unwrap();
    let began = Instant::now();
    join("hq", &mut users, &roster, &Links::default());
    let took = began.elapsed();
    assert!(
        users.iter().all(|user| user.person.person().is_some_and(|person| person.id[1..] == user.login[1..]))
    );
    assert!(took < Duration::from_secs(5), "{took:?}: it has become quadratic");
}
