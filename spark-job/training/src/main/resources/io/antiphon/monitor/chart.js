// Line charts over the steps of the run.

const EVENT_COLORS = {
  "checkpoint": "muted",
  "rerun": "warn",
  "warning": "warn",
  "restart": "bad",
  "skipped-update": "second",
  "interrupted": "second",
};

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
    this.series = [];
    this.drag = null;
    this.pointer = null;
    this.surface = new Surface(parts.plot, options.title, (pen) => this.draw(pen));
    timeline.listen(() => this.surface.draw());
    this.follow(this.surface.canvas);
  }

  show(series, level) {
    this.series = series;
    this.level = level;
    this.refresh();
  }

  /** Draws again, with the colours of the theme. */
  refresh() {
    const level = this.level ? [{...this.level, color: "baseline", dash: [5, 4]}] : [];
    writeLegend(this.parts.legend, [...this.series, ...level]);
    this.surface.draw();
  }

  range() {
    let low = this.options.floor ?? Infinity;
    let high = -Infinity;
    let usual = 0;
    for (const line of this.series) {
      const seen = line.value.filter((value, i) => value !== null
        && line.step[i] >= this.timeline.from && line.step[i] <= this.timeline.to);
      for (const value of seen) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      usual = Math.max(usual, seen.sort((a, b) => a - b)[seen.length >> 1] || 0);
    }
    if (this.options.typical && usual > 0) {
      high = Math.min(high, 4 * usual);
    }
    if (low === Infinity && high === -Infinity) {
      return null;
    }
    if (this.level) {
      low = Math.min(low, this.level.value);
      high = Math.max(high, this.level.value);
    }
    const margin = (high - low || Math.abs(high) || 1) * 0.06;
    return {low: low === this.options.floor ? low : low - margin, high: high + margin};
  }

  draw(pen) {
    const surface = this.surface;
    const range = this.range();
    if (range === null) {
      pen.fillStyle = color("muted");
      pen.textAlign = "center";
      pen.fillText("No data yet", surface.width / 2, surface.height / 2);
      return;
    }
    const marks = ticks(range.low, range.high, Math.max(2, surface.height / 55));
    const label = this.options.tick || tickLabel;
    const widest = Math.max(...marks.values.map((v) => pen.measureText(label(v, marks.step)).width));
    const area = {
      left: Math.ceil(widest) + 12,
      right: surface.width - 8,
      top: 8,
      bottom: surface.height - 26,
      margin: 8,
    };
    const span = this.timeline.to - this.timeline.from || 1;
    const scale = (area.right - area.left) / span;
    this.area = area;
    this.xOf = (step) => area.left + (step - this.timeline.from) * scale;
    this.stepOf = (x) => this.timeline.from + (x - area.left) / scale;
    const height = area.bottom - area.top;
    const yOf = (value) => area.bottom - ((value - range.low) / (range.high - range.low)) * height;

    drawYAxis(pen, area, marks, yOf, label);
    drawStepAxis(pen, area, this.timeline, this.xOf);
    pen.save();
    pen.beginPath();
    pen.rect(area.left, area.top - 6, area.right - area.left + 5, height + 6);
    pen.clip();
    this.drawEvents(pen);
    if (this.level) {
      this.drawLevel(pen, yOf);
    }
    this.series.forEach((line) => this.drawLine(pen, line, yOf));
    this.drawHover(pen, yOf);
    pen.restore();
  }

  drawLine(pen, line, yOf) {
    pen.strokeStyle = pen.fillStyle = color(line.color);
    pen.globalAlpha = line.thin ? 0.4 : 1;
    pen.lineWidth = line.thin ? 1 : 1.8;
    pen.lineJoin = "round";
    pen.setLineDash(line.dash || []);
    pen.beginPath();
    let connected = false;
    let points = 0;
    line.step.forEach((step, i) => {
      const value = line.value[i];
      if (value === null) {
        connected = false;
        return;
      }
      const x = this.xOf(step);
      const y = yOf(value);
      connected ? pen.lineTo(x, y) : pen.moveTo(x, y);
      connected = true;
      points++;
    });
    pen.stroke();
    pen.setLineDash([]);
    if (line.dots || points === 1) {
      line.step.forEach((step, i) => {
        if (line.value[i] !== null) {
          pen.beginPath();
          pen.arc(this.xOf(step), yOf(line.value[i]), points > 60 ? 1.6 : 3, 0, 2 * Math.PI);
          pen.fill();
        }
      });
    }
    pen.globalAlpha = 1;
  }

  drawLevel(pen, yOf) {
    const y = Math.round(yOf(this.level.value)) + 0.5;
    pen.strokeStyle = color("baseline");
    pen.lineWidth = 1.5;
    pen.setLineDash([5, 4]);
    pen.beginPath();
    pen.moveTo(this.area.left, y);
    pen.lineTo(this.area.right, y);
    pen.stroke();
    pen.setLineDash([]);
  }

  drawEvents(pen) {
    const lastX = {};
    for (const event of this.events) {
      const x = Math.round(this.xOf(event.step)) + 0.5;
      if (x - (lastX[event.event] ?? -Infinity) < 3) {
        continue; // one mark stands for those it would cover
      }
      lastX[event.event] = x;
      pen.strokeStyle = pen.fillStyle = color(EVENT_COLORS[event.event]);
      pen.lineWidth = 1;
      if (event.event === "checkpoint") {
        pen.beginPath();
        pen.moveTo(x, this.area.bottom - 8);
        pen.lineTo(x + 4, this.area.bottom - 4);
        pen.lineTo(x, this.area.bottom);
        pen.lineTo(x - 4, this.area.bottom - 4);
        pen.fill();
      } else {
        pen.globalAlpha = 0.85;
        pen.setLineDash([2, 3]);
        pen.beginPath();
        pen.moveTo(x, this.area.top);
        pen.lineTo(x, this.area.bottom);
        pen.stroke();
        pen.setLineDash([]);
        pen.beginPath();
        pen.arc(x, this.area.top, 3.5, 0, 2 * Math.PI);
        pen.fill();
      }
      pen.globalAlpha = 1;
    }
  }

  drawHover(pen, yOf) {
    if (this.drag !== null && this.pointer !== null) {
      pen.fillStyle = color("accent");
      pen.globalAlpha = 0.14;
      pen.fillRect(this.drag, this.area.top, this.pointer.x - this.drag,
        this.area.bottom - this.area.top);
      pen.globalAlpha = 1;
    }
    const hover = this.timeline.hover;
    if (hover === null) {
      return;
    }
    const x = Math.round(this.xOf(hover)) + 0.5;
    pen.strokeStyle = color("muted");
    pen.lineWidth = 1;
    pen.globalAlpha = 0.6;
    pen.beginPath();
    pen.moveTo(x, this.area.top);
    pen.lineTo(x, this.area.bottom);
    pen.stroke();
    pen.globalAlpha = 1;
    for (const line of this.series) {
      const i = nearest(line.step, hover);
      if (i >= 0 && line.value[i] !== null && Math.abs(this.xOf(line.step[i]) - x) < 12) {
        pen.fillStyle = color(line.color);
        pen.beginPath();
        pen.arc(this.xOf(line.step[i]), yOf(line.value[i]), 3.5, 0, 2 * Math.PI);
        pen.fill();
      }
    }
  }

  follow(canvas) {
    canvas.addEventListener("pointermove", (event) => this.move(this.surface.position(event)));
    canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      this.surface.hideTooltip();
      this.timeline.point(null);
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0) {
        this.drag = this.surface.position(event).x;
        canvas.setPointerCapture(event.pointerId);
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      const start = this.drag;
      this.drag = null;
      const end = this.surface.position(event).x;
      if (start !== null && this.area && Math.abs(end - start) > 8) {
        const steps = [this.stepOf(start), this.stepOf(end)].sort((a, b) => a - b);
        this.timeline.zoom(Math.floor(steps[0]), Math.max(Math.floor(steps[0]) + 2,
          Math.ceil(steps[1])));
      } else if (this.options.pick && this.area) {
        this.options.pick(this.stepOf(end));
      }
    });
    canvas.addEventListener("pointercancel", () => {
      this.drag = null;
    });
    canvas.addEventListener("dblclick", () => this.timeline.showAll());
  }

  move(pointer) {
    this.pointer = pointer;
    const steps = this.series.length > 0 ? this.series[0].step : [];
    if (!this.area || steps.length === 0) {
      return;
    }
    const i = nearest(steps, this.stepOf(pointer.x));
    const step = steps[i];
    const rows = this.series.map((line) => {
      const at = nearest(line.step, step);
      const near = at >= 0 && Math.abs(this.xOf(line.step[at]) - this.xOf(step)) < 12;
      return [line.name, near ? this.options.label(line.value[at]) : "–"];
    });
    if (this.level) {
      rows.push([this.level.name, this.options.label(this.level.value)]);
    }
    const lines = this.events
      .filter((event) => Math.abs(this.xOf(event.step) - this.xOf(step)) < 5)
      .slice(-3)
      .map((event) => event.event.replace("-", " ") + " at " + event.step
        + (event.message ? ": " + event.message : ""));
    this.timeline.point(step);
    if (this.drag !== null) {
      this.surface.hideTooltip();
      this.surface.draw();
    } else {
      this.surface.showTooltip(this.xOf(step), pointer.y,
        stepLabel(step, this.series[0].width || 1, this.timeline.last), rows, lines);
    }
  }
}
