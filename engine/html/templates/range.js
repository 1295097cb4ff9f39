/* The range of sessions: charts, cards and tables by day follow it. */
const field = (name) => document.getElementById("range-" + name);
const MEASURES = {
  last: (values) => values.at(-1) ?? null,
  sum: (values) => (values.length ? values.reduce((a, b) => a + b, 0) : null),
  growth: (values) => (values.length ? values.reduce((a, b) => a * Math.max(0, 1 + b), 1) - 1 : null),
  drawdown: (values) => {
    let [index, peak, deepest] = [1, 1, 0];
    for (const value of values) {
      index *= Math.max(0, 1 + value);
      peak = Math.max(peak, index);
      deepest = Math.min(deepest, index / peak - 1);
    }
    return values.length ? deepest : null;
  },
};
/* The measures of engine/reports/measures/performance.py; fewer than 20 returns give none. */
const FEWEST = 20;
const ANNUAL = Math.sqrt(252);
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
function deviation(values) {
  if (Math.min(...values) === Math.max(...values)) return 0; /* else it may be rounding */
  const middle = mean(values);
  return Math.sqrt(values.reduce((a, b) => a + (b - middle) ** 2, 0) / (values.length - 1));
}
function tail(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = 0.05 * (sorted.length - 1);
  const low = Math.floor(at);
  const quantile = sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  return { quantile, worst: mean(sorted.filter((value) => value <= quantile)) };
}
const divided = (a, b) => (b > 0 ? (a / b) * ANNUAL : null);
const enough = (measure) => (values) => (values.length < FEWEST ? null : measure(values));
Object.assign(MEASURES, {
  volatility: enough((values) => deviation(values) * ANNUAL),
  sharpe: enough((values) => divided(mean(values), deviation(values))),
  sortino: enough((values) => divided(mean(values), Math.sqrt(mean(values.map((one) => Math.min(one, 0) ** 2))))),
  value_at_risk: enough((values) => -tail(values).quantile),
  expected_shortfall: enough((values) => -tail(values).worst),
});
const originals = new Map();
function followCard(card) {
  const detail = card.parentElement.querySelector(".detail");
  if (!originals.has(card)) originals.set(card, [card.innerHTML, card.className, detail?.textContent]);
  const [html, classes, words] = originals.get(card);
  card.className = classes;
  if (isWhole()) {
    card.innerHTML = html;
    if (detail) detail.textContent = words;
    return;
  }
  const [measure, name, form, digits] = card.dataset.follows.split(" ");
  const values = PAGE.columns[name].slice(range.from, range.to + 1);
  const value = measure === "last" ? values.at(-1) : MEASURES[measure](values.filter((one) => one !== null));
  card.textContent = written(value, form, digits && Number(digits));
  card.classList.remove("up", "down", "missing");
  if (/up|down/.test(classes)) card.classList.add(value > 0 ? "up" : value < 0 ? "down" : "level");
  const days = measure === "last" ? `on ${PAGE.days[range.to]}` : `${PAGE.days[range.from]} to ${PAGE.days[range.to]}`;
  if (detail) detail.textContent = days;
}
/* Hide the rows of other days; a month is shown that has a day of the range. */
function followTable(table) {
  const [from, to] = [PAGE.days[range.from], PAGE.days[range.to]];
  test(table, "range", (row) => {
    const day = row.children[0].textContent.trim();
    return day >= from.slice(0, day.length) && day <= to.slice(0, day.length);
  });
}
function setRange(from, to) {
  [range.from, range.to] = [from, to];
  cursor.place = cursor.anchor = null;
  field("from").value = PAGE.days[from];
  field("to").value = PAGE.days[to];
  const text = isWhole() ? "" : `${to - from + 1} of ${LAST + 1} sessions`;
  field("shown").textContent = text;
  document.body.classList.toggle("ranged", !isWhole());
  document.querySelectorAll("[data-follows]").forEach(followCard);
  document.querySelectorAll("table[data-days]").forEach(followTable);
  refresh();
  say(`Shown: ${PAGE.days[from]} to ${PAGE.days[to]}.`);
}
function fromFields() {
  const [from, to] = [field("from").value, field("to").value];
  if (!from || !to) return;
  const first = TIMES.findIndex((time) => time >= dayTime(from));
  const last = TIMES.findLastIndex((time) => time <= dayTime(to));
  if (first >= 0 && last > first) setRange(first, last);
}
function span(months) {
  if (!months) return setRange(0, LAST);
  const end = new Date(TIMES[LAST]);
  const start = new Date(end.getFullYear(), end.getMonth() - months, end.getDate()).getTime();
  setRange(Math.max(0, TIMES.findIndex((time) => time > start)), LAST);
}
async function start() {
  await unpackLibrary();
  document.querySelectorAll("figure[data-chart]").forEach((box) => {
    listen(prepare(box));
    watcher.observe(box);
  });
  document.getElementById("range").hidden = false;
  for (const name of ["from", "to"]) field(name).addEventListener("change", fromFields);
  for (const button of document.querySelectorAll("[data-months]")) {
    button.addEventListener("click", () => span(Number(button.dataset.months)));
  }
}
start();
