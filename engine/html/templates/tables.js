"use strict";
/* Sort, filter, copy and save tables. Without scripts the tables are static. */
const FILTERED_FROM = 10; /* rows from which a table has a field to filter them */
const number = (cell) => {
  const data = cell.querySelector("data");
  return data ? data.value : null;
};
/* Return a cell's text without its small print and its drawing. */
function wording(cell) {
  const copy = cell.cloneNode(true);
  copy.querySelectorAll("small, svg").forEach((part) => part.remove());
  return copy.textContent.trim();
}
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
function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", () => act(made));
  return made;
}
/* A row is shown that passes every test of its table: filters, and the range of sessions. */
const tests = new WeakMap();
function showRows(table) {
  const wanted = [...(tests.get(table)?.values() ?? [])];
  const rows = [...table.tBodies[0].rows];
  for (const row of rows) row.hidden = !wanted.every((passes) => passes(row));
  const status = document.querySelector(`[data-counts="${table.id}"]`);
  if (status) status.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown`;
}
function test(table, name, passes) {
  if (!tests.has(table)) tests.set(table, new Map());
  tests.get(table).set(name, passes);
  showRows(table);
}
/* A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay numbers. */
const harmless = (text) => (/^[=+\-@\t\r]/.test(text) ? "'" + text : text);
function valueOf(cell) {
  const value = number(cell);
  if (value !== null) return value;
  const small = cell.querySelector("small");
  return harmless(wording(cell)) + (small ? ` (${small.textContent.trim()})` : "");
}
function content(table) {
  const heads = [...table.tHead.rows[0].children].map((cell) => harmless(cell.textContent.trim()));
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  return [heads, ...rows.map((row) => [...row.children].map(valueOf))];
}
const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const asCsv = (rows) => rows.map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
const asTabs = (rows) => rows.map((row) => row.map((text) => text.replace(/\s+/g, " ")).join("\t")).join("\n");
function save(table, caption) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([asCsv(content(table))], { type: "text/csv" }));
  link.download = `${document.querySelector("h1").textContent} ${caption}`.replace(/[^\w]+/g, "-") + ".csv";
  link.click();
  URL.revokeObjectURL(link.href);
}
async function copy(table, made) {
  try {
    await navigator.clipboard.writeText(asTabs(content(table)));
    made.textContent = "Copied";
  } catch {
    made.textContent = "Not allowed here: use CSV";
  }
  setTimeout(() => (made.textContent = "Copy"), 1500);
}
function search(table, field) {
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    test(table, "search", (row) => row.textContent.toLowerCase().includes(wanted));
  });
}
/* A choice for each facet of the rows, such as their type, with the number of rows of each value. */
function choices(table) {
  const rows = [...table.tBodies[0].rows].map((row) => [row, JSON.parse(row.dataset.facets ?? "[]")]);
  return JSON.parse(table.dataset.choices ?? "[]").map((name, place) => {
    const counts = new Map();
    for (const [, facets] of rows) for (const value of facets[place]) counts.set(value, (counts.get(value) ?? 0) + 1);
    const picked = document.createElement("select");
    picked.add(new Option("all", ""));
    for (const value of counts.keys()) picked.add(new Option(`${value} (${counts.get(value)})`, value));
    picked.addEventListener("change", () => {
      const wanted = picked.value;
      test(table, name, (row) => !wanted || JSON.parse(row.dataset.facets)[place].includes(wanted));
    });
    const label = document.createElement("label");
    label.append(name, " ", picked);
    return label;
  });
}
/* The rows as small charts, in the same order, filtered in the same way. */
function multiples(table) {
  const made = button("Small charts", "", () => {
    const on = table.classList.toggle("multiples");
    made.setAttribute("aria-pressed", String(on));
  });
  made.setAttribute("aria-pressed", "false");
  return made;
}
function tools(table, caption) {
  const line = document.createElement("p");
  line.className = "tools";
  line.append(...choices(table));
  if ("multiples" in table.dataset) line.append(multiples(table));
  if (table.tBodies[0].rows.length >= FILTERED_FROM && !document.querySelector(`[data-filters="${table.id}"]`)) {
    const field = document.createElement("input");
    field.type = "search";
    field.placeholder = "Filter rows";
    field.setAttribute("aria-label", `Filter rows of ${caption}`);
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    status.dataset.counts = table.id;
    search(table, field);
    line.append(field, status);
  }
  line.append(
    button("Copy", `Copy ${caption}`, (made) => copy(table, made)),
    button("CSV", `Save ${caption} as CSV`, () => save(table, caption)),
  );
  table.parentElement.before(line);
}
[...document.querySelectorAll("table[data-sortable]")].forEach((table, place) => {
  table.id ||= `table-${place}`;
  [...table.tHead.rows[0].children].forEach((heading, column) => {
    if (!heading.textContent.trim() || table.tBodies[0].rows.length < 2) return;
    const made = button("", "", () => sort(table, heading, column));
    made.append(...heading.childNodes);
    heading.append(made);
  });
  tools(table, table.caption.textContent);
});
for (const field of document.querySelectorAll("input[data-filters]")) {
  field.parentElement.hidden = false;
  search(document.getElementById(field.dataset.filters), field);
}
