"""The story's scenes and people: a small records office in Seoul, lesson by lesson.

Start with `clinic.py`, which builds what the earlier lessons have made. The other modules each hold
one scene: the staff and their January, the sealed archive, a stolen laptop, a workshop's mistake.
"""
