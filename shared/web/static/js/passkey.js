// Passkeys: <form data-passkey="get" data-passkey-options='{…}'> … <input type="hidden" name="passkey"> <button type="submit"> …
// The form is hidden until the browser can do it. What the passkey answers is sent as a field of the form itself.
export function startPasskeys(root) {
  const able = globalThis.PublicKeyCredential;
  if (!able?.parseRequestOptionsFromJSON || !able.parseCreationOptionsFromJSON) return;
  for (const form of root.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    for (const other of root.querySelectorAll("[data-passkey-without]")) other.hidden = true;
    form.addEventListener("submit", (event) => {
      if (form.elements.passkey.value) return;
      event.preventDefault();
      ask(form);
    });
  }
}

async function ask(form) {
  const told = form.querySelector("[data-passkey-told]");
  const options = JSON.parse(form.dataset.passkeyOptions);
  try {
    const answer = form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    form.elements.passkey.value = JSON.stringify(answer.toJSON());
    form.submit();
  } catch {
    if (told) told.hidden = false;
  }
}
