"""Names of keys that lead to one key, to two, and to three; and one that leads nowhere."""

from functools import cache

from kmslab import figures
from kmslab.course import clinic


@cache
def one_name() -> figures.Picture:
    key = clinic(until="05")[0].create_cmk("a")
    return figures.names((key.lab, key.id))


@cache
def names_in_two_accounts() -> figures.Picture:
    lab, the_clinic = clinic(until="05")
    busan, folder = the_clinic.hospital_in_busan(), the_clinic.forgotten_key().folders[0]
    key = lab.cmk("alias/archive")
    alias_arn = key.arn.replace(f"key/{key.id}", "alias/archive")
    asked = [(lab, folder), (lab, "alias/archive"), (busan, "alias/archive")]
    return figures.names(*asked, (busan, alias_arn), (busan, key.arn), (busan, folder))


@cache
def longest_names() -> figures.Picture:
    lab = clinic(until="05")[0].region("ap-southeast-2")
    keys = [lab.create_cmk("W" * 250), lab.create_cmk(), lab.create_cmk()]
    blob = keys[1].encrypt(b"\0" * 4096)
    alias_arn = keys[0].arn.replace(f"key/{keys[0].id}", "alias/" + "W" * 250)
    asked = [(lab, alias_arn), (lab, keys[0].arn), (lab, blob), (lab, keys[2].id)]
    return figures.names(*asked, (lab, "alias/nobody"), (lab.account("999988887777"), alias_arn))


DRAWINGS = [one_name, names_in_two_accounts, longest_names]
