from .caruana import PEAKS as PEAKS
from .caruana import peaks as peaks
from .caruana import peaks_renamings as peaks_renamings
from .caruana import peaks_task as peaks_task
from .caruana import shared_roles as shared_roles
from .images import NAMES as NAMES
from .images import procedural_images as procedural_images
from .phantom import ct_phantom as ct_phantom
