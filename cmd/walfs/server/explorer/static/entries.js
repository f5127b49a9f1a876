// The page of entries: of all, a table that scrolls; of those that match, a list that grows.

import { box } from "./rows.js";

if (document.getElementById("range").dataset.last !== "0") {
  const { start } = await import(box.dataset.filtered === undefined ? "./table.js" : "./search.js");
  start();
}
