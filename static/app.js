/* Makes pages nicer; every one of them works without it. Keeps nothing in the browser's storage. */
(() => {
  "use strict";

  /* What is read out: one region, here from the start and empty, because one that comes with its text says nothing. */
  const region = Object.assign(document.createElement("p"), { className: "visually-hidden" });
  region.setAttribute("role", "status");
  document.body.append(region);
  const say = (text) => { region.textContent = text.replace(/\s+/g, " ").trim(); };

  /* Time. The server's clock counts, so a wrong clock here cannot make a sync look late. */
  const root = document.documentElement;
  const opened = Date.now();
  const serverTime = Date.parse(root.dataset.now || "") || opened;
  const now = () => serverTime + (Date.now() - opened);
  const RELATIVE_HOURS = 7;

  const inWords = (ms) => {
    const seconds = Math.abs(ms) / 1000;
    if (seconds < 60) return ms > 0 ? "in under a minute" : "just now";
    if (ms > 0) return seconds < 3570 ? `in ${Math.round(seconds / 60)} min` : `in ${Math.round(seconds / 3600)} h`;
    return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
  };

  const refreshTimes = () => {
    for (const element of document.querySelectorAll("time[data-relative]")) {
      const distance = Date.parse(element.dateTime) - now();
      const far = Math.abs(distance) >= RELATIVE_HOURS * 3600000;
      const text = far ? element.dataset.relative : inWords(distance);
      if (text && element.textContent !== text) element.textContent = text;
    }
  };

  /* Theme: the form posts either way; here it does so without leaving the page, so half-filled forms survive. */
  const themeForm = (form) => {
    form.addEventListener("submit", async (event) => {
      const chosen = event.submitter;
      if (!chosen) return;
      event.preventDefault();
      const body = new URLSearchParams(new FormData(form));
      body.set("theme", chosen.value);
      try {
        const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
        if (answer.type !== "opaqueredirect" && !answer.ok) throw new Error(answer.status);
      } catch {
        chosen.name = "theme";
        form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "theme", value: chosen.value }));
        form.submit();
        return;
      }
      if (chosen.value === "system") root.removeAttribute("data-bs-theme");
      else root.dataset.bsTheme = chosen.value;
      for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === chosen));
    });
  };

  /* Ticked rows. The bar itself shows and hides without us; we count, and let "all" reach beyond this page. */
  const ticks = (form) => {
    const bar = form.querySelector("[data-ticked-bar]");
    const boxes = [...form.querySelectorAll(".row-tick")];
    const all = form.querySelector("[data-tick-all]");
    if (!bar || !boxes.length) return;
    const part = (name) => bar.querySelector(`[data-ticked-${name}]`);
    const scope = bar.querySelector("[name=scope]");
    const total = Number(bar.dataset.total);
    const elsewhere = Number(bar.dataset.elsewhere) || 0;
    let last = null;

    const draw = () => {
      const here = boxes.filter((box) => box.checked).length;
      const everyone = scope.value === "all";
      const count = everyone ? total : here + elsewhere;
      const figure = count.toLocaleString("en-GB");
      if (all) {
        all.checked = here === boxes.length;
        all.indeterminate = here > 0 && here < boxes.length;
      }
      bar.toggleAttribute("data-kept", count > 0);
      bar.hidden = count === 0;
      part("count").textContent = everyone ? `All ${figure}` : `${figure} selected`;
      part("of").textContent = everyone ? "matching people are selected" : `of ${total.toLocaleString("en-GB")} matching`;
      part("act").textContent = `${bar.dataset.verb} ${figure}${bar.dataset.asks}`;
      part("act").disabled = count === 0;
      if (part("all")) part("all").hidden = everyone;
      return `${part("count").textContent} ${part("of").textContent}`;
    };
    const tell = () => {
      const text = draw();
      say(bar.hidden ? "Nobody is selected" : text);
    };

    form.addEventListener("click", (event) => {
      const box = event.target.closest(".row-tick");
      if (box) {
        if (event.shiftKey && last) {
          const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
          for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
        }
        last = box;
      } else if (event.target.closest("[data-ticked-all]")) {
        event.preventDefault();
        scope.value = "all";
        for (const each of boxes) each.checked = true;
        tell();
        part("act").focus();
      } else if (event.target.closest("[data-ticked-clear]") && !elsewhere) {
        event.preventDefault();
        scope.value = "selected";
        for (const each of boxes) each.checked = false;
        tell();
        (all || boxes[0]).focus();
      }
    });
    form.addEventListener("change", (event) => {
      if (event.target === all) for (const each of boxes) each.checked = all.checked;
      if (event.target === all || event.target.matches(".row-tick")) {
        scope.value = "selected";
        tell();
      }
    });
    /* Whoever is ticked stays so while other pages of the same list are looked at. */
    const keep = (query) => {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "to", value: query }));
      form.action = form.dataset.keep;
      form.submit();
    };
    const keeps = () => form.dataset.keep && scope.value === "selected" && boxes.some((box) => box.checked !== box.defaultChecked);
    if (part("keep")) part("keep").hidden = true;
    form.addEventListener("click", (event) => {
      const link = event.target.closest("a[href]");
      if (!link || link.pathname !== location.pathname || bar.contains(link) || !keeps()) return;
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      keep(link.search.slice(1));
    });
    document.querySelector("form.find")?.addEventListener("submit", (event) => {
      if (!keeps()) return;
      event.preventDefault();
      keep(new URLSearchParams(new FormData(event.target)).toString());
    });

    window.addEventListener("pageshow", draw);
    draw();
  };

  /* A batch: leaving somebody out changes how many are named on the page. */
  const batch = (form) => {
    const boxes = [...form.querySelectorAll("[name=ids]")];
    if (!boxes.length) return;
    const count = () => {
      const figure = boxes.filter((box) => box.checked).length.toLocaleString("en-GB");
      for (const place of form.querySelectorAll("[data-batch-count]")) place.textContent = figure;
      return figure === "1" ? "1 person is selected" : `${figure} people are selected`;
    };
    form.addEventListener("change", (event) => { if (boxes.includes(event.target)) say(count()); });
    window.addEventListener("pageshow", count);
  };

  /* Live progress. The address in data-poll answers with the same HTML the page was made with; it replaces what is
     inside. Header X-Poll: stop ends the asking, X-Poll-Reload: 1 reloads the page, but never while something typed
     would be lost by it. What is read out is only the text of [data-stage], when it changes. */
  const POLL_MS = 2000; // data-poll-seconds sets another pace
  const POLL_MAX_MS = 60000;

  /* Whether somebody is filling in a field within: one that differs from what the page came with, or has the cursor. */
  const changed = (field) => {
    if (field.matches("select")) {
      const options = [...field.options];
      const given = options.some((option) => option.defaultSelected) || field.multiple;
      return given ? options.some((option) => option.selected !== option.defaultSelected) : field.selectedIndex > 0;
    }
    return field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  };
  const TYPED = "input:not([type=hidden], [type=checkbox], [type=radio], [type=submit], [type=button]), textarea";
  const inUse = (place) => [...place.querySelectorAll("form :is(input:not([type=hidden], [type=submit], [type=button]), textarea, select)")]
    .some((field) => changed(field) || (field === document.activeElement && field.matches(TYPED)));

  /* Load the page anew; the next Tab goes on where the focus was. */
  const again = () => {
    const place = document.activeElement?.closest("main [id], main");
    if (place) history.replaceState(null, "", `#${place.id}`);
    location.reload();
  };

  /* The same, once nobody is filling in a form. Until then the box says that there is news. */
  const againWhenFree = (box) => {
    const main = document.querySelector("main");
    if (!inUse(main)) { again(); return; }
    const line = Object.assign(document.createElement("p"), { className: "notice notice-info", textContent: "This has ended. What you are filling in on this page is kept; the page is updated once you have sent or cleared it." });
    if (inUse(box)) box.prepend(line);
    else box.replaceChildren(line);
    say(line.textContent);
    setInterval(() => { if (!inUse(main) && !main.querySelector(":active")) again(); }, POLL_MS);
  };

  const poll = (box) => {
    const stage = () => (box.querySelector("[data-stage]")?.textContent || "").trim();
    let html = null;
    const pace = Number(box.dataset.pollSeconds) * 1000 || POLL_MS;
    let wait = pace;
    let timer = 0;
    let ended = false;
    const bare = (text) => text.replace(/(name="csrf_token" value=")[^"]*/g, "$1"); // a fresh token is no news

    const place = (next) => {
      const before = stage();
      const active = box.contains(document.activeElement) ? document.activeElement : null;
      const open = [...box.querySelectorAll("details[open][id]")].map((details) => details.id);
      box.innerHTML = next;
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (active) {
        const same = active.id ? document.getElementById(active.id)
          : [...box.querySelectorAll("a, button, summary")].find((item) => item.textContent === active.textContent);
        (same && !same.disabled ? same : box).focus({ preventScroll: true });
      }
      refreshTimes();
      if (stage() !== before) say(stage());
    };

    const ask = async () => {
      timer = 0;
      if (document.hidden) return;
      try {
        const answer = await fetch(box.dataset.poll, { headers: { "X-Requested-With": "fetch" }, cache: "no-store", redirect: "error" });
        if (!answer.ok) throw new Error(answer.status);
        const next = await answer.text();
        if (answer.headers.get("X-Poll-Reload") === "1") { ended = true; againWhenFree(box); return; }
        if (box.querySelector(":active") || inUse(box)) throw new Error("somebody is at it"); // replacing it would lose the click or the text
        if (html === null || bare(next) !== bare(html)) { html = next; place(next); }
        ended = answer.headers.get("X-Poll") === "stop";
        if (ended) return;
        wait = pace;
      } catch {
        wait = Math.min(wait * 2, POLL_MAX_MS);
      }
      timer = setTimeout(ask, wait);
    };

    if (!box.hasAttribute("tabindex")) box.tabIndex = -1;
    document.addEventListener("visibilitychange", () => { if (!document.hidden && timer === 0 && !ended) ask(); });
    timer = setTimeout(ask, wait);
  };

  /* Menus close on Escape and on a click elsewhere. */
  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /* The menu of narrow screens closes once the focus has left it, which would otherwise go on behind it unseen. */
  const sidebar = document.getElementById("sidebar");
  sidebar?.addEventListener("focusout", (event) => {
    const next = event.relatedTarget;
    if (next && !sidebar.contains(next) && sidebar.matches(":popover-open")) sidebar.hidePopover();
  });

  /* Where the focus is when a page opens: what went wrong, else what was done, else the field that was refused. Not
     when the address leads to a part of the page, or the page has put the focus somewhere itself. */
  const opening = () => {
    const told = document.querySelector("[data-summary]") || document.querySelector("[data-told]")
      || document.querySelector("[aria-invalid=true]");
    const free = document.activeElement?.matches("body, main, [data-summary]") ?? true;
    if (told && free && ["", "#main"].includes(location.hash)) told.focus();
  };

  refreshTimes();
  setInterval(refreshTimes, 30000);
  document.querySelectorAll("[data-theme-form]").forEach(themeForm);
  document.querySelectorAll("form[data-ticks]").forEach(ticks);
  document.querySelectorAll("form[data-batch]").forEach(batch);
  document.querySelectorAll("[data-poll]").forEach(poll);
  document.querySelectorAll("[data-some]").forEach((box) => { box.indeterminate = true; });
  opening();
})();
