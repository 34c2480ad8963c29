"""The clinic, a small records office in Seoul: the scenes and the people that a lesson starts from.

Start with `clinic.py`: `clinic(until="04")` builds what the lessons before 04 have made, and each
scene is a method of `Clinic`. The modules behind it: `records.py` reads the table and the picture;
`stolen_laptop.py` is for lessons 00 and 01, `workshop_envelope.py` and `repeated_content.py` for
lesson 02, `archive.py` for lesson 05, `safe.py` for lesson 06, `staff.py` for lesson 07,
`flawed_portal.py` and `flawed_sealing.py`, which have planted flaws, for lesson 12.
"""
