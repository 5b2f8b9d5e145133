//! Accounts over all runs: when one was first seen, and when it was locked or unlocked.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction};

use super::{At, Fault};
use crate::history::{AccountPast, LOCK_CHANGES};
use crate::model::UserId;
use crate::report::Report;

/// What is remembered of every account, by console and user.
pub(super) fn accounts(
    tx: &Transaction<'_>,
) -> Result<HashMap<String, BTreeMap<UserId, AccountPast>>, Fault> {
    let mut statement =
        tx.prepare_cached("SELECT console, user, first_seen, locked, lock_changes FROM accounts")?;
    let rows = statement.query_map([], |row| {
        let At(first_seen) = row.get(2)?;
        let changes: String = row.get(4)?;
        // Written by this file alone; what it cannot read is forgotten, which only makes it say less.
        let lock_changes = serde_json::from_str(&changes).unwrap_or_default();
        let past = AccountPast { first_seen, locked: row.get(3)?, lock_changes };
        Ok((row.get(0)?, UserId(row.get(1)?), past))
    })?;
    let mut accounts: HashMap<String, BTreeMap<UserId, AccountPast>> = HashMap::new();
    for row in rows {
        let (console, user, past) = row?;
        accounts.entry(console).or_default().insert(user, past);
    }
    Ok(accounts)
}

/// Remembers what a run saw of accounts. A run that ended before one that is remembered already tells of first sights
/// alone: the order of locks is known by the newest run.
pub(super) fn remember_accounts(tx: &Transaction<'_>, report: &Report) -> Result<(), Fault> {
    let mut known = accounts(tx)?;
    let mut store = tx.prepare_cached(
        "INSERT OR REPLACE INTO accounts (console, user, first_seen, locked, lock_changes)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for console in &report.consoles {
        let (key, now) = (console.key(), console.finished);
        let query = "SELECT mark FROM account_marks WHERE console = ?1";
        let mark = tx.query_row(query, [key], |row| row.get::<_, At>(0)).optional()?;
        let newest = mark.is_none_or(|At(mark)| mark <= now);
        for user in report.users.iter().filter(|user| *user.console == *console.name) {
            let id = UserId(user.id);
            let before = known.get_mut(key).and_then(|of_console| of_console.remove(&id));
            let after = after(before.as_ref(), user.locked, now, newest);
            if before.as_ref() != Some(&after) {
                let changes = serde_json::to_string(&after.lock_changes)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
                store.execute((key, id.0, At(after.first_seen), after.locked, changes))?;
            }
        }
        tx.execute(
            "INSERT INTO account_marks (console, mark) VALUES (?1, ?2)
             ON CONFLICT (console) DO UPDATE SET mark = max(mark, excluded.mark)",
            (key, At(now)),
        )?;
    }
    Ok(())
}

/// What is remembered of an account after a run saw it.
fn after(
    before: Option<&AccountPast>,
    locked: Option<bool>,
    now: DateTime<Utc>,
    newest: bool,
) -> AccountPast {
    let Some(before) = before else {
        return AccountPast { first_seen: now, locked, lock_changes: Vec::new() };
    };
    let mut after = before.clone();
    after.first_seen = before.first_seen.min(now);
    if newest && locked.is_some() {
        if before.locked.is_some() && before.locked != locked {
            after.lock_changes.push(now);
            let surplus = after.lock_changes.len().saturating_sub(LOCK_CHANGES);
            after.lock_changes.drain(..surplus);
        }
        after.locked = locked;
    }
    after
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::trial::{Trial, at, finished, report};
    use super::*;

    /// A run in which the user 2 of the console `hq` is locked or not.
    async fn run(store: &Store, id: &str, judged: i64, locked: Option<bool>) {
        let mut report = report(id, None, judged);
        for console in &mut report.consoles {
            console.finished = at(judged);
        }
        let user = report.users.iter_mut().find(|user| *user.console == *"hq" && user.id == 2).unwrap();
        user.locked = locked;
        assert!(store.finish(finished(report)).await.unwrap());
    }

    async fn past(store: &Store) -> AccountPast {
        let history = store.history("weekly", "next").await.unwrap();
        let (_, accounts) = history.accounts.iter().find(|(console, _)| *console != "lab-uuid").unwrap();
        accounts[&UserId(2)].clone()
    }

    #[tokio::test]
    async fn first_sight_and_changes_of_the_lock_are_remembered() {
        let trial = Trial::new();
        let store = trial.open();
        run(&store, "a", 100, Some(false)).await;
        let first = AccountPast { first_seen: at(100), locked: Some(false), lock_changes: Vec::new() };
        assert_eq!(past(&store).await, first);
        run(&store, "b", 200, Some(true)).await;
        run(&store, "c", 300, None).await;
        run(&store, "d", 400, Some(true)).await;
        run(&store, "e", 500, Some(false)).await;
        let last = AccountPast { lock_changes: vec![at(200), at(500)], ..first };
        assert_eq!(past(&store).await, last);
    }

    #[tokio::test]
    async fn an_older_run_tells_of_the_first_sight_alone() {
        let trial = Trial::new();
        let store = trial.open();
        run(&store, "b", 200, Some(false)).await;
        run(&store, "a", 100, Some(true)).await;
        let expected = AccountPast { first_seen: at(100), locked: Some(false), lock_changes: Vec::new() };
        assert_eq!(past(&store).await, expected);
    }

    #[test]
    fn only_the_last_changes_stay() {
        let mut past = after(None, Some(false), at(0), true);
        for step in 1..=30 {
            past = after(Some(&past), Some(step % 2 == 1), at(step), true);
        }
        assert_eq!(past.lock_changes.len(), LOCK_CHANGES);
        assert_eq!((past.lock_changes[0], past.lock_changes[LOCK_CHANGES - 1]), (at(11), at(30)));
    }
}
