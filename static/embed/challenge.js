// @ts-check
// The challenge of a form: asked for when somebody begins to write, renewed before it is too old, solved by what the
// picture shows, by what the sound says, or by this device itself.

import { VISITOR_HEADER, recall } from "../../embed.js";

/** @typedef {import("../embed.js").CommentThreadElement} Thread */

const SPARE = 20_000; // milliseconds before it expires

export class Challenge {
  /** The signed token of who writes. */
  visitor = recall().visitor ?? "";
  /** Why there is none; asked for again when somebody sends, and not before. */
  refused = "";
  /** @type {Promise<void> | undefined} */
  #asked;
  /** @type {any} */
  #given;
  #since = 0;
  /** When the form was shown first, which may be before this challenge came. */
  #shownSince = 0;
  #computing = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;

  /** @param {Thread} thread @param {() => HTMLFormElement} form @param {() => Record<string, any>} words */
  constructor(thread, form, words) {
    this.thread = thread;
    this.form = form;
    this.words = words;
  }

  /** @param {string} name */
  #field(name) {
    return /** @type {HTMLInputElement} */ (this.form().elements.namedItem(name));
  }

  /** @param {string} selector */
  #place(selector) {
    return /** @type {HTMLElement} */ (this.form().querySelector(`.challenge ${selector}`));
  }

  /** @returns {Record<string, string>} */
  get headers() {
    return this.visitor ? { [VISITOR_HEADER]: this.visitor } : {};
  }

  /** Get one, once for each form that is shown. */
  async ask() {
    if (!this.#field("challenge_token").value && !this.refused) this.#asked ??= this.#new().finally(() => (this.#asked = undefined));
    await this.#asked;
  }

  async another() {
    this.#forget();
    await this.ask();
    this.#field("challenge_answer").focus();
  }

  /** Wait as long as a person takes to write so much; one that is too old by then is renewed. @param {string} text */
  async ready(text) {
    await this.ask();
    const isOurs = this.#given?.token === this.#field("challenge_token").value;
    if (isOurs && Date.now() > this.#since + this.#given.expires_in * 1_000 && !this.#field("challenge_answer").value) {
      this.#forget();
      await this.ask();
    }
    if (!this.#given) return;
    const { least, each_character: each, most } = this.#given.wait;
    const seconds = Math.min(most, least + each * [...text].length);
    await new Promise((resolve) => setTimeout(resolve, this.#shownSince + seconds * 1_000 - Date.now()));
  }

  async #new() {
    const { site, key, path } = this.thread;
    const earlier = this.#given?.path === path ? this.#given.token : "";
    const asked = new URLSearchParams({ site, lang: this.thread.language });
    const answer = await fetch(this.thread.server(`/api/v1/challenges?${asked}`), {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json", ...this.headers },
      body: JSON.stringify({ site, key, instead_of: earlier }),
    });
    const given = await answer.json();
    if (!this.form()) return; // the reader has gone on to another article
    if (!answer.ok) {
      this.refused = given.title;
      return;
    }
    if (!earlier) this.#shownSince = Date.now();
    this.#given = { ...given, path: this.thread.path };
    this.#since = Date.now();
    this.visitor = given.visitor;
    this.#field("challenge_token").value = given.token;
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#renew().catch(() => {}), given.expires_in * 1_000 - SPARE);
    this.#show();
  }

  #show() {
    const { image, audio, waits } = this.#given;
    const form = this.form();
    /** @type {HTMLElement} */ (form.querySelector(".challenge")).hidden = !image;
    this.#place(".notice").hidden = true;
    this.#place(".puzzle").hidden = false;
    this.#place(".compute").hidden = !globalThis.crypto?.subtle;
    if (image) /** @type {HTMLImageElement} */ (this.#place("img")).src = image;
    if (audio) /** @type {HTMLAudioElement} */ (this.#place("audio")).src = audio;
    const send = /** @type {HTMLElement} */ (form.querySelector(".send button"));
    send.textContent = waits ? this.words().send : this.words().post;
  }

  /** Nobody notices: a new one while nothing is typed for the old one; what was computed is computed again. */
  async #renew() {
    if (!this.form()?.isConnected || this.#field("challenge_answer").value) return;
    const isComputed = Boolean(this.#field("challenge_work").value);
    this.#forget();
    await this.ask();
    if (isComputed) await this.compute();
  }

  #forget() {
    this.#computing.abort();
    for (const name of ["challenge_token", "challenge_answer", "challenge_work"]) this.#field(name).value = "";
  }

  /** The posted form is empty again, and asks for a new one when somebody begins anew. */
  done() {
    this.#forget();
    this.#given = undefined;
    clearTimeout(this.#later);
    /** @type {HTMLElement} */ (this.form().querySelector(".challenge")).hidden = true;
  }

  /** Solve it by computing; its writer goes on writing meanwhile. */
  async compute() {
    this.#computing.abort();
    this.#computing = new AbortController();
    const { signal } = this.#computing;
    const status = this.#place(".compute [role=status]");
    status.textContent = this.words().computing;
    if (this.#given?.token !== this.#field("challenge_token").value) this.#field("challenge_token").value = "";
    await this.ask();
    if (!this.#given?.work) {
      status.textContent = this.refused;
      return;
    }
    const { solve } = await import(this.form().dataset.work ?? "");
    const solved = await solve(this.#given.work, signal).catch((/** @type {unknown} */ problem) => {
      if (!signal.aborted) throw problem;
    });
    if (!solved || !this.form()) return;
    this.#field("challenge_work").value = solved;
    const hadFocus = this.#place(".puzzle").contains(/** @type {ShadowRoot} */ (this.form().getRootNode()).activeElement);
    this.#place(".puzzle").hidden = true;
    const notice = this.#place(".notice");
    notice.hidden = false;
    notice.tabIndex = -1;
    if (hadFocus) notice.focus();
  }
}
