//! Accounts that have something in common.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// The places below `count` that share their key with another one, by key and in order.
///
/// A number for each key finds them first: on a large console nearly every account is alone, and what it has is not
/// kept for that. The keys of those that are alike are made a second time.
pub(super) fn alike<K: Hash + Ord>(
    count: usize,
    key: impl Fn(usize) -> Option<K>,
) -> BTreeMap<K, Vec<usize>> {
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    let mut marks: Vec<(u64, usize)> =
        (0..count).filter_map(|place| Some((hasher.hash_one(key(place)?), place))).collect();
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
