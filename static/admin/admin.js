// @ts-check
// The queue in place: a row that was decided about leaves at once, the next has the focus, the counts are brought up to
// date. Each act is the form that also works alone; what the server answers says what stands where. Answers and texts
// are written in the row, with the very forms of the comment's own page.

const list = /** @type {HTMLElement | null} */ (document.querySelector(".items[data-state]"));
const FEW = 10; // rows left, at which the next page is fetched
const OFFERED = 10_000; // milliseconds for which undoing is offered in sight; its key works on
let last = Promise.resolve(); // acts are sent one after the other, in the order they were done
let isFetching = false;
let fading = 0;
const many = /** @type {HTMLFormElement | null} */ (document.querySelector("#many"));
const all = /** @type {HTMLInputElement | null} */ (document.querySelector("#all"));
const allFound = /** @type {HTMLInputElement | null} */ (document.querySelector("#found"));
const isSelecting = () => many?.matches(".chosen") ?? false;

/** @returns {HTMLElement[]} */
const rows = () => (list ? /** @type {HTMLElement[]} */ ([...list.querySelectorAll(":scope > li:not([hidden])")]) : []);
const row = (/** @type {Element | null | undefined} */ inside) => /** @type {HTMLElement | null} */ (inside?.closest(".items > li") ?? null);
const current = () => row(document.activeElement);
const parse = (/** @type {string} */ html) => new DOMParser().parseFromString(html, "text/html");

function focus(/** @type {HTMLElement | undefined} */ one) {
  if (!one) return;
  const article = /** @type {HTMLElement} */ (one.querySelector("article"));
  article.focus({ preventScroll: true });
  one.scrollIntoView({ block: "nearest" });
}

function step(/** @type {number} */ by) {
  const all = rows();
  const here = current();
  const at = here ? all.indexOf(here) + by : 0;
  focus(all[Math.max(0, Math.min(at, all.length - 1))]);
}

/** Focus the next row; where rows leave with their state, hide this one before the server has answered. */
function leave(/** @type {HTMLElement} */ one) {
  const all = rows();
  const at = all.indexOf(one);
  focus(all[at + 1] ?? all[at - 1]);
  if (list?.dataset.state) one.hidden = true;
  tidy();
}

/** @returns {Promise<{ok: boolean, page: Document}>} */
async function send(/** @type {string} */ address, /** @type {FormData} */ fields) {
  const answer = await fetch(address, { method: "POST", body: fields, headers: { "X-Fragment": "1" } });
  if (answer.redirected) location.reload(); // signed out meanwhile
  return { ok: answer.ok, page: parse(await answer.text()) };
}

function decide(/** @type {HTMLElement} */ one, /** @type {HTMLFormElement} */ form, /** @type {HTMLElement} */ button) {
  const fields = new FormData(form);
  leave(one);
  last = last.then(async () => {
    try {
      const { ok, page } = await send(button.getAttribute("formaction") ?? form.action, fields);
      if (ok) settle(one, page);
      else comeBack(refreshed(one, page), page.querySelector(".notice")?.textContent ?? "");
    } catch (problem) {
      comeBack(one, problem instanceof Error ? problem.message : String(problem));
    }
  });
}

/** What was typed in a row: sent, and the form again where something is wrong with it. */
async function say(/** @type {HTMLElement} */ one, /** @type {HTMLFormElement} */ form, /** @type {HTMLElement | null} */ button) {
  const fields = new FormData(form, button);
  fields.set("listed", new FormData(shared()).get("listed") ?? "");
  const { ok, page } = await send(form.action, fields).catch(() => ({ ok: false, page: parse("") }));
  const again = /** @type {HTMLElement | null} */ (page.getElementById(form.id));
  if (ok && !again) {
    leave(one);
    settle(one, page);
    return;
  }
  if (!again?.querySelector("[aria-invalid], .notice, .preview")) {
    comeBack(one, page.querySelector(".notice")?.textContent ?? "");
    return;
  }
  form.replaceWith(again);
  offerCancel(again);
  /** @type {HTMLElement} */ (again.querySelector("[aria-invalid], textarea")).focus();
}

const shared = () => /** @type {HTMLFormElement} */ (document.getElementById("one"));

/** A row is gone, or stands in the list as the server has it now. */
function settle(/** @type {HTMLElement} */ one, /** @type {Document} */ page) {
  put(page);
  const now = /** @type {HTMLElement | null} */ (page.getElementById(one.id));
  const hadFocus = one.contains(document.activeElement);
  if (now) one.replaceWith(now);
  else one.remove();
  if (now && hadFocus) focus(now);
  tidy();
  void refill();
}

/** The row as the server has it now, if it sent that with a refusal. @returns {HTMLElement} */
function refreshed(/** @type {HTMLElement} */ one, /** @type {Document} */ page) {
  const now = /** @type {HTMLElement | null} */ (page.getElementById(one.id));
  if (!now) return one;
  put(page);
  one.replaceWith(now);
  return now;
}

function undo(/** @type {HTMLFormElement} */ form) {
  const fields = new FormData(form);
  last = last.then(async () => {
    try {
      const { ok, page } = await send(form.action, fields);
      if (!ok) throw new Error();
      put(page);
      const back = /** @type {HTMLElement[]} */ ([...page.querySelectorAll(".items > li")]);
      for (const one of back) insert(one);
      focus(back[0] ?? current() ?? rows()[0]);
      tidy();
    } catch {
      form.submit(); // the page, or the browser, says what is wrong
    }
  });
}

/** The bar and the counts, as the server says they are now. */
function put(/** @type {Document} */ page) {
  for (const place of ["#bar", ".states", ".sites"]) {
    const now = page.querySelector(place);
    if (now) document.querySelector(place)?.replaceChildren(...now.childNodes); // what is heard of changes, not who tells it
  }
  document.getElementById("bar")?.classList.remove("unseen");
  const waiting = page.getElementById("waiting")?.textContent ?? "";
  for (const place of document.querySelectorAll("[data-waiting]")) place.textContent = waiting === "0" ? "" : waiting;
  offer();
}

/** Undoing stands in sight for a while, and in the log for ever. */
function offer() {
  clearTimeout(fading);
  const bar = document.getElementById("bar");
  fading = setTimeout(() => {
    if (bar?.matches(":hover, :focus-within")) offer();
    else bar?.classList.add("unseen");
  }, OFFERED);
}

/** The newest first, as the list is. */
function insert(/** @type {HTMLElement} */ one) {
  document.getElementById(one.id)?.remove();
  const number = (/** @type {Element} */ other) => Number(other.id.replace("comment-", ""));
  const older = [...(list?.children ?? [])].find((other) => number(other) < number(one));
  list?.insertBefore(one, older ?? null);
}

function comeBack(/** @type {HTMLElement} */ one, /** @type {string} */ why) {
  const wrong = /** @type {HTMLElement} */ (one.querySelector(":scope > article > .wrong"));
  wrong.textContent = why.trim() || "–";
  wrong.hidden = one.hidden = false;
  tidy();
  focus(one);
}

async function refill() {
  const older = /** @type {HTMLAnchorElement | null} */ (document.querySelector(".older a"));
  if (!older || isFetching || rows().length >= FEW) return;
  isFetching = true;
  try {
    const page = parse(await (await fetch(older.href)).text());
    for (const one of page.querySelectorAll(".items > li")) if (!document.getElementById(one.id)) list?.append(one);
    const next = page.querySelector(".older");
    const place = /** @type {HTMLElement} */ (older.closest(".older"));
    if (next) place.replaceWith(next);
    else place.remove();
    if (!current()) focus(rows()[0]);
  } finally {
    isFetching = false;
    tidy();
  }
}

function tidy() {
  const isEmpty = rows().length === 0;
  const nothing = /** @type {HTMLElement | null} */ (document.querySelector(".empty"));
  if (nothing) nothing.hidden = !isEmpty || document.querySelector(".older") !== null;
  if (many) many.hidden = isEmpty;
  showSelection();
  mark();
}

/** The boxes that are ticked. @returns {HTMLInputElement[]} */
const selected = () => rows().flatMap((one) => /** @type {HTMLInputElement[]} */ ([...one.querySelectorAll(".choose:checked")]));

/** The first tick opens the bar with what can be done to the selected ones; the last one taken away closes it. */
function showSelection() {
  const label = /** @type {HTMLElement | null | undefined} */ (many?.querySelector("label[for=all]"));
  if (!many || !label || !all) return;
  const number = allFound?.checked ? Number(allFound.dataset.count) : selected().length;
  label.dataset.none ??= label.textContent ?? "";
  label.textContent = number ? plural(JSON.parse(label.dataset.selected ?? "{}"), number) : label.dataset.none;
  all.checked = number > 0 && number >= rows().length;
  all.indeterminate = number > 0 && !all.checked;
  many.classList.toggle("chosen", number > 0);
  /** @type {HTMLDetailsElement} */ (many.querySelector("details")).open = number > 0;
}

function select(/** @type {boolean} */ isChosen) {
  for (const one of rows()) /** @type {HTMLInputElement} */ (one.querySelector(".choose")).checked = isChosen;
  if (allFound && !isChosen) allFound.checked = false;
  showSelection();
}

/** The form of a sentence for a number, in the page's language. */
function plural(/** @type {Record<string, string>} */ forms, /** @type {number} */ count) {
  const { lang } = document.documentElement;
  const form = forms[new Intl.PluralRules(lang).select(count)] ?? forms.other ?? "";
  return form.replace("%(count)s", new Intl.NumberFormat(lang).format(count));
}

/** Mark the words that were searched for, where the browser can without changing the page. */
function mark() {
  const words = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().split(/[\s"]+/).filter((word) => word.length > 1);
  if (!words.length || !("highlights" in CSS)) return;
  const found = [];
  for (const place of document.querySelectorAll(".items :is(.body, .name, .aside)")) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) found.push(...rangesOf(words, node));
  }
  CSS.highlights.set("found", new Highlight(...found));
}

/** @returns {Range[]} */
function rangesOf(/** @type {string[]} */ words, /** @type {Node} */ node) {
  const text = (node.textContent ?? "").toLowerCase();
  const ranges = [];
  if (text.length !== node.textContent?.length) return []; // small letters that are longer, as of İ
  for (const word of words) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + word.length);
      ranges.push(range);
    }
  }
  return ranges;
}

/** Replies that were begun and not sent, by the addresses that they go to. @type {Map<string, string>} */
const drafts = new Map();

/** Put a form of the comment's own page into its row: the one that a link's fragment names. */
async function open(/** @type {HTMLElement} */ one, /** @type {HTMLAnchorElement} */ link) {
  for (const other of document.querySelectorAll(".items .inside")) putAway(/** @type {HTMLFormElement} */ (other));
  const answer = await fetch(link.href).catch(() => null);
  const form = /** @type {HTMLFormElement | null} */ (parse((await answer?.text()) ?? "").getElementById(link.hash.slice(1)));
  if (!form) {
    location.href = link.href;
    return;
  }
  one.querySelector("article")?.append(form);
  offerCancel(form);
  const text = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
  text.value = drafts.get(form.action) ?? text.value;
  text.focus();
  text.setSelectionRange(text.value.length, text.value.length);
  form.scrollIntoView({ block: "nearest" });
}

/** In a row there is something to go back to. */
function offerCancel(/** @type {Element} */ form) {
  form.querySelector("[data-cancel]")?.removeAttribute("hidden");
}

function close(/** @type {Element} */ form) {
  const one = row(form);
  putAway(/** @type {HTMLFormElement} */ (form));
  if (one) focus(one);
}

/** A reply is kept; an edit is not, as the text may be another one by then. */
function putAway(/** @type {HTMLFormElement} */ form) {
  if (form.id === "reply") drafts.set(form.action, form.querySelector("textarea")?.value ?? "");
  form.remove();
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (event.submitter);
  const one = list && row(button ?? form);
  if (one && form.matches(".inside")) {
    event.preventDefault();
    drafts.delete(form.action);
    void say(one, form, button);
  } else if (one && button) {
    event.preventDefault();
    decide(one, form, button);
  } else if (list && form.closest("#bar")) {
    event.preventDefault();
    undo(form);
  } else if (form === many && button) {
    event.preventDefault();
    const rest = rows().filter((one) => !one.querySelector(".choose:checked"));
    const below = rest.find((one) => (selected().at(-1)?.compareDocumentPosition(one) ?? 0) & Node.DOCUMENT_POSITION_FOLLOWING);
    sessionStorage.setItem("next", (below ?? rest.at(-1))?.id ?? "");
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "verb", value: /** @type {HTMLButtonElement} */ (button).value }));
    last = last.then(() => form.submit()); // what was decided before is sent first
  }
});

document.addEventListener("keydown", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const inside = target.closest(".items .inside");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target instanceof HTMLTextAreaElement) {
    event.preventDefault();
    target.form?.requestSubmit();
    return;
  }
  if (inside && event.key === "Escape") {
    close(inside);
    return;
  }
  if (!areKeysUsed()) return;
  const isTyping = target.matches("input:not([type=checkbox]), textarea, select") || target.isContentEditable;
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (press(event.key)) event.preventDefault();
});

/** What a key does; whether it does anything. */
function press(/** @type {string} */ key) {
  if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (key === "?") keys();
  else if (key === "/") document.getElementById("q")?.focus();
  else if (key === "u") /** @type {HTMLElement | null} */ (document.querySelector("#bar [data-key=u]"))?.click(); // no settings, by a slip
  else if (key === "x") /** @type {HTMLElement | null} */ (current()?.querySelector(".choose"))?.click();
  else if (key === "Escape" && isSelecting()) select(false);
  else {
    const together = isSelecting() ? many?.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
    if (together instanceof HTMLElement) {
      together.click();
      return true;
    }
    const one = current() ?? (list ? null : document.querySelector(".items > li"));
    const button = /** @type {HTMLElement | null | undefined} */ (one?.querySelector(`.acts [data-key="${CSS.escape(key)}"]`));
    if (!button) return false;
    button.click();
  }
  return true;
}

/** Whoever speaks to their computer, or types with it, may not want letters to do anything. */
function areKeysUsed() {
  return localStorage.getItem("admin-keys") !== "off";
}

const useKeys = /** @type {HTMLInputElement | null} */ (document.getElementById("use-keys"));
if (useKeys) {
  useKeys.checked = areKeysUsed();
  useKeys.addEventListener("change", () => localStorage.setItem("admin-keys", useKeys.checked ? "on" : "off"));
}

async function copy(/** @type {HTMLElement} */ button) {
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy ?? "")?.textContent ?? "");
  button.textContent = button.dataset.copied ?? "";
}

function keys() {
  /** @type {HTMLDialogElement | null} */ (document.querySelector("#keys"))?.showModal();
}

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const link = /** @type {HTMLAnchorElement | null} */ (target.closest("a"));
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (target.closest("[data-keys]")) keys();
  const copier = /** @type {HTMLElement | null} */ (target.closest("[data-copy]"));
  if (copier) void copy(copier);
  const inside = target.closest("[data-cancel]")?.closest(".inside");
  if (inside) close(inside);
  if (!link || !isPlain) return;
  const one = list && row(link);
  if (link.dataset.text !== undefined) {
    event.preventDefault();
    const text = /** @type {HTMLTextAreaElement} */ (link.closest("form")?.querySelector("textarea"));
    text.value = link.dataset.text;
    text.focus();
  } else if (one && ["r", "e"].includes(link.dataset.key ?? "")) {
    event.preventDefault();
    void open(one, link);
  }
});

all?.addEventListener("change", () => select(all.checked));
list?.addEventListener("change", showSelection);
many?.addEventListener("change", showSelection);

// What needs this script shows itself with it.
for (const hidden of document.querySelectorAll(".many > .tick, .keys")) hidden.removeAttribute("hidden");
if (navigator.clipboard) for (const hidden of document.querySelectorAll("[data-copy]")) hidden.removeAttribute("hidden"); // https alone has one
if (list) {
  document.body.classList.add("live");
  offer();
  tidy();
  const next = document.getElementById(sessionStorage.getItem("next") ?? ""); // after those that were decided about together
  sessionStorage.removeItem("next");
  if (!location.hash && !location.search.includes("q=")) focus(next ?? rows()[0]);
}
