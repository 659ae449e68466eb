import numpy as np

from signtalk.synthetic.drawn_people import draw_person
from signtalk.synthetic.drawn_signs import draw_sign
from signtalk.synthetic.signing import perform_signs


def test_everybody_is_somebody_else_and_the_same_again() -> None:
    people = [draw_person(np.random.default_rng(seed)) for seed in range(300)]
    assert len({(person.body, person.camera, person.tempo) for person in people}) == len(people)
    again = draw_person(np.random.default_rng(7))
    assert (again.body, again.camera, again.tempo) == (people[7].body, people[7].camera, people[7].tempo)


def test_some_are_left_handed_and_some_trackers_know_no_depth() -> None:
    people = [draw_person(np.random.default_rng(seed)) for seed in range(400)]
    assert 20 < sum(person.left_handed for person in people) < 90
    assert 5 < sum(person.tracker.hand_depth == 0 for person in people) < 60


def test_most_bodies_stand_before_a_depth_camera_which_makes_nobody_smaller_for_being_far() -> None:
    people = [draw_person(np.random.default_rng(seed), "body") for seed in range(400)]
    skeletons = [person for person in people if person.tracker.is_skeleton]
    assert 270 < len(skeletons) < 360
    assert min(person.camera.distance for person in skeletons) > 100
    assert max(person.camera.distance for person in people if not person.tracker.is_skeleton) < 10
    assert not any(draw_person(np.random.default_rng(seed)).tracker.is_skeleton for seed in range(50))


def test_each_can_sign() -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        motion = perform_signs(draw_person(rng), [draw_sign(rng)], 20.0, rng)
        assert np.isfinite(motion.reach).all() and np.isfinite(motion.fingers).all()
