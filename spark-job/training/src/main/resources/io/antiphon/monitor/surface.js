// What all charts share: the steps in view, cards, canvases, legends and axes.

const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif";

/** The steps in view and the step under the pointer, shared by all charts. */
class Timeline {
  constructor(last) {
    this.last = last;
    this.listeners = [];
    this.hover = null;
    this.from = 0;
    this.to = last;
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  zoom(from, to) {
    this.from = Math.max(0, from);
    this.to = Math.min(this.last, to);
    this.changed();
  }

  showAll() {
    this.zoom(0, this.last);
  }

  get zoomed() {
    return this.from > 0 || this.to < this.last;
  }

  point(step) {
    if (this.hover !== step) {
      this.hover = step;
      this.changed();
    }
  }

  changed() {
    this.listeners.forEach((listener) => listener());
  }
}

/** A card with heading, one explaining sentence, legend and an empty plot. */
function card(host, heading, explanation, classes = "") {
  const legend = make("div", {className: "legend"});
  const plot = make("div", {className: "plot"});
  const explain = make("p", {textContent: explanation});
  const figureElement = make("figure", {className: "card " + classes},
    make("figcaption", {}, make("h3", {textContent: heading}), explain), legend, plot);
  host.append(figureElement);
  return {figure: figureElement, legend, plot};
}

/** The values at a point of a plot. */
class Tooltip {
  constructor(plot) {
    this.plot = plot;
    this.box = make("div", {className: "tooltip", hidden: true});
    plot.append(this.box);
  }

  /** Shows rows of [name, value] beside a point of the plot, and lines below them. */
  show(x, y, head, rows, lines = []) {
    this.box.replaceChildren(
      make("div", {className: "head", textContent: head}),
      ...rows.map(([name, value]) => make("div", {className: "row"},
        make("span", {textContent: name}), make("span", {textContent: value}))),
      ...lines.map((line) => make("div", {className: "event", textContent: line})));
    this.box.hidden = false;
    const {offsetWidth: width, offsetHeight: height} = this.box;
    const left = x + 14 + width > this.plot.clientWidth ? x - 14 - width : x + 14;
    this.box.style.left = Math.max(0, left) + "px";
    this.box.style.top = Math.max(0, Math.min(y + 10, this.plot.clientHeight - height)) + "px";
  }

  hide() {
    this.box.hidden = true;
  }
}

/** A canvas that fills its plot, sharp on every screen, and is drawn again when it must. */
class Surface {
  constructor(plot, label, draw) {
    this.canvas = make("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", label);
    this.plot = plot;
    this.render = draw;
    this.scheduled = false;
    plot.append(this.canvas);
    this.tooltip = new Tooltip(plot);
    new ResizeObserver(() => this.draw()).observe(plot);
  }

  draw() {
    if (!this.scheduled) {
      this.scheduled = true;
      requestAnimationFrame(() => {
        this.scheduled = false;
        this.drawNow();
      });
    }
  }

  drawNow() {
    this.width = this.plot.clientWidth;
    this.height = this.plot.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.width * ratio));
    this.canvas.height = Math.max(1, Math.round(this.height * ratio));
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = FONT;
    pen.textBaseline = "middle";
    this.render(pen);
  }

  /** Pointer position in the plot. */
  position(event) {
    const box = this.canvas.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  }
}

/** Fills a legend with one key per named series. */
function writeLegend(legend, series) {
  legend.replaceChildren(...series.map((line) => {
    const key = make("canvas", {width: 36, height: 20});
    const pen = key.getContext("2d");
    pen.strokeStyle = color(line.color);
    pen.globalAlpha = line.thin ? 0.4 : 1;
    pen.lineWidth = line.block ? 14 : line.thin ? 3 : 4;
    pen.setLineDash((line.dash || []).map((length) => 1.6 * length));
    pen.beginPath();
    pen.moveTo(0, 10);
    pen.lineTo(36, 10);
    pen.stroke();
    return make("span", {}, key, line.name);
  }));
}

/** Grid line and label per tick of the vertical axis. */
function drawYAxis(pen, area, marks, yOf, label) {
  pen.textAlign = "right";
  for (const value of marks.values) {
    const y = Math.round(yOf(value)) + 0.5;
    pen.strokeStyle = color("grid");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(area.left, y);
    pen.lineTo(area.right, y);
    pen.stroke();
    pen.fillStyle = color("muted");
    pen.fillText(label(value, marks.step), area.left - 8, y);
  }
}

/** Labels of the steps below a plot. */
function drawStepAxis(pen, area, timeline, xOf) {
  const marks = ticks(timeline.from, timeline.to, (area.right - area.left) / 90, true);
  pen.textAlign = "center";
  pen.fillStyle = color("muted");
  pen.strokeStyle = color("line");
  pen.beginPath();
  pen.moveTo(area.left, area.bottom + 0.5);
  pen.lineTo(area.right, area.bottom + 0.5);
  pen.stroke();
  for (const value of marks.values) {
    const x = xOf(value);
    const last = value === marks.values[marks.values.length - 1];
    const text = (last ? "step " : "") + tickLabel(value, marks.step);
    const half = pen.measureText(text).width / 2;
    pen.fillText(text, Math.min(x, area.right + area.margin - half), area.bottom + 13);
  }
}
