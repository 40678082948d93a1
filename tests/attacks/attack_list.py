"""The attack list: each attack, the tests that make its damage, the discrepancy that they name, and what is needed from outside.

Damage shows in four places: a bundle (``archive-service verify``), database and store (``log audit``), the published log (``log verify``), the
sequencer when it starts. A test says which by where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

EVIDENCE = "tests/attacks/test_evidence.py"
ARCHIVE = "tests/attacks/test_archive.py"
REPACKED = "tests/verifier/test_verify.py::test_a_change_under_a_consistent_bag_is_found"
FORGED = "tests/verifier/test_verify.py::test_a_breach_of_the_rules_signed_with_the_real_key_is_found"
NAMES = "tests/verifier/test_verify.py::test_tricks_of_names_are_found"
RULES = "tests/verifier/test_attacks.py::test_a_broken_rule_is_found_by_its_name"
LOG = "tests/verifier/test_log_directory.py::test_each_damage_has_its_name"
AUDIT = f"{ARCHIVE}::test_the_audit_names_what_was_done_behind_the_services_back"
JSON = f"{EVIDENCE}::test_json_written_otherwise_is_no_event"
RESIGNED = f"{EVIDENCE}::test_an_event_that_breaks_its_chain_or_authority_is_found"
ELSEWHERE = "tests/verifier/test_log_directory.py::test_a_log_rewritten_with_the_real_key_is_found_by_a_checkpoint_kept_elsewhere"
ATTESTED = "tests/verifier/test_attestation.py::test_each_attack_is_named"
MERKLE = "tests/domain/test_merkle.py"

NOTHING = "—"
PINNED = "the pinned log key"
OLDER = "a checkpoint kept elsewhere"
POLICY = "a witness policy"


@dataclass(frozen=True)
class Listed:
    """One attack of the list."""

    attack: str
    tests: tuple[str, ...]
    discrepancy: str
    outside: str = NOTHING


def _listed(attack: str, discrepancy: str, *tests: str, outside: str = NOTHING) -> Listed:
    return Listed(attack, tests, discrepancy, outside)


ATTACKS: tuple[Listed, ...] = (
    # events
    _listed(
        "edit an event",
        "chain_broken",
        f"{AUDIT}[edit]",
        f"{REPACKED}[event with other bytes]",
        f"{LOG}[event edited, re-signed]",
    ),
    _listed(
        "insert an event",
        "event_not_in_tree",
        f"{AUDIT}[insert]",
        f"{LOG}[event replayed, re-signed]",
        f"{RULES}[one place twice]",
    ),
    _listed(
        "delete an event",
        "leaf_differs, chain_broken, seq_differs",
        f"{AUDIT}[delete]",
        f"{REPACKED}[middle event dropped]",
        f"{LOG}[event deleted, re-signed]",
    ),
    _listed(
        "swap events",
        "event_row_differs, seq_differs",
        f"{AUDIT}[exchange]",
        f"{REPACKED}[events swapped]",
        f"{LOG}[events swapped, re-signed]",
    ),
    _listed("reorder events", "leaf_order", f"{AUDIT}[reorder]", f"{RULES}[order of the tree]"),
    _listed(
        "an event with its bundle and level-0 tile together",
        "root_differs, checkpoint_differs",
        f"{LOG}[entry and leaf edited together]",
        f"{AUDIT}[edit with bundle and tile]",
        outside=PINNED,
    ),
    _listed(
        "truncate the tail",
        "kept_checkpoint_differs, log_shrunk",
        f"{AUDIT}[truncate]",
        f"{ARCHIVE}::test_a_database_restored_from_a_backup_signs_nothing",
        f"{ARCHIVE}::test_a_roll_back_of_everything_is_found_by_a_later_checkpoint",
        outside=f"{OLDER}, when the store was cut too",
    ),
    # the log as a whole
    _listed(
        "an old valid checkpoint",
        "log_shrunk",
        f"{EVIDENCE}::test_an_old_valid_checkpoint_is_found_by_a_newer_one",
        f"{EVIDENCE}::test_an_old_checkpoint_does_not_cover_the_dossier",
        f"{ARCHIVE}::test_an_old_checkpoint_under_a_later_name_does_not_hide_the_newest",
        outside=OLDER,
    ),
    _listed(
        "a fork at the same size",
        "no_prefix",
        f"{EVIDENCE}::test_a_fork_at_the_same_size_is_found_by_a_checkpoint_kept_elsewhere",
        outside=OLDER,
    ),
    _listed(
        "the whole log re-signed with the real key",
        "no_prefix",
        ELSEWHERE,
        f"{ARCHIVE}::test_a_history_rewritten_with_the_real_key_is_found_by_an_earlier_checkpoint",
        outside=OLDER,
    ),
    _listed(
        "attacker key with the same name",
        "checkpoint_unsigned, checkpoint_foreign",
        f"{LOG}[checkpoint by another key]",
        f"{ARCHIVE}::test_a_checkpoint_by_another_key_of_the_same_name_signs_nothing",
        "tests/services/test_log.py::test_another_log_key_is_noticed_before_signing",
        outside=PINNED,
    ),
    _listed(
        "attacker key with the same key id",
        "checkpoint_invalid",
        f"{EVIDENCE}::test_another_key_under_the_real_ones_name_and_id_signs_nothing",
        outside=PINNED,
    ),
    # places
    _listed(
        "event replayed into another stream",
        "wrong_stream, id_twice, event_row_differs",
        f"{RULES}[fixity of another dossier]",
        f"{RULES}[events of another dossier]",
        f"{AUDIT}[replay]",
        f"{LOG}[event replayed, re-signed]",
    ),
    _listed(
        "event replayed into another log",
        "origin_differs",
        f"{RULES}[registration of another log]",
        f"{LOG}[another log's event]",
        f"{AUDIT}[event of another log]",
    ),
    _listed(
        "duplicate event id", "id_twice", f"{RULES}[one id twice]", f"{LOG}[id of another event]", f"{AUDIT}[id twice]"
    ),
    _listed("seq gap", "seq_differs", f"{RESIGNED}[sequence leaps]", f"{LOG}[event deleted, re-signed]"),
    _listed("seq repeat", "seq_twice", f"{RULES}[one place twice]"),
    _listed("prev to a real but wrong event", "chain_broken", f"{RESIGNED}[previous is another event]"),
    _listed(
        "chain element missing from the tree",
        "proof_missing, event_not_in_tree",
        f"{RULES}[no proof]",
        f"{AUDIT}[leaf left out]",
    ),
    _listed(
        "proof with wrong index",
        "proof_invalid, not_in_log",
        f"{REPACKED}[proof of another index]",
        f"{RULES}[place of the tree]",
    ),
    _listed(
        "proof with wrong size",
        "tree_size_differs",
        f"{REPACKED}[proof size changed]",
        f"{RULES}[checkpoint of another size]",
    ),
    _listed(
        "proof with extra hash",
        "not_in_log",
        f"{REPACKED}[proof lengthened]",
        f"{MERKLE}::test_an_inclusion_proof_that_fails_says_why",
    ),
    _listed(
        "proof with missing hash",
        "not_in_log",
        f"{REPACKED}[proof cut]",
        f"{MERKLE}::test_an_inclusion_proof_that_fails_says_why",
    ),
    _listed(
        "leaf/node confusion", "the proof leads to another root", f"{MERKLE}::test_a_leaf_is_never_taken_for_a_node"
    ),
    _listed(
        "empty tree",
        "tree_size_differs, log_shrunk",
        f"{EVIDENCE}::test_an_empty_tree_holds_no_dossier",
        f"{MERKLE}::test_proofs_outside_the_tree_are_refused",
        outside=f"{OLDER}, for a log without its kept checkpoints",
    ),
    # forms
    _listed("unknown version", "event_invalid", f"{REPACKED}[event of another version]"),
    _listed("unknown type", "event_invalid", f"{REPACKED}[event of an unknown type]"),
    _listed(
        "unknown algorithm",
        "a key that is none",
        f"{EVIDENCE}::test_a_key_of_another_algorithm_is_no_key_of_a_log[4]",
        f"{EVIDENCE}::test_a_key_of_another_algorithm_is_no_key_of_a_log[127]",
    ),
    # authority
    _listed(
        "an actor whose assignment had ended",
        "assignment_not_in_force, head_stale",
        f"{FORGED}[assignment had ended]",
        f"{RULES}[act after the end]",
        f"{RULES}[revocation hidden]",
    ),
    _listed(
        "an actor whose assignment was never made",
        "assignment_unknown",
        f"{FORGED}[assignment never made]",
        f"{RULES}[assignment that never was]",
    ),
    _listed(
        "an actor whose assignment belongs to another person",
        "assignment_unknown",
        f"{RESIGNED}[another person's assignment]",
    ),
    # what is stored
    _listed(
        "an evidenced column that disagrees with its events",
        "column_differs",
        f"{AUDIT}[column changed]",
        "tests/services/test_audit.py::test_a_changed_value_in_any_evidenced_column_is_found",
        "tests/services/test_audit.py::test_a_dropped_row_is_found",
    ),
    _listed(
        "document bytes changed",
        "document_damaged, object_damaged, object_unlocated",
        f"{REPACKED}[document changed]",
        f"{RULES}[document of other bytes]",
        f"{AUDIT}[document changed]",
        f"{AUDIT}[document and its place changed]",
    ),
    _listed(
        "a newer object version shadowing the recorded one",
        "object_shadowed",
        "tests/services/test_on_s3.py::test_a_newer_version_over_a_recorded_one_is_found_and_never_read",
    ),
    _listed(
        "opening swapped",
        "opening_differs",
        f"{REPACKED}[openings swapped]",
        f"{RULES}[another name]",
        f"{AUDIT}[openings swapped]",
    ),
    _listed("salt swapped", "opening_differs", f"{RULES}[another salt]", f"{AUDIT}[openings swapped]"),
    _listed(
        "erasure without its event",
        "opening_missing, redacted",
        f"{AUDIT}[erased without an event]",
        "tests/verifier/test_verify.py::test_taking_openings_out_is_a_redaction_and_not_a_forgery",
    ),
    # bytes
    *(
        _listed(f"JSON trick: {words}", "event_invalid", f"{JSON}[{name}]")
        for words, name in (
            ("duplicate keys", "duplicate keys"),
            ("order", "order"),
            ("white space", "white space"),
            ("escapes", "escapes"),
            ("2^53+1", "2^53+1"),
            ("1.0", "1.0"),
            ("-0", "-0"),
            ("NaN", "NaN"),
            ("lone surrogate", "lone surrogate"),
            ("BOM", "byte order mark"),
        )
    ),
    _listed(
        "JSON trick: NFD",
        "opening_differs",
        f"{EVIDENCE}::test_text_in_another_normal_form_opens_no_commitment_and_is_not_the_event",
        "tests/domain/test_canonical.py::test_text_that_is_not_nfc_is_refused_when_writing_only",
    ),
    _listed(
        "base64 tricks",
        "checkpoint_invalid",
        f"{EVIDENCE}::test_base64_written_otherwise_signs_nothing[bits that are passed over]",
        f"{EVIDENCE}::test_base64_written_otherwise_signs_nothing[letters of URLs]",
    ),
    _listed(
        "line-ending tricks",
        "event_invalid, checkpoint_invalid, keys_invalid",
        f"{EVIDENCE}::test_lines_that_end_otherwise_are_found[events with CRLF]",
        f"{EVIDENCE}::test_lines_that_end_otherwise_are_found[checkpoint with CRLF]",
        f"{EVIDENCE}::test_lines_that_end_otherwise_are_found[keys with CRLF]",
    ),
    _listed(
        "bad lengths",
        "entries_invalid, container_damaged",
        f"{LOG}[bundle length lies]",
        "tests/verifier/test_flips.py::test_a_length_that_is_not_true_gives_a_report",
        f"{EVIDENCE}::test_base64_written_otherwise_signs_nothing[a byte less]",
    ),
    _listed(
        "trailing bytes",
        "entries_invalid, container_damaged, event_invalid",
        f"{LOG}[bundle with a tail]",
        "tests/verifier/test_flips.py::test_added_bytes_are_invalid",
        f"{JSON}[trailing byte]",
    ),
    _listed("tile path tricks", "no such tile", "tests/domain/test_tiles.py::test_any_other_text_names_none"),
    # containers
    _listed("ZIP trick: ../", "container_damaged", f"{NAMES}[path out of the bundle]"),
    _listed("ZIP trick: absolute", "container_damaged", f"{NAMES}[absolute path]"),
    _listed(
        "ZIP trick: symlink",
        "container_damaged",
        f"{EVIDENCE}::test_a_container_of_another_making_is_refused_soon[symlink]",
    ),
    _listed("ZIP trick: duplicate names", "container_damaged", f"{NAMES}[same name twice]"),
    _listed("ZIP trick: case-fold names", "container_damaged", f"{NAMES}[same name in other case]"),
    _listed(
        "ZIP trick: unlisted file",
        "file_extra",
        f"{EVIDENCE}::test_a_file_that_no_manifest_lists_is_found",
        f"{REPACKED}[extra document]",
    ),
    _listed("ZIP trick: slack", "container_damaged", f"{EVIDENCE}::test_slack_between_files_is_found"),
    _listed(
        "ZIP trick: bomb",
        "container_damaged",
        f"{EVIDENCE}::test_a_container_of_another_making_is_refused_soon[deflated_bomb]",
    ),
    # time
    _listed(
        "time going backwards in a stream",
        "time_backwards",
        f"{RULES}[time backwards]",
        f"{FORGED}[time goes backwards]",
    ),
    # wholes
    _listed(
        "export without a middle event",
        "entries_missing, chain_broken",
        f"{EVIDENCE}::test_an_export_without_its_last_event_or_its_middle_is_found",
        f"{REPACKED}[middle event dropped]",
        f"{AUDIT}[published entries gone]",
    ),
    _listed(
        "export without the last event",
        "entries_invalid, not_sealed",
        f"{EVIDENCE}::test_an_export_without_its_last_event_or_its_middle_is_found",
        f"{REPACKED}[last event dropped]",
    ),
    _listed(
        "the forger's own consistent bundle with the forger's key and verifier",
        "checkpoint_unsigned, other_key",
        "tests/verifier/test_verify.py::test_the_forgers_own_consistent_bundle_fails_under_the_pinned_key",
        f"{EVIDENCE}::test_the_forgers_own_verifier_is_named",
        outside=f"{PINNED}, and a verifier from elsewhere",
    ),
)

VOUCHED: tuple[Listed, ...] = (
    _listed(
        "0x01 presented as 0x04",
        "cosignature_invalid, quorum_missed",
        f"{ATTESTED}[0x01 presented as 0x04]",
        outside=POLICY,
    ),
    _listed("one witness counted twice", "quorum_missed", f"{ATTESTED}[one witness counted twice]", outside=POLICY),
    _listed(
        "future cosignature time", "cosignature_future", f"{ATTESTED}[a cosignature from the future]", outside=POLICY
    ),
    _listed(
        "altered cosignature time", "cosignature_invalid", f"{ATTESTED}[an altered cosignature time]", outside=POLICY
    ),
    _listed(
        "token over another checkpoint",
        "time_stamp_differs",
        "tests/verifier/test_attestation.py::test_a_token_over_another_checkpoint_from_the_future_or_damaged_is_named",
        outside="the authority's certificate, for `openssl ts -verify`",
    ),
    _listed(
        "token expired",
        "the printed `openssl ts -verify -attime` fails",
        "tests/services/test_time_stamps.py::test_a_token_outside_of_its_certificates_time_is_refused_by_the_command_that_is_printed",
        outside="the authority's certificate, for `openssl ts -verify`",
    ),
    _listed(
        "a dossier rewritten with on-time stamps before sealing",
        "time_contradicts_attestation",
        "tests/services/test_vouching.py::test_a_dossier_rewritten_with_on_time_stamps_before_sealing_is_caught",
        f"{ATTESTED}[on-time stamps, written long after]",
        outside=POLICY,
    ),
)

NAMED = frozenset(
    """edit an event; insert an event; delete an event; swap events; reorder events; an event with its bundle and level-0 tile together;
    truncate the tail; an old valid checkpoint; a fork at the same size; the whole log re-signed with the real key; attacker key with the same
    name; attacker key with the same key id; 0x01 presented as 0x04; one witness counted twice; future cosignature time; altered cosignature
    time; event replayed into another stream; event replayed into another log; duplicate event id; seq gap; seq repeat; prev to a real but
    wrong event; chain element missing from the tree; proof with wrong index; proof with wrong size; proof with extra hash; proof with missing
    hash; leaf/node confusion; empty tree; unknown version; unknown type; unknown algorithm; an actor whose assignment had ended; an actor whose
    assignment was never made; an actor whose assignment belongs to another person; an evidenced column that disagrees with its events; document
    bytes changed; a newer object version shadowing the recorded one; opening swapped; salt swapped; erasure without its event; JSON trick:
    duplicate keys; JSON trick: order; JSON trick: white space; JSON trick: escapes; JSON trick: 2^53+1; JSON trick: 1.0; JSON trick: -0; JSON
    trick: NaN; JSON trick: lone surrogate; JSON trick: BOM; JSON trick: NFD; base64 tricks; line-ending tricks; bad lengths; trailing bytes; tile
    path tricks; ZIP trick: ../; ZIP trick: absolute; ZIP trick: symlink; ZIP trick: duplicate names; ZIP trick: case-fold names; ZIP trick:
    unlisted file; ZIP trick: slack; ZIP trick: bomb; time going backwards in a stream; token over another checkpoint; token expired; a dossier
    rewritten with on-time stamps before sealing; export without a middle event; export without the last event; the forger's own consistent
    bundle with the forger's key and verifier""".replace("\n    ", " ").split("; ")
)
"""Every attack that was named when the evidence was planned."""
