"use strict";
(function () {
  // The theme first, before anything is drawn; storage may be forbidden.
  var root = document.documentElement;
  function stored() { try { return localStorage.getItem("segbench-theme"); } catch (error) { return null; } }
  function store(theme) { try { localStorage.setItem("segbench-theme", theme); } catch (error) { /* This page only. */ } }
  var chosen = stored();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  function all(selector, within) { return Array.from((within || document).querySelectorAll(selector)); }
  function make(name, text, attributes) {
    var element = document.createElement(name);
    if (text !== undefined && text !== null) element.textContent = text;
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    return element;
  }

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function themeSwitch(button) {
    function show() { button.setAttribute("aria-pressed", String(isDark())); }
    button.hidden = false;
    button.addEventListener("click", function () {
      root.dataset.theme = isDark() ? "light" : "dark";
      store(root.dataset.theme);
      show();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
  }

  // Tables: the headers become buttons; what is undefined stays last in both directions.
  var collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  function cellValue(row, column, kind) {
    var cell = row.cells[column], text = cell.dataset.value;
    if (text === undefined) text = cell.textContent.trim();
    if (kind === "text") return text;
    return text === "" ? null : Number(text);
  }
  function sortRows(table, column, kind, direction) {
    var body = table.tBodies[0], sign = direction === "ascending" ? 1 : -1;
    var rows = Array.from(body.rows).map(function (row) { return { row: row, value: cellValue(row, column, kind) }; });
    rows.sort(function (a, b) {
      var lacking = (a.value === null || a.value === "") - (b.value === null || b.value === "");
      if (lacking || a.value === null || a.value === "") return lacking;
      return sign * (kind === "text" ? collator.compare(a.value, b.value) : a.value - b.value);
    });
    rows.forEach(function (item) { body.appendChild(item.row); });
  }
  function sortable(table) {
    var heads = all("thead th", table);
    heads.forEach(function (head, column) {
      if (!head.dataset.sort) return;
      var button = make("button", null, { type: "button" });
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        var first = head.dataset.first || "ascending", other = first === "ascending" ? "descending" : "ascending";
        var direction = head.getAttribute("aria-sort") === first ? other : first;
        heads.forEach(function (each) { each.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", direction);
        sortRows(table, column, head.dataset.sort, direction);
      });
    });
  }

  // Search and filters: a row is shown when it has every word and passes every filter.
  function wordsOf(input) { return input.value.toLocaleLowerCase().split(/\s+/).filter(Boolean); }
  function hasAll(element, words) {
    var text = (element.textContent + " " + (element.dataset.words || "")).toLocaleLowerCase();
    return words.every(function (word) { return text.indexOf(word) >= 0; });
  }
  function tell(id, shown, total, noun) {
    var many = total + " " + noun + (total === 1 ? "" : "s");
    all("[data-count]").forEach(function (place) {
      if (place.dataset.count === id) place.textContent = shown === total ? many : shown + " of " + many;
    });
  }
  function refresh(id) {
    var table = document.getElementById(id);
    if (!table) return;
    var words = [];
    all("[data-search]").forEach(function (input) {
      if (input.dataset.search.split(" ").indexOf(id) >= 0) words = words.concat(wordsOf(input));
    });
    var filters = all("[data-filter]").filter(function (box) { return box.dataset.table === id && box.checked; });
    var choice = all("[data-choose]").filter(function (select) { return select.dataset.choose === id && select.value; })[0];
    var rows = Array.from(table.tBodies[0].rows), shown = 0;
    rows.forEach(function (row) {
      var passes = filters.every(function (box) { return row.hasAttribute("data-" + box.dataset.filter); });
      row.hidden = !(passes && (!choice || row.dataset.choice === choice.value) && hasAll(row, words));
      shown += !row.hidden;
    });
    tell(id, shown, rows.length, "row");
  }
  function cardSearch(input) {
    var id = input.dataset.cards, place = document.getElementById(id), cards = all(".card", place);
    function update() {
      var words = wordsOf(input), shown = 0;
      cards.forEach(function (card) { card.hidden = !hasAll(card, words); shown += !card.hidden; });
      all("section", place).forEach(function (section) { section.hidden = words.length > 0 && !section.querySelector(".card:not([hidden])"); });
      tell(id, shown, cards.length, "board");
    }
    input.addEventListener("input", update);
    update();
  }
  function controls() {
    all("[data-search]").forEach(function (input) {
      var ids = input.dataset.search.split(" ");
      input.addEventListener("input", function () { ids.forEach(refresh); });
      ids.forEach(refresh);
    });
    all("[data-filter]").forEach(function (box) { box.addEventListener("change", function () { refresh(box.dataset.table); }); });
    all("[data-choose]").forEach(function (select) { select.addEventListener("change", function () { refresh(select.dataset.choose); }); });
    all("[data-hide]").forEach(function (box) {
      box.addEventListener("change", function () { document.getElementById(box.dataset.hide).hidden = box.checked; });
    });
    all("[data-cards]").forEach(cardSearch);
    all("[data-pick]").forEach(function (pick) {
      var selects = all("select", pick), link = pick.querySelector("a");
      function update() { link.href = address(pick.dataset.compare, pick.dataset.pick, selects[0].value, selects[1].value); }
      selects.forEach(function (select) { select.addEventListener("change", update); });
      update();
    });
  }
  function address(page, board, a, b) {
    var query = "board=" + encodeURIComponent(board) + "&a=" + encodeURIComponent(a) + "&b=" + encodeURIComponent(b);
    return page + (page.charAt(0) === "#" ? "?" : "#") + query;
  }

  // Two entries against each other, from the data inside the page.
  function shown(value, unit, signed) {
    if (value === null || value === undefined) return "–";
    var text = unit === "fraction" ? Math.abs(100 * value).toFixed(2) : String(Number(Math.abs(value).toPrecision(4)));
    var zero = Number(text) === 0;
    return (value < 0 && !zero ? "−" : signed && !zero ? "+" : "") + text;
  }
  function between(interval, unit) {
    return interval ? shown(interval[0], unit, true) + " to " + shown(interval[1], unit, true) : "–";
  }
  function chance(p) { return p === null || p === undefined ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3); }
  function flipped(difference, flip) {
    if (!difference) return { value: null, interval: null, p: null };
    if (!flip) return difference;
    var ends = difference.interval;
    return { value: difference.value === null ? null : -difference.value, interval: ends ? [-ends[1], -ends[0]] : null, p: difference.p };
  }
  function less(a, b) { return a === null || a === undefined || b === null || b === undefined ? null : a - b; }
  function grid(caption, heads, rows) {
    var table = make("table"), head = make("tr"), body = make("tbody"), top = make("thead");
    table.appendChild(make("caption", caption, { "class": "sr" }));
    heads.forEach(function (name, i) { head.appendChild(make("th", name, i ? { scope: "col", "class": "n" } : { scope: "col" })); });
    top.appendChild(head);
    rows.forEach(function (cells) {
      var row = make("tr");
      cells.forEach(function (cell, i) {
        var pair = Array.isArray(cell) ? cell : [cell], attributes = i ? { "class": "n" } : { scope: "row" };
        if (pair[1] !== undefined && pair[1] !== null) { attributes.title = String(pair[1]); attributes["data-value"] = String(pair[1]); }
        row.appendChild(make(i ? "td" : "th", pair[0], attributes));
      });
      body.appendChild(row);
    });
    table.appendChild(top);
    table.appendChild(body);
    var scroll = make("div", null, { "class": "scroll", tabindex: "0", role: "group", "aria-label": caption });
    scroll.appendChild(table);
    return scroll;
  }
  function duelOf(board, a, b) {
    var found = { duel: null, flip: false };
    board.duels.forEach(function (duel) {
      if (duel.a === a && duel.b === b) found = { duel: duel, flip: false };
      if (duel.a === b && duel.b === a) found = { duel: duel, flip: true };
    });
    return found;
  }
  function verdict(a, b, difference, board) {
    var better = board.better * difference.value > 0 ? a.name : b.name, other = better === a.name ? b.name : a.name;
    if (difference.value === null || difference.p === null) return "One of the two has no such score.";
    if (difference.value === 0) return "Both have the same score.";
    var by = shown(Math.abs(difference.value), board.unit) + (board.unit === "fraction" ? " points" : " " + board.unit);
    if (difference.p < 0.05) return better + " is better than " + other + " by " + by + ", which is more than chance (p " + (difference.p < 0.001 ? "" : "= ") + chance(difference.p) + ").";
    return better + " is ahead of " + other + " by " + by + ", which may be chance (p = " + chance(difference.p) + ").";
  }
  function present(out, board, a, b) {
    out.textContent = "";
    if (!a || !b || a === b) { out.appendChild(make("p", "Choose two different entries.")); return; }
    var found = duelOf(board, a.id, b.id), duel = found.duel, flip = found.flip, unit = board.unit;
    var main = flipped(duel && duel.scores[board.primary], flip);
    out.appendChild(make("h2", a.name + " and " + b.name));
    out.appendChild(make("p", verdict(a, b, main, board), { "class": "verdict" }));
    if (duel) {
      var won = flip ? duel.lost : duel.won, lost = flip ? duel.won : duel.lost;
      out.appendChild(make("p", "Images: " + a.name + " is better on " + won + ", " + b.name + " on " + lost + ", both are the same on " + duel.drawn + ".", { "class": "sub" }));
    }
    out.appendChild(make("h3", "Scores"));
    out.appendChild(grid("Scores of both", ["Score", a.name, b.name, "Difference", "95 % interval", "p"], board.keys.map(function (key) {
      var x = a.scores[key], y = b.scores[key], tested = flipped(duel && duel.scores[key], flip), by = tested.value === null ? less(x, y) : tested.value;
      return [key, [shown(x, board.units[key]), x], [shown(y, board.units[key]), y], [shown(by, board.units[key], true), by], between(tested.interval, board.units[key]), [chance(tested.p), tested.p]];
    })));
    if (board.classes.length) {
      out.appendChild(make("h3", "Classes"));
      out.appendChild(grid("Classes of " + board.primary, ["Class", a.name, b.name, "Difference", "95 % interval", "p"], board.classes.map(function (name, i) {
        var x = a.classes[i], y = b.classes[i], tested = flipped(duel && duel.classes[name], flip), by = tested.value === null ? less(x, y) : tested.value;
        return [name, [shown(x, unit), x], [shown(y, unit), y], [shown(by, unit, true), by], between(tested.interval, unit), [chance(tested.p), tested.p]];
      })));
    }
    var images = board.images.map(function (key, i) { return { key: key, a: a.images[i], b: b.images[i], by: less(a.images[i], b.images[i]) }; });
    images = images.filter(function (image) { return image.by !== null; });
    images.sort(function (x, y) { return Math.abs(y.by) - Math.abs(x.by) || collator.compare(x.key, y.key); });
    if (images.length) {
      out.appendChild(make("h3", "Images in which they differ most"));
      out.appendChild(grid("Images in which they differ most", ["Image", a.name, b.name, "Difference"], images.slice(0, 12).map(function (image) {
        return [image.key, [shown(image.a, unit), image.a], [shown(image.b, unit), image.b], [shown(image.by, unit, true), image.by]];
      })));
    }
  }
  function compare(tool) {
    var boards = JSON.parse(document.querySelector("[data-compare-data]").textContent);
    var form = tool.querySelector("form"), out = tool.querySelector("[data-out]");
    var selects = { board: form.elements.board, a: form.elements.a, b: form.elements.b };
    function fill(a, b) {
      var entries = boards[selects.board.value].entries;
      [["a", a, 0], ["b", b, 1]].forEach(function (side) {
        var select = selects[side[0]];
        select.textContent = "";
        entries.forEach(function (entry) { select.appendChild(make("option", entry.name, { value: entry.id })); });
        select.value = entries.some(function (entry) { return entry.id === side[1]; }) ? side[1] : entries[side[2]].id;
      });
    }
    function show() {
      var board = boards[selects.board.value];
      function entry(id) { return board.entries.filter(function (each) { return each.id === id; })[0]; }
      present(out, board, entry(selects.a.value), entry(selects.b.value));
    }
    function follow() {
      var here = tool.dataset.here, hash = location.hash;
      if (here && hash.indexOf(here + "?") !== 0) { if (!out.firstChild) { fill(); show(); } return; }
      var asked = new URLSearchParams(hash.slice(here ? here.length + 1 : 1)), board = asked.get("board");
      if (board !== null && Object.prototype.hasOwnProperty.call(boards, board)) selects.board.value = board;
      fill(asked.get("a"), asked.get("b"));
      show();
    }
    function changed() {
      history.replaceState(null, "", address(tool.dataset.here, selects.board.value, selects.a.value, selects.b.value));
      show();
    }
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    selects.board.addEventListener("change", function () { fill(); changed(); });
    selects.a.addEventListener("change", changed);
    selects.b.addEventListener("change", changed);
    form.querySelector("[data-swap]").addEventListener("click", function () {
      var a = selects.a.value;
      selects.a.value = selects.b.value;
      selects.b.value = a;
      changed();
    });
    addEventListener("hashchange", follow);
    follow();
  }

  // All pages in one file: the address says which of them is shown.
  function route() {
    var pages = all(".single .page"), names = pages.map(function (page) { return page.id; });
    if (!pages.length) return;
    function show() {
      var asked = location.hash.slice(1).split("?")[0];
      if (asked && names.indexOf(asked) < 0) return;
      pages.forEach(function (page) { page.hidden = page.id !== (asked || "index.html"); });
      scrollTo(0, 0);
    }
    document.body.classList.add("routed");
    addEventListener("hashchange", show);
    pages.forEach(function (page) { page.hidden = page.id !== "index.html"; });
    show();
  }

  document.addEventListener("DOMContentLoaded", function () {
    all(".js").forEach(function (element) { element.hidden = false; });
    all(".nojs").forEach(function (element) { element.hidden = true; });
    all("[data-theme-switch]").forEach(themeSwitch);
    all("table.sortable").forEach(sortable);
    controls();
    route();
    all("[data-compare-tool]").forEach(compare);
  });
})();
