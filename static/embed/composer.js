// @ts-check
// Writing inside <comment-thread>: a challenge when somebody begins, answers in place, markup at a key's distance, a
// preview that follows the text, a draft that survives, sending without leaving.

import { draftsOf, fragment, localTimes, plural, recall, remember } from "../../embed.js";

/** @typedef {import("../embed.js").CommentThreadElement} Thread */

const NEAR_THE_END = 500; // characters
const PAUSE = 500; // milliseconds after the last key, until the preview follows
const PERSON = ["author", "email", "website"];

/** @type {WeakMap<ShadowRoot, Composer>} */
const composers = new WeakMap();

/** The one composer of a thread. @param {Thread} thread @param {ShadowRoot} root */
export function composerFor(thread, root) {
  const known = composers.get(root);
  if (known) return known;
  const made = new Composer(thread, root);
  composers.set(root, made);
  return made;
}

export class Composer {
  /** @type {Promise<import("./challenge.js").Challenge> | undefined} */
  #challenge;
  #sending = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;
  /** The draft that is not kept yet. */
  #unsaved = "";

  /** @param {Thread} thread @param {ShadowRoot} root */
  constructor(thread, root) {
    this.thread = thread;
    this.root = root;
    root.addEventListener("input", (event) => this.#typed(event));
    root.addEventListener("keydown", (event) => this.#pressed(/** @type {KeyboardEvent} */ (event)));
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("leave", () => this.keep());
    const composer = new WeakRef(this); // a page that is never left may show many threads
    addEventListener("pagehide", () => composer.deref()?.keep());
    if (this.form && this.text.value.trim()) this.#heed(); // typed before this code came
  }

  get form() {
    return /** @type {HTMLFormElement} */ (this.root.querySelector("form.write"));
  }

  /** @type {Record<string, any>} */
  get strings() {
    const { strings } = /** @type {HTMLElement} */ (this.root.querySelector(".commentsvc")).dataset;
    return { ...JSON.parse(strings ?? "{}"), ...JSON.parse(this.form.dataset.strings ?? "{}") };
  }

  /** @param {string} name */
  field(name) {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
  }

  get text() {
    return /** @type {HTMLTextAreaElement} */ (this.form.elements.namedItem("body"));
  }

  /** Open the form, and get a challenge, once for each form that is shown. */
  async begin() {
    this.form.classList.remove("folded");
    this.#fillInPerson();
    if (!this.field("idempotency_key").value) this.field("idempotency_key").value = unique();
    const challenge = await this.#loaded();
    const known = challenge.refused;
    await challenge.ask();
    if (this.form && challenge.refused !== known) this.#say(challenge.refused);
    return challenge;
  }

  #loaded() {
    this.#challenge ??= import(this.form.dataset.challenge ?? "").then(({ Challenge }) => new Challenge(this));
    this.#challenge.catch(() => (this.#challenge = undefined));
    return this.#challenge;
  }

  /** Who ticked "remember" finds their fields filled in, others only beside a draft. */
  #fillInPerson() {
    const person = recall().person ?? recall().begun;
    const tick = /** @type {HTMLInputElement} */ (this.form.querySelector("#remember"));
    if (!person || !tick || tick.dataset.filled) return;
    tick.dataset.filled = "yes";
    tick.checked = Boolean(recall().person);
    for (const name of PERSON) if (this.field(name) && !this.field(name).value) this.field(name).value = person[name] ?? "";
  }

  get #person() {
    return Object.fromEntries(PERSON.map((name) => [name, this.field(name)?.value ?? ""]));
  }

  /** Kept only while the tick is there; taking it away forgets them. */
  #keepPerson() {
    const tick = /** @type {HTMLInputElement | null} */ (this.form.querySelector("#remember"));
    if (!tick) return;
    remember({ person: tick.checked ? this.#person : undefined });
  }

  /** The text that was begun before the page was left: the one that was written last. */
  restore() {
    const parent = draftsOf(this.thread.path).at(-1)?.split("#")[1] ?? "";
    if (this.text.value) return;
    this.form.classList.remove("folded");
    this.text.defaultValue = "";
    const reply = this.root.querySelector(`[data-reply="${CSS.escape(parent)}"]`);
    if (reply instanceof HTMLElement) this.#moveTo(parent, reply.dataset.author ?? "");
    this.#fillInDraft();
    this.#fillInPerson();
    if (recall().begun?.notify) this.field("notify")?.click();
  }

  #fillInDraft() {
    this.text.value = recall().drafts?.[this.#draft] ?? "";
    this.#count();
  }

  /** Each comment that is answered has a draft of its own, and so has the article. */
  get #draft() {
    const parent = this.field("parent_id").value;
    return parent ? `${this.thread.path}#${parent}` : this.thread.path;
  }

  /** Keep the draft in this browser. */
  keep() {
    clearTimeout(this.#later);
    const key = this.#unsaved;
    if (!key || !this.form) return;
    this.#unsaved = "";
    const { [key]: _, ...drafts } = recall().drafts ?? {};
    const body = this.text.value;
    const isBegun = body.trim();
    remember({ drafts: isBegun ? { ...drafts, [key]: body } : drafts, begun: isBegun ? { ...this.#person, notify: /** @type {any} */ (this.field("notify")?.checked) } : undefined });
  }

  /** @param {Event} event */
  #typed(event) {
    const field = /** @type {Element} */ (event.target);
    if (field.closest("form") !== this.form) return;
    this.#clearMistake(field);
    if (field !== this.text) this.#keepPersonIfTicked();
    if (this.text.value.trim() || field === this.text) this.#heed();
  }

  /** What is being mended is no mistake any more. @param {Element} field */
  #clearMistake(field) {
    if (!field.hasAttribute("aria-invalid")) return;
    field.removeAttribute("aria-invalid");
    this.form.querySelector(`#${field.id}-wrong`)?.remove();
    if (!this.form.querySelector("[aria-invalid]")) this.form.querySelector(":scope > .notice.bad")?.remove();
  }

  /** Say how much room is left; keep the draft, and let the preview follow, when the keys pause. */
  #heed() {
    this.#count();
    this.#unsaved = this.#draft;
    clearTimeout(this.#later);
    this.#later = setTimeout(() => {
      this.keep();
      if (this.form.querySelector(".preview")) this.#preview().catch(() => {});
    }, PAUSE);
  }

  #keepPersonIfTicked() {
    if (recall().person || /** @type {HTMLInputElement | null} */ (this.form.querySelector("#remember"))?.checked) this.#keepPerson();
  }

  /** Say how much room is left, when little is. */
  #count() {
    const left = Number(this.text.dataset.most) - [...this.text.value].length;
    let place = this.form.querySelector(".left");
    if (left > NEAR_THE_END) return place?.remove();
    if (!place) {
      place = Object.assign(document.createElement("p"), { className: "left aside" });
      place.setAttribute("role", "status");
      this.text.after(place);
    }
    const forms = left < 0 ? this.strings.over : this.strings.left;
    const { lang } = /** @type {HTMLElement} */ (this.root.querySelector(".commentsvc"));
    place.classList.toggle("wrong", left < 0);
    place.textContent = plural(forms, Math.abs(left), lang);
    return undefined;
  }

  /** Ctrl+Enter sends; in the tool bar the arrows lead from tool to tool. @param {KeyboardEvent} event */
  #pressed(event) {
    const target = /** @type {any} */ (event.target);
    const tools = [...target.closest(".tools")?.querySelectorAll("button") ?? []];
    const at = tools.indexOf(target);
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: -at - 1 }[event.key];
    if (target === this.text && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (at >= 0 && step) {
      event.preventDefault();
      const turned = getComputedStyle(target).direction === "rtl" && event.key.startsWith("Arrow") ? -step : step;
      const next = tools[(at + turned + tools.length) % tools.length];
      for (const tool of tools) tool.tabIndex = tool === next ? 0 : -1;
      next?.focus();
    }
  }

  /** A tool writes its marks around what is selected. @param {Event} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    if (target.closest("[data-compute]")) {
      this.begin().then((challenge) => challenge.compute()).catch(() => this.#say(this.strings.trouble, true));
      return;
    }
    const tool = /** @type {HTMLElement | null} */ (target.closest(".tool"));
    if (!tool) return;
    const { before = "", after = "", line } = tool.dataset;
    const text = /** @type {HTMLTextAreaElement} */ (tool.closest("form")?.querySelector("textarea"));
    const { selectionStart: from, selectionEnd: to, value } = text;
    const chosen = value.slice(from, to);
    const written = line ? `${from && value[from - 1] !== "\n" ? "\n" : ""}${chosen.replace(/^/gm, line)}` : before + chosen + after;
    text.setRangeText(written, from, to, "end");
    const address = after.indexOf("https"); // words that are there are linked; what is missing is selected
    const start = from + before.length + (chosen && address > 0 ? chosen.length + address : 0);
    if (after) text.setSelectionRange(start, start + (chosen && address > 0 ? after.length - address - 1 : chosen.length));
    text.focus();
    text.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }

  /**
   * Answer a comment, or the article where no id is given; the form moves there. What was typed since the click, while
   * this code was on its way, belongs to the answer. @param {string} id @param {string} author @param {string} [before]
   */
  answer(id, author, before) {
    this.begin();
    const isTypedSince = before !== undefined && before !== this.text.value;
    if (!isTypedSince) {
      this.#unsaved = this.#draft;
      this.keep();
    }
    this.#moveTo(id, author);
    this.#clear();
    if (isTypedSince) this.#heed();
    else this.#fillInDraft();
    this.text.focus();
    this.form.scrollIntoView({ block: "nearest" });
  }

  /** What was said of another text goes. */
  #clear() {
    for (const said of this.form.querySelectorAll(".bad, .preview, .wrong, .left")) said.remove();
    for (const field of this.form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  /** @param {string} id @param {string} author */
  #moveTo(id, author) {
    const below = id && this.root.querySelector(`#comment-${CSS.escape(id)} > article`);
    if (below) below.after(this.form);
    else this.#home();
    this.field("parent_id").value = below ? id : "";
    const heading = below ? this.strings.answer.replace("%(name)s", () => author) : this.strings.heading;
    /** @type {HTMLElement} */ (this.form.querySelector("h3")).textContent = heading;
    /** @type {HTMLElement} */ (this.form.querySelector(".answering")).hidden = !below;
  }

  /** Where the form stood when the thread came. */
  #home() {
    const list = this.root.querySelector(".thread > .comments");
    if (this.form.dataset.comes === "first" && list) list.before(this.form);
    else this.root.querySelector(".thread")?.append(this.form);
  }

  /** @param {HTMLElement | null} submitter */
  async submit(submitter) {
    const asked = /** @type {HTMLButtonElement | null} */ (submitter)?.name;
    if (this.#sending) return;
    this.#sending = true;
    this.text.readOnly = true; // what is typed now would not be sent
    this.form.setAttribute("aria-busy", "true");
    try {
      const challenge = await this.#loaded();
      challenge.refused = "";
      if (asked === "another") await challenge.another();
      else if (asked === "preview") await this.#togglePreview();
      else await this.#send(challenge);
    } catch {
      this.#say(this.strings.trouble, true);
    } finally {
      this.#sending = false;
      if (this.form) {
        this.text.readOnly = false;
        this.form.removeAttribute("aria-busy");
      }
    }
  }

  async #togglePreview() {
    const shown = this.form.querySelector(".preview");
    if (shown) return shown.remove();
    if (!this.text.value.trim()) return this.text.focus();
    return this.#preview();
  }

  /** What the server makes of the text, below it; from then on it follows the typing. */
  async #preview() {
    const answer = await fetch(this.thread.server(`/api/v1/preview?site=${encodeURIComponent(this.thread.site)}`), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ site: this.thread.site, body: this.text.value }),
    });
    const said = await answer.json();
    if (!answer.ok) return this.#say(said.title, true);
    /** @type {HTMLElement} */
    const preview = this.form.querySelector(".preview") ?? document.createElement("div");
    preview.className = "preview body";
    preview.part.add("preview");
    preview.dir = "auto";
    preview.replaceChildren(fragment(said.html));
    if (preview.isConnected) return;
    this.form.querySelector(".tools")?.after(preview);
    preview.scrollIntoView({ block: "nearest" });
  }

  /** @param {import("./challenge.js").Challenge} challenge */
  async #send(challenge) {
    await this.begin();
    await challenge.ready(this.text.value);
    if (!this.form) return;
    if (challenge.refused) return this.#say(challenge.refused, true);
    const fields = new URLSearchParams(/** @type {any} */ (new FormData(this.form)));
    fields.set("url", this.thread.article);
    fields.set("title", document.title);
    const answer = await fetch(this.thread.source, {
      method: "POST",
      credentials: "include",
      headers: challenge.headers,
      body: fields,
    });
    const content = fragment(await answer.text());
    return answer.ok ? this.#posted(content, answer, challenge) : this.#showAgain(content, challenge);
  }

  /** @param {DocumentFragment} content @param {Response} answer @param {import("./challenge.js").Challenge} challenge */
  async #posted(content, answer, challenge) {
    const posted = /** @type {HTMLElement} */ (content.querySelector(".posted"));
    const { id = "", edit = "", until = "", count, total = "" } = posted.dataset;
    const form = this.form;
    const thread = /** @type {any} */ (this.root.querySelector(".commentsvc"));
    this.#keepPersonIfTicked();
    const own = await import(thread.dataset.editing).catch(() => undefined);
    const parent = this.field("parent_id").value;
    this.#unsaved = this.#draft;
    this.text.value = "";
    this.keep();
    this.#moveTo("", "");
    form.before(posted);
    localTimes(thread, posted);
    if (count) {
      thread.dataset.count = count;
      const heading = /** @type {ChildNode} */ (this.root.querySelector("h2")?.firstChild);
      heading.textContent = heading.nextSibling ? `${total} · ` : total;
    }
    this.root.querySelector(".empty")?.remove();
    const line = parent && own?.putBelow(this.root, parent, posted);
    if (line) {
      line.append(posted); // what is said of it
      posted.querySelector("ol")?.remove();
    }
    this.field("idempotency_key").value = "";
    challenge.done();
    this.#clear();
    form.classList.add("folded");
    this.#fillInDraft();
    remember({ visitor: challenge.visitor, edits: { ...recall().edits, [id]: { token: edit, until } } });
    posted.focus();
    own?.offer(this.thread, this.root);
    this.thread.dispatchEvent(
      new CustomEvent("comment-posted", { detail: { held: answer.status === 202, url: answer.headers.get("Location") } }),
    );
  }

  /** The form as the server sent it back: what was typed, what is wrong, a fresh challenge. @param {DocumentFragment} content @param {import("./challenge.js").Challenge} challenge */
  #showAgain(content, challenge) {
    const again = content.querySelector("form.write");
    if (!again) return this.#say(content.textContent?.trim() ?? "", true);
    const parent = this.field("parent_id").value;
    const heading = this.form.querySelector("h3")?.textContent ?? "";
    this.form.replaceWith(again);
    challenge.adopt();
    this.field("parent_id").value = parent;
    /** @type {HTMLElement} */ (this.form.querySelector("h3")).textContent = heading;
    /** @type {HTMLElement} */ (this.form.querySelector(".answering")).hidden = !parent;
    const wrong = /** @type {HTMLElement | null} */ (
      this.form.querySelector("[aria-invalid=true]") ?? this.form.querySelector("[data-next]") ?? this.form.querySelector(":scope > .notice")
    );
    return wrong?.focus();
  }

  /** @param {string} sentence @param {boolean} [isAwaited] by somebody who pressed a button */
  #say(sentence, isAwaited) {
    this.form.querySelector(":scope > .notice")?.remove();
    const notice = Object.assign(document.createElement("p"), { className: "notice bad", tabIndex: -1, textContent: sentence });
    notice.setAttribute("role", "alert");
    this.form.querySelector("h3")?.after(notice);
    if (isAwaited) notice.focus();
  }
}

function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
