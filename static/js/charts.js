// Draws every [data-chart] with Plotly. The server sends the figure as JSON ({data, layout, narrow}) with colours by
// token name ("var(--c1)", "var(--c1)/.18") and every text as it is to be read, so one figure serves light, dark,
// print and narrow screens. Nothing is formatted or summed here.
(() => {
  const NARROW = 520;
  const PAPER = 680; // the width of a card on A4 in CSS pixels
  const FONT_WAIT = 300;
  const TOKEN = /^var\((--[\w-]+)\)(?:\/([\d.]+))?$/;
  const CONFIG = { displayModeBar: false, displaylogo: false, scrollZoom: false, doubleClick: false, showTips: false };
  const AXIS = {
    gridcolor: "var(--grid)", linecolor: "var(--axis)", zeroline: false, ticks: "", fixedrange: true, automargin: false,
    tickfont: { size: 12, color: "var(--ink-3)" },
  };
  const LAYOUT = {
    font: { size: 12, color: "var(--ink-2)" }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 52, r: 12, t: 10, b: 28 }, showlegend: false, dragmode: false, hovermode: "x unified",
    hoverlabel: {
      bgcolor: "var(--surface)", bordercolor: "var(--line-strong)", font: { size: 12, color: "var(--ink)" }, namelength: -1,
    },
    xaxis: {
      ...AXIS, type: "date", showgrid: false, showline: true, spikethickness: 1, spikedash: "solid",
      spikecolor: "var(--line-strong)", tickformat: "%-d %b", hoverformat: "%a %-d %b %Y",
    },
    yaxis: { ...AXIS, showline: false },
  };
  const root = document.documentElement;
  const print = matchMedia("print");
  const drawn = new Map(); // element -> { width, off: the indices of traces that are switched off }
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);

  function colour(token, alpha) {
    probe.style.color = `var(${token})`;
    const [red, green, blue] = getComputedStyle(probe).color.match(/[\d.]+/g);
    return `rgba(${red},${green},${blue},${alpha ?? 1})`;
  }

  function withColours(value) {
    if (Array.isArray(value)) return value.map(withColours);
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withColours(one)]));
    const token = typeof value === "string" && value.match(TOKEN);
    return token ? colour(token[1], token[2]) : value;
  }

  function merged(under, over = {}) {
    const all = { ...under };
    for (const [key, value] of Object.entries(over)) {
      all[key] = isObject(value) && isObject(all[key]) ? merged(all[key], value) : value;
    }
    return all;
  }

  function layoutOf(figure, width, height) {
    const family = getComputedStyle(document.body).fontFamily;
    const own = merged({ width, height, font: { family } }, figure.layout);
    return merged(merged(LAYOUT, own), width < NARROW ? figure.narrow : {});
  }

  // While a series is switched off, the total of the box is too: it would be of more than what is seen.
  function tracesOf(figure, off) {
    return figure.data.map((trace, index) => {
      const hidden = off.has(index) || (off.size > 0 && trace.mode === "none");
      return hidden ? { ...trace, visible: false } : trace;
    });
  }

  function linkOf({ data: { meta }, pointIndex }) {
    const own = meta?.links?.[pointIndex];
    return own === undefined ? "" : meta.around[0] + own + meta.around[1];
  }

  function linkAt(element, { points, event }) {
    const { top } = element.querySelector(".nsewdrag").getBoundingClientRect();
    const pointer = element._fullLayout.yaxis.p2d(event.clientY - top);
    const linked = points.filter(linkOf);
    const ends = { true: 0, false: 0 };
    const under = linked.find((point) => {
      if (point.data.type !== "bar") return linked.length === 1;
      const above = point.y > 0;
      ends[above] += point.y;
      return above ? pointer >= 0 && pointer <= ends[above] : pointer < 0 && pointer >= ends[above];
    });
    return under && linkOf(under);
  }

  function follow(element, event) {
    const url = linkAt(element, event);
    if (url) location.assign(url);
  }

  function failed(element, error) {
    element.textContent = "The chart could not be drawn. Its numbers are in the table.";
    element.classList.add("failed");
    element.removeAttribute("role");
    console.error(error);
  }

  async function draw(element) {
    const state = drawn.get(element) ?? { off: new Set() };
    try {
      const figure = JSON.parse(document.getElementById(element.dataset.chart).textContent);
      const width = print.matches ? Math.min(element.clientWidth, PAPER) : element.clientWidth;
      state.width = element.clientWidth;
      const layout = withColours(layoutOf(figure, width, element.clientHeight));
      await Plotly.react(element, withColours(tracesOf(figure, state.off)), layout, CONFIG);
      if (!drawn.has(element)) element.on("plotly_click", (event) => follow(element, event));
      element.classList.toggle("linked", figure.data.some((trace) => trace.meta?.links));
      drawn.set(element, state);
      sizes.observe(element);
    } catch (error) {
      failed(element, error);
    }
    element.setAttribute("aria-busy", "false");
  }

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (drawn.has(target) && target.clientWidth && drawn.get(target).width !== target.clientWidth) draw(target);
    }
  });
  const chartsIn = (element) => [...element.querySelectorAll("[data-chart]")];
  const drawAll = () => Promise.all(chartsIn(document).map(draw));

  function forget(element) {
    if (!drawn.delete(element)) return;
    sizes.unobserve(element);
    Plotly.purge(element);
  }

  // data-toggle-series="ID:0,3": one button for the traces of one series, such as its bars and today's hatched one
  function toggle(button) {
    const [id, indices] = button.dataset.toggleSeries.split(":");
    const element = document.querySelector(`[data-chart="${CSS.escape(id)}"]`);
    if (!drawn.has(element)) return;
    const { off } = drawn.get(element);
    const hide = button.getAttribute("aria-pressed") !== "false";
    for (const index of indices.split(",").map(Number)) off[hide ? "add" : "delete"](index);
    button.setAttribute("aria-pressed", String(!hide));
    draw(element);
  }

  // A table that was fetched anew beside its chart: its buttons say what the chart still shows.
  function press(button) {
    const [id, indices] = button.dataset.toggleSeries.split(":");
    const off = drawn.get(document.querySelector(`[data-chart="${CSS.escape(id)}"]`))?.off;
    button.setAttribute("aria-pressed", String(!off?.has(Number(indices.split(",")[0]))));
  }

  // Two figures of one chart: a radio button with data-plot (whose id) and data-figure (which figure).
  function swap(choice) {
    const element = document.getElementById(choice.dataset.plot);
    element.dataset.chart = choice.dataset.figure;
    element.setAttribute("aria-label", choice.dataset.says);
    draw(element);
  }

  async function start() {
    await Promise.race([document.fonts.ready, new Promise((resolve) => { setTimeout(resolve, FONT_WAIT); })]);
    for (const choice of document.querySelectorAll("[data-figure]:checked")) {
      document.getElementById(choice.dataset.plot).dataset.chart = choice.dataset.figure; // as Back or reload left it
    }
    await drawAll();
    root.dataset.chartMs = Math.round(performance.now()); // since the address was entered
    root.dataset.charts = "ready";
    document.addEventListener("htmx:load", ({ detail: { elt } }) => {
      chartsIn(elt).forEach(draw);
      elt.querySelectorAll("[data-toggle-series]").forEach(press);
    });
    document.addEventListener("htmx:beforeCleanupElement", (event) => forget(event.detail.elt));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toggle-series]");
    if (button) toggle(button);
  });
  document.addEventListener("change", (event) => { if (event.target.dataset.figure) swap(event.target); });
  addEventListener("themechange", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  print.addEventListener("change", drawAll);
  start();
})();
