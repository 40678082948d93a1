// Makes passkeys and signs decisions with them: what the browser's authenticator gives goes along with the form, as JSON.

/** Take over the forms that register a passkey or sign a decision; without this script the service says what is missing. */
export function usePasskeys() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const asks = form.matches("form[data-passkey]");
    if (!asks) return;
    event.preventDefault();
    if (!form.dataset.busy) run(form, event.submitter);
  });
}

async function run(form, button) {
  const problem = form.querySelector(".problem.script");
  form.dataset.busy = "yes";
  problem.hidden = true;
  try {
    if (!window.PublicKeyCredential) throw said(form.dataset.unsupported);
    const prepared = await prepare(form, button);
    const credential = await ask(form, prepared.options);
    keep(form, "preparation", prepared.preparation);
    keep(form, "credential", JSON.stringify(plain(credential)));
    if (button?.name) keep(form, button.name, button.value);
    if (form.elements.password) form.elements.password.disabled = true;
    // a form that a script submits tells nobody by itself
    form.dispatchEvent(new CustomEvent("archive:sending", { bubbles: true }));
    form.submit();
  } catch (error) {
    problem.textContent = error.sentence ?? form.dataset.cutOff;
    problem.hidden = false;
    delete form.dataset.busy;
  }
}

async function prepare(form, button) {
  const fields = new FormData(form);
  if (button?.name) fields.set(button.name, button.value);
  let response;
  try {
    response = await fetch(form.dataset.passkey, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(fields),
    });
  } catch {
    throw said(form.dataset.cutOff);
  }
  const answer = await response.json();
  if (!response.ok) throw said(answer.sentence ?? form.dataset.cutOff);
  return answer;
}

async function ask(form, options) {
  options.challenge = bytes(options.challenge);
  for (const list of [options.allowCredentials, options.excludeCredentials]) {
    for (const each of list ?? []) each.id = bytes(each.id);
  }
  if (options.user) options.user.id = bytes(options.user.id);
  try {
    const asked = { publicKey: options };
    const credential = options.user ? navigator.credentials.create(asked) : navigator.credentials.get(asked);
    return await credential;
  } catch {
    throw said(form.dataset.cancelled);
  }
}

function plain(credential) {
  const given = credential.response;
  const response = { clientDataJSON: text(given.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (given[name]) response[name] = text(given[name]);
  }
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
}

function keep(form, name, value) {
  const input = document.createElement("input");
  Object.assign(input, { type: "hidden", name, value });
  form.append(input);
}

function bytes(base64url) {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function text(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A failure in the page's own words; what a browser says of its own is English, and is not shown. */
function said(sentence) {
  return Object.assign(new Error(sentence), { sentence });
}
