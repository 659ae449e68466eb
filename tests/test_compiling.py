import subprocess
import sys

import numba
import numpy as np

from signtalk.compiling import Compiled, compiled


@compiled(np.maximum.accumulate)
def running_maximum(values):
    """The largest value so far."""
    found = np.empty_like(values)
    largest = -np.inf
    for n in range(len(values)):
        largest = max(largest, values[n])
        found[n] = largest
    return found


def test_gives_what_the_plain_function_gives_and_keeps_its_name():
    values = np.random.default_rng(0).standard_normal(50)
    np.testing.assert_array_equal(running_maximum(values), np.maximum.accumulate(values))
    np.testing.assert_array_equal(running_maximum.plain(values), np.maximum.accumulate(values))
    assert running_maximum.__name__ == "running_maximum"
    assert running_maximum.__doc__ == "The largest value so far."


def test_works_where_the_result_cannot_be_kept(monkeypatch):
    real, asked = numba.njit, []

    def without_a_cache(**options):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(numba, "njit", without_a_cache)
    assert Compiled(running_maximum.plain, running_maximum.arrays)(np.array([1.0, 3.0, 2.0])).tolist() == [1, 3, 3]
    assert [options.get("cache", False) for options in asked] == [True, False]


def test_without_numba_the_array_form_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    asked = []
    loop = Compiled(running_maximum.plain, lambda values: asked.append(values) or np.maximum.accumulate(values))
    assert loop(np.array([1.0, 3.0, 2.0])).tolist() == [1, 3, 3]
    assert len(asked) == 1


def test_importing_what_is_compiled_does_not_load_numba():
    code = "import sys, signtalk.recognition.dtw, signtalk.recognition.ctc; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
