// The entries that match a filter: a list that grows while the server searches. The page came
// with the first ones; this goes on behind them.

import { onChange, say } from "./live.js";
import { onKey } from "./keys.js";
import { ask, box, fillRow, lines, makeRow } from "./rows.js";

const atOnce = 500; // rows, before the reader is asked

const found = document.getElementById("found");
const stop = document.getElementById("stop");
const body = box.querySelector("tbody");
const pages = document.getElementById("pages");

let last = Number(document.getElementById("range").dataset.last); // of the log
let scanned = Number(box.dataset.scanned); // the last index that was looked at
let rows = body.rows.length;
let searching = null; // what ends the search
let complete = box.dataset.next === "0"; // all was looked at
let more;

const asked = new URLSearchParams(box.dataset.query);
const to = Number(asked.get("to") || Infinity); // no more is asked for
const pattern = patternOf(asked.get("grep"));

// patternOf is a filter's regular expression, if it means the same here. Otherwise nothing is
// marked.
function patternOf(text) {
  if (!text) {
    return null;
  }
  const insensitive = text.startsWith("(?i)");
  try {
    return new RegExp(insensitive ? text.slice(4) : text, insensitive ? "giu" : "gu");
  } catch {
    return null;
  }
}

export function start() {
  more = document.createElement("button");
  more.type = "button";
  more.addEventListener("click", search);
  document.getElementById("later")?.remove();
  pages.append(more);
  stop.addEventListener("click", () => searching?.abort());
  onKey("j", () => step(1));
  onKey("k", () => step(-1));
  onChange((change) => {
    last = change.last_index ?? last;
    if (complete && !searching && scanned < Math.min(last, to)) { // there may be more at the end
      search();
    }
  });
  tell();
  if (!complete && rows < atOnce) {
    search();
  }
}

// step moves the focus to the row below or above.
function step(by) {
  const now = document.activeElement.closest("#entries tr[data-index]");
  const row = now ? body.rows[now.sectionRowIndex + by] : body.rows[0];
  row?.querySelector("a").focus();
  return Boolean(row);
}

async function search() {
  const control = new AbortController();
  searching = control;
  const wasComplete = complete;
  const before = rows;
  const through = last; // the server may know of more: it is asked for these again
  let stopped = "";
  complete = false;
  tell();
  try {
    const answer = await ask(`${box.dataset.query}&from=${scanned + 1}&limit=${atOnce}`, control.signal);
    let next = 0;
    for await (const line of lines(answer)) {
      if (line.next) {
        next = line.next;
        scanned = next - 1;
      } else if (line.scanned) {
        scanned = line.scanned;
      } else {
        add(line);
      }
      tellSoon();
    }
    complete = next === 0;
    if (complete) {
      scanned = Math.max(scanned, through);
    }
  } catch (error) {
    stopped = error.name === "AbortError" ? "stopped" : error.message;
  }
  searching = null;
  tell(stopped);
  if (!wasComplete || rows > before) {
    say(`${rows.toLocaleString("en")} found.`);
  }
}

function add(entry) {
  scanned = entry.index;
  const row = makeRow();
  fillRow(row, entry, "", "", pattern);
  body.append(row);
  box.querySelector(".nothing")?.remove();
  rows++;
}

let telling;

function tellSoon() {
  telling ??= setTimeout(tell, 100);
}

// tell says how far the search is.
function tell(stopped) {
  clearTimeout(telling);
  telling = undefined;
  const number = (n) => n.toLocaleString("en");
  let text = `Scanned to ${number(scanned)}, ${number(rows)} found`;
  if (searching) {
    text += " …";
  } else if (stopped) {
    text += `; ${stopped}`;
  } else if (complete) {
    text = `Scanned to ${number(scanned)}, the end; ${number(rows)} found`;
  }
  found.textContent = text;
  stop.hidden = !searching;
  more.hidden = complete || Boolean(searching);
  more.textContent = `Go on from ${number(scanned + 1)}`;
}
