/* Draw the charts again with Vega, from the page's data, when they come near the window. */
const PHONE = 600;
const OPTIONS = {
  mode: "vega-lite",
  renderer: "svg",
  ast: true, /* the interpreter: the page's policy forbids scripts that make scripts */
  actions: false,
  defaultStyle: false,
  tooltip: false,
  logLevel: 1, /* errors; a range without a deposit is none */
};
const figures = [];
/* The page holds the library packed; its policy allows exactly the script that comes out. */
async function unpackLibrary() {
  const packed = atob(document.getElementById("chart-library").textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const script = document.createElement("script");
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}
function inRange(rows) {
  if (!rows.length || !("date" in rows[0])) return rows;
  const [from, to] = [TIMES[range.from], TIMES[range.to]];
  if (!("until" in rows[0])) return rows.filter((row) => row.date >= from && row.date <= to);
  return rows
    .filter((row) => row.until > from && row.date <= to)
    .map((row) => ({ ...row, date: Math.max(row.date, from), until: Math.min(row.until, to + DAY) }));
}
/* Leave out the series that the legend has switched off. */
function shown(figure, rows) {
  for (const one of figure.chart.series) {
    if (!figure.hidden.has(one.name)) continue;
    rows = one.by
      ? rows.filter((row) => row[one.by] !== one.name)
      : rows.map((row) => (one.field in row ? { ...row, [one.field]: null } : row));
  }
  return rows;
}
function ticks(days, most) {
  if (days > 120) return { interval: "month", step: Math.ceil(days / (most * 31)) };
  return days > 14 ? most : { interval: "day", step: Math.max(1, Math.ceil(days / most)) };
}
/* Let each axis of time show the range, with labels that fit it. */
function follow(part, axis) {
  if (part.encoding?.x?.field === "date") {
    /* Cells that end at a day of their own have been cut to the range; Vega-Lite takes no domain for two ends. */
    if (!part.encoding.x2) part.encoding.x.scale = { ...part.encoding.x.scale, domain: structuredClone(axis.domain) };
    part.encoding.x.axis = { ...part.encoding.x.axis, ...axis.labels };
  }
  if (part.mark?.type === "bar" && part.encoding?.x?.field === "date") part.mark.size = axis.bar;
  (part.layer ?? []).forEach((one) => follow(one, axis));
}
/* Vega-Lite takes the ends of an axis of time in this form alone. */
function calendarDay(time) {
  const day = new Date(time);
  return { year: day.getFullYear(), month: day.getMonth() + 1, date: day.getDate() };
}
function specification(figure, width) {
  const phone = window.innerWidth <= PHONE;
  const stored = phone ? figure.chart.narrow : figure.chart.wide;
  const spec = structuredClone(stored);
  const days = (TIMES[range.to] - TIMES[range.from]) / DAY;
  follow(spec, {
    domain: [calendarDay(TIMES[range.from]), calendarDay(TIMES[range.to])],
    labels: { format: days > 120 ? "%b %Y" : "%d %b", tickCount: ticks(days, width > 600 ? 10 : phone ? 4 : 6) },
    bar: Math.max(1, Math.min(24, (0.72 * width) / (range.to - range.from + 1))),
  });
  const names = Object.keys(PAGE.data).filter((name) => JSON.stringify(stored).includes(`"${name}"`));
  const datasets = Object.fromEntries(names.map((name) => [name, shown(figure, inRange(rowsOf(name)))]));
  return { ...spec, width, config: PAGE.config, datasets };
}
async function draw(figure) {
  const width = figure.live.clientWidth;
  if (!width) return;
  figure.width = width;
  const result = await vegaEmbed(figure.canvas, specification(figure, width), OPTIONS);
  figure.view?.finalize();
  figure.view = result.view;
  figure.canvas.querySelector("svg")?.setAttribute("aria-hidden", "true");
  figure.box.classList.add("drawn");
  pointed(figure);
}
function prepare(box) {
  const chart = PAGE.charts[box.dataset.chart];
  const live = document.createElement("div");
  live.className = "live";
  live.innerHTML = '<div class="canvas"></div><div class="brush" hidden></div><div class="cross" hidden></div><div class="reading" hidden></div>';
  box.querySelector(".drawing").before(live);
  const rows = chart.series.length ? rowsOf(chart.series[0].data) : [];
  const figure = { box, chart, live, hidden: new Set(), stale: true, near: false };
  figure.timed = rows.length > 0 && "date" in rows[0];
  figure.title = box.querySelector("h3").textContent;
  for (const name of ["canvas", "brush", "cross", "reading"]) figure[name] = live.querySelector("." + name);
  legend(figure);
  figures.push(figure);
  return figure;
}
/* A series of the legend is a button that hides it and shows it again. */
function legend(figure) {
  for (const entry of figure.box.querySelectorAll(".legend li")) {
    const name = entry.textContent.trim();
    if (figure.chart.series.length < 2 || !figure.chart.series.some((one) => one.name === name)) continue;
    const made = button("", "", () => {
      if (!figure.hidden.delete(name)) figure.hidden.add(name);
      made.setAttribute("aria-pressed", String(!figure.hidden.has(name)));
      draw(figure);
    });
    made.setAttribute("aria-pressed", "true");
    made.append(...entry.childNodes);
    entry.append(made);
  }
}
/* Draw what is near the window now, and the rest when it comes near. */
function refresh() {
  for (const figure of figures) {
    if (!figure.timed && figure.view) continue;
    figure.stale = true;
    if (figure.near) drawNow(figure);
  }
}
function drawNow(figure) {
  figure.stale = false;
  draw(figure);
}
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const figure = figures.find((one) => one.box === entry.target);
      figure.near = entry.isIntersecting;
      if (figure.near && figure.stale) drawNow(figure);
    }
  },
  { rootMargin: "300px" },
);
let resizing = 0;
window.addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    for (const figure of figures) {
      if (figure.live.clientWidth === figure.width) continue;
      figure.stale = true;
      if (figure.near) drawNow(figure);
    }
  }, 150);
});
