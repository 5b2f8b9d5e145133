use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

struct Bench {
    directory: TempDir,
    log: Log,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-11-25T12:00:00Z")
}

fn logon(time: &str, login: &str) -> String {
    format!("2026-{time} [INFO] [Principal: {login}] [IP: 10.1.2.3] Authentication succeeded\n")
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("auth.log");
        Self { log: Log { path, zone: Tz::UTC, pattern: Pattern::BUILTIN }, directory }
    }

    fn write(&self, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.log.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn pack(&self, number: u32, bytes: &[u8]) {
        let file = File::create(archive(&self.log.path, number)).unwrap();
        let mut packed = GzEncoder::new(file, Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap();
    }

    /// As the console does it.
    fn rotate(&self) {
        for number in (0..9).rev() {
            let path = archive(&self.log.path, number);
            if path.exists() {
                fs::rename(path, archive(&self.log.path, number + 1)).unwrap();
            }
        }
        self.pack(0, &fs::read(&self.log.path).unwrap());
        fs::remove_file(&self.log.path).unwrap();
        self.write("");
    }

    fn follow(&self, known: &LogRecord) -> Followed {
        self.log.follow(known.clone(), now()).unwrap()
    }
}

fn times(record: &LogRecord) -> Vec<(&str, String)> {
    let row = |logon: &'_ Logon| logon.at.format("%m-%dT%H:%M").to_string();
    record.newest.iter().map(|logon| (logon.login.as_str(), row(logon))).collect()
}

fn counts(followed: &Followed) -> (u64, u64, u64, u64, u64) {
    let Counts { logons, dated, undated, long, ahead } = followed.counts;
    (logons, dated, undated, long, ahead)
}

#[test]
fn a_log_is_read_on_from_where_it_was_read_to() {
    let bench = Bench::new();
    bench.write(&logon("11-20T08:00:00", "jdoe"));
    bench.write("2026-11-20T08:30:00 [INFO] [Principal: jdoe] Logged out\n\tat a stack trace\n");
    bench.write(&logon("11-20T09:00:00", "mmuster"));
    let partial = logon("11-20T10:00:00", "jdoe");
    bench.write(&partial[..40]);
    let first = bench.follow(&LogRecord::default());
    assert_eq!(times(&first.record), [("jdoe", "11-20T08:00".into()), ("mmuster", "11-20T09:00".into())]);
    assert_eq!(counts(&first), (2, 1, 1, 0, 0));
    assert_eq!(first.record.since, Some(at("2026-11-20T08:00:00Z")));
    assert_eq!(first.record.newest[0].address.as_deref(), Some("10.1.2.3"));
    assert_eq!(first.notes, [] as [String; 0]);

    bench.write(&partial[40..]);
    bench.write(&logon("11-19T10:00:00", "mmuster"));
    let second = bench.follow(&first.record);
    assert_eq!(counts(&second), (2, 0, 0, 0, 0), "nothing is read twice");
    assert_eq!(times(&second.record), [("jdoe", "11-20T10:00".into()), ("mmuster", "11-20T09:00".into())]);
    assert_eq!(second.record.since, first.record.since);
    let third = bench.follow(&second.record);
    assert_eq!(counts(&third), (0, 0, 0, 0, 0));
    assert_eq!(third.record, second.record);
}

#[test]
fn a_rotation_between_two_readings_loses_nothing() {
    let bench = Bench::new();
    bench.write(&logon("11-01T08:00:00", "early"));
    bench.rotate();
    bench.write(&logon("11-20T08:00:00", "jdoe"));
    let first = bench.follow(&LogRecord::default());
    assert_eq!(times(&first.record), [("early", "11-01T08:00".into()), ("jdoe", "11-20T08:00".into())]);
    assert_eq!(first.record.since, Some(at("2026-11-01T08:00:00Z")));

    // Two rotations, and a new log that is longer than the old one was.
    bench.write(logon("11-21T08:00:00", "between").trim_end());
    bench.rotate();
    bench.write(&logon("11-22T08:00:00", "later"));
    bench.rotate();
    for hour in 10..20 {
        bench.write(&logon(&format!("11-23T{hour}:00:00"), "jdoe"));
    }
    let second = bench.follow(&first.record);
    assert_eq!(
        times(&second.record),
        [
            ("between", "11-21T08:00".into()),
            ("early", "11-01T08:00".into()),
            ("jdoe", "11-23T19:00".into()),
            ("later", "11-22T08:00".into())
        ]
    );
    assert_eq!(second.record.since, first.record.since);
    assert_eq!(counts(&bench.follow(&second.record)), (0, 0, 0, 0, 0));
}

#[test]
fn an_inode_that_was_given_out_again_is_another_file() {
    let bench = Bench::new();
    bench.write(&logon("11-20T08:00:00", "jdoe"));
    let first = bench.follow(&LogRecord::default());
    bench.pack(0, &fs::read(&bench.log.path).unwrap());
    // The same inode, and longer than before.
    let next = [logon("11-21T08:00:00", "mmuster"), logon("11-22T08:00:00", "other")].concat();
    fs::write(&bench.log.path, next).unwrap();
    let second = bench.follow(&first.record);
    assert_eq!(second.record.position.as_ref().unwrap().inode, first.record.position.as_ref().unwrap().inode);
    assert_eq!(second.record.newest.len(), 3);
    // Cut short: read from its start, and what was known is kept.
    fs::write(&bench.log.path, logon("11-21T08:00:00", "mmuster")).unwrap();
    assert_eq!(bench.follow(&second.record).record.newest.len(), 3);
}

#[test]
fn a_hole_in_the_history_moves_since() {
    let bench = Bench::new();
    bench.write(&logon("11-01T08:00:00", "jdoe"));
    let first = bench.follow(&LogRecord::default());
    fs::remove_file(&bench.log.path).unwrap();
    bench.write(&logon("11-20T08:00:00", "mmuster"));
    let second = bench.follow(&first.record);
    assert_eq!(second.record.since, Some(at("2026-11-20T08:00:00Z")), "what lay between is not known");
    assert_eq!(second.record.newest.len(), 2);
}

#[test]
fn an_archive_that_cannot_be_read_ends_the_way_back() {
    let whole = |number: u32| logon(&format!("11-0{}T08:00:00", 9 - number), &format!("u{number}"));
    let fill = |bench: &Bench| {
        bench.write(&logon("11-20T08:00:00", "live"));
        (0..4).for_each(|number| bench.pack(number, whole(number).as_bytes()));
    };
    let breakers: [fn(&Path); 3] = [
        |path| fs::write(path, "no gzip").unwrap(),
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
        |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 6]).unwrap();
        },
    ];
    for broken in breakers {
        let bench = Bench::new();
        fill(&bench);
        broken(&archive(&bench.log.path, 2));
        let followed = bench.follow(&LogRecord::default());
        assert_eq!(followed.record.since, Some(at("2026-11-08T08:00:00Z")), "{:?}", followed.notes);
        assert!(followed.notes.len() == 1 && followed.notes[0].contains("auth.log.gz.2"));
        assert!(followed.record.newest.iter().all(|logon| logon.login != "u3"));
    }
    // One that is missing is the end as well, silently: there are no older ones.
    let bench = Bench::new();
    fill(&bench);
    fs::remove_file(archive(&bench.log.path, 2)).unwrap();
    let followed = bench.follow(&LogRecord::default());
    assert_eq!((followed.record.newest.len(), followed.notes.len()), (3, 0));
}

#[test]
fn ten_archives_are_read_and_no_more() {
    let bench = Bench::new();
    bench.write(&logon("11-20T08:00:00", "live"));
    for number in 0..12 {
        bench.pack(
            number,
            logon(&format!("10-{}T08:00:00", 30 - number), &format!("u{number:02}")).as_bytes(),
        );
    }
    let followed = bench.follow(&LogRecord::default());
    assert_eq!(followed.record.newest.len(), 11);
    assert_eq!(followed.record.since, Some(at("2026-10-21T08:00:00Z")));
}

#[test]
fn what_is_too_large_is_read_in_part_and_said() {
    let bench = Bench::new();
    for day in 10..20 {
        bench.write(&logon(&format!("11-{day}T08:00:00"), &format!("u{day}")));
    }
    let line = logon("11-10T08:00:00", "u10").len() as u64;
    let follow = |limit| bench.log.follow_within(LogRecord::default(), now(), limit).unwrap();
    let part = follow(3 * line + 5);
    assert_eq!(part.record.since, Some(at("2026-11-17T08:00:00Z")));
    assert_eq!((part.record.newest.len(), part.notes.len()), (3, 1));
    assert_eq!(part.record.position.unwrap().offset, 10 * line);
    assert_eq!(follow(10 * line).notes, [] as [String; 0]);

    bench.rotate();
    bench.write(&logon("11-21T08:00:00", "live"));
    let part = follow(3 * line + 5);
    assert_eq!(part.record.since, Some(at("2026-11-21T08:00:00Z")), "the archive has a hole");
    assert!(part.notes[0].contains("auth.log.gz.0"), "{:?}", part.notes);
}

#[test]
fn a_reading_that_left_something_out_says_so_in_since() {
    let bench = Bench::new();
    bench.write(&logon("11-01T08:00:00", "jdoe"));
    let known = bench.follow(&LogRecord::default()).record;
    for day in 10..20 {
        bench.write(&logon(&format!("11-{day}T08:00:00"), "mmuster"));
    }
    let followed = bench.log.follow_within(known, now(), 200).unwrap();
    assert_eq!(followed.record.since, Some(at("2026-11-18T08:00:00Z")));
}

#[test]
fn garbage_huge_lines_and_the_future_are_counted() {
    let bench = Bench::new();
    bench.write(&logon("11-20T08:00:00", "jdoe"));
    bench.write(&format!("2026-11-20T08:00:00 [Principal: huge] Login successful {}\n", "x".repeat(70_000)));
    bench.write("\u{0}\u{1b}[31m\n1970-01-01T00:00:00 [Principal: old] Login successful\n");
    bench.write(&logon("11-26T14:00:00", "zone"));
    bench.write(&logon("11-26T14:00:01", "future"));
    let mut file = OpenOptions::new().append(true).open(&bench.log.path).unwrap();
    file.write_all(b"\xff\xfe\n2026-11-21T08:00:00 [Principal: caf\xe9] Login successful\r\n").unwrap();
    let followed = bench.follow(&LogRecord::default());
    assert_eq!(counts(&followed), (3, 0, 3, 1, 1));
    let logins: Vec<_> = followed.record.newest.iter().map(|logon| logon.login.as_str()).collect();
    assert_eq!(logins, ["caf\u{fffd}", "jdoe", "zone"]);
}

#[test]
fn another_pattern_or_zone_begins_anew() {
    let mut bench = Bench::new();
    bench.write(&logon("11-20T08:00:00", "jdoe"));
    let first = bench.follow(&LogRecord::default());
    bench.log.zone = Tz::Europe__Berlin;
    let second = bench.follow(&first.record);
    assert_eq!(times(&second.record), [("jdoe", "11-20T07:00".into())]);
    bench.log.pattern = Pattern::new("^(?<time>\\S+).*Principal: (?<login>x)").unwrap();
    let error = bench.log.follow(second.record, now()).unwrap_err();
    assert!(matches!(error, LogonError::Unrecognised { lines: 1, .. }), "{error}");
}

#[test]
fn a_log_from_which_nothing_follows_is_an_error_with_its_mend() {
    let told = |bench: &Bench| bench.log.follow(LogRecord::default(), now()).unwrap_err().to_string();
    let bench = Bench::new();
    assert!(told(&bench).contains("no such file"));
    bench.write("");
    assert!(told(&bench).contains("starts with a time"));
    bench.write("no time\n");
    assert!(told(&bench).contains("starts with a time"));
    bench.write("2026-11-20T08:00:00 [Principal: jdoe] Authentication failed\n");
    let text = told(&bench);
    assert!(
        text.contains("nothing that looks like a logon in 1 line;") && text.contains("`pattern`"),
        "{text}"
    );
    bench.write(&logon("11-20T09:00:00", "jdoe"));
    let known = bench.follow(&LogRecord::default()).record;
    // Later, lines without a logon are no problem any more.
    bench.write("2026-11-20T10:00:00 [Principal: jdoe] Authentication failed\n");
    assert_eq!(counts(&bench.follow(&known)), (0, 1, 0, 0, 0));

    fs::remove_file(&bench.log.path).unwrap();
    fs::create_dir(&bench.log.path).unwrap();
    assert!(told(&bench).contains("not a regular file"));
    fs::remove_dir(&bench.log.path).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &bench.log.path, rustix::fs::Mode::RWXU).unwrap();
    assert!(told(&bench).contains("not a regular file"), "and nobody waits for a writer");
    fs::remove_file(&bench.log.path).unwrap();
    bench.write(&logon("11-20T09:00:00", "jdoe"));
    fs::set_permissions(&bench.log.path, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything.
    if !rustix::process::geteuid().is_root() {
        assert!(told(&bench).contains("add the user that runs recert to the group"));
    }
    assert!(bench.directory.path().exists());
}

#[test]
fn a_record_tells_from_when_until_the_newest_time_in_the_log() {
    let bench = Bench::new();
    bench.write(&logon("11-20T08:00:00", "jdoe"));
    bench.write("2026-11-21T08:30:00 [INFO] [Principal: jdoe] Logged out\n");
    let record = bench.follow(&LogRecord::default()).record;
    let evidence = record.evidence(&bench.log.path, now()).unwrap();
    assert_eq!(evidence.source.label, "auth.log");
    assert_eq!(evidence.source.since, Some(at("2026-11-20T08:00:00Z")));
    assert_eq!((evidence.source.until, evidence.names_all), (at("2026-11-21T08:30:00Z"), true));
    let again = bench.follow(&record).record.evidence(&bench.log.path, now()).unwrap();
    assert_eq!(again.source.until, evidence.source.until, "nobody wrote to it since");
    bench.write("2026-11-25T14:00:00 [INFO] [Principal: jdoe] Logged out\n");
    let ahead = bench.follow(&record).record.evidence(&bench.log.path, now()).unwrap();
    assert_eq!(ahead.source.until, now(), "no later than now");
    assert_eq!(LogRecord::default().evidence(&bench.log.path, now()), None);
}
