"""How fast KoCLIP is, beside what else one could run: `python -m koclip benchmark`.

Engines run in processes of their own and take turns (`worker`, `runner`); a suite decides what they
do and yields rows of `results`; `report` keeps them, `tables` and `chart` show them.
"""
