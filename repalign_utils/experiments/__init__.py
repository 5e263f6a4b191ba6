"""What the sections run, as plain functions: no notebook is needed to call them.

- `compared`: networks of files, and those that recipes train (section 06)
- `representations`: weights of networks, and their features (section 06)
- `class_tasks`: alignment and linear models on tasks between classes (06 and 07)
- `domain_task`: one task in three domains, drawn or in files (08)
- `prediction`: sources and targets of images, of families and domains (13)
- `transfer`: fine-tuning, its learning curve, and parts of an image set (07, 08, 13)
- `levels`: many networks trained together, each up to the same loss (section 12)
- `snapshots`: a training's weights on its way, with layers frozen (10 and 11)
"""

from .._extras import need

need("torch", "torch")
