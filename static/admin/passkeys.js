// @ts-check
// Passkeys: the forms that need the device show themselves where there is one, and send what it signed.

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form.passkey"))) {
  if (!globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) break;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = /** @type {HTMLElement} */ (form.querySelector(".wrong"));
    wrong.hidden = true;
    try {
      const answer = await ask(await (await fetch(form.dataset.question ?? "")).json());
      /** @type {HTMLInputElement} */ (form.elements.namedItem("answer")).value = JSON.stringify(answer);
      form.submit();
    } catch {
      wrong.hidden = false;
    }
  });
}

/** What the device says to a question of the server's: a new key where one is to be made, else a signature. */
async function ask(/** @type {any} */ question) {
  const credential = question.user
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(question) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(question) });
  return /** @type {PublicKeyCredential} */ (credential).toJSON();
}
