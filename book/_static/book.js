// What scrolls can be reached without a mouse, and the sidebar is a landmark.
"use strict";

const BOXES = ".bd-article :is(pre, table, div, mjx-container, .math)";

function scrolls(box) {
  const style = getComputedStyle(box);
  const across = /auto|scroll/.test(style.overflowX) && box.scrollWidth > box.clientWidth;
  return across || (/auto|scroll/.test(style.overflowY) && box.scrollHeight > box.clientHeight);
}

function reach() {
  for (const box of document.querySelectorAll(BOXES)) {
    if (scrolls(box)) box.tabIndex = 0;
  }
}

// A line may break behind a formula, which is a box; not before the comma that follows.
function keepSigns() {
  for (const formula of document.querySelectorAll(".bd-article span.math")) {
    const next = formula.nextSibling;
    const sign = next?.nodeType === Node.TEXT_NODE && next.data.match(/^[.,;:?!)’”]+/);
    if (!sign) continue;
    const kept = document.createElement("span");
    kept.className = "kept";
    formula.replaceWith(kept);
    kept.append(formula, sign[0]);
    next.data = next.data.slice(sign[0].length);
  }
}

// Paper cannot be unfolded: proofs, numbers and answers are printed, then folded again.
const unfolded = [];

window.addEventListener("beforeprint", () => {
  for (const box of document.querySelectorAll("details.sd-dropdown:not([open])")) {
    box.open = true;
    unfolded.push(box);
  }
});
window.addEventListener("afterprint", () => {
  for (const box of unfolded.splice(0)) box.open = false;
});

document.addEventListener("DOMContentLoaded", () => {
  keepSigns();
  const sidebar = document.querySelector("#pst-primary-sidebar, .bd-sidebar-primary");
  sidebar?.setAttribute("role", "complementary");
  sidebar?.setAttribute("aria-label", "The book");
});
window.addEventListener("load", async () => {
  reach();
  await window.MathJax?.startup?.promise;
  reach();
  document.addEventListener("toggle", reach, true);
  window.addEventListener("resize", reach);
});
