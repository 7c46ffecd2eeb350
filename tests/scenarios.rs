//! Scenarios: what ringward does, told as scripts with their transcripts.

pub mod support;
