//! `ringward token`: bearer tokens, made, listed and revoked on the machine itself.
//!
//! **Invariant:** a token's text goes to standard output once, and nowhere else.

use clap::{Args, Subcommand};

use crate::cli::{CliError, DaemonArgs, Format, Out, ReadArgs, json, safe};
use crate::ids::{Email, TokenName};
use crate::rollout::record::Role;
use crate::time::{Span, short};
use crate::web::json::{
    RevokeRequest, TokenJson, TokenMadeAnswer, TokenRequestJson, TokensAnswer, VerbAnswer,
};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token, and print it: this once
    #[command(after_help = include_str!("help/token_new.txt").trim_end())]
    New(TokenNewArgs),
    /// List every token that was ever made, without its text
    #[command(after_help = include_str!("help/token_list.txt").trim_end())]
    List(ReadArgs),
    /// Revoke a token: ringward refuses it from now on
    #[command(after_help = include_str!("help/token_revoke.txt").trim_end())]
    Revoke {
        /// Its name
        #[arg(value_name = "NAME")]
        name: TokenName,
        /// Why, for those who read the history
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Which daemon.
        #[command(flatten)]
        daemon: DaemonArgs,
    },
}

/// Arguments of `token new`.
#[derive(Debug, Args)]
pub struct TokenNewArgs {
    /// Its name, such as ana-laptop; no other token ever has it
    #[arg(value_name = "NAME")]
    pub name: TokenName,
    /// Whose it is
    #[arg(long, value_name = "E-MAIL")]
    pub email: Email,
    /// What its holder may do: viewer, operator, approver
    #[arg(long = "role", value_name = "ROLES", value_delimiter = ',', required = true)]
    pub roles: Vec<Role>,
    /// How long it lives, such as 30d; without it 90 days, and a viewer's until it is revoked
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Span>,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", default_value = "a token was needed")]
    pub reason: String,
    /// How to answer, and which daemon.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Does it. What is no token goes to `told`, so that standard output can be a file of the token alone.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn token(command: TokenCommand, out: Out<'_>, told: Out<'_>) -> Result<(), CliError> {
    match command {
        TokenCommand::New(args) => new(args, out, told).await,
        TokenCommand::List(args) => list(&args, out).await,
        TokenCommand::Revoke { name, reason, daemon } => {
            let path = ["tokens", name.as_str(), "revoke"];
            let answer: VerbAnswer = daemon.connection().post(&path, &RevokeRequest { reason }).await?;
            Ok(writeln!(out, "{}", safe(&answer.done))?)
        }
    }
}

async fn new(args: TokenNewArgs, out: Out<'_>, told: Out<'_>) -> Result<(), CliError> {
    let TokenNewArgs { name, email, roles, expires, reason, read } = args;
    let request = TokenRequestJson { name, email, roles: roles.into_iter().collect(), expires, reason };
    let made: TokenMadeAnswer = read.connection().post(&["tokens"], &request).await?;
    if read.format() == Format::Json {
        return Ok(json(out, &made)?);
    }
    writeln!(out, "{}", safe(&made.token))?;
    let until = made.expires_at.map_or("until it is revoked".to_owned(), |at| format!("until {}", short(at)));
    writeln!(
        told,
        "This is token `{}` of {}, {until}. It is shown this once: ringward keeps only its SHA-256. Send it as\n  \
         Authorization: Bearer TOKEN\nFrom now on nobody has a right over TCP for coming from this machine alone.",
        request.name, request.email
    )?;
    Ok(())
}

async fn list(args: &ReadArgs, out: Out<'_>) -> Result<(), CliError> {
    let answer: TokensAnswer = args.connection().get(&["tokens"], &[]).await?;
    if args.format() == Format::Json {
        return Ok(json(out, &answer)?);
    }
    if answer.tokens.is_empty() {
        return Ok(writeln!(out, "There is no token; `ringward token new` makes one.")?);
    }
    for token in &answer.tokens {
        writeln!(out, "{}", safe(&line(token)))?;
    }
    Ok(())
}

fn line(token: &TokenJson) -> String {
    let roles: Vec<&str> = token.roles.iter().map(|role| role.as_str()).collect();
    let end = match (&token.revoked_at, &token.revoked_by, &token.expires_at) {
        (Some(at), Some(by), _) => format!("revoked {} by {by}: {}", short(*at), token.reason),
        (_, _, Some(at)) => format!("{}, until {}", token.state, short(*at)),
        _ => token.state.clone(),
    };
    let TokenJson { name, email, id, made_by, .. } = token;
    let (roles, made) = (roles.join(", "), short(token.made_at));
    format!("{name} · {email} · {roles} · rwt_{id}_… · made {made} by {made_by} · {end}")
}
