//! Who did it: the identity that each event carries.
//!
//! **Invariant:** an identity reads back from its text as the same one, and says how it was proven: by
//! the kernel, by a token of ringward, by Cloudflare Access, or not at all.

use std::fmt;
use std::str::FromStr;

use crate::ids::{Email, ServiceName, TokenName};
use crate::text::kept_as_text;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// ringward itself.
    Engine,
    /// A user of this machine, by the Unix socket or the stop file.
    Local {
        /// The user's name, or `uid N` where there is none.
        user: String,
    },
    /// Somebody on this machine, by bare loopback HTTP: nobody can say who.
    Loopback,
    /// A person whom Cloudflare Access vouches for.
    Access {
        /// Who signed in.
        email: Email,
    },
    /// A service token of Cloudflare Access: a program.
    Service {
        /// The token's client ID (`common_name`).
        name: ServiceName,
    },
    /// The holder of a bearer token of ringward.
    Token {
        /// The token's name.
        name: TokenName,
        /// The person it was made for.
        email: Email,
    },
}

impl Actor {
    /// The person, where one is known by e-mail: only they can be found among a User Group's members.
    pub const fn email(&self) -> Option<&Email> {
        match self {
            Self::Access { email } | Self::Token { email, .. } => Some(email),
            Self::Engine | Self::Local { .. } | Self::Loopback | Self::Service { .. } => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine => f.write_str("engine"),
            Self::Local { user } => write!(f, "local:{user}"),
            Self::Loopback => f.write_str("loopback"),
            Self::Access { email } => write!(f, "access:{email}"),
            Self::Service { name } => write!(f, "service:{name}"),
            Self::Token { name, email } => write!(f, "token:{name}/{email}"),
        }
    }
}

kept_as_text!(Actor);

impl FromStr for Actor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("`{text}` is not an actor");
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("engine", "") if text == "engine" => Ok(Self::Engine),
            ("loopback", "") if text == "loopback" => Ok(Self::Loopback),
            ("local", user) if !user.is_empty() => Ok(Self::Local { user: user.to_owned() }),
            ("access", email) => Ok(Self::Access { email: email.parse().map_err(|_| unknown())? }),
            ("service", name) => Ok(Self::Service { name: name.parse().map_err(|_| unknown())? }),
            ("token", rest) => {
                let (name, email) = rest.split_once('/').ok_or_else(unknown)?;
                let name = name.parse().map_err(|_| unknown())?;
                Ok(Self::Token { name, email: email.parse().map_err(|_| unknown())? })
            }
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rollout::record::actor::*;

    #[test]
    fn an_identity_reads_back_as_it_was_written() {
        let rows = [
            ("engine", Actor::Engine, None),
            ("loopback", Actor::Loopback, None),
            ("local:ada", Actor::Local { user: "ada".to_owned() }, None),
            ("local:a:b/c", Actor::Local { user: "a:b/c".to_owned() }, None),
            (
                "access:ana@example.com",
                Actor::Access { email: "Ana@Example.com".parse().unwrap() },
                Some("ana@example.com"),
            ),
            ("service:88bf.access", Actor::Service { name: "88bf.access".parse().unwrap() }, None),
            (
                "token:ana-laptop/ana@example.com",
                Actor::Token {
                    name: "ana-laptop".parse().unwrap(),
                    email: "ana@example.com".parse().unwrap(),
                },
                Some("ana@example.com"),
            ),
        ];
        for (text, actor, email) in rows {
            assert_eq!(actor.to_string(), text);
            assert_eq!(text.parse().as_ref(), Ok(&actor), "{text}");
            assert_eq!(actor.email().map(Email::as_str), email, "{text}");
        }
    }

    #[test]
    fn a_text_that_names_nobody_is_refused() {
        let rows = [
            "",
            "engine:",
            "loopback:x",
            "local:",
            "access:",
            "access:ana",
            "service:",
            "token:ana",
            "token:/a@b",
            "token:A B/a@b.c",
            "token:ana/",
            "root",
        ];
        for text in rows {
            assert!(text.parse::<Actor>().is_err(), "{text:?}");
        }
    }
}
