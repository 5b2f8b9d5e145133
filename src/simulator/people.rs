//! Fictional people: names from mixed lists, each combination once, with logins and addresses of a made-up company.

use fastrand::Rng;

/// The domain of everybody's mail.
pub(super) const DOMAIN: &str = "corp.example";

const FIRST: &str = "\
    Aaliyah Adam Aisha Ajay Alejandro Amara Amina Ana Anders Anika Arjun Astrid Bartosz Beatriz Björn \
    Camille Carlos Chiara Chidi Chloé Dalia Daniel Deepa Diego Ebba Elif Emeka Emma Enzo Esther Farid \
    Fatima Femi Freya Gabriel Giulia Grace Hana Hassan Helga Hiro Ines Ingrid Isaac Ivan Jack Jamal Jana \
    João Jorge Julia Kaito Karolina Kenji Kofi Lars Layla Leila Liam Lin Lucía Łukasz Maeve Magda Malik \
    Marek Maria Mateo Mei Mikkel Mina Mohammed Nadia Naomi Nia Niamh Nikolai Noor Olga Oliver Omar Oskar \
    Paolo Petra Priya Rachel Rafael Ravi Rosa Ruth Sana Sara Seán Sofia Søren Sunita Tamar Tariq \
    Thandiwe Tomasz Uma Valentina Viktor Wei Xavier Yara Yusuf Zoë";

const LAST: &str = "\
    Abara Achterberg Adeyemi Ahmadi Almeida Andersson Bakker Banerjee Barros Bauer Becker Bernard \
    Bianchi Borowski Boateng Brennan Castillo Chandra Chen Costa Dahl Das Delgado Demir Diallo Dubois \
    Dvořák Edwards Eklund Eriksen Farouk Ferrari Fischer Fitzgerald Fontaine Fujita García Gonzales \
    Gupta Haddad Hansen Hoffmann Horvat Hughes Ibrahim Ito Iyer Jansen Jensen Johansson Kamara Kapoor \
    Kato Keller Khan Kim Kovács Kowalska Krüger Larsen Lefebvre Lindqvist Lopez Marino Mbeki Meyer \
    Moreau Müller Murphy Nakamura Nair Ndiaye Novák Nowak Nguyen Okafor Olsen Osei Papadaki Park Patel \
    Pereira Petrov Popescu Quinn Rahman Reyes Ricci Rojas Rossi Saito Santos Schmidt Sharma Silva Singh \
    Sokolov Sørensen Suzuki Tanaka Tesfaye Torres Tran Ueda Varga Vogel Wagner Walsh Weber Wójcik Yamada \
    Yılmaz Zhang Zielinska";

/// A person of the made-up company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The full name, as spelled.
    pub(super) name: String,
    /// The login and the part of the address before the `@`: plain lower-case letters and dots.
    pub(super) login: String,
}

impl Person {
    /// The person's address.
    pub(super) fn email(&self) -> String {
        format!("{}@{DOMAIN}", self.login)
    }
}

/// All people there are, in an order that depends on the seed. Nobody comes twice.
pub(super) struct People {
    first: Vec<&'static str>,
    last: Vec<&'static str>,
    next: usize,
    start: usize,
    stride: usize,
}

impl People {
    /// The order for one estate.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let first: Vec<_> = FIRST.split_whitespace().collect();
        let last: Vec<_> = LAST.split_whitespace().collect();
        let combinations = first.len() * last.len();
        // A stride without a common divisor visits every combination before it comes back to the first.
        let mut stride = rng.usize(combinations / 3..combinations);
        while greatest_common_divisor(stride, combinations) != 1 {
            stride += 1;
        }
        Self { first, last, next: 0, start: rng.usize(..combinations), stride }
    }
}

impl Iterator for People {
    type Item = Person;

    fn next(&mut self) -> Option<Person> {
        let combinations = self.first.len() * self.last.len();
        let (round, step) = (self.next / combinations, self.next % combinations);
        self.next += 1;
        let place = (self.start + step * self.stride) % combinations;
        let (first, last) = (self.first[place % self.first.len()], self.last[place / self.first.len()]);
        Some(match middle_initials(round) {
            None => Person { name: format!("{first} {last}"), login: plain(&format!("{first}.{last}")) },
            Some(middle) => Person {
                name: format!("{first} {middle} {last}"),
                login: plain(&format!("{first}.{middle}.{last}")),
            },
        })
    }
}

/// What tells people of one first and last name apart: nothing, then A, B … Z, then AA and on.
fn middle_initials(round: usize) -> Option<String> {
    let mut rest = round;
    let mut initials = String::new();
    while rest > 0 {
        rest -= 1;
        initials.insert(0, char::from(b'A' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    (!initials.is_empty()).then_some(initials)
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// A name as directories write it in logins.
fn plain(name: &str) -> String {
    name.chars()
        .map(|letter| match letter {
            'á' | 'ã' => 'a',
            'ë' | 'é' => 'e',
            'í' | 'ı' => 'i',
            'ö' | 'ø' | 'ó' => 'o',
            'ü' => 'u',
            'ř' => 'r',
            'Ł' => 'l',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_comes_twice_and_logins_are_plain() {
        let people: Vec<_> = People::new(&mut Rng::with_seed(3)).take(30_000).collect();
        let logins: BTreeSet<_> = people.iter().map(|person| &person.login).collect();
        let names: BTreeSet<_> = people.iter().map(|person| &person.name).collect();
        assert_eq!((logins.len(), names.len()), (30_000, 30_000));
        let odd = logins.iter().find(|login| !login.chars().all(|c| c == '.' || c.is_ascii_lowercase()));
        assert_eq!(odd, None);
    }

    #[test]
    fn initials_count_on() {
        let of = |round| middle_initials(round);
        assert_eq!(
            (of(0), of(1), of(26), of(27)),
            (None, Some("A".into()), Some("Z".into()), Some("AA".into()))
        );
    }
}
