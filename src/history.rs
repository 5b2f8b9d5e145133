//! What a review remembers: what earlier runs left behind, as far as rules and reports speak about it. Values only; the
//! store fills them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::finding::{Severity, SubjectKind, Verdict};
use crate::model::{ConsoleIdentity, Snapshot, User, UserId};

/// How many changes of an account's lock are remembered.
pub const LOCK_CHANGES: usize = 20;

/// How many earlier runs a trend shows: a quarter of weekly reviews, and this one ends it.
pub const TREND: usize = 12;

/// Everything earlier that a report speaks about. Without any, it says nothing of changes.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Whether runs are kept at all. Without a store, that there is no earlier run proves nothing.
    pub kept: bool,
    /// The run to compare with: the job's last one before this.
    pub before: Option<Before>,
    /// The job's last [`TREND`] runs before this one, oldest first.
    pub past: Vec<PastRun>,
    /// The last run of the job that somebody signed off.
    pub signed: Option<Signed>,
    /// When each finding was seen, by its id, in whatever run.
    pub sightings: HashMap<String, Sighting>,
    /// What is remembered of each account: by console (its key), then by user. In the users' order, because they are asked
    /// for one after the other.
    pub accounts: HashMap<String, BTreeMap<UserId, AccountPast>>,
    /// What reviewers decided to take away.
    pub revocations: Vec<Revocation>,
}

/// What an earlier run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// Its id.
    pub run: String,
    /// When its last collection finished.
    pub finished: DateTime<Utc>,
    /// Whether its population tied out.
    pub is_complete: bool,
    /// Users that it saw.
    pub users: u64,
    /// Open findings of each severity; a severity without any is left out.
    pub findings: BTreeMap<Severity, u64>,
}

/// An earlier run.
#[derive(Debug, Clone)]
pub struct Before {
    /// Its id.
    pub run: String,
    /// Its nominal time, if it was scheduled.
    pub slot: Option<DateTime<Utc>>,
    /// When its last collection finished.
    pub finished: DateTime<Utc>,
    /// What it saw of each console.
    pub snapshots: Vec<Snapshot>,
    /// What it found.
    pub findings: Vec<BeforeFinding>,
    /// What its rules concluded.
    pub rules: Vec<BeforeRule>,
}

impl Before {
    /// What a rule concluded on a console, whatever that was called then.
    pub fn verdict(&self, console: &ConsoleIdentity, rule: &str) -> Option<Verdict> {
        let then = self.snapshots.iter().find(|then| then.console.is_same(console))?;
        let rules =
            self.rules.iter().find(|before| before.id == rule && *before.console == *then.console.name);
        rules.map(|before| before.verdict)
    }
}

/// A finding of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeFinding {
    /// The stable id.
    pub id: String,
    /// The console's name then.
    pub console: Arc<str>,
    /// The rule's id.
    pub rule: String,
    /// How much it mattered.
    pub severity: Severity,
    /// What kind of thing it was about.
    pub subject_kind: SubjectKind,
    /// The subject's id.
    pub subject_id: String,
    /// The subject's name then.
    pub subject_name: String,
    /// What was wrong, one sentence.
    pub summary: String,
}

/// A rule's verdict in an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeRule {
    /// The rule's id.
    pub id: String,
    /// The console's name then.
    pub console: Arc<str>,
    /// The verdict.
    pub verdict: Verdict,
    /// Subjects judged.
    pub examined: u64,
    /// Subjects that should have been judged.
    pub expected: u64,
}

/// A run that somebody signed off: the baseline that later access is held against.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The run's id.
    pub run: String,
    /// When its last collection finished.
    pub finished: DateTime<Utc>,
    /// Who signed it off.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What it saw of each console; empty if its snapshots cannot be read.
    pub snapshots: Vec<Snapshot>,
}

impl Signed {
    /// Whether what it saw is there. If not, it does not even say which consoles it was of.
    pub fn is_readable(&self) -> bool {
        !self.snapshots.is_empty()
    }

    /// What it saw of a console. Nobody reviewed the users of one that it did not see whole, or as an account that is
    /// shown some of them alone.
    pub fn of(&self, console: &ConsoleIdentity) -> Option<&Snapshot> {
        let reviewed = |then: &&Snapshot| then.console.is_same(console) && then.saw_everyone();
        self.snapshots.iter().find(reviewed)
    }

    /// From when on it is old: access is as old as the run, however late somebody signs.
    pub fn since(&self) -> DateTime<Utc> {
        self.finished.min(self.at)
    }
}

/// When a finding was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// First.
    pub first: DateTime<Utc>,
    /// Last, before this run.
    pub last: DateTime<Utc>,
}

/// What is remembered of one account over all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPast {
    /// When a run first saw it.
    pub first_seen: DateTime<Utc>,
    /// Whether it was locked when a run last saw it; `None` if no run could tell.
    pub locked: Option<bool>,
    /// When runs saw that it had been locked or unlocked, oldest first; the last few.
    pub lock_changes: Vec<DateTime<Utc>>,
}

/// A reviewer's decision to take something away from an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The console's key.
    pub console: String,
    /// The account.
    pub user: UserId,
    /// What is to go.
    pub what: Revoked,
    /// Who decided.
    pub by: String,
    /// When.
    pub decided: DateTime<Utc>,
    /// When a run first saw that it had been done; `None` if none did yet.
    pub done: Option<DateTime<Utc>>,
}

/// What a revocation takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// The account itself: to be disabled or deleted.
    Account,
    /// A role.
    Role(crate::model::RoleId),
    /// A site.
    Site(crate::model::SiteId),
    /// An asset group.
    AssetGroup(crate::model::AssetGroupId),
}

/// Why nothing is known of earlier runs.
pub const NOT_KEPT: &str =
    "this review knows no earlier runs: add a [store], and review by the daemon or with --job and --deliver";

/// Why a run that was signed off is not compared with.
pub const UNREADABLE: &str = "what was last signed off cannot be read: sign off a newer run";

/// Why the first run is compared with nothing.
const FIRST: &str = "there is no earlier run of this console to compare with: the next review has this one";

impl History {
    /// What is remembered of an account.
    pub fn account(&self, console: &ConsoleIdentity, user: UserId) -> Option<&AccountPast> {
        self.accounts.get(console.key())?.get(&user)
    }

    /// What the signed-off run saw of a console and its users; else what the run before saw. With the words that name
    /// that run.
    ///
    /// # Errors
    ///
    /// Why there is none, and the mend. If the signed-off run cannot be read, an unsigned run does not take its place.
    pub fn baseline(&self, console: &ConsoleIdentity) -> Result<Baseline<'_>, &'static str> {
        if let Some(signed) = &self.signed {
            if !signed.is_readable() {
                return Err(UNREADABLE);
            }
            if let Some(snapshot) = signed.of(console) {
                return Ok(Baseline { snapshot, signed: Some(signed), run: &signed.run });
            }
        }
        let seen = self.before.as_ref().and_then(|before| {
            let snapshot = before.snapshots.iter().find(|then| then.console.is_same(console))?;
            Some(Baseline { snapshot, signed: None, run: &before.run })
        });
        seen.ok_or(if self.kept { FIRST } else { NOT_KEPT })
    }
}

/// What a console looked like when somebody signed it off, or, where nobody did, in the run before.
#[derive(Debug, Clone, Copy)]
pub struct Baseline<'a> {
    /// What was seen.
    pub snapshot: &'a Snapshot,
    /// The sign-off; `None` for an unsigned run.
    pub signed: Option<&'a Signed>,
    /// The run's id.
    pub run: &'a str,
}

impl<'a> Baseline<'a> {
    /// Users of now, who come in the order of their ids, each with what it was then.
    pub fn beside<'n>(
        &self,
        now: impl Iterator<Item = &'n User>,
    ) -> impl Iterator<Item = (&'n User, Option<&'a User>)> {
        let mut then: Vec<&User> = self.snapshot.users.iter().collect();
        then.sort_by_key(|user| user.id);
        let mut then = then.into_iter().peekable();
        now.map(move |user| {
            while then.next_if(|before| before.id < user.id).is_some() {}
            (user, then.next_if(|before| before.id == user.id))
        })
    }

    /// Names it in a sentence.
    pub fn words(&self) -> String {
        match self.signed {
            Some(signed) => {
                format!("the review of {} that {} signed off", self.snapshot.finished.format("%F"), signed.by)
            }
            None => format!("run {} of {}", self.run, self.snapshot.finished.format("%F")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{incomplete, snapshot, user};
    use crate::model::{CollectorRights, Part};

    /// The run that the baseline is of, where `signed` was signed off and another one ran after it.
    fn baseline_run(signed: Vec<Snapshot>) -> Option<String> {
        let world = snapshot(Vec::new());
        let before = Before {
            run: "before".into(),
            slot: None,
            finished: world.finished,
            snapshots: vec![world.clone()],
            findings: Vec::new(),
            rules: Vec::new(),
        };
        let signed = Signed {
            run: "signed".into(),
            finished: world.finished,
            by: "Maria Boss".into(),
            at: world.finished,
            snapshots: signed,
        };
        let history =
            History { kept: true, before: Some(before), signed: Some(signed), ..History::default() };
        history.baseline(&world.console).ok().map(|baseline| baseline.run.to_owned())
    }

    #[test]
    fn the_baseline_is_the_signed_run_if_it_saw_the_users() {
        let world = || snapshot(Vec::new());
        let mut elsewhere = world();
        elsewhere.console.uuid = Some("another".into());
        assert_eq!(baseline_run(vec![world()]).as_deref(), Some("signed"));
        assert_eq!(baseline_run(vec![incomplete(world(), Part::Users)]).as_deref(), Some("before"));
        for rights in [CollectorRights::Limited, CollectorRights::Unknown] {
            let mut limited = world();
            limited.collector.rights = rights;
            assert_eq!(baseline_run(vec![limited]).as_deref(), Some("before"), "{rights:?}");
        }
        assert_eq!(baseline_run(vec![elsewhere]).as_deref(), Some("before"));
        assert_eq!(
            baseline_run(Vec::new()),
            None,
            "an unsigned run does not replace one that cannot be read"
        );
    }
    #[test]
    fn users_stand_beside_what_they_were() {
        let mut then = snapshot([5, 1, 3, 2].map(|id| user(id, &format!("then{id}"))).to_vec());
        then.users.push(user(9, "gone"));
        let baseline = Baseline { snapshot: &then, signed: None, run: "before" };
        let now = [1, 2, 4, 5].map(|id| user(id, "now"));
        let beside: Vec<_> = baseline
            .beside(now.iter())
            .map(|(now, then)| (now.id.0, then.map(|then| then.login.to_string())))
            .collect();
        let was = |login: &str| Some(login.to_owned());
        assert_eq!(beside, [(1, was("then1")), (2, was("then2")), (4, None), (5, was("then5"))]);
    }

    #[test]
    fn a_verdict_is_found_by_the_console_and_not_by_its_name() {
        let mut then = snapshot(Vec::new());
        then.console.uuid = Some("uuid".into());
        let mut now = then.console.clone();
        then.console.name = "old".into();
        let rule = |console: &str, verdict| BeforeRule {
            id: "locked_account".into(),
            console: console.into(),
            verdict,
            examined: 1,
            expected: 1,
        };
        let before = Before {
            run: "before".into(),
            slot: None,
            finished: then.finished,
            snapshots: vec![then],
            findings: Vec::new(),
            rules: vec![rule(&now.name, Verdict::Fail), rule("old", Verdict::Pass)],
        };
        assert_eq!(before.verdict(&now, "locked_account"), Some(Verdict::Pass));
        assert_eq!(before.verdict(&now, "dormant_account"), None);
        now.uuid = Some("another".into());
        assert_eq!(before.verdict(&now, "locked_account"), None);
    }
}
