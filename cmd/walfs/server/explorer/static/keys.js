// The keys that work on every page. Those of one page are added by its own script.

import { togglePause } from "./live.js";

const dialog = document.getElementById("keys");
const own = new Map();
let going = false; // g was pressed, and the next key says where to go

// onKey makes fn be called when a key is pressed outside of fields. fn returns false if it
// has nothing to do.
export function onKey(key, fn) {
  own.set(key, fn);
}

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

function follow(selector) {
  const link = document.querySelector(selector);
  if (link) {
    link.click();
  }
  return link !== null;
}

function press(key) {
  if (going) {
    going = false;
    if (/^[a-z]$/.test(key)) {
      return follow(`a[data-go="${key}"]`);
    }
    return false;
  }
  if (own.has(key)) {
    return own.get(key)() !== false;
  }
  switch (key) {
    case "g":
      going = true;
      setTimeout(() => (going = false), 1500);
      return true;
    case "/": {
      const field = document.querySelector("[data-filter]");
      field?.focus();
      return Boolean(field);
    }
    case "[":
      return follow("a[rel=prev]");
    case "]":
      return follow("a[rel=next]");
    case "p":
      togglePause();
      return true;
    case "?":
      dialog.showModal();
      return true;
  }
  return false;
}

document.addEventListener("keydown", (event) => {
  const special = event.ctrlKey || event.metaKey || event.altKey;
  if (special || event.isComposing || event.defaultPrevented || dialog.open || typing(event.target)) {
    return;
  }
  if (press(event.key)) {
    event.preventDefault();
  }
});

const button = document.getElementById("show-keys");
button.hidden = false;
button.addEventListener("click", () => dialog.showModal());
