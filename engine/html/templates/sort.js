"use strict";
/* Headings that sort, and a field that sifts rows. Without a script the tables stand as they are. */
const number = (cell) => {
  const known = cell.querySelector("data");
  return known ? known.value : null;
};
const compare = (a, b, numeric) => (numeric ? Number(a) - Number(b) : String(a).localeCompare(String(b)));
const keyOf = (row, place) => {
  const cell = row.children[place];
  return number(cell) ?? (cell.classList.contains("missing") ? null : cell.textContent.trim());
};
function sort(table, heading, place) {
  const down = heading.getAttribute("aria-sort") !== "descending";
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [keyOf(row, place), row]);
  const numeric = rows.every(([key]) => key === null || (key !== "" && !Number.isNaN(Number(key))));
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return down ? compare(b, a, numeric) : compare(a, b, numeric);
  });
  body.append(...rows.map(([, row]) => row));
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
}
for (const table of document.querySelectorAll("table[data-sortable]")) {
  [...table.tHead.rows[0].children].forEach((heading, place) => {
    if (!heading.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, heading, place));
  });
}
for (const field of document.querySelectorAll("input[data-sifts]")) {
  field.parentElement.hidden = false;
  const rows = [...document.getElementById(field.dataset.sifts).tBodies[0].rows];
  const told = document.getElementById(field.dataset.sifts + "-told");
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.children[0].textContent.toLowerCase().includes(wanted);
    told.textContent = rows.filter((row) => !row.hidden).length + " of " + rows.length + " shown";
  });
}
