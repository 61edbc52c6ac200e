// Load of the ranks as bars, load of the experts as a heat map.

/** Bars per rank before and after planning, at one step of one layer. Loads are in percent. */
class RankBars {
  constructor(parts) {
    this.parts = parts;
    this.surface = new Surface(parts.plot, "Load per rank before and after ECHO",
      (pen) => this.draw(pen));
    this.surface.canvas.addEventListener("pointermove",
      (event) => this.move(this.surface.position(event)));
    this.surface.canvas.addEventListener("pointerleave", () => this.surface.tooltip.hide());
  }

  show(layer, bucket) {
    if (this.layer !== layer) {
      this.layer = layer;
      const all = [...layer.ranksBefore, ...layer.ranksAfter].flat();
      this.top = all.reduce((most, load) => Math.max(most, load), 100) * 1.12;
    }
    this.bucket = bucket;
    this.refresh();
  }

  refresh() {
    writeLegend(this.parts.legend, [
      {name: "before ECHO", color: "before", block: true},
      {name: "after ECHO", color: "after", block: true},
      {name: "mean", color: "baseline", dash: [5, 4]},
    ]);
    this.surface.draw();
  }

  /** Ranks with a load at this step; fewer than ever where a resume changed their number. */
  ranks() {
    return this.layer.ranksBefore.map((loads, rank) => ({
      rank,
      before: loads[this.bucket],
      after: this.layer.ranksAfter[rank][this.bucket],
    })).filter((load) => load.before !== null);
  }

  draw(pen) {
    if (!this.layer) {
      return;
    }
    const surface = this.surface;
    const ranks = this.ranks();
    const area = {left: 44, right: surface.width - 8, top: 8, bottom: surface.height - 26};
    const yOf = (load) => area.bottom - (load / this.top) * (area.bottom - area.top);
    const marks = ticks(0, this.top, Math.max(2, surface.height / 55));
    drawYAxis(pen, area, marks, yOf, (value) => fixed(value / 100, marks.step < 10 ? 2 : 1) + "×");
    const slot = (area.right - area.left) / Math.max(1, ranks.length);
    const bar = Math.max(0.5, Math.min(46, slot * 0.38));
    const every = Math.ceil(52 / slot);
    ranks.forEach((load, i) => {
      const middle = area.left + (i + 0.5) * slot;
      const gap = bar > 6 ? 1.5 : 0;
      this.drawBar(pen, middle - bar - gap, bar, yOf(load.before), area.bottom, "before");
      this.drawBar(pen, middle + gap, bar, yOf(load.after), area.bottom, "after");
      pen.textAlign = "center";
      if (bar >= 30) {
        this.drawValue(pen, load.before, middle - bar / 2 - gap, yOf(load.before), area.bottom);
        this.drawValue(pen, load.after, middle + bar / 2 + gap, yOf(load.after), area.bottom);
      }
      if (i % every === 0) {
        pen.fillStyle = color("muted");
        pen.fillText(slot > 52 ? "rank " + load.rank : load.rank, middle, area.bottom + 13);
      }
    });
    const mean = Math.round(yOf(100)) + 0.5;
    pen.strokeStyle = color("baseline");
    pen.setLineDash([5, 4]);
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(area.left, mean);
    pen.lineTo(area.right, mean);
    pen.stroke();
    pen.setLineDash([]);
    this.placed = {area, slot, ranks};
  }

  drawBar(pen, x, width, top, bottom, name) {
    pen.fillStyle = color(name);
    pen.beginPath();
    const round = Math.min(3, width / 3);
    pen.roundRect(x, top, width, Math.max(0, bottom - top), [round, round, 0, 0]);
    pen.fill();
  }

  /** The load at the top of its bar, or above a bar too short for it. */
  drawValue(pen, load, middle, top, bottom) {
    const inside = bottom - top > 24;
    pen.fillStyle = color(inside ? "card" : "muted");
    pen.fillText(fixed(load / 100, 2), middle, inside ? top + 11 : top - 9);
  }

  move(pointer) {
    if (!this.placed) {
      return;
    }
    const {area, slot, ranks} = this.placed;
    const load = ranks[Math.floor((pointer.x - area.left) / slot)];
    if (!load) {
      this.surface.tooltip.hide();
      return;
    }
    this.surface.tooltip.show(pointer.x, pointer.y, "Rank " + load.rank, [
      ["before ECHO", fixed(load.before / 100, 2) + " × mean"],
      ["after ECHO", fixed(load.after / 100, 2) + " × mean"],
    ]);
  }
}

/** Colour channels of a style sheet colour, #rrggbb. */
function channels(name) {
  const hex = color(name);
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** Maps a load in percent to a colour: cold below the mean, neutral at it, hot above. */
class HeatScale {
  constructor(most) {
    this.most = Math.max(200, most);
    this.refresh();
  }

  refresh() {
    this.ends = {cold: channels("cold"), neutral: channels("neutral"), hot: channels("hot")};
  }

  /** Ratios count, not differences: half the mean is as far from it as twice the mean. */
  of(load) {
    const log = Math.log(Math.max(load, 1) / 100) / Math.log(this.most / 100);
    const share = Math.min(1, Math.abs(log));
    const end = log < 0 ? this.ends.cold : this.ends.hot;
    return this.ends.neutral.map((from, i) => Math.round(from + (end[i] - from) * share));
  }

  drawKey(canvas) {
    const pen = canvas.getContext("2d");
    for (let x = 0; x < canvas.width; x++) {
      const share = (2 * x) / (canvas.width - 1) - 1;
      pen.fillStyle = "rgb(" + this.of(100 * (this.most / 100) ** share).join(",") + ")";
      pen.fillRect(x, 0, 1, canvas.height);
    }
  }
}

/** Load of every expert of a layer over the steps. */
class HeatMap {
  constructor(parts, timeline, localExperts, pick) {
    this.timeline = timeline;
    this.localExperts = localExperts;
    this.pick = pick;
    this.parts = parts;
    this.key = make("canvas", {width: 360, height: 20});
    this.low = make("span");
    this.high = make("span");
    parts.plot.after(make("div", {className: "scale"}, this.low, this.key, this.high));
    this.surface = new Surface(parts.plot, "Load of every expert over the steps",
      (pen) => this.draw(pen));
    timeline.listen(() => this.surface.draw());
    const canvas = this.surface.canvas;
    canvas.addEventListener("pointermove", (event) => this.move(this.surface.position(event)));
    canvas.addEventListener("pointerleave", () => {
      this.surface.tooltip.hide();
      timeline.point(null);
    });
    canvas.addEventListener("click", (event) => {
      if (this.area) {
        this.pick(this.stepOf(this.surface.position(event).x));
      }
    });
  }

  show(layer, bucket) {
    if (this.layer !== layer) {
      this.layer = layer;
      // A few outliers, at the start say, must not wash out the rest.
      const loads = layer.experts.flat().sort((a, b) => a - b);
      this.scale = new HeatScale(loads[Math.floor(0.998 * (loads.length - 1))]);
      this.cells = null;
      this.parts.plot.style.height = Math.max(220, Math.min(640, 30 + 20 * layer.experts.length)) + "px";
    }
    this.bucket = bucket;
    this.surface.draw();
  }

  /** Takes up the colours of the theme. */
  refresh() {
    this.scale.refresh();
    this.cells = null;
    this.surface.draw();
  }

  /** One pixel per bucket and expert, stretched when it is drawn. */
  paint() {
    const layer = this.layer;
    const canvas = make("canvas", {width: layer.step.length, height: layer.experts.length});
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(canvas.width, canvas.height);
    layer.experts.forEach((loads, expert) => loads.forEach((load, bucket) => {
      const at = 4 * (expert * canvas.width + bucket);
      const [red, green, blue] = this.scale.of(load);
      image.data.set([red, green, blue, 255], at);
    }));
    pen.putImageData(image, 0, 0);
    this.scale.drawKey(this.key);
    const most = this.scale.most / 100;
    this.low.textContent = figure(1 / most, 2) + " × mean or less";
    this.high.textContent = figure(most, 2) + " × mean or more";
    return canvas;
  }

  draw(pen) {
    const layer = this.layer;
    if (!layer || layer.step.length === 0) {
      return;
    }
    this.cells = this.cells || this.paint();
    const surface = this.surface;
    const experts = layer.experts.length;
    const area = {left: 92, right: surface.width - 8, top: 4, bottom: surface.height - 26, margin: 8};
    const row = (area.bottom - area.top) / experts;
    const scale = (area.right - area.left) / (this.timeline.to - this.timeline.from || 1);
    this.area = area;
    this.row = row;
    this.stepOf = (x) => this.timeline.from + (x - area.left) / scale;
    const xOf = (step) => area.left + (step - this.timeline.from) * scale;
    drawStepAxis(pen, area, this.timeline, xOf);
    pen.save();
    pen.beginPath();
    pen.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    pen.clip();
    pen.imageSmoothingEnabled = false;
    for (let i = 0; i < layer.step.length; i++) {
      const left = xOf(this.edge(i));
      const right = xOf(this.edge(i + 1));
      if (right >= area.left && left <= area.right) {
        pen.drawImage(this.cells, i, 0, 1, experts, left, area.top, right - left + 0.6,
          area.bottom - area.top);
      }
    }
    this.drawGroups(pen, experts);
    this.drawMark(pen, xOf(layer.step[this.bucket]), "ink", 1.5);
    if (this.timeline.hover !== null) {
      this.drawMark(pen, xOf(this.timeline.hover), "muted", 1);
    }
    pen.restore();
    this.drawExperts(pen, experts);
  }

  /** Where bucket i begins: half way to the one before. */
  edge(i) {
    const steps = this.layer.step;
    const width = this.layer.width;
    if (i === 0) {
      return steps[0] - width / 2;
    }
    const gap = i < steps.length ? steps[i] - steps[i - 1] : Infinity;
    return gap > 2 * width ? steps[i - 1] + width / 2 : steps[i - 1] + gap / 2;
  }

  drawMark(pen, x, name, width) {
    pen.strokeStyle = color(name);
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x, this.area.top);
    pen.lineTo(x, this.area.bottom);
    pen.stroke();
  }

  /** A gap between the experts of one rank and the next. */
  drawGroups(pen, experts) {
    const height = this.localExperts * this.row;
    if (height > 5) {
      pen.fillStyle = color("card");
      for (let expert = this.localExperts; expert < experts; expert += this.localExperts) {
        pen.fillRect(this.area.left, this.area.top + expert * this.row - 1, this.area.right, 2);
      }
    }
  }

  drawExperts(pen, experts) {
    const {area, row} = this;
    const every = Math.ceil(15 / row);
    pen.fillStyle = color("muted");
    for (let expert = 0; expert < experts; expert += every) {
      pen.textAlign = "right";
      pen.fillText(expert, area.left - 8, area.top + (expert + 0.5) * row);
    }
    const local = this.localExperts;
    const groups = Math.floor(experts / local);
    const everyGroup = Math.ceil(15 / (local * row));
    pen.textAlign = "left";
    for (let group = 0; group < groups; group += everyGroup) {
      pen.fillText("rank " + group, 2, area.top + (group + 0.5) * local * row);
    }
  }

  move(pointer) {
    if (!this.area) {
      return;
    }
    const {area, row, layer} = this;
    const bucket = nearest(layer.step, this.stepOf(pointer.x));
    const expert = Math.floor((pointer.y - area.top) / row);
    if (pointer.x < area.left || expert < 0 || expert >= layer.experts.length) {
      this.surface.tooltip.hide();
      return;
    }
    this.timeline.point(layer.step[bucket]);
    const steps = stepLabel(layer.step[bucket], layer.width, this.timeline.last);
    this.surface.tooltip.show(pointer.x, pointer.y, steps, [
      ["expert " + expert, fixed(layer.experts[expert][bucket] / 100, 2) + " × mean"],
      ["home", "rank " + Math.floor(expert / this.localExperts)],
    ]);
  }
}
