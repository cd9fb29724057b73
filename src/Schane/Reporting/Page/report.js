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
    const right = grid(), wrong = grid(), text = grid();
    for (const [truth, taken, count] of given.cells) {
      const share = count / given.images[truth], row = place[truth], column = place[taken];
      (truth === taken ? right : wrong)[row][column] = share;
      text[row][column] = `True: ${given.classes[truth]}<br>Taken for: ${given.classes[taken]}<br>${count} of ${given.images[truth]} (${(100 * share).toFixed(1)} %)`;
    }
    const places = order.map((_, at) => at);
    const names = order.map(index => given.labels[index]);
    const labels = size <= 60 && width >= 9 * size + 160;
    const trace = (z, colour, greatest) => ({
      type: "heatmap", x: places, y: places, z, customdata: text, zmin: 0, zmax: greatest, showscale: false, hoverongaps: false, xgap: labels ? 1 : 0, ygap: labels ? 1 : 0,
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

  const draw = async (chart, paperWidth) => {
    const figure = figures[chart.dataset.figure];
    const width = paperWidth ?? chart.clientWidth;
    const made = figure.Confusion ? confusion(figure.Confusion, width) : { data: figure.Data, layout: figure.Layout };
    const height = figure.Confusion ? Math.min(figure.Height, width + 20) : figure.Height;
    const layout = merge(merge(plain, { xaxis: axis, yaxis: axis }), made.layout);
    for (const name of Object.keys(layout))
      if (/^[xy]axis\d+$/.test(name)) layout[name] = merge(axis, layout[name]);
    const style = getComputedStyle(root);
    await Plotly.react(chart, paint(made.data, style), { ...paint(layout, style), width, height }, { displayModeBar: false, responsive: false });
    chart.dataset.width = width;
  };

  const drawAll = paperWidth => Promise.all(charts.map(chart => draw(chart, paperWidth?.(chart))));

  if (charts.length) {
    drawAll().then(() => { root.dataset.charts = "drawn"; });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
    document.getElementById("neighbours")?.addEventListener("change", () =>
      charts.filter(chart => figures[chart.dataset.figure].Confusion).forEach(chart => draw(chart)));
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
