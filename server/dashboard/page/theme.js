// Before anything is drawn, so that a page does not flash in the other scheme. "auto" is the system's.
"use strict";
(() => {
  let theme = "auto";
  try {
    theme = localStorage.getItem("theme") ?? "auto";
  } catch {
    // Nothing can be kept here: the system's scheme it is.
  }
  document.documentElement.dataset.theme = theme;
})();
