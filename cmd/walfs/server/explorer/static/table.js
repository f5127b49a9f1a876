// A table of all entries of a log that scrolls smoothly however many there are. Some rows more
// than are seen are in the document, and are used again; what they show comes from the server
// in pages, as it is needed.
//
// A browser cannot make an element of a million rows' height. So the table's room has at most
// maxHeight, and the position in the log (at, in pixels of all rows) is kept apart from the
// scroll bar's: small steps move both alike, so that they are exact; large ones, as when the
// bar is dragged, are scaled. Once the reader rests, the bar is put where the position belongs.

import { onChange } from "./live.js";
import { onKey } from "./keys.js";
import { ask, box, fillRow, lines, makeRow } from "./rows.js";

const maxHeight = 5_000_000;
const pageSize = 200;
const maxPages = 50; // that are kept
const spare = 12; // rows above and below those that are seen

const range = document.getElementById("range");
const jump = document.getElementById("jump");
const table = box.querySelector("table");
const body = table.tBodies[0];

let first = Number(range.dataset.first); // index of the log's first row
let last = Number(range.dataset.last);
let rowHeight = 26;
let headHeight = 26;
let at = 0; // the position: how many pixels of rows are above the view
let ahead = 0; // by how much it is more than the scroll bar's
let seenTop = 0; // the scroll bar's, as it was last looked at
let direction = 1;
let top = -1; // the number of the row that is the first in the document
let active = 0; // the index that the keys have chosen; 0: none

const seeds = new Map(); // rows that came with the page
const pages = new Map(); // by number, those used last at the end: {rows, stale, loading}

const count = () => last - first + 1;
const viewHeight = () => box.clientHeight - headHeight;
const fullHeight = () => count() * rowHeight;
const roomHeight = () => Math.min(fullHeight(), maxHeight);
const end = () => Math.max(fullHeight() - viewHeight(), 0);
const barEnd = () => Math.max(roomHeight() - viewHeight(), 0);
const clamp = (n, low, high) => Math.min(Math.max(n, low), high);
// What the browser rounds is less than a pixel.
const atEnd = () => at >= end() - 1;

let room;

export function start() {
  for (const row of body.rows) {
    const [, term, kind, type, size, what, file] = row.cells;
    const index = Number(row.dataset.index);
    seeds.set(index, file
      ? { index, term: term.textContent, kind: kind.textContent, type: type.textContent, size: Number(size.textContent.replaceAll(",", "")),
          what: what.textContent.replace(/^not committed /, ""), file: file.textContent }
      : { index, error: term.textContent });
  }
  room = document.createElement("div");
  room.className = "room";
  room.append(table);
  box.replaceChildren(room);
  box.classList.add("virtual");
  document.getElementById("pages").hidden = true;
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", "Entries, by index");
  table.tHead.rows[0].setAttribute("aria-rowindex", "1");
  table.tabIndex = 0;

  body.replaceChildren(makeRow());
  rowHeight = body.rows[0].getBoundingClientRect().height;
  headHeight = table.tHead.getBoundingClientRect().height;
  const from = Number(new URLSearchParams(location.search).get("from")?.replaceAll(",", "") ?? 0);
  resize();
  go(from > 0 ? (from - first) * rowHeight : 0);
  if (from > 0) {
    choose(clamp(from, first, last));
  }

  box.addEventListener("scroll", scrolled, { passive: true });
  new ResizeObserver(() => {
    resize();
    go(at);
  }).observe(box);
  jump.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const index = Number(jump.value.replaceAll(",", ""));
    if (Number.isInteger(index)) {
      goTo(clamp(index, first, last));
    }
  });
  body.addEventListener("click", (event) => choose(Number(event.target.closest("tr").dataset.index)));
  keys();
  onChange(() => {
    for (const page of pages.values()) {
      page.stale = true;
    }
  });
  // live.js brings up to date what the page says of the log.
  new MutationObserver(grown).observe(range, { attributes: true });
}

// resize makes as many rows as are needed, and the room as high as all of them.
function resize() {
  const stay = atEnd();
  room.style.height = `${roomHeight() + headHeight}px`;
  const rows = Math.min(Math.ceil(viewHeight() / rowHeight) + 2 * spare, count());
  while (body.rows.length > rows) {
    body.lastElementChild.remove();
  }
  while (body.rows.length < rows) {
    const row = makeRow();
    row.id = `row-${body.rows.length}`;
    row.cells[0].firstChild.tabIndex = -1; // the table is one stop for the Tab key
    body.append(row);
  }
  body.querySelectorAll("tr").forEach((row, i) => (row.id = `row-${i}`));
  table.setAttribute("aria-rowcount", String(count() + 1));
  top = -1;
  if (stay) {
    at = end();
  }
}

// go moves to a position.
function go(position) {
  at = clamp(position, 0, end());
  const bar = fullHeight() > maxHeight ? (at * barEnd()) / Math.max(end(), 1) : at;
  if (Math.abs(box.scrollTop - bar) >= 1) {
    box.scrollTop = bar;
  }
  seenTop = box.scrollTop; // which is rounded
  ahead = at - seenTop;
  show();
}

let resting;

function scrolled() {
  const now = box.scrollTop;
  const step = now - seenTop;
  if (step === 0) {
    return;
  }
  seenTop = now;
  direction = Math.sign(step);
  const scaled = fullHeight() > maxHeight;
  if (!scaled) {
    at = now;
  } else if (Math.abs(step) < 4 * box.clientHeight) {
    at = clamp(at + step, 0, end());
  } else {
    at = (now * end()) / barEnd();
  }
  ahead = at - now;
  if (scaled && ((now <= 0 && at > 0) || (now >= barEnd() - 1 && !atEnd()))) {
    go(at); // the bar has come to an end, the log has not
    return;
  }
  show(Math.abs(step) > box.clientHeight);
  clearTimeout(resting);
  resting = setTimeout(() => box.scrollTop === seenTop && go(at), 200); // else there is more to come
}

// show puts the rows where they are seen, and fills those that were not there before.
function show(fast) {
  const rows = body.rows.length;
  const newTop = clamp(Math.floor(at / rowHeight) - spare, 0, count() - rows);
  let from = 0;
  let to = rows;
  const moved = newTop - top;
  if (top >= 0 && Math.abs(moved) < rows) { // some rows stay: the others change sides
    for (let i = 0; i < moved; i++) {
      body.append(body.firstElementChild);
    }
    for (let i = 0; i > moved; i--) {
      body.prepend(body.lastElementChild);
    }
    [from, to] = moved >= 0 ? [rows - moved, rows] : [0, -moved];
  }
  top = newTop;
  table.style.top = `${top * rowHeight - ahead}px`;
  for (let i = from; i < to; i++) {
    fill(body.rows[i], first + top + i);
  }
  need(fast);
  remember();
}

// fill shows an index in a row, as far as it is known.
function fill(row, index) {
  const page = pages.get(pageOf(index));
  const entry = page?.rows ? page.rows.get(index) : seeds.get(index);
  row.setAttribute("aria-rowindex", String(index - first + 2));
  if (entry) {
    fillRow(row, entry, "", "", null);
  } else if (page?.rows && index <= page.last) {
    fillRow(row, { index }, "absent", "no entry with this index is in the log", null);
  } else {
    fillRow(row, { index }, "loading", page?.failed ?? "…", null);
  }
  mark(row, index === active);
}

function mark(row, isActive) {
  row.classList.toggle("active", isActive);
  row.setAttribute("aria-selected", String(isActive));
  if (isActive) {
    table.setAttribute("aria-activedescendant", row.id);
  } else if (table.getAttribute("aria-activedescendant") === row.id) {
    table.removeAttribute("aria-activedescendant");
  }
}

// Pages begin at multiples of their size, so that they stay the same when the log's first
// entries go.
function pageOf(index) {
  return Math.floor(index / pageSize);
}

let waiting;

// need asks for the pages of the rows in the document, and for the next one in the direction of
// reading. What is no longer needed is not waited for. While somebody rushes past, nothing is
// asked for.
function need(fast) {
  clearTimeout(waiting);
  if (fast) {
    waiting = setTimeout(need, 60);
    return;
  }
  const from = pageOf(first + top);
  const to = pageOf(first + top + body.rows.length - 1);
  const needed = [];
  for (let n = from; n <= to; n++) {
    needed.push(n);
  }
  const next = direction > 0 ? to + 1 : from - 1;
  if (next >= pageOf(first) && next <= pageOf(last)) {
    needed.push(next);
  }
  for (const [n, page] of pages) {
    if (page.loading && !needed.includes(n)) {
      page.loading.abort();
    }
  }
  for (const n of needed) {
    const page = pages.get(n) ?? {};
    pages.delete(n);
    pages.set(n, page); // it is the one used last
    if (!page.loading && (!page.rows || page.stale)) {
      load(n, page);
    }
  }
  for (const n of pages.keys()) {
    if (pages.size <= maxPages) {
      break;
    }
    pages.delete(n);
  }
}

async function load(n, page) {
  const loading = new AbortController();
  page.loading = loading;
  page.stale = false;
  const from = Math.max(n * pageSize, first);
  const to = Math.min((n + 1) * pageSize - 1, last);
  try {
    const answer = await ask(`from=${from}&to=${to}&limit=${pageSize}`, loading.signal);
    const rows = new Map();
    for await (const line of lines(answer)) {
      if (line.index) {
        rows.set(line.index, line);
      }
    }
    page.rows = rows;
    page.last = to;
    page.failed = undefined;
  } catch (error) {
    page.stale = true;
    if (error.name !== "AbortError") {
      page.failed = `not loaded: ${error.message}`;
      setTimeout(need, 2000);
    }
  }
  page.loading = undefined;
  for (const row of body.rows) {
    const index = Number(row.dataset.index);
    if (pageOf(index) === n) {
      fill(row, index);
    }
  }
}

// grown takes over what the page says of the log now: it may have more at its end, and less at
// its beginning. Who is at the end stays there; who is not, stays at the same entry.
function grown() {
  const following = atEnd();
  const newFirst = Number(range.dataset.first);
  const position = at + (first - newFirst) * rowHeight;
  if (Number(range.dataset.last) < last) { // what came in the place of entries may have fewer
    pages.clear();
  }
  seeds.clear();
  first = newFirst;
  last = Number(range.dataset.last);
  if (count() <= 0 || last === 0) {
    location.reload(); // the log is empty now
    return;
  }
  resize();
  direction = 1;
  go(following ? end() : position);
}

// choose makes an index the active one.
function choose(index) {
  active = index;
  for (const row of body.rows) {
    mark(row, Number(row.dataset.index) === index);
  }
}

// goTo makes an index the active one, and shows it.
function goTo(index) {
  const y = (index - first) * rowHeight;
  if (y < at || y + rowHeight > at + viewHeight()) {
    const far = Math.abs(y - at) > 2 * viewHeight();
    direction = y < at ? -1 : 1;
    go(far ? y - viewHeight() / 3 : y < at ? y : y + rowHeight - viewHeight());
  }
  choose(index);
  table.focus({ preventScroll: true });
}

function keys() {
  const page = () => Math.max(Math.floor(viewHeight() / rowHeight) - 1, 1);
  const shown = () => first + Math.ceil(at / rowHeight);
  // Where nothing is chosen yet, a step is to the first row that is seen.
  const step = (by) => () => (active === 0 ? shown() : active + by());
  for (const [key, to] of Object.entries({
    j: step(() => 1), ArrowDown: step(() => 1), k: step(() => -1), ArrowUp: step(() => -1),
    PageDown: () => (active || shown()) + page(), PageUp: () => (active || shown()) - page(), Home: () => first, End: () => last,
  })) {
    onKey(key, () => {
      if (document.activeElement.closest("a, button, summary")) {
        return false;
      }
      goTo(clamp(to(), first, last));
      return true;
    });
  }
  onKey("Enter", () => {
    if (active === 0 || document.activeElement.closest("a, button, summary")) {
      return false;
    }
    location.href = box.dataset.entry + active;
    return true;
  });
}

let remembering;

// remember keeps the position in the page's address.
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const index = first + Math.round(at / rowHeight);
    const address = index > first ? `${box.dataset.page}?from=${index}` : box.dataset.page;
    if (location.pathname + location.search !== address) {
      history.replaceState(null, "", address);
    }
  }, 300);
}
