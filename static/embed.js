// @ts-check
// <comment-thread site="blog" key="2020/05/phone.html"> shows a thread and lets people write, on any page.
//
// Acts like <img>: attributes say what to show, `load` and `error` say how it went, `loading="lazy"` waits until it
// comes near, and what stands inside the element is shown until then. All HTML comes from the server; no sentence
// stands in here. embed/reading.js adds what makes reading comfortable once the thread is shown, embed/composer.js
// what writing needs once somebody writes.

const SERVER = new URL(import.meta.url).origin + new URL(import.meta.url).pathname.replace(/\/embed\.js$/, "");
export const VISITOR_HEADER = "X-Commentsvc-Visitor";
const MEMORY = `commentsvc ${SERVER}`;
const MAX_REMEMBERED = 100; // threads
const PATIENCE = 4_000; // milliseconds without a sign of a reader, until comforts are loaded anyway
const SIGNS = ["pointermove", "scroll", "keydown", "touchstart"];
const SETTLED = 1_000; // milliseconds after which the head is of the address that is shown: some change it first
const CANONICAL = 'link[rel~="canonical" i][href]';

const DAY = 86_400_000;
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [["day", DAY], ["hour", 3_600_000], ["minute", 60_000]];

/** @type {Map<string, Promise<CSSStyleSheet>>} */
const sheets = new Map();

// Browsers since 2026 report every change of the page's address, also by its own scripts. Many single-page sites do not
// update the head: then the canonical address is still that of the page before (`left`). It is right again where it was
// right before (`known`). Other sites update the head first, so it may be new already when the address changes.
const { navigation } = window;
const TURN = "currententrychange";
/** @type {Map<string, string>} */
const known = new Map();
// This module may be loaded when the page has turned already.
const first = performance.getEntriesByType("navigation")[0]?.name ?? location.href;
let [place, seen, left] = [here(), named(), new URL(first).pathname === location.pathname ? "" : named()];
navigation?.addEventListener(TURN, () => {
  if (place === here()) return;
  const now = named();
  const old = now === seen || isFor(now, place) ? now : seen;
  if (isOwn(old)) known.set(place, old);
  [place, seen, left] = [here(), now, old];
});

/** The path; a query tells articles apart only where their canonical addresses have one. */
function here() {
  return location.pathname + (/\?|^$/.test(named()) ? location.search : "");
}

/** The canonical address, if it is of this blog: one elsewhere, as of a copied article, names no article here. */
function named() {
  const url = /** @type {any} */ (document.head.querySelector(CANONICAL))?.href ?? "";
  return url.startsWith(location.origin + "/") ? url : "";
}

/** Whether a canonical address names the page at `at`. @param {string} url @param {string} at */
function isFor(url, at) {
  return url.split("#")[0] === location.origin + at;
}

/** Whether the canonical address is that of the page that is shown. @param {string} url */
function isOwn(url) {
  return url !== left || isFor(url, place) || known.get(place) === url;
}

export class CommentThreadElement extends HTMLElement {
  static observedAttributes = ["site", "key", "lang", "view", "sort", "loading"];

  #root = this.attachShadow({ mode: "open" });
  /** @type {AbortController | undefined} */
  #loading;
  /** @type {Promise<unknown> | undefined} */
  #due;
  /** The form of the thread that was left. @type {any} */
  #written;
  /** What the reader chose: view, sort, page; or the comment whose page is wanted. @type {Record<string, string>} */
  #chosen = {};
  /** The paths of the thread that is shown, and of the one that was asked for last. */
  #shown = "";
  #asked = "";
  /** The comment that the page's address named and that is not shown yet; its page is asked for once. */
  #target = { id: "", isAskedFor: false };
  #seek = () => {
    this.#target = { id: /^#comment-(\d+)$/.exec(location.hash)?.[1] ?? "", isAskedFor: false };
    this.#showTarget();
  };
  /** Another article of a single-page site. */
  #turn = () => setTimeout(() => this.isConnected && this.#asked && this.#asked !== this.path && this.#loadSoon());
  /** A framework may name the article only after it has shown it. */
  #head = new MutationObserver(this.#turn);
  #nearby = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.#loadSoon(), {
    rootMargin: "100%",
  });

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet(":host{display:block;min-block-size:100vh}")];
    this.#root.replaceChildren(document.createElement("slot"));
    this.#root.addEventListener("click", (event) => this.#follow(event));
    for (const sign of ["focusin", "submit"]) this.#root.addEventListener(sign, (event) => this.#write(event));
  }

  connectedCallback() {
    addEventListener("hashchange", this.#seek);
    navigation?.addEventListener(TURN, this.#turn);
    this.#head.observe(document.head, { childList: true, subtree: true, attributes: true });
    this.#seek();
    if (this.getAttribute("loading") === "lazy" && !this.#target.id) this.#nearby.observe(this);
    else this.#loadSoon();
  }

  disconnectedCallback() {
    removeEventListener("hashchange", this.#seek);
    navigation?.removeEventListener(TURN, this.#turn);
    this.#head.disconnect();
    this.#nearby.disconnect();
    this.#loading?.abort();
  }

  attributeChangedCallback() {
    if (this.isConnected && (this.#shown || this.getAttribute("loading") !== "lazy")) this.#loadSoon();
  }

  /** Several attributes may change at once; that is one reason to load, not several. */
  #loadSoon() {
    this.#nearby.disconnect();
    this.#due ??= Promise.resolve().then(() => {
      this.#due = undefined;
      return this.load();
    });
  }

  /** The blog's key, as the server knows it. */
  get site() {
    return this.getAttribute("site") ?? "";
  }

  /** The article's address: its own rel=canonical, else the page's, without the fragment. */
  get article() {
    const url = named();
    setTimeout(() => (seen = named()), SETTLED);
    return (url && isOwn(url) ? url : location.href).split("#")[0];
  }

  /** What identifies the thread: said by the page, else the article's path and query. */
  get key() {
    return this.getAttribute("key") || new URL(this.article).pathname.slice(1) + new URL(this.article).search;
  }

  /** The language of the thread: said by the element, else the page's. */
  get language() {
    return this.getAttribute("lang") ?? document.documentElement.lang;
  }

  /** `<site>/<key>`, encoded for a path; slashes stay encoded where a browser would resolve dots beside them. */
  get path() {
    const key = encodeURIComponent(this.key);
    return `${this.site}/${/\.(\/|$)/.test(this.key) ? key : key.replaceAll("%2F", "/")}`;
  }

  /** The full address of one of the server's paths. @param {string} path */
  server(path) {
    return SERVER + path;
  }

  /** Where this thread is read from and posted to: as the reader chose, now or before, else as the page says. */
  get source() {
    const asked = new URLSearchParams();
    const { view, sort } = recall();
    for (const [name, value] of Object.entries({
      lang: this.language,
      view: view ?? this.getAttribute("view"),
      sort: sort ?? this.getAttribute("sort"),
      ...this.#chosen,
    })) {
      if (value) asked.set(name, value);
    }
    return this.server(`/embed/${this.path}?${asked}`);
  }

  /** Fetch the thread and show it; what is shown stays until the new one is here. Whether it came. */
  async load() {
    this.#loading?.abort();
    const { signal } = (this.#loading = new AbortController());
    this.#asked = this.path;
    if (this.#shown && this.#shown !== this.path) this.#leave();
    try {
      const answer = await fetch(this.source, { signal, credentials: "omit" });
      if (!answer.ok) throw answer.status;
      const content = fragment(await answer.text());
      if (this.#chosen.comment) this.#chosen = { page: new URL(answer.url).searchParams.get("page") ?? "" };
      await this.#show(content, signal);
      this.dispatchEvent(new Event("load"));
      this.#comfort(signal).catch(() => {}); // reading goes on without
      return true;
    } catch (problem) {
      if (signal.aborted) return false;
      console.warn("comment-thread", problem);
      if (this.#shown) this.#say();
      else this.#root.adoptedStyleSheets = []; // no thread, no space for one
      this.dispatchEvent(new Event("error"));
      return false;
    }
  }

  /** Another article of a single-page site: nothing of the last one may stand below it. */
  #leave() {
    this.#root.dispatchEvent(new Event("leave"));
    this.#written = this.#root.querySelector("form.write");
    this.#root.replaceChildren(document.createElement("slot"));
    this.#chosen = {};
    this.#shown = "";
    this.#seek();
  }

  /** @returns {any} with the addresses of further modules in its data */
  get #thread() {
    return this.#root.querySelector(".commentsvc");
  }

  /** That the server does not answer, where somebody waits for it. */
  #say() {
    const thread = this.#thread;
    const notice = this.#root.querySelector(".trouble") ?? document.createElement("p");
    notice.className = "notice bad trouble";
    notice.setAttribute("role", "alert");
    notice.textContent = JSON.parse(thread.dataset.strings).trouble;
    (this.#root.querySelector(".head, form.write") ?? thread).after(notice);
  }

  /** Show another part of the thread; whether it came. @param {Record<string, string>} chosen view, sort, page */
  async turn(chosen) {
    const before = this.#chosen;
    this.#chosen = chosen;
    const came = await this.load();
    if (!came) this.#chosen = before;
    return came;
  }

  /** @param {DocumentFragment} content @param {AbortSignal} signal */
  async #show(content, signal) {
    const thread = /** @type {any} */ (content.querySelector(".commentsvc"));
    const style = await styleSheet(thread.dataset.stylesheet);
    if (signal.aborted) return;
    const written = this.#root.querySelector("form.write") ?? this.#written;
    const form = /** @type {any} */ (content.querySelector("form.write"));
    if (written?.querySelector("textarea").value && form?.action === written.action) form.replaceWith(written);
    for (const edit of this.#root.querySelectorAll("form.edit")) {
      const line = /** @type {Element} */ (edit.closest("li"));
      content.querySelector(`#${line.id}`)?.replaceChildren(...line.childNodes);
    }
    localTimes(thread);
    this.#keepSpace();
    this.#root.adoptedStyleSheets = [style];
    this.#root.replaceChildren(content);
    this.#shown = this.path;
    this.#showTarget();
    if (recall().visitor) import(thread.dataset.editing).then(({ showHeld }) => showHeld(this, this.#root)).catch(() => {}); // what others wrote is there
    if (draftsOf(this.path).length) this.#compose((composer) => composer.restore());
  }

  /** @param {AbortSignal} signal */
  async #comfort(signal) {
    await presence;
    const { attend } = await import(this.#thread.dataset.reading);
    if (!signal.aborted) attend(this, this.#root, signal);
  }

  /** What stands below the element stays where it is, even if the thread is shorter than the space kept for it. */
  #keepSpace() {
    const room = innerHeight - this.getBoundingClientRect().top;
    this.style.minBlockSize = room > 0 ? `${Math.min(room, innerHeight)}px` : "";
  }

  /** The comment that the page's address names, on whichever page of the thread it stands. */
  #showTarget() {
    const { id, isAskedFor } = this.#target;
    if (!id || !this.#shown) return;
    const target = this.#root.getElementById(`comment-${id}`);
    this.#root.querySelector(".target")?.classList.remove("target");
    if (target) {
      this.#target.id = "";
      target.classList.add("target");
      if (target.hidden) for (const fold of this.#root.querySelectorAll(".fold[aria-expanded=false]")) fold.dispatchEvent(new MouseEvent("click"));
      this.#focus(`#comment-${id} article`);
    } else if (!isAskedFor) {
      this.#target.isAskedFor = true;
      this.turn({ comment: id });
    }
  }

  /** Links that lead to another view of the thread stay inside; "Reply" opens the form. @param {Event} event */
  #follow(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const { metaKey, ctrlKey } = /** @type {MouseEvent} */ (event);
    if (!link || metaKey || ctrlKey) return;
    const { view, sort, page, reply, author } = link.dataset;
    if (view) {
      event.preventDefault();
      this.turn({ view, sort: sort ?? "", page: page ?? "" }).then((came) => {
        if (came && !page) remember({ view, sort });
        if (came) this.#focus("#comments-heading");
      });
    } else if (reply || "noReply" in link.dataset) {
      event.preventDefault();
      const before = this.#root.querySelector("textarea")?.value;
      this.#compose((composer) => composer.answer(reply ?? "", author ?? "", before));
    } else if (link.matches(".when")) {
      event.preventDefault();
      location.hash = /** @type {HTMLElement} */ (link.closest("li")).id;
    } else if (link.getAttribute("href")?.startsWith("#")) {
      event.preventDefault();
      this.#focus(`${link.hash} article, ${link.hash} h2`);
    }
  }

  /** @param {string} selector */
  #focus(selector) {
    const place = /** @type {HTMLElement | null} */ (this.#root.querySelector(selector));
    place?.scrollIntoView();
    place?.focus({ preventScroll: true });
  }

  /** The code for writing is fetched when somebody starts to write. @param {Event} event */
  #write(event) {
    const form = event.target instanceof Element ? event.target.closest("form.write") : null;
    if (!form) return;
    if (event.type === "submit") event.preventDefault();
    const submitter = event instanceof SubmitEvent ? event.submitter : null;
    this.#compose((composer) => (event.type === "submit" ? composer.submit(submitter) : composer.begin()));
  }

  /** @param {(composer: any) => void} act */
  async #compose(act) {
    const shown = this.#shown;
    try {
      const { composerFor } = await import(this.#thread.dataset.composer);
      if (this.#shown === shown) act(composerFor(this, this.#root));
    } catch {
      this.#root.querySelector("form.write")?.classList.remove("folded");
      this.#say();
    }
  }
}

/** Somebody is there: what makes reading comfortable need not come sooner. */
const presence = new Promise((resolve) => {
  for (const sign of SIGNS) addEventListener(sign, resolve, { once: true, passive: true });
  setTimeout(resolve, PATIENCE);
});

/** The server's HTML, sanitised there, as nodes. @param {string} html */
export function fragment(html) {
  const page = /** @type {any} */ (window);
  // Kept where another copy of this module finds it, such as one with a version in its address: none may be made twice.
  const policy = (page.commentsvcPolicy ??= page.trustedTypes?.createPolicy("commentsvc", { createHTML: (/** @type {string} */ given) => given }));
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}

/** @param {Element} line */
export function depthOf(line) {
  return +(/depth-(\d+)/.exec(line.className)?.[1] ?? 0);
}

/** @param {Element} line */
export function answersTo(line) {
  const below = [];
  for (let next = line.nextElementSibling; next && depthOf(next) > depthOf(line); next = next.nextElementSibling) below.push(/** @type {HTMLLIElement} */ (next));
  return below;
}

/** The keys of what was begun in a thread: its path, or `<path>#<id>` for an answer. @param {string} path */
export function draftsOf(path) {
  return Object.keys(recall().drafts ?? {}).filter((key) => key.split("#")[0] === path);
}

/** Times as the reader's own clock and language say them; the exact one on hover. @param {Element} box @param {Element} [within] */
export function localTimes(box, within = box) {
  const spoken = box.closest("[lang]")?.getAttribute("lang") ?? undefined;
  const lang = navigator.languages.find((one) => one.split("-")[0] === spoken) ?? spoken; // en-GB reads dates unlike en
  const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  const exact = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "long" });
  const plain = new Intl.DateTimeFormat(lang, { dateStyle: "medium" });
  for (const time of within.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    const ago = Math.max(0, Date.now() - +moment);
    const [unit, length] = UNITS.find(([, size]) => ago >= size) ?? ["second", Infinity];
    time.title = exact.format(moment);
    if (time.closest(".edited")) continue;
    time.textContent = ago < 30 * DAY ? relative.format(-Math.floor(ago / length), unit) : plain.format(moment);
  }
}

/** The form of a sentence for a number. @param {Record<string, string>} forms @param {number} count @param {string} lang */
export function plural(forms, count, lang) {
  const form = forms[new Intl.PluralRules(lang).select(count)] ?? forms.other ?? "";
  return form.replace("%(count)s", new Intl.NumberFormat(lang).format(count));
}

/** @param {Element} place @param {string} kind @param {string} label @param {(button: HTMLButtonElement) => void} does */
export function act(place, kind, label, does) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: `act ${kind}`, textContent: label });
  const author = place.closest("article")?.getAttribute("aria-labelledby");
  if (author) button.setAttribute("aria-describedby", author);
  button.addEventListener("click", () => does(button));
  place.append(" ", button);
  return button;
}

/** @param {Element} line */
export function idOf(line) {
  return line.id.slice(8); // without "comment-"
}

/** @typedef {{visitor?: string, view?: string, sort?: string, seen?: Record<string, number>, drafts?: Record<string, string | undefined>, edits?: Record<string, {token: string, until: string} | undefined>, person?: Record<string, string>, begun?: Record<string, string>, mastodon?: string}} Memory */

/** What this browser keeps for this blog: nothing of it is sent anywhere but the token of who wrote before. @returns {Memory} */
export function recall() {
  try {
    return JSON.parse(localStorage.getItem(MEMORY) ?? "{}");
  } catch {
    return {};
  }
}

/** @param {Memory} changes */
export function remember(changes) {
  const memory = { ...recall(), ...changes };
  for (const name of /** @type {const} */ (["seen", "drafts", "edits"])) {
    const kept = Object.entries(memory[name] ?? {}).filter(([, value]) => value);
    if (memory[name]) memory[name] = Object.fromEntries(/** @type {any} */ (kept.slice(-MAX_REMEMBERED)));
  }
  try {
    localStorage.setItem(MEMORY, JSON.stringify(memory));
  } catch {
    // A browser that stores nothing: the next visit begins anew.
  }
}

/** One sheet for all elements of a page. @param {string} address */
function styleSheet(address) {
  const known = sheets.get(address);
  if (known) return known;
  const made = fetch(address).then(async (answer) => sheet(await answer.text()));
  made.catch(() => sheets.delete(address));
  sheets.set(address, made);
  return made;
}

/** @param {string} rules */
function sheet(rules) {
  const made = new CSSStyleSheet();
  made.replaceSync(rules);
  return made;
}

if (!customElements.get("comment-thread")) customElements.define("comment-thread", CommentThreadElement);
for (const name of ["count", "latest"]) if (document.querySelector(`comment-${name}`)) import(`${SERVER}/static/embed/${name}.js`);
