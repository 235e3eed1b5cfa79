// @ts-check
// One's own comments inside <comment-thread>: what still waits in its place, and a way to change them for as long as
// the site allows, with the token that posting gave and this browser kept.

import { VISITOR_HEADER, act, answersTo, depthOf, fragment, idOf, localTimes, recall, remember } from "../../embed.js";

const DOUBLE_CLICK = 700; // milliseconds: the second of two clicks confirms nothing

/** @typedef {import("../embed.js").CommentThreadElement} Thread */

const MAX_DEPTH = 8; // that has a style

/** Who wrote here before sees what still waits, in its place. @param {Thread} thread @param {ShadowRoot} root */
export async function showHeld(thread, root) {
  const asked = new URLSearchParams({ site: thread.site, key: thread.key, lang: thread.language });
  const headers = { [VISITOR_HEADER]: recall().visitor ?? "" };
  const answer = await fetch(thread.server(`/api/v1/held?${asked}`), { headers });
  if (!answer.ok) return;
  for (const held of fragment(await answer.text()).querySelectorAll("[data-answers]")) {
    root.querySelector(".empty")?.remove();
    const parent = held.getAttribute("data-answers");
    localTimes(/** @type {Element} */ (root.querySelector(".commentsvc")), held);
    if (!putBelow(root, parent ?? "", held)) root.querySelector("form.write")?.before(held);
  }
  offer(thread, root);
}

/** Put an answer after those that its parent has; whether the parent is there. @param {ShadowRoot} root @param {string} parent @param {Element} answer */
export function putBelow(root, parent, answer) {
  const above = root.querySelector(`#comment-${CSS.escape(parent)}`);
  const line = answer.querySelector("li");
  const { view, sort } = /** @type {HTMLElement} */ (root.querySelector(".commentsvc")).dataset;
  if (!above || !line || view === "linear") return null;
  const last = (sort !== "newest" && answersTo(above).at(-1)) || above;
  line.className = line.className.replace(/depth-\d+/, `depth-${Math.min(depthOf(above) + 1, MAX_DEPTH)}`);
  last.after(line);
  return line;
}

/** Put "Edit" and "Delete" at the comments this browser may still change. @param {Thread} thread @param {ShadowRoot} root */
export function offer(thread, root) {
  if (!root.querySelector("form.write")) return; // a closed thread brings no words for writers
  const edits = recall().edits ?? {};
  const alive = Object.fromEntries(Object.entries(edits).filter(([, right]) => right && Date.parse(right.until) > Date.now()));
  if (Object.keys(alive).length < Object.keys(edits).length) remember({ edits: alive });
  for (const line of root.querySelectorAll(".comments > li")) {
    const right = alive[idOf(line)];
    const acts = line.querySelector(".acts");
    if (right && acts && !acts.querySelector(".edit")) new OwnComment(thread, root, line, right).offer(acts);
  }
}

class OwnComment {
  /** @param {Thread} thread @param {ShadowRoot} root @param {Element} line @param {{token: string, until: string}} right */
  constructor(thread, root, line, right) {
    this.thread = thread;
    this.root = root;
    this.line = line;
    this.right = right;
    const form = /** @type {HTMLElement} */ (root.querySelector("form.write"));
    const { strings } = /** @type {HTMLElement} */ (root.querySelector(".commentsvc")).dataset;
    /** @type {Record<string, any>} */
    this.strings = { ...JSON.parse(strings ?? "{}"), ...JSON.parse(form?.dataset.strings ?? "{}") };
  }

  get body() {
    return /** @type {HTMLElement} */ (this.line.querySelector(".body"));
  }

  /** @param {Element} acts */
  offer(acts) {
    const { lang } = /** @type {HTMLElement} */ (this.root.querySelector(".commentsvc"));
    const edit = act(acts, "edit", this.strings.edit, () => this.edit().catch(() => this.#say(this.strings.trouble, true)));
    const remove = act(acts, "remove", this.strings.remove, () => this.#ask(remove));
    const left = acts.appendChild(Object.assign(document.createElement("span"), { className: "aside" }));
    const minutes = new Intl.NumberFormat(lang, { style: "unit", unit: "minute", unitDisplay: "short" });
    const tick = () => {
      const rest = Math.ceil((Date.parse(this.right.until) - Date.now()) / 60_000);
      const said = this.strings.time.replace("%(time)s", minutes.format(rest));
      if (left.textContent !== said) left.textContent = said;
      if (rest > 0) return setTimeout(tick, 20_000);
      return [edit, remove, left].forEach((one) => one.remove());
    };
    tick();
  }

  /** The text as it was typed, in a form at its place. */
  async edit() {
    if (this.line.querySelector("form.edit")) return;
    const [answer, tools] = await Promise.all([this.#request("GET"), this.#tools()]);
    if (!answer.ok) return this.#say((await answer.json()).title, true);
    if (this.line.querySelector("form.edit")) return; // a second click meanwhile
    const form = Object.assign(document.createElement("form"), { className: "edit" });
    const { body } = await answer.json();
    const text = Object.assign(document.createElement("textarea"), { rows: 6, dir: "auto", value: body });
    text.setAttribute("aria-label", this.strings.text);
    const buttons = Object.assign(document.createElement("p"), { className: "send" });
    buttons.append(Object.assign(document.createElement("button"), { textContent: this.strings.save }));
    const cancel = act(buttons, "quiet", this.strings.cancel, () => this.#close(form));
    cancel.classList.remove("act");
    form.append(text, ...tools, buttons);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(text, form).catch(() => this.#complain(text, this.strings.trouble));
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && text.value === body) this.#close(form); // changed words go by the button only
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    this.body.hidden = true;
    this.body.after(form);
    text.focus();
  }

  /** The tool bar that the form for writing has, with the code that hears of it. */
  async #tools() {
    const { composer = "" } = /** @type {HTMLElement} */ (this.root.querySelector(".commentsvc")).dataset;
    const bar = this.root.querySelector("form.write .tools")?.cloneNode(true);
    const loaded = await import(composer).catch(() => undefined);
    if (!(bar instanceof HTMLElement) || !loaded) return [];
    loaded.composerFor(this.thread, this.root);
    bar.removeAttribute("aria-controls");
    return [bar];
  }

  /** @param {HTMLFormElement} form */
  #close(form) {
    form.remove();
    this.body.hidden = false;
    /** @type {HTMLElement | null} */ (this.line.querySelector(".edit"))?.focus();
  }

  /** @param {HTMLTextAreaElement} text @param {HTMLFormElement} form */
  async #save(text, form) {
    const answer = await this.#request("PATCH", { body: text.value });
    const said = await answer.json();
    if (!answer.ok) return this.#complain(text, said.errors?.body ?? said.title);
    this.body.replaceChildren(fragment(said.body_html));
    this.#close(form);
    if (said.state === "pending") return this.thread.load(); // for others it is not there: neither are counts and replies
    const mark = this.line.querySelector(".edited") ?? document.createElement("span");
    Object.assign(mark, { className: "edited", textContent: this.strings.edited });
    this.line.querySelector(".who")?.append(" ", mark);
    return this.#say(this.strings.changed);
  }

  /** Beside the field, which stays as it is. @param {HTMLTextAreaElement} text @param {string} sentence */
  #complain(text, sentence) {
    const wrong = text.parentElement?.querySelector(".wrong") ?? document.createElement("p");
    Object.assign(wrong, { className: "wrong", id: `${this.line.id}-wrong`, textContent: sentence });
    wrong.setAttribute("role", "alert");
    text.after(wrong);
    text.setAttribute("aria-invalid", "true");
    text.setAttribute("aria-describedby", wrong.id);
    text.focus();
  }

  /** A second click, on a button that says what it does. @param {HTMLButtonElement} remove */
  #ask(remove) {
    if (remove.dataset.sure) {
      if (performance.now() - Number(remove.dataset.sure) < DOUBLE_CLICK) return undefined;
      return this.#remove().catch(() => this.#say(this.strings.trouble, true));
    }
    remove.dataset.sure = String(performance.now());
    remove.textContent = this.strings.sure;
    remove.addEventListener("blur", () => {
      delete remove.dataset.sure;
      remove.textContent = this.strings.remove;
    }, { once: true });
    return undefined;
  }

  async #remove() {
    const answer = await this.#request("DELETE");
    if (!answer.ok) return this.#say((await answer.json()).title, true);
    const article = this.line.querySelector("article");
    const thread = /** @type {HTMLElement} */ (this.root.querySelector(".commentsvc"));
    if (!article?.matches(".held")) thread.dataset.count = String(Number(thread.dataset.count) - 1); // others never saw that one
    article?.remove();
    return this.#say(this.strings.removed);
  }

  /** @param {string} method @param {object} [content] */
  #request(method, content) {
    const address = this.thread.server(`/api/v1/comments/${idOf(this.line)}?lang=${encodeURIComponent(this.thread.language)}`);
    const headers = { Authorization: `Bearer ${this.right.token}`, "Content-Type": "application/json" };
    return fetch(address, { method, headers, body: content && JSON.stringify(content) });
  }

  /** @param {string} sentence @param {boolean} [isWrong] */
  #say(sentence, isWrong) {
    this.line.closest(".posted")?.querySelector(".notice")?.remove(); // what was said before is no longer news
    for (const before of this.line.querySelectorAll(".notice, .posted > *")) before.remove();
    const notice = Object.assign(document.createElement("p"), { className: `notice ${isWrong ? "bad" : "good"}`, tabIndex: -1, textContent: sentence });
    notice.setAttribute("role", isWrong ? "alert" : "status");
    this.line.append(notice);
    notice.focus();
  }
}
