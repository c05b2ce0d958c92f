// Asks the board a few times a second for what is new, and shows it.

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
  const answer = await fetch(path, { signal: AbortSignal.timeout(8000) });
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

async function live() {
  if (!document.hidden) {
    try {
      const found = await ask(`live?after=${count}`);
      showNow(found.now);
      showSignals(found);
      showHealth(found);
    } catch (error) {
      const why = error instanceof TypeError || error.name === "TimeoutError"
        ? "The dashboard does not answer: is the board on, and in reach?" : error.message;
      showNow({ state: "no_data", words: "no data", why, confidence: null, probabilities: {}, heard: false });
    }
  }
  setTimeout(live, LIVE_MS);
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

function showSignals(found) {
  if (found.count < count || (rows.length && found.rows.length && found.rows[0][0] < rows[rows.length - 1][0])) rows = [];
  count = found.count;
  rows = rows.concat(found.rows).slice(-MOST_ROWS);
  if (!found.now.heard) rows = [];
  signals($("acc"), rows, 1, 1, 1.5);
  signals($("gyro"), rows, 4, 180 / Math.PI, 50);
}

function showHealth(found) {
  if (!found.health.length) return;
  $("health").replaceChildren(...found.health.flatMap(({ name, says, look }) =>
    [make("dt", "", name), make("dd", look ? "look" : "", says)]));
  table($("counts"), [["what", "how many"], ...found.counts]);
}

async function day() {
  let wait = HISTORY_MS;
  if (!document.hidden) {
    try {
      const found = await ask("day");
      if (found.day) {
        put($("date"), found.day.date);
        $("day").replaceChildren(found.day.lanes.length ? lanes(found.day)
          : make("p", "quiet", "Nothing of this day has been kept yet."));
        $("notes").replaceChildren(...found.day.notes.map((note) => make("li", "", note)));
      } else wait = READING_MS;
      if (found.trouble) trouble($("day"), found.trouble);
    } catch { wait = READING_MS; }
  }
  setTimeout(day, wait);
}

async function days() {
  let wait = HISTORY_MS;
  if (!document.hidden) {
    try {
      const found = await ask("month");
      const unread = found.days.filter((one) => !one.sums).length;
      if (unread) wait = READING_MS;
      put($("unread"), unread && !found.trouble ? `${unread} still to be read` : "");
      const text = JSON.stringify(found.days);
      if (text !== shownMonth) showMonth(found.days);
      shownMonth = text;
      if (found.trouble) trouble($("month"), found.trouble);
    } catch { wait = READING_MS; }
  }
  setTimeout(days, wait);
}

function showMonth(found) {
  const names = [...new Set(found.flatMap((one) => Object.keys(one.sums?.activities ?? {})))]
    .sort((a, b) => place(a) - place(b));
  const tell = (at) => {
    chosen = at;
    put($("chosen"), inWords(found[at]));
    document.querySelectorAll("#month .hit").forEach((hit, number) => hit.classList.toggle("chosen", number === at));
  };
  const { picture, top, step } = month(found, tell);
  const frame = make("div", "plot");
  frame.append(picture);
  for (let hours = 0; hours <= top; hours += step) {
    const label = make("span", "hours", `${hours} h`);
    label.style.bottom = `calc(${(22 / 190) * 100}% + ${((160 / 190) * 100 * hours) / top}%)`;
    frame.append(label);
  }
  found.forEach((one, at) => {
    if ((found.length - 1 - at) % 7) return;
    const label = make("span", "date", one.said.replace(/^\S+ /, ""));
    label.style.left = `calc(2.4rem + (100% - 2.4rem) * ${(at + 0.5) / found.length})`;
    frame.append(label);
  });
  $("month").replaceChildren(frame);
  tell(chosen ?? found.length - 1);
  $("legend").replaceChildren(...names.map((name) => make("span", `key ${colour(name)}`, words(name))));
  const silent = [...new Set(found.flatMap((one) => Object.keys(one.sums?.silent ?? {})))];
  table($("table"), [
    ["minutes", ...names.map(words), ...silent.map(words)],
    ...found.filter((one) => one.sums).reverse().map((one) => [one.said,
      ...names.map((name) => minutes(one.sums.activities[name])), ...silent.map((name) => minutes(one.sums.silent[name]))]),
  ]);
}

function inWords(one) {
  if (!one.sums) return `${one.said}: not read yet`;
  const said = (sums) => Object.entries(sums).filter(([, ms]) => ms >= 60000)
    .sort((a, b) => b[1] - a[1]).map(([name, ms]) => `${words(name)} ${time(ms)}`).join(", ");
  const none = said(one.sums.silent);
  return `${one.said}: ${said(one.sums.activities) || "no activity known"}${none ? `; not counted: ${none}` : ""}`;
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

live();
day();
days();
