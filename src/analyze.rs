//! The rules: each judges one console's access graph, purely, synchronously and without failing.
//!
//! A rule is a struct that is its own configuration table. Its file, its module, its table and its id are one name.
//! Adding one is a file here, a line in [`analyzers!`] and its controls in `controls.toml`.
//!
//! What holds for all of them: a judgement has three values, and what is not known is never read as "no". An account
//! that cannot log in is the business of `inactive_account_with_privileges`; the other rules that speak of a danger
//! leave it out, those that speak of the data or of a definition do not.

// Before the others, which are declared with its macros.
#[macro_use]
mod rule;

mod actor;
mod alike;
#[cfg(test)]
mod check;
mod declared;
mod known;
mod mailbox;
mod mismatch;
mod own_rule;
mod one_person;
mod policy;
mod power;
#[cfg(test)]
mod properties;
mod text;
mod toxic;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::amount::amount;
use crate::finding::{Finding, Judgement};
use crate::graph::AccessGraph;
use crate::history::History;
use crate::identity::{Mailbox, login_form, name_form};
use crate::model::User;

pub use declared::{AccountKind, DeclaredAccount};
pub use own_rule::OwnRule;
pub use policy::Policy;
pub use rule::{Configured, Knob, Rule};
pub use toxic::{COMBINATIONS, Combination};

use actor::{Actor, ActorKey, exceptions, with_exceptions};
use alike::alike;
use known::{
    all_of, any_of, enabled, has_left, has_second_factor, is_disputed, knows_all_holders, others_are_seen,
    second_factor_evidence, was_compared,
};
use mailbox::{is_one_person, mailbox_aspect};
use mismatch::{Disagreements, disagreements};
use one_person::{Account, Cluster, People, Trait, clusters, people, shared_traits, source};
use policy::judge;
use power::{Powers, can_change, holds_everything, is_privileged};
use rule::as_toml;
use text::{conjoin, cut, enumerate, first_logins, list, logins, logon, matched, sight, yes_no};
use toxic::{Holding, Holdings, held_by, holdings};

/// What a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The console's access.
    pub graph: &'a AccessGraph,
    /// The time to judge at: the end of the collection, never the clock.
    pub now: DateTime<Utc>,
    /// What the configuration declares.
    pub policy: &'a Policy,
    /// What earlier runs left behind.
    pub history: &'a History,
    /// Every console of the review, this one among them.
    pub estate: &'a [AccessGraph],
    /// What the rules before this one concluded.
    pub so_far: &'a [Judgement],
    powers: &'a Powers<'a>,
    people: &'a People,
}

impl<'a> Context<'a> {
    /// Whether an account has administrative power: it holds everything, or a toxic combination of high or critical
    /// severity.
    fn is_privileged(&self, user: &User) -> Option<bool> {
        self.powers.is_privileged(self.graph, user)
    }

    /// The table of toxic combinations: recert's own rows, then the configuration's.
    fn combinations(&self) -> &'a [Combination] {
        self.powers.combinations
    }

    /// The account as the configuration declares it.
    fn declared(&self, user: &User) -> Option<&'a DeclaredAccount> {
        self.policy.declared(&self.graph.snapshot().console.name, &user.login)
    }

    /// Whether the account is declared to be for the day on which nothing else works.
    fn is_break_glass(&self, user: &User) -> bool {
        self.declared(user).is_some_and(|account| account.kind == AccountKind::BreakGlass)
    }

    /// Whether an account is a program's: declared so, or by its login where nothing is declared.
    fn is_programs(&self, user: &User) -> bool {
        let by_login = || self.policy.analyzers.service_account_without_owner.is_named_so(user);
        self.declared(user).map_or_else(by_login, |account| account.kind == AccountKind::Service)
    }

    /// The accounts of the person behind an account of this console, on all consoles of the review and in their order;
    /// that one among them, and none if it has no twin.
    fn accounts_of_person(&self, user: &User) -> impl Iterator<Item = (&'a AccessGraph, &'a User)> + use<'a> {
        let estate = self.estate;
        let here = estate.iter().position(|graph| std::ptr::eq(graph, self.graph));
        let accounts = here.map(|here| self.people.accounts(estate, self.policy, (here, user.id)));
        accounts.unwrap_or_default().iter().filter_map(|(console, id)| {
            let graph = &estate[*console];
            Some((graph, graph.user(*id)?))
        })
    }

    /// Whether two accounts of this console are one person's, as far as the roster or their traits tell.
    fn same_person(&self, a: &User, b: &User) -> bool {
        let of_this =
            |(graph, user): (&AccessGraph, &User)| std::ptr::eq(graph, self.graph) && user.id == b.id;
        a.id == b.id || self.accounts_of_person(a).any(of_this)
    }
}

/// What a rule saw, before the frame turns it into a verdict.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many subjects it could judge.
    pub examined: u64,
    /// How many it should have judged.
    pub expected: u64,
    /// What it found.
    pub findings: Vec<Finding>,
    /// The input that it lacks altogether, and how to provide it; one sentence. Without it, nothing is proven.
    pub lacks: Option<&'static str>,
    /// Why subjects could not be judged, and the mend; beside how many they are.
    pub hint: Option<String>,
}

impl Outcome {
    /// Nothing can be judged, because an input is not there.
    fn lacking(what: &'static str) -> Self {
        Self { lacks: Some(what), ..Self::default() }
    }

    /// Records one subject of the rule: something is wrong with it, or not, or it cannot be told (`None`).
    fn judge(&mut self, wrong: Option<bool>, finding: impl FnOnce() -> Finding) {
        self.expected += 1;
        self.examined += u64::from(wrong.is_some());
        if wrong == Some(true) {
            self.findings.push(finding());
        }
    }
}

/// Declares the catalogue, in the order of judging and printing: modules, the `[analyzers]` table and its rules.
macro_rules! analyzers {
    ($($id:ident: $rule:ident,)*) => {
        $(mod $id;)*
        $(pub use $id::$rule;)*

        /// The `[analyzers]` table: one table for each rule, all of them optional.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Analyzers {
            $(
                #[doc = concat!("`[analyzers.", stringify!($id), "]`.")]
                pub $id: $rule,
            )*
        }

        impl Analyzers {
            /// Every rule, in the order of the catalogue.
            pub fn rules(&self) -> Vec<&dyn Rule> {
                vec![$(&self.$id),*]
            }
        }

        /// The ids of the catalogue, in its order.
        pub const IDS: &[&str] = &[$(stringify!($id)),*];
    };
}

analyzers! {
    local_admin_without_2fa: LocalAdminWithout2fa,
    local_user_without_2fa: LocalUserWithout2fa,
    two_factor_disabled: TwoFactorDisabled,
    login_lock_threshold: LoginLockThreshold,
    session_timeout: SessionTimeout,
    local_account_beside_external_source: LocalAccountBesideExternalSource,
    dead_authentication_source: DeadAuthenticationSource,
    external_admin_mfa: ExternalAdminMfa,
    superuser_outside_global_admin: SuperuserOutsideGlobalAdmin,
    global_admin_count: GlobalAdminCount,
    shadow_admin: ShadowAdmin,
    new_privileged_account: NewPrivilegedAccount,
    inactive_account_with_privileges: InactiveAccountWithPrivileges,
    service_account_without_owner: ServiceAccountWithoutOwner,
    collector_account: CollectorAccount,
    all_scope_flag: AllScopeFlag,
    scope_outlier: ScopeOutlier,
    leftover_grants: LeftoverGrants,
    grant_mismatch: GrantMismatch,
    dead_grant: DeadGrant,
    exposed_site: ExposedSite,
    user_without_scope: UserWithoutScope,
    leaver_with_account: LeaverWithAccount,
    orphan_account: OrphanAccount,
    dormant_account: DormantAccount,
    never_used_account: NeverUsedAccount,
    locked_account: LockedAccount,
    mover_with_old_access: MoverWithOldAccess,
    temporary_account_without_end: TemporaryAccountWithoutEnd,
    email_missing_or_invalid: EmailMissingOrInvalid,
    shared_or_generic_account: SharedOrGenericAccount,
    duplicate_identity: DuplicateIdentity,
    installer_account: InstallerAccount,
    open_on_another_console: OpenOnAnotherConsole,
    unused_custom_role: UnusedCustomRole,
    similar_roles: SimilarRoles,
    role_definition_mismatch: RoleDefinitionMismatch,
    role_definition_changed: RoleDefinitionChanged,
    bespoke_role: BespokeRole,
    unknown_privilege: UnknownPrivilege,
    toxic_combination: ToxicCombination,
    self_approved_exception: SelfApprovedException,
    unaccountable_approver: UnaccountableApprover,
    stale_report_access: StaleReportAccess,
    toxic_combination_across_consoles: ToxicCombinationAcrossConsoles,
    review_overdue: ReviewOverdue,
    revocation_not_effective: RevocationNotEffective,
    break_glass_account: BreakGlassAccount,
    waiver_hygiene: WaiverHygiene,
    incomplete_collection: IncompleteCollection,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::finding::{Severity, Verdict, mapped_rules};

    #[test]
    fn ids_are_module_names_and_codes_are_unique() {
        let analyzers = Analyzers::default();
        let rules = analyzers.rules();
        let ids: Vec<_> = rules.iter().map(|rule| &*rule.about().id).collect();
        assert_eq!(ids, IDS);
        let codes: std::collections::BTreeSet<_> = rules.iter().map(|rule| &*rule.about().code).collect();
        assert_eq!(codes.len(), rules.len());
    }

    #[test]
    fn every_rule_says_what_it_is() {
        for rule in Analyzers::default().rules() {
            let about = rule.about();
            let capital = |text: &str| text.chars().next().is_some_and(char::is_uppercase);
            assert!(capital(&about.title) && !about.title.ends_with('.'), "{}: title", about.id);
            for text in [&about.flags, &about.evidence, &about.why, &about.click_path, &about.api_call] {
                assert!(capital(text) && text.ends_with('.') && !text.contains("  "), "{}: {text}", about.id);
            }
            assert!(!about.needs.is_empty(), "{}", about.id);
            assert!(about.version >= 1, "{}", about.id);
        }
    }

    #[test]
    fn every_rule_has_controls_and_every_mapped_rule_exists() {
        let mapped: BTreeSet<&str> = mapped_rules().collect();
        assert_eq!(mapped, IDS.iter().copied().collect());
        for rule in Analyzers::default().rules() {
            assert!(!rule.controls().is_empty(), "{}", rule.about().id);
        }
    }

    #[test]
    fn knobs_say_what_they_do_and_their_default() {
        let knobs = Analyzers::default().global_admin_count.knobs();
        let min = Knob {
            name: "min",
            about: "The fewest enabled Global Administrators that are enough.".into(),
            default: "2".into(),
        };
        assert_eq!(knobs[0], min);
        for rule in Analyzers::default().rules() {
            for knob in rule.knobs() {
                assert!(knob.about.ends_with('.'), "{}: {knob:?}", rule.about().id);
            }
        }
    }

    #[test]
    fn knobs_are_checked_and_named() {
        assert_eq!(Policy::default().mistakes(), Vec::<String>::new());
        let mut analyzers = Analyzers::default();
        analyzers.global_admin_count.min = 9;
        analyzers.similar_roles.threshold = f64::NAN;
        let mistakes = Policy { analyzers, ..Policy::default() }.mistakes();
        assert!(mistakes[0].starts_with("analyzers.global_admin_count: "), "{mistakes:?}");
        assert!(mistakes[1].starts_with("analyzers.similar_roles: "), "{mistakes:?}");
    }

    #[test]
    fn unknown_knobs_are_refused() {
        let error = toml::from_str::<Analyzers>("[locked_account]\nafter_days = 3").unwrap_err();
        assert!(error.to_string().contains("after_days"));
    }

    #[test]
    fn the_configuration_switches_off_and_sets_severity() {
        use crate::model::sample::{snapshot, user};
        let locked = User { locked: Some(true), ..user(1, "mia") };
        let table = "[locked_account]\nseverity = \"critical\"\n[email_missing_or_invalid]\nenabled = false";
        let analyzers: Analyzers = toml::from_str(table).unwrap();
        let policy = Policy { analyzers, ..Policy::default() };
        let estate = [AccessGraph::build(snapshot(vec![locked]))];
        let judgements = policy.judge(&estate, &History::default()).remove(0);
        let of = |id: &str| judgements.iter().find(|judgement| judgement.rule.id == id).unwrap();
        assert_eq!(of("locked_account").findings[0].severity, Severity::Critical);
        assert_eq!(of("email_missing_or_invalid").verdict, Verdict::NotApplicable);
    }
}
