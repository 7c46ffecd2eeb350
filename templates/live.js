// Keeps the page up to date: the daemon says that something changed, and the page is fetched again
// and its <main> exchanged. All that it shows is in the page without this, too.
//
// A browser opens six connections to one server, and a stream keeps one: so the windows of one
// browser share one stream, held by whichever has the lock, and a hidden window takes no part.
"use strict";
(() => {
  const live = document.getElementById("live");
  const apart = 1000; // milliseconds between two fetches
  const again = 5000; // milliseconds before another try where the browser does not try by itself
  const patience = 3000; // milliseconds without a stream that are no loss
  const shared = "ringward-events"; // the lock on the stream, and the channel that passes its words on
  const channel = "BroadcastChannel" in window ? new BroadcastChannel(shared) : null;
  const main = () => document.querySelector("main[data-live]");
  const decided = () => main().querySelector("time").textContent;
  const toggled = new Map(); // rings that the reader opened or closed
  let source = null; // the stream, in the window that holds it
  let flowing = false; // whether it is open, here or in the window that holds it
  let leave = null; // ends this window's part in it
  let retry = 0;
  let mourning = 0;
  let last = -apart;
  let timer = 0;
  let busy = false;
  let stale = false;

  function say(state, text) {
    if (live.dataset.state === state) return;
    live.dataset.state = state;
    live.textContent = text;
  }
  const lost = () => say("lost", `Connection lost. This was true at ${decided()}`);

  // Something changed: fetch soon, but not while the reader copies something or looks elsewhere.
  function soon() {
    stale = true;
    if (timer || busy || document.hidden) return;
    timer = setTimeout(fetchPage, Math.max(0, last + apart - performance.now()));
  }

  function reads() {
    const chosen = getSelection();
    return !chosen.isCollapsed && main().contains(chosen.anchorNode);
  }

  async function fetchPage() {
    timer = 0;
    if (reads()) return;
    busy = true;
    stale = false;
    last = performance.now();
    try {
      const answer = await fetch(location.pathname + location.search, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
      if (flowing) say("live", "Live");
    } catch {
      lost();
    } finally {
      busy = false;
    }
    if (stale) soon();
  }

  function exchange(page) {
    const ours = document.querySelector("script[src]").src;
    const theirs = page.querySelector("script[src]");
    const next = page.querySelector("main[data-live]");
    // Another ringward answers: take all of its page.
    if (!theirs || theirs.src !== ours || !next) return location.reload();
    for (const [id, open] of toggled) {
      const ring = next.querySelector(`#${CSS.escape(id)}`);
      if (ring) ring.open = open;
    }
    const held = document.activeElement;
    const focus = main().contains(held) ? held.id || held.closest("details")?.id : "";
    const onSummary = held.localName === "summary";
    document.title = page.title;
    main().replaceWith(document.adoptNode(next));
    if (!focus) return;
    const target = document.getElementById(focus);
    const wanted = onSummary ? target?.querySelector("summary") : target;
    (wanted || main()).focus({ preventScroll: true });
  }

  function unmourn() {
    clearTimeout(mourning);
    mourning = 0;
  }

  function heard(word) {
    const before = flowing;
    flowing = word !== "lost";
    // A stream ends every few minutes and comes back at once; that is no loss. One that does not
    // fails again and again, and the first time counts.
    if (!flowing) return void (mourning ||= setTimeout(lost, patience));
    unmourn();
    if (word === "changed" || !before) soon();
  }

  function tell(word) {
    heard(word);
    channel?.postMessage(word);
  }

  function listen() {
    source = new EventSource("/api/v1/events");
    const changed = () => tell("changed");
    source.onopen = changed;
    source.onerror = () => {
      tell("lost");
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(listen, again);
    };
    source.addEventListener("view", changed);
    source.addEventListener("resync", changed);
  }

  // Holds the stream until this window's part is over.
  async function hold(over) {
    listen();
    await over;
    clearTimeout(retry);
    source.close();
    source = null;
  }

  function join() {
    if (leave || document.hidden) return;
    flowing = false;
    const end = new AbortController();
    const { signal } = end;
    const over = new Promise((resume) => signal.addEventListener("abort", resume));
    leave = () => end.abort();
    // Browsers have locks only on this machine's own addresses and over TLS.
    if (!channel || !navigator.locks) return void hold(over);
    navigator.locks.request(shared, { signal }, () => hold(over)).catch(() => signal.aborted || hold(over));
    channel.postMessage("how is it?");
  }

  function depart() {
    unmourn();
    leave?.();
    leave = null;
  }

  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data !== "how is it?") leave && heard(data);
      else if (source && flowing) channel.postMessage("open");
    };
  }

  // What was done stands above <main> until the page is left; its address would show it again.
  if (new URLSearchParams(location.search).has("after")) history.replaceState(null, "", location.pathname);
  document.addEventListener("click", (event) => {
    const ring = event.target.closest?.("summary")?.parentElement;
    if (ring?.id) toggled.set(ring.id, !ring.open);
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? depart() : join()));
  addEventListener("pagehide", depart);
  addEventListener("pageshow", join);
  document.addEventListener("selectionchange", () => stale && !reads() && soon());
  join();
})();
