//! What changes between two pages of one walk.

use super::{Console, Paging, Person, plain_account};

/// Whether this page starts one row early; uses up one repetition.
pub(super) fn repeat_a_row(console: &Console, paging: &Paging) -> usize {
    if paging.is_first() {
        return 0;
    }
    console.write(|state| {
        let left = &mut state.estate.quirks.drift.rows_repeated;
        let early = usize::from(*left > 0);
        *left = left.saturating_sub(1);
        early
    })
}

/// After a page that another one follows: somebody joins, somebody on the page leaves.
pub(super) fn grow_or_shrink(console: &Console, page: &[i64]) {
    let service_account = console.username();
    console.write(|state| {
        let estate = &mut state.estate;
        if estate.quirks.drift.users_added > 0 {
            estate.quirks.drift.users_added -= 1;
            let id = estate.next_user_id();
            let joiner = Person { name: format!("New Joiner {id}"), login: format!("new.joiner.{id}") };
            estate.users.insert(id, plain_account(&joiner));
        }
        if estate.quirks.drift.users_removed > 0 {
            let leaver = page.iter().copied().find(|id| {
                estate
                    .users
                    .get(id)
                    .is_some_and(|account| !account.is_global_admin() && account.login != service_account)
            });
            if let Some(leaver) = leaver {
                estate.quirks.drift.users_removed -= 1;
                state.remove_user(leaver);
            }
        }
    });
}
