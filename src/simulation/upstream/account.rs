//! The simulated account: deployment groups, profiles and devices, and the writes that change them.
//!
//! **Invariant:** it knows nothing of ringward's log; what it did and when stands in the journal, whose lines say
//! themselves what their request met and what came of it.

use std::collections::BTreeMap;

use crate::fleet::{Reported, SweepScope};
use crate::ids::{GroupId, PolicyId, UserGroupName};
use crate::rollout::decide::outcome::SendOutcome;
use crate::rollout::record::{Group, GroupContent, Profile};
use crate::rollout::world::{Approvers, Read};
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::Environment;

use crate::simulation::devices::Devices;
use crate::simulation::happening::{ReadFault, WriteFault};

/// A changing request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupWrite {
    /// PATCH, and the name stays; `None`: POST.
    pub group: Option<GroupId>,
    pub content: GroupContent,
}

/// What was asked of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A read.
    Read(Read),
    /// A write.
    Write(GroupWrite),
}

/// One line of the journal: a request that reached the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalLine {
    /// When it was sent.
    pub at: Timestamp,
    /// What it asked for.
    pub asked: Call,
    /// The scripted fault that it met.
    pub fault: Option<WriteFault>,
    /// The group as it was after it, and when; `None`: nothing was applied.
    pub applied: Option<Group>,
    /// What it was answered; of a read, only whether it succeeded.
    pub answer: String,
    /// Of a write: the devices that it offers something else, by what the account lists; the least
    /// between the look before it and its arrival.
    pub retargeted: Option<usize>,
}

/// A sent write, for its sender to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(usize);

/// The account.
#[derive(Debug, Clone, Default)]
pub struct Upstream {
    /// Its devices.
    pub devices: Devices,
    /// Its device settings profiles.
    pub profiles: Vec<Profile>,
    /// Its User Groups.
    pub user_groups: BTreeMap<UserGroupName, Approvers>,
    /// Every request that reached it.
    pub journal: Vec<JournalLine>,
    /// What befalls the n-th write, counted from 1.
    pub write_faults: BTreeMap<usize, WriteFault>,
    /// What befalls reads.
    pub read_faults: Vec<ReadFault>,
    /// Spans in which somebody else uses up the request budget, begins included, ends not.
    pub budget_spent: Vec<(Timestamp, Timestamp)>,
    pub(super) groups: BTreeMap<GroupId, Group>,
    pub(super) history: Vec<(Timestamp, GroupId, Option<Group>)>,
    outcomes: BTreeMap<usize, SendOutcome>,
    /// Writes on their way: when each is applied, and its place in the journal.
    on_its_way: Vec<(Timestamp, usize)>,
    last_update: Option<Timestamp>,
    created: u64,
    writes: usize,
}

impl Upstream {
    /// An account with these devices and profiles, and no deployment group.
    pub fn new(devices: Devices, profiles: Vec<Profile>) -> Self {
        Self { devices, profiles, ..Self::default() }
    }

    /// Has these groups as they were made before the simulation began.
    pub fn take_over(&mut self, groups: impl IntoIterator<Item = Group>) {
        let mut groups: Vec<Group> = groups.into_iter().collect();
        groups.sort_by_key(|group| group.updated_at);
        for group in groups {
            let at = group.updated_at;
            self.last_update = self.last_update.max(Some(at));
            self.history.push((at, group.id.clone(), Some(group.clone())));
            self.groups.insert(group.id.clone(), group);
            self.offer(at);
        }
    }

    /// Its deployment groups as they are.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// When the budget has room for a write again; `None`: it has now.
    pub fn budget_spent_until(&self, now: Timestamp) -> Option<Timestamp> {
        let on = self.budget_spent.iter().filter(|(from, until)| *from <= now && now < *until);
        on.map(|(_, until)| *until).max()
    }

    /// The writes of the journal.
    pub fn writes(&self) -> impl Iterator<Item = &JournalLine> {
        self.journal.iter().filter(|request| matches!(request.asked, Call::Write(_)))
    }

    /// When something changes by itself next.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.on_its_way.iter().map(|(apply_at, _)| *apply_at).min()
    }

    /// Applies what is due.
    pub fn advance(&mut self, now: Timestamp) {
        loop {
            let due = self.on_its_way.iter().enumerate().filter(|(_, (apply_at, _))| *apply_at <= now);
            let Some((index, _)) = due.min_by_key(|(_, (apply_at, _))| *apply_at) else { return };
            let (apply_at, request) = self.on_its_way.swap_remove(index);
            let Some(JournalLine { asked: Call::Write(asked), fault, .. }) = self.journal.get(request) else {
                continue;
            };
            let (asked, fault) = (asked.clone(), fault.clone());
            let applied = self.apply(asked, apply_at);
            if let Some(line) = self.journal.get_mut(request) {
                line.applied = applied.as_ref().ok().cloned();
            }
            let outcome = match (applied, fault) {
                (_, Some(WriteFault::ResetAfter)) => no_answer("connection reset by peer"),
                (_, Some(WriteFault::AppliedLate(_))) => no_answer("no answer within 30s"),
                (_, Some(WriteFault::ServerError { .. })) => no_answer("502 Bad Gateway"),
                (Ok(mut group), Some(WriteFault::AnswerDiffers)) => {
                    group.content.versions.clear();
                    SendOutcome::Answered(group)
                }
                (Ok(group), _) => SendOutcome::Answered(group),
                (Err((status, message)), _) => SendOutcome::Refused { status, message },
            };
            self.answer(request, outcome);
        }
    }

    pub(super) fn answer(&mut self, request: usize, outcome: SendOutcome) {
        let words = match &outcome {
            SendOutcome::Answered(_) => "200".to_owned(),
            SendOutcome::Refused { status, .. } => status.to_string(),
            SendOutcome::RateLimited { .. } => "429".to_owned(),
            SendOutcome::NoAnswer { message } | SendOutcome::NotSent { message, .. } => message.clone(),
            SendOutcome::Overtaken(_) => "not sent".to_owned(),
        };
        if let Some(request) = self.journal.get_mut(request) {
            request.answer = words;
        }
        self.outcomes.insert(request, outcome);
    }

    /// How many devices a write offers something else, by the devices and the group as they were at an
    /// instant: each device's own answer before and after, without a word of ringward's.
    fn retargeted(&self, write: &GroupWrite, at: Timestamp) -> usize {
        let before = write.group.as_ref().and_then(|id| self.groups_at(at).remove(id));
        let before = before.map(|group| group.content);
        let listed = self.devices.sweep(&SweepScope::Full, at);
        let changes = listed.iter().filter(|device| {
            let (Some(policy), Some(os)) = (&device.policy, device.environment()) else { return false };
            let offered = |content: &GroupContent| {
                let has = content.policies.contains(&policy.id);
                content.target(os).filter(|_| has).map(str::to_owned)
            };
            let too_old = matches!(&device.client, Reported::Version(old) if !old.follows_assignments());
            !too_old && before.as_ref().and_then(offered) != offered(&write.content)
        });
        changes.count()
    }

    /// Takes a write in at `now`, that rests on a look at `looked_at`; it is applied `apply_after` later,
    /// unless a fault has it otherwise.
    pub fn send(
        &mut self,
        write: GroupWrite,
        looked_at: Timestamp,
        now: Timestamp,
        apply_after: SignedDuration,
    ) -> Ticket {
        let retargeted = Some(self.retargeted(&write, looked_at).min(self.retargeted(&write, now)));
        self.writes += 1;
        let fault = self.write_faults.get(&self.writes).cloned();
        let request = self.journal.len();
        if fault == Some(WriteFault::ConnectRefused) {
            // It never reaches the account, so the journal has no line for it.
            let ticket = usize::MAX - self.writes;
            let message = "connection refused".to_owned();
            self.outcomes.insert(ticket, SendOutcome::NotSent { message, retry_at: None });
            return Ticket(ticket);
        }
        let (asked, answer) = (Call::Write(write), "nothing yet".to_owned());
        let line = JournalLine { at: now, asked, fault: fault.clone(), applied: None, answer, retargeted };
        self.journal.push(line);
        let apply_at = after(now, apply_after);
        match fault {
            Some(WriteFault::ResetBefore) => self.answer(request, no_answer("connection reset by peer")),
            Some(WriteFault::ServerError { applied: false }) => {
                self.answer(request, no_answer("502 Bad Gateway"));
            }
            Some(WriteFault::RateLimited { retry_after }) => {
                let message = "rate limited".to_owned();
                let retry_at = retry_after.map(|wait| after(apply_at, wait));
                self.answer(request, SendOutcome::RateLimited { message, retry_at });
            }
            Some(WriteFault::Refused(status)) => {
                let message = format!("refused with {status}");
                self.answer(request, SendOutcome::Refused { status, message });
            }
            Some(WriteFault::AppliedLate(late)) => {
                self.answer(request, no_answer("no answer within 30s"));
                self.on_its_way.push((after(now, late), request));
            }
            _ => self.on_its_way.push((apply_at, request)),
        }
        Ticket(request)
    }

    /// What the sender of a write hears.
    pub fn outcome(&self, ticket: Ticket) -> SendOutcome {
        let outcome = self.outcomes.get(&ticket.0).cloned();
        outcome.unwrap_or_else(|| no_answer("no answer within 30s"))
    }

    fn apply(&mut self, write: GroupWrite, at: Timestamp) -> Result<Group, (u16, String)> {
        let GroupWrite { group: id, mut content } = write;
        if let Some(id) = &id {
            let known = self.groups.get(id).ok_or((404, format!("no deployment group {id}")))?;
            content.name.clone_from(&known.content.name);
        }
        for group in self.groups.values().filter(|group| Some(&group.id) != id.as_ref()) {
            if let Some(policy) = group.content.policies.intersection(&content.policies).next() {
                return Err((409, format!("policy {policy} is in deployment group {}", group.id)));
            }
        }
        let id = id.unwrap_or_else(|| self.next_id());
        Ok(self.put(id, content, at))
    }

    /// An ID that no group has or had: one taken over from another simulated account may have any.
    pub(super) fn next_id(&mut self) -> GroupId {
        loop {
            self.created += 1;
            let id = GroupId::simulated(self.created);
            if !self.history.iter().any(|(_, known, _)| *known == id) {
                return id;
            }
        }
    }

    /// Changes the groups that are meant.
    pub(super) fn change(
        &mut self,
        is_meant: impl Fn(&GroupContent) -> bool,
        at: Timestamp,
        change: impl Fn(&mut GroupContent),
    ) {
        let groups = self.groups.values().filter(|group| is_meant(&group.content));
        for mut group in groups.cloned().collect::<Vec<_>>() {
            change(&mut group.content);
            self.put(group.id, group.content, at);
        }
    }

    pub(super) fn put(&mut self, id: GroupId, content: GroupContent, at: Timestamp) -> Group {
        // Strictly increasing: two changes never carry the same `updated_at`.
        let floor = self.last_update.map_or(at, |last| after(last, SignedDuration::from_nanos(1)));
        let updated_at = at.max(floor);
        self.last_update = Some(updated_at);
        let group = Group { id: id.clone(), content, updated_at };
        self.groups.insert(id.clone(), group.clone());
        self.history.push((updated_at, id, Some(group.clone())));
        self.offer(updated_at);
        group
    }

    pub(super) fn delete(&mut self, id: GroupId, at: Timestamp) {
        self.groups.remove(&id);
        self.history.push((at, id, None));
        self.offer(at);
    }

    /// Tells the devices what their profiles are offered now.
    fn offer(&mut self, at: Timestamp) {
        let targets = |group: &Group| -> BTreeMap<_, _> {
            let target = |on: Environment| Some((on, group.content.target(on)?.parse().ok()?));
            Environment::ALL.into_iter().filter_map(target).collect()
        };
        let mut offers: BTreeMap<&PolicyId, _> =
            self.profiles.iter().map(|profile| (&profile.id, BTreeMap::new())).collect();
        for group in self.groups.values() {
            offers.extend(group.content.policies.iter().map(|policy| (policy, targets(group))));
        }
        self.devices.offer(offers, at);
    }

    /// The groups as they were at an instant.
    pub fn groups_at(&self, at: Timestamp) -> BTreeMap<GroupId, Group> {
        let mut groups = BTreeMap::new();
        for (_, id, group) in self.history.iter().filter(|(changed, ..)| *changed <= at) {
            match group {
                Some(group) => groups.insert(id.clone(), group.clone()),
                None => groups.remove(id),
            };
        }
        groups
    }
}

fn no_answer(message: &str) -> SendOutcome {
    SendOutcome::NoAnswer { message: message.to_owned() }
}
