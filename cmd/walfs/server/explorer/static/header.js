// Where the header's list of logs is longer than the window is wide, the page's own is in view.

document.querySelector(".switcher [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
