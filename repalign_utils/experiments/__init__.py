"""What the sections run, as plain functions: no notebook is needed to call them.

- `sweeps`: one setting of network and training at a time (section 03)
- `compared`: networks of files, and those that recipes train (section 06)
- `representations`: pretrained networks and what they compete with (section 06)
- `class_tasks`: alignment and linear models on tasks between classes (06 and 07)
- `source_tasks`: one task of many learnt, and linear models on all others (section 05)
- `domain_task`: one task in three domains, drawn or in files (08)
- `transfer`: fine-tuning, its learning curve, and parts of an image set (07, 08, 13)
- `levels`: many networks trained together, each up to the same loss (section 12)
- `snapshots`: a training's weights on its way, with layers frozen (10 and 11)
"""

from .._extras import need

need("torch", "torch")
