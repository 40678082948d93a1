// Asks once more before an approval goes out: on a phone the bar with the buttons lies under the thumb. Passkeys ask by themselves.

/** Let the forms that have data-confirm ask in the dialog that it names; without this script they are sent at once. */
export function askBeforeSending() {
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    const dialog = form.dataset.confirm && document.getElementById(form.dataset.confirm);
    if (!dialog || submitter?.value !== "approve" || "passkey" in form.dataset || event.defaultPrevented) return;
    event.preventDefault();
    // the texts that are being sent are kept until the answer is there: nothing of this submission has happened yet
    event.stopImmediatePropagation();
    dialog.onclose = () => {
      if (dialog.returnValue !== "yes") return;
      const sent = document.createElement("input");
      Object.assign(sent, { type: "hidden", name: submitter.name, value: submitter.value });
      form.append(sent);
      delete form.dataset.confirm;
      form.requestSubmit();
    };
    dialog.returnValue = "";
    dialog.showModal();
  });
}
