from ._canonical import CCA as CCA
from ._cca import cca as cca
from ._cca import pwcca as pwcca
from ._cca import svcca as svcca
from ._cka import cka as cka
