//! Flags of the listener over TCP: where it is, and who may ask there.
//!
//! **Invariant:** nothing here widens who may give verbs; the flags narrow it, or name hosts for
//! reads.

use clap::Args;
use clap::builder::BoolishValueParser;

use crate::web::{HostName, TcpRules, TcpVerbs};

pub use crate::config::{Listen, NoPlace};

/// Who may ask over TCP.
#[derive(Debug, Clone, Args)]
pub struct ListenerArgs {
    /// Take no verbs over TCP: page and API only show; verbs work through the socket alone
    #[arg(long, env = "RINGWARD_READ_ONLY", value_parser = BoolishValueParser::new())]
    pub read_only: bool,
    /// Host name that page, API and metrics may be read under, beside addresses; repeatable
    #[arg(long = "host", value_name = "NAME", env = "RINGWARD_HOSTS", value_delimiter = ',')]
    pub hosts: Vec<HostName>,
}

impl ListenerArgs {
    /// As the listener takes them.
    pub fn rules(self) -> TcpRules {
        let verbs = if self.read_only { TcpVerbs::Refused } else { TcpVerbs::Taken };
        TcpRules { verbs, hosts: self.hosts }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        listener: ListenerArgs,
    }

    #[test]
    fn a_place_is_an_address_or_none() {
        let at = |text: &str| Ok(Listen::At(text.parse().unwrap()));
        let rows = [
            ("an address", "127.0.0.1:8787", at("127.0.0.1:8787")),
            ("IPv6", "[::1]:0", at("[::1]:0")),
            ("none", "none", Ok(Listen::Nowhere)),
            ("no port", "127.0.0.1", Err(NoPlace)),
            ("a name", "localhost:8787", Err(NoPlace)),
            ("nothing", "", Err(NoPlace)),
        ];
        for (row, text, expected) in rows {
            assert_eq!(text.parse(), expected, "{row}");
        }
    }

    #[test]
    fn flags_become_rules() {
        let line = |words: &[&str]| {
            let words = ["ringward"].into_iter().chain(words.iter().copied());
            Line::try_parse_from(words).map(|line| line.listener.rules())
        };
        assert_eq!(line(&[]).unwrap(), TcpRules::default());
        let rules = line(&["--read-only", "--host", "a.test,b.test", "--host", "c.test"]).unwrap();
        assert_eq!(rules.verbs, TcpVerbs::Refused);
        let hosts = ["a.test", "b.test", "c.test"].map(|name| name.parse().unwrap());
        assert_eq!(rules.hosts, hosts);
        let refused = line(&["--host", "a.test:8787"]).unwrap_err().to_string();
        assert!(refused.contains("no port") && refused.contains("--host"), "{refused}");
    }
}
