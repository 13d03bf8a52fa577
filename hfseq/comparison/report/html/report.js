"use strict";
// Sorting, filtering, hovering and downloads. Without this script, all tables and pictures are still there.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const tables = JSON.parse(document.getElementById("tables").textContent);
  const tip = document.getElementById("tip");
  const announce = document.getElementById("announce");
  const pictures = ".plot > svg.chart";
  const fileName = (text) => text.replace(/[^\w.-]+/g, "-").replace(/^-+|-+$/g, "") || "report";

  function button(text, label, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "quiet";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", action);
    return made;
  }

  function download(name, type, content) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = fileName(name);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Colours: those of the system, light, dark.
  const themes = ["auto", "light", "dark"];
  function setTheme(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    all("[data-theme-name]").forEach((node) => (node.textContent = theme[0].toUpperCase() + theme.slice(1)));
  }
  let theme = "auto";
  try {
    theme = themes.find((name) => name === localStorage.getItem("hfseq-theme")) || "auto";
  } catch {
    // A file that is opened from a disk may have no storage. The choice then holds until the page is closed.
  }
  setTheme(theme);
  function nextTheme() {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    setTheme(theme);
    try {
      localStorage.setItem("hfseq-theme", theme);
    } catch {
      // As above.
    }
  }

  // Downloads
  const quote = (cell) => {
    const text = cell === null ? "" : String(cell);
    // A text that a spreadsheet would run as a formula gets an apostrophe.
    const safe = typeof cell === "string" && /^[=+@\t\r-]/.test(text) ? "'" + text : text;
    return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  };
  const toCsv = (table) => [table.columns, ...table.rows].map((row) => row.map(quote).join(",")).join("\r\n") + "\r\n";
  const toRecords = (table) => table.rows.map((row) => Object.fromEntries(row.map((cell, i) => [table.columns[i], cell])));
  function saveSvg(figure) {
    const visible = all(pictures, figure).filter((svg) => svg.getClientRects().length);
    visible.forEach((svg, i) => {
      const copy = svg.cloneNode(true);
      const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      back.setAttribute("width", "100%");
      back.setAttribute("height", "100%");
      back.setAttribute("fill", "#ffffff");
      copy.prepend(back);
      const name = figure.dataset.figure + (visible.length > 1 ? "-" + (i + 1) : "") + ".svg";
      download(name, "image/svg+xml", new XMLSerializer().serializeToString(copy));
    });
  }
  for (const figure of all("[data-figure]")) {
    const name = figure.dataset.figure;
    const details = figure.querySelector("details.data");
    const table = tables[name];
    if (!details || !table) continue;
    const foot = document.createElement("div");
    foot.className = "foot";
    details.replaceWith(foot);
    const actions = document.createElement("div");
    actions.className = "actions";
    actions.append(
      button("CSV", "Download the data as CSV", () => download(name + ".csv", "text/csv", toCsv(table))),
      button("JSON", "Download the data as JSON", () =>
        download(name + ".json", "application/json", JSON.stringify(toRecords(table), null, 1))),
    );
    if (figure.querySelector(pictures)) {
      actions.append(button("SVG", "Download the picture as SVG", () => saveSvg(figure)));
    }
    foot.append(details, actions);
  }
  function saveAll() {
    const records = Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, toRecords(table)]));
    download(document.title + ".json", "application/json", JSON.stringify(records, null, 1));
  }
  async function copyCommand(source) {
    const text = source.parentElement.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
      source.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source.parentElement.querySelector("code"));
      source.textContent = "Selected";
    }
    announce.textContent = source.textContent;
    setTimeout(() => (source.textContent = "Copy"), 2000);
  }
  const actions = { theme: nextTheme, all: saveAll, copy: copyCommand };
  for (const node of all("[data-action]")) {
    node.hidden = false;
    node.addEventListener("click", () => actions[node.dataset.action](node));
  }
  all(".tools, .filters").forEach((node) => (node.hidden = false));

  // Sorting
  const valueOf = (row, index) => all(":scope > :not([data-skip])", row)[index].dataset.value;
  function sort(table, index, header) {
    const numeric = header.classList.contains("number");
    const first = numeric && header.querySelector("[data-better]").dataset.better !== "lower" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = header.getAttribute("aria-sort") === first ? other : first;
    all("thead th", table).forEach((cell) => cell.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const rows = all("tbody tr", table).map((row) => [valueOf(row, index), row]);
    rows.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      return sign * (numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
  }
  for (const table of all("[data-table]")) {
    all("thead th", table).forEach((header, index) => {
      const heading = header.querySelector(".heading");
      const made = document.createElement("button");
      made.type = "button";
      made.className = "sort";
      made.append(...heading.childNodes);
      heading.append(made);
      made.addEventListener("click", () => sort(table, index, header));
    });
  }

  // Filtering
  function filter(id) {
    const words = document.querySelector(`[data-filter="${id}"]`).value.toLowerCase().split(/\s+/).filter(Boolean);
    const baselines = document.querySelector(`[data-baselines="${id}"]`)?.checked ?? true;
    const rows = all(`[data-table="${id}"] tbody tr`);
    for (const row of rows) {
      const text = row.firstElementChild.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word)) || (!baselines && "baseline" in row.dataset);
    }
    const shown = rows.filter((row) => !row.hidden).length;
    document.querySelector(`[data-count="${id}"]`).textContent = shown < rows.length ? `${shown} of ${rows.length} models` : "";
  }
  for (const input of all("[data-filter], [data-baselines]")) {
    input.addEventListener("input", () => filter(input.dataset.filter || input.dataset.baselines));
  }

  // Hovering: the text of a mark, and its model in all pictures.
  for (const title of all("svg.chart title")) {
    title.parentElement.dataset.tip = title.textContent;
    title.remove(); // the browser would show it as well
  }
  function showTip(mark, x, y) {
    tip.textContent = mark.dataset.tip;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
    tip.style.top = (y + 18 + box.height > innerHeight ? y - box.height - 12 : y + 18) + "px";
  }
  function focusModel(mark) {
    const root = mark?.closest("[data-model]") && mark.closest(".dataset");
    all(".focusing").forEach((node) => node.classList.remove("focusing"));
    all(".focus").forEach((node) => node.classList.remove("focus"));
    if (!root) return;
    const name = mark.closest("[data-model]").dataset.model;
    root.classList.add("focusing");
    all("[data-model]", root).forEach((node) => node.dataset.model === name && node.classList.add("focus"));
  }
  document.addEventListener("pointerover", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (mark) showTip(mark, event.clientX, event.clientY);
    else tip.hidden = true;
    focusModel(event.target.closest?.("svg.chart [data-model], .model[data-model]"));
  });
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (mark) showTip(mark, event.clientX, event.clientY);
  });
  document.addEventListener("scroll", () => (tip.hidden = true), { passive: true });

  // The keyboard: the arrow keys walk through the marks of a picture, and their texts are read out.
  for (const plot of all(".plot")) {
    const marks = all("[data-tip]", plot).filter((mark) => !mark.querySelector("[data-tip]"));
    if (marks.length < 2) continue;
    let current = -1;
    const leave = () => {
      all(".current", plot).forEach((node) => node.classList.remove("current"));
      tip.hidden = true;
      focusModel(null);
    };
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", "Picture. The arrow keys read its points one by one.");
    plot.addEventListener("blur", leave);
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") leave();
      if (!step) return;
      event.preventDefault();
      leave();
      current = (current + step + marks.length) % marks.length;
      const box = marks[current].getBoundingClientRect();
      marks[current].classList.add("current");
      focusModel(marks[current]);
      showTip(marks[current], box.left + box.width / 2, box.top + box.height / 2);
      announce.textContent = marks[current].dataset.tip;
    });
  }

  // The section that is being read, in the contents.
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "location");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  all("section[id], article[id]").forEach((node) => seen.observe(node));

  // All explanations are open on paper.
  addEventListener("beforeprint", () => all(".check-item details").forEach((node) => (node.open = true)));
})();
