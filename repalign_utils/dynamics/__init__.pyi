from ._distance import final_distance as final_distance
from ._equations import ALTERATIONS as ALTERATIONS
from ._fit import RateFit as RateFit
from ._fit import fit_rates as fit_rates
from ._theory import two_point_dynamics as two_point_dynamics
from ._trajectory import Trajectory as Trajectory
from ._trajectory import trajectory as trajectory
