// Names the part of an entry's bytes that is pointed at, or whose row in the table of parts has
// the focus.

const named = document.getElementById("part-named");

for (const section of document.querySelectorAll(".hex")) {
  const parts = section.querySelectorAll("[data-part]");
  const name = (key) => {
    for (const part of parts) {
      part.classList.toggle("named", part.dataset.part === key);
    }
  };
  for (const type of ["pointerover", "focusin"]) {
    section.addEventListener(type, (event) => {
      const part = event.target.closest("[data-part]");
      name(part?.dataset.part);
      if (type === "focusin" && part) {
        named.textContent = part.textContent;
      }
    });
  }
  section.addEventListener("pointerleave", () => name(undefined));
  section.addEventListener("focusout", () => name(undefined));
}
