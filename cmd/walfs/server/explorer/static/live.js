// Keeps a page up to date. The server tells when a log has changed; then the page's own address
// is asked for again, and of the elements marked data-live those parts are changed that differ.
// So there is one way in which a page is made, and what has focus or is selected stays.

const watching = JSON.parse(document.body.dataset.watching) || [];
const button = document.getElementById("live");
const listeners = [];

let paused = false;
let connected = true; // until it is known that it is not
let missed = false; // something has changed since the page was last brought up to date

// onChange calls fn with the data of each change of a log that the page shows: name, version,
// last_index, commit_index, term. While the page is paused it calls nobody; going on, it calls
// fn with the last change of each log.
export function onChange(fn) {
  listeners.push(fn);
}

// isPaused tells whether what is shown is to stay as it is.
export function isPaused() {
  return paused;
}

const newest = new Map(); // of each log, the change that nobody has been told of

function changed(change) {
  if (!watching.includes(change.name)) {
    return;
  }
  newest.set(change.name, change);
  tell();
}

function tell() {
  if (paused || newest.size === 0) {
    return;
  }
  const changes = [...newest.values()];
  newest.clear();
  for (const change of changes) {
    for (const fn of listeners) {
      fn(change);
    }
  }
  missed = true;
  refresh();
}

// refresh asks for the page, once at a time and at most twice a second; and goes on with that
// while the server is at work on something, which ends without a change of a log.
let refreshing = false;

export async function refresh() {
  missed = true;
  if (refreshing || !document.querySelector("[data-live]")) {
    return;
  }
  refreshing = true;
  while (isDue()) {
    missed = false;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!paused) {
          update(page);
        }
      }
    } catch {
      // The server is away. The stream of events says so, and begins again when it is back.
    }
    await new Promise((done) => setTimeout(done, 500));
  }
  refreshing = false;
}

function isDue() {
  return !paused && connected && !document.hidden && (missed || document.querySelector("[data-unfinished]") !== null);
}

function refreshIfDue() {
  if (isDue()) {
    refresh();
  }
}

function update(page) {
  for (const old of document.querySelectorAll("[data-live][id]")) {
    const now = page.getElementById(old.id);
    if (now) {
      become(old, now);
    }
  }
}

// become changes an element into another one with as few changes as are seen.
function become(old, now) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) {
    old.replaceWith(document.importNode(now, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== now.data) {
      old.data = now.data;
    }
    return;
  }
  // What the reader has done stays: what is open, and what is typed into a field.
  for (const { name } of [...old.attributes]) {
    if (!now.hasAttribute(name) && !(name === "open")) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of now.attributes) {
    if (old.getAttribute(name) !== value && !(name === "open")) {
      old.setAttribute(name, value);
    }
  }
  const keyed = new Map();
  for (const child of old.children) {
    if (child.dataset.key) {
      keyed.set(child.dataset.key, child);
    }
  }
  let at = old.firstChild;
  for (const child of [...now.childNodes]) {
    const key = child.dataset?.key;
    const same = key ? keyed.get(key) : at && !at.dataset?.key ? at : null;
    if (!same) {
      old.insertBefore(document.importNode(child, true), at);
      continue;
    }
    while (key && at !== same && at && !stays(at, now)) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    if (same !== at) {
      old.insertBefore(same, at);
    }
    at = same.nextSibling;
    become(same, child);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// stays tells whether a child with a key is among the new ones.
function stays(child, now) {
  const key = child.dataset?.key;
  return key && [...now.children].some((other) => other.dataset.key === key);
}

function show() {
  button.hidden = false;
  button.setAttribute("aria-pressed", String(!paused));
  button.className = paused ? "paused" : connected ? "live" : "lost";
  button.textContent = paused ? "Paused" : connected ? "Live" : "Connection lost";
}

// say tells readers of the screen something, which is to be rare.
export function say(text) {
  document.getElementById("said").textContent = text;
}

export function togglePause() {
  paused = !paused;
  show();
  say(paused ? "The page is paused." : "The page is live.");
  if (!paused) {
    tell();
    refreshIfDue();
  }
}

// A page that nobody sees has no stream of events: a browser has six connections to a server at
// a time, for all pages of it, those behind its back button too. Once it is seen again, the new
// stream begins with how each log is.
let events = null;

function connect() {
  if (events || document.hidden) {
    return;
  }
  events = new EventSource("/api/events");
  events.addEventListener("open", () => {
    if (!connected) {
      connected = true;
      say("The connection is back.");
    }
    show();
  });
  events.addEventListener("change", (event) => changed(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    if (connected) {
      connected = false;
      say("The connection to the server is lost.");
    }
    show();
    if (events.readyState === EventSource.CLOSED) { // it does not try again by itself
      disconnect();
      setTimeout(connect, 5000);
    }
  });
}

function disconnect() {
  events?.close();
  events = null;
}

if (watching.length > 0) {
  button.addEventListener("click", togglePause);
  show();
  connect();
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      disconnect();
    } else {
      connect();
      refreshIfDue();
    }
  });
}
setTimeout(refreshIfDue, 500);
