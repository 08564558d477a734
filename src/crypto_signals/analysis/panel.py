"""Bars as columns: one instrument's `Series`, many instruments' `Panel`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
