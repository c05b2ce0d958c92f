// Asks the board for new data a few times a second, and shows them.

import { colour, lanes, make, month, place, signals } from "./charts.js";

const LIVE_MS = 400;
const HISTORY_MS = 10000;
const READING_MS = 2000;
const MOST_ROWS = 250;
const $ = (id) => document.getElementById(id);
let rows = [];
let count = 0;
let shownMonth = "";
let chosen = null;

async function ask(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(8000) });
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

async function live() {
  try {
    const news = await ask(`live?after=${count}`);
    showNow(news.now);
    showSignals(news);
    showHealth(news);
  } catch (error) {
    const why = error instanceof TypeError || error.name === "TimeoutError"
      ? "The dashboard does not answer: check that the board is on and in reach." : error.message;
    showNow({ state: "no_data", words: "no data", why, confidence: null, probabilities: {}, heard: false });
  }
  return true;
}

// Calls update every ms while the page is visible; after READING_MS if update fails or returns false.
async function repeat(update, ms) {
  const done = document.hidden || await update().catch(() => false);
  setTimeout(repeat, done ? ms : READING_MS, update, ms);
}

function showNow(now) {
  const ok = now.state === "ok";
  document.documentElement.dataset.state = now.state;
  document.title = `${now.words} · edgehar`;
  put($("what"), now.words);
  $("what").className = ok ? "" : "silent";
  put($("why"), now.why);
  put($("link"), now.heard ? "live" : "not live");
  $("link").className = `pill ${now.heard ? "live" : "lost"}`;
  $("sure").hidden = !ok;
  if (ok) {
    $("confidence").value = now.confidence ?? 0;
    put($("percent"), `${percent(now.confidence)} sure`);
  }
  $("window").hidden = !Object.keys(now.probabilities).length;
  $("chances").replaceChildren(...Object.entries(now.probabilities).map(([name, share]) => {
    const line = make("li");
    const track = make("span", "track");
    const fill = make("div", `fill ${colour(name)}`);
    fill.style.width = `${100 * (share ?? 0)}%`;
    track.append(fill);
    line.append(make("span", "", words(name)), track, make("span", "percent", percent(share)));
    return line;
  }));
}

function showSignals(news) {
  if (news.count < count || (rows.length && news.rows.length && news.rows[0][0] < rows[rows.length - 1][0])) rows = [];
  count = news.count;
  rows = rows.concat(news.rows).slice(-MOST_ROWS);
  if (!news.now.heard) rows = [];
  signals($("acc"), rows, 1, 1, 1.5);
  signals($("gyro"), rows, 4, 180 / Math.PI, 50);
}

function showHealth(news) {
  if (!news.health.length) return;
  $("health").replaceChildren(...news.health.flatMap(({ name, says, look }) =>
    [make("dt", "", name), make("dd", look ? "look" : "", says)]));
  table($("counts"), [["counter", "count"], ...news.counts]);
}

async function day() {
  const { day: picture, trouble: why } = await ask("day");
  if (picture) {
    put($("date"), picture.date);
    $("day").replaceChildren(picture.lanes.length ? lanes(picture)
      : make("p", "quiet", "No decisions are stored for this day yet."));
    $("notes").replaceChildren(...picture.notes.map((note) => make("li", "", note)));
  }
  if (why) trouble($("day"), why);
  return picture !== null;
}

async function days() {
  const { days: all, trouble: why } = await ask("month");
  const unread = all.filter((one) => !one.sums).length;
  put($("unread"), unread && !why ? `days not read yet: ${unread}` : "");
  const text = JSON.stringify(all);
  if (text !== shownMonth) showMonth(all);
  shownMonth = text;
  if (why) trouble($("month"), why);
  return !unread;
}

function showMonth(all) {
  const names = [...new Set(all.flatMap((one) => Object.keys(one.sums?.activities ?? {})))]
    .sort((a, b) => place(a) - place(b));
  const choose = (at) => {
    chosen = at;
    put($("chosen"), inWords(all[at]));
    document.querySelectorAll("#month .hit").forEach((hit, number) => hit.classList.toggle("chosen", number === at));
  };
  const { picture, top, step } = month(all, choose);
  const frame = make("div", "plot");
  frame.append(picture);
  for (let hours = 0; hours <= top; hours += step) {
    const label = make("span", "hours", `${hours} h`);
    label.style.bottom = `calc(${(22 / 190) * 100}% + ${((160 / 190) * 100 * hours) / top}%)`;
    frame.append(label);
  }
  all.forEach((one, at) => {
    if ((all.length - 1 - at) % 7) return;
    const label = make("span", "date", one.said.replace(/^\S+ /, ""));
    label.style.left = `calc(2.4rem + (100% - 2.4rem) * ${(at + 0.5) / all.length})`;
    frame.append(label);
  });
  $("month").replaceChildren(frame);
  choose(chosen ?? all.length - 1);
  $("legend").replaceChildren(...names.map((name) => make("span", `key ${colour(name)}`, words(name))));
  const silent = [...new Set(all.flatMap((one) => Object.keys(one.sums?.silent ?? {})))];
  table($("table"), [
    ["minutes", ...names.map(words), ...silent.map(words)],
    ...all.filter((one) => one.sums).reverse().map((one) => [one.said,
      ...names.map((name) => minutes(one.sums.activities[name])), ...silent.map((name) => minutes(one.sums.silent[name]))]),
  ]);
}

function inWords(one) {
  if (!one.sums) return `${one.said}: not read yet`;
  const list = (sums) => Object.entries(sums).filter(([, ms]) => ms >= 60000)
    .sort((a, b) => b[1] - a[1]).map(([name, ms]) => `${words(name)} ${time(ms)}`).join(", ");
  const none = list(one.sums.silent);
  return `${one.said}: ${list(one.sums.activities) || "no activity known"}${none ? `; not counted: ${none}` : ""}`;
}

function trouble(where, why) {
  if (!where.querySelector("svg")) where.replaceChildren(make("p", "quiet", `No history: ${why}.`));
}

function table(where, lines) {
  where.replaceChildren(...lines.map((cells, at) => {
    const row = make("tr");
    row.append(...cells.map((cell) => make(at ? "td" : "th", "", String(cell))));
    return row;
  }));
}

function put(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

const words = (name) => name.replaceAll("_", " ");
const percent = (share) => `${Math.round(100 * (share ?? 0))} %`;
const minutes = (ms) => (ms ? Math.round(ms / 60000) : "");
const time = (ms) => {
  const all = Math.round(ms / 60000);
  return all < 60 ? `${all} min` : `${Math.floor(all / 60)} h ${String(all % 60).padStart(2, "0")} min`;
};

repeat(live, LIVE_MS);
repeat(day, HISTORY_MS);
repeat(days, HISTORY_MS);
