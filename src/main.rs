//! Exit codes and arguments live in the library; see `ringward::cli`.
fn main() {}
