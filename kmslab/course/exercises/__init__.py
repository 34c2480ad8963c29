"""The exercises: for each a function that checks the learner's functions, one module a lesson.

`checking.py` has `check`, which a lesson calls, `hinting.py` has `hint`, and `answers.py` calls the
learner's functions. How to write an exercise, `05-rescue` for example:

1. *The check*, a function in `lesson_05.py` with a row in `EXERCISES` below. It takes the clinic
   and the learner's functions in the cell's order. First `require_bodies(functions, …)`, which
   refuses *not written* and *half written* in different words; then call them with
   `result_of(function, …)`, which has the messages for a forgotten `return` and for errors. Raise
   `Wrong("what, and why it matters")` at the first thing that is wrong; return the praise. Check
   what the functions achieve (does it open? does it stay shut?) and never how they are written, so
   that reading the check gives no answer away. Set each state that you need: the learner may have
   left any. Restore nothing: `check` runs you in `lab.rehearsal()`, after which keys, trail and
   clock are as they were.
2. *The hints and another way*, in `hints/05.toml`: about three hints, from "what is asked?" to "the
   line begins with"; in `second` another right answer that teaches something, as words and code.
3. *The cells*, in the lesson. A stub with the tag `exercise:05-rescue`: functions whose only line
   is `raise NotImplementedError`. Then a cell with these two lines:

       check("05-rescue", clinic, rescue)
       hint("05-rescue", 0)  # stuck? 1, 2 or 3

4. *The course's own version*, in `course/program/courses/exercise_05_rescue.py`: the functions as
   plain Python, which stand in for the learner's in later lessons (`from clinic_program import …`).
   After a pass, `check` keeps the learner's functions with the helpers, constants and imports that
   they use; so a function takes what it works with as its arguments, and not the lesson's `lab`.
5. *The answers*, in `tests/solutions/05-rescue.toml`: right ones, and each wrong one that you can
   think of, by name, with the message that it gets and no other does. The tests run them all, and
   the second way, in the lesson itself.

What the checks' opponents share. A check is a thief, an auditor and a careless colleague:

    with recorded(lab) as calls: …     recording.py: operations, keys, and the secrets handed out
    with other_answers(lab): …         other_answers.py: is what the KMS answers used at all?
    with repeated_answers(lab, calls):     and is it more than compared?
    found_in(box, calls.secrets[0])    searching.py: "in base64", or "" (hex, reversed, halves, …)
    swapped, exchanged, damaged(box)   boxes.py: encrypted keys exchanged, bits flipped, bytes added
    with watched() as left: …          left_behind.py: what was printed, and written into files
    restarted([seal, unseal])          restarting.py: the program, without what it remembered
    with started_again([seal]) as …:   standing_still.py: … while clock and `random` stand still
    every_key.disable(lab, but=key)    every_key.py: is this key enough, and is it needed?
    fresh.record(), .key(lab), .person(lab), .held_by(person, key)    fresh.py: never met before
    sealing.seal(pair, …), opening.check_opens(pair, …)    the trials of a `seal` and its `unseal`
    refusing.check_lets_refusals_out(pair, file)   … where a right is missing or a key is off
    mixing.check_sealed_with_the_key(pair, one, two)       … with a box made of two
    may(person, "Decrypt", key, …)     permissions.py: what a policy allows, also in the worst case
    error_of(function, …)              answers.py: a refusal must reach the caller as an exception
    check_lets_out(lab, ["Decrypt"], function, …)     errors_come_out.py: … of each kind
"""

from collections.abc import Callable, Mapping

from kmslab.course.exercises import (
    bringing_back,
    lesson_00,
    lesson_01,
    lesson_01_seal,
    lesson_02,
    lesson_03,
    lesson_03_file,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
    lesson_09,
    lesson_10,
    lesson_11,
    lesson_11_validated,
    lesson_12_attacks,
    lesson_12_cache,
    lesson_12_log,
    lesson_12_policy,
    lesson_12_versions,
    lesson_13,
    lesson_13_anywhere,
    mending,
    policies,
    reading_at_night,
    rescuing,
    sharing_data_keys,
)

EXERCISES: Mapping[str, Callable[..., str]] = {
    "00-thief": lesson_00.check_thief,
    "00-search": lesson_00.check_search,
    "00-refused": lesson_00.check_refused,
    "01-which": lesson_01.check_which,
    "01-count": lesson_01.check_count,
    "01-seal": lesson_01_seal.check_seal,
    "02-note": lesson_02.check_note,
    "02-envelope": lesson_02.check_envelope,
    "02-folder": lesson_02.check_folder,
    "03-swap": lesson_03.check_swap,
    "03-other": lesson_03.check_other,
    "03-file": lesson_03_file.check_file,
    "04-genuine": lesson_04.check_genuine,
    "04-sign": lesson_04.check_sign,
    "04-forge": lesson_04.check_forge,
    "04-fingerprint": lesson_04.check_fingerprint,
    "05-whole-name": lesson_05.check_whole_name,
    "05-back-to-work": lesson_05.check_back_to_work,
    "05-rescue": rescuing.check_rescue,
    "06-older": lesson_06.check_older,
    "06-mend": mending.check_mend,
    "06-sheets": bringing_back.check_sheets,
    "07-lend": lesson_07.check_lend,
    "07-night": reading_at_night.check_night,
    "07-policy": policies.check_policy,
    "08-flood": lesson_08.check_flood,
    "08-choose": lesson_08.check_choose,
    "08-fair": lesson_08.check_fair,
    "09-kind": lesson_09.check_kind,
    "09-bill": lesson_09.check_bill,
    "09-pages": sharing_data_keys.check_pages,
    "10-letter": lesson_10.check_letter,
    "10-swap": lesson_10.check_swap,
    "10-both": lesson_10.check_both,
    "11-forge": lesson_11.check_forge,
    "11-passes": lesson_11.check_passes,
    "11-validated": lesson_11_validated.check_validated,
    "12-ecb": lesson_12_attacks.check_ecb,
    "12-nonce": lesson_12_attacks.check_nonce,
    "12-log": lesson_12_log.check_log,
    "12-replay": lesson_12_versions.check_replay,
    "12-policy": lesson_12_policy.check_policy,
    "12-cache": lesson_12_cache.check_cache,
    "13-client": lesson_13.check_client,
    "13-anywhere": lesson_13_anywhere.check_anywhere,
    "13-patient": lesson_13.check_patient,
}
