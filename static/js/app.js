// Small behaviours of every page. All of it is extra: the pages work without it.
(() => {
  const THEMES = ["system", "light", "dark"];
  const say = (text) => { document.getElementById("say").textContent = text; };

  function currentTheme() {
    return document.documentElement.dataset.theme || "system";
  }

  function showTheme() {
    for (const name of document.querySelectorAll("[data-theme-name]")) name.textContent = currentTheme();
  }

  function switchTheme() {
    const next = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length];
    if (next === "system") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("theme");
    } else {
      document.documentElement.dataset.theme = next;
      localStorage.setItem("theme", next);
    }
    showTheme();
    dispatchEvent(new Event("themechange"));
    say(`Theme: ${next}`);
  }

  // Outside https the clipboard is not offered: then the text is selected, ready to be copied by hand.
  async function copy(button) {
    const source = document.getElementById(button.dataset.target);
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(source.textContent);
      button.querySelector("[data-label]").textContent = "Copied";
      say("Copied");
    } else {
      getSelection().selectAllChildren(source);
    }
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-reload]")) {
      event.preventDefault();
      location.reload();
    }
    const button = event.target.closest("[data-do]");
    if (!button) return;
    if (button.dataset.do === "theme") switchTheme();
    if (button.dataset.do === "copy") copy(button);
    if (button.dataset.do === "close") button.closest("dialog").close();
  });

  // Menus close with Escape or a click elsewhere.
  const openMenus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // A control marked so applies at once; in a sheet that lies over the page, and without script, the form's own button
  // does it.
  document.addEventListener("change", ({ target }) => {
    if ("apply" in target.dataset && !target.closest(":popover-open")) target.form.requestSubmit();
  });

  // What htmx does while a part of the page is fetched, and when that fails: an error never looks like an answer.
  let requests = 0;
  function count(change) {
    requests = Math.max(0, requests + change);
    document.documentElement.classList.toggle("loading", requests > 0);
  }

  function showFailure(target, reason) {
    for (const old of document.querySelectorAll("body [data-failed]")) old.remove();
    const notice = document.getElementById("failed").content.firstElementChild.cloneNode(true);
    notice.querySelector("[data-reason]").textContent = reason;
    if (target.closest("dialog")) target.replaceChildren(notice);
    else document.querySelector("#main .wrap").prepend(notice);
  }

  document.addEventListener("htmx:beforeSend", () => count(1));
  document.addEventListener("htmx:afterRequest", () => count(-1));
  document.addEventListener("htmx:responseError", ({ detail }) => {
    showFailure(detail.target, `The server answered ${detail.xhr.status} ${detail.xhr.statusText}.`.replace(" .", "."));
  });
  document.addEventListener("htmx:sendError", ({ detail }) => showFailure(detail.target, "The server cannot be reached."));
  document.addEventListener("htmx:timeout", ({ detail }) => showFailure(detail.target, "The answer took longer than a minute."));
  // Signed out meanwhile: the whole page leads to the sign-in, and from there back.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (new URL(event.detail.xhr.responseURL).pathname !== "/login/") return;
    event.detail.shouldSwap = false;
    location.reload();
  });
  document.addEventListener("htmx:load", ({ detail }) => prepare(detail.elt));

  // Times of day in the reader's own zone; what is shown on hover stays UTC.
  function localClock(time) {
    const at = new Date(time.dateTime);
    const isToday = at.toDateString() === new Date().toDateString();
    const date = isToday ? {} : { day: "numeric", month: "short" };
    const clock = { ...date, hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" };
    time.textContent = new Intl.DateTimeFormat("en-GB", clock).format(at);
  }

  function prepare(part) {
    part.querySelectorAll("time[data-clock]").forEach(localClock);
  }

  // On a narrow screen the tab of this page may be out of sight.
  function showTab() {
    const tab = document.querySelector(".tabs [aria-current]");
    if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - 40;
  }

  prepare(document);
  showTab();
  showTheme();
})();
