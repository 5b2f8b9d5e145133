//! HTTP Basic as the console checks it: the only scheme it has, and one that locks accounts.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Caller, Console};

/// Who calls, or nobody. A failure counts towards locking the account that was named.
pub(super) fn log_in(console: &Console, headers: &HeaderMap) -> Option<Caller> {
    let credential = basic(headers);
    let right_token = console.token().is_none_or(|token| {
        headers.get("Token").and_then(|sent| sent.to_str().ok()).is_some_and(|sent| sent == token)
    });
    let caller = credential.as_ref().and_then(|(login, password)| account_of(console, login, password));
    let login = credential.as_ref().map(|(login, _)| login.as_str());
    if let (Some(caller), Some(login), true) = (caller, login, right_token) {
        console.forget_failures(login);
        return Some(caller);
    }
    let in_a_row = console.count_failure(login);
    lock_account(console, login, in_a_row);
    None
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (login, password) = decoded.split_once(':')?;
    Some((login.to_owned(), password.to_owned()))
}

fn account_of(console: &Console, login: &str, password: &str) -> Option<Caller> {
    console.read(|state| {
        let id = *state.index().logins.get(login)?;
        let account = state.estate.users.get(&id)?;
        let usable = account.enabled && !account.locked;
        let right = state.passwords.get(&id).is_some_and(|own| own == password);
        (usable && right).then(|| Caller { id, global_admin: account.is_global_admin() })
    })
}

fn lock_account(console: &Console, login: Option<&str>, failures_in_a_row: i64) {
    let over = |threshold: i64| threshold > 0 && failures_in_a_row >= threshold;
    if console.read(|state| !over(state.estate.login_lock_threshold)) {
        return;
    }
    console.write(|state| {
        let id = login.and_then(|login| state.estate.user_by_login(login));
        if let Some(account) = id.and_then(|id| state.estate.users.get_mut(&id)) {
            account.locked = true;
        }
    });
}
