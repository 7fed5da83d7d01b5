// Draws the charts. Their data is JSON in the page; their colours are names of the style sheet's variables.
"use strict";

const FLAT = { displayModeBar: false, responsive: true, doubleClick: "reset" };
let zoomed = null; // the stretch of time that somebody zoomed into, on all charts
const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Only below a key about colour does "$name" mean a colour: elsewhere it is somebody's text.
function paint(node, colored) {
  if (typeof node === "string") return colored && node[0] === "$" ? shade(node.slice(1)) : node;
  if (Array.isArray(node)) return node.map((one) => paint(one, colored));
  if (node === null || typeof node !== "object") return node;
  const entries = Object.entries(node).map(([key, one]) => [key, paint(one, colored || /color/.test(key))]);
  return Object.fromEntries(entries);
}

const overTime = (layout) => layout.xaxis.type === "date";

function themed(layout, wide) {
  const narrow = window.innerWidth < 700;
  const axis = { gridcolor: shade("grid"), linecolor: shade("grid"), zeroline: false, automargin: false };
  const labels = (layout.annotations || []).map((one) => one.yshift || 0);
  return {
    ...layout,
    margin: { l: narrow ? (wide ? 104 : 46) : 110, r: 14, b: 38, t: labels.length ? 18 + Math.max(...labels) : 12 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: layout.plot_bgcolor || "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 11.5, color: shade("muted") },
    hoverlabel: { bgcolor: shade("panel"), bordercolor: shade("line"), font: { color: shade("ink"), size: 12 } },
    hovermode: "closest",
    showlegend: false,
    // a finger that scrolls the page must not zoom a chart instead
    dragmode: matchMedia("(pointer: coarse)").matches || narrow ? false : "zoom",
    xaxis: { ...axis, ...layout.xaxis, nticks: narrow ? 5 : 12, ...(overTime(layout) && zoomed ? { range: [...zoomed] } : {}) },
    yaxis: { ...axis, fixedrange: overTime(layout), ...layout.yaxis },
  };
}

function drawChart(figure) {
  const plot = figure.querySelector(".plot");
  const given = JSON.parse(figure.querySelector("script").textContent);
  const first = !plot.data;
  plot.whole = String(given.layout.xaxis.range);
  Plotly.react(plot, paint(given.data, false), themed(paint(given.layout, false), given.wide), FLAT);
  if (!first) return;
  plot.on("plotly_relayout", (change) => follow(plot, change));
  plot.on("plotly_click", ({ points: [point] }) => {
    const links = plot.layout.meta && plot.layout.meta.links;
    const link = links && links[point.pointIndex[0]];
    if (link) location.assign(link);
  });
}

// Charts over time show the same stretch of it: zooming into one zooms into all.
function follow(plot, change) {
  if (!overTime(plot.layout) || !Object.keys(change).some((key) => key.startsWith("xaxis."))) return;
  const range = plot.layout.xaxis.range;
  zoomed = String(range) === plot.whole ? null : range;
  for (const other of document.querySelectorAll(".plot")) {
    if (other === plot || !other.layout || !overTime(other.layout)) continue;
    if (String(other.layout.xaxis.range) !== String(range)) Plotly.relayout(other, { "xaxis.range": [...range] });
  }
}

function drawCharts(root) {
  root.querySelectorAll("figure.chart").forEach(drawChart);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(document));
