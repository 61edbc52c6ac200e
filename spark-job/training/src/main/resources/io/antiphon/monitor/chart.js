// Line charts over the steps of the run, drawn by uPlot.

const EVENT_COLORS = {
  "checkpoint": "muted",
  "rerun": "warn",
  "warning": "warn",
  "restart": "bad",
  "skipped-update": "second",
  "interrupted": "second",
};

/** How far the pointer may be from a point to read it, in pixels. */
const REACH = 12;

/**
 * Lines over the steps.
 *
 * A series is {name, color, step, value} with optional dash, thin (drawn faintly), dots (at its
 * points) and width (steps per point). Options: label (text of a value), tick (text of a tick), floor
 * (the axis begins there at the latest), typical (values far above the usual are cut off), pick
 * (called with the step of a click). Beside the series a level {name, value} can be shown, a
 * horizontal line.
 */
class LineChart {
  constructor(parts, timeline, events, options) {
    this.parts = parts;
    this.timeline = timeline;
    this.events = events;
    this.options = options;
    this.tooltip = new Tooltip(parts.plot);
    this.show([]);
    timeline.listen(() => this.follow());
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(parts.plot);
  }

  show(series, level) {
    this.series = level && series.length > 0 ? [...series, this.levelLine(level, series[0].step)] : series;
    this.plot?.destroy();
    this.pointed = false; // the pointer is over a plot that is gone
    this.plot = new uPlot(this.settings(), series.length === 0 ? [[]]
      : uPlot.join(this.series.map((line) => [line.step, line.value])), this.parts.plot);
    this.plot.ctx.canvas.setAttribute("role", "img");
    this.plot.ctx.canvas.setAttribute("aria-label", this.options.title);
    this.listen(this.plot.over);
    writeLegend(this.parts.legend, this.series);
  }

  /** A horizontal line from the beginning of the run that can be read wherever the others can. */
  levelLine({name, value}, steps) {
    const step = [...new Set([0, ...steps, this.timeline.last])];
    return {name, color: "baseline", dash: [5, 4], step, value: step.map(() => value)};
  }

  /** Draws again, with the colours of the theme. */
  refresh() {
    writeLegend(this.parts.legend, this.series);
    this.plot.redraw(false);
  }

  size() {
    return {width: this.parts.plot.clientWidth, height: this.parts.plot.clientHeight};
  }

  settings() {
    const hidden = {show: false};
    return {
      ...this.size(),
      padding: [8, 8, 0, 0],
      legend: hidden,
      scales: {
        x: {time: false, range: () => [this.timeline.from, this.timeline.to]},
        y: {range: (plot, least, most) => this.range(least, most)},
      },
      axes: [
        {splits: () => [], size: 26, grid: hidden, ticks: hidden}, // drawn as below the heat map
        this.valueAxis(),
      ],
      series: [{}, ...this.series.map((line) => this.style(line))],
      cursor: {
        y: false,
        move: (plot, left, top) => [this.snapped(plot, left), top],
        hover: {prox: REACH},
        points: {size: 7, fill: (plot, i) => color(this.series[i - 1].color)},
        drag: {setScale: false, dist: 8},
        bind: {dblclick: () => () => this.timeline.showAll()},
      },
      hooks: {
        drawAxes: [(plot) => this.drawSteps(plot)],
        setCursor: [(plot) => this.read(plot)],
        setSelect: [(plot) => this.zoom(plot)],
      },
    };
  }

  valueAxis() {
    const label = this.options.tick || tickLabel;
    let marks = null;
    return {
      font: FONT,
      stroke: () => color("muted"),
      gap: 8,
      grid: {stroke: () => color("grid"), width: 1},
      ticks: {show: false},
      splits: (plot, axis, low, high) => {
        marks = ticks(low, high, Math.max(2, plot.height / 55));
        return marks.values;
      },
      values: (plot, values) => values.map((value) => label(value, marks.step)),
      size: (plot, labels) => {
        plot.ctx.font = FONT;
        return 12 + Math.ceil(Math.max(0,
          ...(labels || []).map((text) => plot.ctx.measureText(text).width)));
      },
    };
  }

  style(line) {
    const points = line.value.filter((value) => value !== null).length;
    const stroke = () => color(line.color);
    return {
      stroke,
      width: line.thin ? 1 : 1.8,
      alpha: line.thin ? 0.4 : 1,
      dash: line.dash,
      pxAlign: 0,
      points: {show: line.dots === true || points === 1, size: points > 60 ? 3.2 : 6, width: 0, fill: stroke},
    };
  }

  /** The axis of values in view, from their least and most. */
  range(least, most) {
    if (least === null) {
      return [null, null];
    }
    const low = Math.min(least, this.options.floor ?? least);
    let high = Math.max(most, this.options.floor ?? most);
    if (this.options.typical) {
      const usual = Math.max(...this.series.map((line) => {
        const seen = line.value.filter((value, i) => value !== null
          && line.step[i] >= this.timeline.from && line.step[i] <= this.timeline.to);
        return seen.sort((a, b) => a - b)[seen.length >> 1] || 0;
      }));
      high = usual > 0 ? Math.min(high, 4 * usual) : high;
    }
    const margin = (high - low || Math.abs(high) || 1) * 0.06;
    return [low === this.options.floor ? low : low - margin, high + margin];
  }

  /** What lies below the lines: axis of steps and events. */
  drawSteps(plot) {
    const ratio = uPlot.pxRatio;
    const {left, top, width, height} = plot.bbox;
    const area = {left: left / ratio, right: (left + width) / ratio, top: top / ratio,
      bottom: (top + height) / ratio, margin: 8};
    const pen = plot.ctx;
    pen.save();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = FONT;
    pen.textBaseline = "middle";
    pen.lineWidth = 1;
    if (plot.scales.y.min === null || plot.scales.y.min === undefined) {
      pen.fillStyle = color("muted");
      pen.textAlign = "center";
      pen.fillText("No data yet", plot.width / 2, plot.height / 2);
    } else {
      const xOf = (step) => area.left + plot.valToPos(step, "x");
      drawStepAxis(pen, area, this.timeline, xOf);
      pen.beginPath();
      pen.rect(area.left, area.top - 6, area.right - area.left + 5, area.bottom - area.top + 6);
      pen.clip();
      this.drawEvents(pen, area, xOf);
    }
    pen.restore();
  }

  drawEvents(pen, area, xOf) {
    const lastX = {};
    for (const event of this.events) {
      const x = Math.round(xOf(event.step)) + 0.5;
      if (x - (lastX[event.event] ?? -Infinity) < 3) {
        continue; // one mark stands for those it would cover
      }
      lastX[event.event] = x;
      pen.strokeStyle = pen.fillStyle = color(EVENT_COLORS[event.event]);
      pen.lineWidth = 1;
      if (event.event === "checkpoint") {
        pen.beginPath();
        pen.moveTo(x, area.bottom - 8);
        pen.lineTo(x + 4, area.bottom - 4);
        pen.lineTo(x, area.bottom);
        pen.lineTo(x - 4, area.bottom - 4);
        pen.fill();
      } else {
        pen.globalAlpha = 0.85;
        pen.setLineDash([2, 3]);
        pen.beginPath();
        pen.moveTo(x, area.top);
        pen.lineTo(x, area.bottom);
        pen.stroke();
        pen.setLineDash([]);
        pen.beginPath();
        pen.arc(x, area.top, 3.5, 0, 2 * Math.PI);
        pen.fill();
      }
      pen.globalAlpha = 1;
    }
  }

  listen(over) {
    over.addEventListener("pointerenter", () => {
      this.pointed = true;
    });
    over.addEventListener("pointerleave", () => {
      this.pointed = false;
      this.tooltip.hide();
      this.timeline.point(null);
    });
    over.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse") { // of a finger uPlot hears only when it taps
        const box = over.getBoundingClientRect();
        this.plot.setCursor({left: event.clientX - box.left, top: event.clientY - box.top});
      }
    });
    over.addEventListener("click", (event) => {
      const left = event.clientX - over.getBoundingClientRect().left;
      this.options.pick?.(this.plot.posToVal(left, "x"));
    });
  }

  /** The step of the first line that is nearest to a place of the plot. */
  nearestStep(plot, left) {
    const steps = this.series.length > 0 ? this.series[0].step : [];
    return steps[nearest(steps, plot.posToVal(left, "x"))];
  }

  snapped(plot, left) {
    const step = left < 0 ? undefined : this.nearestStep(plot, left);
    const place = step === undefined ? left : plot.valToPos(step, "x");
    return place < 0 || place > plot.over.clientWidth ? left : place;
  }

  /** Takes up the steps in view and the step under the pointer. */
  follow() {
    const {from, to, hover} = this.timeline;
    const {x} = this.plot.scales;
    if (x.min !== from || x.max !== to) {
      this.plot.setScale("x", {min: from, max: to});
    }
    if (!this.pointed) {
      const left = hover === null ? -10 : this.plot.valToPos(hover, "x");
      this.plot.setCursor({left, top: left < 0 ? -10 : 0}, false);
    }
  }

  zoom(plot) {
    const {left, width} = plot.select;
    const from = Math.floor(plot.posToVal(left, "x"));
    const to = Math.ceil(plot.posToVal(left + width, "x"));
    plot.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
    this.timeline.zoom(from, Math.max(from + 2, to));
  }

  /** Shows the values under the pointer, here, and the step in all charts. */
  read(plot) {
    const {left, top, idxs} = plot.cursor;
    const step = this.pointed && left >= 0 ? this.nearestStep(plot, left) : undefined;
    if (step === undefined) {
      return;
    }
    this.timeline.point(step);
    if (plot.select.width > 0) { // dragging
      this.tooltip.hide();
      return;
    }
    const rows = this.series.map((line, i) => [line.name,
      idxs[i + 1] == null ? "–" : this.options.label(plot.data[i + 1][idxs[i + 1]])]);
    const lines = this.events
      .filter((event) => Math.abs(plot.valToPos(event.step, "x") - left) < 5)
      .slice(-3)
      .map((event) => event.event.replace("-", " ") + " at " + event.step
        + (event.message ? ": " + event.message : ""));
    this.tooltip.show(plot.over.offsetLeft + left, plot.over.offsetTop + top,
      stepLabel(step, this.series[0].width || 1, this.timeline.last), rows, lines);
  }
}
