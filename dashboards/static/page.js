// Keeps the page fresh while it is open, and sends what people decide.
"use strict";

const EVERY = 2000;
const main = document.getElementById("main");
const live = document.getElementById("live");
const parts = (root) => [...root.querySelectorAll("[data-part]")];
const served = new Map(parts(document).map((part) => [part.dataset.part, part.innerHTML]));
const draw = (root) => window.drawCharts && window.drawCharts(root);

function wire(root) {
  root.querySelectorAll("[data-origin]").forEach((one) => { one.textContent = location.origin; });
  root.querySelectorAll("form[data-post] input").forEach((one) => { one.value = localStorage.getItem("by") || ""; });
}

function update(part, fresh) {
  if (part.matches("figure.chart")) {  // the drawing stays, with its zoom
    part.querySelector("figcaption").replaceWith(fresh.querySelector("figcaption"));
    part.querySelector("script").textContent = fresh.querySelector("script").textContent;
    const plot = part.querySelector(".plot");
    plot.setAttribute("aria-label", fresh.querySelector(".plot").getAttribute("aria-label"));
    plot.style.height = fresh.querySelector(".plot").style.height;
    window.drawChart(part);
    return;
  }
  const controls = () => [...part.querySelectorAll("a, button, summary")];
  const focused = controls().indexOf(document.activeElement);
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  part.replaceChildren(...fresh.childNodes);
  part.querySelectorAll("details").forEach((one) => { one.open = open.includes(one.id); });
  if (focused >= 0 && controls()[focused]) controls()[focused].focus({ preventScroll: true });
  wire(part);
}

async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) throw new Error(answer.status);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const names = (root) => parts(root).map((part) => part.dataset.part).join("\n");
  const typing = main.contains(document.activeElement) && document.activeElement.matches("input, select");
  const html = new Map(parts(fresh).map((part) => [part.dataset.part, part.innerHTML]));
  if (names(document) !== names(fresh)) {
    if (typing) return;
    main.replaceChildren(...fresh.getElementById("main").childNodes);
    html.forEach((text, name) => served.set(name, text));
    draw(main);
    wire(main);
  } else {
    const next = new Map(parts(fresh).map((part) => [part.dataset.part, part]));
    for (const part of parts(document)) {
      const name = part.dataset.part;
      if (served.get(name) === html.get(name) || (typing && part.contains(document.activeElement))) continue;
      served.set(name, html.get(name));
      update(part, next.get(name));
    }
  }
  document.title = fresh.title;
  Object.assign(document.body.dataset, fresh.body.dataset);
}

async function poll() {
  try {
    const now = document.hidden ? {} : await (await fetch("/version")).json();
    const stale = (name) => name in now && now[name] !== document.body.dataset[name];
    if (document.body.dataset.watch.split(" ").some(stale)) await refresh();
    if (live.textContent !== "live, times in UTC") live.textContent = "live, times in UTC";
    live.classList.remove("lost");
  } catch {
    live.textContent = "no connection, trying again";
    live.classList.add("lost");
  }
  setTimeout(poll, EVERY);
}

document.addEventListener("submit", async (event) => {
  const address = event.target.dataset.post;
  if (!address) return;
  event.preventDefault();
  const output = event.target.querySelector("output");
  const by = new FormData(event.target).get("by").trim();
  localStorage.setItem("by", by);
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify({ by }) });
    if (!answer.ok) output.textContent = (await answer.json()).reason || `refused (${answer.status})`;
    document.activeElement.blur();
    if (answer.ok) await refresh();
  } catch {
    output.textContent = "no connection: nothing was sent";
  }
});

document.addEventListener("change", (event) => {
  if (event.target.form && "auto" in event.target.form.dataset) event.target.form.requestSubmit();
});

document.documentElement.classList.add("js");
wire(document);
draw(document);
if (document.body.dataset.watch) setTimeout(poll, EVERY);
