"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const charts = [...document.querySelectorAll("[data-figure]")];

  // "@name" in a colour is the style sheet's --name, so that light, dark and paper draw the same figure.
  const data = new Set(["x", "y", "z", "customdata", "ticktext", "tickvals"]);
  const paint = (value, style, key = "") => {
    if (data.has(key))
      return value;
    if (typeof value === "string")
      return value.startsWith("@") && /colou?r/i.test(key) ? style.getPropertyValue("--" + value.slice(1)).trim() : value;
    if (Array.isArray(value))
      return value.map(item => paint(item, style, key));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, paint(item, style, name)]));
    return value;
  };

  const merge = (base, over) => {
    const all = { ...base };
    for (const [key, value] of Object.entries(over))
      all[key] = value && typeof value === "object" && !Array.isArray(value) ? merge(all[key] ?? {}, value) : value;
    return all;
  };

  const axis = {
    gridcolor: "@line", linecolor: "@line", zeroline: false, showline: false, automargin: true, fixedrange: true,
    tickcolor: "rgba(0,0,0,0)", ticks: "outside", ticklen: 5, title: { font: { color: "@muted", size: 12.5 }, standoff: 8 }, tickfont: { color: "@muted" },
  };
  const plain = {
    font: { family: getComputedStyle(root).getPropertyValue("--sans"), size: 12.5, color: "@text" },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 8, t: 8, b: 40 },
    hovermode: "x unified", dragmode: false,
    hoverlabel: { bgcolor: "@surface", bordercolor: "@line", font: { color: "@text" }, align: "left" },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: "@text" }, itemclick: false, itemdoubleclick: false },
  };

  // A confusion matrix from its cells: the diagonal in one colour, the mistakes in another with a scale of their own.
  const confusion = (given, width) => {
    const size = given.classes.length;
    const order = document.getElementById("neighbours")?.checked ? given.order : given.classes.map((_, place) => place);
    const place = [];
    order.forEach((index, at) => { place[index] = at; });
    const grid = () => Array.from({ length: size }, () => new Array(size).fill(null));
    const right = grid(), wrong = grid(), text = grid(), counts = { right: grid(), wrong: grid() };
    for (const [truth, taken, count] of given.cells) {
      const share = count / given.images[truth], row = place[truth], column = place[taken];
      (truth === taken ? right : wrong)[row][column] = share;
      counts[truth === taken ? "right" : "wrong"][row][column] = count;
      text[row][column] = `True: ${given.classes[truth]}<br>Taken for: ${given.classes[taken]}<br>${count} of ${given.images[truth]} (${(100 * share).toFixed(1)} %)`;
    }
    const places = order.map((_, at) => at);
    const names = order.map(index => given.labels[index]);
    const labels = size <= 60 && width >= 9 * size + 160;
    const digits = `${Math.max(0, ...given.cells.map(cell => cell[2]))}`.length;
    const counted = given.counted && width >= (8 * digits + 6) * size + 130;
    const trace = (z, colour, greatest) => ({
      type: "heatmap", x: places, y: places, z, customdata: text, ...(counted ? { text: counts[colour].map(row => row.map(count => count ?? "")), texttemplate: "%{text}" } : {}), zmin: 0, zmax: greatest, showscale: false, hoverongaps: false, xgap: labels ? 1 : 0, ygap: labels ? 1 : 0,
      colorscale: [[0, `@${colour}-low`], [1, `@${colour}-high`]],
      hovertemplate: "%{customdata}<extra></extra>",
    });
    const side = { ...(labels ? { tickmode: "array", tickvals: places, ticktext: names } : { showticklabels: false, ticks: "" }), showgrid: false, range: [-0.5, size - 0.5], tickfont: { size: Math.max(8, Math.min(12, 480 / size)) } };
    return {
      data: [trace(right, "right", 1), trace(wrong, "wrong", given.greatest || 1)],
      layout: {
        hovermode: "closest", plot_bgcolor: "@surface",
        xaxis: { ...side, tickangle: -90, title: { text: labels ? "Taken for" : "" } },
        yaxis: { ...side, range: [size - 0.5, -0.5], title: { text: labels ? "True class" : "" } },
        annotations: labels ? [] : [
          { text: "Taken for", xref: "paper", x: 0.5, yref: "paper", y: 0, yshift: -4, yanchor: "top", showarrow: false, font: { color: "@muted" } },
          { text: "True class", xref: "paper", x: 0, xshift: -4, xanchor: "right", yref: "paper", y: 0.5, textangle: -90, showarrow: false, font: { color: "@muted" } },
        ],
        margin: labels ? { l: 40, r: 4, t: 4, b: 40 } : { l: 26, r: 4, t: 4, b: 26 },
      },
    };
  };

  // An embedding map from its points: a colour a class, crosses where the answer was wrong. One class can be brought out of the crowd.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const hue = (place, classes) => {
    // A few classes share the circle evenly, neighbours on it differ in lightness; for many there are not colours enough.
    const turn = classes > 12 ? 137.508 : 360 / classes, apart = classes > 5 && classes <= 12 && place % 2 ? -14 : 0;
    return `hsl(${Math.round(205 + turn * place) % 360}, 58%, ${(dark.matches && !root.classList.contains("paper") ? 72 : 46) + apart}%)`;
  };
  // Points far enough from each other that their images don't overlap, mistakes first.
  const thumbnails = (given, x, y, width, isWrong) => {
    if (!document.getElementById("map-images").checked)
      return [];
    const side = width < 500 ? 40 : 56, tall = Math.min(640, width + 20), shown = [];
    const spans = [Math.max(...x) - Math.min(...x) || 1, Math.max(...y) - Math.min(...y) || 1];
    for (const at of given.labels.map((_, at) => at).filter(at => given.thumbnails[at]).sort((a, b) => isWrong(b) - isWrong(a)))
      if (shown.every(other => Math.abs(x[at] - x[other]) / spans[0] * width > side || Math.abs(y[at] - y[other]) / spans[1] * tall > side))
        shown.push(at);
    return shown.map(at => ({
      source: "data:image/webp;base64," + given.thumbnails[at].replaceAll("-", "+"), xref: "x", yref: "y", x: x[at], y: y[at],
      sizex: spans[0] * side / width, sizey: spans[1] * side / tall, xanchor: "center", yanchor: "bottom", layer: "below",
    }));
  };
  const map = (given, width) => {
    const chosen = Number(document.querySelector("input[name=map]:checked").value), wanted = Number(document.getElementById("map-class").value);
    const { x, y, titles } = given.maps[chosen];
    const isWrong = at => given.taken[at] >= 0 && given.taken[at] !== given.labels[at];
    const isMeant = at => wanted < 0 || given.labels[at] === wanted || given.taken[at] === wanted;
    const trace = (symbol, size, belongs) => {
      const places = given.labels.map((_, at) => at).filter(belongs).sort((a, b) => isMeant(a) - isMeant(b));
      return {
        type: "scatter", mode: "markers", x: places.map(at => x[at]), y: places.map(at => y[at]), customdata: places, hoverinfo: "none",
        marker: { symbol, size, line: { width: 0 }, color: places.map(at => hue(given.labels[at], given.classes.length)), opacity: places.map(at => isMeant(at) ? 0.85 : 0.1) },
      };
    };
    const bare = { showgrid: false, showticklabels: false, ticks: "", fixedrange: !matchMedia("(pointer: fine)").matches };
    return {
      data: [trace("circle", width < 500 ? 5 : 7, at => !isWrong(at)), trace("x", width < 500 ? 6 : 8, isWrong)],
      layout: {
        images: thumbnails(given, x, y, width, isWrong), showlegend: false, hovermode: "closest", hoverdistance: 12, dragmode: bare.fixedrange ? false : "zoom", plot_bgcolor: "@surface", margin: { l: 28, r: 4, t: 4, b: 28 },
        xaxis: { ...bare, title: { text: titles[0] } }, yaxis: { ...bare, title: { text: titles[1] }, ...(chosen === 1 ? { scaleanchor: "x", constrain: "domain" } : {}) },
      },
    };
  };

  // What a point of the map is: its thumbnail, names as text.
  const peek = document.createElement("div");
  peek.className = "peek";
  peek.hidden = true;
  const show = (given, at, event) => {
    const line = (text, kind) => Object.assign(document.createElement("p"), { textContent: text, className: kind });
    const { labels, taken, confidence, classes, images, thumbnails } = given;
    const sure = confidence[at] === null ? "" : ` (${(100 * confidence[at]).toFixed(1)} %)`;
    peek.replaceChildren(line(classes[labels[at]], "class"),
      ...(taken[at] < 0 ? [] : [line(taken[at] === labels[at] ? `rightly named${sure}` : `taken for ${classes[taken[at]]}${sure}`, taken[at] === labels[at] ? "quiet" : "wrong")]),
      line(images[at], "quiet"));
    if (thumbnails[at])
      peek.prepend(Object.assign(new Image(), { src: "data:image/webp;base64," + thumbnails[at].replaceAll("-", "+"), alt: "" }));
    peek.hidden = false;
    const { innerWidth, innerHeight } = window, { offsetWidth, offsetHeight } = peek;
    const { clientX, clientY } = event.touches?.[0] ?? event;
    peek.style.left = `${Math.max(4, clientX + 16 + offsetWidth > innerWidth ? clientX - 16 - offsetWidth : clientX + 16)}px`;
    peek.style.top = `${Math.max(4, Math.min(clientY + 16, innerHeight - offsetHeight - 4))}px`;
  };

  const draw = async (chart, paperWidth) => {
    const figure = figures[chart.dataset.figure];
    const width = paperWidth ?? chart.clientWidth;
    const made = figure.Confusion ? confusion(figure.Confusion, width) : figure.Map ? map(figure.Map, width) : { data: figure.Data, layout: figure.Layout };
    const height = figure.Confusion || figure.Map ? Math.min(figure.Height, width + 20) : figure.Height;
    const layout = merge(merge(plain, { xaxis: axis, yaxis: axis }), made.layout);
    for (const name of Object.keys(layout))
      if (/^[xy]axis\d+$/.test(name)) layout[name] = merge(axis, layout[name]);
    const style = getComputedStyle(root);
    await Plotly.react(chart, paint(made.data, style), { ...paint(layout, style), width, height }, { displayModeBar: false, responsive: false });
    chart.dataset.width = width;
    if (figure.Map) {
      document.querySelectorAll(".swatch").forEach(swatch => { swatch.style.background = hue(Number(swatch.dataset.class), figure.Map.classes.length); });
      if (!peek.isConnected) {
        document.body.append(peek);
        chart.on("plotly_hover", ({ points: [point], event }) => show(figure.Map, point.customdata, event));
        chart.on("plotly_unhover", () => { peek.hidden = true; });
      }
    }
  };

  const drawAll = paperWidth => Promise.all(charts.map(chart => draw(chart, paperWidth?.(chart))));

  if (charts.length) {
    drawAll().then(() => { root.dataset.charts = "drawn"; });
    dark.addEventListener("change", () => drawAll());
    const redraw = kind => charts.filter(chart => figures[chart.dataset.figure][kind]).forEach(chart => draw(chart));
    document.getElementById("neighbours")?.addEventListener("change", () => redraw("Confusion"));
    for (const id of ["map-class", "map-images"])
      document.getElementById(id)?.addEventListener("change", () => redraw("Map"));
    for (const choice of document.querySelectorAll("input[name=map]"))
      choice.addEventListener("change", () => {
        document.querySelectorAll("[data-map]").forEach(note => { note.hidden = note.dataset.map !== choice.value; });
        redraw("Map");
      });
    const watch = new ResizeObserver(entries => {
      for (const { target } of entries)
        if (!root.classList.contains("paper") && target.dataset.width && Math.abs(target.clientWidth - target.dataset.width) > 1) draw(target);
    });
    charts.forEach(chart => watch.observe(chart));
    // On paper: the light colours, and widths that an A4 or Letter page holds.
    addEventListener("beforeprint", () => {
      root.classList.add("paper");
      drawAll(chart => chart.closest(".grid") ? 318 : Math.min(640, figures[chart.dataset.figure].Height));
    });
    addEventListener("afterprint", () => {
      root.classList.remove("paper");
      drawAll();
    });
  }

  // Tables that sort by the column whose heading is pressed; missing values stay last.
  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const names = new Intl.Collator("en", { numeric: true });
    headings.forEach((heading, column) => heading.querySelector("button")?.addEventListener("click", () => {
      const number = heading.classList.contains("number");
      const now = heading.getAttribute("aria-sort");
      const down = now === "none" ? false : now === "ascending";
      headings.filter(other => other.ariaSort).forEach(other => other.setAttribute("aria-sort", other === heading ? (down ? "descending" : "ascending") : "none"));
      const keyed = [...body.rows].map(row => {
        const cell = row.cells[column];
        const key = number ? (cell.dataset.value ? Number(cell.dataset.value) : null) : cell.textContent.trim() || null;
        return { row, key };
      });
      keyed.sort((a, b) => a.key === null || b.key === null
        ? (a.key === null) - (b.key === null)
        : (down ? -1 : 1) * (number ? a.key - b.key : names.compare(a.key, b.key)));
      body.append(...keyed.map(({ row }) => row));
    }));
  }

  const find = document.getElementById("find-class");
  find?.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    for (const row of document.getElementById("classes-table").tBodies[0].rows)
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
  });
})();
