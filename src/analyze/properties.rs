//! What holds for every rule and every world.
