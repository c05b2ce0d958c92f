// Draws pictures from numbers. Text is inserted as text, never as markup.

const KNOWN = ["running", "walking", "walking_upstairs", "walking_downstairs", "stairs", "standing",
  "sitting", "lying", "unknown"];
const SECONDS = 10;

export const colour = (activity) => "fill-" + (KNOWN.includes(activity) ? activity : "other");
export const place = (activity) => {
  const at = KNOWN.indexOf(activity);
  return at < 0 ? KNOWN.length : at;
};

export function make(tag, classes = "", text = "") {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.textContent = text;
  return element;
}

function draw(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

// rows: [t_s, acc x y z (g), rate x y z (rad/s)]; column: index of the first of the three axes;
// factor: converts to the unit of the axis; least: smallest full scale of the plot.
export function signals(canvas, rows, column, factor, least) {
  const style = getComputedStyle(document.documentElement);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const dots = window.devicePixelRatio || 1;
  canvas.width = width * dots;
  canvas.height = height * dots;
  const pen = canvas.getContext("2d");
  pen.scale(dots, dots);
  let far = least;
  for (const row of rows)
    for (let axis = 0; axis < 3; axis += 1)
      far = Math.max(far, Math.abs((row[column + axis] ?? 0) * factor));
  far = nice(far);
  const left = 34;
  const up = (value) => height / 2 - (value / far) * (height / 2 - 8);
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of [-far, 0, far]) {
    pen.fillStyle = style.getPropertyValue("--quiet");
    pen.fillText(String(value).replace("-", "−"), left - 6, up(value));
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(left, up(value), width - left, 1);
  }
  if (!rows.length) return;
  const last = rows[rows.length - 1][0];
  pen.lineWidth = 1.6;
  pen.lineJoin = "round";
  ["--x", "--y", "--z"].forEach((name, axis) => {
    pen.strokeStyle = style.getPropertyValue(name);
    pen.beginPath();
    let before = null;
    for (const row of rows) {
      const value = row[column + axis];
      if (row[0] === null || value === null || last - row[0] > SECONDS) continue;
      const x = left + (1 - (last - row[0]) / SECONDS) * (width - left);
      // The line is interrupted where samples are missing.
      if (before === null || row[0] - before > 0.5) pen.moveTo(x, up(value * factor));
      else pen.lineTo(x, up(value * factor));
      before = row[0];
    }
    pen.stroke();
  });
}

function nice(far) {
  const ten = 10 ** Math.floor(Math.log10(far));
  return [1, 2, 5, 10].map((step) => step * ten).find((step) => step >= far - 1e-9);
}

export function lanes(day) {
  const grid = make("div", "lanes");
  const width = day.lanes.length ? day.lanes[0].shares.length : 480;
  for (const lane of day.lanes) {
    const picture = draw("svg", { viewBox: `0 0 ${width} 20`, preserveAspectRatio: "none", "aria-hidden": "true" });
    picture.append(...ticks(day, width, 20));
    picture.append(draw("path", { class: lane.activity ? colour(lane.activity) : "fill-silent", d: outline(lane.shares) }));
    grid.append(make("span", lane.activity ? "label" : "label silent", lane.name), picture,
      make("span", "time", lane.said));
  }
  const scale = draw("svg", { class: "scale", "aria-hidden": "true" });
  for (const [past, hour] of day.hours)
    if (hour % 6 === 0)
      scale.append(draw("text", { x: `${100 * past}%`, y: 13, "text-anchor": past ? "middle" : "start" },
        String(hour).padStart(2, "0")));
  grid.append(make("span"), scale, make("span"));
  return grid;
}

function ticks(day, width, height) {
  const at = (past, name) => draw("line", { class: name, x1: past * width, x2: past * width, y1: 0, y2: height,
    "vector-effect": "non-scaling-stroke" });
  return [...day.hours.filter(([past, hour]) => past && hour % 6 === 0).map(([past]) => at(past, "tick")),
    at(day.now, "moment")];
}

function outline(shares) {
  let path = "";
  for (let at = 0; at < shares.length; ) {
    let end = at;
    while (end < shares.length && shares[end] === shares[at]) end += 1;
    if (shares[at]) {
      const tall = Math.max(1.5, 20 * shares[at]).toFixed(1);
      path += `M${at} 20v-${tall}h${end - at}v${tall}z`;
    }
    at = end;
  }
  return path;
}

// days: [{said, sums: {activities: {name: ms}} or null}]; choose(index) is called for a selected day.
export function month(days, choose) {
  const [width, height, below] = [720, 190, 22];
  const sum = (day) => Object.values(day?.sums?.activities ?? {}).reduce((a, b) => a + b, 0);
  const most = Math.max(1, Math.ceil(Math.max(...days.map(sum)) / 3.6e6));
  const step = [1, 2, 3, 4, 6].find((hours) => most / hours <= 5) ?? 6;
  const top = Math.ceil(most / step) * step;
  const up = (ms) => (height - below - 8) * (ms / (top * 3.6e6));
  const picture = draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "group",
    "aria-label": "Hours of each activity, day by day" });
  for (let hours = 0; hours <= top; hours += step) {
    const y = height - below - up(hours * 3.6e6);
    picture.append(draw("line", { class: "tick", x1: 0, x2: width, y1: y, y2: y, "vector-effect": "non-scaling-stroke" }));
  }
  const wide = width / days.length;
  days.forEach((day, at) => {
    let y = height - below;
    const x = at * wide;
    const all = Object.entries(day.sums?.activities ?? {}).sort((a, b) => place(a[0]) - place(b[0]));
    for (const [activity, ms] of all) {
      y -= up(ms);
      picture.append(draw("rect", { class: colour(activity), x: x + wide * 0.12, y, width: wide * 0.76, height: up(ms) }));
    }
    const hit = draw("rect", { class: "hit", x, y: 0, width: wide, height, tabindex: 0, role: "button", "aria-label": day.said });
    for (const event of ["click", "focus", "pointerenter"]) hit.addEventListener(event, () => choose(at));
    picture.append(hit);
  });
  return { picture, top, step };
}
