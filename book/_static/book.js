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

document.addEventListener("DOMContentLoaded", () => {
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
