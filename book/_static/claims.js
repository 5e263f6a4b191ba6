// The page of claims: show the rows that match, and unfold the one an address names.
"use strict";

const form = document.querySelector(".claims-filter");
const rows = [...document.querySelectorAll("details.claim")];
const [button, output] = [form.querySelector("button"), form.querySelector("output")];

function shown() {
  return rows.filter((row) => !row.hidden);
}

function filter() {
  const wanted = [...new FormData(form)].filter(([, value]) => value);
  for (const row of rows) {
    row.hidden = !wanted.every(([name, value]) => row.dataset[name] === value);
  }
  // A section without a row that matches takes no room.
  for (const section of document.querySelectorAll("section section")) {
    const mine = [...section.querySelectorAll("details.claim")];
    section.hidden = mine.length > 0 && mine.every((row) => row.hidden);
  }
  output.textContent = `${shown().length} of ${rows.length} claims`;
}

function unfold() {
  const open = button.textContent === "Unfold";
  for (const row of shown()) row.open = open;
  button.textContent = open ? "Fold" : "Unfold";
}

function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const row = target?.closest("details.claim");
  if (!row) return;
  if (row.hidden) {
    form.reset();
    filter();
  }
  row.open = true;
  target.scrollIntoView();
}

form.hidden = false;
form.addEventListener("change", filter);
button.addEventListener("click", unfold);
window.addEventListener("hashchange", follow);
filter();
follow();
