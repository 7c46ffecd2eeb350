//! SIGKILL at seeded moments.
