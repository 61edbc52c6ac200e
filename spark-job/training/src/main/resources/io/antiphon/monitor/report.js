// The report of one run: reads the data in the page and fills the page.

const data = JSON.parse(document.getElementById("data").textContent);
const {run, summary, curves, validation, layers, events} = data;

const NATS_PER_BIT = Math.log(2);
const UNITS = {
  "nats-byte": {name: "nats/byte", factor: 1 / run.bytesPerToken},
  "bits-byte": {name: "bits/byte", factor: 1 / run.bytesPerToken / NATS_PER_BIT},
  "nats-token": {name: "nats/token", factor: 1},
};

const byId = (id) => document.getElementById(id);
const lastStep = Math.max(1, summary.steps);
const timeline = new Timeline(lastStep);
const redrawn = [];
let unit = UNITS["nats-byte"];

function scaled(values, factor) {
  return values.map((value) => (value === null ? null : value * factor));
}

/** Mean over a window around each point, which unlike a trailing mean does not lag behind. */
function smoothed(values) {
  const widest = Math.round(values.length / 60);
  return values.map((value, i) => {
    const reach = Math.min(widest, i, values.length - 1 - i);
    const window = values.slice(i - reach, i + reach + 1).filter((near) => near !== null);
    return value === null ? null : window.reduce((sum, near) => sum + near, 0) / window.length;
  });
}

/** A curve of the run, by the name of its field. */
function curve(name, field, colorName, more = {}) {
  return {name, color: colorName, step: curves.step, value: curves[field], width: curves.width, ...more};
}

function lineChart(host, heading, explanation, options = {}) {
  const parts = card(byId(host), heading, explanation, options.size);
  const chart = new LineChart(parts, timeline, events, {title: heading, label: figure, ...options});
  redrawn.push(chart);
  return chart;
}

/** Calls of CUDA are counted where there is a GPU. */
const onGpu = curves.driverCalls.some((calls) => calls !== null);

/** What computes: of a GPU its name first, since that is what people compare by. */
function backendFacts() {
  const gpu = /^(.*) \((device \d+, .*)\)(.*)$/.exec(run.backend);
  return gpu === null ? [["Backend", run.backend]] : [["GPU", gpu[1]], ["Backend", gpu[2] + gpu[3]]];
}

function writeHeader() {
  byId("name").textContent = run.name;
  byId("outcome").textContent = summary.outcome === "running"
    ? "running, step " + summary.steps + " of " + run.steps : summary.outcome;
  byId("outcome").classList.add(summary.outcome);
  byId("reason").textContent = data.reason;
  byId("reason").hidden = data.reason === "";
  const facts = [
    ["Ranks", run.ranks === run.expertParallel ? run.ranks
      : run.ranks + " (" + run.ranks / run.expertParallel + " × " + run.expertParallel + ")"],
    ["Layers", run.layers],
    ["Experts", run.experts === 0 ? "none, dense" : run.experts + ", top " + run.topK],
    ["ECHO", run.slotsPerRank === 0 ? "off"
      : run.planner + ", " + count(run.slotsPerRank, "slot") + " per rank"],
    ["Batch", run.globalBatch + " × " + figure(run.sequenceLength, 12) + " tokens"],
    ...backendFacts(),
    ["Started", run.startTime.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC")],
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
  const {factor, name} = unit;
  const loss = (perToken) => (perToken === null ? null : perToken * factor);
  const validationLoss = loss(summary.validationLossPerToken);
  const bigram = loss(summary.bigramLossPerToken);
  const against = validationLoss === null || bigram === null ? "on text kept out of training"
    : fixed(Math.abs(bigram - validationLoss), 3)
      + (validationLoss <= bigram ? " below" : " above") + " the bigram model at " + fixed(bigram, 3);
  const trouble = [count(summary.reruns, "rerun"), count(summary.skippedUpdates, "skipped update"),
    count(summary.restarts, "restart")].join(", ");
  const tiles = [
    tile("Validation loss", fixed(validationLoss, 3), name, against),
    tile("Training loss", fixed(loss(summary.trainLossPerToken), 3), name,
      "mean of the last tenth of the steps"),
    tile("Throughput", compact(summary.tokensPerSecond), "tokens/s",
      "median step; " + duration(summary.seconds) + " in all steps"),
    tile("Steps", figure(summary.steps, 12), "of " + figure(run.steps, 12), trouble),
  ];
  if (layers.length > 0) {
    tiles.splice(3, 0,
      tile("Load of the busiest rank",
        fixed(summary.loadBefore, 2) + " → " + fixed(summary.loadAfter, 2), "",
        "× mean, before → after ECHO; 1 is perfect balance"),
      tile("Clones per step", figure(summary.clonesPerStep, 3), "",
        "experts copied to spare slots, all layers"));
  }
  if (summary.driverCallsPerStep !== null) {
    tiles.push(tile("CUDA calls per step", figure(summary.driverCallsPerStep, 3), "",
      "of rank 0, median of the last half"));
  }
  byId("tiles").replaceChildren(...tiles);
}

function buildLearning() {
  const loss = lineChart("learning", "Loss",
    "How many nats or bits the model needs to predict the next piece of text; lower is better, and"
    + " below the dashed line it beats a model that only looks at the token before.",
    {size: "wide", label: (value) => fixed(value, 4) + " " + unit.name});
  const showLoss = () => {
    const train = scaled(curves.loss, unit.factor);
    const series = [
      curve("training", "loss", "accent", {value: train, thin: true}),
      curve("training, smoothed", "loss", "accent", {value: smoothed(train)}),
    ];
    if (validation.step.length > 0) {
      series.push({name: "validation", color: "second", step: validation.step,
        value: scaled(validation.loss, unit.factor), dots: true});
    }
    const bigram = summary.bigramLossPerToken;
    loss.show(series, bigram === null ? null : {name: "bigram model", value: bigram * unit.factor});
    writeTiles();
  };
  byId("unit").addEventListener("change", (event) => {
    unit = UNITS[event.target.value];
    showLoss();
  });
  showLoss();
  lineChart("learning", "Throughput",
    "Tokens trained on per second over all ranks; a dip is a slow step, for example one that ran"
    + " again with larger buffers.",
    {size: "third", floor: 0, label: (value) => compact(value) + " tokens/s"})
    .show([curve("tokens per second", "tokensPerSecond", "accent")]);
  lineChart("learning", "Gradient norm",
    "Length of the gradient before clipping: spikes are steps that would have moved the weights"
    + " far.", {size: "third", floor: 0})
    .show([curve("gradient norm", "gradientNorm", "accent")]);
  lineChart("learning", "Learning rate",
    "Size of the weight updates: it warms up, then decays along a cosine.",
    {size: "third", floor: 0})
    .show([curve("learning rate", "learningRate", "accent")]);
}

function buildCudaCalls() {
  lineChart("learning", "CUDA calls per step",
    "How often rank 0 called CUDA between two steps. In steady state these are a copy"
    + " of a batch and one launch of the recorded step, and none that waits; checkpoints, evaluations"
    + " and reruns need more, and what is far above the usual is cut off.",
    {size: "wide", floor: 0, typical: true, label: (value) => figure(value, 6) + " calls"})
    .show([
      curve("calls", "driverCalls", "accent"),
      curve("of these, waits for the GPU", "driverWaits", "second"),
    ]);
}

const BALANCE = [["before ECHO", "before"], ["after ECHO", "after"]];

function buildLoad() {
  lineChart("load", "Load of the busiest rank",
    "Work of the busiest rank relative to the mean, averaged over layers and micro-batches: 1 means"
    + " no rank waits for another; the gap between the lines is what ECHO gains.",
    {size: "wide", floor: 1, tick: (value, step) => tickLabel(value, step) + "×",
      label: (value) => fixed(value, 3) + " × mean"})
    .show([
      curve("before ECHO", "loadBefore", "before"),
      curve("after ECHO", "loadAfter", "after"),
    ]);
  for (const [when, field] of [["before", "Before"], ["after", "After"]]) {
    lineChart("load", "Layers " + when + " ECHO",
      "Work of the busiest rank relative to the mean, as percentiles over the layers: half of the"
      + " layers are at or below p50, and max is the layer that keeps everyone waiting longest.",
      {floor: 1, tick: (value, step) => tickLabel(value, step) + "×",
        label: (value) => fixed(value, 3) + " × mean"})
      .show([
        curve("max", "max" + field, "baseline", {dash: [5, 4]}),
        curve("p99", "p99" + field, "second"),
        curve("p90", "p90" + field, "accent"),
        curve("p50", "p50" + field, when),
      ]);
  }
  lineChart("load", "Clones per step",
    "How many copies of popular experts ECHO placed in spare slots, summed over layers and"
    + " micro-batches; the more uneven the routing, the more it needs.", {floor: 0})
    .show([curve("clones", "clones", "after")]);
  lineChart("load", "Fill of the row buffers",
    "Most token rows any rank held at once, and the rows its fixed buffers have room for; a step"
    + " that needs more runs again with larger buffers, so no token is ever dropped.",
    {floor: 0, label: (value) => figure(value, 6) + " rows"})
    .show([
      curve("fullest rank", "maxRows", "after"),
      curve("room", "rowCapacity", "baseline", {dash: [5, 4]}),
    ]);
}

function buildLayer() {
  const ranks = card(byId("inside"), "Load per rank at one step",
    "Each pair of bars is one rank's share of this layer's work: what it would have to compute"
    + " with every expert at home, and what it computes with clones. Move the slider through"
    + " the run.");
  const slider = make("input", {type: "range", min: 0, step: 1, id: "bucket"});
  slider.setAttribute("aria-label", "Step shown");
  const shown = make("output");
  ranks.legend.before(make("div", {className: "slider"}, slider, shown));
  const bars = new RankBars(ranks);

  let layer = layers[0];
  const showBucket = (bucket) => {
    slider.value = bucket;
    shown.textContent = stepLabel(layer.step[bucket], layer.width, lastStep);
    bars.show(layer, bucket);
    heat.show(layer, bucket);
  };
  const pick = (step) => showBucket(nearest(layer.step, step));

  const balance = lineChart("inside", "Busiest rank of this layer",
    "Work of this layer's busiest rank relative to the mean, with every expert at home and with"
    + " clones: 1 means no rank waits for another. Click to move the slider to a step.",
    {floor: 1, pick, tick: (value, step) => tickLabel(value, step) + "×",
      label: (value) => fixed(value, 3) + " × mean"});
  const spread = lineChart("inside", "Spread of the experts",
    "Assignments of this layer's least and most chosen expert, and the standard deviation over its"
    + " experts, relative to the mean expert: all chosen alike would be 1, 1 and 0.",
    {size: "wide", floor: 0, pick, tick: (value, step) => tickLabel(value, step) + "×",
      label: (value) => fixed(value, 3) + " × mean"});
  const heatParts = card(byId("inside"), "Load per expert",
    "Each row is an expert, each column a moment of the run: hot colours mark experts chosen more"
    + " often than the average, cold ones those chosen less. Experts are grouped by the rank they"
    + " live on; click to move the slider to a step.", "wide");
  const heat = new HeatMap(heatParts, timeline, Math.max(1, run.experts / run.expertParallel), pick);
  redrawn.push(bars, heat);

  const showLayer = () => {
    slider.max = layer.step.length - 1;
    balance.show(BALANCE.map(([name, field]) => ({
      name, color: field, step: layer.step, value: layer[field], width: layer.width,
    })));
    spread.show([["most chosen", "expertMax", "before"], ["least chosen", "expertMin", "second"],
      ["standard deviation", "expertStd", "accent"]].map(([name, field, colorName]) => ({
      name, color: colorName, step: layer.step, value: layer[field], width: layer.width,
    })));
    showBucket(layer.step.length - 1);
  };
  byId("layer").replaceChildren(...layers.map((candidate, i) =>
    make("option", {value: i, textContent: candidate.layer})));
  byId("layer").addEventListener("change", (event) => {
    layer = layers[Number(event.target.value)];
    showLayer();
  });
  slider.addEventListener("input", () => showBucket(Number(slider.value)));
  showLayer();
}

function writeEvents() {
  if (events.length === 0) {
    byId("events").append(make("p", {className: "empty", textContent: "None."}));
    return;
  }
  // Checkpoints are routine: one line for all of them.
  const checkpoints = events.filter((event) => event.event === "checkpoint");
  const rows = events.filter((event) => event.event !== "checkpoint").reverse()
    .map((event) => make("tr", {},
      make("td", {textContent: figure(event.step, 12)}),
      make("td", {className: "what " + event.event, textContent: event.event.replace("-", " ")}),
      make("td", {textContent: event.message})));
  if (rows.length > 0) {
    byId("events").append(make("table", {},
      make("thead", {}, make("tr", {}, ...["Step", "Event", "Details"].map((name) =>
        make("th", {textContent: name})))),
      make("tbody", {}, ...rows)));
  }
  if (checkpoints.length > 0) {
    byId("events").append(make("p", {className: "empty",
      textContent: "◆ " + count(checkpoints.length, "checkpoint") + ", the last at step "
        + figure(checkpoints[checkpoints.length - 1].step, 12) + "."}));
  }
  if (data.olderEvents > 0) {
    byId("events").append(make("p", {className: "empty",
      textContent: count(data.olderEvents, "older event") + " in metrics.jsonl."}));
  }
}

function writeFootnote() {
  const notes = ["Made from metrics.jsonl in the run directory."];
  if (curves.width > 1) {
    notes.push("A point of a curve is the mean of " + curves.width + " steps.");
  }
  if (summary.outcome === "running") {
    notes.push("The run goes on: reload to see more.");
  }
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
buildLearning();
if (onGpu) {
  buildCudaCalls();
}
byId("load-section").hidden = byId("layer-section").hidden = layers.length === 0;
if (layers.length > 0) {
  buildLoad();
  buildLayer();
}
writeEvents();
writeFootnote();
followZoom();
followTheme();
