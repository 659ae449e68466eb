"""The kinds of arrays that the package passes around; shapes stand in the docstrings of what takes and gives them."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
ImageArray = npt.NDArray[np.uint8]
