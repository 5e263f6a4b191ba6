from ._coding import trans_rate as trans_rate
from ._evidence import log_me as log_me
from ._separation import h_score as h_score
from ._source import leep as leep
from ._source import nce as nce
