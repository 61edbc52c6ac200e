// The report of one simulation: reads the data in the page and fills the page.

const data = JSON.parse(document.getElementById("data").textContent);
const {contenders, recommendation} = data;

const BINS_PER_MEAN = 50;
const MIB = 1024 * 1024;
const byId = (id) => document.getElementById(id);
const baseline = contenders[0];
const perfect = contenders[contenders.length - 1];
const chosen = contenders.find((one) => one.name === recommendation.planner
  && one.slotsPerRank === recommendation.slotsPerRank) || baseline;
const lastStep = Math.max(1, ...baseline.steps);
const timeline = new Timeline(lastStep);
const redrawn = [];

/** Colours by name, so that a contender looks the same in every chart. */
const COLORS = {none: "before", "one-shot": "accent", "bin-packing": "warn", balanced: "after",
  eplb: "second", perfect: "baseline"};

function colorOf(contender) {
  return COLORS[contender.name] || "accent";
}

function bytes(value) {
  return value >= 1024 * MIB ? figure(value / (1024 * MIB), 3) + " GiB" : figure(value / MIB, 3) + " MiB";
}

function milliseconds(seconds) {
  return figure(1e3 * seconds, 4) + " ms";
}

function writeHeader() {
  byId("name").textContent = data.input;
  document.title = data.input + " · Antiphon";
  const facts = [
    ["Ranks", data.ranks + ", " + data.ranksPerNode + " per node"],
    ["Experts", data.experts],
    ["Hidden, inner size", figure(data.hidden, 12) + ", " + figure(data.ffn, 12)],
    ["Samples", figure(data.samples, 12)],
    ["EPLB", "every " + count(data.eplbPeriod, "step") + ", from " + count(data.eplbHistory, "past step")],
  ];
  byId("facts").replaceChildren(...facts.map(([name, value]) => make("div", {},
    make("dt", {textContent: name}), make("dd", {textContent: value}))));
}

function tile(label, value, unitName, note) {
  return make("div", {className: "tile"},
    make("div", {className: "label", textContent: label}),
    make("div", {className: "value"}, value,
      make("span", {className: "unit", textContent: unitName})),
    make("div", {className: "note", textContent: note}));
}

function writeTiles() {
  byId("tiles").replaceChildren(
    tile("Busiest rank", fixed(baseline.load, 2) + " → " + fixed(chosen.load, 2), "×",
      "the mean load, none → " + chosen.label),
    tile("Layer time", figure(1e3 * baseline.seconds, 3) + " → " + figure(1e3 * chosen.seconds, 3), "ms",
      "estimate; " + fixed(1e3 * perfect.seconds, 2) + " ms with perfect balance"),
    tile("Speed-up", fixed(baseline.seconds / chosen.seconds, 2), "×",
      fixed(100 * perfect.seconds / chosen.seconds, 1) + " % of what perfect balance reaches"),
    tile("Token capacity", fixed(baseline.tokenCapacity.factor, 2) + " → "
      + fixed(chosen.tokenCapacity.factor, 2), "×", "the mean, for one overflow in 10,000 steps"),
    tile("Clones", figure(chosen.clones, 3), "per layer",
      bytes(chosen.weightBytesInside + chosen.weightBytesBetween) + " of weights and gradients"));
  byId("advice").replaceChildren(...recommendation.sentences.map((sentence, i) =>
    make("p", {textContent: sentence, className: i === 0 ? "first" : ""})));
}

function parts(host, heading, explanation, size) {
  return card(byId(host), heading, explanation, size);
}

function lineChart(host, heading, explanation, options) {
  const chart = new LineChart(parts(host, heading, explanation, options.size), timeline, [],
    {title: heading, ...options});
  redrawn.push(chart);
  return chart;
}

function buildBalance() {
  const loads = lineChart("balance", "Busiest rank over the steps",
    "Load of the busiest rank relative to the mean, averaged over layers: 1 means no rank waits for"
    + " another. EPLB plans from past steps, so it lags where the load moves.",
    {size: "wide", floor: 1, tick: (value, step) => tickLabel(value, step) + "×",
      label: (value) => fixed(value, 3) + " × mean"});
  const spread = new LoadCurves(parts("balance", "Load of single ranks",
    "Share of ranks, over all samples, that have at least so many times the mean load: a cliff at 1"
    + " is perfect, a tail to the right makes everyone wait.", ""), BINS_PER_MEAN);
  const clones = lineChart("balance", "Clones over the steps",
    "Extra copies of experts in use. EPLB always fills its slots, ECHO takes what a step needs.",
    {floor: 0, label: (value) => figure(value, 4)});
  redrawn.push(spread);
  const show = (slots) => {
    const shown = contenders.filter((one) => one.slotsPerRank === 0 || one.slotsPerRank === slots);
    const lines = shown.map((one) => ({
      name: one.label, color: colorOf(one), dash: one === perfect ? [5, 4] : [],
      step: one.steps, contender: one, histogram: one.histogram,
    }));
    const withNone = byId("with-none").checked; // its load can dwarf all others
    loads.show(lines.filter((line) => withNone || line.contender !== baseline).map((line) => ({...line, value: line.contender.loads})));
    spread.show(lines);
    clones.show(lines.filter((line) => line.contender.slotsPerRank > 0)
      .map((line) => ({...line, value: line.contender.clonesOverSteps})));
  };
  const slots = [...new Set(contenders.map((one) => one.slotsPerRank))].filter((k) => k > 0);
  byId("slots").replaceChildren(...slots.map((k) => make("option", {value: k, textContent: k})));
  byId("slots").closest("label").hidden = slots.length < 2;
  byId("slots").value = chosen.slotsPerRank || slots[0];
  byId("slots").addEventListener("change", () => show(Number(byId("slots").value)));
  byId("with-none").addEventListener("change", () => show(Number(byId("slots").value)));
  show(Number(byId("slots").value));
}

function bars(heading, explanation, pieces, label, rows = contenders) {
  const chart = new PartBars(parts("cost", heading, explanation, ""), heading, pieces, label);
  redrawn.push(chart);
  chart.show(rows);
}

function buildCost() {
  bars("Time of a layer",
    "Estimate for the slowest rank: its expert GEMMs, and what it waits for tokens, weights and the"
    + " plan.",
    [{name: "expert GEMMs", color: "accent", of: (one) => one.gemmSeconds},
      {name: "tokens, weights, plan", color: "before", of: (one) => one.seconds - one.gemmSeconds}],
    milliseconds);
  bars("Token capacity",
    "Rows a rank's buffers must hold for one overflow in 10,000 steps, in multiples of the mean: it"
    + " is what sets the memory of activations.",
    [{name: "capacity", color: "second", of: (one) => one.tokenCapacity.factor}],
    (value) => fixed(value, 2) + " ×");
  bars("Weights and gradients on the wire",
    "Bytes that clones cost, all ranks together: weights to them and gradients back. Links between"
    + " nodes are the slow ones.",
    [{name: "inside nodes", color: "after", of: (one) => one.weightBytesInside},
      {name: "between nodes", color: "before", of: (one) => one.weightBytesBetween}], bytes);
  bars("Rows on the wire",
    "Bytes of token rows to other ranks and back, all ranks together, each assignment by itself.",
    [{name: "inside nodes", color: "after", of: (one) => one.tokenBytesInside},
      {name: "between nodes", color: "before", of: (one) => one.tokenBytesBetween}], bytes);
}

function writeTable() {
  const columns = [
    ["", (one) => one.label],
    ["mean load", (one) => fixed(one.load, 3)],
    ["p99", (one) => fixed(one.loadP99, 3)],
    ["worst", (one) => fixed(one.loadWorst, 3)],
    ["optimal", (one) => fixed(100 * one.optimalShare, 1) + " %"],
    ["capacity", (one) => fixed(one.tokenCapacity.factor, 2) + (one.tokenCapacity.extrapolated ? "*" : "")],
    ["clones", (one) => fixed(one.clones, 1)],
    ["weights in node", (one) => bytes(one.weightBytesInside)],
    ["between", (one) => bytes(one.weightBytesBetween)],
    ["rows in node", (one) => bytes(one.tokenBytesInside)],
    ["between", (one) => bytes(one.tokenBytesBetween)],
    ["plan, CPU", (one) => (one.planSeconds === 0 ? "–" : figure(1e6 * one.planSeconds, 3) + " µs")],
    ["time", (one) => milliseconds(one.seconds)],
    ["p99", (one) => milliseconds(one.secondsP99)],
  ];
  byId("table").append(make("table", {},
    make("thead", {}, make("tr", {}, ...columns.map(([name]) => make("th", {textContent: name})))),
    make("tbody", {}, ...contenders.map((one) => make("tr", {className: one === chosen ? "chosen" : ""},
      ...columns.map(([, value]) => make("td", {textContent: value(one)})))))));
}

function writeFootnote() {
  const capacity = baseline.tokenCapacity;
  const notes = ["Made by antiphon simulate; docs/simulate.md explains workloads, cost model and limits."];
  if (capacity.extrapolated) {
    notes.push("* Extrapolated from " + count(capacity.steps, "step") + ", which prove an overflow rate of"
      + " at most " + figure(capacity.provenRate, 2) + " for the most that was seen.");
  }
  notes.push("Planner times were taken on the CPU that made this page.");
  byId("footnote").textContent = notes.join(" ");
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").textContent = dark ? "Light" : "Dark";
  redrawn.forEach((part) => part.refresh());
}

function followTheme() {
  const preference = window.matchMedia("(prefers-color-scheme: dark)");
  setTheme(preference.matches);
  preference.addEventListener("change", () => setTheme(preference.matches));
  byId("theme").addEventListener("click", () =>
    setTheme(document.documentElement.dataset.theme !== "dark"));
}

function followZoom() {
  byId("reset-zoom").addEventListener("click", () => timeline.showAll());
  timeline.listen(() => {
    byId("reset-zoom").hidden = !timeline.zoomed;
  });
}

writeHeader();
writeTiles();
buildBalance();
buildCost();
writeTable();
writeFootnote();
followZoom();
followTheme();
