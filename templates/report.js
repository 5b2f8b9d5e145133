// Sorts, filters, groups and copies what the page shows without it. It asks for nothing, keeps nothing, and writes text
// only as text. A file report.js in the configured template directory replaces it.
(() => {
  "use strict";
  const SEVERITIES = ["critical", "high", "medium", "low", "info"];
  const GROUPINGS = ["rule", "user", "control"];
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const text = (root, selector) => root.querySelector(selector)?.textContent.trim() ?? "";
  const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  document.documentElement.classList.add("js");
  all(".tools").forEach((tools) => { tools.hidden = false; });

  // Sorting: a click up, the next one down, the third as the report has it.

  const NUMBER = /^[\d,]+$/;

  function key(cell) {
    if (cell === undefined) return "";
    const given = cell.dataset.sort ?? cell.textContent.trim().toLowerCase();
    if (NUMBER.test(given)) return Number(given.replaceAll(",", ""));
    return given === "–" ? "" : given;
  }

  // Numbers before words; what is empty stays at the end in both directions.
  function compare(a, b, direction) {
    if (a === "" || b === "") return (a === "") - (b === "");
    if (typeof a !== typeof b) return direction * (typeof a === "number" ? -1 : 1);
    return direction * (a < b ? -1 : a > b ? 1 : 0);
  }

  function sort(table, head, direction) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    rows.forEach((row, place) => { row.place ??= place; });
    all("th[aria-sort]", table.tHead).forEach((other) => other.removeAttribute("aria-sort"));
    if (direction === 0) {
      rows.sort((a, b) => a.place - b.place);
    } else {
      head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      const keys = new Map(rows.map((row) => [row, key(row.cells[head.cellIndex])]));
      rows.sort((a, b) => compare(keys.get(a), keys.get(b), direction) || a.place - b.place);
    }
    body.append(...rows);
  }

  function sortable(table) {
    if (!table.tHead || (table.tBodies[0]?.rows.length ?? 0) < 2) return;
    all("th", table.tHead).forEach((head) => {
      const button = element("button", { type: "button", className: "sort" });
      button.append(...head.childNodes);
      head.append(button);
    });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.sort");
    if (!button) return;
    const head = button.closest("th");
    const next = { ascending: -1, descending: 0 }[head.getAttribute("aria-sort")] ?? 1;
    sort(head.closest("table"), head, next);
  });
  all("main table").forEach(sortable);

  // Long tables: rows that hold every word of the search.

  const words = (input) => input.toLowerCase().split(/\s+/).filter(Boolean);

  function searchable(tools) {
    const input = tools.querySelector("input");
    const told = tools.querySelector(".told");
    const rows = all("tbody tr", byId(tools.dataset.table));
    input.addEventListener("input", () => {
      const wanted = words(input.value);
      let shown = 0;
      rows.forEach((row) => {
        row.words ??= row.textContent.toLowerCase();
        const fits = wanted.every((word) => row.words.includes(word));
        row.classList.toggle("off", !fits);
        shown += fits;
      });
      told.textContent = wanted.length ? `${shown.toLocaleString("en")} of ${count(rows.length, "row", "rows")}` : "";
    });
  }
  all(".tools[data-table]").forEach(searchable);

  // Findings.

  const announcer = byId("announcer");
  const tools = byId("finding-tools");
  if (!tools) {
    window.addEventListener("hashchange", follow);
    follow();
    return;
  }
  const ruleList = byId("by-rule");
  const groupList = byId("groups");
  const search = byId("finding-search");
  const state = byId("finding-state");
  const consoles = byId("finding-console");
  const grouping = byId("finding-group");
  const fold = byId("finding-fold");
  const chips = all(".chip", tools);
  const rules = all(".rule", ruleList).map((article) => ({
    article,
    details: article.querySelector("details"),
    title: text(article, "h3"),
    id: article.id,
    controls: all(".controls li", article).map((control) => control.textContent.trim()),
    wasOpen: article.dataset.severity === "critical",
  }));
  const findings = rules.flatMap((rule) =>
    all("tbody tr", rule.article).map((row) => ({ row, rule, fits: true })));
  let pinned = null;

  function words_of(finding) {
    finding.words ??= `${finding.rule.article.querySelector("summary").textContent} ${finding.row.textContent}`.toLowerCase();
    return finding.words;
  }

  const chosen = () => chips.filter((chip) => chip.ariaPressed === "true").map((chip) => chip.dataset.severity);
  const filtering = () => Boolean(search.value.trim() || chosen().length || state.value || consoles?.value);

  function fits({ row }, severities) {
    const { severity, state: is, change, console: on } = row.dataset;
    return (severities.length === 0 || severities.includes(severity))
      && (!state.value || (state.value === "new" ? change === "new" || change === "reopened" : state.value === is))
      && (!consoles?.value || consoles.value === on);
  }

  function apply() {
    const severities = chosen();
    const wanted = words(search.value);
    const shown = findings.filter((finding) => {
      finding.fits = fits(finding, severities) && wanted.every((word) => words_of(finding).includes(word));
      finding.row.classList.toggle("off", !finding.fits && finding.row !== pinned);
      return finding.fits;
    });
    const seen = new Set(findings.filter(({ row }) => !row.classList.contains("off")).map(({ rule }) => rule));
    const active = filtering();
    rules.forEach((rule) => {
      rule.article.classList.toggle("off", !seen.has(rule));
      rule.details.open = active ? seen.has(rule) : rule.wasOpen;
    });
    group(shown);
    byId("finding-told").textContent = active
      ? `${shown.length.toLocaleString("en")} of ${count(findings.length, "finding", "findings")} on this page`
      : `${count(findings.length, "finding", "findings")} on this page`;
    byId("finding-clear").hidden = !active;
    relabel();
    remember();
  }

  // Groups by user or control hold copies of the rows, made when a group is opened.

  function keys_of({ row, rule }) {
    return grouping.value === "control"
      ? (rule.controls.length ? rule.controls : ["No control"])
      : [row.dataset.subject];
  }

  function group(shown) {
    const by_rule = grouping.value === "rule";
    ruleList.hidden = !by_rule;
    groupList.hidden = by_rule;
    groupList.replaceChildren();
    if (by_rule) return;
    const groups = new Map();
    shown.forEach((finding) => keys_of(finding).forEach((name) => {
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(finding);
    }));
    const rank = ({ row }) => SEVERITIES.indexOf(row.dataset.severity);
    const sorted = [...groups].map(([name, members]) => {
      members.sort((a, b) => rank(a) - rank(b));
      return { name, members, worst: rank(members[0]) };
    });
    sorted.sort((a, b) => a.worst - b.worst || b.members.length - a.members.length || (a.name < b.name ? -1 : 1));
    groupList.append(...sorted.map(section));
  }

  function section({ name, members, worst }) {
    const badge = element("span", { className: `badge level ${SEVERITIES[worst]}` });
    badge.textContent = SEVERITIES[worst][0].toUpperCase() + SEVERITIES[worst].slice(1);
    const title = element("h3");
    const details = element("details", { className: "group" });
    const row = members[0].row;
    const about = [];
    if (grouping.value === "control") {
      title.append(element("bdi", {}, name));
    } else {
      title.append(element("bdi", {}, text(row, ".subject bdi")));
      about.push(element("span", { className: "from" }, row.dataset.about));
    }
    const amount = element("span", { className: "amount" }, count(members.length, "finding", "findings"));
    details.append(element("summary", {}, badge, title, ...about, amount));
    details.members = members;
    details.addEventListener("toggle", () => { if (details.open) fill(details, text(title, "bdi")); });
    return details;
  }

  function fill(details, name) {
    if (details.querySelector("table")) return;
    const body = element("tbody");
    details.members.forEach(({ row, rule }) => {
      const copy = row.cloneNode(true);
      copy.removeAttribute("id");
      copy.original = row;
      copy.classList.remove("off", "here");
      const link = element("a", { href: `#${rule.id}` }, rule.title);
      copy.querySelector(".what").prepend(element("span", { className: "from" }, link));
      body.append(copy);
    });
    const table = details.members[0].row.closest("table");
    const head = table.tHead.cloneNode(true);
    all("th", head).forEach((cell) => {
      cell.removeAttribute("aria-sort");
      cell.replaceChildren(...(cell.querySelector("button") ?? cell).childNodes);
    });
    const made = element("table", { className: table.className },
      element("caption", { className: "quiet" }, `Findings of ${name}`), head, body);
    sortable(made);
    const box = element("div", { className: "scroll", tabIndex: 0 }, made);
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Findings of ${name}`);
    details.append(box);
  }

  // Open and close all.

  const foldable = () => (grouping.value === "rule" ? rules.map((rule) => rule.details) : all(".group", groupList));
  const relabel = () => {
    fold.textContent = foldable().some((details) => details.open) ? "Close all" : "Open all";
  };
  fold.addEventListener("click", () => {
    const open = fold.textContent === "Open all";
    foldable().forEach((details) => { details.open = open; });
    relabel();
  });

  // The address keeps the filters behind the place: #finding-abc?severity=high&q=admin

  function remember() {
    const kept = new URLSearchParams();
    if (search.value.trim()) kept.set("q", search.value.trim());
    if (chosen().length) kept.set("severity", chosen().join(","));
    if (state.value) kept.set("state", state.value);
    if (consoles?.value) kept.set("console", consoles.value);
    if (grouping.value !== "rule") kept.set("group", grouping.value);
    const place = location.hash.split("?")[0];
    const next = String(kept) ? `${place || "#findings"}?${kept}` : place;
    if (next === location.hash) return;
    try {
      history.replaceState(null, "", next || location.pathname);
    } catch {
      // A browser may keep the address of a local file as it is.
    }
  }

  function recall() {
    const [, kept] = location.hash.split("?");
    if (kept === undefined) return;
    const values = new URLSearchParams(kept);
    const option = (select, value) => {
      if (select && [...select.options].some((one) => one.value === value)) select.value = value;
    };
    search.value = values.get("q") ?? "";
    const severities = (values.get("severity") ?? "").split(",");
    chips.forEach((chip) => { chip.ariaPressed = String(severities.includes(chip.dataset.severity)); });
    option(state, values.get("state") ?? "");
    option(consoles, values.get("console") ?? "");
    option(grouping, GROUPINGS.find((one) => one === values.get("group")) ?? "rule");
  }

  // A link into the page opens what holds its target; that to a finding shows it even where a filter hides it.

  function follow() {
    const id = decodeURIComponent(location.hash.slice(1).split("?")[0]);
    const target = id && byId(id);
    if (!target) return;
    for (let box = target; box; box = box.parentElement) {
      if (box.matches("details")) box.open = true;
    }
    target.querySelector(":scope > details")?.setAttribute("open", "");
    all("tr.here").forEach((row) => row.classList.remove("here"));
    let place = target;
    if (target.matches("tr")) {
      target.classList.remove("off");
      target.closest(".off")?.classList.remove("off");
      place = tools && grouping.value !== "rule" && ruleList.contains(target) ? in_group(target) : target;
      place.classList.add("here");
      place.tabIndex = -1;
      place.focus({ preventScroll: true });
    } else if (tools && ruleList.contains(target) && grouping.value !== "rule") {
      grouping.value = "rule";
      apply();
      target.querySelector("details").open = true;
    }
    const scroll = () => place.scrollIntoView({ block: place.matches("tr") ? "center" : "start" });
    scroll();
    // What comes near gets its true height only then, and moves the place.
    requestAnimationFrame(() => requestAnimationFrame(scroll));
  }

  function in_group(row) {
    const details = all(".group", groupList).find((one) => one.members.some((finding) => finding.row === row));
    if (!details) {
      grouping.value = "rule";
      pinned = row;
      apply();
      row.closest("details").open = true;
      return row;
    }
    details.open = true;
    fill(details, text(details, "h3"));
    return all("tbody tr", details).find((copy) => copy.original === row);
  }

  function arrive() {
    recall();
    pinned = byId(decodeURIComponent(location.hash.slice(1).split("?")[0]))?.closest(".rule tbody tr") ?? null;
    apply();
    follow();
  }

  // What to do about a finding, as text for a ticket.

  function remediation(row, article) {
    const lines = [`${text(article, "h3")} (${text(article, ".code")})`];
    if (row) lines.push(`${row.dataset.about}: ${text(row, ".what > bdi")}`);
    lines.push(`In the console: ${text(article, ".in-console")}`, `Through the API: ${text(article, ".through-api")}`);
    if (row) lines.push(`Finding ${text(row, ".id")}`);
    return lines.join("\n");
  }

  // Where a browser gives a local page no clipboard, a selection is copied the old way.
  async function put(copied, beside) {
    try {
      await navigator.clipboard.writeText(copied);
      return true;
    } catch {
      const area = element("textarea", { value: copied, className: "quiet" });
      beside.after(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      beside.focus();
      return done;
    }
  }

  function copying(label, about) {
    const button = element("button", { type: "button", className: "copy" }, label);
    button.append(element("span", { className: "quiet" }, ` ${about}`));
    return button;
  }

  rules.forEach(({ article, title }) => {
    article.querySelector(".through-api").after(copying("Copy remediation", `of ${title}`));
  });
  findings.forEach(({ row }) => {
    row.querySelector(".ref").append(copying("Copy", `the remediation of finding ${text(row, ".id")}`));
  });

  byId("findings").addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const shown = button.closest("tbody tr");
    const row = shown?.original ?? shown;
    const done = await put(remediation(row, (row ?? button).closest(".rule")), button);
    announcer.textContent = "";
    announcer.textContent = done ? "Remediation copied." : "The browser did not let the text be copied.";
    const label = button.firstChild;
    button.label ??= label.data;
    label.data = done ? "Copied" : "Not copied";
    setTimeout(() => { label.data = button.label; }, 2000);
  });

  search.addEventListener("input", () => { pinned = null; apply(); });
  [state, consoles, grouping].forEach((select) => select?.addEventListener("change", () => { pinned = null; apply(); }));
  chips.forEach((chip) => chip.addEventListener("click", () => {
    chip.ariaPressed = String(chip.ariaPressed !== "true");
    pinned = null;
    apply();
  }));
  byId("finding-clear").addEventListener("click", () => {
    search.value = state.value = "";
    if (consoles) consoles.value = "";
    chips.forEach((chip) => { chip.ariaPressed = "false"; });
    pinned = null;
    apply();
    search.focus();
  });
  rules.forEach(({ details }) => details.addEventListener("toggle", relabel));
  // A link to where the page already stands changes no address, but leads there.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) follow();
  });
  window.addEventListener("hashchange", arrive);
  arrive();
})();
