from ._cka import cka as cka
