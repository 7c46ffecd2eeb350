//! The verbs as commands: `ringward pause`, `resume`, `waive` and all others.
//!
//! **Invariant:** what a verb takes and says of itself is of its definition; a new verb is a command by it.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches, Subcommand, value_parser};

use crate::cli::decision::{SaidAhead, decide};
use crate::cli::stop::{StopArgs, caller, stop};
use crate::cli::value_parsers::{REASON, one_of};
use crate::cli::verbs::{ask, help, start};
use crate::cli::{CliError, DaemonArgs, Out, args::read_token, confirm::ConfirmArgs, confirm::revision};
use crate::ids::{PlanName, RingName};
use crate::rollout::people::verbs::arguments::{ArgumentKey, Arguments};
use crate::rollout::record::{Gate, Role};
use crate::version::{ClientVersion, Environment};
use crate::{
    rollout::people::verbs::definition::Argument, rollout::people::verbs::verb::Verb, time::Clock,
    web::json::VerbRequest,
};

/// The variable with a person's bearer token.
pub(super) const BEARER_TOKEN: &str = "RINGWARD_BEARER_TOKEN";

/// A verb, as it was asked for.
#[derive(Debug)]
pub(super) enum VerbCommand {
    /// It shows first what waits.
    Confirm(ConfirmArgs),
    /// It works without a daemon.
    Stop(StopArgs),
    Carried(Box<CarriedVerb>),
}

/// A verb that is carried to the daemon as it is.
#[derive(Debug)]
pub(super) struct CarriedVerb {
    verb: Verb,
    given: Arguments,
    reason: String,
    /// What is said ahead of a verb that rests on what was read.
    said: SaidAhead,
    /// In the name of a token's holder; without a token the daemon says what it takes.
    bearer_token_file: Option<PathBuf>,
    daemon: DaemonArgs,
}

impl VerbCommand {
    pub(super) async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        match self {
            Self::Confirm(args) => args.run(out).await,
            Self::Stop(args) => {
                // The daemon records its own time; this one stands in the file only.
                stop(&args.daemon.connection(), caller(), &args.reason, Clock::Real.now(), out).await
            }
            Self::Carried(carried) => carried.run(out).await,
        }
    }
}

impl CarriedVerb {
    async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        let Self { verb, given, reason, said, bearer_token_file, daemon } = self;
        let mut at = daemon.connection();
        if verb.definition().terms.role == Role::Approver {
            let named = bearer_token_file.is_some() || std::env::var_os(BEARER_TOKEN).is_some();
            let token = || read_token(bearer_token_file.as_deref(), BEARER_TOKEN);
            at = at.with_bearer(named.then(token).transpose()?);
        }
        let plan = given.plan.clone();
        let request = VerbRequest::of(reason, given);
        match (verb, plan) {
            (verb, Some(plan)) if verb.rests_on_reading() => {
                decide(&at, &plan, verb, request, said, out).await
            }
            (Verb::Start, _) => start(&at, &request, out).await,
            // What else differs is a command of its own.
            (_, plan) => ask(&at, plan.as_ref(), verb, &request, out).await,
        }
    }

    fn read(verb: Verb, matches: &ArgMatches) -> Result<Self, clap::Error> {
        let reason: Option<&String> = matches.get_one("reason");
        let bearer = verb.definition().terms.role == Role::Approver;
        Ok(Self {
            verb,
            given: Arguments {
                plan: verb.is_of_plan().then(|| matches.get_one("plan").cloned()).flatten(),
                gate: value(verb, matches, ArgumentKey::Gate),
                ring: value(verb, matches, ArgumentKey::Ring),
                environment: value(verb, matches, ArgumentKey::Environment),
                version: value(verb, matches, ArgumentKey::Version),
                paused: value(verb, matches, ArgumentKey::Paused),
                revision: value(verb, matches, ArgumentKey::Revision),
            },
            reason: reason.cloned().unwrap_or_default(),
            said: said(verb, matches),
            bearer_token_file: bearer.then(|| matches.get_one("bearer_token_file").cloned()).flatten(),
            daemon: DaemonArgs::from_arg_matches(matches)?,
        })
    }
}

/// What is said ahead, of a verb that rests on what was read: the parser knows no other.
fn said(verb: Verb, matches: &ArgMatches) -> SaidAhead {
    if !verb.rests_on_reading() {
        return SaidAhead::default();
    }
    let (yes, dry_run) = (matches.get_flag("yes"), matches.get_flag("dry_run"));
    SaidAhead { revision: matches.get_one("revision").cloned(), yes, dry_run }
}

/// An argument's value, of a verb that takes it: the parser knows no other.
fn value<T: Clone + Send + Sync + 'static>(verb: Verb, matches: &ArgMatches, key: ArgumentKey) -> Option<T> {
    verb.takes(key).then(|| matches.get_one::<T>(key.as_str()).cloned()).flatten()
}

/// The verbs that are a command of their own, in the order of the help.
fn commands() -> Vec<Verb> {
    let mut verbs = Verb::ALL.to_vec();
    verbs.retain(|verb| verb.definition().terms.words.is_none());
    verbs.sort_by_key(|verb| verb.definition().terms.place);
    verbs
}

/// The definition of a verb's command.
fn command(verb: Verb) -> Command {
    let own = Command::new(verb.as_str());
    let command = if verb == Verb::Confirm {
        ConfirmArgs::augment_args(own)
    } else if verb == Verb::Stop {
        StopArgs::augment_args(own)
    } else {
        carried(verb, own)
    };
    let definition = verb.definition();
    command.about(definition.terms.command.unwrap_or(definition.summary)).after_help(help(verb))
}

fn carried(verb: Verb, mut command: Command) -> Command {
    if verb.is_of_plan() {
        let plan = Arg::new("plan").value_name("PLAN").help("The plan").required(true);
        command = command.arg(plan.value_parser(value_parser!(PlanName)));
    }
    let why = match verb.needs_reason() {
        true => "Why, for those who read the history",
        false => "Why, for those who read the daemon's own log",
    };
    let reason = Arg::new("reason").long("reason").value_name("TEXT").help(why);
    let reason = match verb.rests_on_reading() {
        true => reason.required_unless_present("dry_run"),
        false => reason.required(verb.needs_reason()),
    };
    command = command.args(verb.arguments().iter().map(argument)).arg(reason.value_parser(REASON));
    if verb.rests_on_reading() {
        command = command.args(said_ahead());
    }
    if verb.definition().terms.role == Role::Approver {
        let token = Arg::new("bearer_token_file").long("bearer-token-file").value_name("FILE");
        command = command.arg(
            token
                .env("RINGWARD_BEARER_TOKEN_FILE")
                .help("File with your bearer token, which says who you are; else the variable RINGWARD_BEARER_TOKEN")
                .value_parser(value_parser!(PathBuf)),
        );
    }
    DaemonArgs::augment_args(command)
}

/// What can be said ahead of a verb that is shown and asked first.
fn said_ahead() -> [Arg; 3] {
    let flag = |name, long, help| Arg::new(name).long(long).help(help).action(ArgAction::SetTrue);
    let revision = Arg::new("revision").long("revision").value_name("DIGEST").value_parser(revision);
    [
        revision
            .help("The revision of the plan that you have read: its digest, or at least its first 8 digits"),
        flag("yes", "yes", "Do not ask: you have read what this command shows").requires("revision"),
        flag("dry_run", "dry-run", "Show what goes where and how many devices move, and do nothing"),
    ]
}

/// How an argument is read.
fn argument(of: &Argument) -> Arg {
    let name = of.key.as_str();
    let arg = Arg::new(name).long(name).help(of.help).required(of.needed.is_some());
    let arg = match of.key.value_name() {
        Some(value) => arg.value_name(value),
        None => arg.action(ArgAction::SetTrue),
    };
    match of.key {
        ArgumentKey::Plan => arg.value_parser(value_parser!(PlanName)),
        ArgumentKey::Gate => arg.value_parser(one_of(&Gate::ALL, |gate| gate.as_str())),
        ArgumentKey::Ring => arg.value_parser(value_parser!(RingName)),
        ArgumentKey::Environment => {
            arg.value_parser(one_of(&Environment::ALL, |environment| environment.as_str()))
        }
        ArgumentKey::Version => arg.value_parser(value_parser!(ClientVersion)),
        ArgumentKey::Paused | ArgumentKey::Revision => arg,
    }
}

impl FromArgMatches for VerbCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let asked = matches.subcommand().and_then(|(word, matches)| Some((Verb::of(word)?, matches)));
        let Some((verb, matches)) = asked else {
            return Err(clap::Error::new(ErrorKind::MissingSubcommand));
        };
        if verb == Verb::Confirm {
            return Ok(Self::Confirm(ConfirmArgs::from_arg_matches(matches)?));
        }
        if verb == Verb::Stop {
            return Ok(Self::Stop(StopArgs::from_arg_matches(matches)?));
        }
        Ok(Self::Carried(Box::new(CarriedVerb::read(verb, matches)?)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for VerbCommand {
    fn augment_subcommands(of: Command) -> Command {
        of.subcommands(commands().into_iter().map(command))
    }

    fn augment_subcommands_for_update(of: Command) -> Command {
        Self::augment_subcommands(of)
    }

    fn has_subcommand(name: &str) -> bool {
        commands().into_iter().any(|verb| verb.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_carried_as_it_is() {
        // (line, whether the plans are paused, the plan)
        let rows = [
            ("start --reason=fixed", None, None),
            ("start --paused --reason=fixed", Some(true), None),
            ("pause client --reason=dns", None, Some("client")),
        ];
        for (line, paused, plan) in rows {
            let parser = VerbCommand::augment_subcommands(Command::new("ringward"));
            let matches =
                parser.try_get_matches_from(["ringward"].into_iter().chain(line.split(' '))).unwrap();
            let Ok(VerbCommand::Carried(carried)) = VerbCommand::from_arg_matches(&matches) else {
                panic!("{line}: is carried");
            };
            assert_eq!(carried.given.paused.filter(|paused| *paused), paused, "{line}");
            assert_eq!(carried.given.plan.as_ref().map(|plan| plan.as_str()), plan, "{line}");
            assert!(!carried.reason.is_empty(), "{line}");
        }
    }
}
