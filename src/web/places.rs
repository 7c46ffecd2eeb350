//! Places for connections: who holds how many, and which is given up for a new one.
//!
//! **Invariant:** no holder has more places than its share, and all together no more than there are; a new connection
//! closes an idle one before it is turned away, and no answer under way is given up.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::rollout::record::Actor;
use crate::web::guard::Peer;

/// What one network has of IPv6: whoever has one address there has them all.
const NETWORK_BITS: u32 = 64;

/// Whose places are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder {
    /// An address; of IPv6, its network.
    Address(IpAddr),
    /// Whoever has proven who they are, wherever from: behind a proxy all have one address.
    Known(Actor),
}

impl Holder {
    /// Of a connection that has not asked yet.
    pub(super) fn of(peer: &Peer) -> Self {
        match peer {
            Peer::Local { user } => Self::Known(Actor::Local { user: user.clone() }),
            Peer::Tcp { peer, .. } => Self::Address(match peer.ip().to_canonical() {
                IpAddr::V6(address) => {
                    let network = u128::MAX << (u128::BITS - NETWORK_BITS);
                    IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & network))
                }
                address @ IpAddr::V4(_) => address,
            }),
        }
    }
}

/// So many places.
#[derive(Debug)]
pub(super) struct ConnectionPlaces {
    all: usize,
    /// What one holder may have of them.
    share: usize,
    taken: Mutex<TakenPlaces>,
}

#[derive(Debug, Default)]
struct TakenPlaces {
    /// Numbers places, and orders what happens on them.
    count: u64,
    places: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    holder: Holder,
    /// Requests under way, until their answers are given to the connection.
    busy: usize,
    idle_since: u64,
    given_up: CancellationToken,
}

/// A place. Dropped with its connection.
#[derive(Debug)]
pub(super) struct ConnectionPlace {
    number: u64,
    of: Arc<ConnectionPlaces>,
    pub(super) given_up: CancellationToken,
}

/// It keeps its place busy, until it is dropped.
#[derive(Debug)]
pub(super) struct RequestUnderWay(Arc<ConnectionPlace>);

impl ConnectionPlaces {
    pub(super) fn new(all: usize, share: usize) -> Arc<Self> {
        Arc::new(Self { all, share, taken: Mutex::default() })
    }

    /// A place for a new connection; `None`: every one that it could have is busy.
    pub(super) fn take(self: &Arc<Self>, holder: Holder) -> Option<Arc<ConnectionPlace>> {
        let mut taken = self.taken();
        if taken.held_by(&holder) >= self.share {
            taken.give_up(Some(&holder))?;
        } else if taken.places.len() >= self.all {
            taken.give_up(None)?;
        }
        let given_up = CancellationToken::new();
        let number = taken.next();
        let held = Held { holder, busy: 0, idle_since: number, given_up: given_up.clone() };
        taken.places.insert(number, held);
        Some(Arc::new(ConnectionPlace { number, of: Arc::clone(self), given_up }))
    }

    fn taken(&self) -> MutexGuard<'_, TakenPlaces> {
        // Each change of it is one step.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TakenPlaces {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn held_by(&self, holder: &Holder) -> usize {
        self.places.values().filter(|held| held.holder == *holder).count()
    }

    /// Gives up the place that is idle for longest, of this holder or else of whoever holds most; `None`: none is idle.
    fn give_up(&mut self, of: Option<&Holder>) -> Option<()> {
        let idle = |held: &Held| held.busy == 0 && of.is_none_or(|holder| held.holder == *holder);
        let by_rank = self.places.iter().filter(|(_, held)| idle(held)).map(|(number, held)| {
            let others = if of.is_some() { 0 } else { self.held_by(&held.holder) };
            (std::cmp::Reverse(others), held.idle_since, *number)
        });
        let (.., number) = by_rank.min()?;
        self.places.remove(&number)?.given_up.cancel();
        Some(())
    }
}

impl ConnectionPlace {
    /// A request comes in.
    pub(super) fn begin(self: &Arc<Self>) -> RequestUnderWay {
        if let Some(held) = self.of.taken().places.get_mut(&self.number) {
            held.busy += 1;
        }
        RequestUnderWay(Arc::clone(self))
    }

    /// Counts the place as of whoever its requests prove to come from; whether they may have one more.
    pub(super) fn belongs_to(&self, actor: &Actor) -> bool {
        let holder = Holder::Known(actor.clone());
        let mut taken = self.of.taken();
        let is_new = taken.places.get(&self.number).is_some_and(|held| held.holder != holder);
        if !is_new {
            return true;
        }
        if taken.held_by(&holder) >= self.of.share && taken.give_up(Some(&holder)).is_none() {
            return false;
        }
        if let Some(held) = taken.places.get_mut(&self.number) {
            held.holder = holder;
        }
        true
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.of.taken().places.remove(&self.number);
    }
}

impl Drop for RequestUnderWay {
    fn drop(&mut self) {
        let mut taken = self.0.of.taken();
        let now = taken.next();
        if let Some(held) = taken.places.get_mut(&self.0.number) {
            held.busy = held.busy.saturating_sub(1);
            held.idle_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::guard::TcpRules;

    fn from(address: &str) -> Holder {
        let peer = Peer::Tcp {
            peer: format!("{address}:1").parse().unwrap(),
            local: "127.0.0.1:2".parse().unwrap(),
            rules: Arc::new(TcpRules::default()),
        };
        Holder::of(&peer)
    }

    fn token(name: &str) -> Actor {
        Actor::Token { name: name.parse().unwrap(), email: "ana@example.com".parse().unwrap() }
    }

    #[test]
    fn an_address_has_its_share_and_gives_up_what_is_idle_for_longest() {
        let places = ConnectionPlaces::new(4, 2);
        let first = places.take(from("10.0.0.1")).unwrap();
        let second = places.take(from("10.0.0.1")).unwrap();
        // The first asked last.
        drop(first.begin());
        let third = places.take(from("10.0.0.1")).unwrap();
        assert!(second.given_up.is_cancelled() && !first.given_up.is_cancelled());
        let answers = (first.begin(), third.begin());
        assert!(places.take(from("10.0.0.1")).is_none(), "both are busy");
        assert!(places.take(from("10.0.0.2")).is_some(), "another address has its own");
        drop(answers);
        assert!(places.take(from("10.0.0.1")).is_some());
    }

    #[test]
    fn when_all_are_taken_whoever_has_most_gives_up_an_idle_one() {
        let places = ConnectionPlaces::new(3, 2);
        let one = places.take(from("10.0.0.1")).unwrap();
        let two = (places.take(from("10.0.0.2")).unwrap(), places.take(from("10.0.0.2")).unwrap());
        let new = places.take(from("10.0.0.3")).unwrap();
        assert!(!one.given_up.is_cancelled() && two.0.given_up.is_cancelled());
        let _answers = (one.begin(), two.1.begin(), new.begin());
        assert!(places.take(from("10.0.0.4")).is_none(), "all are busy");
    }

    #[test]
    fn a_place_is_of_whoever_proves_who_they_are() {
        let places = ConnectionPlaces::new(9, 2);
        let proxy = "10.0.0.1";
        let ana: Vec<_> = (0..2)
            .map(|_| {
                let place = places.take(from(proxy)).unwrap();
                assert!(place.belongs_to(&token("ana")));
                place
            })
            .collect();
        let bob = places.take(from(proxy)).unwrap();
        assert!(bob.belongs_to(&token("bob")) && bob.belongs_to(&token("bob")), "behind one proxy");
        let third = places.take(from(proxy)).unwrap();
        let _answers: Vec<_> = ana.iter().map(ConnectionPlace::begin).collect();
        assert!(!third.belongs_to(&token("ana")), "her share is taken, and busy");
        assert!(third.belongs_to(&token("carol")));
    }

    #[test]
    fn holders_are_addresses_and_networks() {
        let rows = [
            ("the same", "10.0.0.1", "10.0.0.1", true),
            ("a neighbour", "10.0.0.1", "10.0.0.2", false),
            ("one network of IPv6", "[2001:db8::1]", "[2001:db8::ffff:1]", true),
            ("another", "[2001:db8::1]", "[2001:db8:0:1::1]", false),
            ("one that is written as IPv6", "10.0.0.1", "[::ffff:10.0.0.1]", true),
            ("two of those", "[::ffff:10.0.0.2]", "[::ffff:10.0.0.1]", false),
        ];
        for (row, one, other, same) in rows {
            assert_eq!(from(one) == from(other), same, "{row}");
        }
    }
}
