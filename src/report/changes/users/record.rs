//! What the record of an account says: login, state, role, source, flags, second factor.

use super::{
    Account, Open, amount, cut, difference, gained_and_lost, has_another_role, role_name, two_factor_switched,
};
use crate::model::{Authentication, TwoFactor};

pub(super) fn compare<'a>(account: &mut Account<'a, '_>, open: &mut Open<'a>) {
    let (then, now) = (account.then, account.now);
    if then.login != now.login {
        account.add("user", "renamed", &format!("was called {} in the earlier run", cut(&then.login)));
    }
    let mut whole = switched(account, then.enabled, now.enabled, ("enabled", "disabled"));
    whole &= switched(account, then.locked, now.locked, ("locked", "unlocked"));
    whole &= role(account);
    whole &= source(account);
    if !whole {
        open.records.push(&now.login);
    }
    flags(account);
    if !second_factor(account) {
        open.two_factor.push(&now.login);
    }
}

/// Whether both records have the field.
fn switched(
    account: &mut Account<'_, '_>,
    then: Option<bool>,
    now: Option<bool>,
    (on, off): (&'static str, &'static str),
) -> bool {
    let (Some(then), Some(now)) = (then, now) else { return false };
    if then != now {
        let what = if now { on } else { off };
        account.add("user", what, &format!("was {what}"));
    }
    true
}

/// One line for another role, with what it gives and takes.
fn role(account: &mut Account<'_, '_>) -> bool {
    let Some(changed) = has_another_role(account.then, account.now) else { return false };
    if changed {
        let mut says = format!("has role {} now, not {}", role_name(account.now), role_name(account.then));
        if let Some((then, now)) = account.privileges() {
            let (gained, lost) = difference(then, now);
            if let Some(balance) = gained_and_lost(&gained, &lost, "privilege") {
                says = format!("{says}: {}", balance.says);
            }
        }
        account.add("user", "role_changed", &says);
    }
    true
}

fn source(account: &mut Account<'_, '_>) -> bool {
    let (then, now) = (account.then, account.now);
    let (Some(from), Some(to)) = (&then.authentication, &now.authentication) else { return false };
    let moved = match (from.id, to.id) {
        (Some(from), Some(to)) => from != to,
        _ => (&from.name, &from.kind, from.external) != (&to.name, &to.kind, to.external),
    };
    let (was_local, is_local) = (from.is_local(), to.is_local());
    if moved || (was_local.is_some() && is_local.is_some() && was_local != is_local) {
        let local = match (was_local, is_local, now.two_factor) {
            (Some(false), Some(true), TwoFactor::NotConfigured) => {
                ": the console itself checks the password, without a second factor"
            }
            (Some(false), Some(true), _) => ": the console itself checks the password",
            _ => "",
        };
        let says = format!("authenticates at {} now, not {}{local}", name(to), name(from));
        account.add("user", "source_changed", &says);
    }
    true
}

fn name(source: &Authentication) -> String {
    let id = || source.id.map(|id| format!("source {id}"));
    let named = source.name.as_deref().or(source.kind.as_deref()).map(|name| cut(name).into_owned());
    named.or_else(id).unwrap_or_else(|| "an unknown source".to_owned())
}

/// One line for all flags. What a flag gave or took is not told again as grants.
fn flags(account: &mut Account<'_, '_>) {
    let (then, now) = (&account.then.role, &account.now.role);
    let flags = [
        ("superuser", then.superuser, now.superuser),
        ("all sites", then.all_sites, now.all_sites),
        ("all asset groups", then.all_asset_groups, now.all_asset_groups),
    ];
    let of = |then: bool, now: bool| -> Vec<&str> {
        flags.iter().filter(|flag| (flag.1, flag.2) == (then, now)).map(|flag| flag.0).collect()
    };
    let Some(balance) = gained_and_lost(&of(false, true), &of(true, false), "flag") else { return };
    let mut says = balance.says;
    let reached_all = then.superuser || then.all_sites;
    if let Some(sites) = account.now.sites.known()
        && reached_all
        && !(now.superuser || now.all_sites)
    {
        says = format!("{says}; it reaches {} by grants of its own", amount(sites.len(), "site"));
    }
    account.add("flags", balance.change, &says);
}

/// Whether the second factor could be compared. A switch of the whole console is told of the console, once, and what
/// another source brings with it is told with the source.
fn second_factor(account: &mut Account<'_, '_>) -> bool {
    use TwoFactor::{Configured, NotConfigured, Undetermined};
    if two_factor_switched(account.pair).is_some() {
        return true;
    }
    match (account.then.two_factor, account.now.two_factor) {
        (NotConfigured, Configured) => {
            account.add("user", "two_factor_gained", "has a second factor now");
        }
        (Configured, NotConfigured) => {
            account.add("user", "two_factor_lost", "has no second factor any more");
        }
        (Undetermined, _) | (_, Undetermined) => return false,
        _ => {}
    }
    true
}
