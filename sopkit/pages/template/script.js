// What a page can do: filter, find and sort rows, show all of them, be printed.
// Without it the page is complete. Nothing is remembered, nothing leaves the page.
(() => {
  "use strict";
  const KEYS = { f: "Family", l: "Location", c: "Channel" }; // data-f, data-l, data-c of rows
  const MISSING = "–";
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const count = (n, one, many) => n.toLocaleString("en") + " " + (n === 1 ? one : many);
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const fold = text => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

  function make(tag, text, attributes) {
    const node = Object.assign(document.createElement(tag), attributes || {});
    node.textContent = text || "";
    return node;
  }

  // A table: its rows in the order of the page, how many are shown at first, what it can do.
  function read(figure) {
    const [first, rest] = all("tbody", figure);
    const own = { figure, body: first, shown: first.rows.length, isWhole: false, order: null };
    if (rest) first.append(...rest.rows), rest.remove();
    own.rows = Array.from(first.rows);
    own.total = Number(figure.dataset.rows) || own.rows.length;
    own.keys = Object.keys(KEYS).filter(key => own.rows.some(row => key in row.dataset));
    own.found = make("p", "", { className: "found", hidden: true });
    figure.querySelector("figcaption").after(own.found);
    if (own.rows.length > own.shown) addShowAll(own);
    if (own.rows.length > 1 && !own.rows.some(row => row.matches(".more"))) addSorting(own);
    show(own);
    return own;
  }

  // Which rows are seen: those that match, where something is asked for; else the first, or all.
  function show(own) {
    const rows = own.order || own.rows;
    rows.forEach((row, place) => {
      row.hidden = own.matches ? !own.matches.has(row) : !own.isWhole && place >= own.shown;
    });
    if (own.button) {
      const isPart = own.total > own.rows.length;
      own.button.textContent = own.isWhole
        ? "Show the first " + own.shown
        : (isPart ? "Show " : "Show all ") + count(own.rows.length, "row", "rows");
      own.button.hidden = Boolean(own.matches);
      own.left.hidden = Boolean(own.matches) || (own.isWhole && !isPart);
    }
    tell(own);
  }

  // The line below the caption: what the filter found here, and what the page does not hold.
  function tell(own) {
    const beyond = own.matches || own.order ? own.total - own.rows.length : 0;
    const more = beyond ? " The CSV holds " + count(beyond, "row", "rows") + " more." : "";
    own.found.textContent = (own.said || "") + more;
    own.found.hidden = !own.found.textContent;
  }

  function addShowAll(own) {
    own.button = make("button", "", { type: "button", className: "show" });
    own.left = own.figure.querySelector(".source > span");
    own.left.after(" ", own.button);
    own.button.addEventListener("click", () => {
      own.isWhole = !own.isWhole;
      own.figure.classList.toggle("whole", own.isWhole);
      show(own);
    });
  }

  // Heads become buttons: up, down, as the page had it; not where rows belong together.
  function addSorting(own) {
    const heads = all("thead th", own.figure);
    heads.forEach((head, place) => {
      const button = make("button", "", { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        heads.forEach(other => other.removeAttribute("aria-sort"));
        const now = { ascending: "descending", descending: "" }[was];
        const way = now === undefined ? "ascending" : now;
        if (way) head.setAttribute("aria-sort", way);
        own.order = way && sorted(own.rows, place, way === "ascending" ? 1 : -1);
        own.body.append(...(own.order || own.rows));
        show(own);
      });
    });
  }

  function sorted(rows, place, way) {
    const text = row => row.cells[place].dataset.v || row.cells[place].textContent.trim();
    const isMissing = row => !text(row) || text(row) === MISSING;
    const known = rows.filter(row => !isMissing(row));
    const isNumber = known.every(row => Number.isFinite(amount(text(row))));
    const compare = isNumber ? (a, b) => amount(a) - amount(b) : words.compare;
    known.sort((a, b) => way * compare(text(a), text(b)));
    return known.concat(rows.filter(isMissing));
  }

  // "−1,234", "+4.2%" as numbers; what is none, such as 2026-01, is not a number.
  function amount(text) {
    return Number(text.replace(/[,%\s]/g, "").replace("−", "-"));
  }

  // The bar below the title: a list for each key that rows have, a box to find, Clear; folded on phones.
  function addBar(place, tables) {
    const bar = make("details", "", { open: matchMedia("(min-width: 701px)").matches });
    bar.append(make("summary", "Filter and find"));
    place.append(bar);
    const lists = Object.keys(KEYS).map(key => addList(bar, key, tables)).filter(Boolean);
    const box = make("input", "", { type: "search", placeholder: "in all tables" });
    const label = make("label", "Find ");
    label.append(box);
    const clear = make("button", "Clear", { type: "button" });
    const said = make("p");
    said.setAttribute("role", "status");
    said.setAttribute("aria-live", "polite");
    bar.append(label, clear, said);
    place.setAttribute("role", "search");
    place.hidden = false;
    const act = () => { said.textContent = filter(tables, lists, box.value); };
    let wait;
    lists.forEach(list => list.addEventListener("change", act));
    box.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(act, 150); });
    clear.addEventListener("click", () => {
      lists.forEach(list => { list.value = ""; });
      box.value = "";
      act();
      box.focus();
    });
  }

  function addList(bar, key, tables) {
    const names = new Set();
    tables.forEach(own => own.rows.forEach(row => key in row.dataset && names.add(row.dataset[key])));
    all(".grid [data-" + key + "]").forEach(part => names.add(part.dataset[key]));
    if (names.size < 2) return null;
    const list = make("select", "", { name: key, ariaLabel: KEYS[key] });
    list.append(make("option", "all", { value: "" }));
    Array.from(names).sort(words.compare)
      .forEach(name => list.append(make("option", name, { value: name })));
    const label = make("label", KEYS[key] + " ");
    label.append(list);
    bar.append(label);
    return list;
  }

  // Applies what is asked for to all tables; the sentence that tells what came of it.
  function filter(tables, lists, text) {
    const asked = lists.filter(list => list.value);
    const needle = fold(text.trim());
    let rows = 0, hits = 0, free = 0;
    tables.forEach(own => {
      const lacks = asked.filter(list => !own.keys.includes(list.name));
      const isFree = lacks.length > 0 && !needle;
      own.matches = asked.length + needle.length && !isFree ? matching(own, asked, needle) : null;
      own.said = "";
      if (lacks.length) own.said = "Not filtered: no " + lacks.map(name).join(" or ") + " here.";
      if (own.matches && !own.matches.size) own.said = "No row matches. " + own.said;
      const size = own.matches ? own.matches.size : 0;
      free += isFree;
      hits += size > 0;
      rows += size;
      show(own);
    });
    open(tables, lists.find(list => list.name === "f" && list.value));
    if (!asked.length && !needle) return "";
    const said = rows
      ? count(rows, "row", "rows") + " of " + count(hits, "table", "tables") + " match."
      : "No row matches.";
    const left = free
      ? count(free, "table", "tables") + " without " + asked.map(name).join(" or ") + ", and " : "";
    return said + " Not filtered: " + left + "charts and sentences.";
  }

  const name = list => KEYS[list.name].toLowerCase();

  // Rows that match; rows that repeat what stands above them come and go together.
  function matching(own, asked, needle) {
    const keys = asked.filter(list => own.keys.includes(list.name));
    const found = new Set();
    let group = [];
    own.rows.forEach((row, place) => {
      if (!row.matches(".more")) group = [];
      group.push(row);
      row.text = row.text || fold(row.textContent);
      const isHit = keys.every(list => row.dataset[list.name] === list.value) &&
        row.text.includes(needle);
      group.isHit = group.isHit || isHit;
      const next = own.rows[place + 1];
      if (group.isHit && !(next && next.matches(".more"))) group.forEach(one => found.add(one));
    });
    return found;
  }

  // Opens folded blocks with rows that match, and the family of the S&OP grid that is asked for.
  function open(tables, family) {
    all("details[data-was]").forEach(part => {
      part.open = part.dataset.was === "true";
      delete part.dataset.was;
    });
    const wanted = tables.filter(own => own.matches && own.matches.size)
      .map(own => own.figure.closest("details")).filter(Boolean);
    if (family) {
      const own = all(".grid details").filter(part => part.dataset.f === family.value);
      wanted.push(...own, ...own.map(part => part.parentNode.closest("details")).filter(Boolean));
    }
    new Set(wanted).forEach(part => { part.dataset.was = part.open; part.open = true; });
  }

  const tables = all("figure.table").filter(figure => figure.querySelector("figcaption")).map(read);
  const bar = document.getElementById("tools");
  if (bar && tables.length) addBar(bar, tables);

  // Browsers that cannot open details by style: open them for print, close them afterwards.
  let opened = [];
  if (!CSS.supports("selector(::details-content)")) addEventListener("beforeprint", () => {
    opened = all(".grid details:not([open])");
    opened.forEach(part => { part.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach(part => { part.open = false; }));
})();
