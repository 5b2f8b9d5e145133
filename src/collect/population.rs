//! The users and what was asked about each, between a listing before and a listing after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Answers, Asker, Focus, Gap, GapReason, Ledger, Listing, Options, Part, TwoFactorQuestion, User, gap,
    list_users,
};
use crate::console::{Console, Error, ErrorKind};
use crate::model::{
    Answer, AssetGroupId, ConsoleSettings, Depth, PartState, PrivilegeId, SiteId, TwoFactor, UserId,
};

/// The population as it stood at the end, and how much of it was seen.
pub(super) struct Population {
    /// The users, by id, with their answers.
    pub(super) users: Vec<User>,
    /// The console's own total at the end.
    pub(super) total: Option<u64>,
    /// Users that came, went or changed meanwhile: what other lists said of them proves nothing.
    pub(super) moving: BTreeSet<UserId>,
    listing_gaps: Vec<Gap>,
    answers: UserAnswers,
    asks_two_factor: bool,
    depth: Depth,
}

/// What was answered about the users, question by question.
#[derive(Default)]
struct UserAnswers {
    privileges: Answers<UserId, Vec<PrivilegeId>>,
    sites: Answers<UserId, Vec<SiteId>>,
    asset_groups: Answers<UserId, Vec<AssetGroupId>>,
    two_factor: Answers<UserId, TwoFactor>,
}

/// The questions about one user, and who is asked.
struct Questions<'a> {
    console: &'a Console,
    asker: &'a Asker<'a>,
    depth: Depth,
    focus: &'a Focus,
    two_factor: TwoFactorQuestion<'a>,
}

/// Asks about every user, lists the users again, and settles what moved in between.
pub(super) async fn read_population(
    console: &Console,
    asker: &Asker<'_>,
    options: &Options,
    settings: &ConsoleSettings,
    opening: Listing<User>,
) -> Population {
    let two_factor = TwoFactorQuestion::new(console, options.two_factor, settings);
    let asks_two_factor = two_factor.is_asked();
    let questions = Questions { console, asker, depth: options.depth, focus: &options.focus, two_factor };
    asker.progress.expect(opening.rows.len(), questions.count(&opening.rows));
    let mut answers = questions.ask(&opening.rows).await;
    let closing = list_users(console, asker).await;

    let total = closing.total.or(opening.total);
    let mut listing_gaps = opening.gaps;
    let closing_is_whole = closing.gaps.is_empty();
    listing_gaps.extend(closing.gaps);
    let before: BTreeMap<UserId, User> = opening.rows.into_iter().map(|user| (user.id, user)).collect();
    let mut after: BTreeMap<UserId, User> = closing.rows.into_iter().map(|user| (user.id, user)).collect();

    let left: Vec<User> = before.values().filter(|user| !after.contains_key(&user.id)).cloned().collect();
    let moved: Vec<User> =
        after.values().filter(|user| before.get(&user.id) != Some(user)).cloned().collect();
    let moving = left.iter().chain(&moved).map(|user| user.id).collect();
    for user in left {
        // A list that is not whole cannot show that somebody left.
        if closing_is_whole && questions.is_gone(&user, &mut listing_gaps).await {
            answers.forget(user.id);
        } else {
            after.insert(user.id, user);
        }
    }
    answers.supersede(questions.ask(&moved).await);
    let changed = moved.iter().filter(|user| before.contains_key(&user.id));
    for user in changed {
        questions.settle(user, &mut listing_gaps).await;
    }

    let users =
        after.into_values().map(|user| answers.apply(user)).map(|user| questions.two_factor.apply(user));
    Population {
        users: users.collect(),
        total,
        moving,
        listing_gaps,
        answers,
        asks_two_factor,
        depth: options.depth,
    }
}

impl Questions<'_> {
    /// Whether a user is asked for its sites: always, unless a flag answers and the depth is lean.
    fn asks_sites(&self, user: &User) -> bool {
        self.focus.includes(user)
            && (self.depth == Depth::Full || !(user.role.superuser || user.role.all_sites))
    }

    fn asks_asset_groups(&self, user: &User) -> bool {
        self.focus.includes(user)
            && (self.depth == Depth::Full || !(user.role.superuser || user.role.all_asset_groups))
    }

    fn asks_privileges(&self, user: &User) -> bool {
        self.focus.includes(user) && self.depth == Depth::Full
    }

    fn asks_two_factor(&self, user: &User) -> bool {
        self.focus.includes(user) && self.two_factor.is_for(user)
    }

    /// How many questions there are about these users.
    fn count(&self, users: &[User]) -> usize {
        let count = |user: &User| {
            usize::from(self.asks_privileges(user))
                + usize::from(self.asks_sites(user))
                + usize::from(self.asks_asset_groups(user))
                + usize::from(self.asks_two_factor(user))
        };
        users.iter().map(count).sum()
    }

    async fn ask(&self, users: &[User]) -> UserAnswers {
        let Self { console, asker, .. } = self;
        let ids = |wanted: &dyn Fn(&User) -> bool| -> Vec<UserId> {
            users.iter().filter(|user| wanted(user)).map(|user| user.id).collect()
        };
        let (privileges, sites, asset_groups, two_factor) = tokio::join!(
            asker.each(
                "/api/3/users/{id}/privileges",
                ids(&|user| self.asks_privileges(user)),
                |id| async move {
                    let reply = console.get_user_privileges(id).await;
                    asker.progress.answered_for_user();
                    reply
                }
            ),
            asker.each("/api/3/users/{id}/sites", ids(&|user| self.asks_sites(user)), |id| async move {
                let reply = console.get_user_sites(id).await;
                asker.progress.answered_for_user();
                reply
            }),
            asker.each(
                "/api/3/users/{id}/asset_groups",
                ids(&|user| self.asks_asset_groups(user)),
                |id| async move {
                    let reply = console.get_user_asset_groups(id).await;
                    asker.progress.answered_for_user();
                    reply
                }
            ),
            asker.each("/api/3/users/{id}/2FA", ids(&|user| self.asks_two_factor(user)), |id| async move {
                let reply = self.two_factor.ask(id).await;
                asker.progress.answered_for_user();
                reply
            }),
        );
        UserAnswers { privileges, sites, asset_groups, two_factor }
    }

    /// Whether a user that the closing list leaves out was really deleted; if that cannot be shown, it is a gap.
    async fn is_gone(&self, user: &User, gaps: &mut Vec<Gap>) -> bool {
        let reply = self.asker.one("/api/3/users/{id}", self.console.get_user(user.id)).await;
        match reply {
            Err(Error { kind: ErrorKind::NotFound, .. }) => true,
            Err(error) => {
                gaps.push(gap(&error, Some(user.id.to_string())));
                false
            }
            Ok(_) => {
                gaps.push(moving_gap(user.id));
                false
            }
        }
    }

    /// Reads a user that changed once more: if it is still moving, its row is a gap.
    async fn settle(&self, user: &User, gaps: &mut Vec<Gap>) {
        let reply = self.asker.one("/api/3/users/{id}", self.console.get_user(user.id)).await;
        match reply.map(User::from) {
            Ok(now) if now == *user => {}
            Ok(_) => gaps.push(moving_gap(user.id)),
            Err(error) => gaps.push(gap(&error, Some(user.id.to_string()))),
        }
    }
}

fn moving_gap(id: UserId) -> Gap {
    Gap {
        endpoint: "/api/3/users/{id}".to_owned(),
        id: Some(id.to_string()),
        reason: GapReason::Moving,
        attempts: 1,
        last_status: Some(200),
    }
}

impl UserAnswers {
    fn supersede(&mut self, later: Self) {
        self.privileges.supersede(later.privileges);
        self.sites.supersede(later.sites);
        self.asset_groups.supersede(later.asset_groups);
        self.two_factor.supersede(later.two_factor);
    }

    fn forget(&mut self, id: UserId) {
        self.privileges.forget(&id);
        self.sites.forget(&id);
        self.asset_groups.forget(&id);
        self.two_factor.forget(&id);
    }

    fn apply(&self, mut user: User) -> User {
        user.privileges = answer(&self.privileges, user.id, |held| Arc::new(held.iter().cloned().collect()));
        user.sites = answer(&self.sites, user.id, |ids| sorted(ids));
        user.asset_groups = answer(&self.asset_groups, user.id, |ids| sorted(ids));
        user.two_factor = self.two_factor.known.get(&user.id).copied().unwrap_or(TwoFactor::Undetermined);
        user
    }
}

fn answer<T, U>(answers: &Answers<UserId, T>, id: UserId, keep: impl Fn(&T) -> U) -> Answer<U> {
    match (answers.known.get(&id), answers.failed.contains_key(&id)) {
        (Some(value), _) => Answer::Known(keep(value)),
        (None, true) => Answer::Missing,
        (None, false) => Answer::NotAsked,
    }
}

fn sorted<T: Ord + Copy>(ids: &[T]) -> Vec<T> {
    ids.iter().copied().collect::<BTreeSet<T>>().into_iter().collect()
}

impl Population {
    /// Books what was seen of the users and of the answers about them.
    pub(super) fn record(&self, ledger: &mut Ledger) {
        ledger.book(Part::Users, self.total, self.users.len() as u64, self.listing_gaps.clone());
        match self.depth {
            Depth::Full => ledger.answers(Part::UserPrivileges, Part::Users, &self.answers.privileges),
            Depth::Lean => ledger.not_asked(Part::UserPrivileges),
        }
        ledger.answers(Part::UserSites, Part::Users, &self.answers.sites);
        ledger.answers(Part::UserAssetGroups, Part::Users, &self.answers.asset_groups);
        let two_factor = &self.answers.two_factor;
        if !self.asks_two_factor {
            ledger.not_asked(Part::TwoFactor);
            return;
        }
        let determined = two_factor.known.values().filter(|state| **state != TwoFactor::Undetermined).count();
        let state = match (two_factor.failed.is_empty(), determined == two_factor.known.len()) {
            (false, _) => PartState::Incomplete,
            (true, false) => PartState::Undetermined,
            (true, true) => PartState::Complete,
        };
        ledger.book_as(
            Part::TwoFactor,
            state,
            Some(two_factor.asked()),
            determined as u64,
            two_factor.gaps(),
        );
    }
}
