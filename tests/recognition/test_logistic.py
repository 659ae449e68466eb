import numpy as np

from signtalk.recognition.logistic import Logistic


def test_confidence_is_the_logistic_of_the_weighed_sum() -> None:
    rule = Logistic((1.0, 2.0), -0.5, (0.5, 1.0), (0.1, 0.5))
    found = rule.confidences(np.array([[0.6, 0.5], [np.nan, 1.0], [9.0, 1.0]]))
    logits = np.array([1 * 1 + 2 * -1 - 0.5, -0.5, 1 * 2 - 0.5])  # unknown is typical; far above counts as 2 spreads
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)))
