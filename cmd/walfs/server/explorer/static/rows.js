// The rows of the tables of entries: what /api/NAME/entries says of an entry, in cells.

export const box = document.getElementById("entries");

const names = JSON.parse(box.dataset.types); // how filters call the types
const range = document.getElementById("range");
const classes = ["number index c-index", "number c-term", "c-kind", "c-type", "number c-size", "c-what", "c-file"];

// makeRow makes an empty row.
export function makeRow() {
  const row = document.createElement("tr");
  for (const name of classes) {
    row.insertCell().className = name;
  }
  row.cells[0].append(document.createElement("a"));
  return row;
}

// fillRow shows an entry in a row. state is "" for an entry that is there; else the entry has
// no more than its index, and text says why. pattern is what is to be marked, or null.
export function fillRow(row, entry, state, text, pattern) {
  const [index, term, kind, type, size, what, file] = row.cells;
  row.dataset.index = entry.index;
  row.className = entry.error ? "broken" : state;
  const link = index.firstChild;
  link.href = box.dataset.entry + entry.index;
  link.textContent = entry.index;
  const there = state === "" && !entry.error;
  term.textContent = there ? entry.term : "";
  kind.textContent = there ? entry.kind : "";
  type.textContent = there ? (names[entry.type] ?? entry.type) : "";
  size.textContent = there ? entry.size.toLocaleString("en") : "";
  file.textContent = there ? entry.file : "";
  what.title = there ? entry.what : (entry.error ?? "");
  if (!there) {
    what.textContent = entry.error ?? text;
    return;
  }
  what.textContent = "";
  const commit = range.dataset.commit;
  if (commit && entry.index > Number(commit)) {
    const badge = document.createElement("span");
    badge.className = "badge warn";
    badge.textContent = "not committed";
    what.append(badge, " ");
  }
  mark(what, entry.what, pattern);
}

// mark appends a text, with what matches a pattern marked.
function mark(cell, text, pattern) {
  let at = 0;
  if (pattern) {
    for (const found of text.matchAll(pattern)) {
      if (found[0] !== "") {
        const marked = document.createElement("mark");
        marked.textContent = found[0];
        cell.append(text.slice(at, found.index), marked);
        at = found.index + found[0].length;
      }
    }
  }
  cell.append(text.slice(at));
}

// lines goes through the lines of JSON of an answer, as they come.
export async function* lines(answer) {
  let rest = "";
  for await (const text of pieces(answer.body.pipeThrough(new TextDecoderStream()))) {
    const list = (rest + text).split("\n");
    rest = list.pop();
    for (const line of list) {
      yield JSON.parse(line);
    }
  }
  if (rest !== "") {
    throw new Error("the answer was cut off");
  }
}

async function* pieces(stream) { // not all browsers go through streams by themselves
  const reader = stream.getReader();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      yield piece.value;
    }
  } finally {
    reader.cancel().catch(() => {}); // it is of no more use
  }
}

// ask gets entries, and fails with what the server says is wrong.
export async function ask(parameters, signal) {
  const answer = await fetch(`${box.dataset.api}?${parameters}`, { signal });
  if (!answer.ok) {
    const text = await answer.text();
    let said = text;
    try {
      said = JSON.parse(text).error ?? text;
    } catch {
      // It is no JSON, but all that is known.
    }
    throw new Error(said);
  }
  return answer;
}
