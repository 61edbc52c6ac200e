// What the simulation report draws besides lines over steps: shares of ranks, and stacked bars.

/**
 * How the loads of single ranks are spread, one line per contender: the share of ranks that have at
 * least so many times the mean load.
 */
class LoadCurves {
  constructor(parts, binsPerMean) {
    this.parts = parts;
    this.binsPerMean = binsPerMean;
    this.lines = [];
    this.surface = new Surface(parts.plot, "Distribution of the load over ranks",
      (pen) => this.draw(pen));
    this.surface.canvas.addEventListener("pointermove",
      (event) => this.move(this.surface.position(event)));
    this.surface.canvas.addEventListener("pointerleave", () => this.surface.tooltip.hide());
  }

  /** Lines are {name, color, dash, histogram}. */
  show(lines) {
    this.lines = lines.map((line) => {
      let above = 0;
      const share = line.histogram.map(() => 0);
      for (let bin = line.histogram.length - 1; bin >= 0; bin--) {
        above += line.histogram[bin];
        share[bin] = Math.min(1, above);
      }
      return {...line, share};
    });
    const last = Math.max(...this.lines.map((line) => line.share.findLastIndex((part) => part > 0)));
    this.end = Math.max(1.5, Math.ceil((last + 2) / this.binsPerMean * 4) / 4);
    this.refresh();
  }

  refresh() {
    writeLegend(this.parts.legend, this.lines);
    this.surface.draw();
  }

  draw(pen) {
    const {surface} = this;
    const area = {left: 52, right: surface.width - 8, top: 8, bottom: surface.height - 26};
    const xOf = (load) => area.left + (load / this.end) * (area.right - area.left);
    const yOf = (share) => area.bottom - share * (area.bottom - area.top);
    this.loadOf = (x) => ((x - area.left) / (area.right - area.left)) * this.end;
    drawYAxis(pen, area, ticks(0, 1, Math.max(2, surface.height / 55)), yOf,
      (value) => Math.round(100 * value) + " %");
    pen.textAlign = "center";
    pen.strokeStyle = color("line");
    pen.beginPath();
    pen.moveTo(area.left, area.bottom + 0.5);
    pen.lineTo(area.right, area.bottom + 0.5);
    pen.stroke();
    const marks = ticks(0, this.end, (area.right - area.left) / 90);
    for (const value of marks.values) {
      pen.fillStyle = color("muted");
      pen.fillText(tickLabel(value, marks.step) + "×",
        Math.min(xOf(value), area.right - 10), area.bottom + 13);
    }
    for (const line of this.lines) {
      pen.strokeStyle = color(line.color);
      pen.lineWidth = 1.8;
      pen.setLineDash(line.dash || []);
      pen.beginPath();
      pen.moveTo(xOf(0), yOf(1));
      line.share.forEach((share, bin) => {
        const load = bin / this.binsPerMean;
        if (load <= this.end) {
          pen.lineTo(xOf(load), yOf(share));
        }
      });
      pen.stroke();
      pen.setLineDash([]);
    }
  }

  move(pointer) {
    if (!this.loadOf) {
      return;
    }
    const load = Math.max(0, Math.min(this.end, this.loadOf(pointer.x)));
    const bin = Math.floor(load * this.binsPerMean);
    this.surface.tooltip.show(pointer.x, pointer.y,
      "ranks with " + fixed(bin / this.binsPerMean, 2) + " × mean or more",
      this.lines.map((line) => [line.name, fixed(100 * (line.share[bin] ?? 0), 2) + " %"]));
  }
}

/** Horizontal bars, one per contender, of one or several parts. */
class PartBars {
  /** Parts are {name, color, of}, where of takes a contender to a number; label writes a number. */
  constructor(parts, heading, pieces, label) {
    this.parts = parts;
    this.pieces = pieces;
    this.label = label;
    this.rows = [];
    this.surface = new Surface(parts.plot, heading, (pen) => this.draw(pen));
    this.surface.canvas.addEventListener("pointermove",
      (event) => this.move(this.surface.position(event)));
    this.surface.canvas.addEventListener("pointerleave", () => this.surface.tooltip.hide());
  }

  show(contenders) {
    this.rows = contenders;
    this.parts.plot.style.height = 26 + 26 * contenders.length + "px";
    this.refresh();
  }

  refresh() {
    writeLegend(this.parts.legend,
      this.pieces.length > 1 ? this.pieces.map((piece) => ({...piece, block: true})) : []);
    this.surface.draw();
  }

  total(row) {
    return this.pieces.reduce((sum, piece) => sum + piece.of(row), 0);
  }

  draw(pen) {
    const {surface} = this;
    pen.textAlign = "left";
    const names = Math.max(...this.rows.map((row) => pen.measureText(row.label).width));
    const values = Math.max(...this.rows.map((row) =>
      pen.measureText(this.label(this.total(row))).width));
    const left = names + 12;
    const room = Math.max(20, surface.width - left - values - 14);
    const most = Math.max(...this.rows.map((row) => this.total(row))) || 1;
    this.rowHeight = (surface.height - 6) / this.rows.length;
    this.rows.forEach((row, i) => {
      const middle = (i + 0.5) * this.rowHeight;
      const height = Math.min(16, this.rowHeight * 0.65);
      pen.textAlign = "right";
      pen.fillStyle = color("muted");
      pen.fillText(row.label, left - 10, middle);
      let x = left;
      for (const piece of this.pieces) {
        const width = (piece.of(row) / most) * room;
        pen.fillStyle = color(piece.color);
        pen.fillRect(x, middle - height / 2, width, height);
        x += width;
      }
      pen.textAlign = "left";
      pen.fillStyle = color("ink");
      pen.fillText(this.label(this.total(row)), x + 6, middle);
    });
  }

  move(pointer) {
    const row = this.rows[Math.floor(pointer.y / (this.rowHeight || 1))];
    if (!row) {
      this.surface.tooltip.hide();
      return;
    }
    this.surface.tooltip.show(pointer.x, pointer.y, row.label,
      this.pieces.map((piece) => [piece.name, this.label(piece.of(row))]));
  }
}
