// @ts-check
// <comment-thread site="blog" key="2020/05/phone.html"> shows a thread and lets people write, on any page.
//
// Acts like <img>: attributes say what to show, `load` and `error` say how it went, and what stands inside the
// element is shown until then. All HTML comes from the server; no sentence stands in here.

const SERVER = new URL(import.meta.url).origin + new URL(import.meta.url).pathname.replace(/\/embed\.js$/, "");
export const VISITOR_HEADER = "X-Commentsvc-Visitor";
const MEMORY = `commentsvc ${SERVER}`;
const CANONICAL = 'link[rel="canonical"][href]';

/** @type {Map<string, Promise<CSSStyleSheet>>} */
const sheets = new Map();

export class CommentThreadElement extends HTMLElement {
  static observedAttributes = ["site", "key", "lang", "view", "sort"];

  #root = this.attachShadow({ mode: "open" });
  /** @type {AbortController | undefined} */
  #loading;
  /** @type {Promise<void> | undefined} */
  #due;
  #page = "";

  constructor() {
    super();
    this.#root.append(document.createElement("slot"));
    this.#root.addEventListener("click", (event) => this.#follow(event));
    for (const sign of ["focusin", "submit"]) this.#root.addEventListener(sign, (event) => this.#compose(event));
  }

  connectedCallback() {
    this.#loadSoon();
  }

  disconnectedCallback() {
    this.#loading?.abort();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#loadSoon();
  }

  /** Several attributes may change at once; that is one reason to load, not several. */
  #loadSoon() {
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
    const canonical = /** @type {HTMLLinkElement | null} */ (document.querySelector(CANONICAL));
    return (canonical?.href ?? location.href).split("#")[0];
  }

  /** What identifies the thread: said by the page, else the article's path and query. */
  get key() {
    return this.getAttribute("key") ?? new URL(this.article).pathname.slice(1) + new URL(this.article).search;
  }

  /** The language of the thread: said by the element, else the page's. */
  get language() {
    return this.getAttribute("lang") ?? document.documentElement.lang;
  }

  /** `<site>/<key>`, encoded for a path. */
  get path() {
    return [this.site, ...this.key.split("/")].map(encodeURIComponent).join("/");
  }

  /** The full address of one of the server's paths. @param {string} path */
  server(path) {
    return SERVER + path;
  }

  /** Where this thread is read from and posted to. */
  get source() {
    const asked = new URLSearchParams();
    if (this.language) asked.set("lang", this.language);
    for (const name of ["view", "sort"]) {
      const value = this.getAttribute(name);
      if (value) asked.set(name, value);
    }
    if (this.#page) asked.set("page", this.#page);
    return this.server(`/embed/${this.path}?${asked}`);
  }

  /** Fetch the thread and show it; what is shown stays until the new one is here. */
  async load() {
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    try {
      const answer = await fetch(this.source, { signal: loading.signal, credentials: "omit" });
      if (!answer.ok) throw new Error(`the comment server answers ${answer.status}`);
      await this.#show(await answer.text());
      this.dispatchEvent(new Event("load"));
    } catch (problem) {
      if (loading.signal.aborted) return;
      console.warn("comment-thread:", problem);
      this.dispatchEvent(new Event("error"));
    }
  }

  /** @param {string} html */
  async #show(html) {
    const content = fragment(html);
    const thread = /** @type {HTMLElement} */ (content.querySelector(".commentsvc"));
    this.#root.adoptedStyleSheets = [await styleSheet(thread.dataset.stylesheet ?? "")];
    const written = this.#root.querySelector("form.write");
    if (written?.querySelector("textarea")?.value) content.querySelector("form.write")?.replaceWith(written);
    this.#root.replaceChildren(content);
    if (recall()) await this.#showHeld();
    if (location.hash.startsWith("#comment-")) this.#root.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  /** Who wrote here before sees what still waits, in its place. */
  async #showHeld() {
    const asked = new URLSearchParams({ site: this.site, key: this.key, lang: this.language });
    const answer = await fetch(this.server(`/api/v1/held?${asked}`), { headers: { [VISITOR_HEADER]: recall() } });
    if (!answer.ok) return;
    for (const held of fragment(await answer.text()).querySelectorAll("[data-answers]")) {
      const parent = held.getAttribute("data-answers");
      const below = parent && this.#root.querySelector(`#comment-${CSS.escape(parent)}`);
      if (below) below.append(held);
      else this.#root.querySelector("form.write")?.before(held);
    }
  }

  /** Links that lead to another view of the thread stay inside; "Reply" opens the form. @param {Event} event */
  #follow(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || /** @type {MouseEvent} */ (event).metaKey || /** @type {MouseEvent} */ (event).ctrlKey) return;
    if (link.dataset.view) {
      event.preventDefault();
      this.#page = link.dataset.page ?? "";
      this.setAttribute("view", link.dataset.view);
      this.setAttribute("sort", link.dataset.sort ?? "oldest");
      this.addEventListener("load", () => this.#focus("#comments-heading"), { once: true });
      this.#loadSoon();
    } else if (link.dataset.reply || "noReply" in link.dataset) {
      event.preventDefault();
      this.#composer().then((composer) => composer.answer(link.dataset.reply ?? "", link.dataset.author ?? ""));
    } else if (link.getAttribute("href")?.startsWith("#")) {
      event.preventDefault();
      this.#focus(link.hash);
    }
  }

  /** @param {string} selector */
  #focus(selector) {
    const place = /** @type {HTMLElement | null} */ (this.#root.querySelector(selector));
    place?.scrollIntoView({ block: "nearest" });
    place?.focus();
  }

  /** The code for writing is fetched when somebody starts to write. @param {Event} event */
  #compose(event) {
    const form = event.target instanceof Element ? event.target.closest("form") : null;
    if (!form) return;
    if (event.type === "submit") event.preventDefault();
    const submitter = event instanceof SubmitEvent ? event.submitter : null;
    this.#composer().then((composer) => (event.type === "submit" ? composer.submit(submitter) : composer.begin()));
  }

  async #composer() {
    const thread = /** @type {HTMLElement} */ (this.#root.querySelector(".commentsvc"));
    const { composerFor } = await import(thread.dataset.composer ?? "");
    return composerFor(this, this.#root);
  }
}

/** @param {string} html */
export function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** The token of a visitor who wrote before, where the browser keeps one for this page; nothing is stored for readers. */
export function recall() {
  try {
    return localStorage.getItem(MEMORY) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} visitor */
export function remember(visitor) {
  try {
    localStorage.setItem(MEMORY, visitor);
  } catch {
    // A browser that stores nothing: the next visit begins anew.
  }
}

/** One sheet for all elements of a page. @param {string} address */
function styleSheet(address) {
  const known = sheets.get(address);
  if (known) return known;
  const made = fetch(address).then(async (answer) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(await answer.text());
    return sheet;
  });
  sheets.set(address, made);
  return made;
}

if (!customElements.get("comment-thread")) customElements.define("comment-thread", CommentThreadElement);
