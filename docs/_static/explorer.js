// The evidence explorer: filters, sorts and downloads the rows of window.HERBTC_EVIDENCE. Nothing is fetched, and all
// text enters the page as text.
"use strict";

(() => {
  const form = document.getElementById("explorer");
  const evidence = window.HERBTC_EVIDENCE;
  if (!form || !evidence) return;

  const PAGE = 100;
  const FILTERS = ["mechanism", "line", "her2", "site", "design", "endpoint", "drawn"];
  const DEFAULTS = { table: "figures", q: "", newest: "yes", sort: "", order: "", ...Object.fromEntries(FILTERS.map((name) => [name, ""])) };

  const table = form.querySelector("table");
  const status = form.querySelector("[role=status]");
  const more = form.elements.more;
  let state = { ...DEFAULTS };
  let found = [];
  let shown = PAGE;

  // What is searched in a row is put together once.
  for (const { columns, rows } of Object.values(evidence.tables)) {
    for (const row of rows) row.text = columns.map(({ key }) => row[key] ?? "").join(" ").toLowerCase();
  }

  // --- the address keeps the state ---------------------------------------------------------------------------------

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const next = { ...DEFAULTS };
    for (const name of Object.keys(DEFAULTS)) if (given.has(name)) next[name] = given.get(name);
    if (!Object.hasOwn(evidence.tables, next.table)) next.table = DEFAULTS.table;
    if (!evidence.tables[next.table].columns.some(({ key }) => key === next.sort)) next.sort = next.order = "";
    else if (next.order !== "descending") next.order = "ascending";
    for (const name of FILTERS) {
      // A word that is not there filters nothing, as the form shows.
      const known = [...form.elements[name].options].some(({ value }) => value === next[name]);
      if (!known) next[name] = "";
    }
    return next;
  }

  function address() {
    const told = Object.entries(state).filter(([name, value]) => value !== DEFAULTS[name]);
    return told.length ? `#${new URLSearchParams(told)}` : "";
  }

  function keep() {
    const next = address();
    if (next !== location.hash) history.replaceState(null, "", next || location.pathname + location.search);
  }

  // --- rows --------------------------------------------------------------------------------------------------------

  function matches(row, words) {
    return (
      FILTERS.every((name) => !state[name] || row.facets[name].includes(state[name])) &&
      (state.newest !== "yes" || row.newest) &&
      words.every((word) => row.text.includes(word))
    );
  }

  function value(row, column) {
    // A result sorts by its number, and without one it has no place.
    return column.key === "result" ? row.result_number : row[column.key];
  }

  const missing = (one) => one === undefined;

  function sorted(rows, columns) {
    const column = columns.find(({ key }) => key === state.sort);
    if (!column) return rows;
    const sign = state.order === "descending" ? -1 : 1;
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    return [...rows].sort((one, other) => {
      const [a, b] = [value(one, column), value(other, column)];
      // What is not there comes last, in either order.
      if (missing(a) || missing(b)) return missing(a) - missing(b);
      return sign * (column.number ? a - b : compare(a, b));
    });
  }

  // --- the page ----------------------------------------------------------------------------------------------------

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function cell(row, column, place) {
    const text = String(row[column.key] ?? "–");
    const link = row[`${column.key}_link`];
    const attributes = { class: `explorer-${column.number && column.key !== "result" ? "number" : column.key}` };
    const content = link ? element("a", { href: link }, text) : text;
    if (link && link.startsWith("https://")) content.rel = "noopener";
    return place === 0 ? element("th", { scope: "row" }, content) : element("td", attributes, content);
  }

  function head(columns) {
    const cells = columns.map((column) => {
      const button = element("button", { type: "button", "data-sort": column.key }, column.label);
      const attributes = { scope: "col", "aria-sort": column.key === state.sort ? state.order : "none" };
      return element("th", attributes, button);
    });
    table.tHead.replaceChildren(element("tr", {}, ...cells));
  }

  function body(columns) {
    const rows = found.slice(0, shown).map((row) => element("tr", {}, ...columns.map((column, place) => cell(row, column, place))));
    table.tBodies[0].replaceChildren(...rows);
    more.hidden = found.length <= shown;
    const all = evidence.tables[state.table].rows.length;
    const some = found.length > shown ? `, the first ${shown} shown` : "";
    status.textContent = `${found.length} of ${all} ${state.table}${some}`;
  }

  function show() {
    const { columns, rows } = evidence.tables[state.table];
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    found = sorted(rows.filter((row) => matches(row, words)), columns);
    table.caption.textContent = `${state.table === "studies" ? "Studies" : "Figures as printed"}, herbtc ${evidence.release}`;
    head(columns);
    body(columns);
  }

  function fill() {
    for (const name of ["table", "q", ...FILTERS]) form.elements[name].value = state[name];
    form.elements.newest.checked = state.newest === "yes";
  }

  function change(next) {
    state = { ...state, ...next };
    shown = PAGE;
    keep();
    show();
  }

  // --- download ----------------------------------------------------------------------------------------------------

  function field(content) {
    const text = String(content ?? "");
    // A spreadsheet takes what begins so for a formula, unless it is a number.
    const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function csv() {
    const { columns } = evidence.tables[state.table];
    const linked = columns.flatMap(({ key }) => (found.some((row) => /^https?:/.test(row[`${key}_link`] ?? "")) ? [key, `${key}_link`] : [key]));
    return [linked, ...found.map((row) => linked.map((key) => row[key]))].map((row) => row.map(field).join(",")).join("\r\n");
  }

  function download() {
    const link = element("a", { download: `herbtc-${evidence.release}-${state.table}.csv` });
    // The mark at its start tells Excel that the file is UTF-8.
    link.href = URL.createObjectURL(new Blob(["\ufeff", csv(), "\r\n"], { type: "text/csv" }));
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // --- events ------------------------------------------------------------------------------------------------------

  form.addEventListener("input", ({ target }) => {
    if (target.name === "newest") change({ newest: target.checked ? "yes" : "no" });
    else if (target.name === "table") change({ table: target.value, sort: "", order: "" });
    else if (Object.hasOwn(DEFAULTS, target.name)) change({ [target.name]: target.value });
  });

  form.addEventListener("submit", (event) => event.preventDefault());

  form.addEventListener("click", ({ target }) => {
    if (target.name === "reset") {
      change({ ...DEFAULTS, table: state.table });
      fill();
    } else if (target.name === "download") download();
    else if (target.name === "more") {
      const first = shown;
      shown += PAGE;
      body(evidence.tables[state.table].columns);
      // Whoever uses a keyboard goes on where the new rows begin.
      table.tBodies[0].rows[first]?.querySelector("a")?.focus();
    }
  });

  table.addEventListener("click", (event) => {
    const key = event.target.closest("button")?.dataset.sort;
    if (key) {
      const order = state.sort === key && state.order === "ascending" ? "descending" : "ascending";
      change({ sort: key, order });
      table.tHead.querySelector(`[data-sort="${key}"]`).focus();
      return;
    }
    const place = event.target.closest("a")?.getAttribute("href");
    if (place?.startsWith("#")) {
      // To a figure of this page, while the address keeps the state.
      event.preventDefault();
      const figure = document.getElementById(place.slice(1));
      figure.scrollIntoView({ block: "center" });
      figure.focus({ preventScroll: true });
    }
  });

  addEventListener("hashchange", () => {
    if (!location.hash.includes("=") && location.hash) return; // a heading
    state = read();
    shown = PAGE;
    fill();
    show();
    form.scrollIntoView();
  });

  state = read();
  fill();
  show();
  form.hidden = false;
})();
