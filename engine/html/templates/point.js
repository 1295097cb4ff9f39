/* The cross-hair that the charts share, by pointer, finger and keyboard, and the selection of a range. */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -21, PageDown: 21, Home: -Infinity, End: Infinity };
const cursor = { place: null, owner: null, anchor: null };
/* Return the horizontal place of a session in a chart, in pixels. */
function across(figure, place) {
  return figure.view.origin()[0] + figure.view.scale("x")(TIMES[place]);
}
function placeAt(figure, event) {
  const x = event.clientX - figure.live.getBoundingClientRect().left - figure.view.origin()[0];
  return Math.min(range.to, Math.max(range.from, nearest(Number(figure.view.scale("x").invert(x)))));
}
/* Return a series' figure in a session. */
function figureAt(one, place) {
  one.values ??= new Map(
    rowsOf(one.data)
      .filter((row) => !one.by || row[one.by] === one.name)
      .map((row) => [row.date, row[one.field]]),
  );
  if (!one.hold) return one.values.get(TIMES[place]) ?? null;
  one.times ??= [...one.values.keys()].sort((a, b) => a - b);
  const time = one.times.findLast((each) => each <= TIMES[place]);
  return time === undefined ? null : one.values.get(time);
}
function readings(figure, place) {
  return figure.chart.series
    .filter((one) => !figure.hidden.has(one.name))
    .map((one) => [one.name, written(figureAt(one, place), figure.chart.form)]);
}
function listed(target, heading, pairs) {
  const title = document.createElement("strong");
  title.textContent = heading;
  const lines = pairs.map(([name, text]) => {
    const line = document.createElement("div");
    const value = document.createElement("b");
    value.textContent = text;
    line.append(name, " ", value);
    return line;
  });
  target.replaceChildren(title, ...lines);
}
/* Draw the cross-hair and the selection over a chart. */
function pointed(figure) {
  const shows = figure.timed && figure.view && cursor.place !== null;
  figure.cross.hidden = figure.reading.hidden = !shows;
  const selects = shows && cursor.anchor !== null && cursor.anchor !== cursor.place;
  figure.brush.hidden = !selects;
  if (!shows) return;
  const x = across(figure, cursor.place);
  figure.cross.style.left = x + "px";
  listed(figure.reading, PAGE.days[cursor.place], readings(figure, cursor.place));
  beside(figure, x, 0);
  if (!selects) return;
  const start = across(figure, cursor.anchor);
  figure.brush.style.left = Math.min(x, start) + "px";
  figure.brush.style.width = Math.abs(x - start) + "px";
}
/* Put the reading on the side of a point that has room. */
function beside(figure, x, y) {
  const room = figure.live.clientWidth;
  const left = x > room / 2 ? x - figure.reading.offsetWidth - 8 : x + 8;
  figure.reading.style.left = Math.max(0, Math.min(left, room - figure.reading.offsetWidth)) + "px";
  figure.reading.style.top = y + "px";
}
let waiting = false;
function showCursor() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    figures.filter((one) => one.near).forEach(pointed);
  });
}
function moveTo(place, owner) {
  cursor.place = place;
  cursor.owner = owner;
  showCursor();
}
function leave() {
  cursor.place = cursor.anchor = null;
  showCursor();
}
function select() {
  const [a, b] = [cursor.anchor, cursor.place];
  cursor.anchor = null;
  if (a === null || b === null || a === b) return showCursor();
  setRange(Math.min(a, b), Math.max(a, b));
}
function announce(figure) {
  const pairs = readings(figure, cursor.place).map((pair) => pair.join(" "));
  const chosen = cursor.anchor === null ? "" : ` Selected from ${PAGE.days[cursor.anchor]}.`;
  say(`${PAGE.days[cursor.place]}: ${pairs.join(", ")}.${chosen}`);
}
function pressed(figure, event) {
  if (event.key === "Escape") {
    if (cursor.anchor === null) setRange(0, LAST);
    cursor.anchor = null;
    return showCursor();
  }
  if (event.key === "Enter") return select();
  if (!(event.key in STEPS)) return;
  event.preventDefault();
  const here = cursor.place ?? range.to;
  if (event.shiftKey) cursor.anchor ??= here;
  const first = cursor.place === null && !event.shiftKey;
  const step = first && Number.isFinite(STEPS[event.key]) ? 0 : STEPS[event.key];
  moveTo(Math.min(range.to, Math.max(range.from, here + step)), figure);
  announce(figure);
}
function listen(figure) {
  if (!figure.timed) return listenToMarks(figure);
  figure.live.tabIndex = 0;
  figure.live.setAttribute("role", "group");
  figure.live.setAttribute("aria-roledescription", "chart");
  figure.live.setAttribute("aria-label", `${figure.title}: arrow keys read it, with shift they select a range, Enter shows it`);
  figure.live.addEventListener("keydown", (event) => pressed(figure, event));
  figure.live.addEventListener("blur", leave);
  figure.live.addEventListener("pointermove", (event) => figure.view && moveTo(placeAt(figure, event), figure));
  figure.live.addEventListener("pointerdown", (event) => {
    if (!figure.view || event.button !== 0) return;
    const place = placeAt(figure, event);
    if (event.pointerType === "touch") return moveTo(place, figure);
    figure.live.setPointerCapture(event.pointerId);
    cursor.anchor = place;
    event.preventDefault();
    figure.live.focus({ preventScroll: true });
  });
  figure.live.addEventListener("pointerup", (event) => event.pointerType !== "touch" && select());
  figure.live.addEventListener("pointerleave", () => cursor.anchor === null && leave());
  figure.live.addEventListener("dblclick", () => setRange(0, LAST));
}
function listenToMarks(figure) {
  figure.live.addEventListener("pointermove", (event) => {
    const datum = event.target.__data__?.datum;
    figure.reading.hidden = !datum || !figure.chart.series.some((one) => one.field in datum);
    if (figure.reading.hidden) return;
    const heading = datum.name ?? `${datum.row} and ${datum.column}`;
    const pairs = figure.chart.series.map((one) => [one.name, written(datum[one.field], figure.chart.form)]);
    listed(figure.reading, heading, pairs);
    const corner = figure.live.getBoundingClientRect();
    beside(figure, event.clientX - corner.left, event.clientY - corner.top + 12);
  });
  figure.live.addEventListener("pointerleave", () => {
    figure.reading.hidden = true;
  });
}
