// Numbers, elements and colours: what every part of the report uses.

/** A new element with properties and children; text is never parsed as HTML. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** The current value of a colour of the style sheet. */
function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/** A number with at most the given significant digits, thousands grouped. */
function figure(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return "–";
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) {
    return value.toExponential(Math.max(0, digits - 2));
  }
  const decimals = size >= 1 ? digits - 1 - Math.floor(Math.log10(size)) : digits;
  return value.toLocaleString("en-US", {
    maximumFractionDigits: Math.max(0, Math.min(decimals, 8)),
    minimumFractionDigits: 0,
  });
}

/** A number with exactly the given decimals. */
function fixed(value, decimals) {
  return value === null || !Number.isFinite(value) ? "–" : value.toFixed(decimals);
}

/** 12.3k, 4.5M: for axes and tiles. */
function compact(value) {
  if (value === null || !Number.isFinite(value)) {
    return "–";
  }
  const size = Math.abs(value);
  for (const [unit, suffix] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= unit) {
      return figure(value / unit, 3) + suffix;
    }
  }
  return figure(value, 3);
}

/** Seconds as 42 s, 3 min 10 s, 2 h 5 min. */
function duration(seconds) {
  const whole = Math.round(seconds);
  if (seconds < 10) {
    return fixed(seconds, 1) + " s";
  }
  if (whole < 60) {
    return whole + " s";
  }
  if (whole < 3600) {
    return Math.floor(whole / 60) + " min " + (whole % 60) + " s";
  }
  return Math.floor(whole / 3600) + " h " + Math.floor((whole % 3600) / 60) + " min";
}

function count(number, singular, plural = singular + "s") {
  return figure(number, 12) + " " + (number === 1 ? singular : plural);
}

/** Round tick values that cover [low, high], about as many as asked for. */
function ticks(low, high, wanted, whole = false) {
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  if (whole) {
    step = Math.max(1, Math.round(step));
  }
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    values.push(i * step || 0); // no minus before a zero
  }
  return {values, step};
}

/** Labels for ticks: as many decimals as their distance needs. */
function tickLabel(value, step) {
  if (value !== 0 && (step < 1e-4 || Math.abs(value) >= 1e9)) {
    return value.toExponential(1);
  }
  if (step >= 1000) {
    return compact(value);
  }
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value.toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** Position of the value nearest to the wanted one in an ascending array; -1 if it is empty. */
function nearest(ascending, wanted) {
  let low = 0;
  let high = ascending.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (ascending[middle] <= wanted) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return high < 0 || wanted - ascending[low] <= ascending[high] - wanted ? Math.min(low, high) : high;
}

/** "step 12" for a single step, "steps 9–16" for the bucket of several around a mean step. */
function stepLabel(step, width, last) {
  const first = Math.floor((step - 1) / width) * width + 1;
  const end = Math.min(first + width - 1, last);
  return end <= first
    ? "step " + figure(step, 12) : "steps " + figure(first, 12) + "–" + figure(end, 12);
}
