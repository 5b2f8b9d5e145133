//! What several rules need to know, and how they tell that it is not known.

use chrono::{DateTime, Utc};

use super::Context;
use crate::graph::AccessGraph;
use crate::model::{Coverage, CrossCheck, Part, PartState, Role, RosterMatch, TwoFactor, User};

/// Whether all conditions hold: one that does not settles it, else one that is not known leaves it open.
pub(super) fn all_of<const N: usize>(conditions: [Option<bool>; N]) -> Option<bool> {
    if conditions.contains(&Some(false)) {
        return Some(false);
    }
    if conditions.contains(&None) { None } else { Some(true) }
}

/// Whether any condition holds: one that does settles it, else one that is not known leaves it open.
pub(super) fn any_of<const N: usize>(conditions: [Option<bool>; N]) -> Option<bool> {
    all_of(conditions.map(|condition| condition.map(|holds| !holds))).map(|none| !none)
}

/// Enabled accounts, by id. One whose state is not known counts as enabled.
pub(super) fn enabled(graph: &AccessGraph) -> impl Iterator<Item = &User> {
    graph.users().iter().filter(|user| user.is_enabled())
}

/// Whether everybody who holds a role is known: that somebody does not is proved only by seeing every user with its
/// role.
pub(super) fn knows_all_holders(graph: &AccessGraph) -> bool {
    graph.snapshot().saw_everyone() && graph.knows_every_role()
}

/// Whether the role's own list of users disagrees with the users' records.
pub(super) fn is_disputed(graph: &AccessGraph, role: &Role) -> bool {
    let disputes = |check, object: &str| check == CrossCheck::RoleUsers && object == role.id.as_str();
    graph.snapshot().anomalies.iter().any(|anomaly| disputes(anomaly.check, &anomaly.object))
}

/// Whether the person behind an account has left. Without a roster there is nothing that would say so; who is nobody in
/// it is the business of a rule of its own.
pub(super) fn has_left(user: &User, now: DateTime<Utc>) -> Option<bool> {
    match &user.person {
        RosterMatch::NotAsked | RosterMatch::Nobody => Some(false),
        RosterMatch::Person { person, .. } => person.has_left(now.date_naive()),
        RosterMatch::Ambiguous { .. } => None,
    }
}

/// Whether the users of all other consoles were seen whole, with the people behind them: else, nobody knows of a twin
/// that there is not.
pub(super) fn others_are_seen(context: Context<'_>) -> bool {
    let others = context.estate.iter().filter(|graph| !std::ptr::eq(*graph, context.graph));
    others.map(AccessGraph::snapshot).all(|snapshot| {
        let roster = snapshot.coverage.part(Part::Roster);
        let people = roster.is_none_or(|seen| seen.state != PartState::Incomplete);
        people && snapshot.saw_everyone()
    })
}

/// Whether the console has a second factor for an account; `None` if that could not be told. A local account has no
/// identity provider to delegate to, so *delegated* proves nothing for it.
pub(super) fn has_second_factor(user: &User) -> Option<bool> {
    match user.two_factor {
        TwoFactor::Configured => Some(true),
        TwoFactor::NotConfigured => Some(false),
        TwoFactor::Delegated | TwoFactor::Undetermined => None,
    }
}

/// The evidence on an account without a second factor: one cause for all of them, or the account's own state.
pub(super) fn second_factor_evidence(graph: &AccessGraph, user: &User) -> String {
    if graph.snapshot().settings.two_factor == Some(false) {
        "switched off for the whole console; two_factor_disabled is the cause".to_owned()
    } else {
        user.two_factor.as_str().to_owned()
    }
}

/// Whether all these parts were asked and seen whole. A part that was rightly not asked compares nothing.
pub(super) fn was_compared(coverage: &Coverage, parts: &[Part]) -> bool {
    let complete = |part: &Part| coverage.part(*part).is_some_and(|seen| seen.state == PartState::Complete);
    parts.iter().all(complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_known_no_settles_a_conjunction() {
        assert_eq!(all_of([Some(true), Some(true)]), Some(true));
        assert_eq!(all_of([None, Some(false)]), Some(false));
        assert_eq!(all_of([None, Some(true)]), None);
    }

    #[test]
    fn one_known_yes_settles_an_alternative() {
        assert_eq!(any_of([Some(false), Some(true)]), Some(true));
        assert_eq!(any_of([None, Some(true)]), Some(true));
        assert_eq!(any_of([None, Some(false)]), None);
        assert_eq!(any_of([Some(false), Some(false)]), Some(false));
    }
}
