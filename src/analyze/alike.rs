//! Accounts that have something in common.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// The places below `count` that share their key with another one, by key and in order.
///
/// A number for each key finds them first: on a large console nearly every account is alone, and what it has is neither
/// kept nor sorted for that. The keys of those that are alike are made a second time.
pub(super) fn alike<K: Hash + Ord>(
    count: usize,
    key: impl Fn(usize) -> Option<K>,
) -> BTreeMap<K, Vec<usize>> {
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    let mut marks: Vec<(u64, usize)> =
        (0..count).filter_map(|place| Some((hasher.hash_one(key(place)?), place))).collect();
    drop_most_that_are_alone(&mut marks);
    marks.sort_unstable();
    let mut shared: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for same in marks.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        for &(_, place) in same {
            if let Some(key) = key(place) {
                shared.entry(key).or_default().push(place);
            }
        }
    }
    // Two keys may have one number.
    shared.retain(|_, places| places.len() > 1);
    shared
}

/// Drops the marks that are alone in their bucket, of eight for each mark. One in eight stays with another's.
fn drop_most_that_are_alone(marks: &mut Vec<(u64, usize)>) {
    let buckets = (marks.len() * 8).next_power_of_two();
    let bucket = |mark: u64| usize::try_from(mark % buckets as u64).unwrap_or_default();
    let mut counts = vec![0_u8; buckets];
    for (mark, _) in &*marks {
        let count = &mut counts[bucket(*mark)];
        *count = count.saturating_add(1);
    }
    marks.retain(|(mark, _)| counts[bucket(*mark)] > 1);
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;

    #[test]
    fn places_are_grouped_by_key_and_those_alone_left_out() {
        let keys = [Some("bo"), Some("ana"), None, Some("bo"), Some("cy"), None, Some("ana"), Some("bo")];
        let shared = alike(keys.len(), |place| keys[place]);
        assert_eq!(shared, BTreeMap::from([("ana", vec![1, 6]), ("bo", vec![0, 3, 7])]));
    }

    #[test]
    fn different_keys_of_one_number_are_not_alike() {
        #[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
        struct Same(u8);
        impl Hash for Same {
            fn hash<H: Hasher>(&self, state: &mut H) {
                0.hash(state);
            }
        }
        let keys = [1, 2, 3, 2];
        assert_eq!(
            alike(keys.len(), |place| Some(Same(keys[place]))),
            BTreeMap::from([(Same(2), vec![1, 3])])
        );
    }
}
