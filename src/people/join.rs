//! Which person is behind which account: the strongest key that finds anybody decides, and a doubt is said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Account, Candidate, Roster, lower};
use crate::identity::name_words;
use crate::model::{Confidence, DeclaredOwner, MatchedBy, Person, RosterMatch, User};

/// The keys, the strongest first.
const KEYS: [MatchedBy; 4] = [MatchedBy::ExternalId, MatchedBy::Email, MatchedBy::Login, MatchedBy::Alias];

/// What the configuration declares about people: whose account is whose, and who answers for those that are nobody's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    people: BTreeMap<String, BTreeMap<String, String>>,
    owners: BTreeSet<String>,
}

impl Links {
    /// Declares the person of an account: the console's name, the login without regard to case, and the roster's id.
    pub fn declare(&mut self, console: &str, login: &str, person: &str) {
        self.people.entry(console.to_owned()).or_default().insert(login.to_lowercase(), person.to_owned());
    }

    /// Asks for somebody who answers for an account: a person's id, mail address or name.
    pub fn ask(&mut self, owner: &str) {
        self.owners.insert(DeclaredOwner::form(owner));
    }

    /// Looks up everybody who was asked for.
    pub(super) fn owners(&self, roster: &Roster) -> Vec<DeclaredOwner> {
        roster.owners(&self.owners)
    }

    fn of(&self, console: &str, login: &str) -> Option<&str> {
        self.people.get(console)?.get(&login.to_lowercase()).map(String::as_str)
    }
}

/// Sets the person of every user of a console.
///
/// A declared account is whose the configuration says; if the roster does not know that person, it is nobody's. Else the
/// first of [`KEYS`] that finds somebody decides. If it finds several, a later key may tell which of them it is. If the
/// names of all whom it finds speak against them, a later key decides that finds one person with a name in common: the
/// mailbox of one may be on the account of another.
pub fn join(console: &str, users: &mut [User], roster: &Roster, links: &Links) {
    for user in users {
        user.person = match links.of(console, &user.login) {
            Some(id) => declared(roster, id),
            None => found(roster, user),
        };
    }
}

fn declared(roster: &Roster, id: &str) -> RosterMatch {
    let confidence = Confidence::High;
    roster.index.by_id(&roster.entries, id).map_or(RosterMatch::Nobody, |person| {
        told(roster, MatchedBy::ExternalId, Candidate { person, confidence })
    })
}

fn found(roster: &Roster, user: &User) -> RosterMatch {
    let account = Account::of(user);
    let mut doubted = None;
    for (at, by) in KEYS.into_iter().enumerate() {
        let candidates = roster.index.find(&roster.entries, by, &account, None);
        if candidates.is_empty() {
            continue;
        }
        let names = |candidate: &Candidate| {
            roster.person(candidate.person).map_or(Names::Unknown, |person| Names::of(user, person))
        };
        let one = narrowed(roster, &account, &candidates, &KEYS[at + 1..]);
        let agree = one.as_ref().map(names);
        if doubted.is_some() {
            // Only a name in common lets a later key speak against an earlier one.
            match one {
                Some(one) if agree == Some(Names::Agree) => {
                    return told(roster, by, Candidate { confidence: lower(one.confidence), ..one });
                }
                _ => continue,
            }
        }
        let matched = match one {
            Some(one) if by != MatchedBy::ExternalId && agree == Some(Names::Differ) => {
                told(roster, by, Candidate { confidence: lower(one.confidence), ..one })
            }
            Some(one) => told(roster, by, one),
            None => ambiguous(roster, by, &candidates),
        };
        if by == MatchedBy::ExternalId || candidates.iter().map(names).any(|names| names != Names::Differ) {
            return matched;
        }
        doubted = Some(matched);
    }
    doubted.unwrap_or(RosterMatch::Nobody)
}

/// The only candidate, or the only one that a later key finds as well; that one is a step less sure.
fn narrowed(
    roster: &Roster,
    account: &Account<'_>,
    candidates: &[Candidate],
    later: &[MatchedBy],
) -> Option<Candidate> {
    if let [one] = candidates {
        return Some(*one);
    }
    let mut left = candidates.to_vec();
    for by in later {
        let also = roster.index.find(&roster.entries, *by, account, Some(&left));
        if !also.is_empty() {
            left.retain(|candidate| also.iter().any(|other| other.person == candidate.person));
        }
        if let [one] = left[..] {
            return Some(Candidate { confidence: lower(one.confidence), ..one });
        }
    }
    None
}

fn told(roster: &Roster, by: MatchedBy, one: Candidate) -> RosterMatch {
    roster.person(one.person).map_or(RosterMatch::Nobody, |person| RosterMatch::Person {
        person: person.clone(),
        by,
        confidence: one.confidence,
    })
}

fn ambiguous(roster: &Roster, by: MatchedBy, candidates: &[Candidate]) -> RosterMatch {
    let ids = candidates.iter().filter_map(|candidate| roster.person(candidate.person));
    let mut people: Vec<String> = ids.map(|person| person.id.to_string()).collect();
    people.sort();
    RosterMatch::Ambiguous { by, people }
}

/// What the full names of an account and of a person say. Names change and are written in many ways: they are a doubt,
/// and never a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// One of the two has none.
    Unknown,
    /// They have a word in common.
    Agree,
    /// They have none in common.
    Differ,
}

impl Names {
    fn of(user: &User, person: &Person) -> Self {
        let (ours, theirs) = (name_words(&user.name), name_words(person.name.as_deref().unwrap_or_default()));
        match ours.is_disjoint(&theirs) {
            _ if ours.is_empty() || theirs.is_empty() => Self::Unknown,
            true => Self::Differ,
            false => Self::Agree,
        }
    }
}

impl Roster {
    fn person(&self, number: u32) -> Option<&Arc<Person>> {
        self.entries.get(usize::try_from(number).ok()?).map(|entry| &entry.person)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Layout, parse};
    use super::*;
    use crate::model::sample::user;

    fn roster(csv: &str) -> Roster {
        parse(csv.as_bytes(), &Layout::new(Format::Csv), 1_000).unwrap()
    }

    fn account(login: &str, email: &str, name: &str) -> User {
        let email = (!email.is_empty()).then(|| email.into());
        User { email, name: name.into(), ..user(1, login) }
    }

    /// The match in a few words.
    fn words(matched: &RosterMatch) -> String {
        match matched {
            RosterMatch::NotAsked => "not asked".to_owned(),
            RosterMatch::Nobody => "nobody".to_owned(),
            RosterMatch::Person { person, by, confidence } => {
                format!("{} {} {}", person.id, by.as_str(), confidence.as_str())
            }
            RosterMatch::Ambiguous { by, people } => format!("{} {}?", people.join("|"), by.as_str()),
        }
    }

    fn check(roster: &Roster, cases: &[(&str, &str, &str, &str)]) {
        for (login, email, name, expected) in cases {
            let mut users = [account(login, email, name)];
            join("hq", &mut users, roster, &Links::default());
            assert_eq!(words(&users[0].person), *expected, "{login} <{email}> {name}");
        }
    }

    #[test]
    fn each_key_finds_its_person() {
        let roster = roster(
            "id,email,login,aliases,name\n\
             E7,ana@corp.example,ana.silva,asilva; CORP\\ana2,Ana Silva\n\
             E8,bo+hr@corp.example,CORP\\bo,,Bo Berg\n\
             E9,,cy@corp.example,,\n",
        );
        check(
            &roster,
            &[
                ("E7", "", "", "E7 external_id high"),
                ("CORP\\E7", "", "", "E7 external_id high"),
                ("e7@corp.example", "", "", "E7 external_id medium"),
                ("E7", "bo@corp.example", "", "E7 external_id high"),
                ("x", " Ana@CORP.example ", "", "E7 email high"),
                ("x", "ana+console@corp.example", "", "E7 email medium"),
                ("x", "bo@corp.example", "", "E8 email medium"),
                ("x", "bo+other@corp.example", "", "E8 email medium"),
                ("cy@corp.example", "ana@corp.example", "", "E7 email high"),
                ("ana.silva", "other@corp.example", "", "E7 login high"),
                ("Ana.Silva", "", "", "E7 login medium"),
                ("CORP\\ana.silva", "", "", "E7 login medium"),
                ("ana.silva@corp.example", "", "", "E7 login medium"),
                ("CORP\\bo", "", "", "E8 login high"),
                ("corp\\BO", "", "", "E8 login medium"),
                ("bo", "", "", "E8 login medium"),
                ("bo@corp.example", "", "", "E8 login medium"),
                ("LAB\\bo", "", "", "E8 login low"),
                ("cy", "", "", "E9 login medium"),
                ("cy@lab.example", "", "", "E9 login low"),
                ("asilva", "", "", "E7 alias medium"),
                ("ASilva", "", "", "E7 alias low"),
                ("ana2", "", "", "E7 alias low"),
                ("LAB\\ana2", "", "", "E7 alias low"),
                ("ana_silva", "", "", "nobody"),
                ("x", "", "Ana Silva", "nobody"),
                ("x", "not an address", "", "nobody"),
            ],
        );
    }

    #[test]
    fn what_is_no_address_is_no_key() {
        let roster = roster("id,email\n1,n/a\n2,none\n");
        check(&roster, &[("x", "n/a", "", "nobody"), ("x", "none", "", "nobody")]);
    }

    #[test]
    fn names_without_a_common_word_are_a_doubt_and_never_a_key() {
        let roster = roster("id,email,login,aliases,name\n7,ana@corp.example,ana,as,Ana Silva\n");
        check(
            &roster,
            &[
                ("x", "ana@corp.example", "Silva, A.", "7 email high"),
                ("x", "ana@corp.example", "Ana Berg", "7 email high"),
                ("x", "ana@corp.example", "Bo Berg", "7 email medium"),
                ("ana", "", "Bo Berg", "7 login medium"),
                ("ANA", "", "Bo Berg", "7 login low"),
                ("as", "", "Bo Berg", "7 alias low"),
                ("7", "", "Bo Berg", "7 external_id high"),
                ("ana", "", " - ", "7 login high"),
            ],
        );
    }

    #[test]
    fn a_name_that_speaks_against_one_key_lets_a_later_one_decide() {
        let roster = roster(
            "id,email,login,aliases,name\n\
             1,desk@corp.example,bo,,Bo Berg\n\
             2,,ana,as,Ana Silva\n\
             3,pair@corp.example,cy,,Cy Cole\n\
             4,pair@corp.example,di,,Di Dorn\n",
        );
        check(
            &roster,
            &[
                ("ana", "desk@corp.example", "Ana Silva", "2 login medium"),
                ("as", "desk@corp.example", "Ana Silva", "2 alias low"),
                ("ana", "pair@corp.example", "Ana Silva", "2 login medium"),
                ("ana", "desk@corp.example", "", "1 email high"),
                ("ana", "desk@corp.example", "Zoe Zorn", "1 email medium"),
                ("ana", "desk@corp.example", "Berg, Ana", "1 email high"),
                ("x", "desk@corp.example", "Ana Silva", "1 email medium"),
                ("x", "pair@corp.example", "Ana Silva", "3|4 email?"),
                ("ana", "pair@corp.example", "Cy Silva", "3|4 email?"),
            ],
        );
    }

    #[test]
    fn a_later_key_tells_people_apart_who_share_one() {
        let roster = roster(
            "id,email,login,aliases,name\n\
             2,desk@corp.example,bo,bb,Bo Berg\n\
             1,desk@corp.example,ana,as,Ana Silva\n\
             3,desk@corp.example,cy,as,Cy Cole\n\
             4,desk@corp.example,Ana,,Ana Stone\n",
        );
        check(
            &roster,
            &[
                ("bo", "desk@corp.example", "", "2 email medium"),
                ("BO", "desk+vm@corp.example", "", "2 email low"),
                ("bb", "desk@corp.example", "", "2 email medium"),
                ("bb", "desk@corp.example", "Zoe Zorn", "2 email low"),
                ("ana", "desk@corp.example", "", "1 email medium"),
                ("Ana", "desk@corp.example", "", "4 email medium"),
                ("ANA", "desk@corp.example", "", "1|2|3|4 email?"),
                ("as", "desk@corp.example", "Ana Silva", "1|2|3|4 email?"),
                ("x", "desk@corp.example", "Ana Silva", "1|2|3|4 email?"),
                ("as", "", "", "1|3 alias?"),
            ],
        );
    }

    #[test]
    fn ids_that_differ_by_case_alone_are_told_apart() {
        let roster = roster("id,login\nab,x\nAB,y\n");
        check(
            &roster,
            &[
                ("ab", "", "", "ab external_id high"),
                ("AB", "", "", "AB external_id high"),
                ("Ab", "", "", "AB|ab external_id?"),
            ],
        );
    }

    #[test]
    fn a_key_of_very_many_is_nobodys() {
        use std::fmt::Write;
        let lists = |people: usize| {
            let mut csv = "id,email,login\n".to_owned();
            for person in 0..people {
                writeln!(csv, "E{person},noreply@corp.example,u{person}").unwrap();
            }
            roster(&csv)
        };
        let mut users = [account("x", "noreply@corp.example", "")];
        join("hq", &mut users, &lists(100), &Links::default());
        assert!(matches!(&users[0].person, RosterMatch::Ambiguous { people, .. } if people.len() == 100));
        join("hq", &mut users, &lists(101), &Links::default());
        assert_eq!(users[0].person, RosterMatch::Nobody);
        check(&lists(101), &[("u100", "noreply@corp.example", "", "E100 login high")]);
    }

    #[test]
    fn a_declared_account_is_whose_the_configuration_says() {
        let roster = roster("id,email,login\n7,ana@corp.example,ana\n8,bo@corp.example,bo\n");
        let mut links = Links::default();
        links.declare("hq", "ana", "8");
        links.declare("hq", "Gone", "99");
        let told_at = |console: &str, login: &str| {
            let mut users = [account(login, "ana@corp.example", "Ana Silva")];
            join(console, &mut users, &roster, &links);
            words(&users[0].person)
        };
        assert_eq!(told_at("hq", "ana"), "8 external_id high");
        assert_eq!(told_at("lab", "ana"), "7 email high", "declared for another console");
        assert_eq!(told_at("hq", "ANA"), "8 external_id high", "case tells no logins apart");
        assert_eq!(told_at("hq", "anna"), "7 email high", "declared for another login");
        assert_eq!(told_at("hq", "gone"), "nobody", "the declared person is not in the roster");
    }

    #[test]
    fn two_accounts_may_be_one_persons() {
        let roster = roster("id,email,login\n7,ana@corp.example,ana\n");
        let mut users = [account("ana", "", ""), account("ana-admin", "ana+admin@corp.example", "")];
        join("hq", &mut users, &roster, &Links::default());
        assert_eq!(users.map(|user| words(&user.person)), ["7 login high", "7 email medium"]);
    }
}
