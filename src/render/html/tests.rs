//! The page of the sample, and of reports that are larger or emptier than it.
