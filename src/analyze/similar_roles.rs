//! ROLE-02: roles that allow the same, or nearly.

use std::collections::{BTreeSet, HashMap};

use super::{Context, Outcome, Rule, amount, cut, list};
use crate::finding::{Finding, Severity};
use crate::model::{GLOBAL_ADMIN, Part, Role};

about! {
    id: "similar_roles",
    code: "ROLE-02",
    title: "Duplicate or nearly equal roles",
    flags: "Custom roles whose privileges equal those of another role, overlap with them by the threshold, or are all but \
            a few of them.",
    evidence: "The privileges of the custom roles.",
    why: "A reviewer cannot tell such roles apart, and gives or keeps the wrong one.",
    severity: Severity::Low,
    click_path: "Administration > Users > Manage roles: decide which of the roles stays, move the users of the other, and \
                 delete it.",
    api_call: "PUT /api/3/users/{id} with the role.id that stays (it replaces the whole user and drops grants: read them \
               before, restore them after), then DELETE /api/3/roles/{id}.",
    needs: &[Part::Roles],
    version: 1,
}

rule! {
    /// `[analyzers.similar_roles]`: ROLE-02.
    SimilarRoles {
        /// From which share of common privileges, of all that either role has, two roles are nearly equal (0 to 1).
        threshold: f64 = 0.9,
        /// From which share of the larger role a subset of it is worth a finding (0 to 1). Every small role is part of
        /// some large one; only a large part is hard to tell from the whole.
        subset_share: f64 = 0.8,
    }
}

impl Rule for SimilarRoles {
    fn mistake(&self) -> Option<String> {
        let knobs = [("threshold", self.threshold), ("subset_share", self.subset_share)];
        let (knob, value) = knobs.into_iter().find(|(_, value)| !(*value > 0.0 && *value <= 1.0))?;
        Some(format!("{knob} is {value}, but has to be above 0 and at most 1"))
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let roles = &graph.snapshot().roles;
        let bits = Bits::of_all(roles);
        for (index, role) in roles.iter().enumerate().filter(|(_, role)| !role.is_builtin()) {
            // Each pair is told once: on the custom role of the two, or on the one with the later id.
            let others = roles.iter().enumerate().filter(|(other, role)| *other < index || role.is_builtin());
            // Merging into Global Administrator would hand out everything; shadow_admin tells of such a role.
            let similar: Vec<String> = others
                .filter(|(_, role)| role.id.as_str() != GLOBAL_ADMIN)
                .filter_map(|(other, role)| {
                    let likeness = self.likeness(&bits[index], &bits[other])?;
                    Some(format!("{} ({likeness})", label(role)))
                })
                .collect();
            outcome.judge(Some(!similar.is_empty()), || {
                let summary = format!("Role {} allows nearly the same as {}", cut(&role.name), cut(&similar[0]));
                Finding::new(&ABOUT, role, Severity::Low, summary)
                    .with("similar to", list(&similar))
                    .with("privileges", role.privileges.len().to_string())
                    .with("users", graph.users_of_role(&role.id).len().to_string())
            });
        }
        outcome
    }
}

impl SimilarRoles {
    /// How two roles are alike, if they are alike enough.
    fn likeness(&self, role: &Bits, other: &Bits) -> Option<String> {
        let (common, all) = role.common_and_all(other);
        if common == all {
            return Some("the same privileges".to_owned());
        }
        let share = f64::from(common) / f64::from(all);
        let (held, theirs) = (role.count(), other.count());
        if common == held && share >= self.subset_share.min(self.threshold) {
            Some(format!("has these {held} and {} more", theirs - held))
        } else if common == theirs && share >= self.subset_share.min(self.threshold) {
            Some(format!("lacks {} of these {held}", held - theirs))
        } else if share >= self.threshold {
            Some(format!("{common} of {} in common", amount(all, "privilege")))
        } else {
            None
        }
    }
}

fn label(role: &Role) -> String {
    if role.name == role.id.as_str() {
        return cut(&role.name).into_owned();
    }
    format!("{} [{}]", cut(&role.name), cut(role.id.as_str()))
}

/// A set of privileges as bits, so that comparing all pairs of roles stays cheap.
struct Bits(Vec<u64>);

impl Bits {
    fn of_all(roles: &[Role]) -> Vec<Self> {
        let ids: BTreeSet<_> = roles.iter().flat_map(|role| &role.privileges).collect();
        let place: HashMap<_, _> = ids.into_iter().enumerate().map(|(place, id)| (id, place)).collect();
        let bits = |role: &Role| {
            let mut words = vec![0; place.len().div_ceil(64)];
            for place in role.privileges.iter().map(|id| place[id]) {
                words[place / 64] |= 1 << (place % 64);
            }
            Self(words)
        };
        roles.iter().map(bits).collect()
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    fn common_and_all(&self, other: &Self) -> (u32, u32) {
        let pairs = self.0.iter().zip(&other.0);
        pairs.fold((0, 0), |(common, all), (a, b)| (common + (a & b).count_ones(), all + (a | b).count_ones()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::Snapshot;
    use crate::model::sample::{incomplete, role, snapshot};

    fn rule() -> SimilarRoles {
        SimilarRoles::default()
    }

    /// Roles with these numbered privileges, beside no others.
    fn world(roles: &[(&str, std::ops::Range<usize>)]) -> Snapshot {
        let mut world = snapshot(Vec::new());
        let numbered = |range: &std::ops::Range<usize>| range.clone().map(|n| format!("p{n}")).collect::<Vec<_>>();
        world.roles = roles
            .iter()
            .map(|(id, range)| role(id, &numbered(range).iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        world
    }

    #[test]
    fn tells_a_pair_once() {
        check(&rule(), world(&[("A", 0..5), ("B", 0..5)]), Expect::Fail(&["B"]));
        check(&rule(), world(&[("A", 0..5), ("user", 0..5)]), Expect::Fail(&["A"]));
        check(&rule(), world(&[("site-admin", 0..5), ("user", 0..5)]), Expect::NotApplicable);
    }

    #[test]
    fn the_threshold_is_included() {
        // 18 of 20 in common, then 17 of 21.
        check(&rule(), world(&[("A", 0..19), ("B", 1..20)]), Expect::Fail(&["B"]));
        check(&rule(), world(&[("A", 0..19), ("B", 2..21)]), Expect::Pass);
    }

    #[test]
    fn a_subset_counts_from_its_share() {
        check(&rule(), world(&[("A", 0..4), ("B", 0..5)]), Expect::Fail(&["B"]));
        check(&rule(), world(&[("A", 0..3), ("B", 0..4)]), Expect::Pass);
        let found = findings(&rule(), world(&[("A", 0..4), ("B", 0..5)]));
        assert_eq!(found[0].evidence[0].1, "A (lacks 1 of these 5)");
    }

    #[test]
    fn many_privileges_fill_more_than_one_word() {
        check(&rule(), world(&[("A", 0..200), ("B", 0..200), ("C", 100..300)]), Expect::Fail(&["B"]));
    }

    #[test]
    fn does_not_pass_without_all_roles() {
        check(&rule(), incomplete(world(&[("A", 0..3)]), Part::Roles), Expect::Unknown);
    }

    #[test]
    fn refuses_shares_outside_their_range() {
        for threshold in [0.0, 1.1, f64::NAN] {
            assert!(SimilarRoles { threshold, ..rule() }.mistake().is_some());
        }
        assert!(SimilarRoles { threshold: 1.0, ..rule() }.mistake().is_none());
    }
}
