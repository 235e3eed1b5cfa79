// @ts-check
// Writing inside <comment-thread>: a challenge when somebody begins, answers in place, sending without leaving.

import { VISITOR_HEADER, fragment, recall, remember } from "../../embed.js";

/** @typedef {HTMLElement & {site: string, key: string, source: string, article: string, server: (path: string) => string}} Thread */

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

class Composer {
  #visitor = recall();
  /** @type {Promise<void> | undefined} */
  #asked;
  #sending = false;

  /** @param {Thread} thread @param {ShadowRoot} root */
  constructor(thread, root) {
    this.thread = thread;
    this.root = root;
  }

  get form() {
    return /** @type {HTMLFormElement} */ (this.root.querySelector("form.write"));
  }

  /** @param {string} name */
  field(name) {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
  }

  /** Get a challenge, once for each form that is shown. */
  async begin() {
    if (!this.field("idempotency_key").value) this.field("idempotency_key").value = unique();
    if (!this.field("challenge_token").value) this.#asked ??= this.#newChallenge().finally(() => (this.#asked = undefined));
    await this.#asked;
  }

  async #newChallenge() {
    const { site, key } = this.thread;
    const answer = await fetch(this.thread.server(`/api/v1/challenges?site=${encodeURIComponent(site)}`), {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json", ...this.#whoWeAre() },
      body: JSON.stringify({ site, key }),
    });
    if (!answer.ok) return this.#say((await answer.json()).title);
    const challenge = await answer.json();
    this.#visitor = challenge.visitor;
    this.field("challenge_token").value = challenge.token;
    const place = /** @type {HTMLElement} */ (this.form.querySelector(".challenge"));
    place.hidden = !challenge.image;
    place.querySelector(".notice")?.remove();
    /** @type {HTMLElement} */ (place.querySelector(".puzzle")).hidden = false;
    if (challenge.image) /** @type {HTMLImageElement} */ (place.querySelector("img")).src = challenge.image;
  }

  #whoWeAre() {
    return this.#visitor ? { [VISITOR_HEADER]: this.#visitor } : {};
  }

  /** Answer a comment, or the article where no id is given; the form moves there. @param {string} id @param {string} author */
  answer(id, author) {
    const form = this.form;
    const below = id && this.root.querySelector(`#comment-${CSS.escape(id)} > article`);
    if (!below) this.#backHome();
    else {
      below.after(form);
      this.field("parent_id").value = id;
      this.#head(`${this.#words.answer} · ${author}`, true);
    }
    this.field("body").focus();
  }

  /** Below the thread, for a comment to the article. */
  #backHome() {
    this.root.querySelector(".thread")?.append(this.form);
    this.field("parent_id").value = "";
    this.#head(this.#words.heading ?? "", false);
  }

  get #words() {
    return /** @type {HTMLElement} */ (this.form.querySelector("h3")).dataset;
  }

  /** @param {string} words @param {boolean} answers */
  #head(words, answers) {
    /** @type {HTMLElement} */ (this.form.querySelector("h3")).textContent = words;
    /** @type {HTMLElement} */ (this.form.querySelector(".answering")).hidden = !answers;
  }

  /** @param {HTMLElement | null} submitter */
  async submit(submitter) {
    const asked = /** @type {HTMLButtonElement | null} */ (submitter)?.name;
    if (this.#sending) return undefined;
    this.#sending = true;
    try {
      if (asked === "another") await this.#another();
      else if (asked === "preview") await this.#preview();
      else await this.begin().then(() => this.#send());
    } catch {
      this.#say(/** @type {HTMLElement} */ (this.root.querySelector(".commentsvc")).dataset.trouble ?? "");
    } finally {
      this.#sending = false;
    }
    return undefined;
  }

  async #another() {
    this.field("challenge_token").value = "";
    this.field("challenge_answer").value = "";
    await this.begin();
    this.field("challenge_answer").focus();
  }

  async #preview() {
    if (!this.field("body").value.trim()) return this.field("body").focus();
    const answer = await fetch(this.thread.server(`/api/v1/preview?site=${encodeURIComponent(this.thread.site)}`), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ site: this.thread.site, body: this.field("body").value }),
    });
    const said = await answer.json();
    if (!answer.ok) return this.#say(said.title);
    this.form.querySelector(".preview")?.remove();
    const preview = document.createElement("div");
    preview.className = "preview body";
    preview.setAttribute("role", "status");
    preview.innerHTML = said.html;
    return this.form.querySelector(".send")?.before(preview);
  }

  async #send() {
    const fields = new URLSearchParams(/** @type {any} */ (new FormData(this.form)));
    fields.set("url", this.thread.article);
    fields.set("title", document.title);
    const answer = await fetch(this.thread.source, {
      method: "POST",
      credentials: "include",
      headers: this.#whoWeAre(),
      body: fields,
    });
    const content = fragment(await answer.text());
    if (answer.ok) this.#posted(content, answer);
    else this.#showAgain(content);
  }

  /** @param {DocumentFragment} content @param {Response} answer */
  #posted(content, answer) {
    const posted = /** @type {HTMLElement} */ (content.querySelector(".posted"));
    const form = this.form;
    remember(this.#visitor);
    form.before(posted);
    this.#backHome();
    for (const name of ["body", "challenge_token", "challenge_answer", "idempotency_key"]) {
      const field = this.form.elements.namedItem(name);
      if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) field.value = "";
    }
    for (const left of form.querySelectorAll(".notice, .preview, .wrong")) left.remove();
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    /** @type {HTMLElement} */ (form.querySelector(".challenge")).hidden = true;
    posted.focus();
    this.thread.dispatchEvent(
      new CustomEvent("comment-posted", { detail: { held: answer.status === 202, url: answer.headers.get("Location") } }),
    );
  }

  /** The form as the server sent it back: what was typed, what is wrong, a fresh challenge. @param {DocumentFragment} content */
  #showAgain(content) {
    const again = content.querySelector("form.write");
    if (!again) return this.#say(content.textContent?.trim() ?? "");
    const parent = this.field("parent_id").value;
    const heading = this.form.querySelector("h3")?.textContent ?? "";
    this.form.replaceWith(again);
    this.field("parent_id").value = parent;
    this.#head(heading, Boolean(parent));
    const wrong = /** @type {HTMLElement | null} */ (
      this.form.querySelector('[aria-invalid="true"]') ?? this.#challengeFieldIfAsked() ?? this.form.querySelector(".notice")
    );
    return wrong?.focus();
  }

  #challengeFieldIfAsked() {
    const refusal = /** @type {HTMLElement | null} */ (this.form.querySelector("[data-refusal]"))?.dataset.refusal ?? "";
    return refusal.startsWith("challenge-") ? this.form.elements.namedItem("challenge_answer") : null;
  }

  /** @param {string} sentence */
  #say(sentence) {
    this.form.querySelector(".notice")?.remove();
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.setAttribute("role", "alert");
    notice.tabIndex = -1;
    notice.textContent = sentence;
    this.form.querySelector("h3")?.after(notice);
    notice.focus();
  }
}

function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
