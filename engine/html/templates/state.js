/* What all charts of the page share: their data, the range of sessions that is shown, and how figures are written. */
const PAGE = JSON.parse(document.getElementById("chart-data").textContent);
const dayTime = (text) => {
  const [year, month, day] = text.split("-").map(Number);
  return new Date(year, month - 1, day).getTime();
};
const TIMES = PAGE.days.map(dayTime);
const LAST = TIMES.length - 1;
const DAY = 86400000;
/* The first and the last session that are shown, as places in PAGE.days. */
const range = { from: 0, to: LAST };
const isWhole = () => range.from === 0 && range.to === LAST;
/* Return the place of the session nearest to a time. */
function nearest(time) {
  let low = 0;
  let high = LAST;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (TIMES[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time - TIMES[low - 1] < TIMES[low] - time ? low - 1 : low;
}
const MINUS = "\u2212";
function signed(value, text) {
  return (value < 0 && /[1-9]/.test(text) ? MINUS : "") + text;
}
const fixed = (value, digits) =>
  Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const FORMS = {
  money: (value, digits = 0) => signed(value, PAGE.currency + fixed(value, digits)),
  percent: (value, digits = 2) => signed(value, fixed(100 * value, digits) + "%"),
  ratio: (value, digits = 2) => signed(value, fixed(value, digits)),
  count: (value) => signed(value, fixed(value, 0)),
  text: (value) => String(value).replace("_", " "),
};
function written(value, form, digits) {
  if (value === null || value === undefined || Number.isNaN(value)) return "no figure";
  return FORMS[form](value, digits);
}
/* Rows of the page's data by name; days as times. Decoded once. */
const decoded = {};
function column(stored, name) {
  if (stored.days) return stored.days.map((place) => TIMES[place]);
  if (!stored.texts) return stored;
  const texts = name === "date" || name === "until" ? stored.texts.map(dayTime) : stored.texts;
  return stored.at.map((place) => texts[place]);
}
function rowsOf(name) {
  if (!decoded[name]) {
    const columns = Object.entries(PAGE.data[name]).map(([field, stored]) => [field, column(stored, field)]);
    const length = columns.length ? columns[0][1].length : 0;
    decoded[name] = Array.from({ length }, (_, n) => Object.fromEntries(columns.map(([f, values]) => [f, values[n]])));
  }
  return decoded[name];
}
const say = (text) => {
  document.getElementById("said").textContent = text;
};
