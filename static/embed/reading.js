// @ts-check
// What makes reading comfortable inside <comment-thread>: links to copy, branches to fold, marks at what
// is new, a quiet bar when more has come. All of it stays in this browser.

import { act, answersTo, depthOf, fragment, idOf, plural, recall, remember } from "../../embed.js";

/** @typedef {import("../embed.js").CommentThreadElement} Thread */
/** @typedef {Record<string, any>} Words */

const FIRST_LOOK = 30_000; // milliseconds
const MAX_PAUSE = 600_000;

/** @type {WeakMap<Thread, Reading>} */
const readings = new WeakMap();

/** Look after a thread that has just been shown, until it is left. @param {Thread} thread @param {ShadowRoot} root @param {AbortSignal} signal */
export function attend(thread, root, signal) {
  const reading = readings.get(thread) ?? new Reading(thread, root);
  readings.set(thread, reading);
  reading.begin(signal);
}

class Reading {
  /** When this thread was last read before now; asked once for each visit. @type {Record<string, number>} */
  #before = {};
  #pause = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #next;

  /** @param {Thread} thread @param {ShadowRoot} root */
  constructor(thread, root) {
    this.thread = thread;
    this.root = root;
    root.addEventListener("click", (event) => this.#foldAtRule(event));
    root.addEventListener("keydown", (event) => /** @type {KeyboardEvent} */ (event).key === "Escape" && this.#closeMenu(event));
  }

  /** @returns {HTMLElement} */
  get box() {
    return /** @type {HTMLElement} */ (this.root.querySelector(".commentsvc"));
  }

  /** @type {Words} */
  get strings() {
    return JSON.parse(this.box.dataset.strings ?? "{}");
  }

  /** @returns {HTMLLIElement[]} */
  get lines() {
    return [...this.root.querySelectorAll(/** @type {"li"} */ (".comments > li"))];
  }

  /** @param {AbortSignal} signal */
  begin(signal) {
    this.#markNew();
    for (const line of this.lines) this.#equip(line);
    const address = this.root.querySelector(".address:not(:has(.act))");
    const field = address?.querySelector("input");
    if (address && field) act(address, "", this.strings.address, (button) => copied(button, field.value, this.strings.copied));
    if (this.root.querySelector(".share")) this.#share();
    if (this.lines.some((line) => recall().edits?.[idOf(line)])) this.#offerEdits();
    this.#pause = FIRST_LOOK;
    this.#watch(this.#pause);
    const watch = () => this.#watch(signal.aborted ? 0 : 1_000);
    signal.onabort = watch;
    document.addEventListener("visibilitychange", watch, { signal });
    addEventListener("click", (event) => this.#closeMenu(event), { signal });
    this.thread.addEventListener("comment-posted", () => this.lines.forEach((line) => this.#equip(line)), { signal });
  }

  async #share() {
    const { share } = await import(/** @type {any} */ (this.box.dataset).sharing);
    share(this.thread, this.root, this.strings, copied);
  }

  async #offerEdits() {
    const { offer } = await import(/** @type {any} */ (this.box.dataset).editing);
    offer(this.thread, this.root);
  }

  /** What was published since the last visit carries a word; when that was is known to this browser only. */
  #markNew() {
    const { path } = this.thread;
    const seen = recall().seen ?? {};
    const before = (this.#before[path] ??= seen[path] ?? Infinity);
    for (const line of this.lines) {
      const published = line.querySelector("time")?.dateTime ?? "";
      const isOwn = recall().edits?.[idOf(line)] || line.querySelector(":scope > .held");
      if (Date.parse(published) <= before || isOwn || line.querySelector(".fresh")) continue;
      const mark = Object.assign(document.createElement("span"), { className: "badge fresh", textContent: this.strings.new });
      mark.part.add("badge");
      line.querySelector(".name")?.after(" ", mark);
    }
    delete seen[path];
    remember({ seen: { ...seen, [path]: Date.now() } });
  }

  /** A link to copy, and a button that folds the answers away. @param {HTMLLIElement} line */
  #equip(line) {
    const acts = line.querySelector(".acts");
    if (!acts || acts.querySelector(".copy") || line.querySelector(":scope > .held")) return;
    const copy = act(acts, "copy", this.strings.copy, () => copied(copy, `${this.thread.article}#${line.id}`, this.strings.copied));
    const below = answersTo(line);
    if (!below.length) return;
    const fold = act(acts, "fold", this.strings.hide, () => {
      const form = below.some((one) => one.querySelector("form.write")) && this.root.querySelector("[data-no-reply]");
      if (form instanceof HTMLElement) form.click(); // what is being written stays in sight
      const folded = fold.getAttribute("aria-expanded") === "true";
      this.#unfold(fold);
      if (folded) {
        fold.setAttribute("aria-expanded", "false");
        fold.textContent = plural(this.strings.show, below.length, this.box.lang);
      }
      for (const one of below) {
        one.hidden = folded;
        const inner = one.querySelector(".fold");
        if (inner) this.#unfold(inner);
      }
    });
    this.#unfold(fold);
  }

  /** @param {Element} fold */
  #unfold(fold) {
    fold.setAttribute("aria-expanded", "true");
    fold.textContent = this.strings.hide;
  }

  /** The rule beside a branch folds it, too. @param {Event} event */
  #foldAtRule(event) {
    const line = event.target;
    if (!(line instanceof HTMLLIElement) || !depthOf(line)) return;
    let above = /** @type {Element | null} */ (line);
    while (above instanceof HTMLLIElement && depthOf(above) >= depthOf(line)) above = above.previousElementSibling;
    /** @type {HTMLElement | null | undefined} */ (above?.querySelector(".fold"))?.click();
  }

  /** A press elsewhere closes the menu; Escape closes it and keeps the focus at its button. @param {Event} event */
  #closeMenu(event) {
    const menu = /** @type {HTMLDetailsElement | null} */ (this.root.querySelector(".menu[open]"));
    if (!menu || (event.type === "click" && event.composedPath().includes(menu))) return;
    menu.open = false;
    if (event.type === "keydown") menu.querySelector("summary")?.focus();
  }

  /** Look for more later, while somebody looks at the page. @param {number} pause in milliseconds; 0 for not at all */
  #watch(pause) {
    clearTimeout(this.#next);
    if (pause && !document.hidden) this.#next = setTimeout(() => this.#look(), pause);
  }

  /** The browser asks with the ETag it has; an unchanged thread costs a few bytes. */
  async #look() {
    const answer = await fetch(this.thread.source, { credentials: "omit", cache: "no-cache" }).catch(() => undefined);
    if (answer?.ok) {
      const newer = /** @type {HTMLElement} */ (fragment(await answer.text()).querySelector(".commentsvc"));
      const more = Number(newer.dataset.count) - Number(this.box.dataset.count);
      if (more > 0) this.#announce(more, newer);
    }
    this.#pause = Math.min(this.#pause * 1.5, MAX_PAUSE);
    this.#watch(this.#pause);
  }

  /** A bar that floats over the thread, so that nothing moves under the reader. @param {number} more @param {HTMLElement} newer */
  #announce(more, newer) {
    const bar = this.root.querySelector(".news") ?? this.box.appendChild(document.createElement("p"));
    bar.className = "news";
    bar.setAttribute("role", "status");
    const button = act(bar, "", plural(this.strings.news, more, this.box.lang), () => this.#showNews(newer));
    button.part.add("news");
    bar.replaceChildren(button);
  }

  /** @param {HTMLElement} newer */
  async #showNews(newer) {
    this.#before[this.thread.path] = Math.max(...this.lines.map((line) => Date.parse(line.querySelector("time")?.dateTime ?? "")), 0);
    const pages = /** @type {NodeListOf<HTMLElement>} */ (newer.querySelectorAll(".pages a[data-page]"));
    const last = newer.dataset.sort === "newest" ? "" : pages[pages.length - 1]?.dataset.page;
    const known = new Set(this.lines.map((line) => line.id));
    const isHere = [...newer.querySelectorAll(".comments > li")].some((line) => !known.has(line.id));
    await (isHere || !last ? this.thread.load() : this.thread.turn({ page: last }));
    const first = this.lines.find((line) => !known.has(line.id));
    first?.querySelector("article")?.focus();
  }
}

/** Copy an address and say so for a moment. @param {HTMLElement} button @param {string} address @param {string} word */
async function copied(button, address, word) {
  const label = (button.dataset.label ??= button.textContent ?? "");
  try {
    await navigator.clipboard.writeText(address);
  } catch {
    prompt("", address); // where the page may not write to the clipboard, a person can
    return;
  }
  const box = button.closest(".commentsvc");
  const voice = box?.querySelector(":scope > .voice") ?? box?.appendChild(document.createElement("p"));
  if (voice) Object.assign(voice, { className: "voice unseen", role: "status", textContent: word });
  button.textContent = word;
  setTimeout(() => {
    button.textContent = label;
    voice?.replaceChildren();
  }, 2_000);
}
