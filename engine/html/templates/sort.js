"use strict";
/* Sort rows by a click on a heading, and filter them by a search field. Without scripts the tables are static. */
const number = (cell) => {
  const data = cell.querySelector("data");
  return data ? data.value : null;
};
const compare = (a, b, numeric) => (numeric ? Number(a) - Number(b) : String(a).localeCompare(String(b)));
const keyOf = (row, column) => {
  const cell = row.children[column];
  return number(cell) ?? (cell.classList.contains("missing") ? null : cell.textContent.trim());
};
function sort(table, heading, column) {
  const down = heading.getAttribute("aria-sort") !== "descending";
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
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
  [...table.tHead.rows[0].children].forEach((heading, column) => {
    if (!heading.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, heading, column));
  });
}
for (const field of document.querySelectorAll("input[data-filters]")) {
  field.parentElement.hidden = false;
  const rows = [...document.getElementById(field.dataset.filters).tBodies[0].rows];
  const status = document.getElementById(field.dataset.filters + "-shown");
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.children[0].textContent.toLowerCase().includes(wanted);
    status.textContent = rows.filter((row) => !row.hidden).length + " of " + rows.length + " shown";
  });
}
