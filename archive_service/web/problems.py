"""Stable error codes as sentences for the people at the desk, through the catalogues."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext

SENTENCES: dict[str, Any] = {
    # logging in
    "login_refused": lazy_gettext(
        "The log-in or the password is wrong. Check both; after ten wrong tries a log-in rests for 15 minutes."
    ),
    "not_logged_in": lazy_gettext("Your session has ended. Load this page again and log in."),
    "too_many_requests": lazy_gettext("Too many tries from this place. Wait a minute, then try again."),
    "password_change_due": lazy_gettext("Change your password first."),
    "password_wrong": lazy_gettext("Your current password is not right. Type it again."),
    "password_differs": lazy_gettext("The new password was typed in two ways. Type it again, twice the same."),
    "password_same": lazy_gettext("Choose another password than the one before."),
    "password_length": lazy_gettext("A password has 12 to 200 characters. A sentence of a few words is easy to keep."),
    # the log
    "not_yet_covered": lazy_gettext("The log has not confirmed this record yet. Try again in a few seconds."),
    "event_unknown": lazy_gettext("This dossier has no such record."),
    # forms
    "foreign_form": lazy_gettext("This form was sent from another page. Open the page again and repeat."),
    "upload_unknown": lazy_gettext("This upload is not known any more. Choose the file again."),
    "upload_busy": lazy_gettext("This file is being sent already, perhaps in another window. Wait a moment."),
    "upload_discarded": lazy_gettext("This upload was discarded meanwhile. Choose the file again."),
    "uploads_too_many": lazy_gettext("Many uploads are unfinished here. Finish or discard some of them first."),
    "uploads_too_many_everywhere": lazy_gettext(
        "Your unfinished uploads in all dossiers are too many or too large together. Finish some of them first."
    ),
    "offset_wrong": lazy_gettext("The upload stands elsewhere. Choose the file again; it goes on where it was cut."),
    "more_than_announced": lazy_gettext("The file changed while it was sent. Choose it again."),
    "form_stale": lazy_gettext(
        "Somebody else changed this meanwhile. Look at it, then send again; what you typed is kept."
    ),
    "form_expired": lazy_gettext("This page has grown old. Load it again and repeat."),
    "text_empty": lazy_gettext("A field is empty. Fill it in."),
    "text_too_long": lazy_gettext("A text is too long. Shorten it."),
    "text_control": lazy_gettext("A text holds signs that cannot be kept. Type it again instead of pasting it."),
    "date_expected": lazy_gettext("A date is missing or is not a date. Fill it in."),
    "time_expected": lazy_gettext("The date and hour of receipt are missing. Fill them in."),
    "year_out_of_range": lazy_gettext("The year must be a number such as 2026."),
    "quarter_out_of_range": lazy_gettext("The quarter must be 1, 2, 3 or 4."),
    "received_in_future": lazy_gettext("The letter cannot have been received later than now. Check date and hour."),
    # the calendar
    "calendar_changed": lazy_gettext(
        "Somebody else changed the calendar in the meantime. Look at the newest version, then make your change again."
    ),
    "decree_missing": lazy_gettext("Say which decree or letter orders it: its kind and number."),
    "field_missing": lazy_gettext("A field is empty. Fill it in."),
    "outside_calendar": lazy_gettext("This date is outside the years that the calendar covers."),
    "nothing_changed": lazy_gettext("The calendar says this already; nothing was changed."),
    "nothing_to_remove": lazy_gettext("This day is not in the calendar any more. Load the page again."),
    "hours_without_unit": lazy_gettext("Hours are those of one work unit. Choose which one, or leave the hours empty."),
    "invalid_definition": lazy_gettext("The days and hours do not fit together; nothing was changed."),
    "mail_malformed": lazy_gettext("That is no mail address. Type one such as nama@example.ac.id."),
    "address_refused": lazy_gettext("The mail server refuses your address. Correct it on the page of your settings."),
    "mail_refused": lazy_gettext("The mail server refused the mail."),
    "mail_given_up": lazy_gettext("The mail server did not answer; the notice goes with the next mail of the day."),
    "notice_unknown": lazy_gettext("You have no such notice. Load the page again."),
    # who may
    "role_forbidden": lazy_gettext("None of your roles may do this."),
    "other_work_unit": lazy_gettext("This belongs to another work unit than your role."),
    "not_performer": lazy_gettext("This step is performed by another role than yours."),
    "not_responsible": lazy_gettext("The person who answers for this deviation explains it."),
    "duty_conflict": lazy_gettext(
        "You performed a step that this one checks. Another holder of the role must perform it."
    ),
    "delegation_forbidden": lazy_gettext(
        "The absent person, their superior in this unit or an administrator does this; the substitute may confirm or decline."
    ),
    "second_person_needed": lazy_gettext("Another person must do this than the one who asked for it."),
    "assignment_out_of_scope": lazy_gettext("You act for somebody in other procedures than this one."),
    "delegation_unknown": lazy_gettext("There is no such delegation, or you may not read it."),
    "delegation_answered": lazy_gettext("This delegation was answered already. Load the page again."),
    "delegation_not_confirmed": lazy_gettext("This delegation is not confirmed: withdraw or decline it."),
    "delegation_exists": lazy_gettext("Somebody acts for this person in that time already. End that first."),
    "delegation_over": lazy_gettext("The last day has passed. Propose it anew."),
    "substitute_absent": lazy_gettext("The substitute is represented by somebody in that time. Name another person."),
    "substitute_is_absent": lazy_gettext("Name another person than the absent one."),
    "assignment_not_held": lazy_gettext(
        "A Plh. stands in for somebody who holds the role all that time. Shorten the dates, or make it a Plt."
    ),
    "role_not_delegated": lazy_gettext("Only roles of a procedure are delegated. An administrator gives office roles."),
    "acting_not_delegated": lazy_gettext("What somebody does as a substitute is not handed on."),
    "roles_exclude": lazy_gettext("An administrator holds no role of a procedure. Name another person."),
    "last_day_missing": lazy_gettext("A Plh. has a last day. Say until when."),
    "dates_reversed": lazy_gettext("The last day lies before the first one. Check both."),
    "letter_in_future": lazy_gettext("The letter is dated later than today. Check its date."),
    "id_expected": lazy_gettext("Choose one from the list."),
    "mode_unknown": lazy_gettext("Choose Plh. or Plt."),
    "attested_already": lazy_gettext("You have attested this already."),
    "assignment_ended": lazy_gettext("Your role has ended in the meantime. Log in again."),
    "dossier_unknown": lazy_gettext("There is no such dossier, or you may not read it."),
    "attachment_stays": lazy_gettext(
        "An attachment stays when its explanation is given. Before that, whoever sent it withdraws it."
    ),
    "version_unknown": lazy_gettext("This dossier has no such document. Load the page again."),
    # state
    "dossier_sealed": lazy_gettext("The dossier is archived: nothing in it changes any more."),
    "dossier_cancelled": lazy_gettext("The dossier was cancelled: nothing in it changes any more."),
    "dossier_full": lazy_gettext("This dossier takes no more documents. Go on with its steps."),
    "step_finished": lazy_gettext("This step is finished already. Load the page again."),
    "step_waiting": lazy_gettext("This step has not started: the steps before it are not finished."),
    "outputs_missing": lazy_gettext("The step still lacks its output. Upload the documents that are named as missing."),
    "inputs_missing": lazy_gettext(
        "Required inputs are missing. Tick that you go on with the gap, or wait for what is missing."
    ),
    "documents_changed": lazy_gettext("The documents have changed since you looked. Look again, then decide."),
    "documents_damaged": lazy_gettext(
        "A stored document is damaged. Nothing was archived; tell the administrator at once."
    ),
    "reason_missing": lazy_gettext("Say why: a reason is needed."),
    "deviation_explained": lazy_gettext("This deviation was explained already."),
    "explanation_accepted": lazy_gettext("The explanation of this deviation was accepted already."),
    "explanation_changed": lazy_gettext("There is a newer explanation than the one that you read. Read it first."),
    "nothing_to_accept": lazy_gettext("There is no explanation that waits for an answer."),
    "not_acceptor": lazy_gettext("Explanations of this deviation are accepted by another role than yours."),
    "own_explanation": lazy_gettext("Nobody accepts their own explanation. Another person does."),
    "not_pause_granter": lazy_gettext("The clock of this step is stopped by another role than yours."),
    "own_pause": lazy_gettext("Nobody stops the clock of their own step. Another person does."),
    "pause_open": lazy_gettext("This step is paused already. End that pause first."),
    "pause_outside": lazy_gettext(
        "A pause begins after the step did, and neither its begin nor its end is later than now."
    ),
    "pause_backwards": lazy_gettext("A pause ends after it began. Check both times."),
    "pause_over": lazy_gettext("This pause is over already."),
    "pause_unknown": lazy_gettext("There is no such pause. Load the page again."),
    "happened_in_future": lazy_gettext("That time is still to come. Give one in the past."),
    "answer_missing": lazy_gettext("A question of the SOP is not answered. Choose an answer."),
    "not_leader": lazy_gettext("An exception from the separation of duties is made by the head who approves."),
    "others_may": lazy_gettext("Another person with this role may perform the step. Hand it over to them."),
    "no_duty_conflict": lazy_gettext("That person may perform this step: no exception is needed."),
    "deviations_missing": lazy_gettext("Name the deviations that the finding rests on."),
    "plor_incomplete": lazy_gettext("Fill in problem, location, objective evidence and reference."),
    "finding_elsewhere": lazy_gettext("The finding has gone on meanwhile. Load the page again."),
    "auditors_own": lazy_gettext("This is the auditor's own to say."),
    "own_finding": lazy_gettext("Who answers for one of its deviations does not judge a finding."),
    "not_pic": lazy_gettext("The person in charge of the action, or an auditor, says that it is done."),
    "calendar_same": lazy_gettext("The verdicts of this dossier were given by the newest calendar already."),
    "version_withdrawn": lazy_gettext("This version was withdrawn already."),
    "version_submitted": lazy_gettext("This version was submitted in an earlier round and stays. Send a new version."),
    "bundle_not_ready": lazy_gettext("The bundle is not ready yet. Try again in a moment."),
    # indicators
    "indicators_invalid": lazy_gettext("Nothing of it was taken. Mend what stands below and send it again."),
    "indicators_frozen": lazy_gettext("The results of the indicators are submitted: the list stays as it is."),
    "indicator_code": lazy_gettext("A code has 1 to 32 letters, digits, dots and dashes, such as IKU-1.2."),
    "indicator_twice": lazy_gettext("This code stands in another row too. Keep one of them."),
    "indicator_unknown": lazy_gettext("The list has no such indicator. Load the page again."),
    "indicator_not_taken": lazy_gettext("Documents of this step belong to no indicator."),
    "too_many_indicators": lazy_gettext("A dossier lists 200 indicators at most."),
    "person_unknown": lazy_gettext("Nobody is called like that. Give a log-in, or a name as it is registered."),
    "person_ambiguous": lazy_gettext("Several people are called like that. Give the log-in."),
    "not_contributor": lazy_gettext(
        "You send and withdraw documents for the indicators that you are in charge of alone."
    ),
    "achievement_missing": lazy_gettext("Say what was achieved. The other fields may stay empty."),
    "result_empty": lazy_gettext("Nothing was filled in. Fill in a field."),
    "table_empty": lazy_gettext("The table is empty. Fill in the template and send that."),
    "table_encoding": lazy_gettext("Save the table as XLSX or as CSV UTF-8, and send it again."),
    "table_unreadable": lazy_gettext("The table cannot be read. Save it as XLSX again and send that."),
    "table_too_large": lazy_gettext("The table is too large. Send only the list of indicators."),
    "column_missing": lazy_gettext("This column is missing. See the template."),
    "column_unknown": lazy_gettext("There is no such column. See the template."),
    "column_twice": lazy_gettext("This column is there twice. Keep one."),
    # search and samples
    "query_empty": lazy_gettext("Type a word or a number to search for."),
    "query_too_long": lazy_gettext("Search for at most 8 words at a time."),
    "size_out_of_range": lazy_gettext("Draw 1 to 150 dossiers."),
    "seed_malformed": lazy_gettext("A seed has 1 to 64 letters without accents, digits, dots, dashes and underscores."),
    "population_empty": lazy_gettext("No dossier fits. Choose less, or nothing for all."),
    "population_too_large": lazy_gettext("More than 200,000 dossiers fit. Choose work units or quarters."),
    "filter_too_wide": lazy_gettext("Choose at most 40 work units and 16 quarters, or none for all."),
    "sample_of_another": lazy_gettext("Whoever drew a sample looks through it. Draw one of your own."),
    "sample_unknown": lazy_gettext("There is no such sample, or this dossier was not drawn."),
    "evidence_unknown": lazy_gettext("This unit has no such dossier, document or record."),
    # files
    "file_missing": lazy_gettext("Choose a file first."),
    "file_empty": lazy_gettext("The file is empty. Look at it on your computer and send it again."),
    "file_too_large": lazy_gettext("The file is too large."),
    "request_entity_too_large": lazy_gettext(
        "That is more than this form takes. Turn on JavaScript for large files, or send a smaller one."
    ),
    "file_name_refused": lazy_gettext(
        "The file's name cannot be kept. Rename it with letters, digits, spaces, - and _ and send it again."
    ),
    "kind_not_accepted": lazy_gettext("The step does not take files of this type. See which types it takes."),
    "kind_unknown": lazy_gettext(
        "Nobody could tell what is in the file in some decades. Save it as one of the types that the step takes."
    ),
    "extension_mismatch": lazy_gettext(
        "The end of the file's name does not fit what is in it. Give it its right name and send it again."
    ),
    "executable": lazy_gettext("The file holds a program or macros. Save it without them and send it again."),
    "pdf_broken": lazy_gettext("The PDF is damaged or cut off. Save or print it as PDF again and send that."),
    "pdf_active": lazy_gettext("The PDF starts a program by itself. Print it to a new PDF and send that."),
    "pdf_password": lazy_gettext("The PDF is locked with a password. Save it without one and send it again."),
    "office_password": lazy_gettext("The file is locked with a password. Save it without one and send it again."),
    "office_broken": lazy_gettext("The Office file is damaged or cut off. Open it, save it again and send that."),
    "image_broken": lazy_gettext("The image is damaged or cut off. Scan or save it again."),
    "image_too_large": lazy_gettext("The image has more than 200 megapixels. Scan it at 300 dpi."),
    "archive_bomb": lazy_gettext("The file unpacks to far more than it should. Save it again without large parts."),
    "too_many_documents": lazy_gettext("The step takes no more documents of this kind. Send a new version of one."),
    "kind_not_taken": lazy_gettext("The step does not take this kind of document."),
    "form_field_missing": lazy_gettext("A field of the form that must be filled in is empty. Fill it in."),
    "form_field_unknown": lazy_gettext("The form has changed in the meantime. Load the page again."),
    "form_unknown": lazy_gettext("There is no such form at this step. Upload a document instead."),
    "paper_place_of_nothing": lazy_gettext("Leave the place empty where there is no original on paper."),
    "paper_choice_missing": lazy_gettext("Say whether there is an original on paper: yes or no."),
    "papers_full": lazy_gettext("This dossier takes no more records of papers until it is archived."),
    "document_unknown": lazy_gettext("This dossier has no such document. Load the page again."),
    "receipt_fields_missing": lazy_gettext("Say where the report went: application, address and number."),
    "uploads_busy": lazy_gettext("Many uploads are under way. Try again in a moment."),
    # passkeys
    "passkeys_unavailable": lazy_gettext(
        "Passkeys need a secure address (https) with a name, not a number; this service has none yet. Ask the administrator."
    ),
    "passkeys_unsupported": lazy_gettext(
        "This browser knows no passkeys here. Use another browser, or another device."
    ),
    "passkey_cancelled": lazy_gettext("Nothing was signed. Try again, and confirm on your device."),
    "password_refused": lazy_gettext("The password is not right. Type it again."),
    "script_needed": lazy_gettext("A passkey needs JavaScript. Allow it for this page, or use another browser."),
    "passkey_needed": lazy_gettext(
        "You have a passkey: sign the decision with it. It needs JavaScript in this browser."
    ),
    "passkey_missing": lazy_gettext("You have no passkey any more. Load the page again."),
    "passkey_elsewhere": lazy_gettext(
        "Your passkeys belong to another address of this service. Revoke them, and register one here."
    ),
    "passkey_known": lazy_gettext("This passkey is registered already. Make a new one."),
    "passkey_refused": lazy_gettext(
        "The service cannot take this passkey. Register again, and confirm with fingerprint or PIN."
    ),
    "passkey_unknown": lazy_gettext("You have no such passkey. Load the page again."),
    "too_many_passkeys": lazy_gettext("You have ten passkeys. Revoke one that you do not use any more first."),
    "preparation_expired": lazy_gettext("This waited longer than ten minutes, or was used already. Begin again."),
    "decision_changed": lazy_gettext("The dossier changed while you signed. Look again, and sign anew."),
    "assertion_refused": lazy_gettext(
        "The signature cannot be taken. Sign again, and confirm with fingerprint or PIN."
    ),
    # the second factor, links, other log-ins
    "login_expired": lazy_gettext("This took too long, or too many tries. Log in again."),
    "login_cancelled": lazy_gettext("Nothing was confirmed. Try again, or log in with your password."),
    "code_refused": lazy_gettext("The code is not right, or was used already. Wait for the next one and type it."),
    "passkey_login_refused": lazy_gettext(
        "This passkey cannot log you in. Use one that you registered here, or your password."
    ),
    "second_factor_due": lazy_gettext("Your role needs a second factor. Set one first."),
    "second_factor_set": lazy_gettext("An authenticator app is set already. Remove it first."),
    "second_factor_missing": lazy_gettext("There is no authenticator app. Load the page again."),
    "enrolment_missing": lazy_gettext("No authenticator app waits for its first code. Begin again."),
    "totp_key_wrong": lazy_gettext("Codes cannot be checked now. Tell the administrator."),
    "link_dead": lazy_gettext("This link was used, has expired or was replaced by a newer one. Ask for another."),
    "no_mail": lazy_gettext("This service sends no mail. Ask the administrator for a link."),
    "mail_missing": lazy_gettext("Set a mail address first."),
    "mail_verified": lazy_gettext("Your mail address is verified already."),
    "session_unknown": lazy_gettext("There is no such session any more. Load the page again."),
    "token_unknown": lazy_gettext("There is no such token any more. Load the page again."),
    "identity_unknown": lazy_gettext("There is no such link any more. Load the page again."),
    "account_linked": lazy_gettext("This account is linked already, to your log-in or to another one."),
    "access_ended": lazy_gettext("Your access has ended. Ask the administrator for more time."),
    "access_not_begun": lazy_gettext("Your access has not begun yet. Log in from its first day on."),
    "oidc_unavailable": lazy_gettext(
        "The institution's log-in does not answer. Log in with your password, or try again later."
    ),
    "oidc_refused": lazy_gettext("The institution's log-in did not succeed. Begin again."),
    "oidc_unknown": lazy_gettext(
        "This account is linked to no log-in here. Log in with your password and link it on the page of your account, or ask the administrator."
    ),
    # the machine
    "bad_request": lazy_gettext("The sending was cut off; nothing was kept. Send it again."),
    "not_found": lazy_gettext("There is no such page."),
    "method_not_allowed": lazy_gettext("This page cannot be opened like that. Go back to the start."),
    "internal_error": lazy_gettext(
        "Something went wrong on our side; nothing was recorded. Try again, and tell the administrator if it stays."
    ),
    "clock_behind": lazy_gettext("The server's clock is wrong. Nothing is recorded until the administrator sets it."),
    # administration
    "own_validity": lazy_gettext("Somebody else limits your own log-in: you could lock yourself out."),
    "own_second_factor": lazy_gettext("Take your own app away on the page of your log-in, with your password."),
    "not_confirmed": lazy_gettext("Tick that the role ends now, then send the form again."),
    "work_unit_exists": lazy_gettext("A work unit has this code already. Choose another."),
    "work_unit_unknown": lazy_gettext("There is no such work unit. Load the page again."),
    "key_expected": lazy_gettext("A code has small letters, digits, hyphen, dot or underscore, 64 at most."),
    "role_unknown": lazy_gettext("No registered SOP has this role. Choose one from the list."),
    "assignment_exists": lazy_gettext("The person holds this role in this unit in that time already."),
    "last_administrator": lazy_gettext("This is the last administrator. Give somebody else the role first."),
    "login_taken": lazy_gettext("This log-in is taken. Choose another."),
    "user_unknown": lazy_gettext("There is no such log-in. Load the page again."),
    "webhook_unknown": lazy_gettext("There is no such webhook. Load the page again."),
    "webhooks_full": lazy_gettext("There are twenty webhooks already. Remove one first."),
    "job_unknown": lazy_gettext("There is no such job. Load the page again."),
    "job_not_failed": lazy_gettext("This job was not given up: it is done, or is tried again by itself."),
    "definition_unknown": lazy_gettext("There is no such version."),
    "definition_missing": lazy_gettext("Choose a file, or paste the text."),
    "not_utf8": lazy_gettext("This file is no text in UTF-8. Save it as UTF-8 and choose it again."),
    "version_exists": lazy_gettext("This version is registered with other content. Give the change the next number."),
    "nothing_chosen": lazy_gettext("Tick at least one unit and procedure."),
    "due_in_past": lazy_gettext("That day is over. Choose one to come."),
    "obligation_unknown": lazy_gettext("There is no such obligation. Load the page again."),
    "obligation_withdrawn": lazy_gettext("This obligation was withdrawn already."),
    "obligation_due": lazy_gettext("Its day has passed: what was not carried out is explained, not withdrawn."),
}
"""What a person meets who works with the pages; what is not here keeps the error's own English sentence."""


def sentence_for(code: str, detail: str = "") -> str:
    """The sentence for an error's code in the page's language; ``detail`` when there is none."""
    return str(SENTENCES[code]) if code in SENTENCES else detail or code
